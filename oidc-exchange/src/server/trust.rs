use std::collections::BTreeMap;
use std::sync::Arc;

use oidc_core::{Context, InvalidPublisher, Provider, ProviderSet, RandomError, shown};
use serde_json::Value;

use super::store::{Package, PublisherRecord, StoreError, TrustStore};

/// How many publishers a package may have.
const MAX_PUBLISHERS: usize = 32;

/// Configures who may publish what: validates with the platforms, stores with the store.
#[derive(Clone, Debug)]
pub struct Trust {
    providers: ProviderSet,
    store: Arc<dyn TrustStore>,
    cx: Context,
}

impl Trust {
    /// Trust configuration over these platforms and this store; the context gives ids their randomness and records
    /// their time.
    pub fn new(providers: ProviderSet, store: impl TrustStore + 'static, cx: &Context) -> Self {
        Self { providers, store: Arc::new(store), cx: cx.clone() }
    }

    /// The publishers of a package, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, TrustError> {
        Ok(self.store.list(package).await?)
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
    /// # Errors
    ///
    /// When the platform or issuer is not known here, or the platform refuses the configuration.
    pub fn prepare(
        &self,
        package: Package,
        provider: &str,
        issuer: Option<&str>,
        config: Value,
    ) -> Result<PublisherRecord, TrustError> {
        let platform = self.platform(provider, issuer)?;
        let identity = platform.publisher(&config)?.identity();
        let mut random = [0; 16];
        self.cx.random().fill(&mut random)?;
        let id = uuid::Builder::from_random_bytes(random).into_uuid().to_string();
        Ok(PublisherRecord::new(id, package, platform.id(), identity, config, self.cx.clock().now()))
    }

    /// Stores a publisher that [`Trust::prepare`] made, unless the package has it already.
    ///
    /// # Errors
    ///
    /// When the package has it or too many already, or the store can't be reached.
    pub async fn add(&self, publisher: &PublisherRecord) -> Result<(), TrustError> {
        let known = self.store.list(&publisher.package).await?;
        let is_same = |record: &&PublisherRecord| {
            record.identity == publisher.identity && record.config == publisher.config
        };
        if let Some(record) = known.iter().find(is_same) {
            return Err(TrustError::Exists { id: record.id.clone() });
        }
        if known.len() >= MAX_PUBLISHERS {
            return Err(TrustError::TooMany);
        }
        Ok(self.store.add(publisher).await?)
    }

    /// Removes a publisher; the tokens that it let be minted end at once. `false` where there is none.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn remove(&self, package: &Package, id: &str) -> Result<bool, TrustError> {
        Ok(self.store.remove(package, id).await?)
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
    /// The platform refuses the configuration.
    #[error(transparent)]
    Publisher(#[from] InvalidPublisher),
    /// The package has this publisher already.
    #[error("the package has this trusted publisher already")]
    Exists {
        /// Its id.
        id: String,
    },
    /// The package has as many publishers as it may.
    #[error("the package has {MAX_PUBLISHERS} trusted publishers already; remove one first")]
    TooMany,
    /// No id could be made.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The store can't be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
}
