//! Registries where users configure publishers: any user may name any repository. The job of that repository must not be
//! affected by it, with any store.

use std::sync::Arc;
use std::time::Duration;

use needs::needs;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::testing::conformance::Harness as _;
use oidc_exchange::server::{
    Exchange, ExchangeRequest, MAX_CANDIDATES, MAX_UNPROVEN, Minted, Package, PackageOwner, PublisherRecord,
    PublisherState, PublisherStore, Refusal, RefusalKind, TokenStore, Trust, TrustError, TrustLimits,
    TrustPolicy, TrustStore,
};
use serde_json::{Value, json};

use crate::databases::{Postgres, Sqlite, postgres};
use crate::registry::{ISSUER, Memory, NOW, claims, package, verifier};

/// A registry with accounts over a store.
struct Hub {
    exchange: Exchange,
    trust: Trust,
    issuer: Arc<FakeIssuer>,
    clock: ManualClock,
    events: Memory,
}

impl Hub {
    fn over<S: PublisherStore + TokenStore + TrustStore + Clone + 'static>(store: &S) -> Self {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        let clock = ManualClock::at(NOW);
        let (verifier, providers) = verifier(FakeHttp::of_issuer(Arc::clone(&issuer)), &clock);
        let trust = Trust::new(providers, store.clone(), verifier.context());
        let events = Memory::default();
        let exchange = Exchange::builder(verifier, store.clone()).sink(events.clone()).build();
        Self { exchange, trust, issuer, clock, events }
    }

    async fn configure(&self, account: &str, name: &str, rules: &Value, is_pending: bool) -> PublisherRecord {
        let mut config = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
        config.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
        let mut record = self.trust.prepare(package(name), "fake", None, config).unwrap();
        record.account = Some(account.to_owned());
        record.pending = is_pending;
        self.trust.add(&record).await.unwrap()
    }

    async fn exchange(&self, changes: &Value) -> Result<Minted, Refusal> {
        let mut changes = changes.clone();
        changes["exp"] = json!(NOW + 3600);
        self.exchange
            .exchange(&self.issuer.sign(&claims(NOW, &changes)), &ExchangeRequest::identity("npm"))
            .await
    }

    /// The packages that a job of `acme/widget` may publish.
    async fn granted(&self) -> Vec<Package> {
        self.exchange(&json!({})).await.unwrap().packages
    }
}

async fn strangers_change_nothing<S: PublisherStore + TokenStore + TrustStore + Clone + 'static>(store: &S) {
    let hub = Hub::over(store);
    for number in 0..MAX_CANDIDATES + 1 {
        hub.configure("mallory", &format!("evil-{number:04}"), &json!({}), false).await;
    }
    hub.clock.advance(Duration::from_secs(1));
    let record = hub.configure("alice", "widget", &json!({}), true).await;
    let granted = hub.granted().await;
    assert!(granted.contains(&package("widget")), "a pending publisher before the first publish");
    assert_eq!(granted.len(), MAX_UNPROVEN, "beside few strangers' packages");
    let reason = hub.events.next().await.operator_text().to_owned();
    assert!(reason.contains(&format!("{MAX_UNPROVEN} of accounts that have not published")), "{reason}");

    for number in 0..MAX_UNPROVEN {
        hub.configure(&format!("sybil-{number}"), &format!("sybil-{number}"), &json!({}), false).await;
    }
    let owner = hub.trust.package_created_by(&record.package, &record.id).await.unwrap();
    assert_eq!(owner, Some(PackageOwner::account("alice")));
    assert!(hub.trust.published(&record.package, &record.id).await.unwrap());
    for number in 0..MAX_UNPROVEN {
        hub.configure("alice", &format!("gadget-{number}"), &json!({}), false).await;
    }
    let granted = hub.granted().await;
    let own = granted.iter().filter(|package| package.name.starts_with("gadget") || package.name == "widget");
    assert_eq!(own.count(), MAX_UNPROVEN + 1, "all of an account that published");
    assert_eq!(granted.len(), 2 * MAX_UNPROVEN + 1, "beside as many strangers' packages as before");

    // It is edited, which gives it a new id.
    let rules = json!({ "repository": "acme/widget", "workflow": "publish.yml", "ref": "main" });
    let edited = hub.trust.prepare(package("widget"), "fake", None, rules).unwrap();
    let edited = hub.trust.edit(&record.id, edited).await.unwrap();
    assert_eq!((edited.account.as_deref(), edited.proven), (Some("alice"), true), "whose it is, and proven");
    assert!(hub.granted().await.contains(&package("gadget-31")));
    let rules = json!({ "repository": "acme/other", "workflow": "publish.yml" });
    let other = hub.trust.prepare(package("widget"), "fake", None, rules).unwrap();
    let other = hub.trust.edit(&edited.id, other).await.unwrap();
    assert_eq!((other.proven, other.published_at), (false, None), "nothing was published from there yet");
}

/// Strangers configure the immutable id of somebody's repository: what to do about a new name is told of the owner's package.
async fn a_renamed_repository_is_told_its_own_package<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore + Clone + 'static,
{
    let hub = Hub::over(store);
    for number in 0..40 {
        let name = format!("evil-{number}");
        hub.configure("mallory", &name, &json!({ "repository_id": "2" }), number % 2 == 0).await;
    }
    hub.clock.advance(Duration::from_secs(1));
    let record = hub.configure("alice", "widget", &json!({}), false).await;
    assert!(hub.granted().await.contains(&package("widget")));
    assert!(hub.trust.published(&record.package, &record.id).await.unwrap());
    let refusal = hub.exchange(&json!({ "repository": "acme/renamed" })).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::RuleDiffers);
    assert!(refusal.to_string().contains("widget") && !refusal.to_string().contains("evil"), "{refusal}");
    // Nor does it matter that a stranger names the repository by its new name.
    let of_new_name = json!({ "repository": "acme/renamed", "environment": "other" });
    hub.configure("mallory", "evil-renamed", &of_new_name, false).await;
    let beside = hub.exchange(&json!({ "repository": "acme/renamed" })).await.unwrap_err();
    assert_eq!(beside.to_string(), refusal.to_string());
    // An owner that has not published yet is told of the own publisher, whatever strangers say of the id.
    let new = json!({ "repository": "acme/new", "environment": "production" });
    hub.configure("carol", "gadget", &new, false).await;
    let former = json!({ "repository": "acme/former", "repository_id": "7" });
    hub.configure("mallory", "evil-former", &former, false).await;
    let job = json!({ "repository": "acme/new", "repository_id": "7" });
    let refusal = hub.exchange(&job).await.unwrap_err();
    assert!(refusal.to_string().contains("production"), "{refusal}");
}

/// The limits of an account, and that it learns nothing about other accounts.
async fn each_account_is_alone<S: PublisherStore + TokenStore + TrustStore + Clone + 'static>(store: &S) {
    let hub = Hub::over(store);
    let limits = TrustLimits::default().per_account(3).pending_per_account(2);
    let trust = hub.trust.clone().with_limits(limits);
    let prepared = |account: &str, name: &str, is_pending| {
        let rules = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
        let mut record = trust.prepare(package(name), "fake", None, rules).unwrap();
        record.account = Some(account.to_owned());
        record.pending = is_pending;
        record
    };
    let stranger = trust.add(&prepared("mallory", "widget", true)).await.unwrap();
    hub.exchange(&json!({})).await.unwrap();
    let learned = store.list(&package("widget")).await.unwrap().remove(0);
    assert_eq!(learned.learned.len(), 1, "the stranger's knows an id");
    let own =
        trust.add(&prepared("alice", "widget", true)).await.expect("a stranger's equal one is not told");
    assert!(own.learned.is_empty(), "nor is what it has learned");
    let again = trust.add(&prepared("alice", "widget", true)).await.unwrap_err();
    assert!(matches!(&again, TrustError::Exists { id } if *id == own.id && *id != stranger.id), "{again}");

    trust.add(&prepared("alice", "gadget", true)).await.unwrap();
    let refused = trust.add(&prepared("alice", "gizmo", true)).await.unwrap_err();
    assert_eq!(refused.to_string(), "the account has 2 pending trusted publishers already; remove one first");
    trust.add(&prepared("alice", "gizmo", false)).await.unwrap();
    let refused = trust.add(&prepared("alice", "gear", false)).await.unwrap_err();
    assert_eq!(refused.to_string(), "the account has 3 trusted publishers already; remove one first");
    for name in ["", "a\0b", &"a".repeat(256)] {
        let refused = trust.add(&prepared(name, "gear", false)).await.unwrap_err();
        assert!(matches!(refused, TrustError::Account), "{refused}");
    }

    // A week later those lapsed that no job has used, and they take no room.
    let state = |record: &PublisherRecord| trust.state(record);
    assert!(state(&own).is_in_force());
    hub.clock.advance(Duration::from_secs(7 * 24 * 3600));
    assert!(matches!(state(&own), PublisherState::Lapsed { .. }), "{}", state(&own));
    trust.add(&prepared("alice", "gear", true)).await.unwrap();
    assert_eq!(trust.purge(1).await.unwrap(), 0, "and are shown for a while");
    hub.clock.advance(TrustPolicy::default().forget_after);
    // Mallory's has learned an id; being pending, it expired later.
    assert_eq!(trust.purge(0).await.unwrap(), 3, "alice's, one by one");
    let left: Vec<_> =
        trust.of_account("alice").await.unwrap().into_iter().map(|record| record.package.name).collect();
    assert_eq!(left, ["gear"]);
    hub.clock.advance(TrustPolicy::default().pending_for);
    assert_eq!(trust.purge(100).await.unwrap(), 2, "hers and mallory's");
}

#[tokio::test]
async fn in_memory() {
    each_account_is_alone(&MemoryStore::for_tests()).await;
    strangers_change_nothing(&MemoryStore::for_tests()).await;
    a_renamed_repository_is_told_its_own_package(&MemoryStore::for_tests()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    let harness = Sqlite::new();
    each_account_is_alone(&harness.empty().await).await;
    strangers_change_nothing(&harness.empty().await).await;
    a_renamed_repository_is_told_its_own_package(&harness.empty().await).await;
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql() {
    let url = postgres();
    let harness = Postgres::new(url);
    each_account_is_alone(&harness.empty().await).await;
    strangers_change_nothing(&harness.empty().await).await;
    a_renamed_repository_is_told_its_own_package(&harness.empty().await).await;
    harness.clean_up().await;
}
