//! Trusted publishing: the exchange of an identity token for a publish token, from both sides.
//!
//! ```text
//!    CI job                                                          package registry
//!  ┌──────────────────────────────┐                              ┌──────────────────────────────────┐
//!  │ identity token               │   1. POST identity token     │ server::npm, pypi, crates_io, …  │
//!  │   oidc_core::TokenSource     │ ───────────────────────────▶ │ server::Exchange                 │
//!  │                              │                              │   verify   oidc_core::verify     │
//!  │ client::Npm, Pypi, CratesIo… │   2. publish token           │   find     PublisherStore        │
//!  │   client::Registry           │ ◀─────────────────────────── │   match    oidc_core::Publisher  │
//!  │                              │                              │   mint     TokenStore, Minter    │
//!  │ the publish itself           │   3. publish with the token  │ Exchange::authorize, or the same │
//!  │   npm, cargo, uv, your tool  │ ───────────────────────────▶ │   in the publish's transaction   │
//!  └──────────────────────────────┘                              └──────────────────────────────────┘
//! ```
//!
//! Two modules mirror each other, with one file for each registry protocol in each:
//!
//! - [`client`]: the client half, which talks to registries; a publish tool embeds it.
//! - [`server`] (feature `server`): the registry half; a registry embeds it. Feature `sql` adds ready stores
//!   over SQLite and PostgreSQL, and feature `memory` a store without a database.
//!
//! [`blocking`] mirrors the client's entry points for programs without an async runtime. The parts of a protocol
//! that both halves need are in a module of the protocol's name, such as [`npm`].
//!
//! # Getting started
//!
//! A publish tool names the registry, the package and the platforms, and gets a token that is valid for that
//! package alone:
//!
//! ```no_run
//! use oidc_core::{Context, ProviderSet};
//! use oidc_exchange::client::{Npm, PublishRequest};
//!
//! # async fn upload(_token: &oidc_core::Secret) {}
//! # async fn publish(platforms: &ProviderSet, cx: &Context) -> Result<(), Box<dyn std::error::Error>> {
//! let (registry, scope) = (Npm::public(), Npm::scope("@acme/widget")?);
//! let request = PublishRequest::new(scope.clone());
//! let token = oidc_exchange::publish_token(&registry, request, platforms, cx).await?;
//! upload(token.secret_for(&scope)?).await;
//! # Ok(())
//! # }
//! ```
//!
//! The registry at the other end is an [`Exchange`](server::Exchange) behind an endpoint of the protocol; the
//! documentation of [`server`] begins with one.
//!
//! # Errors
//!
//! An [`ExchangeError`](client::ExchangeError) has a kind for programs and a diagnosis for people:
//!
//! | [`ExchangeErrorKind`](client::ExchangeErrorKind) | meaning | may the request be repeated |
//! |---|---|---|
//! | `InvalidRequest` | the URL, the package or the identity token can't be used | nothing was sent |
//! | `Unreachable` | no complete answer came | with another identity token: this one may be used up |
//! | `Rejected` | the registry refused, with its status and reason | after what the diagnosis names was changed |
//! | `Unsupported` | the registry has no trusted publishing, or none for this scope | no |
//! | `NoToken`, `InvalidToken`, `InvalidAnswer` | the answer is not the protocol's | no |
//!
//! [`ExchangeError::diagnosis`](client::ExchangeError::diagnosis) names the field, the value that was found, the
//! expected value and the fix. Its codes are the constants of [`codes`], which semver covers. Identity tokens that
//! no platform gave are the error of [`oidc_core::SourceError`].
//!
//! # Security properties
//!
//! - An identity token goes to the registry that it is for, and nowhere else: its audience is compared with the
//!   registry's own before anything is sent, an audience that a registry names is refused where it belongs to
//!   another service, and redirects are not followed.
//! - A publish token gives its text out for its own scope only, and is redacted everywhere else.
//! - A registry uses an identity token up in the transaction that mints the publish token, so two requests with one
//!   token never give two publish tokens.
//! - Whoever did not prove the identity of a publisher learns from a refusal what its own token carries, and nothing
//!   about the package.
//! - All input is bounded before it is read. No answer, token or configuration makes these crates panic.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `client` (default) | [`client`] |
//! | `server` | [`server`] |
//! | `sqlite`, `postgres` | `server`, and `sql`: the server's stores over that database; needs Rust 1.94, as sqlx does |
//! | `postgres-ring`, `postgres-aws-lc` | `postgres` with TLS; without one of them a server on another machine is refused |
//! | `sql` | `sqlite` and `postgres` |
//! | `sqlx` | enables none of them; in addition to one of them, `sql` gives access to its connections as those of sqlx 0.9, for an application whose tables are in the same database |
//! | `memory` | `server`, `memory`: the server's stores in memory, for a registry without a database, and `rows`: the same over rows of the application's |
//! | `testing` | `memory`, oidc-core's `testing`, and `server::testing` and `client::testing`: the conformance suites for stores and for client registries |
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
#[cfg(feature = "memory")]
pub mod rows;
pub mod rubygems;
#[cfg(feature = "server")]
pub mod server;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sql;
pub mod token_exchange;

#[cfg(feature = "client")]
pub use self::client::{publish_token, token_from};
