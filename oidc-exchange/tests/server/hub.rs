//! A registry with accounts that allows publishers for a prefix of names.
#![allow(unreachable_pub)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{
    Exchange, ExchangeRequest, Minter, Package, PackageOwner, PackageOwners, PublisherRecord, Refusal,
    RefusalKind, StoreError, TokenRecord, Trust, TrustPolicy,
};
use serde_json::{Value, json};

use crate::registry::{ISSUER, NOW, claims, package, verifier};

/// The registry's own table of packages.
#[derive(Clone, Debug, Default)]
pub struct Owners(pub Arc<Mutex<BTreeMap<String, Vec<PackageOwner>>>>);

impl Owners {
    pub fn own(&self, name: &str, accounts: &[&str]) {
        let owners = accounts.iter().map(|account| PackageOwner::account(*account)).collect();
        self.0.lock().unwrap().insert(name.to_owned(), owners);
    }

    pub fn of(&self, name: &str) -> Vec<PackageOwner> {
        self.0.lock().unwrap().get(name).cloned().unwrap_or_default()
    }
}

#[async_trait::async_trait]
impl PackageOwners for Owners {
    async fn owners(&self, package: &Package) -> Result<Vec<PackageOwner>, StoreError> {
        Ok(self.of(&package.name))
    }
}

/// A registry with accounts, where `acme-widget` belongs to alice and `acme-gadget` to bob.
pub struct Hub {
    pub store: MemoryStore,
    pub exchange: Exchange,
    pub trust: Trust,
    pub issuer: Arc<FakeIssuer>,
    pub clock: ManualClock,
    pub owners: Owners,
}

pub fn prefix(text: &str) -> Package {
    Package::prefix("npm", text).unwrap()
}

/// A job of this repository, whose id is the length of its name.
pub fn job(repository: &str) -> Value {
    json!({ "repository": repository, "repository_id": repository.len().to_string() })
}

impl Hub {
    pub fn new() -> Self {
        Self::minting(oidc_exchange::server::MintPolicy::default(), true)
    }

    pub fn minting(minter: impl Minter + 'static, says_owners: bool) -> Self {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        let clock = ManualClock::at(NOW);
        let (verifier, providers) = verifier(FakeHttp::of_issuer(Arc::clone(&issuer)), &clock);
        let (store, owners) = (MemoryStore::for_tests(), Owners::default());
        owners.own("acme-widget", &["alice"]);
        owners.own("acme-gadget", &["bob"]);
        let policy = TrustPolicy::default().prefixes_per_account(10);
        let trust = Trust::new(providers, store.clone(), verifier.context()).with_policy(policy);
        let builder = Exchange::builder(verifier, store.clone()).minter(minter).trust_policy(policy);
        let builder = if says_owners { builder.package_owners(owners.clone()) } else { builder };
        Self { store, exchange: builder.build(), trust, issuer, clock, owners }
    }

    pub async fn trusts(
        &self,
        account: &str,
        package: Package,
        repository: &str,
        rules: &Value,
    ) -> PublisherRecord {
        let mut config = json!({ "repository": repository });
        config.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
        let mut record = self.trust.prepare(package, "fake", None, config).unwrap();
        record.account = Some(account.to_owned());
        self.trust.add(&record).await.unwrap()
    }

    pub async fn exchanged(
        &self,
        request: &ExchangeRequest,
        changes: &Value,
    ) -> Result<TokenRecord, Refusal> {
        use oidc_core::Clock as _;
        let token = self.issuer.sign(&claims(self.clock.now().as_secs(), changes));
        let minted = self.exchange.exchange(&token, request).await?;
        Ok(self.exchange.find(minted.token.expose()).await.unwrap().unwrap())
    }

    pub async fn named(&self, name: &str, repository: &str) -> Result<TokenRecord, Refusal> {
        self.exchanged(&ExchangeRequest::package("npm", name), &job(repository)).await
    }

    pub async fn all(&self, repository: &str) -> Result<TokenRecord, Refusal> {
        self.exchanged(&ExchangeRequest::identity("npm"), &job(repository)).await
    }

    /// Returns the publisher that a token publishes by, with the checks of a registry.
    pub fn by(&self, record: &TokenRecord, name: &str) -> Option<String> {
        let granted = record.for_package_of(&package(name), &self.owners.of(name));
        granted.map(|granted| granted.publisher.clone())
    }
}

pub fn told(refused: Result<TokenRecord, Refusal>) -> (RefusalKind, String) {
    let refusal = refused.unwrap_err();
    (refusal.kind(), refusal.to_string())
}
