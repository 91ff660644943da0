//! The registry half: verify an identity token, find the publisher that accepts it, mint a short-lived
//! publish token.
//!
//! A registry is a verifier, a store, an exchange and an endpoint:
//!
//! ```no_run
//! use oidc_core::verify::{Verifier, backend::AwsLc};
//! use oidc_core::{Audience, Context, ProviderSet};
//! use oidc_exchange::server::{self, Exchange, NpmExchange, PublisherStore, TokenStore};
//!
//! fn endpoint(
//!     platforms: &ProviderSet,
//!     store: impl PublisherStore + TokenStore + 'static,
//!     cx: &Context,
//! ) -> Result<NpmExchange, Box<dyn std::error::Error>> {
//!     // Tokens for another registry are refused.
//!     let audience = Audience::new("npm:registry.example")?;
//!     let verifier = Verifier::new(AwsLc, [audience], platforms, cx)?;
//!     // A tower service, to be mounted at `/-/npm/v1/oidc`.
//!     Ok(server::npm(Exchange::builder(verifier, store).build()))
//! }
//! ```
//!
//! # From a request to a publish token
//!
//! | step | by | refused with |
//! |---|---|---|
//! | the request is read within its bounds | the endpoint, such as [`npm`] | [`RefusalKind::Malformed`], [`RefusalKind::NoToken`] |
//! | the token is verified | [`Verifier`](oidc_core::verify::Verifier) | [`RefusalKind::InvalidToken`], [`RefusalKind::KeysUnavailable`] |
//! | the publishers of its identity are found | [`PublisherStore`] | [`RefusalKind::NotTrusted`] |
//! | their rules are compared with its claims | [`Publisher`](oidc_core::Publisher) | [`RefusalKind::RuleDiffers`] |
//! | it is used up, ids are learned, a publish token is made | [`TokenStore`], in one transaction | [`RefusalKind::AlreadyUsed`] |
//!
//! A refusal names what the caller may know. [`EventSink`] receives every outcome with what the operator may know in
//! addition.
//!
//! # What an application adds
//!
//! - **Its own protocol**: call [`Exchange::exchange`] with an [`ExchangeRequest`].
//! - **Its own publish tokens**: implement [`Minter`].
//! - **Its own tables**: with the features `sql` and `sqlx`, run its statements in the store's transaction.
//! - **Its own store**: implement `memory::Document`, two methods that load and save the whole state, or `rows::Rows`, with
//!   transactions that read and write rows; or [`PublisherStore`], [`TokenStore`] and [`TrustStore`] themselves. Run the
//!   conformance suite of feature `testing` against it.
//! - **A page for publishers**: [`Trust::form`], for all platforms, as HTML or as JSON.
//! - **Its own policy**: [`TrustPolicy`], which has bounds instead of switches.
//!
//! # In tests
//!
//! A registry's tests need no CI platform: [`oidc-core`](oidc_core)'s feature `testing` has one in memory, with real
//! signatures, and a store with `sqlite::memory:` or [`MemoryStore::for_tests`](crate::memory::MemoryStore::for_tests) keeps
//! nothing.
//!
//! ```
//! use oidc_core::testing::FakePlatform;
//! use oidc_core::verify::{Verifier, backend::AwsLc};
//! use oidc_core::{Audience, ProviderSet};
//! use oidc_exchange::server::{Exchange, ExchangeRequest, Package, Trust};
//! use oidc_exchange::sql::SqlStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let platform = FakePlatform::new();
//! let (providers, cx) = (ProviderSet::default().with(platform.clone()), platform.registry());
//! let store = SqlStore::open("sqlite::memory:").await?;
//! let verifier = Verifier::new(AwsLc, [Audience::new("npm:registry.example")?], &providers, &cx)?;
//! let exchange = Exchange::builder(verifier, store.clone()).build();
//!
//! let widget = Package::new("npm", "@acme/widget");
//! let trust = Trust::new(providers, store, &cx);
//! trust.add(&trust.prepare(widget.clone(), "fake", None, FakePlatform::config())?).await?;
//!
//! let identity_token = platform.token("npm:registry.example", FakePlatform::NOW);
//! let request = ExchangeRequest::package("npm", "@acme/widget");
//! let minted = exchange.exchange(&identity_token, &request).await?;
//! let granted = exchange.find(minted.token.expose()).await?;
//! assert!(granted.is_some_and(|token| token.for_package(&widget).is_some()));
//! # Ok(())
//! # }
//! ```
//!
//! This module decides. The stores behind [`PublisherStore`], [`TokenStore`] and [`TrustStore`] only store.
//! Feature `sql` has ready stores over SQLite and PostgreSQL, and feature `testing` has a conformance suite
//! for stores of other crates.

mod body;
mod candidates;
mod chain;
mod choose;
mod crates_io;
mod event;
mod exchange;
mod explain;
mod grant;
mod granted;
mod http;
mod mint;
mod minter;
mod npm;
mod package;
mod package_owner;
mod pep_807;
mod policy;
mod presented;
mod pypi;
mod record;
mod refusal;
mod refusal_kind;
mod request;
mod rubygems;
mod service;
mod store;
mod store_error;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod token_exchange;
mod token_hash;
mod trust;
mod trust_store;
mod unknown;
mod validated;
mod wording;

pub use self::body::AnswerBody;
pub use self::candidates::{Candidates, MAX_CANDIDATES, MAX_UNPROVEN};
pub use self::chain::Chain;
pub use self::crates_io::{CratesIoTokens, crates_io};
pub use self::event::{Event, EventSink, Events};
pub use self::exchange::{Exchange, ExchangeBuilder};
pub use self::grant::{Grant, GrantedBy};
pub use self::mint::MintPolicy;
pub use self::minter::{MAX_PUBLISH_TOKEN_BYTES, MintError, Minter, NewToken, Recognised};
pub use self::npm::{NpmExchange, npm};
pub use self::package::{InvalidPackage, InvalidPrefix, Package};
pub use self::package_owner::{PackageOwner, PackageOwners};
pub use self::pep_807::{InvalidLifetime, Pep807Tokens, pep_807};
pub use self::policy::{EndedBefore, PublisherLimit, PublisherState, Room, Taken, TrustLimits, TrustPolicy};
pub use self::presented::presented_token;
pub use self::pypi::{PypiTokens, pypi};
pub use self::record::{PublisherRank, PublisherRecord};
pub use self::refusal::Refusal;
pub use self::refusal_kind::RefusalKind;
pub use self::request::{ExchangeRequest, Minted};
pub use self::rubygems::{RubyGemsExchange, rubygems};
pub use self::store::{MAX_LATEST, MAX_OF_ID, MAX_OF_PACKAGE, PublisherStore, Redeemed, TokenStore};
pub use self::store_error::StoreError;
pub use self::token::{GrantedPackage, TokenRecord};
pub use self::token_exchange::{TokenExchangeEndpoint, token_exchange};
pub use self::token_hash::TokenHash;
pub use self::trust::{ErrorPlace, FormInput, FormIssuer, FormPublisher, PublisherForm, Trust, TrustError};
pub use self::trust_store::{Stored, TrustStore};
