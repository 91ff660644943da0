//! The examples of an endpoint of one's own and of metrics, with a CI platform in memory.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
#[path = "../../examples/own_endpoint.rs"]
pub(crate) mod endpoint;
#[allow(dead_code)]
#[path = "../../examples/metrics.rs"]
mod metrics;

use std::sync::Arc;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use oidc_core::http::HttpSettings;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, Environment};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Exchange, Package, Trust};
use oidc_providers::{GitHubPublisher, github};
use serde_json::Value;
use tower::ServiceExt as _;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "https://widgets.example";
const NOW: u64 = 1_800_000_000;

struct World {
    issuer: Arc<FakeIssuer>,
    exchange: Exchange,
    metrics: metrics::Metrics,
}

impl World {
    async fn start() -> Self {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        let cx = Context::system_with(Environment::default(), HttpSettings::default()).unwrap();
        let cx = cx.with_clock(ManualClock::at(NOW)).with_http(FakeHttp::of_issuer(Arc::clone(&issuer)));
        let (providers, store) = (oidc_providers::all(), MemoryStore::for_tests());
        let trust = Trust::new(providers.clone(), store.clone(), &cx);
        let rules = GitHubPublisher::new("acme/widget", "publish.yml");
        let package = Package::new("widgets", "widget");
        trust.add(&trust.prepare(package, "github", None, rules.into()).unwrap()).await.unwrap();
        let verifier = Verifier::new(AwsLc, [Audience::new(AUDIENCE).unwrap()], &providers, &cx).unwrap();
        let metrics = metrics::Metrics::default();
        let exchange = Exchange::builder(verifier, store).sink(metrics.clone()).build();
        Self { issuer, exchange, metrics }
    }

    fn identity_token(&self) -> String {
        self.issuer.sign(&github::sample::claims(ISSUER, AUDIENCE, NOW, &FakeIssuer::unique_id()))
    }

    async fn send(&self, method: &str, path: &str, bearer: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {bearer}")).body(Body::from("upload"));
        let answer = endpoint::app(self.exchange.clone()).oneshot(request.unwrap()).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

#[tokio::test]
async fn a_job_publishes_its_package_and_no_other() {
    let world = World::start().await;
    let (status, body) = world.send("POST", "/tokens/widget", &world.identity_token()).await;
    assert_eq!(status, 201, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let token = body["token"].as_str().unwrap();
    let (status, body) = world.send("PUT", "/packages/widget", token).await;
    assert_eq!(status, 201, "{body}");
    assert!(body.contains("\"size\":6"), "{body}");
    let (status, body) = world.send("PUT", "/packages/gadget", token).await;
    assert_eq!(
        (status, body.as_str()),
        (StatusCode::FORBIDDEN, "this publish token is not for gadget (widgets)")
    );
    for wrong in ["tpub_0", &world.identity_token()] {
        assert_eq!(world.send("PUT", "/packages/widget", wrong).await.0, 401);
    }
}

#[tokio::test]
async fn a_stranger_is_refused_and_the_numbers_say_so() {
    let world = World::start().await;
    let (status, body) = world.send("POST", "/tokens/gadget", &world.identity_token()).await;
    assert_eq!(status, 404, "{body}");
    assert_eq!(world.send("POST", "/tokens/widget", "nonsense").await.0, 401);
    assert_eq!(world.send("POST", "/tokens/Widget", &world.identity_token()).await.0, 400);
    assert_eq!(world.send("POST", "/tokens/widget", &world.identity_token()).await.0, 201);
    // What is configured is looked up for the log after the answer.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let numbers = world.metrics.render(world.exchange.verifier()).unwrap();
    for outcome in ["not-trusted", "invalid-token", "granted"] {
        let line = format!("{{action=\"exchange\",ecosystem=\"widgets\",outcome=\"{outcome}\"}} 1");
        assert!(numbers.contains(&line), "{line}: {numbers}");
    }
    assert!(numbers.contains(&format!("trusted_publishing_keys{{issuer=\"{ISSUER}\"}} 1")), "{numbers}");
}
