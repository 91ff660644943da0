//! The examples of publish tools, async and blocking, with a registry in memory.

#[allow(dead_code)]
#[path = "../../examples/blocking_cli.rs"]
mod blocking_cli;
#[allow(dead_code)]
#[path = "../../examples/publish_cli.rs"]
mod publish_cli;

use oidc_core::http::Response;
use oidc_core::testing::{FakeHttp, FakeIssuer};
use oidc_core::{Context, Environment};
use serde_json::json;

const URL: &str = "https://registry.example/npm/";
const EXCHANGE: &str = "https://registry.example/npm/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget";
const GRANTED: (u16, &str) = (201, r#"{"token":"npm_short"}"#);
const REFUSED: (u16, &str) = (403, r#"{"message":"environment differs"}"#);
const STATIC: (&str, &str) = ("NPM_TOKEN", "npm_static");

/// The token that each of the tools publishes with in a job with these variables, or its error, and what the first one says.
async fn tokens(answer: (u16, &str), variables: &[(&str, &str)]) -> ([Result<String, String>; 2], String) {
    let environment = Environment::from_iter(variables.iter().copied());
    let http = FakeHttp::new().on("POST", EXCHANGE, Response::new(answer.0, Vec::new(), answer.1));
    let blocking = blocking_cli::context(environment.clone(), &mut Vec::new()).unwrap();
    let (blocking, providers) = (blocking.with_http(http.clone()), oidc_providers::all());
    let cx = Context::default().with_environment(environment).with_http(http);
    let mut said = Vec::new();
    let tokens = [
        publish_cli::token(URL, "@acme/widget", &providers, &cx, &mut said).await,
        blocking_cli::token(URL, "@acme/widget", &providers, &blocking),
    ];
    let text = |token: oidc_core::Secret| token.expose().to_owned();
    (tokens.map(|token| token.map(text).map_err(|error| error.to_string())), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn a_short_lived_token_is_taken_or_else_the_static_one_with_the_reason() {
    let issuer = FakeIssuer::new("https://issuer.example");
    let identity = issuer.sign(&json!({ "iss": issuer.url(), "aud": "npm:registry.example" }));
    let job = ("NPM_ID_TOKEN", identity.as_str());
    let granted = Ok("npm_short".to_owned());
    assert_eq!(tokens(GRANTED, &[job, STATIC]).await, ([granted.clone(), granted], String::new()));
    let fixed = Ok("npm_static".to_owned());
    let ([first, second], said) = tokens(GRANTED, &[STATIC]).await;
    assert_eq!((first, second), (fixed.clone(), fixed.clone()), "outside of CI");
    assert!(said.contains("not a job of a platform"), "{said}");
    // A job that should have got a token: the second tool does not fall back.
    let unpermitted = (GRANTED, ("GITHUB_ACTIONS", "true"), "id-token: write");
    for (answer, variable, why) in [(REFUSED, job, "environment differs"), unpermitted] {
        let ([first, second], said) = tokens(answer, &[variable, STATIC]).await;
        assert!(first == fixed && said.contains(why), "{first:?} {said}");
        assert!(second.as_ref().unwrap_err().contains(why), "{second:?}");
    }
    let ([first, second], _) = tokens(GRANTED, &[]).await;
    assert!(first.unwrap_err().contains("NPM_TOKEN") && second.unwrap_err().contains("[not-detected]"));
}

#[test]
fn the_settings_in_use_are_told_with_their_origin_to_whoever_asks() {
    let told = |verbose| {
        let proxy = ("HTTPS_PROXY", "http://user:password@proxy.example:3128/");
        let (environment, mut told) = (Environment::from_iter([proxy, ("VERBOSE", verbose)]), Vec::new());
        blocking_cli::context(environment, &mut told).unwrap();
        String::from_utf8(told).unwrap()
    };
    assert_eq!(told("false"), "");
    let told = told("true");
    let proxy = "proxy `proxy.example:3128`, from variable `HTTPS_PROXY`";
    for line in [proxy, "deadline of an operation `30 s`, from the application"] {
        assert!(told.lines().any(|told| told == line), "{told}");
    }
    assert!(!told.contains("password"), "{told}");
}
