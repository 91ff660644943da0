//! The program `trusted-publish`, run as a job would run it.

mod doctor;
mod exec;
mod output;
mod proxies;
mod registries;
mod token;
mod workspace;
