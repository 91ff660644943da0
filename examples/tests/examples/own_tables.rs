//! The example of a registry with tables of its own, with a CI platform in memory and a database in a file.

#[allow(dead_code)]
#[path = "../../examples/own_tables.rs"]
mod example;

use axum::Router;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::world::{Platform, bearer, exchange, send};

const AUDIENCE: &str = "npm:widgets.example";

struct World {
    platform: Platform,
    app: Router,
    _folder: TempDir,
}

impl World {
    async fn start() -> Self {
        let (platform, folder) = (Platform::new(), TempDir::new().unwrap());
        let database = format!("sqlite:{}", folder.path().join("widgets.db").display());
        let app = example::Registry::open(&database, AUDIENCE, &platform.cx).await.unwrap().app();
        Self { platform, app, _folder: folder }
    }

    async fn create(&self, path: &str, rules: Value) -> (StatusCode, String) {
        let request = Request::post(format!("/packages/{path}")).header("x-account", "alice");
        send(&self.app, request.header("content-type", "application/json"), rules.to_string()).await
    }

    async fn token(&self, name: &str) -> Result<String, StatusCode> {
        let (status, text) = exchange(&self.app, name, &self.platform.token(AUDIENCE, &[])).await;
        if status == StatusCode::CREATED { Ok(text) } else { Err(status) }
    }

    async fn publish(&self, path: &str, token: &str) -> StatusCode {
        send(&self.app, bearer(Request::post(format!("/packages/{path}")), token), "a file").await.0
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

    let (_, versions) = send(&world.app, Request::get("/packages/widget"), "").await;
    let versions: Value = serde_json::from_str(&versions).unwrap();
    assert_eq!(versions.as_array().unwrap().len(), 1, "{versions}");
    assert!(versions[0][1].as_str().unwrap().starts_with("https://github.com/acme/widget/actions/runs/"));
}

#[tokio::test]
async fn a_package_whose_publisher_is_refused_is_not_created() {
    let world = World::start().await;
    let (status, why) =
        world.create("widget", json!({ "repository": "acme/widget", "workflw": "publish.yml" })).await;
    assert_eq!(status, 400);
    assert!(why.contains("workflow"), "{why}");
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
