//! Trusted publishing: the vocabulary, the traits and the proof types that both ends share.
//!
//! A CI job proves its identity with an OIDC identity token. A package registry checks the token against a
//! trusted publisher that the package's owner configured, and returns a short-lived publish token.
//!
//! ```text
//!  a CI job                        an identity provider                  a package registry
//!  ┌─────────────────────┐         ┌────────────────────┐                ┌───────────────────────────┐
//!  │ Ambient: which      │  asks   │ the CI platform:   │  its keys,     │ verify::Verifier          │
//!  │   platform is this? │ ──────▶ │   signs claims of  │  by JWKS       │   Unverified ─▶ Verified  │
//!  │ TokenSource:        │ ◀────── │   the job for one  │ ─────────────▶ │ Provider: the identity    │
//!  │   IdToken           │ IdToken │   Audience         │                │ Publisher: who may publish│
//!  └──────────┬──────────┘         └────────────────────┘                └─────────────▲─────────────┘
//!             └──────────────── identity token, by oidc-exchange ─────────────────────┘
//! ```
//!
//! This crate holds what both ends need to agree on:
//!
//! - [`Secret`], [`Audience`], [`IdToken`], [`Claims`] with the proof types [`Unverified`] and [`Verified`];
//! - [`Context`], the outside world as a value: environment, HTTP, commands, files, clock, randomness;
//! - [`OperationPolicy`], the time that an operation may take over all its requests, and the number of
//!   attempts;
//! - [`TokenSource`] and [`Ambient`], the client half: the way a job gets its identity token;
//! - [`Provider`], [`Publisher`] and [`Mismatch`], the registry half: the meaning of claims, and the rules
//!   for who may publish;
//! - `verify` (feature), the verifier and its key cache, and the gate of a service that only checks tokens.
//!
//! It reaches the outside world only through traits. A crate that adds a CI platform needs this crate alone.
//!
//! A program without an async runtime takes [`Context::blocking`] with an HTTP client that blocks, such as
//! that of feature `ureq`, and runs futures with [`blocking::complete`].
//!
//! # Getting started
//!
//! A service that admits certain jobs and issues no tokens needs this crate and one platform. A verified token only proves that
//! the platform made it: any repository can get one. `verify::Gate` therefore returns a job's claims only if the job is one of those
//! that the service names:
//!
//! ```
//! # #[cfg(feature = "aws-lc")] {
//! use oidc_core::verify::{Gate, Verifier, backend::AwsLc};
//! use oidc_core::{Audience, Context, ProviderSet};
//! # use std::error::Error;
//!
//! # // `oidc_providers::ci()` and `GitHubPublisher::new("acme/widget", "deploy.yml").repository_id("123456")`.
//! fn gate(platforms: &ProviderSet, rules: serde_json::Value, cx: &Context) -> Result<Gate, Box<dyn Error>> {
//!     let audience = Audience::new("https://deploy.example")?;
//!     let verifier = Verifier::new(AwsLc, [audience], platforms, cx)?;
//!     Ok(Gate::new(verifier).allow("github", None, rules)?)
//! }
//!
//! /// The error may be sent to the caller, with `error.status()`.
//! async fn deploy(gate: &Gate, token: &str) -> Result<String, Box<dyn Error>> {
//!     let job = gate.admit(token).await?;
//!     Ok(format!("a job of {}", job.text("repository").unwrap_or_default()))
//! }
//! # }
//! ```
//!
//! A gate stores nothing, so that it accepts a token as often as it is presented, until it expires. Where a second use must be refused, store its
//! `Verified::replay_key` until [`Verified::accepted_until`], and refuse a token whose key is stored.
//!
//! A service with publishers of its own kind calls `verify::Verifier::verify`, then [`Publisher::check`], and stores the ids in
//! [`Match::learned`] with the publisher: without ids, it accepts the next owner of a repository's name.
//!
//! # Errors
//!
//! Errors are typed and end in a [`Diagnosis`]: a stable code ([`codes`]), the thing that it is about ([`Target`]), the
//! value that was found, the expected value, and the fix. Its texts are bounded, escaped, and free of secrets.
//!
//! # Security properties
//!
//! - Verification has no off switch: the algorithms come from the platform's [`Profile`], and a token chooses among
//!   configured issuers only.
//! - [`Verified`] is made by the verifier alone; feature `testing` offers no other way to it.
//! - [`Identity`] is an issuer and a key within it, so that no other instance of a platform has the same one.
//! - A publisher with a configured immutable id ([`ImmutableId`]) does not accept a name that changed hands. Without one, it returns the
//!   ids of the accepted token ([`Match::learned`]) for the registry to store; `oidc-exchange` does so.
//! - All input is bounded in size, depth, number and time. [`Secret`] is redacted by its type.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `tokio` | `Context::tokio(client)`: the real world on tokio, with an HTTP client of the application's own and no TLS |
//! | `system` | `Context::system()`: the real world on tokio, with an HTTP client on hyper; TLS by the application's installed `CryptoProvider` of rustls |
//! | `system-aws-lc` | `system`, with aws-lc-rs for TLS where the application installed nothing |
//! | `system-ring` | `system`, with ring for TLS where the application installed nothing |
//! | `ureq` | `http::BlockingHttp`: an HTTP client that blocks, on ureq, for [`Context::blocking`]; TLS as with `system` |
//! | `ureq-aws-lc`, `ureq-ring` | `ureq`, with aws-lc-rs or ring for TLS where the application installed nothing |
//! | `http` | conversions from and to the `http` crate's requests and responses |
//! | `verify` | the `verify` module, without a signature back end |
//! | `aws-lc` | `verify` with aws-lc-rs; the fastest, needs a C compiler |
//! | `rust-crypto` | `verify` with pure Rust; for targets without a C compiler and for wasm32 |
//! | `testing` | fakes for tests, a platform among them, which are exempt from semver; and the suite that a platform of one's own passes |
//!
//! # On wasm32
//!
//! The verifier runs with `rust-crypto` on wasm32-wasip1 and wasm32-unknown-unknown, with or without tokio's
//! runtime (`verify::Verifier` documents the difference); `wasm/` in the repository is a program for both.
//! Clock and HTTP come from a `Context` of the application: `system` is not for wasm32.
//!
//! The futures of [`http::HttpClient`], [`TokenSource`], [`Clock`] and the other traits need not be `Send` on
//! wasm32, so that a client over JavaScript's `fetch` can implement them. An implementation for wasm32 and for
//! other targets has two attributes:
//!
//! ```
//! # use oidc_core::http::{HttpClient, HttpError, Request, Response};
//! # #[derive(Debug)]
//! # struct OwnClient;
//! #[cfg_attr(not(target_arch = "wasm32"), async_trait::async_trait)]
//! #[cfg_attr(target_arch = "wasm32", async_trait::async_trait(?Send))]
//! impl HttpClient for OwnClient {
//!     async fn send(&self, request: Request) -> Result<Response, HttpError> {
//! #       Ok(Response::new(404, Vec::new(), ""))
//!     }
//! }
//! ```
//!
//! The implementing types themselves are `Send` and `Sync` on all targets. On wasm32 nothing runs in the
//! background: the call that needs keys, or finds them due for a refresh, fetches them.
//!
//! `rust-crypto` brings getrandom 0.2 through jsonwebtoken. getrandom does not build for
//! wasm32-unknown-unknown until the application has chosen a source of randomness, even though verifying
//! needs none. Where there is JavaScript:
//!
//! ```toml
//! [target.'cfg(all(target_arch = "wasm32", target_os = "unknown"))'.dependencies]
//! getrandom = { version = "0.2", features = ["js"] }
//! ```
//!
//! Where there is no JavaScript, getrandom's documentation describes the feature `custom`. The features of a
//! library are unified over the whole build, so this library leaves the choice to the application.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod ambient;
pub mod blocking;
mod bounds;
mod claims;
pub mod codes;
mod commands;
mod context;
mod diagnosis;
mod environment;
pub mod http;
mod identity;
mod operation;
mod policy;
mod proof;
mod provider;
mod publisher;
mod run;
mod secret;
mod source;
mod system;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod time;
mod token;
mod url;
mod variable_source;
#[cfg(feature = "verify")]
pub mod verify;

pub use crate::ambient::Ambient;
pub use crate::bounds::OutOfBounds;
pub use crate::claims::{ClaimValue, Claims, InvalidClaims, MAX_CLAIMS, MAX_CLAIMS_BYTES};
pub use crate::commands::{Command, CommandError, CommandOutput, Commands};
pub use crate::context::{Context, FileError, Files, Random, RandomError};
pub use crate::diagnosis::{Diagnosis, Severity, Target, gitlab_annotations};
pub use crate::environment::Environment;
pub use crate::identity::Identity;
pub use crate::policy::OperationPolicy;
pub use crate::proof::{Certified, Unverified, Verified};
pub use crate::provider::{
    Algorithm, ClaimRule, ClaimType, ClaimUse, ComparedCase, ComparedWorkflow, IntoProvider, Issuer, Profile,
    Provider, ProviderKind, ProviderSet, RegistryRules, ReplaySource, UnknownPlatform,
};
pub use crate::publisher::{
    FieldComparison, FieldType, FieldValue, ImmutableId, InvalidPublisher, Match, Mismatch, Publisher,
    PublisherField, TablePublisher,
};
pub use crate::run::{Run, RunSource};
pub use crate::secret::Secret;
pub use crate::source::{Detection, SourceError, SourceErrorKind, TokenSource};
#[cfg(feature = "tokio")]
pub use crate::system::SystemClock;
pub use crate::system::{BlockingClock, BlockingCommands, SystemFiles};
pub use crate::text::{Shown, shown};
pub use crate::time::{Clock, InWords, LEEWAY, Timestamp, in_words};
pub use crate::token::{
    Audience, IdToken, InvalidAudience, InvalidIdToken, MAX_TOKEN_BYTES, holds_identity_token,
    is_identity_token,
};
pub use crate::url::{ForeignUrl, HttpUrl, InvalidUrl, InvalidUrlKind};
pub use crate::variable_source::VariableSource;
