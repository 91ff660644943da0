//! Trusted publishing: the vocabulary, the seams and the proofs that both ends share.
//!
//! A CI job proves who it is with an OIDC identity token. A package registry checks the token against a
//! publisher that the package's owner configured, and hands back a short-lived token to publish with.
//!
//! This crate holds what both ends need to agree on:
//!
//! - [`Secret`], [`Audience`], [`IdToken`], [`Claims`] with the proof types [`Unverified`] and [`Verified`];
//! - [`Context`], the outside world as a value: environment, HTTP, commands, files, clock, randomness;
//! - [`OperationPolicy`], the time that an operation may take over all its requests, and the tries;
//! - [`TokenSource`] and [`Ambient`], the client half: how a job gets its token;
//! - [`Provider`], [`Publisher`] and [`Mismatch`], the registry half: what claims mean and who may publish;
//! - `verify` (feature), the registry's verifier and its key cache.
//!
//! It reaches the outside world only through traits. Whoever adds a CI platform needs this crate alone.
//!
//! A program without an async runtime takes [`Context::blocking`] with an HTTP client that blocks, such as feature `ureq`'s, and runs futures with
//! [`blocking::complete`].
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
//! | `testing` | fakes for tests; exempt from semver |
//!
//! # On wasm32
//!
//! The verifier runs with `rust-crypto` on wasm32-wasip1 and wasm32-unknown-unknown, with and without a runtime of tokio's
//! (`verify::Verifier` says what it does without);
//! `wasm/` in the repository is a program for both. Clock and HTTP come from a `Context` of the application's own: `system`
//! is not for wasm32.
//!
//! The futures of [`http::HttpClient`], [`TokenSource`], [`Clock`] and the other traits need not be `Send` there, so that a client over
//! JavaScript's `fetch` can implement them. An implementation for both worlds has two attributes:
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
//! The implementing types themselves are `Send` and `Sync` everywhere. Nothing is given to a runtime to run in the background there: keys are
//! fetched by whoever needs them.
//!
//! With `rust-crypto`, getrandom 0.2 comes along through jsonwebtoken, and does not build for wasm32-unknown-unknown until an
//! application has said where randomness is from, though verifying asks it for none. Where there is JavaScript:
//!
//! ```toml
//! [target.'cfg(all(target_arch = "wasm32", target_os = "unknown"))'.dependencies]
//! getrandom = { version = "0.2", features = ["js"] }
//! ```
//!
//! For where there is none, getrandom's documentation has the feature `custom`. A library's choice would be everybody's, so
//! this one makes none.

mod ambient;
pub mod blocking;
mod claims;
pub mod codes;
mod context;
mod diagnosis;
mod environment;
pub mod http;
mod operation;
mod provider;
mod publisher;
mod secret;
mod source;
mod system;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod time;
mod token;
mod trust;
mod url;
#[cfg(feature = "verify")]
pub mod verify;

pub use crate::ambient::Ambient;
pub use crate::claims::{ClaimValue, Claims, InvalidClaims, MAX_CLAIMS, MAX_CLAIMS_BYTES};
pub use crate::context::{
    Command, CommandError, CommandOutput, Commands, Context, FileError, Files, Random, RandomError,
};
pub use crate::diagnosis::{Diagnosis, Severity, Subject, gitlab_annotations};
pub use crate::environment::Environment;
pub use crate::operation::OperationPolicy;
pub use crate::provider::{
    Algorithm, ClaimRule, ComparedCase, ComparedWorkflow, Form, Host, Identity, Issuer, Presence, Profile,
    Provider, ProviderSet, RegistryRules, Replay, Run,
};
pub use crate::publisher::{
    FieldComparison, FieldType, InvalidPublisher, Match, Mismatch, Pin, Publisher, PublisherField, Setting,
};
pub use crate::secret::Secret;
pub use crate::source::{Detection, SourceError, SourceErrorKind, TokenSource, VariableSource};
#[cfg(feature = "tokio")]
pub use crate::system::SystemClock;
pub use crate::system::{BlockingClock, BlockingCommands, SystemFiles};
pub use crate::text::{Shown, shown};
pub use crate::time::{Clock, InWords, LEEWAY, Timestamp, in_words};
pub use crate::token::{
    Audience, IdToken, InvalidAudience, InvalidIdToken, MAX_TOKEN_BYTES, is_identity_token,
};
pub use crate::trust::{Unverified, Verified};
pub use crate::url::{ForeignUrl, HttpUrl, InvalidUrl, InvalidUrlKind};
