//! The store decides nothing: whatever it hands over is held against the token once more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod server;

use std::sync::Mutex;

use oidc_core::testing::FakeHttp;
use oidc_core::{Identity, Timestamp};
use oidc_exchange::server::testing::MemoryStore;
use oidc_exchange::server::{
    Door, Exchange, Grant, MintPolicy, Package, PublisherRecord, PublisherStore, Redeemed, RefusalKind,
    StoreError, Stored, TokenHash, TokenRecord, TokenStore, Trust, TrustStore,
};
use serde_json::json;
use server::{NOW, Registry, package};

fn widget() -> Door {
    Door::package("npm", "@acme/widget")
}

/// A store that hands over every publisher, whoever is asked for.
#[derive(Debug)]
struct Generous(MemoryStore, Vec<PublisherRecord>);

#[async_trait::async_trait]
impl PublisherStore for Generous {
    async fn candidates(
        &self,
        _: &[Identity],
        _: &str,
        _: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(self.1.clone())
    }

    async fn of_package(&self, _: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(self.1.clone())
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        assert_eq!(grant.created_at().as_secs(), NOW);
        self.0.redeem(grant).await
    }
}

#[async_trait::async_trait]
impl TokenStore for Generous {
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        self.0.find(token, now).await
    }

    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError> {
        self.0.revoke(token).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.0.purge(now, limit).await
    }
}

#[tokio::test]
async fn a_store_only_narrows_what_it_hands_over_is_held_against_identity_and_package() {
    let registry = Registry::new().await;
    let ours = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0);
    let changed = |change: &dyn Fn(&mut PublisherRecord)| {
        let mut record = ours.clone();
        change(&mut record);
        record
    };
    let renamed = |record: &mut PublisherRecord| {
        record.identity.key = "acme/old".to_owned();
        record.config = json!({ "repository": "acme/old", "repository_id": "2" });
        record.package = package("@acme/other");
    };
    for foreign in [
        changed(&|record| record.identity.issuer = "https://other.example".to_owned()),
        changed(&|record| record.identity.key = "acme/other".to_owned()),
        changed(&|record| record.package = package("@acme/other")),
        changed(&|record| record.package = Package::new("pypi", "@acme/widget")),
        changed(&renamed),
    ] {
        let store = Generous(registry.store.clone(), vec![foreign.clone()]);
        let verifier = registry.exchange.verifier().clone();
        let exchange = Exchange::new(verifier, store, MintPolicy::default());
        let refusal = exchange.exchange(&registry.token(&json!({})), &widget()).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::NotTrusted, "{foreign:?}");
    }
    let beside = vec![ours.clone(), changed(&|record| record.package = Package::new("pypi", "widget"))];
    let store = Generous(registry.store.clone(), beside);
    let exchange = Exchange::new(registry.exchange.verifier().clone(), store, MintPolicy::default());
    let minted = exchange.exchange(&registry.token(&json!({})), &Door::identity("npm")).await.unwrap();
    assert_eq!(minted.packages, [package("@acme/widget")]);
}

/// A store in which a pending publisher learns its id and creates its package right after it was listed for the first time.
#[derive(Debug)]
struct Busy {
    store: MemoryStore,
    happens: Mutex<Option<Exchange>>,
    token: String,
}

#[async_trait::async_trait]
impl TrustStore for Busy {
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        let known = self.store.list(package).await?;
        let exchange = self.happens.lock().unwrap().take();
        if let Some(exchange) = exchange {
            exchange.exchange(&self.token, &Door::package("npm", &*package.name)).await.unwrap();
            assert!(self.store.package_created(package, Some(&known[0].id)).await?);
        }
        Ok(known)
    }

    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        self.store.of_origin(origin).await
    }

    async fn add(&self, publisher: &PublisherRecord) -> Result<Stored, StoreError> {
        self.store.add(publisher).await
    }

    async fn replace(
        &self,
        old: &PublisherRecord,
        publisher: &PublisherRecord,
    ) -> Result<Stored, StoreError> {
        self.store.replace(old, publisher).await
    }

    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError> {
        self.store.remove(package, id).await
    }

    async fn package_created(&self, package: &Package, by: Option<&str>) -> Result<bool, StoreError> {
        self.store.package_created(package, by).await
    }
}

#[tokio::test]
async fn an_edit_loses_nothing_of_what_happens_meanwhile() {
    let registry = Registry::new().await;
    let old = registry.trusts("@acme/novel", "acme/widget", true).await;
    let happens = Mutex::new(Some(registry.exchange.clone()));
    let busy = Busy { store: registry.store.clone(), happens, token: registry.token(&json!({})) };
    let (_, providers) = server::verifier(FakeHttp::new(), &registry.clock);
    let trust = Trust::new(providers, busy, registry.exchange.verifier().context());
    let rules = json!({ "repository": "acme/widget", "workflow": "release.yml" });
    let stricter = trust.prepare(package("@acme/novel"), "fake", None, rules).unwrap();
    let edited = trust.edit(&old.id, stricter).await.unwrap();
    let stored = registry.store.list(&package("@acme/novel")).await.unwrap().remove(0);
    for record in [edited, stored] {
        assert_eq!(
            record.learned.get("repository_id").map(String::as_str),
            Some("2"),
            "it goes on being pinned"
        );
        assert!(!record.pending, "the package exists");
    }
}
