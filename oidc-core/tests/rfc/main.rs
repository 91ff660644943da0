//! The standards, point by point: each test names the section that it holds the verifier against.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    missing_docs,
    reason = "tests"
)]

mod rfc_7515;
mod rfc_7517;
mod rfc_7519;
mod rfc_8725;
#[path = "../support/mod.rs"]
mod support;
