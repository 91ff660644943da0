//! Tests of a publish tool that play a job of GitHub Actions and a registry: in memory, with real signatures, and without
//! a server or a variable of the process.
//!
//! `cargo run --example tested_tool` plays a job that may publish and one that may not.

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use oidc_core::http::{HttpClient, HttpError, HttpSettings, Request, Response};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, Environment};
use oidc_exchange::client::{Failure, Npm, PublishRequest};
use oidc_exchange::server::{self, Exchange, Package, Trust};
use oidc_exchange::sql::SqlStore;
use oidc_providers::sample::Overrides;
use oidc_providers::{GitHubPublisher, github};
use serde_json::json;
use tower::ServiceExt as _;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const TOKEN_URL: &str = "https://runner.example/token?api-version=1";
const REGISTRY: &str = "https://registry.example/";
const NOW: u64 = 1_800_000_000;

/// The tool under test: whatever it asks of the outside world it takes from the context.
pub(crate) async fn publish(package: &str, cx: &Context) -> Result<String, Box<dyn Error>> {
    let (registry, scope) = (Npm::at(REGISTRY)?, Npm::scope(package)?);
    let request = PublishRequest::new(scope.clone());
    let token = oidc_exchange::publish_token(&registry, request, &oidc_providers::all(), cx).await;
    let token = token.map_err(|failure: Failure| failure.diagnosis().to_text())?;
    Ok(format!("published {package} with {:?}", token.secret_for(&scope)?))
}

/// The network of a job: its platform, and the registry below a URL, which is a service in this process.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) platform: FakeHttp,
    pub(crate) url: &'static str,
    pub(crate) registry: Router,
}

#[async_trait]
impl HttpClient for Network {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        if !request.url.as_str().starts_with(self.url) {
            return self.platform.send(request).await;
        }
        let outgoing = http::Request::try_from(&request)?.map(Body::from);
        let Ok(answer) = self.registry.clone().oneshot(outgoing).await;
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX).await.map_err(|error| HttpError::broken(&request, error))?;
        Ok(http::Response::from_parts(head, body).into())
    }
}

/// A registry with one package, `widget`, that `publish.yml` of `acme/widget` publishes.
async fn registry(issuer: &Arc<FakeIssuer>) -> Result<Router, Box<dyn Error>> {
    let cx = Context::system_with(Environment::default(), HttpSettings::default())?;
    let cx = cx.with_clock(ManualClock::at(NOW)).with_http(FakeHttp::of_issuer(Arc::clone(issuer)));
    let (providers, store) = (oidc_providers::all(), SqlStore::open("sqlite::memory:").await?);
    let trust = Trust::new(providers.clone(), store.clone(), &cx);
    let rules = GitHubPublisher::new("acme/widget", "publish.yml");
    trust.add(&trust.prepare(Package::new("npm", "widget"), "github", None, rules)?).await?;
    let verifier = Verifier::new(AwsLc, [Audience::new("npm:registry.example")?], &providers, &cx)?;
    let exchange = Exchange::builder(verifier, store).build();
    Ok(Router::new().nest_service("/-/npm/v1/oidc", server::npm(exchange)))
}

/// The world of a job whose token differs from the usual one in these claims.
pub(crate) async fn job(claims: Overrides) -> Result<Context, Box<dyn Error>> {
    let issuer = Arc::new(FakeIssuer::new(ISSUER));
    let registry = registry(&issuer).await?;
    let platform = FakeHttp::new().on_request(move |request| {
        let asked = url::Url::parse(request.url.as_str()).ok()?;
        let audience = asked.query_pairs().find(|(name, _)| name == "audience")?.1.into_owned();
        let claims = github::sample::claims_with(ISSUER, &audience, NOW, &FakeIssuer::unique_id(), &claims);
        Some(Ok(Response::new(200, Vec::new(), json!({ "value": issuer.sign(&claims) }).to_string())))
    });
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", TOKEN_URL),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner-secret"),
    ];
    Ok(Context::default()
        .with_clock(ManualClock::at(NOW))
        .with_environment(Environment::from_iter(variables))
        .with_http(Network { platform, url: REGISTRY, registry }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let allowed = job(Overrides::new()).await?;
    writeln!(out, "{}", publish("widget", &allowed).await?)?;
    let fork = Overrides::from([("repository".to_owned(), Some(json!("mallory/widget")))]);
    let refused = publish("widget", &job(fork).await?).await;
    writeln!(out, "{}", refused.err().map(|why| why.to_string()).unwrap_or_default())?;
    Ok(())
}
