//! The example of signed publish tokens, from the exchange to a host without a database.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
#[path = "../../examples/signed_tokens.rs"]
mod example;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock, NotRandom};
use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{Audience, Context};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Exchange, Package, Trust};
use oidc_providers::{GitHubPublisher, github, sample::Overrides};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "npm:registry.example";
const NOW: u64 = 1_800_000_000;

fn key() -> Vec<u8> {
    Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref().to_vec()
}

struct Registry {
    issuer: Arc<FakeIssuer>,
    clock: ManualClock,
    verifier: Verifier,
    store: MemoryStore,
}

impl Registry {
    async fn new() -> Self {
        let (issuer, clock) = (Arc::new(FakeIssuer::new(ISSUER)), ManualClock::at(NOW));
        let http = FakeHttp::of_issuer(Arc::clone(&issuer));
        let cx = Context::default().with_clock(clock.clone()).with_http(http).with_random(NotRandom(7));
        let (providers, store) = (oidc_providers::all(), MemoryStore::for_tests());
        let trust = Trust::new(providers.clone(), store.clone(), &cx);
        let rules = GitHubPublisher::new("acme/widget", "publish.yml");
        let record =
            trust.prepare(Package::new("npm", "@acme/widget"), "github", None, rules.into()).unwrap();
        trust.add(&record).await.unwrap();
        let verifier = Verifier::new(AwsLc, [Audience::new(AUDIENCE).unwrap()], &providers, &cx).unwrap();
        Self { issuer, clock, verifier, store }
    }

    fn app(&self, tokens: example::SignedTokens) -> axum::Router {
        let exchange = Exchange::builder(self.verifier.clone(), self.store.clone()).minter(tokens);
        example::app(exchange.build())
    }

    /// A publish token from this registry's endpoint.
    async fn exchange(&self, app: &axum::Router) -> String {
        let claims = github::sample::claims_with(ISSUER, AUDIENCE, NOW, "1", &Overrides::new());
        let request = Request::post("/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget")
            .header("authorization", format!("Bearer {}", self.issuer.sign(&claims)));
        let answer = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        body["token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    }
}

async fn whoami(app: &axum::Router, token: &str) -> (StatusCode, Value) {
    let request = Request::get("/whoami").header("authorization", format!("Bearer {token}"));
    let answer = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn a_signed_token_is_valid_without_a_database_until_it_expires() {
    let registry = Registry::new().await;
    let tokens = example::SignedTokens::new(&key(), None).unwrap();
    let public_key = tokens.public_key().to_vec();
    let app = registry.app(tokens);
    let token = registry.exchange(&app).await;
    assert_eq!(
        registry.store.records(),
        (0, 1),
        "the identity token is burned, and no publish token is stored"
    );
    let record = example::verified(std::slice::from_ref(&public_key), &token).expect("by the key alone");
    assert!(record.for_package(&Package::new("npm", "@acme/widget")).is_some());
    assert_eq!(record.run.repository.as_deref(), Some("acme/widget"));
    let (status, told) = whoami(&app, &token).await;
    assert_eq!((status, &told["packages"][0]["package"]["name"]), (StatusCode::OK, &json!("@acme/widget")));
    registry.clock.advance(Duration::from_secs(300));
    assert_eq!(whoami(&app, &token).await.0, StatusCode::UNAUTHORIZED, "it has expired");
}

#[tokio::test]
async fn a_token_that_is_changed_anywhere_or_signed_by_another_key_is_none() {
    let registry = Registry::new().await;
    let (ours, theirs) = (key(), key());
    let app = registry.app(example::SignedTokens::new(&ours, None).unwrap());
    let token = registry.exchange(&app).await;
    for index in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(whoami(&app, &changed).await.0 == StatusCode::UNAUTHORIZED, "{index}: {changed}");
    }
    let other = registry.app(example::SignedTokens::new(&theirs, None).unwrap());
    assert_eq!(whoami(&other, &token).await.0, StatusCode::UNAUTHORIZED);
    let old = example::SignedTokens::new(&ours, None).unwrap();
    let rotated = example::SignedTokens::new(&theirs, Some(old.public_key().to_vec())).unwrap();
    assert_eq!(
        whoami(&registry.app(rotated), &token).await.0,
        StatusCode::OK,
        "the key before is still taken"
    );
}
