//! The verifier through its public interface, with an issuer, HTTP and a clock in memory.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    missing_docs,
    reason = "tests"
)]

mod accept;
mod attacks;
mod backends;
mod cache;
mod fixed_audience;
mod gate;
mod key_policy;
mod keys;
mod order;
mod providers;
mod refuse;
mod rfc;
mod rotation;
mod settings;
mod support;
mod vectors;
