//! The store in memory where it is full, and after a restart.

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oidc_core::testing::FakeHttp;
use oidc_core::{LEEWAY, Timestamp};
use oidc_exchange::memory::{Document, Full, MemoryLimits, MemoryStore};
use oidc_exchange::server::{
    Exchange, ExchangeRequest, MintPolicy, Minted, PublisherRecord, Refusal, RefusalKind, Room, StoreError,
    TokenHash, TokenStore as _, Trust, TrustError, TrustStore as _,
};
use serde_json::json;

use crate::registry::{NOW, Registry, package};

const LIFETIME: Duration = Duration::from_secs(900);

/// A registry over a store of its own, with the clock, issuer and verifier of another.
struct Process<'a> {
    registry: &'a Registry,
    store: MemoryStore,
    trust: Trust,
    exchange: Exchange,
}

impl<'a> Process<'a> {
    /// A process with this store that trusts `acme/widget` for `@acme/widget`.
    async fn new(registry: &'a Registry, store: MemoryStore) -> Self {
        let verifier = registry.exchange.verifier().clone();
        let trust = Trust::new(
            crate::registry::verifier(FakeHttp::new(), &registry.clock).1,
            store.clone(),
            verifier.context(),
        );
        let publisher = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0);
        store.add(&publisher, &Room::default()).await.unwrap();
        let policy = MintPolicy::default().lifetime(LIFETIME);
        let exchange = Exchange::builder(verifier, store.clone()).mint_policy(policy).build();
        Self { registry, store, trust, exchange }
    }

    /// Exchanges a token, and gives what filled the store up where that is why it failed.
    async fn exchange(&self, token: &str) -> Result<Minted, (Refusal, Option<Full>)> {
        let request = ExchangeRequest::package("npm", "@acme/widget");
        self.exchange.exchange(token, &request).await.map_err(|refusal| {
            let reason = refusal.source().and_then(|store| store.source());
            let full = reason.and_then(|reason| reason.downcast_ref::<Full>()).copied();
            (refusal, full)
        })
    }

    fn token(&self) -> String {
        self.registry.token(&json!({}))
    }
}

fn limited(limits: MemoryLimits) -> MemoryStore {
    MemoryStore::with_limits(Timestamp::from_secs(NOW - 3600), limits)
}

#[tokio::test]
async fn a_full_store_refuses_an_exchange_and_forgets_no_use_of_a_token() {
    let registry = Registry::new().await;
    for (limits, full) in [
        (MemoryLimits::default().replay_records(3), Full::ReplayRecords),
        (MemoryLimits::default().tokens(3), Full::Tokens),
    ] {
        let process = Process::new(&registry, limited(limits)).await;
        let used: Vec<String> = (0..3).map(|_| process.token()).collect();
        for token in &used {
            process.exchange(token).await.unwrap();
        }
        let more = process.token();
        for _ in 0..3 {
            let (refusal, reason) = process.exchange(&more).await.unwrap_err();
            assert_eq!((refusal.kind(), reason), (RefusalKind::Internal, Some(full)));
            assert!(!refusal.to_string().contains("memory"), "it tells a caller nothing: {refusal}");
        }
        for token in &used {
            let (refusal, _) = process.exchange(token).await.unwrap_err();
            assert_eq!(refusal.kind(), RefusalKind::AlreadyUsed, "{full:?}: no use is forgotten");
        }
        assert_eq!(process.store.records(), (3, 3), "a refused exchange leaves no trace");
        registry.clock.advance(LIFETIME + Duration::from_secs(120));
        process.exchange(&process.token()).await.expect("there is room again, though nobody purged");
        assert!(process.exchange(&used[0]).await.is_err());
    }
}

#[tokio::test]
async fn a_stranger_fills_nothing() {
    let registry = Registry::new().await;
    let process = Process::new(&registry, limited(MemoryLimits::default().replay_records(1))).await;
    for _ in 0..20 {
        process.exchange(&registry.token(&json!({ "workflow": "evil.yml" }))).await.unwrap_err();
        process.exchange(&registry.token(&json!({ "repository": "mallory/widget" }))).await.unwrap_err();
    }
    process.exchange(&process.token()).await.expect("there is room");
}

#[tokio::test]
async fn a_full_store_takes_no_publisher_more_and_lets_one_be_replaced() {
    let registry = Registry::new().await;
    let process = Process::new(&registry, limited(MemoryLimits::default().publishers(2))).await;
    let prepared = |repository: &str| {
        let config = json!({ "repository": repository });
        process.trust.prepare(package("gadget"), "fake", None, config).unwrap()
    };
    let added = process.trust.add(&prepared("acme/gadget")).await.unwrap();
    let error = process.trust.add(&prepared("acme/other")).await.unwrap_err();
    let TrustError::Store(error) = error else { panic!("{error}") };
    assert_eq!(error.source().unwrap().downcast_ref::<Full>(), Some(&Full::Publishers));
    process.trust.edit(&added.id, prepared("acme/other")).await.expect("there are as many as before");
    assert_eq!(process.store.list(&package("gadget")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_publisher_that_is_kept_in_json_comes_back_as_it_was() {
    let registry = Registry::new().await;
    let mut record = registry.trusts("gadget", "acme/gadget", true).await;
    record.account = Some("user:42".to_owned());
    record.learned.insert("repository_id".to_owned(), "7".to_owned());
    record.published_at = Some(Timestamp::from_secs(NOW + 60));
    let text = serde_json::to_string(&record).unwrap();
    let back: PublisherRecord = serde_json::from_str(&text).unwrap();
    assert_eq!(format!("{back:?}"), format!("{record:?}"));
    let newer = text.replacen('{', "{\"rule_of_a_later_version\":true,", 1);
    assert!(serde_json::from_str::<PublisherRecord>(&newer).is_err(), "what is not known may be a rule");
}

#[tokio::test]
async fn after_a_restart_no_token_from_before_it_is_taken() {
    let registry = Registry::new().await;
    let before = Process::new(&registry, limited(MemoryLimits::default())).await;
    let (used, unused) = (before.token(), before.token());
    before.exchange(&used).await.unwrap();

    registry.clock.advance(Duration::from_secs(5));
    let start = Timestamp::from_secs(NOW + 5);
    let after = Process::new(&registry, MemoryStore::started_at(start)).await;
    for token in [&used, &unused] {
        let (refusal, _) = after.exchange(token).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::AlreadyUsed);
        assert!(refusal.to_string().contains("from before this registry was started"), "{refusal}");
    }
    // A token of an issuer whose clock is ahead seems to be from after the start.
    let ahead = registry.token(&json!({ "iat": NOW + 5 + LEEWAY.as_secs() - 1 }));
    assert!(after.exchange(&ahead).await.is_err());
    registry.clock.advance(LEEWAY);
    let fresh = after.token();
    after.exchange(&fresh).await.expect("a token of after the start");
    assert_eq!(after.exchange(&fresh).await.unwrap_err().0.kind(), RefusalKind::AlreadyUsed);
}

/// A document that is kept while processes come and go, and whether it can be saved.
#[derive(Clone, Default)]
pub(super) struct Kept {
    text: Arc<Mutex<Option<Vec<u8>>>>,
    saves: Arc<AtomicUsize>,
    is_full: Arc<AtomicBool>,
    /// Whoever holds it keeps a call of `save` from returning.
    pub(super) gate: Arc<tokio::sync::Mutex<()>>,
}

#[async_trait::async_trait]
impl Document for Kept {
    async fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.text.lock().unwrap().clone())
    }

    async fn save(&self, document: &[u8]) -> Result<(), StoreError> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(StoreError::new("the disk is full"));
        }
        let _open = self.gate.lock().await;
        self.saves.fetch_add(1, Ordering::Relaxed);
        *self.text.lock().unwrap() = Some(document.to_vec());
        Ok(())
    }
}

async fn opened(kept: &Kept, now: u64) -> MemoryStore {
    MemoryStore::open(kept.clone(), MemoryLimits::default(), Timestamp::from_secs(now)).await.unwrap()
}

#[tokio::test]
async fn what_a_document_keeps_is_there_after_a_restart() {
    let (registry, kept) = (Registry::new().await, Kept::default());
    let before = Process::new(&registry, opened(&kept, NOW - 3600).await).await;
    let (used, unused) = (before.token(), before.token());
    let minted = before.exchange(&used).await.unwrap();

    registry.clock.advance(Duration::from_secs(5));
    let verifier = registry.exchange.verifier().clone();
    let store = opened(&kept, NOW + 5).await;
    let after = Exchange::builder(verifier, store.clone()).build();
    let record = after.find(minted.token.expose()).await.unwrap().expect("the publish token is valid");
    assert!(record.for_package(&package("@acme/widget")).is_some());
    let request = ExchangeRequest::package("npm", "@acme/widget");
    let refusal = after.exchange(&used, &request).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::AlreadyUsed);
    after.exchange(&unused, &request).await.expect("a token from before the restart was not used");
    let publisher = store.list(&package("@acme/widget")).await.unwrap().remove(0);
    assert!(!publisher.learned.is_empty(), "it learned its id before the restart");
    let text = String::from_utf8(kept.text.lock().unwrap().clone().unwrap()).unwrap();
    assert!(!text.contains(minted.token.expose()) && !text.contains(&used), "no token is in the document");
}

#[tokio::test]
async fn an_older_document_forgets_what_was_used_and_revoked_since_it_was_saved() {
    let (registry, kept) = (Registry::new().await, Kept::default());
    let before = Process::new(&registry, opened(&kept, NOW - 3600).await).await;
    let revoked = before.exchange(&before.token()).await.unwrap();
    let older = kept.text.lock().unwrap().clone();
    let used = before.token();
    before.exchange(&used).await.unwrap();
    before.exchange.revoke(revoked.token.expose()).await.unwrap();

    *kept.text.lock().unwrap() = older;
    let verifier = registry.exchange.verifier().clone();
    let after = Exchange::builder(verifier, opened(&kept, NOW).await).build();
    assert!(after.find(revoked.token.expose()).await.unwrap().is_some(), "until it expires");
    let request = ExchangeRequest::package("npm", "@acme/widget");
    after.exchange(&used, &request).await.expect("its use is not in the document");
}

#[tokio::test]
async fn what_cannot_be_saved_does_not_happen() {
    let (registry, kept) = (Registry::new().await, Kept::default());
    let process = Process::new(&registry, opened(&kept, NOW - 3600).await).await;
    let token = process.token();
    kept.is_full.store(true, Ordering::Relaxed);
    let (refusal, _) = process.exchange(&token).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Internal);
    let publisher = process.store.list(&package("@acme/widget")).await.unwrap().remove(0);
    assert!(process.store.remove(&publisher.package, &publisher.id).await.is_err());
    assert_eq!(process.store.records(), (0, 0));
    kept.is_full.store(false, Ordering::Relaxed);
    process.exchange(&token).await.expect("nothing was used up, and the publisher is there");
}

#[tokio::test]
async fn a_request_that_changes_nothing_saves_nothing() {
    let (registry, kept) = (Registry::new().await, Kept::default());
    let process = Process::new(&registry, opened(&kept, NOW - 3600).await).await;
    let token = process.token();
    let minted = process.exchange(&token).await.unwrap();
    let before = kept.saves.load(Ordering::Relaxed);
    process.exchange(&token).await.unwrap_err();
    process.exchange(&registry.token(&json!({ "repository": "mallory/widget" }))).await.unwrap_err();
    process.store.revoke(&TokenHash::of("nobody's")).await.unwrap();
    process.exchange.purge(100).await.unwrap();
    assert_eq!(kept.saves.load(Ordering::Relaxed), before);
    process.exchange.revoke(minted.token.expose()).await.unwrap();
    assert_eq!(kept.saves.load(Ordering::Relaxed), before + 1);
}

/// Strangers may revoke texts that are no tokens, and whoever has a used token may send it again: neither waits for others'
/// changes, nor copies all records.
#[tokio::test]
async fn a_request_that_changes_nothing_waits_for_no_change() {
    let (registry, kept) = (Registry::new().await, Kept::default());
    let process = Process::new(&registry, opened(&kept, NOW - 3600).await).await;
    let used = process.token();
    process.exchange(&used).await.unwrap();
    let closed = kept.gate.lock().await;
    let store = process.store.clone();
    let publisher = store.list(&package("@acme/widget")).await.unwrap().remove(0);
    let removing = tokio::spawn(async move { store.remove(&publisher.package, &publisher.id).await });
    tokio::task::yield_now().await;
    let unchanging = async {
        process.store.revoke(&TokenHash::of("nobody's")).await.unwrap();
        process.exchange(&used).await.unwrap_err().0.kind()
    };
    let waited = async {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        kind = unchanging => assert_eq!(kind, RefusalKind::AlreadyUsed),
        () = waited => panic!("it waits for a change of somebody else"),
    }
    assert!(!removing.is_finished());
    drop(closed);
    assert!(removing.await.unwrap().unwrap());
}

#[tokio::test]
async fn a_save_that_failed_is_made_up_for() {
    let (registry, kept) = (Registry::new().await, Kept::default());
    let process = Process::new(&registry, opened(&kept, NOW - 3600).await).await;
    kept.is_full.store(true, Ordering::Relaxed);
    process.exchange(&process.token()).await.unwrap_err();
    kept.is_full.store(false, Ordering::Relaxed);
    let before = kept.saves.load(Ordering::Relaxed);
    process.exchange.purge(100).await.unwrap();
    assert_eq!(
        kept.saves.load(Ordering::Relaxed),
        before + 1,
        "the document may have the change that failed"
    );
}

#[tokio::test]
async fn a_document_of_something_else_is_not_overwritten() {
    for text in [
        "",
        "{}",
        "[]",
        r#"{"started_at":0,"publishers":[],"replay":{"zz":[1,2]},"purged_until":0,"tokens":{}}"#,
    ] {
        let kept = Kept::default();
        *kept.text.lock().unwrap() = Some(text.as_bytes().to_vec());
        let opened = MemoryStore::open(kept, MemoryLimits::default(), Timestamp::from_secs(NOW)).await;
        assert!(opened.is_err(), "{text}");
    }
}
