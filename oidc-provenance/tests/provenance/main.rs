//! Provenance through the crate's public interface, with a Sigstore instance, HTTP and a clock in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    missing_docs,
    reason = "tests"
)]

mod hostile;
mod preflight;
mod public;
mod refused;
mod seeds;
mod shipped;
mod signing;
mod support;
