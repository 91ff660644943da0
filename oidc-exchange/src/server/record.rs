use std::collections::BTreeMap;

use oidc_core::{Identity, Timestamp};
use serde_json::Value;

use super::package::{Package, PackageOwner};

/// A publisher, as it is stored. [`Trust`](super::Trust) makes it, after its platform took the configuration.
///
/// A registry whose users configure publishers says whose each one is:
///
/// ```
/// # use oidc_core::{Identity, Timestamp};
/// # use oidc_exchange::server::{Package, PublisherRecord};
/// # let identity = Identity::new("https://issuer.example", "acme/widget");
/// # let (package, config) = (Package::new("pypi", "widget"), serde_json::json!({ "repository": "acme/widget" }));
/// # let mut record = PublisherRecord::new("id", package, "github", identity, config, Timestamp::default());
/// // `record` is from `Trust::prepare`.
/// record.account = Some("user:42".to_owned());
/// assert!(!record.proven, "nothing was published by it yet");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PublisherRecord {
    /// Its name in the registry, a random UUID.
    pub id: String,
    /// The package that it may publish. Where it is a [prefix](Package::prefix), all packages of the publisher's own account whose names
    /// begin so; it creates none of them.
    pub package: Package,
    /// The platform, such as `github`.
    pub provider: String,
    /// Whom it lets in, the key under which it is found.
    pub identity: Identity,
    /// Its rules, as the platform understands them.
    pub config: Value,
    /// Immutable ids that it has learned from its first use, by claim.
    pub learned: BTreeMap<String, String>,
    /// Whether the package is still to be created by the first publish. [`TrustStore::package_created`](super::TrustStore::package_created) ends that.
    pub pending: bool,
    /// When it was configured, or last given another identity.
    pub created_at: Timestamp,
    /// Whether it lapses unless it is used soon: the platform has immutable ids, and it was neither configured with all of them nor
    /// has learned them. [`TrustPolicy::state`](super::TrustPolicy::state) says when.
    pub lapses: bool,
    /// The account of the registry that it belongs to, in the application's words, such as a user's or an organisation's number;
    /// `None` for the operator's own, such as those of a configuration file.
    ///
    /// Set it wherever users configure publishers. At endpoints that name no package a job's publishers are found by its
    /// repository, which anybody may name; the account is what keeps them apart ([`PublisherStore::candidates`]). The
    /// operator's own are all trusted alike.
    ///
    /// [`PublisherStore::candidates`]: super::PublisherStore::candidates
    pub account: Option<String>,
    /// Whether its account is known to publish by its identity: a publish of its package went through by it
    /// ([`TrustStore::published`](super::TrustStore::published)). An application that knows by other means that the account
    /// owns the repository, since it signed in with the platform, may set it from the beginning.
    pub proven: bool,
    /// When a publish last went through by it.
    pub published_at: Option<Timestamp>,
    /// When it was last among the publishers of a granted exchange. It is noted of [proven](Self::proven) publishers only: whoever
    /// configures a publisher for somebody else's repository is not to see when that repository's jobs run.
    pub exchanged_at: Option<Timestamp>,
    /// What it is managed by, in the application's words, such as `file` or `api`. [`Trust::of_origin`](super::Trust::of_origin)
    /// finds by it; it decides nothing.
    pub origin: String,
}

impl PublisherRecord {
    /// A record of the operator's own that has learned nothing, is not pending, lapses, and whose origin is not said.
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
            lapses: true,
            account: None,
            proven: false,
            published_at: None,
            exchanged_at: None,
            origin: String::new(),
        }
    }

    /// Whether both are of one account and let the same identity do the same to the same package.
    pub fn is_like(&self, other: &Self) -> bool {
        let same = self.package == other.package && self.account == other.account;
        same && self.identity == other.identity && self.config == other.config
    }

    /// Whether this publisher is still what `seen` was: the same one, which has learned nothing since, has not ceased to
    /// be pending and is proven only if it was.
    pub fn is_still(&self, seen: &Self) -> bool {
        let same = self.id == seen.id && self.package == seen.package && self.proven == seen.proven;
        same && self.learned == seen.learned && self.pending == seen.pending
    }

    /// What is left of it where its package goes to another account, which keeps the publishers with these ids; `None` where
    /// nothing is. A publish has to show anew that the account publishes by the identity.
    pub fn transferred(self, account: Option<&str>, kept: &[&str]) -> Option<Self> {
        let is_kept = !self.pending && kept.contains(&self.id.as_str());
        let account = account.map(str::to_owned);
        is_kept.then_some(Self { account, proven: false, published_at: None, exchanged_at: None, ..self })
    }

    /// Whose packages it is for: its account's, or the operator's.
    pub fn owner(&self) -> PackageOwner {
        PackageOwner::of_publisher(self.account.as_deref())
    }

    /// How much its claim on an immutable id is worth.
    pub fn rank(&self) -> PublisherRank {
        match (&self.account, self.learned.is_empty()) {
            _ if self.proven => PublisherRank::Proven,
            (None, _) => PublisherRank::Own,
            (_, false) if self.pending => PublisherRank::PendingLearned,
            (_, true) if self.pending => PublisherRank::PendingConfigured,
            (_, false) => PublisherRank::Learned,
            (_, true) => PublisherRank::Configured,
        }
    }

    /// What another publisher of the package and the identity, of those given, has learned; beside a prefix, one of the same account
    /// that is for some of the same packages; `None` where this one is
    /// configured with another id, which is then the owner's word. Of a package that is still to be created anybody may have
    /// pending publishers, and nobody's know of another account's.
    pub(super) fn known_beside<'a>(
        &self,
        others: impl IntoIterator<Item = &'a Self>,
    ) -> Option<&'a BTreeMap<String, String>> {
        let is_beside = |other: &&Self| {
            let is_of_account = other.account == self.account;
            let is_of_package = if self.package.is_prefix() || other.package.is_prefix() {
                is_of_account && other.package.overlaps(&self.package)
            } else {
                other.package == self.package && (is_of_account || !(other.pending || self.pending))
            };
            is_of_package && other.identity == self.identity && !other.learned.is_empty()
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

/// How much a publisher's claim on an immutable id is worth, the most first: the order of
/// [`PublisherStore::of_immutable_id`](super::PublisherStore::of_immutable_id).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PublisherRank {
    /// A [proven](PublisherRecord::proven) publisher.
    Proven,
    /// The operator's own.
    Own,
    /// An account's, which learned its ids from a job.
    Learned,
    /// An account's, which was configured with its ids and was never used.
    Configured,
    /// A pending one that learned its ids from a job.
    PendingLearned,
    /// A pending one that was never used.
    PendingConfigured,
}
