//! The example of a registry with tables of its own, with a CI platform in memory and a database in a file.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
#[path = "../../examples/own_tables.rs"]
mod example;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use oidc_core::http::HttpSettings;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::{Context, Environment};
use oidc_providers::github;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "npm:widgets.example";
const NOW: u64 = 1_800_000_000;

struct World {
    issuer: Arc<FakeIssuer>,
    app: Router,
    _folder: TempDir,
}

impl World {
    async fn start() -> Self {
        let (issuer, folder) = (Arc::new(FakeIssuer::new(ISSUER)), TempDir::new().unwrap());
        let cx = Context::system_with(Environment::default(), HttpSettings::default()).unwrap();
        let cx = cx.with_clock(ManualClock::at(NOW)).with_http(FakeHttp::of_issuer(Arc::clone(&issuer)));
        let database = format!("sqlite:{}", folder.path().join("widgets.db").display());
        let app = example::Registry::open(&database, AUDIENCE, &cx).await.unwrap().app();
        Self { issuer, app, _folder: folder }
    }

    async fn send(&self, request: http::request::Builder, body: &str) -> (StatusCode, Value) {
        let answer =
            self.app.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body))))
    }

    async fn create(&self, path: &str, rules: Value) -> (StatusCode, Value) {
        let request = Request::post(format!("/packages/{path}")).header("x-account", "alice");
        self.send(request.header("content-type", "application/json"), &rules.to_string()).await
    }

    async fn token(&self, name: &str) -> Result<String, StatusCode> {
        let token =
            self.issuer.sign(&github::sample::claims(ISSUER, AUDIENCE, NOW, &FakeIssuer::unique_id()));
        let request = Request::post(format!("/-/npm/v1/oidc/token/exchange/package/{name}"));
        match self.send(request.header("authorization", format!("Bearer {token}")), "").await {
            (StatusCode::CREATED, body) => Ok(body["token"].as_str().unwrap().to_owned()),
            (status, _) => Err(status),
        }
    }

    async fn publish(&self, path: &str, token: &str) -> StatusCode {
        let request = Request::post(format!("/packages/{path}"));
        self.send(request.header("authorization", format!("Bearer {token}")), "a file").await.0
    }
}

#[tokio::test]
async fn an_owner_creates_a_package_and_its_job_publishes_it() {
    let world = World::start().await;
    let rules = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
    assert_eq!(world.create("widget", rules.clone()).await.0, 201);
    assert_eq!(world.create("widget", rules.clone()).await.0, 409);
    assert_eq!(world.create("gadget", rules).await.0, 201);

    let token = world.token("widget").await.unwrap();
    assert_eq!(world.publish("widget/1.0.0", &token).await, 201);
    assert_eq!(world.publish("widget/1.0.0", &token).await, 409);
    assert_eq!(world.publish("gadget/1.0.0", &token).await, 403);
    assert_eq!(world.publish("widget/1.0.1", "tpub_0").await, 401);

    let (_, versions) = world.send(Request::get("/packages/widget"), "").await;
    assert_eq!(versions.as_array().unwrap().len(), 1, "{versions}");
    assert!(versions[0][1].as_str().unwrap().starts_with("https://github.com/acme/widget/actions/runs/"));
}

#[tokio::test]
async fn a_package_whose_publisher_is_refused_is_not_created() {
    let world = World::start().await;
    let (status, why) =
        world.create("widget", json!({ "repository": "acme/widget", "workflw": "publish.yml" })).await;
    assert_eq!(status, 400);
    assert!(why.as_str().unwrap().contains("workflow"), "{why}");
    assert_eq!(world.token("widget").await.unwrap_err(), 404);
    let rules = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
    assert_eq!(world.create("widget", rules).await.0, 201);
}

#[tokio::test]
async fn a_pending_publisher_creates_its_package_once_for_its_account() {
    let world = World::start().await;
    let rules = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
    assert_eq!(world.create("widget?pending=true", rules.clone()).await.0, 201);
    let first = world.token("widget").await.unwrap();
    assert_eq!(world.publish("widget/1.0.0", &first).await, 201);
    assert_eq!(world.create("widget", rules.clone()).await.0, 409, "alice's now");

    assert_eq!(world.create("gadget?pending=true", rules.clone()).await.0, 201);
    let late = world.token("gadget").await.unwrap();
    assert_eq!(world.create("gadget", rules).await.0, 201, "by other means");
    assert_eq!(world.publish("gadget/1.0.0", &late).await, 401, "the pending publisher ended, and its token");
}
