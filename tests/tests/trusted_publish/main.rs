//! The program `trusted-publish`, run as a job would run it.

mod connections;
mod doctor;
mod exec;
mod output;
mod registries;
mod token;
mod workspace;
