//! The examples of an endpoint of one's own and of metrics, with a CI platform in memory.

#[allow(dead_code)]
#[path = "../../examples/own_endpoint.rs"]
pub(crate) mod endpoint;
#[allow(dead_code)]
#[path = "../../examples/metrics.rs"]
mod metrics;

use http::{Request, StatusCode};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Exchange, Package};
use serde_json::Value;

use super::world::{ISSUER, Platform, bearer, send};

const AUDIENCE: &str = "https://widgets.example";

struct World {
    platform: Platform,
    exchange: Exchange,
    metrics: metrics::Metrics,
}

impl World {
    async fn start() -> Self {
        let (platform, store) = (Platform::new(), MemoryStore::for_tests());
        let verifier = platform.trusted_for(Package::new("widgets", "widget"), &store, AUDIENCE).await;
        let metrics = metrics::Metrics::default();
        let exchange = Exchange::builder(verifier, store).sink(metrics.clone()).build();
        Self { platform, exchange, metrics }
    }

    fn identity_token(&self) -> String {
        self.platform.token(AUDIENCE, &[])
    }

    async fn send(&self, method: &str, path: &str, token: &str) -> (StatusCode, String) {
        let request = bearer(Request::builder().method(method).uri(path), token);
        send(&endpoint::app(self.exchange.clone()), request, "upload").await
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
