//! The example of a registry with tables of its own, with a CI platform and a database in memory.

#[path = "../../examples/own_tables/app.rs"]
mod example;

use http::{Request, StatusCode};
use oidc_core::Audience;
use oidc_exchange::sql::SqlStore;
use serde_json::json;

use super::world::{Hosted, Platform, send};

async fn registry() -> Hosted {
    let (platform, store) = (Platform::new(), SqlStore::open("sqlite::memory:").await.unwrap());
    let audience = Audience::new(Hosted::AUDIENCE).unwrap();
    let app = example::app(store, audience, oidc_providers::all(), &platform.cx).await.unwrap();
    Hosted { platform, app }
}

/// The answer to alice, who creates a package with a publisher of this workflow.
async fn create(registry: &Hosted, path: &str, workflow: &str) -> (StatusCode, String) {
    let rules = json!({ "repository": "acme/widget", "workflow": workflow });
    registry.configure(&format!("/packages/{path}"), "alice", &rules).await
}

#[tokio::test]
async fn an_owner_creates_a_package_and_its_job_publishes_it() {
    let registry = registry().await;
    for (name, status) in [("widget", 201), ("widget", 409), ("gadget", 201)] {
        assert_eq!(create(&registry, name, "publish.yml").await.0, status);
    }
    let (_, token) = registry.token("widget", &[]).await;
    for (path, token, status) in [
        ("widget/1.0.0", &*token, 201),
        ("widget/1.0.0", &*token, 409),
        ("gadget/1.0.0", &*token, 403),
        ("widget/1.0.1", "tpub_0", 401),
    ] {
        assert_eq!(registry.publish(path, token).await, status, "{path}");
    }
    let (_, versions) = send(&registry.app, Request::get("/packages/widget"), "").await;
    let versions: Vec<(String, String)> = serde_json::from_str(&versions).unwrap();
    assert!(versions.len() == 1 && versions[0].1.starts_with("https://github.com/acme/widget/actions/runs/"));
}

#[tokio::test]
async fn a_package_whose_publisher_is_refused_is_not_created() {
    let registry = registry().await;
    let (status, why) = create(&registry, "widget", "publish.md").await;
    assert!(status == 422 && why.contains("workflow"), "{why}");
    assert_eq!(registry.token("widget", &[]).await.0, 404);
    assert_eq!(create(&registry, "widget", "publish.yml").await.0, 201);
}

#[tokio::test]
async fn a_pending_publisher_creates_its_package_once_for_its_account() {
    let registry = registry().await;
    assert_eq!(create(&registry, "widget?pending=true", "publish.yml").await.0, 201);
    let (_, first) = registry.token("widget", &[]).await;
    assert_eq!(registry.publish("widget/1.0.0", &first).await, 201);
    assert_eq!(create(&registry, "widget", "publish.yml").await.0, 409, "alice's now");

    assert_eq!(create(&registry, "gadget?pending=true", "publish.yml").await.0, 201);
    let (_, late) = registry.token("gadget", &[]).await;
    assert_eq!(create(&registry, "gadget", "publish.yml").await.0, 201, "by other means");
    assert_eq!(
        registry.publish("gadget/1.0.0", &late).await,
        401,
        "the pending publisher ended, and its token"
    );
}
