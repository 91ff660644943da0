//! The example of a publish tool without a runtime, with a registry on loopback.

#[allow(dead_code)]
#[path = "../../examples/blocking_cli.rs"]
mod example;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use oidc_core::Environment;
use oidc_core::testing::FakeIssuer;
use serde_json::json;
use tokio::net::TcpListener;

const EXCHANGE: &str = "/-/npm/v1/oidc/token/exchange/package/{package}";

/// The token with which a job with these variables publishes, at a registry that takes every identity token but those of a fork.
async fn token(variables: &[(&str, &str)]) -> Result<String, String> {
    let exchange = async |headers: HeaderMap| {
        assert_eq!(headers["user-agent"], "blocking-cli/1.0");
        match headers["authorization"].to_str().unwrap().starts_with("Bearer ey") {
            true => (StatusCode::CREATED, r#"{"token":"npm_short"}"#),
            false => (StatusCode::FORBIDDEN, r#"{"message":"no identity token"}"#),
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let app = Router::new().route(EXCHANGE, post(exchange));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let cx = example::context(Environment::from_iter(variables.iter().copied())).unwrap();
    // The tool blocks its thread, which has no runtime.
    let tool = std::thread::spawn(move || {
        let token = example::token(&url, "@acme/widget", &oidc_providers::all(), &cx);
        token.map(|token| token.expose().to_owned()).map_err(|error| error.to_string())
    });
    tokio::task::spawn_blocking(move || tool.join().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_short_lived_token_comes_without_a_runtime_and_a_static_one_outside_of_ci() {
    let issuer = FakeIssuer::new("https://issuer.example");
    let identity = issuer.sign(&json!({ "iss": issuer.url(), "aud": "npm:127.0.0.1" }));
    let job = ("NPM_ID_TOKEN", identity.as_str());
    let fixed = ("NPM_TOKEN", "npm_static");
    assert_eq!(token(&[job, fixed]).await, Ok("npm_short".to_owned()));
    assert_eq!(token(&[fixed]).await, Ok("npm_static".to_owned()));
    let outside = token(&[]).await.unwrap_err();
    assert!(outside.contains("[not-detected]") && outside.contains("NPM_ID_TOKEN"), "{outside}");
    // A job that should have got a token is told why it has none.
    let not_permitted = token(&[("GITHUB_ACTIONS", "true"), fixed]).await.unwrap_err();
    assert!(not_permitted.contains("id-token: write"), "{not_permitted}");
    let other = issuer.sign(&json!({ "iss": issuer.url(), "aud": "npm:registry.example" }));
    let refused = token(&[("NPM_ID_TOKEN", other.as_str()), fixed]).await.unwrap_err();
    assert!(refused.contains("[audience]"), "{refused}");
}
