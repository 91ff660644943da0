//! The registry half: verify an identity token, find the publisher that accepts it, mint a short-lived
//! publish token.
//!
//! The README shows a registry in twenty lines: `Verifier::new`, [`Exchange::builder`], and an endpoint such as [`npm`]
//! mounted as a tower service.
//!
//! This module decides. The stores behind [`PublisherStore`], [`TokenStore`] and [`TrustStore`] only store.
//! Feature `sql` has ready stores over SQLite and PostgreSQL, and feature `testing` has a conformance suite
//! for stores of other crates.

mod body;
mod builder;
mod caller;
mod candidates;
mod chain;
mod choose;
mod configured;
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
mod pep_807;
mod policy;
mod prefixes;
mod pypi;
mod record;
mod recording;
mod refusal;
mod request;
mod rubygems;
mod service;
mod store;
mod store_error;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod token_exchange;
mod trust;
mod trust_store;
mod unknown;
mod validated;
mod wording;

pub use self::body::AnswerBody;
pub use self::builder::ExchangeBuilder;
pub use self::candidates::{Candidates, MAX_CANDIDATES, MAX_UNPROVEN};
pub use self::chain::Chain;
pub use self::crates_io::{CratesIoTokens, crates_io};
pub use self::event::{Event, EventSink, Events};
pub use self::exchange::Exchange;
pub use self::grant::{Grant, GrantedBy};
pub use self::mint::{MintPolicy, TokenHash};
pub use self::minter::{MAX_PUBLISH_TOKEN_BYTES, MintError, Minter, NewToken, Recognised};
pub use self::npm::{NpmExchange, npm};
pub use self::package::{InvalidPrefix, Package, PackageOwner, PackageOwners};
pub use self::pep_807::{InvalidLifetime, Pep807Tokens, pep_807};
pub use self::policy::{EndedBefore, PublisherLimit, PublisherState, Room, Taken, TrustLimits, TrustPolicy};
pub use self::pypi::{PypiTokens, pypi};
pub use self::record::{PublisherRank, PublisherRecord};
pub use self::refusal::{Refusal, RefusalKind};
pub use self::request::{ExchangeRequest, Minted};
pub use self::rubygems::{RubyGemsExchange, rubygems};
pub use self::store::{MAX_LATEST, MAX_OF_ID, MAX_OF_PACKAGE, PublisherStore, Redeemed, TokenStore};
pub use self::store_error::StoreError;
pub use self::token::{GrantedPackage, TokenRecord};
pub use self::token_exchange::{TokenExchangeEndpoint, token_exchange};
pub use self::trust::{Trust, TrustError};
pub use self::trust_store::{Stored, TrustStore};
