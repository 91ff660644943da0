//! The example of a registry protocol of one's own, client and registry against each other.

#[allow(dead_code)]
#[path = "../../examples/own_registry.rs"]
mod client;

use oidc_core::http::{Request, Response};
use oidc_core::testing::FakeHttp;
use oidc_core::{Context, Environment, ProviderSet};
use oidc_exchange::client::doctor::{Doctor, Verdict};
use oidc_exchange::client::testing::conformance::{self, Harness};
use oidc_exchange::client::{ExchangeErrorKind, Failure, PublishRequest, PublishToken, Registry, Scope};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Exchange, Package};

use super::own_endpoint::endpoint;
use super::tested_tool::example::Network;
use super::world::{NOW, Platform};

const URL: &str = "https://widgets.example/";
const AUDIENCE: &str = "https://widgets.example";

fn scope(name: &str) -> Scope {
    Scope::Package(name.to_owned())
}

/// The client under the suite that every registry has to pass.
#[derive(Clone)]
struct Suite;

impl Harness for Suite {
    fn registry(&self) -> Box<dyn Registry> {
        Box::new(client::Widgets::at(URL).unwrap())
    }

    fn scope(&self) -> Scope {
        scope("widget")
    }

    fn answer(&self, _: &Request, token: &str) -> Response {
        Response::new(200, Vec::new(), serde_json::json!({ "token": token }).to_string())
    }
}

#[tokio::test]
async fn the_client_conforms() {
    conformance::all(&Suite).await;
}

/// A registry that trusts a workflow for `widget`, and a job of that workflow.
async fn job() -> (Exchange, Context) {
    let (platform, store) = (Platform::new(), MemoryStore::for_tests());
    let verifier = platform.trusted(Package::new("widgets", "widget"), &store, AUDIENCE).await;
    let exchange = Exchange::builder(verifier, store).build();
    let registry = endpoint::app(exchange.clone());
    let token = platform.token(AUDIENCE, &[]);
    let job = Context::default()
        .with_environment(Environment::from_iter([("WIDGETS_ID_TOKEN", token.as_str())]))
        .with_clock(platform.clock.clone())
        .with_http(Network { platform: FakeHttp::new(), url: URL, registry });
    (exchange, job)
}

async fn publish(scope: &Scope, cx: &Context) -> Result<PublishToken, Failure> {
    let registry = client::Widgets::at(URL).unwrap();
    let request = PublishRequest::new(scope.clone());
    oidc_exchange::publish_token(&registry, request, &oidc_providers::ci(), cx).await
}

#[tokio::test]
async fn a_job_gets_a_token_that_the_registry_knows_and_a_refusal_with_its_status_and_reason() {
    let (exchange, cx) = job().await;
    let token = publish(&scope("widget"), &cx).await.unwrap();
    assert_eq!(token.expires_at().unwrap().as_secs(), NOW + 900);
    let secret = token.secret_for(&scope("widget")).unwrap();
    let record = exchange.find(secret.expose()).await.unwrap().unwrap();
    assert!(record.for_package(&Package::new("widgets", "widget")).is_some());
    let Err(Failure::Exchange(error)) = publish(&scope("gadget"), &cx).await else { panic!("a stranger") };
    assert!(matches!(error.kind(), ExchangeErrorKind::Rejected { status: 404, .. }), "{error}");
    assert!(error.to_string().contains("`gadget`"), "{error}");
}

#[tokio::test]
async fn a_doctor_of_it_comes_along() {
    let (_, cx) = job().await;
    let registry = client::Widgets::at(URL).unwrap();
    let doctor = Doctor::of(&registry, scope("widget")).exchanging_always();
    let report = doctor.examine(&oidc_providers::ci(), &cx).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{}", report.to_text());
    let report = doctor.examine(&ProviderSet::default(), &Context::default()).await;
    assert_eq!(report.verdict, Verdict::Refused, "{}", report.to_text());
}
