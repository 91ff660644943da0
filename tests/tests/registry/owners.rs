//! Publishers for all repositories of an owner.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use ci_issuer::{Changes, GITHUB, Settings};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, ProviderSet};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Exchange, ExchangeRequest, Package, Trust};
use oidc_providers::sample::Overrides;
use oidc_providers::{GitHub, github};
use serde_json::{Value, json};
use tests::http;
use tests::scene::Scene;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "npm:widgets.example";
const NOW: u64 = 1_800_000_000;

/// `mallory` published by the owner that was called `acme` before. The next owner of the name publishes a new package of its
/// own account, whoever else configured a pending publisher for it.
#[tokio::test]
async fn the_former_holder_of_an_owners_name_takes_no_new_package_from_the_next() {
    let (issuer, clock) = (Arc::new(FakeIssuer::new(ISSUER)), ManualClock::at(NOW));
    let cx = http::system().with_clock(clock.clone()).with_http(FakeHttp::of_issuer(Arc::clone(&issuer)));
    let (providers, store) =
        (ProviderSet::default().with(GitHub::public().allowing_owners()), MemoryStore::for_tests());
    let verifier = Verifier::new(AwsLc, [Audience::new(AUDIENCE).unwrap()], &providers, &cx).unwrap();
    let exchange = Exchange::builder(verifier, store.clone()).build();
    let trust = Trust::new(providers, store, &cx);
    let token = |changes: &[(&str, &str)]| {
        let changes: Overrides =
            changes.iter().map(|(name, value)| ((*name).to_owned(), Some(json!(value)))).collect();
        issuer.sign(&github::sample::claims_with(ISSUER, AUDIENCE, NOW, &FakeIssuer::unique_id(), &changes))
    };
    let configure = async |account: &str, name: &str, rules: Value, is_pending: bool| {
        let mut record = trust.prepare(Package::new("npm", name), "github", None, rules).unwrap();
        (record.account, record.pending) = (Some(account.to_owned()), is_pending);
        trust.add(&record).await.unwrap()
    };
    let proof = configure("mallory", "proof", json!({ "owner": "acme" }), false).await;
    let former = token(&[("repository_owner_id", "99"), ("repository_id", "98")]);
    exchange.authorize(&former, &ExchangeRequest::package("npm", "proof")).await.unwrap();
    assert!(trust.published(&proof.package, &proof.id).await.unwrap());

    let next = configure("victor", "widget", json!({ "owner": "acme" }), true).await;
    clock.advance(Duration::from_secs(1));
    configure("mallory", "widget", json!({ "owner": "acme", "workflow": "*.yml" }), true).await;
    for request in [ExchangeRequest::package("npm", "widget"), ExchangeRequest::identity("npm")] {
        let record = exchange.authorize(&token(&[]), &request).await.unwrap();
        let granted = record.for_package(&Package::new("npm", "widget")).unwrap();
        assert_eq!(granted.publisher, next.id, "{request:?}");
    }
}

#[tokio::test]
async fn every_repository_of_the_configured_owner_publishes_and_no_other() {
    let publisher = "[[package.publisher]]\nprovider = \"github\"\nowner = \"acme\"\nrepository = \"acme/w*\"\nworkflow = \"publish*.yml\"\n";
    let configure = |config: String, _: &std::path::Path| {
        let config = config.replacen("kind = \"github\"", "kind = \"github\"\nowners = true", 1);
        format!("{config}[[package]]\necosystem = \"npm\"\nname = \"widget\"\n{publisher}")
    };
    let mut scene = Scene::within(http::system(), Settings::new(&GITHUB), "", &[], "", configure).await;
    let mut exchange = async |repository: &str, owner: &str, workflow: &str| {
        let caller = format!("{repository}/.github/workflows/{workflow}@refs/tags/v1.0.0");
        let changes = Changes::default().set("repository", repository).set("repository_owner_id", owner);
        scene.changes =
            changes.set("workflow_ref", &caller).set("repository_id", repository.len().to_string());
        let token = scene.token(&scene.audience());
        http::send(&scene.cx, http::exchange(&scene.url(), "widget", &token)).await
    };
    for (repository, owner, workflow, status) in [
        ("acme/widget", "1", "publish.yml", 201),
        ("acme/wheel", "1", "publish-wheel.yml", 201),
        ("acme/gadget", "1", "publish.yml", 403),
        ("acme/widget", "1", "nightly.yml", 403),
        ("acme-evil/widget", "2", "publish.yml", 404),
        ("evil/widget", "2", "publish.yml", 404),
        // The owner's id was learned from the first: who has the name now is somebody else.
        ("acme/widget", "2", "publish.yml", 404),
    ] {
        let answer = exchange(repository, owner, workflow).await;
        assert_eq!(answer.status, status, "{repository} of {owner}, {workflow}: {answer:?}");
    }
    let token = http::minted(&exchange("acme/Widget", "1", "publish.yml").await);
    let published = http::send(&scene.cx, http::publish(&scene.url(), "widget", "1.0.0", &token)).await;
    assert!((200..300).contains(&published.status), "{published:?}");
}
