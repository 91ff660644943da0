//! The example of publishers for an owner's repositories, with a CI platform and a database in memory.

#[allow(dead_code)]
#[path = "../../examples/owner_publishers.rs"]
mod example;

use oidc_exchange::server::{Package, TrustStore as _};
use oidc_exchange::sql::SqlStore;
use serde_json::json;

use super::world::{Hosted, Platform};

/// `widget` is alice's, who administers acme on GitHub, and `gadget` is bob's, who administers nothing.
async fn registry() -> (Hosted, SqlStore) {
    let (platform, store) = (Platform::new(), SqlStore::open("sqlite::memory:").await.unwrap());
    let packages = [("widget", "alice"), ("gadget", "bob")];
    let accounts = example::Accounts {
        packages: packages.map(|(name, account)| (name.to_owned(), account.to_owned())).into(),
        administrators: [(("alice".to_owned(), "acme".to_owned()), "1".to_owned())].into(),
    };
    let app = example::app(accounts, store.clone(), Hosted::AUDIENCE, &platform.cx).unwrap();
    (Hosted { platform, app }, store)
}

#[tokio::test]
async fn an_administrator_of_the_owner_saves_one_for_all_its_repositories() {
    let (registry, store) = registry().await;
    assert_eq!(registry.token("widget", &[]).await.0, 404);
    let rules = json!({ "owner": "Acme", "workflow": "publish*.yml", "repository_owner_id": "666" });
    let (status, id) = registry.configure("/packages/widget/publishers", "alice", &rules).await;
    assert_eq!(status, 201, "{id}");
    let stored = store.list(&Package::new("npm", "widget")).await.unwrap();
    assert_eq!(stored[0].config["repository_owner_id"], "1", "as GitHub says, and not as the request does");
    for (changes, status) in [
        (&[][..], 201),
        (&[("repository", "acme/gadget"), ("repository_id", "3")], 201),
        (&[("workflow_ref", "acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0")], 403),
        (&[("repository_owner_id", "9")], 404),
        (&[("repository", "evil/widget"), ("repository_owner", "evil"), ("repository_owner_id", "9")], 404),
    ] {
        assert_eq!(registry.token("widget", changes).await.0, status, "{changes:?}");
    }
    assert_eq!(registry.token("gadget", &[]).await.0, 404, "another's package");
}

#[tokio::test]
async fn nobody_else_saves_one() {
    let (registry, _) = registry().await;
    for (account, name, rules, status) in [
        ("bob", "gadget", json!({ "owner": "acme" }), 403),
        ("alice", "gadget", json!({ "owner": "acme" }), 403),
        ("alice", "widget", json!({ "owner": "evil" }), 403),
        ("alice", "widget", json!({ "owner": ["acme"] }), 403),
        ("alice", "widget", json!({ "owner": "acme", "repository": "evil/widget" }), 400),
        ("bob", "gadget", json!({ "repository": "acme/gadget", "workflow": "publish.yml" }), 201),
    ] {
        let (found, message) =
            registry.configure(&format!("/packages/{name}/publishers"), account, &rules).await;
        assert_eq!(found, status, "{account} {name} {rules}: {message}");
    }
}

/// The one for the repository is chosen, whichever was saved first: what the token taught is written to it.
#[tokio::test]
async fn the_publisher_of_the_repository_itself_is_chosen() {
    let (registry, store) = registry().await;
    let whole = json!({ "owner": "acme", "workflow": "publish.yml" });
    for rules in [whole, json!({ "repository": "acme/widget", "workflow": "publish.yml" })] {
        assert_eq!(registry.configure("/packages/widget/publishers", "alice", &rules).await.0, 201);
    }
    assert_eq!(registry.token("widget", &[]).await.0, 201);
    let stored = store.list(&Package::new("npm", "widget")).await.unwrap();
    let taught = stored.iter().filter(|record| !record.learned.is_empty());
    assert!(taught.map(|record| record.config.get("repository").is_some()).eq([true]), "{stored:?}");
}
