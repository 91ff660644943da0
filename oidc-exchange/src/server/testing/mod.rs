//! The conformance suite of stores.

pub mod conformance;
