//! The example of a registry protocol of one's own, client and registry against each other.

#[allow(dead_code)]
#[path = "../../examples/own_registry.rs"]
mod client;

use oidc_core::http::{Request, Response};
use oidc_core::testing::FakeHttp;
use oidc_core::{Context, Environment, ProviderSet};
use oidc_exchange::client::doctor::{Doctor, Verdict};
use oidc_exchange::client::testing::conformance::{self, Harness};
use oidc_exchange::client::{ExchangeErrorKind, Failure, PublishRequest, PublishToken, Registry as _, Scope};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Exchange, Package};

use super::own_endpoint::endpoint;
use super::world::{NOW, Network, Platform};

const URL: &str = "https://widgets.example/";
const AUDIENCE: &str = "https://widgets.example";

/// A registry that trusts a workflow for `widget`, the network to it, and a job of that workflow.
async fn job() -> (Exchange, Network, Context) {
    let (platform, store) = (Platform::new(), MemoryStore::for_tests());
    let verifier = platform.trusted_for(Package::new("widgets", "widget"), &store, AUDIENCE).await;
    let exchange = Exchange::builder(verifier, store).build();
    let network = Network::new(URL, endpoint::app(exchange.clone()), FakeHttp::new());
    let token = platform.token(AUDIENCE, &[]);
    let job = Context::default()
        .with_environment(Environment::from_iter([("WIDGETS_ID_TOKEN", token.as_str())]))
        .with_clock(platform.clock.clone())
        .with_http(network.clone());
    (exchange, network, job)
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
    let (exchange, network, cx) = job().await;
    let token = publish(&widget("widget"), &cx).await.unwrap();
    assert_eq!(token.expires_at().unwrap().as_secs(), NOW + 900);
    let secret = token.secret_for(&widget("widget")).unwrap();
    let record = exchange.find(secret.expose()).await.unwrap().unwrap();
    assert!(record.for_package(&Package::new("widgets", "widget")).is_some());
    assert_eq!(network.asked(), ["POST /tokens/widget"]);
}

#[tokio::test]
async fn a_refusal_comes_with_its_status_and_its_reason() {
    let (_, _, cx) = job().await;
    let Err(Failure::Exchange(error)) = publish(&widget("gadget"), &cx).await else { panic!("a stranger") };
    assert!(matches!(error.kind(), ExchangeErrorKind::Rejected { status: 404, .. }), "{error}");
    assert!(error.to_string().contains("`gadget`"), "{error}");
}

#[tokio::test]
async fn what_is_no_widget_is_refused_before_anything_is_sent() {
    let (_, network, cx) = job().await;
    for scope in [Scope::Identity, widget(""), widget("../tokens"), widget("a b"), widget(&"a".repeat(65))] {
        let Err(Failure::Exchange(error)) = publish(&scope, &cx).await else { panic!("{scope}") };
        assert_eq!(error.diagnosis().code, "exchange-scope");
    }
    assert!(network.asked().is_empty());
}

#[tokio::test]
async fn a_doctor_of_it_comes_along() {
    let (_, _, cx) = job().await;
    let registry = client::Widgets::at(URL).unwrap();
    assert_eq!(registry.audience(&cx).await.unwrap().as_str(), AUDIENCE);
    let doctor = Doctor::of(&registry, widget("widget")).exchanging_always();
    let report = doctor.examine(&oidc_providers::ci(), &cx).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{}", report.to_text());
    let outside = Context::default();
    let report = Doctor::of(&registry, widget("widget")).examine(&ProviderSet::default(), &outside).await;
    assert_eq!(report.verdict, Verdict::Refused, "{}", report.to_text());
}
