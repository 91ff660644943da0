use std::collections::BTreeMap;
use std::sync::Arc;

use oidc_core::{Context, InvalidPublisher, Provider, ProviderSet, PublisherField, RandomError, shown};
use serde_json::Value;

use super::package::Package;
use super::policy::{PublisherLimit, PublisherState, TrustLimits, TrustPolicy};
use super::record::PublisherRecord;
use super::store::{StoreError, Stored, TrustStore};

/// How often an edit is tried of a publisher that changes meanwhile. It may learn its ids and cease to be pending, once each.
const EDITS: usize = 5;
/// How long the name of an account may be, in bytes.
const MAX_ACCOUNT: usize = 255;

/// Configures who may publish what: validates with the platforms, stores with the store.
#[derive(Clone, Debug)]
pub struct Trust {
    providers: ProviderSet,
    store: Arc<dyn TrustStore>,
    cx: Context,
    policy: TrustPolicy,
    limits: TrustLimits,
}

impl Trust {
    /// Trust configuration over these platforms and this store; the context gives ids their randomness and records
    /// their time.
    pub fn new(providers: ProviderSet, store: impl TrustStore + 'static, cx: &Context) -> Self {
        let (policy, limits) = (TrustPolicy::default(), TrustLimits::default());
        Self { providers, store: Arc::new(store), cx: cx.clone(), policy, limits }
    }

    /// With another policy on how long publishers stay in force without being used: the exchange's
    /// ([`ExchangeBuilder::trust_policy`](super::ExchangeBuilder::trust_policy)).
    #[must_use]
    pub fn with_policy(mut self, policy: TrustPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// With other limits on how many publishers there may be.
    #[must_use]
    pub fn with_limits(mut self, limits: TrustLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether a publisher is in force now, and until when, for a settings page.
    pub fn state(&self, record: &PublisherRecord) -> PublisherState {
        self.policy.state(record, self.cx.clock().now())
    }

    /// The publishers of a package, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, TrustError> {
        Ok(self.store.list(package).await?)
    }

    /// Every publisher of an account, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn of_account(&self, account: &str) -> Result<Vec<PublisherRecord>, TrustError> {
        Ok(self.store.of_account(account).await?)
    }

    /// How many publish tokens of a package's publishers are valid now, by the publishers' ids, for a settings page: see
    /// [`TrustStore::live_tokens`].
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn live_tokens(&self, package: &Package) -> Result<BTreeMap<String, u64>, TrustError> {
        Ok(self.store.live_tokens(package, self.cx.clock().now()).await?)
    }

    /// Forgets the publishers of accounts that lapsed or expired long ago ([`TrustPolicy::forget_after`]), in batches of
    /// `limit`, until nothing is left; returns how many. The operator's own stay: a configuration file that is read again would
    /// add them anew, and they would be in force again.
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

    /// Every publisher of an origin, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, TrustError> {
        Ok(self.store.of_origin(origin).await?)
    }

    /// Checks a publisher's configuration and makes it ready to be stored.
    ///
    /// `provider` names the platform and `issuer` one of its issuers; it may be left out where the platform has
    /// only one. `config` holds the platform's own keys.
    ///
    /// `package` may be a [prefix](Package::prefix) of names where the registry takes such publishers
    /// ([`TrustLimits::prefixes_per_account`]). It is for the packages of its account alone, and creates none.
    ///
    /// The record is of a package that exists and of the operator's own. Before it is stored, set
    /// [`account`](PublisherRecord::account) where a user configures it, [`pending`](PublisherRecord::pending) where its first publish
    /// creates the package, and [`origin`](PublisherRecord::origin) where a file or another part of the application manages it.
    ///
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
        // A rule that is `null` is none, and is not to stand where a learned id will.
        if let Value::Object(rules) = &mut config {
            rules.retain(|_, rule| !rule.is_null());
        }
        let mut random = [0; 16];
        self.cx.random().fill(&mut random)?;
        let id = uuid::Builder::from_random_bytes(random).into_uuid().to_string();
        let lacks = |field: &PublisherField| field.learned && config.get(field.key).is_none();
        let lapses = platform.publisher_fields().iter().any(lacks);
        let record =
            PublisherRecord::new(id, package, platform.id(), identity, config, self.cx.clock().now());
        Ok(PublisherRecord { lapses, ..record })
    }

    /// Stores a publisher that [`Trust::prepare`] made, unless the package has it already. It knows from the beginning what
    /// another publisher of the package has learned of the same identity, unless it is configured with other ids. What is
    /// stored is returned.
    ///
    /// # Errors
    ///
    /// When the package has it already, the account has as many as it may ([`TrustLimits`]), or the store can't be reached.
    pub async fn add(&self, publisher: &PublisherRecord) -> Result<PublisherRecord, TrustError> {
        self.add_within(&*self.store, publisher).await
    }

    /// Does the same in a transaction of the store, such as `sql::Transaction`, together with whatever else that holds.
    ///
    /// # Errors
    ///
    /// As [`Trust::add`].
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
        let publisher = taught(publisher.clone(), &known);
        let room = self.limits.room(&self.policy, self.cx.clock().now());
        match store.add(&publisher, &room).await? {
            Stored::Done => Ok(publisher),
            Stored::TooMany(limit) => Err(TrustError::TooMany { limit, number: self.limits.of(limit) }),
            Stored::Exists | Stored::Missing => {
                Err(TrustError::Exists { id: id_of_like(&known, &publisher) })
            }
        }
    }

    /// Puts the publisher that [`Trust::prepare`] made in the place of the package's publisher `id`. It has a new id,
    /// keeps the account and the origin, and the tokens of the old one end at once. Where both are for the same identity it
    /// keeps what the old one learned, its age, and whether it is proven; otherwise it begins as one that is [added](Self::add). What is stored is returned.
    ///
    /// # Errors
    ///
    /// When there is no such publisher, the package has the new one already, or the store can't be reached.
    pub async fn edit(&self, id: &str, wanted: PublisherRecord) -> Result<PublisherRecord, TrustError> {
        self.edit_within(&*self.store, id, wanted).await
    }

    /// Does the same in a transaction of the store, such as `sql::Transaction`, together with whatever else that holds.
    ///
    /// # Errors
    ///
    /// As [`Trust::edit`].
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
            if old.identity == publisher.identity {
                publisher.learned.clone_from(&old.learned);
                publisher.lapses &= old.learned.is_empty();
                publisher.created_at = old.created_at;
                publisher.proven |= old.proven;
                publisher.published_at = old.published_at;
                publisher.exchanged_at = old.exchanged_at;
            }
            let publisher = taught(publisher, &known);
            match store.replace(old, &publisher).await? {
                Stored::Done => return Ok(publisher),
                Stored::Exists => return Err(TrustError::Exists { id: id_of_like(&known, &publisher) }),
                // It changed, or is gone. No more than before are stored, whatever the limits.
                Stored::Missing | Stored::TooMany(_) => {}
            }
        }
        Err(TrustError::Missing)
    }

    /// Removes a publisher; the tokens that it let be minted end at once. `false` where there is none. Who may remove or
    /// [edit](Self::edit) whose is the application's to decide: the record's account says whose it is.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn remove(&self, package: &Package, id: &str) -> Result<bool, TrustError> {
        Ok(self.store.remove(package, id).await?)
    }

    /// Notes that a publish of a package went through by one of its publishers, which is [proven](PublisherRecord::proven)
    /// from now on: see [`TrustStore::published`]. A registry whose packages are in the stores' database does it in the
    /// transaction that stores the publish instead. `false` where the package has no such publisher.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn published(&self, package: &Package, by: &str) -> Result<bool, TrustError> {
        Ok(self.store.published(package, by, self.cx.clock().now()).await?)
    }

    /// Says that a package came to be: see [`TrustStore::package_created`]. A registry whose packages are in the stores'
    /// database does it in the transaction that creates the package instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_created(&self, package: &Package, by: Option<&str>) -> Result<bool, TrustError> {
        Ok(self.store.package_created(package, by).await?)
    }

    /// Says that a package was removed, and its publishers and tokens with it: see [`TrustStore::package_removed`]. A registry
    /// whose packages are in the stores' database does it in the transaction that removes the package instead.
    ///
    /// Publish tokens of a [`Minter`](super::Minter) that no store knows can't be ended: where such a token publishes, ask for its
    /// publisher, as `sql::Transaction::is_active` does.
    ///
    /// ```
    /// # use oidc_exchange::server::{Package, Trust, TrustError};
    /// # async fn example(trust: &Trust) -> Result<(), TrustError> {
    /// // Deleted by its owner: whoever creates `widget` next starts without publishers.
    /// trust.package_removed(&Package::new("npm", "widget")).await?;
    /// // Renamed: its publishers go along.
    /// trust.package_renamed(&Package::new("npm", "gadget"), "gizmo").await?;
    /// // Handed over to another account, which keeps no publisher of the former owner's.
    /// trust.package_transferred(&Package::new("npm", "gizmo"), Some("user:42"), &[]).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_removed(&self, package: &Package) -> Result<(), TrustError> {
        Ok(self.store.package_removed(package).await?)
    }

    /// Says that a package is called `name` from now on, normalised as its protocol does: see [`TrustStore::package_renamed`]. A
    /// registry whose packages are in the stores' database does it in the transaction that renames the package instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), TrustError> {
        Ok(self.store.package_renamed(package, name).await?)
    }

    /// Says that a package belongs to `account` from now on, which keeps the publishers with the ids `kept` and no others: see
    /// [`TrustStore::package_transferred`]. A registry whose packages are in the stores' database does it in the transaction that
    /// transfers the package instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_transferred(
        &self,
        package: &Package,
        account: Option<&str>,
        kept: &[&str],
    ) -> Result<(), TrustError> {
        Ok(self.store.package_transferred(package, account, kept).await?)
    }

    /// Whether the registry takes a publisher for a prefix of names, if it is one. It creates no package.
    fn check_prefix(&self, publisher: &PublisherRecord) -> Result<(), TrustError> {
        match publisher.package.is_prefix() {
            true if self.limits.prefixes_per_account == 0 => Err(TrustError::Prefix),
            true if publisher.pending => Err(TrustError::PendingPrefix),
            _ => Ok(()),
        }
    }

    fn platform(&self, provider: &str, issuer: Option<&str>) -> Result<&Arc<dyn Provider>, TrustError> {
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

/// Whether a text can be the name of an account: `None` means the operator, and an empty text must not.
fn is_account(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_ACCOUNT && !text.chars().any(char::is_control)
}

/// A publisher with what others of its package know of its identity, where it has learned nothing itself.
fn taught(mut publisher: PublisherRecord, known: &[PublisherRecord]) -> PublisherRecord {
    if publisher.learned.is_empty() {
        publisher.learned = publisher.known_beside(known).cloned().unwrap_or_default();
        publisher.lapses &= publisher.learned.is_empty();
    }
    publisher
}

/// The id of the publisher that is the same but for its id; empty where it came between the look and the answer.
fn id_of_like(known: &[PublisherRecord], publisher: &PublisherRecord) -> String {
    known.iter().find(|record| record.is_like(publisher)).map(|record| record.id.clone()).unwrap_or_default()
}

/// A publisher can't be configured so.
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
        /// The issuers that it trusts for the platform.
        known: String,
    },
    /// The platform has several issuers here.
    #[error("`{provider}` has several issuers here; name one of {known} as `issuer`")]
    WhichIssuer {
        /// The platform, fit to be shown.
        provider: String,
        /// The issuers that it may be.
        known: String,
    },
    /// The platform refuses the configuration, with every fault of it and the field that it is of
    /// ([`InvalidPublisher::of`]).
    #[error(transparent)]
    Publisher(#[from] InvalidPublisher),
    /// The package has this publisher of the same account already. Nothing tells of another account's.
    #[error("the package has this trusted publisher already")]
    Exists {
        /// Its id.
        id: String,
    },
    /// The record's account is not the name of one.
    #[error(
        "the publisher's account is empty or longer than {MAX_ACCOUNT} bytes, or has control characters; name the account, or \
         leave it out for a publisher of the operator's own"
    )]
    Account,
    /// The record is for a prefix of names, of which the registry takes none: see [`TrustLimits::prefixes_per_account`].
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
    /// There are as many publishers of the account as there may be.
    #[error("the {limit} {number} {} already; remove one first", limit.noun())]
    TooMany {
        /// Which limit is reached.
        limit: PublisherLimit,
        /// How many it allows.
        number: u32,
    },
    /// No id could be made.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The store can't be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
}
