use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use oidc_core::{Identity, Pin, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::grant::Grant;
use super::mint::TokenHash;
use super::token::TokenRecord;

/// A package of one of the registry's ecosystems.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The protocol that it is published by, such as `npm`.
    pub ecosystem: String,
    /// Its name, as the protocol normalises it.
    pub name: String,
}

impl Package {
    /// A package from its two parts.
    pub fn new(ecosystem: impl Into<String>, name: impl Into<String>) -> Self {
        Self { ecosystem: ecosystem.into(), name: name.into() }
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", oidc_core::shown(&self.name), self.ecosystem)
    }
}

/// A publisher, as it is stored. [`Trust`](super::Trust) makes it, after its platform took the configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PublisherRecord {
    /// Its name in the registry, a random UUID.
    pub id: String,
    /// The package that it may publish.
    pub package: Package,
    /// The platform, such as `github`.
    pub provider: String,
    /// Whom it lets in, the key under which it is found.
    pub identity: Identity,
    /// Its rules, as the platform understands them.
    pub config: Value,
    /// Immutable ids that it has learned from its first use, by claim.
    pub learned: BTreeMap<String, String>,
    /// Whether the package is still to be created by the first publish. [`TrustStore::package_created`] ends that.
    pub pending: bool,
    /// When it was configured, or last given another identity.
    pub created_at: Timestamp,
    /// Who configured it, in the application's words, such as `file` or `api`.
    pub origin: String,
}

impl PublisherRecord {
    /// A record that has learned nothing, is not pending, and whose origin is not said.
    pub fn new(
        id: impl Into<String>,
        package: Package,
        provider: impl Into<String>,
        identity: Identity,
        config: Value,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id: id.into(),
            package,
            provider: provider.into(),
            identity,
            config,
            learned: BTreeMap::new(),
            pending: false,
            created_at,
            origin: String::new(),
        }
    }

    /// Whether both let the same identity do the same to the same package.
    pub fn is_like(&self, other: &Self) -> bool {
        self.package == other.package && self.identity == other.identity && self.config == other.config
    }

    /// Whether this publisher is still what `seen` was: the same one, which has learned nothing since and has not ceased to
    /// be pending.
    pub fn is_still(&self, seen: &Self) -> bool {
        let same = self.id == seen.id && self.package == seen.package;
        same && self.learned == seen.learned && self.pending == seen.pending
    }

    /// What another publisher of the package and the identity, of those given, has learned; `None` where this one is
    /// configured with another id, which is then the owner's word.
    pub(super) fn known_beside<'a>(
        &self,
        others: impl IntoIterator<Item = &'a Self>,
    ) -> Option<&'a BTreeMap<String, String>> {
        let is_beside = |other: &&Self| {
            other.package == self.package && other.identity == self.identity && !other.learned.is_empty()
        };
        let agrees = |learned: &&BTreeMap<String, String>| {
            let configured = |claim| self.config.get(claim).and_then(Value::as_str);
            learned.iter().all(|(claim, value)| configured(claim).is_none_or(|id| id == value))
        };
        others.into_iter().filter(is_beside).map(|other| &other.learned).find(agrees)
    }

    /// The texts among the [rules](Self::rules), learned or configured. An immutable id is one of them on every platform; which
    /// of them are ids only the platform knows.
    pub fn texts(&self) -> BTreeMap<String, String> {
        let Value::Object(rules) = self.rules() else { return BTreeMap::new() };
        rules.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
    }

    /// The rules with the learned ids among them, as the platform reads them: where a rule is `null`, there is none.
    pub fn rules(&self) -> Value {
        let mut rules = self.config.clone();
        if let Value::Object(members) = &mut rules {
            for (claim, value) in &self.learned {
                let rule = members.entry(claim.clone()).or_insert(Value::Null);
                if rule.is_null() {
                    *rule = Value::String(value.clone());
                }
            }
        }
        rules
    }
}

/// What the store made of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redeemed {
    /// The identity token is burned and the publish token exists.
    Granted,
    /// The same, without the packages of these publishers, by their ids, which are gone or have meanwhile learned another id.
    Partly(Vec<String>),
    /// The identity token was used as often as it may be, or its uses may have been purged already. Nothing changed.
    AlreadyUsed,
    /// Every publisher of the grant is gone or has meanwhile learned another id. Nothing changed.
    Superseded,
}

/// [`PublisherStore::candidates`] gives at most this many publishers.
pub const MAX_CANDIDATES: usize = 1000;
/// [`PublisherStore::of_immutable_id`] gives at most this many publishers.
pub const MAX_OF_ID: usize = 32;
/// So many publishers of an ecosystem are looked at for the nearest to a stranger.
pub const MAX_LATEST: usize = 100;

/// Finds publishers, and burns and mints.
#[async_trait]
pub trait PublisherStore: fmt::Debug + Send + Sync {
    /// The publishers of these identities in this ecosystem, of one package or of all, oldest first. A token has one identity
    /// on most platforms, and up to 256 of one issuer.
    ///
    /// At most [`MAX_CANDIDATES`] of them, so that nobody can make an exchange dear by naming somebody else's
    /// repository often: each identity's first, then each one's second, and so on, so that no identity's many publishers keep
    /// another's few out. Which are an identity's first is decided by [`pending`](PublisherRecord::pending) and then by age:
    /// pending publishers, which cost nothing, keep no regular one out.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn candidates(
        &self,
        identities: &[Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError>;

    /// The publishers of an issuer that have learned this immutable id or were configured with it, in this ecosystem, of one
    /// package or of all, oldest first and at most [`MAX_OF_ID`]: asked where none is of the token's identity, to find one whose
    /// repository was renamed. `id` is among their [`texts`](PublisherRecord::texts). A store that can't say gives none, and a
    /// renamed repository is then a stranger.
    ///
    /// It has to be found by an index on the id: the caller waits for it, and may learn nothing of other publishers from how
    /// long that takes.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_immutable_id(
        &self,
        _issuer: &str,
        _id: &Pin,
        _ecosystem: &str,
        _package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(Vec::new())
    }

    /// All publishers of a package, or at most [`MAX_CANDIDATES`]: asked after a stranger was answered, to name them to the
    /// registry's operator. A store that can't say gives none.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_package(&self, _package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(Vec::new())
    }

    /// The latest publishers of an ecosystem, at most [`MAX_LATEST`], the latest first: asked after a stranger was answered that
    /// named no package, to name the nearest to the registry's operator. A store that can't say gives none.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_ecosystem(&self, _ecosystem: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(Vec::new())
    }

    /// Burns the identity token, stores what its publishers learn, and stores the publish token: in one
    /// transaction, all or nothing.
    ///
    /// A publisher that is gone is left out, and so is one that meanwhile learned another value for an id that it would learn
    /// here: learned ids are compare-and-set. Whoever configures and removes publishers for somebody else's repository must
    /// not make that repository's exchange fail. Of concurrent grants with one replay key at most [`Grant::max_uses`] are
    /// granted.
    ///
    /// # Errors
    ///
    /// When the store can't be reached; then nothing was granted.
    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError>;
}

/// Finds and ends publish tokens.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// The token of this hash, unless it is over at `now`. A package whose publisher was removed is not in it; a
    /// token without packages is not found.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError>;

    /// Ends a token. Nothing tells whether there was one.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError>;

    /// Forgets at most `limit` tokens and `limit` replay records that are over at `now`; returns how many.
    ///
    /// From then on no grant is redeemed that would be remembered no longer than one of those records, for good and for every
    /// process: a clock that is set back must not make a used token usable again. What counts are the records and not
    /// `now`: a clock that was ahead for a moment must not keep every token out until that time.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// Stores who may publish what. [`Trust`](super::Trust) validates; this stores.
#[async_trait]
pub trait TrustStore: fmt::Debug + Send + Sync {
    /// The publishers of a package, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError>;

    /// Every publisher of an origin, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError>;

    /// Stores a publisher, learned ids included, unless the package has one of the same identity and configuration.
    ///
    /// # Errors
    ///
    /// When the store can't be reached, or has a publisher of this id.
    async fn add(&self, publisher: &PublisherRecord) -> Result<Stored, StoreError>;

    /// Removes the publisher `old`, whose tokens end at once, and stores `publisher` in its place: both or neither, and
    /// neither where `old` [is not any more](PublisherRecord::is_still) what the caller saw.
    ///
    /// # Errors
    ///
    /// When the store can't be reached, or has a publisher of the new id.
    async fn replace(&self, old: &PublisherRecord, publisher: &PublisherRecord)
    -> Result<Stored, StoreError>;

    /// Removes a publisher of a package; its tokens end at once. `false` where there is none.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError>;

    /// Says that a package came to be, by a token of the pending publisher `by`, which is a regular one from now on,
    /// or by other means. Every other pending publisher of the package is removed, since it was for one that did not
    /// exist. `false`, and nothing changes, where `by` is no pending publisher of the package.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn package_created(&self, package: &Package, by: Option<&str>) -> Result<bool, StoreError>;
}

/// What became of a publisher that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stored {
    /// It is stored.
    Done,
    /// The package has one of the same identity and configuration. Nothing changed.
    Exists,
    /// There is no publisher to put it in the place of, or no such one any more. Nothing changed.
    Missing,
}

/// The store can't be reached or holds what it can't. The reason is for the log, not for a caller.
#[derive(Debug, thiserror::Error)]
#[error("the store failed")]
pub struct StoreError {
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl StoreError {
    /// An error with its reason.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: source.into() }
    }
}
