//! The store decides nothing: whatever it returns is compared with the token once more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oidc_core::testing::FakeHttp;
use oidc_core::{Identity, ImmutableId, Timestamp};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{
    Candidates, EndedBefore, Exchange, ExchangeRequest, Grant, MAX_CANDIDATES, Package, PackageOwner,
    PublisherRecord, PublisherStore, Redeemed, RefusalKind, Room, StoreError, Stored, TokenHash, TokenRecord,
    TokenStore, Trust, TrustStore,
};
use serde_json::json;

use crate::registry::{NOW, Registry, package};

fn widget() -> ExchangeRequest {
    ExchangeRequest::package("npm", "@acme/widget")
}

/// A store that hands over every publisher, whoever is asked for.
#[derive(Debug)]
struct Generous(MemoryStore, Vec<PublisherRecord>);

#[async_trait::async_trait]
impl PublisherStore for Generous {
    async fn candidates(&self, _: &[Identity], _: &str, _: Option<&str>) -> Result<Candidates, StoreError> {
        Ok(Candidates::new(self.1.clone(), Vec::new()))
    }

    async fn of_immutable_id(
        &self,
        _: &str,
        _: &ImmutableId,
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
        let exchange = Exchange::builder(verifier, store).build();
        let refusal = exchange.exchange(&registry.token(&json!({})), &widget()).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::NotTrusted, "{foreign:?}");
    }
    let beside = vec![ours.clone(), changed(&|record| record.package = Package::new("pypi", "widget"))];
    let store = Generous(registry.store.clone(), beside);
    let exchange = Exchange::builder(registry.exchange.verifier().clone(), store).build();
    let minted =
        exchange.exchange(&registry.token(&json!({})), &ExchangeRequest::identity("npm")).await.unwrap();
    assert_eq!(minted.packages, [package("@acme/widget")]);
}

/// A store that says what it was asked for and how much it found, and in which publishers are removed between the choice and
/// the grant.
#[derive(Clone, Debug)]
struct Watched {
    store: MemoryStore,
    vanishing: Arc<Mutex<Vec<PublisherRecord>>>,
    asked: Arc<Mutex<Vec<(&'static str, usize)>>>,
}

impl Watched {
    fn saw(&self, asked: &'static str, found: Vec<PublisherRecord>) -> Vec<PublisherRecord> {
        self.asked.lock().unwrap().push((asked, found.len()));
        found
    }

    fn take(&self) -> Vec<(&'static str, usize)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[async_trait::async_trait]
impl PublisherStore for Watched {
    async fn candidates(
        &self,
        identities: &[Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Candidates, StoreError> {
        let found = self.store.candidates(identities, ecosystem, package).await?;
        self.saw("candidates", found.clone().into_all());
        Ok(found)
    }

    async fn of_immutable_id(
        &self,
        issuer: &str,
        id: &ImmutableId,
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(self.saw("of_immutable_id", self.store.of_immutable_id(issuer, id, ecosystem, package).await?))
    }

    async fn of_package(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(self.saw("of_package", self.store.of_package(package).await?))
    }

    async fn of_ecosystem(&self, ecosystem: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(self.saw("of_ecosystem", self.store.of_ecosystem(ecosystem).await?))
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        let vanishing = std::mem::take(&mut *self.vanishing.lock().unwrap());
        for record in vanishing {
            assert!(self.store.remove(&record.package, &record.id).await?);
        }
        self.store.redeem(grant).await
    }
}

#[async_trait::async_trait]
impl TokenStore for Watched {
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        self.store.find(token, now).await
    }

    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError> {
        self.store.revoke(token).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.store.purge(now, limit).await
    }
}

/// An exchange over a store that is watched, with the registry's publishers and events.
fn watched(registry: &Registry) -> (Exchange, Watched) {
    let store = Watched { store: registry.store.clone(), vanishing: Arc::default(), asked: Arc::default() };
    let exchange = Exchange::builder(registry.exchange.verifier().clone(), store.clone())
        .sink(registry.events.clone())
        .build();
    (exchange, store)
}

#[tokio::test]
async fn publishers_that_vanish_during_an_exchange_are_left_out_of_it() {
    let registry = Registry::new().await;
    let (exchange, store) = watched(&registry);
    let strangers = |round: usize| {
        let registry = &registry;
        async move {
            let mut records = Vec::new();
            for number in 0..3 {
                records.push(registry.trusts(&format!("evil-{round}-{number}"), "acme/widget", false).await);
            }
            records
        }
    };
    for round in 0..4 {
        let vanishing = strangers(round).await;
        store.vanishing.lock().unwrap().clone_from(&vanishing);
        let minted =
            exchange.exchange(&registry.token(&json!({})), &ExchangeRequest::identity("npm")).await.unwrap();
        assert_eq!(minted.packages, [package("@acme/widget")]);
        let event = registry.events.next().await;
        assert_eq!(event.package.as_deref(), Some("@acme/widget"));
        assert!(event.operator_text().starts_with("repository acme/widget"), "{}", event.operator_text());
        for gone in vanishing {
            assert!(
                event.operator_text().contains(&format!("`{}`", gone.package.name)),
                "{}",
                event.operator_text()
            );
        }
        let record = exchange.find(minted.token.expose()).await.unwrap().unwrap();
        assert_eq!(record.packages.len(), 1);
    }
    let own = registry.store.list(&package("@acme/widget")).await.unwrap();
    store.vanishing.lock().unwrap().clone_from(&own);
    let token = registry.token(&json!({}));
    let refusal = exchange.exchange(&token, &ExchangeRequest::identity("npm")).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::NotTrusted, "nobody is left");
    registry.trusts("@acme/widget", "acme/widget", false).await;
    exchange.exchange(&token, &ExchangeRequest::identity("npm")).await.expect("nothing was burned");
}

#[tokio::test]
async fn before_a_stranger_is_answered_the_store_does_the_same_whatever_there_is() {
    let registry = Registry::new().await;
    for number in 0..20 {
        let environment = json!({ "environment": format!("{number}"), "repository_id": "7" });
        registry.configure("@acme/gadget", "acme/gadget", &environment, number % 2 == 0).await;
    }
    let (exchange, store) = watched(&registry);
    let stranger = json!({ "repository": "mallory/widget", "repository_id": "66" });
    let mut seen = Vec::new();
    for request in [
        ExchangeRequest::package("npm", "@acme/gadget"),
        ExchangeRequest::package("npm", "@acme/widget"),
        ExchangeRequest::package("npm", "@acme/unknown"),
        ExchangeRequest::package("pypi", "gadget"),
        ExchangeRequest::identity("npm"),
        ExchangeRequest::identity("pypi"),
    ] {
        exchange.exchange(&registry.token(&stranger), &request).await.unwrap_err();
        seen.push(store.take());
        let event = registry.events.next().await;
        assert!(event.operator_text().contains("; configured: "), "{}", event.operator_text());
        assert!(!store.take().is_empty(), "what is configured is looked up afterwards");
    }
    assert!(seen.iter().all(|asked| *asked == [("candidates", 0), ("of_immutable_id", 0)]), "{seen:?}");
}

#[tokio::test]
async fn a_grant_is_for_so_many_packages_and_the_log_says_that_there_may_be_more() {
    let registry = Registry::new().await;
    registry.clock.advance(Duration::from_secs(1));
    let (exchange, _) = watched(&registry);
    for number in 0..MAX_CANDIDATES {
        registry.trusts(&format!("evil-{number:04}"), "acme/widget", false).await;
    }
    let minted =
        exchange.exchange(&registry.token(&json!({})), &ExchangeRequest::identity("npm")).await.unwrap();
    assert_eq!(minted.packages.len(), MAX_CANDIDATES);
    assert!(minted.packages.contains(&package("@acme/widget")), "the oldest");
    let event = registry.events.next().await;
    assert!(
        event.operator_text().contains(&format!("only {MAX_CANDIDATES} were looked at")),
        "{}",
        event.operator_text()
    );
    let (packages, publishers) = (event.package.unwrap(), event.publisher.unwrap());
    assert!(packages.ends_with(&format!(" and {} more", MAX_CANDIDATES - 16)), "{packages}");
    assert!(packages.len() < 1000 && publishers.len() < 1000, "{packages} {publishers}");
    let wrong = registry.token(&json!({ "workflow": "other.yml" }));
    let refusal = exchange.exchange(&wrong, &ExchangeRequest::identity("npm")).await.unwrap_err();
    assert!(!refusal.to_string().contains("pending ones last"), "{refusal}");
    assert!(registry.events.next().await.operator_text().contains("pending ones last"));
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
            exchange.exchange(&self.token, &ExchangeRequest::package("npm", &*package.name)).await.unwrap();
            assert!(self.store.package_created_by(package, &known[0].id).await?.is_some());
        }
        Ok(known)
    }

    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        self.store.of_origin(origin).await
    }

    async fn of_account(&self, account: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        self.store.of_account(account).await
    }

    async fn live_tokens(
        &self,
        package: &Package,
        now: Timestamp,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        self.store.live_tokens(package, now).await
    }

    async fn add(&self, publisher: &PublisherRecord, room: &Room) -> Result<Stored, StoreError> {
        self.store.add(publisher, room).await
    }

    async fn purge_publishers(&self, ended: EndedBefore, limit: u32) -> Result<u64, StoreError> {
        self.store.purge_publishers(ended, limit).await
    }

    async fn replace(
        &self,
        old: &PublisherRecord,
        publisher: &PublisherRecord,
        room: &Room,
    ) -> Result<Stored, StoreError> {
        self.store.replace(old, publisher, room).await
    }

    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError> {
        self.store.remove(package, id).await
    }

    async fn published(&self, package: &Package, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.store.published(package, by, now).await
    }

    async fn package_created_by(
        &self,
        package: &Package,
        by: &str,
    ) -> Result<Option<PackageOwner>, StoreError> {
        self.store.package_created_by(package, by).await
    }

    async fn package_created(&self, package: &Package) -> Result<(), StoreError> {
        self.store.package_created(package).await
    }

    async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), StoreError> {
        self.store.package_renamed(package, name).await
    }

    async fn package_transferred(
        &self,
        package: &Package,
        owner: &PackageOwner,
        kept: &[&str],
    ) -> Result<(), StoreError> {
        self.store.package_transferred(package, owner, kept).await
    }
}

#[tokio::test]
async fn an_edit_loses_nothing_of_what_happens_meanwhile() {
    let registry = Registry::new().await;
    let old = registry.trusts("@acme/novel", "acme/widget", true).await;
    let happens = Mutex::new(Some(registry.exchange.clone()));
    let busy = Busy { store: registry.store.clone(), happens, token: registry.token(&json!({})) };
    let (_, providers) = crate::registry::verifier(FakeHttp::new(), &registry.clock);
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
