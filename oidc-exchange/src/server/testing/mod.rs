//! The suite that every store passes.

pub mod conformance;
