//! Programs and types show no secret.

mod debug;
mod programs;
