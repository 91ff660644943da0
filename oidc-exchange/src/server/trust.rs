use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oidc_core::{Context, InvalidPublisher, Provider, ProviderSet, PublisherField, RandomError, shown};
use serde_json::Value;

use super::package::{Package, PackageOwner};
use super::policy::{PublisherLimit, PublisherState, TrustLimits, TrustPolicy};
use super::record::PublisherRecord;
use super::store_error::StoreError;
use super::trust_store::{Stored, TrustStore};

/// The number of tries of an edit while the publisher changes. A publisher can learn its ids once, and become
/// regular once.
const EDITS: usize = 5;
/// The limit on the name of an account, in bytes.
const MAX_ACCOUNT: usize = 255;

/// The configuration of publishers: validated with the platforms, and stored in the store.
#[derive(Clone, Debug)]
pub struct Trust {
    providers: ProviderSet,
    store: Arc<dyn TrustStore>,
    cx: Context,
    policy: TrustPolicy,
    limits: TrustLimits,
}

impl Trust {
    /// Trust configuration over these platforms and this store. The context provides the randomness of ids
    /// and the time of records.
    pub fn new(providers: ProviderSet, store: impl TrustStore + 'static, cx: &Context) -> Self {
        let (policy, limits) = (TrustPolicy::default(), TrustLimits::default());
        Self { providers, store: Arc::new(store), cx: cx.clone(), policy, limits }
    }

    /// Replaces the policy on unused publishers. Use that of the exchange
    /// ([`ExchangeBuilder::trust_policy`](super::ExchangeBuilder::trust_policy)).
    #[must_use]
    pub fn with_policy(mut self, policy: TrustPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Replaces the limits on the number of publishers.
    #[must_use]
    pub fn with_limits(mut self, limits: TrustLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the current state of a publisher, for a settings page: whether it is in force, and until when.
    pub fn state(&self, record: &PublisherRecord) -> PublisherState {
        self.policy.state(record, self.cx.clock().now())
    }

    /// Returns the publishers of a package, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, TrustError> {
        Ok(self.store.list(package).await?)
    }

    /// Returns every publisher of an account, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn of_account(&self, account: &str) -> Result<Vec<PublisherRecord>, TrustError> {
        Ok(self.store.of_account(account).await?)
    }

    /// Returns every publisher that may publish a package, for its settings page: the package's own, and those of
    /// its owners for a [prefix](Package::prefix) of its name. `owners` are the package's owners, and empty where
    /// the package does not exist.
    ///
    /// ```
    /// use oidc_exchange::server::{Package, PackageOwner, PublisherRecord, Trust, TrustError};
    ///
    /// /// The lines of a settings page.
    /// async fn lines(trust: &Trust, owner: &str) -> Result<Vec<String>, TrustError> {
    ///     let package = Package::new("npm", "@acme/widget");
    ///     let publishers = trust.reaching(&package, &[PackageOwner::account(owner)]).await?;
    ///     let tokens = trust.live_tokens(&publishers).await?;
    ///     let line = |record: &PublisherRecord| {
    ///         let tokens = tokens.get(&record.id).copied().unwrap_or_default();
    ///         format!("{}: {}, {tokens} tokens", record.package.label(), trust.state(record))
    ///     };
    ///     Ok(publishers.iter().map(line).collect())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn reaching(
        &self,
        package: &Package,
        owners: &[PackageOwner],
    ) -> Result<Vec<PublisherRecord>, TrustError> {
        let mut publishers = self.store.list(package).await?;
        publishers.extend(self.store.covering(package, owners).await?);
        Ok(publishers)
    }

    /// Returns the number of valid publish tokens of each of these publishers, by their ids: see
    /// [`TrustStore::live_tokens`]. Those of a publisher for a prefix are for any of its packages.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn live_tokens(
        &self,
        publishers: &[PublisherRecord],
    ) -> Result<BTreeMap<String, u64>, TrustError> {
        let packages: BTreeSet<&Package> = publishers.iter().map(|record| &record.package).collect();
        let mut counts = BTreeMap::new();
        for package in packages {
            counts.extend(self.store.live_tokens(package, self.cx.clock().now()).await?);
        }
        counts.retain(|id, _| publishers.iter().any(|record| record.id == *id));
        Ok(counts)
    }

    /// Purges the publishers of accounts that lapsed or expired long ago ([`TrustPolicy::forget_after`]), in
    /// batches of `limit`, until none are left. Returns their number. The operator's own stay: a
    /// configuration file that is read again would add them again, and they would be in force again.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn purge(&self, limit: u32) -> Result<u64, TrustError> {
        let ended = self.policy.forgotten(self.cx.clock().now());
        let mut total = 0;
        loop {
            let purged = self.store.purge_publishers(ended, limit).await?;
            total += purged;
            if purged == 0 {
                return Ok(total);
            }
        }
    }

    /// Returns every publisher of an origin, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, TrustError> {
        Ok(self.store.of_origin(origin).await?)
    }

    /// Checks a publisher's configuration and makes a record that can be stored.
    ///
    /// `provider` is the name of the platform, and `issuer` one of its issuers, which may be left out where
    /// the platform has only one. `config` has the platform's own keys.
    ///
    /// `package` may be a [prefix](Package::prefix) of names where the registry allows such publishers
    /// ([`TrustPolicy::prefixes_per_account`]). The publisher is then for the packages of its own account only,
    /// and creates no package.
    ///
    /// The record is the operator's own, for a package that exists. Before storing it, set
    /// [`account`](PublisherRecord::account) where a user configures it,
    /// [`pending`](PublisherRecord::pending) where its first publish creates the package, and
    /// [`origin`](PublisherRecord::origin) where a file or another part of the application manages it.
    /// # Errors
    ///
    /// When the platform or issuer is not known here, or the platform refuses the configuration.
    pub fn prepare(
        &self,
        package: Package,
        provider: &str,
        issuer: Option<&str>,
        mut config: Value,
    ) -> Result<PublisherRecord, TrustError> {
        let platform = self.platform(provider, issuer)?;
        let identity = platform.publisher(&config)?.identity();
        // A rule that is `null` is no rule, and would be in the way of a learned id.
        if let Value::Object(rules) = &mut config {
            rules.retain(|_, rule| !rule.is_null());
        }
        let mut random = [0; 16];
        self.cx.random().fill(&mut random)?;
        let id = uuid::Builder::from_random_bytes(random).into_uuid().to_string();
        let lacks = |field: &PublisherField| field.learned && config.get(field.key).is_none();
        // With all ids configured, the next owner of a name can't use the publisher, so it need not lapse.
        let lapses = platform.publisher_fields().iter().any(lacks);
        let record =
            PublisherRecord::new(id, package, platform.id(), identity, config, self.cx.clock().now());
        Ok(PublisherRecord { lapses, ..record })
    }

    /// Stores a publisher that [`Trust::prepare`] made, unless the package has it already. The publisher
    /// takes over the ids that another publisher of the package has learned for the same identity, unless it
    /// is configured with other ids. Returns the stored record.
    ///
    /// # Errors
    ///
    /// When the package has it already, the account is at a limit ([`TrustLimits`]), or the store can't be
    /// reached.
    pub async fn add(&self, publisher: &PublisherRecord) -> Result<PublisherRecord, TrustError> {
        self.add_within(&*self.store, publisher).await
    }

    /// Does the same in a transaction of the store, such as `sql::Transaction`, together with the other
    /// changes of the transaction.
    ///
    /// # Errors
    ///
    /// As those of [`Trust::add`].
    pub async fn add_within(
        &self,
        store: &dyn TrustStore,
        publisher: &PublisherRecord,
    ) -> Result<PublisherRecord, TrustError> {
        if publisher.account.as_deref().is_some_and(|account| !is_account(account)) {
            return Err(TrustError::Account);
        }
        self.check_prefix(publisher)?;
        let known = store.list(&publisher.package).await?;
        let publisher = self.taught(store, publisher.clone(), &known).await?;
        let room = self.limits.room(&self.policy, self.cx.clock().now());
        match store.add(&publisher, &room).await? {
            Stored::Done => Ok(publisher),
            Stored::TooMany(limit) => Err(TrustError::TooMany { limit, number: room.number(limit) }),
            // A store does not return `Missing` here.
            Stored::Exists | Stored::Missing => {
                Err(TrustError::Exists { id: id_of_like(&known, &publisher) })
            }
        }
    }

    /// Replaces the package's publisher `id` by a publisher that [`Trust::prepare`] made. The new publisher
    /// has a new id and keeps the account and the origin. The tokens of the old one end at once. Where both
    /// have the same identity, the new one keeps the learned ids, the age and the proof of the old one;
    /// otherwise it begins like an [added](Self::add) publisher. Returns the stored record.
    ///
    /// # Errors
    ///
    /// When there is no publisher `id`, the package has the new publisher already, or the store can't be
    /// reached.
    pub async fn edit(&self, id: &str, wanted: PublisherRecord) -> Result<PublisherRecord, TrustError> {
        self.edit_within(&*self.store, id, wanted).await
    }

    /// Does the same in a transaction of the store, such as `sql::Transaction`, together with the other
    /// changes of the transaction.
    ///
    /// # Errors
    ///
    /// As those of [`Trust::edit`].
    pub async fn edit_within(
        &self,
        store: &dyn TrustStore,
        id: &str,
        wanted: PublisherRecord,
    ) -> Result<PublisherRecord, TrustError> {
        self.check_prefix(&wanted)?;
        for _ in 0..EDITS {
            let mut publisher = wanted.clone();
            let known = store.list(&publisher.package).await?;
            let old = known.iter().find(|record| record.id == id).ok_or(TrustError::Missing)?;
            publisher.origin.clone_from(&old.origin);
            publisher.account.clone_from(&old.account);
            publisher.pending = old.pending;
            // What was learned and proven holds for the identity only: with another identity the publisher
            // begins anew.
            if old.identity == publisher.identity {
                publisher.learned.clone_from(&old.learned);
                publisher.lapses &= old.learned.is_empty();
                publisher.created_at = old.created_at;
                publisher.proven |= old.proven;
                publisher.published_at = old.published_at;
                publisher.exchanged_at = old.exchanged_at;
            }
            let publisher = self.taught(store, publisher, &known).await?;
            match store.replace(old, &publisher).await? {
                Stored::Done => return Ok(publisher),
                Stored::Exists => return Err(TrustError::Exists { id: id_of_like(&known, &publisher) }),
                // The publisher changed or is gone: try again. `TooMany` can't occur, since replacing does
                // not raise the number.
                Stored::Missing | Stored::TooMany(_) => {}
            }
        }
        Err(TrustError::Missing)
    }

    /// Removes a publisher; its publish tokens end at once. Returns `false` where there is none. The
    /// application decides who may remove or [edit](Self::edit) a publisher: its account is in the record.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn remove(&self, package: &Package, id: &str) -> Result<bool, TrustError> {
        Ok(self.store.remove(package, id).await?)
    }

    /// Records that a publish of a package succeeded by one of its publishers, which is
    /// [proven](PublisherRecord::proven) from now on: see [`TrustStore::published`]. Returns `false` where
    /// the package has no such publisher. A registry whose packages are in the stores' database calls
    /// `published` of the transaction that stores the publish instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn published(&self, package: &Package, by: &str) -> Result<bool, TrustError> {
        Ok(self.store.published(package, by, self.cx.clock().now()).await?)
    }

    /// Records that a package was created by a token of the pending publisher `by`, and returns the package's
    /// owner: see [`TrustStore::package_created_by`]. A registry whose packages are in the stores' database does
    /// it in the transaction that creates the package instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_created_by(
        &self,
        package: &Package,
        by: &str,
    ) -> Result<Option<PackageOwner>, TrustError> {
        Ok(self.store.package_created_by(package, by).await?)
    }

    /// Records that a package was created by other means: see [`TrustStore::package_created`]. A registry whose
    /// packages are in the stores' database does it in the transaction that creates the package instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_created(&self, package: &Package) -> Result<(), TrustError> {
        Ok(self.store.package_created(package).await?)
    }

    /// Records that a package was removed, and removes its publishers and tokens: see
    /// [`TrustStore::package_removed`]. A registry whose packages are in the stores' database does it in the
    /// transaction that removes the package instead.
    ///
    /// Self-contained publish tokens of a [`Minter`](super::Minter) can't be revoked: where such a token
    /// publishes, ask for its publisher, as `sql::Transaction::is_active` does.
    ///
    /// ```
    /// # use oidc_exchange::server::{Package, PackageOwner, Trust, TrustError};
    /// # async fn example(trust: &Trust) -> Result<(), TrustError> {
    /// // The owner deleted the package. The next owner of the name `widget` starts without publishers.
    /// trust.package_removed(&Package::new("npm", "widget")).await?;
    /// // Renamed: its publishers go along.
    /// trust.package_renamed(&Package::new("npm", "gadget"), "gizmo").await?;
    /// // Handed over to another account, which keeps no publisher of the former owner's.
    /// let owner = PackageOwner::account("user:42");
    /// trust.package_transferred(&Package::new("npm", "gizmo"), &owner, &[]).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_removed(&self, package: &Package) -> Result<(), TrustError> {
        Ok(self.store.package_removed(package).await?)
    }

    /// Records that a package was renamed to `name`, which must be normalized as its protocol does: see
    /// [`TrustStore::package_renamed`]. A registry whose packages are in the stores' database does it in the
    /// transaction that renames the package instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), TrustError> {
        Ok(self.store.package_renamed(package, name).await?)
    }

    /// Records that a package was transferred to `owner`, who keeps the publishers with the ids `kept`
    /// and no others: see [`TrustStore::package_transferred`]. A registry whose packages are in the stores'
    /// database does it in the transaction that transfers the package instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_transferred(
        &self,
        package: &Package,
        owner: &PackageOwner,
        kept: &[&str],
    ) -> Result<(), TrustError> {
        Ok(self.store.package_transferred(package, owner, kept).await?)
    }

    /// Checks that the registry allows the publisher if it is for a prefix of names. Such a publisher creates no
    /// package.
    fn check_prefix(&self, publisher: &PublisherRecord) -> Result<(), TrustError> {
        match publisher.package.is_prefix() {
            true if !self.policy.allows_prefixes() => Err(TrustError::Prefix),
            true if publisher.pending => Err(TrustError::PendingPrefix),
            _ => Ok(()),
        }
    }

    /// Returns a publisher with the ids that others know of its identity, where it has learned none itself: those of
    /// its package, and those of its account's publishers for a prefix that has some of its packages.
    async fn taught(
        &self,
        store: &dyn TrustStore,
        mut publisher: PublisherRecord,
        known: &[PublisherRecord],
    ) -> Result<PublisherRecord, TrustError> {
        if publisher.learned.is_empty() {
            let mut others = known.to_vec();
            if self.policy.allows_prefixes() {
                others.extend(of_same_account(store, &publisher).await?);
            }
            publisher.learned = publisher.known_beside(&others, None).cloned().unwrap_or_default();
            publisher.lapses &= publisher.learned.is_empty();
        }
        Ok(publisher)
    }

    fn platform(&self, provider: &str, issuer: Option<&str>) -> Result<&Arc<dyn Provider>, TrustError> {
        // A provider set has a platform once for each of its issuers.
        let mut of_issuer = BTreeMap::new();
        for platform in self.providers.iter().filter(|platform| platform.id() == provider) {
            for known in &platform.profile().issuers {
                of_issuer.insert(known.url().to_string(), platform);
            }
        }
        let known = || of_issuer.keys().cloned().collect::<Vec<_>>().join(", ");
        match issuer {
            Some(issuer) => of_issuer.get(issuer).copied().ok_or_else(|| TrustError::Issuer {
                provider: shown(provider).to_string(),
                issuer: shown(issuer).to_string(),
                known: known(),
            }),
            None if of_issuer.len() > 1 => {
                Err(TrustError::WhichIssuer { provider: shown(provider).to_string(), known: known() })
            }
            None => of_issuer
                .values()
                .next()
                .copied()
                .ok_or_else(|| TrustError::Provider { provider: shown(provider).to_string() }),
        }
    }
}

/// Returns the publishers of the same account that may share packages with this one through a prefix. Those of the
/// operator's own beside a prefix are found by their origin, since no index has all of them.
async fn of_same_account(
    store: &dyn TrustStore,
    publisher: &PublisherRecord,
) -> Result<Vec<PublisherRecord>, StoreError> {
    match (publisher.package.is_prefix(), &publisher.account) {
        (true, Some(account)) => store.of_account(account).await,
        (true, None) => store.of_origin(&publisher.origin).await,
        (false, _) => store.covering(&publisher.package, &[publisher.owner()]).await,
    }
}

/// Returns `true` if a text can be the name of an account. An empty text is no name: stores use it for the
/// operator.
fn is_account(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_ACCOUNT && !text.chars().any(char::is_control)
}

/// The id of the publisher that equals this one except for its id; empty where it was added after `known` was
/// read.
fn id_of_like(known: &[PublisherRecord], publisher: &PublisherRecord) -> String {
    known.iter().find(|record| record.is_like(publisher)).map(|record| record.id.clone()).unwrap_or_default()
}

/// An error of configuring a publisher.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// This registry knows no such platform.
    #[error("this registry trusts no platform `{provider}`")]
    Provider {
        /// The platform, fit to be shown.
        provider: String,
    },
    /// This registry does not trust the issuer for that platform.
    #[error("this registry trusts no issuer `{issuer}` of `{provider}`; it trusts {known}")]
    Issuer {
        /// The platform, fit to be shown.
        provider: String,
        /// The issuer, fit to be shown.
        issuer: String,
        /// The issuers that this registry trusts for the platform.
        known: String,
    },
    /// The platform has several issuers here.
    #[error("`{provider}` has several issuers here; name one of {known} as `issuer`")]
    WhichIssuer {
        /// The platform, fit to be shown.
        provider: String,
        /// The issuers to choose from.
        known: String,
    },
    /// The platform refuses the configuration. The error contains every fault and its field
    /// ([`InvalidPublisher::of`]).
    #[error(transparent)]
    Publisher(#[from] InvalidPublisher),
    /// The account has this publisher for the package already. Publishers of other accounts are not reported.
    #[error("the package has this trusted publisher already")]
    Exists {
        /// The id of that publisher.
        id: String,
    },
    /// The record's account can't be the name of an account.
    #[error(
        "the publisher's account is empty or longer than {MAX_ACCOUNT} bytes, or has control characters; name the account, or \
         leave it out for a publisher of the operator's own"
    )]
    Account,
    /// The record is for a prefix of names, and the registry allows no such publishers; see
    /// [`TrustPolicy::prefixes_per_account`].
    #[error("this registry takes trusted publishers for one package each, not for a prefix of names")]
    Prefix,
    /// The record is for a prefix of names and pending.
    #[error(
        "a trusted publisher for a prefix of names creates no package; configure a pending one for the package that is to be created"
    )]
    PendingPrefix,
    /// The package has no publisher of this id.
    #[error("the package has no such trusted publisher")]
    Missing,
    /// The account has reached a limit.
    #[error("the {limit} {number} {} already; remove one first", limit.noun())]
    TooMany {
        /// The limit that is reached.
        limit: PublisherLimit,
        /// The number that the limit allows.
        number: u32,
    },
    /// No id could be made.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The store can't be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
}
