//! The example of publishers for a prefix of names, with a CI platform and a database in memory.

#[allow(dead_code)]
#[path = "../../examples/prefix_publishers.rs"]
mod example;

use http::StatusCode;
use oidc_exchange::server::{Package, TrustStore as _};
use oidc_exchange::sql::SqlStore;
use serde_json::json;

use super::world::{Hosted, Platform};

/// `@acme/widget` and `@acme/gadget` are alice's, `@acme/other` is bob's.
async fn registry() -> (Hosted, SqlStore) {
    let platform = Platform::new();
    let registry = example::Registry::open("sqlite::memory:", Hosted::AUDIENCE, &platform.cx).await.unwrap();
    let store = registry.store.clone();
    for (name, owner) in [("@acme/widget", "alice"), ("@acme/gadget", "alice"), ("@acme/other", "bob")] {
        own(&store, name, owner).await;
    }
    (Hosted { platform, app: registry.app() }, store)
}

async fn own(store: &SqlStore, name: &str, owner: &str) {
    let statement =
        "INSERT INTO package VALUES ($1, $2, 0) ON CONFLICT (name) DO UPDATE SET owner = excluded.owner";
    let mut transaction = store.begin().await.unwrap();
    sqlx::query(statement).bind(name).bind(owner).execute(transaction.connection()).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn configure(registry: &Hosted, account: &str, prefix: &str) -> (StatusCode, String) {
    let rules = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
    registry.configure(&format!("/prefixes/{}", prefix.replace('/', "%2f")), account, &rules).await
}

#[tokio::test]
async fn one_publisher_publishes_all_packages_of_its_account_that_begin_so() {
    let (registry, _) = registry().await;
    assert_eq!(configure(&registry, "mallory", "@acme/").await.0, 201);
    let refused = registry.token("@acme/widget", &[]).await;
    assert_eq!(refused.0, 404, "another account's prefix admits nobody");
    assert_eq!(configure(&registry, "alice", "@acme/").await.0, 201);
    for name in ["widget", "gadget"] {
        let (_, token) = registry.token(&format!("@acme/{name}"), &[]).await;
        assert_eq!(registry.publish(&format!("@acme%2f{name}"), &token).await, 201, "{token}");
        assert_eq!(registry.publish("@acme%2fother", &token).await, 403);
    }
    for name in ["@acme/other", "@acme/nothing"] {
        let (status, message) = registry.token(name, &[]).await;
        let told = (status, message.replace(name, "@acme/widget"));
        assert_eq!(told, refused, "another's and nobody's are told alike");
    }
}

#[tokio::test]
async fn a_package_that_changes_hands_meanwhile_is_not_published() {
    let (registry, store) = registry().await;
    configure(&registry, "alice", "@acme/").await;
    let (_, token) = registry.token("@acme/widget", &[]).await;
    for (owner, status) in [("bob", 403), ("alice", 201)] {
        own(&store, "@acme/widget", owner).await;
        assert_eq!(registry.publish("@acme%2fwidget", &token).await, status);
    }
    let publishers = store.list(&Package::prefix("npm", "@acme/").unwrap()).await.unwrap();
    assert!(publishers[0].proven && publishers[0].published_at.is_some());
    assert!(store.remove(&publishers[0].package, &publishers[0].id).await.unwrap());
    assert_eq!(registry.publish("@acme%2fwidget", &token).await, 401, "the token ends with its publisher");
}
