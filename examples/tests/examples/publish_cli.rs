//! The example of a publish tool, with a CI platform and a registry in memory.

#[allow(dead_code)]
#[path = "../../examples/publish_cli.rs"]
mod example;

use oidc_core::http::Response;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::{Context, Environment};
use serde_json::json;

const URL: &str = "https://registry.example/npm/";
const EXCHANGE: &str = "https://registry.example/npm/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget";

/// The token with which a job with these variables publishes, and the job's output.
async fn token(answer: (u16, &str), variables: &[(&str, &str)]) -> (Result<String, String>, String) {
    let response = Response::new(answer.0, Vec::new(), answer.1.to_owned());
    let cx = Context::default()
        .with_environment(Environment::from_iter(variables.iter().copied()))
        .with_http(FakeHttp::new().on("POST", EXCHANGE, response))
        .with_clock(ManualClock::at(1_800_000_000));
    let mut said = Vec::new();
    let token = example::token(URL, "@acme/widget", &oidc_providers::all(), &cx, &mut said).await;
    let token = token.map(|token| token.expose().to_owned()).map_err(|error| error.to_string());
    (token, String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn a_short_lived_token_is_taken_or_else_the_static_one_with_the_reason() {
    let issuer = FakeIssuer::new("https://issuer.example");
    let identity = issuer.sign(&json!({ "iss": issuer.url(), "aud": "npm:registry.example" }));
    let job = ("NPM_ID_TOKEN", identity.as_str());
    let fixed = ("NPM_TOKEN", "npm_static");
    let created = (201, r#"{"token":"npm_short"}"#);
    let refused = (403, r#"{"message":"environment differs"}"#);
    assert_eq!(token(created, &[job, fixed]).await, (Ok("npm_short".to_owned()), String::new()));
    for (answer, variables, why) in [
        (refused, vec![job, fixed], "environment differs"),
        (created, vec![fixed], "not a job of a platform"),
        (created, vec![fixed, ("GITHUB_ACTIONS", "true")], "id-token: write"),
    ] {
        let (token, said) = token(answer, &variables).await;
        assert!(token == Ok("npm_static".to_owned()) && said.contains(why), "{token:?} {said}");
    }
    let (none, said) = token(refused, &[job]).await;
    assert!(none.unwrap_err().contains("NPM_TOKEN") && said.contains("environment differs"), "{said}");
}
