//! The scaffolding of the integration tests: real clients, the programs, a CI platform and a registry on loopback or in memory,
//! PostgreSQL, and packages of every ecosystem.
//!
//! The tests are in `tests/tests/`, one binary for each subject.
#![allow(missing_docs, missing_debug_implementations)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]
#![allow(clippy::missing_errors_doc, clippy::missing_panics_doc)]

pub mod astray;
pub mod browser;
pub mod clients;
pub mod gems;
pub mod http;
pub mod javascript;
pub mod leaks;
pub mod npm_asked;
pub mod postgres;
pub mod programs;
pub mod public;
pub mod python;
pub mod scene;
pub mod uploads;
pub mod visitor;
pub mod world;
