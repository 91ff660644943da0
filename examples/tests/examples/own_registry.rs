//! The example of a registry protocol of one's own, client and registry against each other.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
#[path = "../../examples/own_registry.rs"]
mod client;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use http_body_util::BodyExt as _;
use oidc_core::http::{HttpClient, HttpError, HttpSettings, Request, Response};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, Environment, ProviderSet};
use oidc_exchange::client::doctor::{Doctor, Verdict};
use oidc_exchange::client::testing::conformance::{self, Harness};
use oidc_exchange::client::{ExchangeErrorKind, Failure, PublishRequest, PublishToken, Registry as _, Scope};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Exchange, Package, Trust};
use oidc_providers::{GitHubPublisher, github};
use tower::ServiceExt as _;

use super::own_endpoint::endpoint;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const URL: &str = "https://widgets.example/";
const AUDIENCE: &str = "https://widgets.example";
const NOW: u64 = 1_800_000_000;

/// The registry, and what it was asked for.
#[derive(Clone)]
struct Wire {
    exchange: Exchange,
    asked: Arc<Mutex<Vec<String>>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let line = format!("{} {}", request.method.as_str(), request.url.path());
        self.asked.lock().unwrap().push(line);
        let asked = http::Request::builder().method(request.method.as_str()).uri(request.url.path());
        let asked =
            request.headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, value.expose()));
        let answer =
            endpoint::app(self.exchange.clone()).oneshot(asked.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        Ok(Response::new(status, Vec::new(), body.to_vec()))
    }
}

/// A registry that trusts a workflow for `widget`, and a job of that workflow.
async fn job() -> (Wire, Context) {
    let issuer = Arc::new(FakeIssuer::new(ISSUER));
    let token = issuer.sign(&github::sample::claims(ISSUER, AUDIENCE, NOW, &FakeIssuer::unique_id()));
    let clock = ManualClock::at(NOW);
    let cx = Context::system_with(Environment::default(), HttpSettings::default()).unwrap();
    let cx = cx.with_clock(clock.clone()).with_http(FakeHttp::of_issuer(issuer));
    let (providers, store) = (oidc_providers::all(), MemoryStore::for_tests());
    let trust = Trust::new(providers.clone(), store.clone(), &cx);
    let rules = GitHubPublisher::new("acme/widget", "publish.yml");
    let package = Package::new("widgets", "widget");
    trust.add(&trust.prepare(package, "github", None, rules.into()).unwrap()).await.unwrap();
    let verifier = Verifier::new(AwsLc, [Audience::new(AUDIENCE).unwrap()], &providers, &cx).unwrap();
    let wire =
        Wire { exchange: Exchange::builder(verifier, store).build(), asked: Arc::new(Mutex::default()) };
    let variables = [("WIDGETS_ID_TOKEN", token.as_str())];
    let job = Context::default()
        .with_environment(Environment::from_iter(variables))
        .with_clock(clock)
        .with_http(wire.clone());
    (wire, job)
}

async fn publish(scope: &Scope, cx: &Context) -> Result<PublishToken, Failure> {
    let registry = client::Widgets::at(URL).unwrap();
    let request = PublishRequest::new(scope.clone());
    oidc_exchange::publish_token(&registry, request, &oidc_providers::ci(), cx).await
}

fn widget(name: &str) -> Scope {
    Scope::Package(name.to_owned())
}

/// The client under the suite that every registry has to pass.
#[derive(Clone)]
struct Suite;

impl Harness for Suite {
    fn registry(&self) -> Box<dyn oidc_exchange::client::Registry> {
        Box::new(client::Widgets::at(URL).unwrap())
    }

    fn scope(&self) -> Scope {
        widget("widget")
    }

    fn answer(&self, _: &Request, token: &str) -> Response {
        Response::new(200, Vec::new(), serde_json::json!({ "token": token }).to_string())
    }
}

#[tokio::test]
async fn the_client_conforms() {
    conformance::all(&Suite).await;
}

#[tokio::test]
async fn a_job_gets_a_token_that_the_registry_knows() {
    let (wire, cx) = job().await;
    let token = publish(&widget("widget"), &cx).await.unwrap();
    assert_eq!(token.expires_at().unwrap().as_secs(), NOW + 900);
    let secret = token.secret_for(&widget("widget")).unwrap();
    let record = wire.exchange.find(secret.expose()).await.unwrap().unwrap();
    assert!(record.for_package(&Package::new("widgets", "widget")).is_some());
    assert_eq!(*wire.asked.lock().unwrap(), ["POST /tokens/widget"]);
}

#[tokio::test]
async fn a_refusal_comes_with_its_status_and_its_reason() {
    let (_, cx) = job().await;
    let Err(Failure::Exchange(error)) = publish(&widget("gadget"), &cx).await else { panic!("a stranger") };
    assert!(matches!(error.kind(), ExchangeErrorKind::Rejected { status: 404, .. }), "{error}");
    assert!(error.to_string().contains("`gadget`"), "{error}");
}

#[tokio::test]
async fn what_is_no_widget_is_refused_before_anything_is_sent() {
    let (wire, cx) = job().await;
    for scope in [Scope::Identity, widget(""), widget("../tokens"), widget("a b"), widget(&"a".repeat(65))] {
        let Err(Failure::Exchange(error)) = publish(&scope, &cx).await else { panic!("{scope}") };
        assert_eq!(error.diagnosis().code, "exchange-scope");
    }
    assert!(wire.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_doctor_of_it_comes_along() {
    let (_, cx) = job().await;
    let registry = client::Widgets::at(URL).unwrap();
    assert_eq!(registry.audience(&cx).await.unwrap().as_str(), AUDIENCE);
    let doctor = Doctor::of(&registry, widget("widget")).exchanging_always();
    let report = doctor.examine(&oidc_providers::ci(), &cx).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{}", report.to_text());
    let outside = Context::default();
    let report = Doctor::of(&registry, widget("widget")).examine(&ProviderSet::default(), &outside).await;
    assert_eq!(report.verdict, Verdict::Refused, "{}", report.to_text());
}
