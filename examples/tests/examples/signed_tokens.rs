//! The example of signed publish tokens, from the exchange to a host without a database.

#[allow(dead_code)]
#[path = "../../examples/signed_tokens.rs"]
mod example;

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use axum::Router;
use axum::http::{Request, StatusCode};
use oidc_core::verify::Verifier;
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Exchange, Package};
use serde_json::{Value, json};

use super::world::{Platform, bearer, exchange, send};

const AUDIENCE: &str = "npm:registry.example";

fn key() -> Vec<u8> {
    Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref().to_vec()
}

struct Registry {
    platform: Platform,
    verifier: Verifier,
    store: MemoryStore,
}

impl Registry {
    async fn new() -> Self {
        let (platform, store) = (Platform::new(), MemoryStore::for_tests());
        let verifier = platform.trusted_for(Package::new("npm", "@acme/widget"), &store, AUDIENCE).await;
        Self { platform, verifier, store }
    }

    fn app(&self, tokens: example::SignedTokens) -> Router {
        let exchange = Exchange::builder(self.verifier.clone(), self.store.clone()).minter(tokens);
        example::app(exchange.build())
    }

    /// A publish token from this registry's endpoint.
    async fn exchange(&self, app: &Router) -> String {
        let (status, text) = exchange(app, "@acme/widget", &self.platform.token(AUDIENCE, &[])).await;
        assert_eq!(status, StatusCode::CREATED, "{text}");
        text
    }
}

async fn whoami(app: &Router, token: &str) -> (StatusCode, Value) {
    let (status, body) = send(app, bearer(Request::get("/whoami"), token), "").await;
    (status, serde_json::from_str(&body).unwrap_or_default())
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
    registry.platform.clock.advance(Duration::from_secs(300));
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
