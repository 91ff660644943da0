mod error;
mod form;
mod html;
mod packages;
mod prepare;
mod save;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oidc_core::{Context, ProviderSet, shown};

pub use self::error::{ErrorPlace, TrustError};
pub use self::form::{FormInput, FormIssuer, FormPublisher, PublisherForm};
use super::package::Package;
use super::package_owner::PackageOwner;
use super::policy::{PublisherState, TrustLimits, TrustPolicy};
use super::record::PublisherRecord;
use super::trust_store::TrustStore;

/// The limit on the name of an account, in bytes.
const MAX_ACCOUNT: usize = 255;

/// The configuration of publishers: validated with the platforms, and stored in the store. [`Trust::form`] is the form of a
/// settings page.
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

    /// Returns a publisher's rules in one line for a person, such as `repository acme/widget, workflow publish.yml`. It is
    /// plain text, which a page escapes.
    pub fn describe(&self, record: &PublisherRecord) -> String {
        let platform = self.providers.for_issuer(&record.identity.issuer);
        let publisher = platform.and_then(|platform| platform.publisher(&record.rules()).ok());
        // A registry that no longer trusts the issuer still has to name the publisher.
        publisher.map_or_else(|| shown(&record.identity.key).to_string(), |publisher| publisher.describe())
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
    /// [`TrustStore::live_tokens`]. The tokens of a publisher for a prefix are counted together, whichever package they are for.
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
    /// batches of `limit`, until none are left. A limit of 0 counts as 1. Returns the number of publishers. The operator's own
    /// stay: a configuration file that is read again would add them again, and they would be in force again.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn purge(&self, limit: u32) -> Result<u64, TrustError> {
        let (ended, limit) = (self.policy.forgotten(self.cx.clock().now()), limit.max(1));
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
}
