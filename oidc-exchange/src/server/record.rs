use std::cmp::Reverse;
use std::collections::BTreeMap;

use oidc_core::{Identity, ImmutableId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::package::Package;
use super::package_owner::PackageOwner;

/// A publisher as it is stored. [`Trust`](super::Trust) makes it, after its platform accepted the
/// configuration.
///
/// A registry whose users configure publishers sets the [account](Self::of_account) of each.
///
/// A store of one's own may keep it in JSON, whose form is stable: members may be added in a later version, and a version that does
/// not know one refuses the record. Times are in seconds since the epoch.
///
/// ```
/// use oidc_exchange::server::PublisherRecord;
///
/// let record: PublisherRecord = serde_json::from_str(
///     r#"{
///         "id": "0b6b…",
///         "package": { "ecosystem": "npm", "name": "@acme/widget" },
///         "provider": "github",
///         "identity": { "issuer": "https://token.actions.githubusercontent.com", "key": "acme/widget" },
///         "config": { "repository": "acme/widget", "ref": "refs/heads/main" },
///         "learned": {},
///         "pending": false,
///         "created_at": 1800000000,
///         "lapses": false,
///         "account": "user:42",
///         "proven": true,
///         "published_at": 1800000900,
///         "exchanged_at": null,
///         "origin": "api"
///     }"#,
/// )?;
/// assert_eq!(record.account.as_deref(), Some("user:42"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PublisherRecord {
    /// The publisher's id in the registry, a random UUID.
    pub id: String,
    /// The package that the publisher may publish. A [prefix](Package::prefix) stands for all packages of the
    /// publisher's own account whose names begin with it; the publisher creates none of them.
    pub package: Package,
    /// The platform, such as `github`.
    pub provider: String,
    /// The identity that the publisher accepts. Publishers are found by it.
    pub identity: Identity,
    /// The rules, in the form that the platform reads.
    pub config: Value,
    /// The immutable ids that the publisher learned from its first use, by claim.
    pub learned: BTreeMap<String, String>,
    /// `true` if the first publish is still to create the package.
    /// [`TrustStore::package_created_by`](super::TrustStore::package_created_by) changes it.
    pub pending: bool,
    /// The time at which the publisher was configured, or last given another identity.
    pub created_at: Timestamp,
    /// `true` if the publisher lapses unless it is used soon: the platform has immutable ids, and the publisher
    /// has neither been configured with all of them nor learned them.
    /// [`TrustPolicy::state`](super::TrustPolicy::state) returns the time.
    pub lapses: bool,
    /// The account of the registry that the publisher belongs to, in the application's words, such as the number of a
    /// user or an organization; `None` for the operator's own, such as those of a configuration file.
    ///
    /// Set it wherever users configure publishers. At endpoints that name no package, a job's publishers are
    /// found by its repository, which anybody may name; the account keeps them apart
    /// ([`PublisherStore::candidates`]). The operator's own publishers are all trusted alike.
    ///
    /// [`PublisherStore::candidates`]: super::PublisherStore::candidates
    pub account: Option<String>,
    /// `true` if the account is known to publish by the identity: a publish of the package by this publisher
    /// succeeded ([`TrustStore::published`](super::TrustStore::published)). An application that knows by other means
    /// that the account owns the repository, for example since it signed in with the platform, may set it
    /// from the beginning.
    pub proven: bool,
    /// The time of the last publish by this publisher.
    pub published_at: Option<Timestamp>,
    /// The time of the last granted exchange by this publisher. It is recorded for
    /// [proven](Self::proven) publishers only: an account that configures a publisher for somebody else's
    /// repository must not see when that repository's jobs run.
    pub exchanged_at: Option<Timestamp>,
    /// The part of the application that manages the publisher, in the application's words, such as `file` or `api`.
    /// [`Trust::of_origin`](super::Trust::of_origin) finds publishers by it; it has no influence on
    /// decisions.
    pub origin: String,
}

impl PublisherRecord {
    /// A record of the operator's own publisher that has learned nothing, is not pending, lapses, and has an
    /// empty origin.
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

    /// Sets the account that configures the publisher.
    ///
    /// ```
    /// # use oidc_exchange::server::{Package, Trust, TrustError};
    /// # async fn example(trust: &Trust, rules: serde_json::Value) -> Result<(), TrustError> {
    /// let publisher = trust.prepare(Package::new("npm", "@acme/widget"), "github", None, rules)?;
    /// trust.add(&publisher.of_account("user:42")).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn of_account(self, account: impl Into<String>) -> Self {
        Self { account: Some(account.into()), ..self }
    }

    /// Returns `true` if both are of one account and give the same identity the same rights to the same
    /// package.
    pub fn is_like(&self, other: &Self) -> bool {
        let same = self.package == other.package && self.account == other.account;
        same && self.identity == other.identity && self.config == other.config
    }

    /// Returns `true` if this publisher is unchanged since it was `seen`: it has the same id and package, has
    /// learned nothing since, is pending if it was pending, and is proven if it was proven.
    pub fn is_still(&self, seen: &Self) -> bool {
        let same = self.id == seen.id && self.package == seen.package && self.proven == seen.proven;
        same && self.learned == seen.learned && self.pending == seen.pending
    }

    /// Returns the record after its package was transferred to another owner, who keeps the publishers with the
    /// ids `kept`; `None` where it is not kept. A publish has to prove again that the owner publishes by the
    /// identity.
    pub fn transferred(self, owner: &PackageOwner, kept: &[&str]) -> Option<Self> {
        let is_kept = !self.pending && kept.contains(&self.id.as_str());
        let account = owner.name().map(str::to_owned);
        is_kept.then_some(Self { account, proven: false, published_at: None, exchanged_at: None, ..self })
    }

    /// Returns the owner of the packages that the publisher is for: its account, or the operator.
    pub fn owner(&self) -> PackageOwner {
        PackageOwner::of_publisher(self.account.as_deref())
    }

    /// Returns the rank of its claim on an immutable id.
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

    /// Returns the ids that another of these publishers has learned for the same identity, of several that of the
    /// package itself, or else of the longest prefix. Returns `None` where this publisher is configured with a
    /// different id, which is then the owner's decision.
    ///
    /// A publisher takes ids over from regular publishers of its package, of any account, and from publishers of its
    /// own account for a prefix that has some of its packages. Where `named` is the only package that is asked for,
    /// of whose owners all publishers for prefixes are, it takes them over from all regular ones. Of a package that
    /// is still to be created anybody may have pending publishers, so no publisher takes ids over from a pending
    /// publisher of another account, or the reverse.
    pub(super) fn known_beside<'a>(
        &self,
        others: impl IntoIterator<Item = &'a Self>,
        named: Option<&Package>,
    ) -> Option<&'a BTreeMap<String, String>> {
        let is_for =
            |record: &Self, package: &Package| record.package == *package || record.package.covers(package);
        let is_beside = |other: &&Self| {
            let is_of_package = match named {
                Some(package) => is_for(other, package) && is_for(self, package),
                None => other.package == self.package && !self.package.is_prefix(),
            };
            let is_of_account = other.account == self.account && other.package.overlaps(&self.package);
            let is_of_same = is_of_account || is_of_package && !(other.pending || self.pending);
            is_of_same && self.may_take_over_from(other)
        };
        let nearness = |other: &&Self| (other.package.is_prefix(), Reverse(other.package.name.len()));
        let found = others.into_iter().filter(is_beside).min_by_key(nearness)?;
        Some(&found.learned)
    }

    /// Returns `true` if another publisher has learned ids for the same identity and this one is not configured with
    /// different ones.
    fn may_take_over_from(&self, other: &Self) -> bool {
        let configured = |claim: &String| self.config.get(claim).and_then(Value::as_str);
        let agrees = |(claim, value): (&String, &String)| configured(claim).is_none_or(|id| id == value);
        other.identity == self.identity && !other.learned.is_empty() && other.learned.iter().all(agrees)
    }

    /// Returns `true` unless a publisher that has learned no id would learn other ids than others of its package have
    /// learned for the same identity, since it was decided that it learns these: regular publishers where it is regular,
    /// and pending ones of its account where it is pending. A store asks for each publisher of a grant in the transaction that stores it,
    /// with all publishers of the package. Ids of a publisher for a prefix are not compared.
    ///
    /// ```
    /// use oidc_core::{Identity, ImmutableId, Timestamp};
    /// use oidc_exchange::server::{Package, PublisherRecord};
    ///
    /// let publisher = |id| {
    ///     let identity = Identity::new("https://token.actions.githubusercontent.com", "acme/widget");
    ///     let config = serde_json::json!({ "repository": "acme/widget" });
    ///     PublisherRecord::new(id, Package::new("npm", "widget"), "github", identity, config, Timestamp::default())
    /// };
    /// let (mut first, second) = (publisher("1"), publisher("2"));
    /// first.learned.insert("id".to_owned(), "7".to_owned());
    /// assert!(second.may_learn(&[ImmutableId::new("id", "7")], [&first, &second]));
    /// assert!(!second.may_learn(&[ImmutableId::new("id", "8")], [&first, &second]));
    /// ```
    pub fn may_learn<'a>(&self, ids: &[ImmutableId], of_package: impl IntoIterator<Item = &'a Self>) -> bool {
        if ids.is_empty() || !self.learned.is_empty() || self.package.is_prefix() {
            return true;
        }
        let is_of_same = |other: &&Self| other.account == self.account || !(other.pending || self.pending);
        let is_beside = |other: &&Self| {
            other.package == self.package && is_of_same(other) && self.may_take_over_from(other)
        };
        let agrees = |other: &Self| {
            ids.iter().all(|id| other.learned.get(id.claim).is_none_or(|value| *value == id.value))
        };
        let mut beside = of_package.into_iter().filter(is_beside).peekable();
        beside.peek().is_none() || beside.any(agrees)
    }

    /// Returns the texts among the [rules](Self::rules), learned or configured. On every platform they
    /// contain the immutable ids; only the platform knows which of them are ids.
    pub fn texts(&self) -> BTreeMap<String, String> {
        let Value::Object(rules) = self.rules() else { return BTreeMap::new() };
        rules.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
    }

    /// Returns the rules with the learned ids among them, as the platform reads them. A rule that is `null`
    /// is no rule.
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

/// The rank of a publisher's claim on an immutable id, the highest first: the order of
/// [`PublisherStore::of_immutable_id`](super::PublisherStore::of_immutable_id).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PublisherRank {
    /// A [proven](PublisherRecord::proven) publisher.
    Proven,
    /// The operator's own publisher.
    Own,
    /// An account's publisher that learned its ids from a job.
    Learned,
    /// An account's publisher that was configured with its ids and never used.
    Configured,
    /// A pending publisher that learned its ids from a job.
    PendingLearned,
    /// A pending publisher that was never used.
    PendingConfigured,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(package: Package, id: &str) -> PublisherRecord {
        let identity = Identity::new("https://issuer.example", "acme/widget");
        let mut record =
            PublisherRecord::new(id, package, "github", identity, json!({}), Timestamp::default());
        record.learned.extend((!id.is_empty()).then(|| ("repository_id".to_owned(), id.to_owned())));
        record
    }

    #[test]
    fn of_several_publishers_the_ids_of_the_package_count_and_then_those_of_the_longest_prefix() {
        let prefix = |text| Package::prefix("npm", text).unwrap();
        let of_package = record(Package::new("npm", "acme-w-x"), "1");
        let (narrow, wide) = (record(prefix("acme-w-"), "2"), record(prefix("acme-"), "3"));
        let fresh = record(Package::new("npm", "acme-w-x"), "");
        for (others, expected) in [
            ([&wide, &narrow, &of_package], "1"),
            ([&of_package, &wide, &narrow], "1"),
            ([&wide, &narrow, &narrow], "2"),
            ([&narrow, &wide, &wide], "2"),
        ] {
            let known = fresh.known_beside(others, None).unwrap();
            assert_eq!(known.get("repository_id").map(String::as_str), Some(expected));
        }
    }
}
