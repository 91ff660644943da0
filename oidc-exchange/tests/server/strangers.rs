//! The effects that a stranger, who may configure publishers for any repository, must not have on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::{Random, Secret};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{
    Exchange, ExchangeBuilder, ExchangeRequest, Grant, MAX_UNPROVEN, MintError, Minter, NewToken, Package,
    PublisherRecord, PublisherStore, Recognised, TokenStore, Trust, TrustError, TrustStore,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::registry::{ISSUER, NOW, claims, package, verifier};

/// A registry with accounts over a store.
struct Hub {
    exchange: Exchange,
    trust: Trust,
    issuer: Arc<FakeIssuer>,
    clock: ManualClock,
}

impl Hub {
    fn over<S: PublisherStore + TokenStore + TrustStore + Clone + 'static>(
        store: &S,
        with: impl FnOnce(ExchangeBuilder) -> ExchangeBuilder,
    ) -> Self {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        let clock = ManualClock::at(NOW);
        let (verifier, providers) = verifier(FakeHttp::of_issuer(Arc::clone(&issuer)), &clock);
        let trust = Trust::new(providers, store.clone(), verifier.context());
        let exchange = with(Exchange::builder(verifier, store.clone())).build();
        Self { exchange, trust, issuer, clock }
    }

    async fn configure(&self, account: &str, name: &str, rules: &Value, is_pending: bool) -> PublisherRecord {
        self.try_to_configure(account, name, rules, is_pending).await.unwrap()
    }

    async fn try_to_configure(
        &self,
        account: &str,
        name: &str,
        rules: &Value,
        is_pending: bool,
    ) -> Result<PublisherRecord, TrustError> {
        let mut config = self::rules();
        config.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
        let mut record = self.trust.prepare(package("any"), "fake", None, config).unwrap();
        // A store may have longer names than are configured today.
        record.package = package(name);
        record.account = Some(account.to_owned());
        record.pending = is_pending;
        self.trust.add(&record).await
    }

    fn token(&self) -> String {
        self.issuer.sign(&claims(NOW, &json!({ "exp": NOW + 3600, "environment": "release" })))
    }

    /// The publisher that lets a job of `acme/widget` publish `widget`.
    async fn publisher(&self, request: &ExchangeRequest) -> String {
        let record = self.exchange.authorize(&self.token(), request).await.unwrap();
        record.for_package(&package("widget")).unwrap().publisher.clone()
    }
}

/// The rules that every account configures.
fn rules() -> Value {
    json!({ "repository": "acme/widget", "workflow": "publish.yml" })
}

#[tokio::test]
async fn a_strangers_pending_publisher_takes_no_package_from_the_account_that_was_first() {
    let hub = Hub::over(&MemoryStore::for_tests(), |builder| builder);
    let alice = hub.configure("alice", "widget", &json!({}), true).await;
    hub.clock.advance(Duration::from_secs(1));
    let mallory = hub.configure("mallory", "widget", &json!({ "environment": "release" }), true).await;
    for request in [ExchangeRequest::package("npm", "widget"), ExchangeRequest::identity("npm")] {
        let by = hub.publisher(&request).await;
        assert!(by == alice.id && by != mallory.id, "{request:?}");
    }
    // An account that is known to publish by the identity, in any ecosystem, comes before an account with an older publisher.
    for ecosystem in ["npm", "pypi"] {
        let mut proof = hub.trust.prepare(Package::new(ecosystem, "proof"), "fake", None, rules()).unwrap();
        proof.account = Some("mallory".to_owned());
        let proof = hub.trust.add(&proof).await.unwrap();
        assert!(hub.trust.published(&proof.package, &proof.id).await.unwrap());
        for request in [ExchangeRequest::package("npm", "widget"), ExchangeRequest::identity("npm")] {
            assert_eq!(hub.publisher(&request).await, mallory.id, "{ecosystem}: {request:?}");
        }
        assert!(hub.trust.remove(&proof.package, &proof.id).await.unwrap());
    }
    // Within an account the more specific one decides as ever.
    let specific = hub.configure("alice", "widget", &json!({ "environment": "release" }), true).await;
    assert_eq!(hub.publisher(&ExchangeRequest::identity("npm")).await, specific.id);
}

#[tokio::test]
async fn the_former_owner_of_a_name_takes_no_new_package_from_the_new_one() {
    let hub = Hub::over(&MemoryStore::for_tests(), |builder| builder);
    let proof = hub.configure("mallory", "proof", &json!({}), false).await;
    // By the repository that had the name before.
    let before = json!({ "exp": NOW + 3600, "environment": "release", "repository_id": "99" });
    let before = hub.issuer.sign(&claims(NOW, &before));
    hub.exchange.authorize(&before, &ExchangeRequest::package("npm", "proof")).await.unwrap();
    assert!(hub.trust.published(&proof.package, &proof.id).await.unwrap());

    let victor = hub.configure("victor", "widget", &json!({}), true).await;
    hub.clock.advance(Duration::from_secs(1));
    hub.configure("mallory", "widget", &json!({ "environment": "release" }), true).await;
    for request in [ExchangeRequest::package("npm", "widget"), ExchangeRequest::identity("npm")] {
        assert_eq!(hub.publisher(&request).await, victor.id, "{request:?}");
    }
}

#[tokio::test]
async fn a_job_that_is_refused_is_told_of_its_owners_publisher_and_not_of_a_strangers_that_is_nearer() {
    let hub = Hub::over(&MemoryStore::for_tests(), |builder| builder);
    let alice = hub.configure("alice", "widget", &json!({ "environment": "production" }), false).await;
    assert!(hub.trust.published(&alice.package, &alice.id).await.unwrap());
    for request in [ExchangeRequest::identity("npm"), ExchangeRequest::package("npm", "widget")] {
        let alone = hub.exchange.exchange(&hub.token(), &request).await.unwrap_err().to_string();
        for (name, is_pending) in [("gadget", false), ("widget", true)] {
            let strangers =
                hub.configure("mallory", name, &json!({ "environment": "releases" }), is_pending).await;
            let refused = hub.exchange.exchange(&hub.token(), &request).await.unwrap_err();
            assert_eq!(refused.diagnosis().expected.as_deref(), Some("production"), "{refused}");
            assert_eq!(refused.to_string(), alone, "not even a stranger's number of publishers is told");
            assert!(hub.trust.remove(&strangers.package, &strangers.id).await.unwrap());
        }
    }
    hub.configure("alice", "widget", &json!({ "environment": "staging" }), false).await;
    let request = ExchangeRequest::package("npm", "widget");
    let refused = hub.exchange.exchange(&hub.token(), &request).await.unwrap_err().to_string();
    assert!(refused.contains("one more publisher of the package"), "{refused}");
}

/// A publisher of somebody's: the package's number, 0 being `widget`, and its rules.
#[derive(Clone, Debug)]
struct Configured {
    package: usize,
    is_pending: bool,
    rules: Value,
}

impl Configured {
    fn any(
        packages: std::ops::Range<usize>,
        environments: &'static [&'static str],
    ) -> impl Strategy<Value = Self> {
        let environment = proptest::option::of(proptest::sample::select(environments));
        let id = proptest::option::of(proptest::sample::select(&["2", "3"][..]));
        (packages, any::<bool>(), environment, id).prop_map(|(package, is_pending, environment, id)| {
            let named = [("environment", environment), ("repository_id", id)];
            let rules = named
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
                .collect();
            Self { package, is_pending, rules }
        })
    }
}

/// Returns the answers to a job of `acme/widget`, for `widget` and for all packages: the account and the rules by which each
/// of alice's packages is published, or the refusal.
async fn told(
    alice: &[Configured],
    strangers: &[Configured],
    is_late: bool,
) -> (String, BTreeMap<String, String>) {
    let hub = Hub::over(&MemoryStore::for_tests(), |builder| builder);
    let configure = async |account: &str, which: &[Configured], prefix: &str| {
        for Configured { package, is_pending, rules } in which {
            let name = if *package == 0 { "widget".to_owned() } else { format!("{prefix}-{package}") };
            // The same twice, and more than an account may have, is refused.
            let _refused = hub.try_to_configure(account, &name, rules, *is_pending).await;
            hub.clock.advance(Duration::from_secs(1));
        }
    };
    if !is_late {
        configure("mallory", strangers, "m").await;
    }
    configure("alice", alice, "a").await;
    if is_late {
        configure("mallory", strangers, "m").await;
    }
    let by = async |package: &Package, id: &str| {
        let known = hub.trust.list(package).await.unwrap();
        let record = known.iter().find(|record| record.id == id).unwrap();
        format!("{:?} {}", record.account, record.config)
    };
    let named = ExchangeRequest::package("npm", "widget");
    let of_one = match hub.exchange.authorize(&hub.token(), &named).await {
        Ok(record) => by(&record.packages[0].package, &record.packages[0].publisher).await,
        Err(refusal) => refusal.to_string(),
    };
    let mut of_all = BTreeMap::new();
    if let Ok(record) = hub.exchange.authorize(&hub.token(), &ExchangeRequest::identity("npm")).await {
        for granted in record.packages.iter().filter(|granted| !granted.package.name.starts_with("m-")) {
            of_all.insert(granted.package.name.clone(), by(&granted.package, &granted.publisher).await);
        }
    }
    (of_one, of_all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Alice's packages exist, and so only she has publishers of them; a stranger names her repository on others.
    #[test]
    fn nothing_is_different_for_an_owner_whatever_a_stranger_configures_for_the_same_repository(
        alice in proptest::collection::vec(Configured::any(0..4, &["release", "production"]), 1..6),
        strangers in proptest::collection::vec(Configured::any(1..60, &["release", "releases", "other"]), 0..60),
        is_late: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut alice = alice;
        for one in &mut alice {
            one.is_pending = false;
        }
        let alone = runtime.block_on(told(&alice, &[], is_late));
        let beside = runtime.block_on(told(&alice, &strangers, is_late));
        prop_assert_eq!(alone, beside);
    }
}

/// Tokens that carry their record.
#[derive(Debug)]
struct Carrying;

#[async_trait::async_trait]
impl Minter for Carrying {
    fn lifetime(&self) -> Duration {
        Duration::from_secs(300)
    }

    async fn mint(&self, grant: &Grant, _: &dyn Random) -> Result<NewToken, MintError> {
        let record = serde_json::to_vec(&grant.record()).map_err(MintError::new)?;
        Ok(NewToken::SelfContained(Secret::new(data_encoding::BASE64URL_NOPAD.encode(&record))))
    }

    fn recognise(&self, text: &str) -> Option<Recognised> {
        let record = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        serde_json::from_slice(&record).ok().map(Recognised::SelfContained)
    }
}

#[tokio::test]
async fn strangers_packages_make_nobodys_token_too_long() {
    for (length, accounts) in [(128, 1), (512, 1), (128, MAX_UNPROVEN), (512, MAX_UNPROVEN)] {
        let hub = Hub::over(&MemoryStore::for_tests(), |builder| builder.minter(Carrying));
        for number in 0..MAX_UNPROVEN {
            let account = format!("mallory-{}", number % accounts);
            hub.configure(&account, &format!("{number:0length$}"), &json!({}), false).await;
        }
        hub.clock.advance(Duration::from_secs(1));
        let alice = hub.configure("alice", "widget", &json!({}), false).await;
        if accounts > 1 {
            assert!(hub.trust.published(&alice.package, &alice.id).await.unwrap());
        }
        let minted = hub.exchange.exchange(&hub.token(), &ExchangeRequest::identity("npm")).await;
        let minted = minted.unwrap_or_else(|error| panic!("{length}: {error}"));
        assert!(minted.packages.contains(&package("widget")), "{length} {accounts}");
        // What clients, ours among them, and proxies take.
        assert!(minted.token.expose().len() <= 8 * 1024, "{length}: {}", minted.token.expose().len());
    }
}
