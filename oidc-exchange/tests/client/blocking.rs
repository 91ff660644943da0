//! The client half without an async runtime: none of these tests has one.

use async_trait::async_trait;
use oidc_core::http::{HttpClient, HttpError, Request, Response};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::{Context, Environment, ProviderSet, VariableSource};
use oidc_exchange::blocking::{self, Error};
use oidc_exchange::client::doctor::{Doctor, Verdict};
use oidc_exchange::client::{Npm, PublishRequest, RubyGems, Scope};
use serde_json::json;

const NOW: u64 = 1_700_000_000;

fn registry() -> Npm {
    Npm::at("https://registry.example/").unwrap()
}

fn widget() -> Scope {
    Npm::scope("@acme/widget").unwrap()
}

fn context(http: impl HttpClient + 'static) -> Context {
    let issuer = FakeIssuer::new("https://issuer.example");
    let claims = json!({
        "iss": issuer.url(), "aud": "npm:registry.example", "jti": FakeIssuer::unique_id(),
        "iat": NOW, "exp": NOW + 300,
    });
    Context::blocking(http)
        .with_environment(Environment::from_iter([("NPM_ID_TOKEN", issuer.sign(&claims))]))
        .with_clock(ManualClock::at(NOW))
}

fn registry_that_answers(status: u16, body: &'static str) -> FakeHttp {
    FakeHttp::new().on_request(move |_| Some(Ok(Response::new(status, Vec::new(), body))))
}

#[test]
fn a_publish_token_is_obtained_and_revoked_without_a_runtime() {
    let cx = context(registry_that_answers(201, r#"{"token":"npm_short","token_type":"oidc"}"#));
    let providers = ProviderSet::default();
    let request = PublishRequest::new(widget());
    let token = blocking::publish_token(&registry(), request.clone(), &providers, &cx).unwrap();
    assert_eq!(token.secret_for(&widget()).unwrap().expose(), "npm_short");
    let source = VariableSource::new(&cx, "NPM_ID_TOKEN");
    let token = blocking::token_from(&registry(), &source, request, &cx).unwrap();
    blocking::revoke(&registry(), &token, &cx).unwrap();
}

#[test]
fn a_refusal_keeps_its_diagnosis() {
    let cx = context(registry_that_answers(403, r#"{"message":"environment differs"}"#));
    let request = PublishRequest::new(widget());
    let result = blocking::publish_token(&registry(), request, &ProviderSet::default(), &cx);
    let Err(Error::Failed(failure)) = result else { panic!("{result:?}") };
    assert!(failure.diagnosis().problem.contains("environment differs"), "{failure}");
}

#[test]
fn a_job_is_examined_without_a_runtime() {
    let cx = context(registry_that_answers(404, ""));
    let registry = registry();
    let doctor = Doctor::of(&registry, widget());
    let report = blocking::examine(&doctor, &ProviderSet::default(), &cx).unwrap();
    assert_ne!(report.verdict, Verdict::Accepted, "{}", report.to_text());
}

/// A client that waits for a runtime.
#[derive(Debug)]
struct Asynchronous;

#[async_trait]
impl HttpClient for Asynchronous {
    async fn send(&self, _: Request) -> Result<Response, HttpError> {
        std::future::pending().await
    }
}

#[test]
fn an_asynchronous_client_is_an_error_and_not_a_hang() {
    let cx = context(Asynchronous);
    let request = PublishRequest::new(widget());
    let result = blocking::publish_token(&registry(), request, &ProviderSet::default(), &cx);
    assert!(matches!(result, Err(Error::WouldBlock(_))), "{result:?}");
    let registry = RubyGems::at("https://gems.example/").unwrap();
    let doctor = Doctor::of(&registry, Scope::Identity);
    assert!(blocking::examine(&doctor, &ProviderSet::default(), &cx).is_err());
}
