//! The server half: the exchange, its endpoints, and the stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accounts;
mod candidates;
mod conformance;
mod databases;
mod disclosure;
mod events;
mod exchange;
mod form;
mod hub;
mod known;
mod latency;
mod learned;
mod minter;
mod npm;
mod pep_807;
mod prefix_ids;
mod prefixes;
mod presented;
mod registries;
mod registry;
mod store;
mod strangers;
mod token_exchange;
mod wording;
