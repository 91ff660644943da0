//! The suite that every client registry passes.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a suite of tests says what does not hold by a panic"
)]

mod answers;
pub mod conformance;
mod harness;
mod scene;
mod sending;
