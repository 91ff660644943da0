//! Trusted publishing: the exchange of an identity token for a publish token, from both sides.
//!
//! Two modules that mirror each other, with one file for each registry protocol in each:
//!
//! - [`client`]: the client half, which talks to registries; a publish tool embeds it.
//! - [`server`] (feature `server`): the registry half; a registry embeds it. Feature `sql` adds ready stores
//!   over SQLite and PostgreSQL.
//!
//! [`blocking`] mirrors the client's entry points for programs without an async runtime.
//!
//! The parts of a protocol that both halves need are in a module of the protocol's name.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `client` (default) | [`client`] |
//! | `server` | [`server`] |
//! | `sqlite`, `postgres` | `sql`: the server's stores over that database; needs Rust 1.94, as sqlx does |
//! | `postgres-ring`, `postgres-aws-lc` | `postgres` with TLS; without one of them a server on another machine is refused |
//! | `sql` | `sqlite` and `postgres` |
//! | `sqlx` | in addition to one of them: `sql` gives access to its connections as those of sqlx, for an application whose tables are in the same database |
//! | `memory` | `memory`: the server's stores in memory, for a registry without a database |
//! | `testing` | `server::testing` and `client::testing`: the conformance suites for stores and for client registries |
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod address;
#[cfg(feature = "client")]
pub mod blocking;
#[cfg(feature = "client")]
pub mod client;
pub mod codes;
pub mod crates_io;
#[cfg(feature = "memory")]
pub mod memory;
pub mod npm;
pub mod pep_807;
pub mod pypi;
pub mod rubygems;
#[cfg(feature = "server")]
pub mod server;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sql;
pub mod token_exchange;

#[cfg(feature = "client")]
pub use self::client::{publish_token, token_from};
