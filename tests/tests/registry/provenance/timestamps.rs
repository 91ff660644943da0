//! Entries of a log of version 2, which promises no time: a timestamp of an authority that the registry trusts has to prove it.

use ci_issuer::sigstore;
use oidc_core::HttpUrl;
use oidc_provenance::{Services, sign};
use serde_json::{Value, json};
use tests::http;

use super::endpoint::ProvenanceEndpoint;
use super::{Job, Token, World};

const TIMESTAMPS: &str = "/verificationMaterial/timestampVerificationData";

/// Signs the endpoint's file with a log of version 2, and a timestamp of the authority at a URL.
async fn tiled(world: &World, endpoint: ProvenanceEndpoint, authority: &str) -> Value {
    let url = http::url(world.instance.url(), "");
    let services = Services::with_tiled_log(url.clone(), url, HttpUrl::parse(authority).unwrap());
    signed(world, endpoint, &services).await
}

/// Signs the endpoint's file with a log of version 1, and a timestamp beside the log's promise.
async fn promised(world: &World, endpoint: ProvenanceEndpoint, authority: &str) -> Value {
    let url = http::url(world.instance.url(), "");
    let services = Services::new(url.clone(), url).with_timestamps(HttpUrl::parse(authority).unwrap());
    signed(world, endpoint, &services).await
}

async fn signed(world: &World, endpoint: ProvenanceEndpoint, services: &Services) -> Value {
    let (cx, token) = (world.context(Job::default()), Token(world.token(Job::default())));
    let bundle = sign(&endpoint.statement(world), &token, services, &cx).await.unwrap();
    serde_json::from_str(bundle.as_str()).unwrap()
}

/// The bundle with other timestamps.
fn with(bundle: &Value, timestamps: &Value) -> Value {
    let mut changed = bundle.clone();
    *changed.pointer_mut(TIMESTAMPS).unwrap() = timestamps.clone();
    changed
}

/// Bundles with a timestamp that proves nothing, or with none.
async fn wrong(
    world: &World,
    endpoint: ProvenanceEndpoint,
    foreign: &sigstore::Running,
) -> Vec<(&'static str, Value)> {
    let own = world.instance.timestamp_url();
    let (good, other) = (tiled(world, endpoint, &own).await, tiled(world, endpoint, &own).await);
    let mut told = with(&good, &json!({}));
    told["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = json!("1790000000");
    vec![
        ("none", with(&good, &json!({}))),
        ("an empty list", with(&good, &json!({ "rfc3161Timestamps": [] }))),
        ("a time that nothing signs", told),
        ("of another signature", with(&good, other.pointer(TIMESTAMPS).unwrap())),
        ("of a foreign authority", tiled(world, endpoint, &foreign.timestamp_url()).await),
        (
            "of a foreign authority, beside a promise",
            promised(world, endpoint, &foreign.timestamp_url()).await,
        ),
    ]
}

#[tokio::test]
async fn a_timestamp_that_is_missing_foreign_or_of_another_signature_is_refused_and_nothing_is_stored() {
    let world = World::start(None, |config| config).await;
    let settings = sigstore::Settings::new("github", world.scene.issuer.url());
    let foreign = sigstore::Running::start(settings, &world.scene.cx).await.unwrap();
    for (endpoint, expected) in
        [(ProvenanceEndpoint::Npm, 6), (ProvenanceEndpoint::Gem, 6), (ProvenanceEndpoint::Pypi, 3)]
    {
        let (token, before) = (endpoint.token(&world).await, world.stored().await);
        let mut sent = 0;
        for (what, bundle) in wrong(&world, endpoint, &foreign).await {
            // PyPI's form has no place for a timestamp.
            let Some(bundle) = endpoint.written(&bundle) else { continue };
            let answer = endpoint.send(&world, &bundle, &token).await;
            let text = String::from_utf8_lossy(&answer.body);
            assert!(
                endpoint.refuses(&answer, "provenance-timestamp"),
                "{endpoint:?} {what}: {} {text}",
                answer.status
            );
            sent += 1;
        }
        assert_eq!(sent, expected, "{endpoint:?}");
        assert_eq!(world.stored().await, before, "{endpoint:?}");
        let good = tiled(&world, endpoint, &world.instance.timestamp_url()).await;
        let Some(good) = endpoint.written(&good) else { continue };
        let answer = endpoint.send(&world, &good, &token).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, endpoint.statuses().1, "{endpoint:?}: {text}");
    }
}
