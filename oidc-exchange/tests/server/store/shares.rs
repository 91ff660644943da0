//! The store in memory between accounts that don't trust each other: none of them fills it.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use oidc_core::Timestamp;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_exchange::memory::{Full, MemoryLimits, MemoryStore};
use oidc_exchange::server::{
    Exchange, ExchangeRequest, MintPolicy, Package, PublisherLimit, PublisherRecord, RefusalKind, Trust,
    TrustError, TrustLimits, TrustStore as _,
};
use serde_json::json;

use super::memory::Kept;
use crate::registry::{ISSUER, NOW, claims, package, verifier};

const LIFETIME: Duration = Duration::from_secs(900);

/// A registry with accounts over a store in memory.
struct Hub {
    store: MemoryStore,
    trust: Trust,
    exchange: Exchange,
    issuer: Arc<FakeIssuer>,
    clock: ManualClock,
}

impl Hub {
    fn new(limits: MemoryLimits) -> Self {
        Self::over(MemoryStore::with_limits(Timestamp::from_secs(NOW - 3600), limits))
    }

    fn over(store: MemoryStore) -> Self {
        let (issuer, clock) = (Arc::new(FakeIssuer::new(ISSUER)), ManualClock::at(NOW));
        let (verifier, providers) = verifier(FakeHttp::of_issuer(Arc::clone(&issuer)), &clock);
        let trust = Trust::new(providers, store.clone(), verifier.context());
        let policy = MintPolicy::default().lifetime(LIFETIME).max_uses(2);
        let exchange = Exchange::builder(verifier, store.clone()).mint_policy(policy).build();
        Self { store, trust, exchange, issuer, clock }
    }

    fn prepared(&self, account: Option<&str>, name: &str, repository: &str) -> PublisherRecord {
        let rules = json!({ "repository": repository });
        let mut record = self.trust.prepare(package(name), "fake", None, rules).unwrap();
        record.account = account.map(str::to_owned);
        record
    }

    async fn trusts(&self, account: Option<&str>, name: &str, repository: &str) -> PublisherRecord {
        self.trust.add(&self.prepared(account, name, repository)).await.unwrap()
    }

    fn token(&self, repository: &str) -> String {
        use oidc_core::Clock as _;
        self.issuer.sign(&claims(self.clock.now().as_secs(), &json!({ "repository": repository })))
    }

    /// The packages that a token is exchanged for, or the part of the store that is full.
    async fn exchange(&self, token: &str) -> Result<Vec<Package>, Option<Full>> {
        let exchanged = self.exchange.exchange(token, &ExchangeRequest::identity("npm")).await;
        exchanged.map(|minted| minted.packages).map_err(|refusal| {
            assert_eq!(refusal.kind(), RefusalKind::Internal, "{refusal}");
            let reason = refusal.source().and_then(|store| store.source());
            reason.and_then(|reason| reason.downcast_ref::<Full>()).copied()
        })
    }

    /// The number of a repository's tokens that are accepted until one is refused, and the reason of that.
    async fn exhausted(&self, repository: &str) -> (usize, Option<Full>) {
        for number in 0..100 {
            if let Err(full) = self.exchange(&self.token(repository)).await {
                return (number, full);
            }
        }
        (100, None)
    }
}

/// The limits under which each account has room for 4 exchanges, and the part that is full then.
fn limited() -> [(MemoryLimits, Full); 2] {
    let limits = MemoryLimits::default().shares(4);
    [(limits.tokens(16), Full::ShareOfTokens), (limits.replay_records(16), Full::ShareOfReplayRecords)]
}

#[tokio::test]
async fn an_account_takes_up_its_share_and_keeps_nobody_else_from_publishing() {
    for (limits, full) in limited() {
        let hub = Hub::new(limits);
        hub.trusts(Some("mallory"), "evil", "mallory/evil").await;
        hub.trusts(Some("alice"), "widget", "acme/widget").await;
        assert_eq!(hub.exhausted("mallory/evil").await, (4, Some(full)));
        let records = hub.store.records();
        for _ in 0..20 {
            assert_eq!(hub.exchange(&hub.token("mallory/evil")).await, Err(Some(full)));
        }
        assert_eq!(hub.store.records(), records, "a refused exchange leaves no trace");
        assert_eq!(hub.exhausted("acme/widget").await, (4, Some(full)), "another account has its own");
        hub.clock.advance(LIFETIME + Duration::from_secs(120));
        assert_eq!(hub.exhausted("mallory/evil").await, (4, Some(full)), "expired records take no room");
    }
}

#[tokio::test]
async fn a_strangers_publisher_for_a_repository_takes_no_room_of_its_owner() {
    for (limits, full) in limited() {
        let hub = Hub::new(limits);
        hub.trusts(Some("alice"), "widget", "acme/widget").await;
        hub.trusts(Some("mallory"), "evil", "mallory/evil").await;
        hub.trusts(Some("mallory"), "squatted", "acme/widget").await;
        assert_eq!(hub.exhausted("mallory/evil").await, (4, Some(full)));
        let both = hub.exchange(&hub.token("acme/widget")).await.unwrap();
        assert_eq!(both.len(), 2, "the stranger, whose share is full, is none the poorer");
        let (accepted, reached) = hub.exhausted("acme/widget").await;
        assert_eq!((accepted, reached), (3, Some(full)), "the owner has a whole share");
    }
}

/// Whoever has taken up a share may send more tokens, each of which would otherwise cost a copy of all records.
#[tokio::test]
async fn an_exchange_without_room_waits_for_no_change() {
    for (limits, full) in limited() {
        let document = Kept::default();
        let start = Timestamp::from_secs(NOW - 3600);
        let hub = Hub::over(MemoryStore::open(document.clone(), limits, start).await.unwrap());
        let record = hub.trusts(Some("mallory"), "evil", "mallory/evil").await;
        hub.trusts(Some("alice"), "widget", "acme/widget").await;
        assert_eq!(hub.exhausted("mallory/evil").await, (4, Some(full)));
        let closed = document.gate.lock().await;
        let store = hub.store.clone();
        let removing = tokio::spawn(async move { store.remove(&record.package, &record.id).await });
        tokio::task::yield_now().await;
        let token = hub.token("mallory/evil");
        let waited = async {
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            refused = hub.exchange(&token) => assert_eq!(refused, Err(Some(full))),
            () = waited => panic!("it waits for a change of somebody else"),
        }
        assert!(!removing.is_finished());
        drop(closed);
        assert!(removing.await.unwrap().unwrap());
    }
}

#[tokio::test]
async fn removed_publishers_leave_no_room_for_further_uses() {
    let hub = Hub::new(limited()[1].0);
    let record = hub.trusts(Some("mallory"), "evil", "mallory/evil").await;
    assert_eq!(hub.exhausted("mallory/evil").await.0, 4);
    assert!(hub.store.remove(&record.package, &record.id).await.unwrap());
    hub.trusts(Some("mallory"), "evil", "mallory/evil").await;
    assert_eq!(hub.exhausted("mallory/evil").await, (0, Some(Full::ShareOfReplayRecords)));
}

#[tokio::test]
async fn a_second_use_of_a_token_takes_no_second_record() {
    let hub = Hub::new(MemoryLimits::default().replay_records(2).shares(2));
    hub.trusts(Some("alice"), "widget", "acme/widget").await;
    let token = hub.token("acme/widget");
    for _ in 0..2 {
        hub.exchange(&token).await.expect("the token may be used twice");
    }
    assert_eq!(hub.store.records(), (2, 1));
    assert_eq!(hub.exhausted("acme/widget").await, (0, Some(Full::ShareOfReplayRecords)));
}

#[tokio::test]
async fn the_operators_own_publishers_may_fill_the_store() {
    let hub = Hub::new(MemoryLimits::default().tokens(16).publishers(3).shares(4));
    hub.trusts(None, "widget", "acme/widget").await;
    assert_eq!(hub.exhausted("acme/widget").await, (16, Some(Full::Tokens)));
    for number in 0..2 {
        hub.trusts(None, &format!("widget-{number}"), "acme/widget").await;
    }
}

#[tokio::test]
async fn an_account_has_its_share_of_the_publishers_as_well() {
    let hub = Hub::new(MemoryLimits::default().publishers(16).shares(4));
    for number in 0..4 {
        hub.trusts(Some("mallory"), &format!("evil-{number}"), "mallory/evil").await;
    }
    let one_more = hub.prepared(Some("mallory"), "evil-4", "mallory/evil");
    let error = hub.trust.add(&one_more).await.unwrap_err();
    let is_told = matches!(error, TrustError::TooMany { limit: PublisherLimit::Account, number: 4 });
    assert!(is_told, "{error}");
    // A limit of the registry's own that is reached before is told as that.
    let trust = hub.trust.clone().with_limits(TrustLimits::default().per_account(2));
    let error = trust.add(&one_more).await.unwrap_err();
    assert_eq!(error.to_string(), "the account has 2 trusted publishers already; remove one first");
    hub.trusts(Some("alice"), "widget", "acme/widget").await;
    // Publishers that lapsed have no part in the registry's limits, and still fill the store.
    hub.clock.advance(Duration::from_secs(8 * 24 * 3600));
    assert!(matches!(hub.trust.add(&one_more).await, Err(TrustError::TooMany { number: 4, .. })));
}
