//! The example of signed publish tokens, from the exchange to a host without a database.

#[allow(dead_code)]
#[path = "../../examples/signed_tokens.rs"]
mod example;

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use axum::Router;
use axum::http::Request;
use example::SignedTokens;
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Exchange, Package};

use super::world::{Hosted, Platform, bearer, send};

fn key() -> Vec<u8> {
    Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref().to_vec()
}

fn tokens(key: &[u8]) -> SignedTokens {
    SignedTokens::new(key, None).unwrap()
}

/// A registry with these tokens that trusts a workflow for `@acme/widget`.
async fn registry(tokens: SignedTokens) -> (Hosted, MemoryStore) {
    let (platform, store) = (Platform::new(), MemoryStore::for_tests());
    let package = Package::new("npm", "@acme/widget");
    let verifier = platform.trusted(package, &store, Hosted::AUDIENCE).await;
    let exchange = Exchange::builder(verifier, store.clone()).minter(tokens).build();
    (Hosted { platform, app: example::app(exchange) }, store)
}

async fn whoami(app: &Router, token: &str) -> (u16, String) {
    let (status, body) = send(app, bearer(Request::get("/whoami"), token), "").await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn a_signed_token_is_valid_without_a_database_until_it_expires() {
    let tokens = tokens(&key());
    let public_key = tokens.public_key().to_vec();
    let (registry, store) = registry(tokens).await;
    let (_, token) = registry.token("@acme/widget", &[]).await;
    assert_eq!(store.records(), (0, 1), "the identity token is burned, and no publish token is stored");
    let record = example::verified(&[public_key], &token).expect("by the key alone");
    assert!(record.for_package(&Package::new("npm", "@acme/widget")).is_some());
    assert_eq!(record.run.repository.as_deref(), Some("acme/widget"));
    let (status, told) = whoami(&registry.app, &token).await;
    assert!(status == 200 && told.contains("@acme/widget"), "{told}");
    registry.platform.clock.advance(Duration::from_secs(300));
    assert_eq!(whoami(&registry.app, &token).await.0, 401, "it has expired");
}

#[tokio::test]
async fn a_token_that_is_changed_anywhere_or_signed_by_another_key_is_none() {
    let (ours, theirs) = (key(), key());
    let (issuing, _) = registry(tokens(&ours)).await;
    let (_, token) = issuing.token("@acme/widget", &[]).await;
    for index in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(whoami(&issuing.app, &changed).await.0, 401, "{index}: {changed}");
    }
    let (other, _) = registry(tokens(&theirs)).await;
    assert_eq!(whoami(&other.app, &token).await.0, 401);
    let previous = tokens(&ours).public_key().to_vec();
    let (rotated, _) = registry(SignedTokens::new(&theirs, Some(previous)).unwrap()).await;
    assert_eq!(whoami(&rotated.app, &token).await.0, 200, "the key before is still taken");
}
