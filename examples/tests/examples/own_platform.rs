//! The example of a CI platform of one's own, under the suite that every platform has to pass, and all the way to a registry.

#[allow(dead_code)]
#[path = "../../examples/own_platform.rs"]
mod example;

use std::sync::Arc;

use axum::Router;
use example::Forge;
use oidc_core::http::Response;
use oidc_core::testing::conformance::{self, Harness, Job};
use oidc_core::testing::{FakeHttp, FakeIssuer, FakePlatform, ManualClock};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, Environment, Provider, ProviderSet};
use oidc_exchange::client::{ExchangeErrorKind, Failure, Npm, PublishRequest, PublishToken};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{self, Exchange, Package, Trust};
use serde_json::{Value, json};

use super::tested_tool::example::Network;
use super::world::NOW;

const ISSUER: &str = "https://forge.example";
const REGISTRY: &str = "https://registry.example/npm/";
const URL: (&str, &str) = ("FORGE_TOKEN_URL", "https://forge.example/token");
const JOB: [(&str, &str); 3] = [("FORGE_CI", "true"), URL, ("FORGE_TOKEN_KEY", "secret-key")];

fn claims(issuer: &str, audience: &str, now: u64) -> Value {
    json!({
        "iss": issuer, "aud": audience, "iat": now, "exp": now + 300, "jti": FakeIssuer::unique_id(),
        "project": "acme/widget", "project_uid": "u-1", "pipeline": "release", "stage": "publish",
    })
}

/// Forge's token endpoint, which answers with a token for the audience.
fn endpoint(token: impl Fn(&str) -> String + Send + Sync + 'static) -> FakeHttp {
    FakeHttp::new().on_request(move |request| {
        let (_, audience) = request.url.as_str().split_once("?for=")?;
        Some(Ok(Response::new(200, Vec::new(), token(&audience.replace("%3A", ":")))))
    })
}

struct Suite;

impl Harness for Suite {
    fn provider(&self, issuer: &str) -> Arc<dyn Provider> {
        Arc::new(Forge::at(issuer).unwrap())
    }

    fn claims(&self, issuer: &str, audience: &str, now: u64) -> Value {
        claims(issuer, audience, now)
    }

    fn jobs(&self) -> Vec<Job> {
        let world = Context::default().with_http(endpoint(conformance::token));
        vec![
            Job::permitted("a job", JOB).in_world(world).with_secret("secret-key"),
            Job::unpermitted("a job without `identity: true`", [("FORGE_CI", "true")]),
            Job::elsewhere("a machine with Forge's runner", [URL]),
        ]
    }
}

#[tokio::test]
async fn the_platform_conforms() {
    conformance::all(&Suite).await;
}

fn providers() -> ProviderSet {
    ProviderSet::default().with(Forge::at(ISSUER).unwrap())
}

/// A registry that trusts the pipeline `release` of `acme/widget` for the package `widget`.
async fn registry() -> Exchange {
    let cx = FakePlatform::at(ISSUER).unwrap().registry();
    let audience = Audience::new("npm:registry.example").unwrap();
    let verifier = Verifier::new(AwsLc, [audience], &providers(), &cx).unwrap();
    let store = MemoryStore::for_tests();
    let trust = Trust::new(providers(), store.clone(), &cx);
    let rules = json!({ "project": "acme/widget", "pipeline": "release" });
    trust.add(&trust.prepare(Package::new("npm", "widget"), "forge", None, rules).unwrap()).await.unwrap();
    Exchange::builder(verifier, store).build()
}

/// Publishes as a job whose tokens have this claim in place of the usual one.
async fn publish(exchange: &Exchange, claim: &str, value: &str) -> Result<PublishToken, Failure> {
    let (claim, value) = (claim.to_owned(), json!(value));
    let platform = endpoint(move |audience| {
        let mut claims = claims(ISSUER, audience, NOW);
        claims[&claim] = value.clone();
        FakeIssuer::new(ISSUER).sign(&claims)
    });
    let registry = Router::new().fallback_service(server::npm(exchange.clone()));
    let job = Context::default()
        .with_clock(ManualClock::at(NOW))
        .with_environment(Environment::from_iter(JOB))
        .with_http(Network { platform, url: REGISTRY, registry });
    let request = PublishRequest::new(Npm::scope("widget").unwrap());
    oidc_exchange::publish_token(&Npm::at(REGISTRY).unwrap(), request, &providers(), &job).await
}

#[tokio::test]
async fn a_job_of_a_platform_from_outside_gets_a_publish_token_and_another_the_reason_for_none() {
    let exchange = registry().await;
    let token = publish(&exchange, "stage", "publish").await.unwrap();
    let secret = token.secret_for(&Npm::scope("widget").unwrap()).unwrap();
    let record = exchange.find(secret.expose()).await.unwrap().unwrap();
    assert_eq!((record.provider.as_str(), record.issuer.as_str()), ("forge", ISSUER));
    assert_eq!(record.run.repository.as_deref(), Some("acme/widget"));
    for (claim, value, expected, words) in [
        ("pipeline", "nightly", 403, ["`pipeline`", "`nightly`", "`release`"]),
        ("project", "evil/widget", 404, ["no trusted publisher", "`evil/widget`", "`widget`"]),
        // The first job taught the registry its project's id.
        ("project_uid", "u-2", 404, ["no trusted publisher", "`acme/widget`", "`widget`"]),
    ] {
        let Err(Failure::Exchange(error)) = publish(&exchange, claim, value).await else { panic!("{value}") };
        let ExchangeErrorKind::Rejected { status, message: Some(message) } = error.kind() else {
            panic!("{error}")
        };
        assert_eq!(*status, expected, "{message}");
        words.iter().for_each(|word| assert!(message.contains(word), "{word}: {message}"));
        assert!(claim != "project_uid" || !message.contains("u-1"), "{message}");
    }
}

#[test]
fn the_platform_knows_no_crate_of_the_workspace_but_the_core() {
    let source = include_str!("../../examples/own_platform.rs");
    assert!(source.contains("use oidc_core::"));
    let other = ["exchange", "providers"].map(|name| format!("oidc_{name}"));
    assert!(other.iter().all(|name| !source.contains(name)));
}
