//! The examples of an endpoint of one's own and of metrics, with a CI platform in memory.

#[allow(dead_code)]
#[path = "../../examples/own_endpoint.rs"]
pub(crate) mod endpoint;
#[allow(dead_code)]
#[path = "../../examples/metrics.rs"]
mod metrics;

use http::Request;
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Exchange, Package};
use serde_json::Value;

use super::world::{ISSUER, Platform, bearer, send};

const AUDIENCE: &str = "https://widgets.example";

#[tokio::test]
async fn a_job_publishes_its_package_and_no_other_and_the_numbers_say_so() {
    let (platform, store) = (Platform::new(), MemoryStore::for_tests());
    let verifier = platform.trusted(Package::new("widgets", "widget"), &store, AUDIENCE).await;
    let metrics = metrics::Metrics::default();
    let exchange = Exchange::builder(verifier, store).sink(metrics.clone()).build();
    let app = endpoint::app(exchange.clone());
    let sent = async |method: &str, path: &str, token: &str| {
        send(&app, bearer(Request::builder().method(method).uri(path), token), "upload").await
    };
    let identity = || platform.token(AUDIENCE, &[]);

    let (status, body) = sent("POST", "/tokens/widget", &identity()).await;
    assert_eq!(status, 201, "{body}");
    let granted: Value = serde_json::from_str(&body).unwrap();
    let token = granted["token"].as_str().unwrap();
    let (status, body) = sent("PUT", "/packages/widget", token).await;
    assert!(status == 201 && body.contains("\"size\":6"), "{body}");
    let (status, body) = sent("PUT", "/packages/gadget", token).await;
    assert!(status == 403 && body == "this publish token is not for gadget (widgets)", "{body}");
    for (method, path, token, status) in [
        ("PUT", "/packages/widget", "tpub_0", 401),
        ("PUT", "/packages/widget", &*identity(), 401),
        ("POST", "/tokens/gadget", &*identity(), 404),
        ("POST", "/tokens/widget", "nonsense", 401),
        ("POST", "/tokens/Widget", &*identity(), 400),
    ] {
        assert_eq!(sent(method, path, token).await.0, status, "{method} {path}");
    }

    // What is configured is looked up for the log after the answer.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let numbers = metrics.render(exchange.verifier()).unwrap();
    for outcome in ["not-trusted", "invalid-token", "granted"] {
        let line = format!("{{action=\"exchange\",ecosystem=\"widgets\",outcome=\"{outcome}\"}} 1");
        assert!(numbers.contains(&line), "{line}: {numbers}");
    }
    assert!(numbers.contains(&format!("trusted_publishing_keys{{issuer=\"{ISSUER}\"}} 1")), "{numbers}");
}
