//! The cost of verification, compared with the raw signature and with peers.
//!
//! - `cargo bench -p benches`: criterion, one number after the other, for work on the code;
//! - `cargo run --release -p benches --bin ratios`: one interleaved run, one JSON object of ratios;
//! - `cargo run --release -p benches --bin instructions`: one round each under callgrind, see `.ci/instructions`.
//!
//! BENCHMARKS.md says what each number compares.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    reason = "a bench that can't be set up has nothing to measure, and it reads the clock"
)]

pub mod bundle;
#[cfg(feature = "all")]
pub mod by_hand;
#[cfg(feature = "all")]
pub mod exchange;
pub mod herd;
#[cfg(feature = "all")]
pub mod kept;
pub mod measure;
#[cfg(feature = "all")]
pub mod pages;
#[cfg(feature = "all")]
pub mod peers;
pub mod raw;
pub mod samples;
pub mod scene;
#[cfg(feature = "all")]
pub mod served;
pub mod stores;
