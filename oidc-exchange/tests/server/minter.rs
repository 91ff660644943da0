//! Publish tokens of an application's own format, and exchanges that make none.

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use oidc_core::{HttpUrl, Identity, Random, RandomError, Secret, Timestamp};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{
    Candidates, Exchange, ExchangeRequest, Grant, MAX_PUBLISH_TOKEN_BYTES, MintError, Minter, NewToken,
    Package, PublisherRecord, PublisherStore, Recognised, Redeemed, RefusalKind, StoreError, TokenHash,
    TokenRecord, TokenStore, TrustStore as _, crates_io, npm, pep_807, pypi, rubygems, token_exchange,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::registry::{Registry, package};

const LIFETIME: Duration = Duration::from_secs(900);

/// Tokens that are the record itself. A registry signs it.
#[derive(Clone, Debug, Default)]
struct Plain {
    /// The number of tokens that were asked for.
    asked: Arc<AtomicUsize>,
    /// `true` if no token can be made from now on.
    is_broken: Arc<AtomicBool>,
    /// The number of bytes that each token has in addition.
    padding: usize,
}

#[async_trait::async_trait]
impl Minter for Plain {
    fn lifetime(&self) -> Duration {
        LIFETIME
    }

    async fn mint(&self, grant: &Grant, _: &dyn Random) -> Result<NewToken, MintError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_broken.load(Ordering::Relaxed) {
            return Err(RandomError("the key is gone".to_owned()).into());
        }
        let record = serde_json::to_string(&grant.record()).map_err(MintError::new)?;
        Ok(NewToken::SelfContained(Secret::new(format!("plain:{record}{}", " ".repeat(self.padding)))))
    }

    fn recognise(&self, text: &str) -> Option<Recognised> {
        assert!(text.len() <= MAX_PUBLISH_TOKEN_BYTES, "longer texts are not looked at");
        serde_json::from_str(text.strip_prefix("plain:")?).ok().map(Recognised::SelfContained)
    }
}

/// A store in which publishers are removed between the choice and the grant.
#[derive(Clone, Debug)]
struct Vanishing(MemoryStore, Arc<Mutex<Vec<PublisherRecord>>>);

#[async_trait::async_trait]
impl PublisherStore for Vanishing {
    async fn candidates(
        &self,
        identities: &[Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Candidates, StoreError> {
        self.0.candidates(identities, ecosystem, package).await
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        let vanishing = std::mem::take(&mut *self.1.lock().unwrap());
        for record in vanishing {
            use oidc_exchange::server::TrustStore as _;
            assert!(self.0.remove(&record.package, &record.id).await?);
        }
        self.0.redeem(grant).await
    }
}

#[async_trait::async_trait]
impl TokenStore for Vanishing {
    async fn find(&self, _: &TokenHash, _: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        panic!("a self-contained token is found without the store")
    }

    async fn revoke(&self, _: &TokenHash) -> Result<(), StoreError> {
        panic!("no store can end a self-contained token")
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.0.purge(now, limit).await
    }
}

/// The registry's exchange with this minter, over its own store.
fn minting(registry: &Registry, minter: Plain) -> (Exchange, Vanishing) {
    let store = Vanishing(registry.store.clone(), Arc::default());
    let verifier = registry.exchange.verifier().clone();
    (Exchange::builder(verifier, store.clone()).minter(minter).build(), store)
}

fn widget() -> ExchangeRequest {
    ExchangeRequest::package("npm", "@acme/widget")
}

#[tokio::test]
async fn every_endpoint_gives_and_every_look_up_takes_the_tokens_of_the_minter() {
    let registry = Registry::new().await;
    for ecosystem in ["pypi", "cargo", "rubygems", "models"] {
        let config = json!({ "repository": "acme/widget" });
        let record = registry.trust.prepare(Package::new(ecosystem, "widget"), "fake", None, config).unwrap();
        registry.trust.add(&record).await.unwrap();
    }
    let (exchange, _) = minting(&registry, Plain::default());
    let ask = |path: &str, member: &str| {
        let token = registry.token(&json!({}));
        let request = Request::post(path).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {token}"));
        request.body(Full::<Bytes>::from(json!({ member: token }).to_string())).unwrap()
    };
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={}&subject_token_type={}",
        registry.token(&json!({})),
        "urn:ietf:params:oauth:token-type:id_token",
    );
    let form = Request::post("/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::<Bytes>::from(form))
        .unwrap();
    let upload = HttpUrl::parse("https://registry.example/").unwrap();
    for (ecosystem, member, answer) in [
        (
            "npm",
            "token",
            npm(exchange.clone()).oneshot(ask("/token/exchange/package/@acme%2fwidget", "")).await,
        ),
        ("pypi", "token", pypi(exchange.clone()).oneshot(ask("/mint-token", "token")).await),
        ("cargo", "token", crates_io(exchange.clone()).oneshot(ask("/", "jwt")).await),
        ("rubygems", "rubygems_api_key", rubygems(exchange.clone()).oneshot(ask("/", "jwt")).await),
        (
            "pypi",
            "token",
            pep_807(exchange.clone(), &upload).unwrap().oneshot(ask("/_/pytp/mint-token", "token")).await,
        ),
        ("models", "access_token", token_exchange(exchange.clone(), "models", &upload).oneshot(form).await),
    ] {
        let body = answer.unwrap().into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let token = body[member].as_str().unwrap_or_else(|| panic!("{body}"));
        assert!(token.starts_with("plain:") && exchange.is_ours(token), "{token}");
        let record = exchange.find(token).await.unwrap().expect("it is found without the store");
        assert_eq!(record.packages.len(), 1);
        assert_eq!(record.packages[0].package.ecosystem, ecosystem);
        assert_eq!(record.run.repository.as_deref(), Some("acme/widget"));
    }
    assert_eq!(registry.records().await, (0, 6), "six burned, none stored");
}

#[tokio::test]
async fn a_self_contained_token_ends_by_time_alone() {
    let registry = Registry::new().await;
    let (exchange, _) = minting(&registry, Plain::default());
    let minted = exchange.exchange(&registry.token(&json!({})), &widget()).await.unwrap();
    let token = minted.token.expose();
    exchange.revoke(token).await.unwrap();
    let delete = Request::delete("/").header("authorization", token).body(Full::<Bytes>::default()).unwrap();
    let answer = crates_io(exchange.clone()).oneshot(delete).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT, "as for any token of this registry");
    let publisher = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0);
    assert!(registry.trust.remove(&publisher.package, &publisher.id).await.unwrap());
    assert!(exchange.find(token).await.unwrap().is_some());
    registry.clock.advance(LIFETIME - Duration::from_secs(1));
    assert!(exchange.find(token).await.unwrap().is_some());
    registry.clock.advance(Duration::from_secs(1));
    assert!(exchange.find(token).await.unwrap().is_none());
    assert!(exchange.is_ours(token), "by its signature");
}

#[tokio::test]
async fn a_self_contained_token_says_whether_its_publisher_is_pending() {
    let registry = Registry::new().await;
    registry.trusts("novel", "acme/widget", true).await;
    let (exchange, _) = minting(&registry, Plain::default());
    let token = registry.token(&json!({}));
    let minted = exchange.exchange(&token, &ExchangeRequest::identity("npm")).await.unwrap();
    let record = exchange.find(minted.token.expose()).await.unwrap().unwrap();
    let may_create = |name: &str| record.for_package(&package(name)).map(|granted| granted.may_create);
    assert_eq!((may_create("@acme/widget"), may_create("novel")), (Some(false), Some(true)));
}

#[tokio::test]
async fn a_self_contained_token_holds_nothing_whose_publisher_vanished_meanwhile() {
    let registry = Registry::new().await;
    let vanishing = registry.trusts("gadget", "acme/widget", false).await;
    let plain = Plain::default();
    let (exchange, store) = minting(&registry, plain.clone());
    let everything = ExchangeRequest::identity("npm");
    store.1.lock().unwrap().push(vanishing);
    let minted = exchange.exchange(&registry.token(&json!({})), &everything).await.unwrap();
    assert_eq!(plain.asked.load(Ordering::Relaxed), 2, "the first token said too much");
    let record = exchange.find(minted.token.expose()).await.unwrap().unwrap();
    assert_eq!(record.packages.len(), 1);
    assert!(record.for_package(&package("@acme/widget")).is_some());
    assert_eq!(minted.packages, [package("@acme/widget")]);
}

#[tokio::test]
async fn a_minter_that_fails_uses_nothing_up_and_tells_the_log_alone() {
    let registry = Registry::new().await;
    let plain = Plain::default();
    let (exchange, _) = minting(&registry, plain.clone());
    let token = registry.token(&json!({}));
    plain.is_broken.store(true, Ordering::Relaxed);
    let refusal = exchange.exchange(&token, &widget()).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Internal);
    assert!(!refusal.to_string().contains("the key is gone"), "{refusal}");
    assert!(refusal.source().unwrap().source().unwrap().to_string().contains("the key is gone"));
    plain.is_broken.store(false, Ordering::Relaxed);
    exchange.exchange(&token, &widget()).await.expect("nothing was used up");

    let (too_long, _) = minting(&registry, Plain { padding: MAX_PUBLISH_TOKEN_BYTES, ..Plain::default() });
    let token = registry.token(&json!({}));
    let refusal = too_long.exchange(&token, &widget()).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Internal);
    exchange.exchange(&token, &widget()).await.expect("nothing was used up");
    assert!(!exchange.is_ours(&format!("plain:{}", " ".repeat(MAX_PUBLISH_TOKEN_BYTES))));
}

#[tokio::test]
async fn an_authorization_burns_the_identity_token_and_makes_no_publish_token() {
    let registry = Registry::new().await;
    let token = registry.token(&json!({}));
    let wrong = registry.token(&json!({ "workflow": "evil.yml" }));
    let refusal = registry.exchange.authorize(&wrong, &widget()).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::RuleDiffers);
    let record = registry.exchange.authorize(&token, &widget()).await.unwrap();
    assert!(record.for_package(&package("@acme/widget")).is_some());
    assert_eq!(record.run.repository.as_deref(), Some("acme/widget"));
    assert_eq!(registry.records().await, (0, 1), "burned, and no token stored");
    let events = registry.events.take();
    assert_eq!(events.iter().map(|event| event.outcome).collect::<Vec<_>>(), ["rule-differs", "granted"]);
    for again in [
        registry.exchange.authorize(&token, &widget()).await.map(drop),
        registry.exchange.exchange(&token, &widget()).await.map(drop),
    ] {
        assert_eq!(again.unwrap_err().kind(), RefusalKind::AlreadyUsed);
    }
    let learned = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0).learned;
    assert_eq!(learned.get("repository_id").map(String::as_str), Some("2"), "it learns as an exchange does");
}
