//! The client half: every registry's exchange, in memory and over real connections on loopback.
//!
//! `logs.rs` is a binary of its own, since a process has one logger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod audience;
mod blocking;
mod conformance;
mod exchanges;
mod layers;
mod loopback;
mod network;
mod npm;
mod origins;
mod pep_807;
mod recorded;
mod refusals;
mod registries;
mod renewal;
mod scope;
mod static_credentials;
mod ureq;
mod variables;
mod wire;
mod wording;
