//! GitHub Actions in memory, and a registry that is a service in this process.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::request::Builder;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use oidc_core::http::HttpSettings;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, Environment};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Package, Trust};
use oidc_providers::GitHubPublisher;
use oidc_providers::github::sample;
use oidc_providers::sample::Overrides;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const ISSUER: &str = "https://token.actions.githubusercontent.com";
pub(crate) const NOW: u64 = 1_800_000_000;

/// GitHub Actions, and the context of a registry that trusts it.
pub(crate) struct Platform {
    issuer: Arc<FakeIssuer>,
    pub(crate) clock: ManualClock,
    pub(crate) cx: Context,
}

impl Platform {
    pub(crate) fn new() -> Self {
        let (issuer, clock) = (Arc::new(FakeIssuer::new(ISSUER)), ManualClock::at(NOW));
        let cx = Context::system_with(Environment::default(), HttpSettings::default()).unwrap();
        let cx = cx.with_clock(clock.clone()).with_http(FakeHttp::of_issuer(Arc::clone(&issuer)));
        Self { issuer, clock, cx }
    }

    /// A token of the workflow `publish.yml` of `acme/widget`, with these claims in place of the usual ones.
    pub(crate) fn token(&self, audience: &str, changes: &[(&str, &str)]) -> String {
        let changed = |(name, value): &(&str, &str)| ((*name).to_owned(), Some(json!(value)));
        let changes: Overrides = changes.iter().map(changed).collect();
        self.issuer.sign(&sample::claims_with(ISSUER, audience, NOW, &FakeIssuer::unique_id(), &changes))
    }

    /// The verifier of a registry whose store trusts that workflow for a package.
    pub(crate) async fn trusted(&self, package: Package, store: &MemoryStore, audience: &str) -> Verifier {
        let providers = oidc_providers::all();
        let trust = Trust::new(providers.clone(), store.clone(), &self.cx);
        let rules = GitHubPublisher::new("acme/widget", "publish.yml");
        trust.add(&trust.prepare(package, "github", None, rules).unwrap()).await.unwrap();
        Verifier::new(AwsLc, [Audience::new(audience).unwrap()], &providers, &self.cx).unwrap()
    }
}

pub(crate) async fn send(app: &Router, request: Builder, body: impl Into<Body>) -> (StatusCode, String) {
    let answer = app.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

pub(crate) fn bearer(request: Builder, token: &str) -> Builder {
    request.header("authorization", format!("Bearer {token}"))
}

/// An example's registry of npm packages, and the platform whose jobs publish there.
pub(crate) struct Hosted {
    pub(crate) platform: Platform,
    pub(crate) app: Router,
}

impl Hosted {
    pub(crate) const AUDIENCE: &str = "npm:widgets.example";

    /// The answer to an account that configures a publisher.
    pub(crate) async fn configure(&self, path: &str, account: &str, rules: &Value) -> (StatusCode, String) {
        let request = Request::post(path).header("content-type", "application/json");
        send(&self.app, request.header("x-account", account), rules.to_string()).await
    }

    /// The status of npm's exchange for a job with these claims, and the publish token or the reason.
    pub(crate) async fn token(&self, name: &str, changes: &[(&str, &str)]) -> (StatusCode, String) {
        let path = format!("/-/npm/v1/oidc/token/exchange/package/{}", name.replace('/', "%2f"));
        let request = bearer(Request::post(path), &self.platform.token(Self::AUDIENCE, changes));
        let (status, body) = send(&self.app, request, "").await;
        let body: Value = serde_json::from_str(&body).unwrap();
        (status, body["token"].as_str().or(body["message"].as_str()).unwrap().to_owned())
    }

    pub(crate) async fn publish(&self, path: &str, token: &str) -> StatusCode {
        send(&self.app, bearer(Request::post(format!("/packages/{path}")), token), "a file").await.0
    }
}
