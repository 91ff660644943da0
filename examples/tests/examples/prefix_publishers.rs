//! The example of publishers for a prefix of names, with a CI platform in memory and a database in a file.

#[allow(dead_code)]
#[path = "../../examples/prefix_publishers.rs"]
mod example;

use axum::Router;
use http::{Request, StatusCode};
use oidc_exchange::server::{Package, TrustStore as _};
use oidc_exchange::sql::SqlStore;
use serde_json::json;
use tempfile::TempDir;

use super::world::{Platform, bearer, exchange, send};

const AUDIENCE: &str = "npm:widgets.example";

struct World {
    platform: Platform,
    app: Router,
    store: SqlStore,
    _folder: TempDir,
}

impl World {
    /// `@acme/widget` and `@acme/gadget` are alice's, `@acme/other` is bob's.
    async fn start() -> Self {
        let (platform, folder) = (Platform::new(), TempDir::new().unwrap());
        let database = format!("sqlite:{}", folder.path().join("widgets.db").display());
        let registry = example::Registry::open(&database, AUDIENCE, &platform.cx).await.unwrap();
        let (store, app) = (registry.store.clone(), registry.app());
        let world = Self { platform, app, store, _folder: folder };
        for (name, owner) in [("@acme/widget", "alice"), ("@acme/gadget", "alice"), ("@acme/other", "bob")] {
            world.own(name, owner).await;
        }
        world
    }

    async fn own(&self, name: &str, owner: &str) {
        let mut transaction = self.store.begin().await.unwrap();
        let statement =
            "INSERT INTO package VALUES ($1, $2, 0) ON CONFLICT (name) DO UPDATE SET owner = excluded.owner";
        let query = sqlx::query(statement).bind(name).bind(owner);
        query.execute(transaction.connection()).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn configure(&self, account: &str, prefix: &str) -> (StatusCode, String) {
        let request = Request::post(format!("/prefixes/{}", prefix.replace('/', "%2f")));
        let request = request.header("x-account", account).header("content-type", "application/json");
        let rules = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
        send(&self.app, request, rules.to_string()).await
    }

    async fn token(&self, name: &str) -> (StatusCode, String) {
        exchange(&self.app, name, &self.platform.token(AUDIENCE, &[])).await
    }

    async fn publish(&self, name: &str, token: &str) -> StatusCode {
        let request = Request::post(format!("/packages/{}", name.replace('/', "%2f")));
        send(&self.app, bearer(request, token), "").await.0
    }
}

#[tokio::test]
async fn one_publisher_publishes_all_packages_of_its_account_that_begin_so() {
    let world = World::start().await;
    let refused = world.token("@acme/widget").await;
    assert_eq!(refused.0, 404);
    let (status, id) = world.configure("alice", "@acme/").await;
    assert_eq!(status, 201, "{id}");
    for name in ["@acme/widget", "@acme/gadget"] {
        let (status, token) = world.token(name).await;
        assert_eq!(status, 201, "{token}");
        assert_eq!(world.publish(name, &token).await, 201);
        assert_eq!(world.publish("@acme/other", &token).await, 403);
    }
    let publishers = world.store.list(&Package::prefix("npm", "@acme/").unwrap()).await.unwrap();
    assert!(publishers[0].proven && publishers[0].published_at.is_some());
    for name in ["@acme/other", "@acme/nothing"] {
        let (status, message) = world.token(name).await;
        assert_eq!(
            (status, message.replace(name, "@acme/widget")),
            refused,
            "another's and nobody's are told alike"
        );
    }
}

#[tokio::test]
async fn a_package_that_changes_hands_meanwhile_is_not_published() {
    let world = World::start().await;
    world.configure("alice", "@acme/").await;
    let (_, token) = world.token("@acme/widget").await;
    world.own("@acme/widget", "bob").await;
    assert_eq!(world.publish("@acme/widget", &token).await, 403);
    world.own("@acme/widget", "alice").await;
    assert_eq!(world.publish("@acme/widget", &token).await, 201);
    let publishers = world.store.list(&Package::prefix("npm", "@acme/").unwrap()).await.unwrap();
    assert!(world.store.remove(&publishers[0].package, &publishers[0].id).await.unwrap());
    assert_eq!(world.publish("@acme/widget", &token).await, 401, "the token ends with its publisher");
}

#[tokio::test]
async fn another_accounts_prefix_lets_nobody_in() {
    let world = World::start().await;
    for prefix in ["@acme/", "@acme/w-"] {
        assert_eq!(world.configure("mallory", prefix).await.0, 201);
    }
    assert_eq!(world.token("@acme/widget").await.0, 404);
    for wrong in ["@acme", "acme", "@acme-", "@acme/*", "*"] {
        let (status, message) = world.configure("alice", wrong).await;
        assert!(status == 400 && message.contains("separator"), "{wrong}: {message}");
    }
}
