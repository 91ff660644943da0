//! The store decides nothing: whatever it hands over is held against the token once more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod server;

use oidc_core::{Identity, Timestamp};
use oidc_exchange::server::testing::MemoryStore;
use oidc_exchange::server::{
    Door, Exchange, Grant, MintPolicy, Package, PublisherRecord, PublisherStore, Redeemed, RefusalKind,
    StoreError, TokenHash, TokenRecord, TokenStore, TrustStore as _,
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
        _: &Identity,
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
