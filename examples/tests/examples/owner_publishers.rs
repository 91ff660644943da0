//! The example of publishers for an owner's repositories, with a CI platform in memory and a database in a file.

#[allow(dead_code)]
#[path = "../../examples/owner_publishers.rs"]
mod example;

use std::time::Duration;

use axum::Router;
use http::{Request, StatusCode};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, ProviderSet};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Exchange, ExchangeRequest, Package, PublisherRecord, Trust, TrustStore as _};
use oidc_exchange::sql::SqlStore;
use oidc_providers::GitHub;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::world::{Platform, exchange, send};

const AUDIENCE: &str = "npm:widgets.example";

struct World {
    platform: Platform,
    app: Router,
    store: SqlStore,
    _folder: TempDir,
}

impl World {
    /// `widget` is alice's, who administers acme on GitHub, and `gadget` is bob's, who administers nothing.
    async fn start() -> Self {
        let (platform, folder) = (Platform::new(), TempDir::new().unwrap());
        let database = format!("sqlite:{}", folder.path().join("owners.db").display());
        let registry = example::Registry::open(&database, AUDIENCE, &platform.cx).await.unwrap();
        let (store, app) = (registry.store.clone(), registry.app());
        let mut transaction = store.begin().await.unwrap();
        for statement in [
            "INSERT INTO package VALUES ('widget', 'alice'), ('gadget', 'bob')",
            "INSERT INTO administrator VALUES ('alice', 'acme', '1')",
        ] {
            sqlx::query(statement).execute(transaction.connection()).await.unwrap();
        }
        transaction.commit().await.unwrap();
        Self { platform, app, store, _folder: folder }
    }

    async fn configure(&self, account: &str, name: &str, rules: Value) -> (StatusCode, String) {
        let request = Request::post(format!("/packages/{name}/publishers")).header("x-account", account);
        send(&self.app, request.header("content-type", "application/json"), rules.to_string()).await
    }

    /// The status of an exchange for a package by a job with these claims.
    async fn exchanged(&self, name: &str, changes: &[(&str, &str)]) -> StatusCode {
        exchange(&self.app, name, &self.platform.token(AUDIENCE, changes)).await.0
    }
}

#[tokio::test]
async fn an_administrator_of_the_owner_saves_one_for_all_its_repositories() {
    let world = World::start().await;
    assert_eq!(world.exchanged("widget", &[]).await, 404);
    let rules = json!({ "owner": "Acme", "workflow": "publish*.yml", "repository_owner_id": "666" });
    let (status, id) = world.configure("alice", "widget", rules).await;
    assert_eq!(status, 201, "{id}");
    let stored = world.store.list(&Package::new("npm", "widget")).await.unwrap();
    assert_eq!(stored[0].config["repository_owner_id"], "1", "as GitHub says, and not as the request does");
    for (changes, status) in [
        (&[][..], 201),
        (&[("repository", "acme/gadget"), ("repository_id", "3")], 201),
        // Of the owner, and against another rule.
        (&[("workflow_ref", "acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0")], 403),
        (&[("repository_owner_id", "9")], 404),
        (&[("repository", "acme-evil/widget"), ("repository_owner_id", "9")], 404),
        (&[("event_name", "pull_request_target")], 403),
        // Of another owner.
        (&[("repository", "evil/widget"), ("repository_owner", "evil"), ("repository_owner_id", "9")], 404),
    ] {
        assert_eq!(world.exchanged("widget", changes).await, status, "{changes:?}");
    }
    assert_eq!(world.exchanged("gadget", &[]).await, 404, "another's package");
}

#[tokio::test]
async fn nobody_else_saves_one() {
    let world = World::start().await;
    for (account, name, rules, status) in [
        ("bob", "gadget", json!({ "owner": "acme" }), 403),
        ("alice", "gadget", json!({ "owner": "acme" }), 403),
        ("alice", "widget", json!({ "owner": "evil" }), 403),
        ("alice", "widget", json!({ "owner": ["acme"] }), 403),
        ("alice", "widget", json!({ "owner": null }), 403),
        ("alice", "widget", json!({ "owner": "acme", "repository": "evil/widget" }), 400),
        ("bob", "gadget", json!({ "repository": "acme/gadget", "workflow": "publish.yml" }), 201),
    ] {
        let (found, message) = world.configure(account, name, rules.clone()).await;
        assert_eq!(found, status, "{account} {name} {rules}: {message}");
    }
}

/// The one for the repository decides, and its rules hold, whichever was saved first.
#[tokio::test]
async fn the_publisher_of_the_repository_itself_is_chosen() {
    let world = World::start().await;
    let whole = json!({ "owner": "acme", "workflow": "publish.yml" });
    let own = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
    for rules in [whole, own] {
        assert_eq!(world.configure("alice", "widget", rules).await.0, 201);
    }
    assert_eq!(world.exchanged("widget", &[]).await, 201);
    let stored = world.store.list(&Package::new("npm", "widget")).await.unwrap();
    let own = |record: &PublisherRecord| record.config.get("repository").is_some();
    assert_eq!(stored.len(), 2);
    // What the first token taught is written to the one that was chosen.
    assert!(stored.iter().all(|record| own(record) != record.learned.is_empty()), "{stored:?}");
}

/// `mallory` published by the owner that was called `acme` before. The next owner of the name publishes a new package of its
/// own account, whoever else configured a pending publisher for it.
#[tokio::test]
async fn the_former_holder_of_an_owners_name_takes_no_new_package_from_the_next() {
    let (platform, store) = (Platform::new(), MemoryStore::for_tests());
    let providers = ProviderSet::default().with(GitHub::public().allowing_owners());
    let verifier =
        Verifier::new(AwsLc, [Audience::new(AUDIENCE).unwrap()], &providers, &platform.cx).unwrap();
    let exchange = Exchange::builder(verifier, store.clone()).build();
    let trust = Trust::new(providers, store, &platform.cx);
    let configure = async |account: &str, name: &str, rules: Value, is_pending: bool| {
        let mut record = trust.prepare(Package::new("npm", name), "github", None, rules).unwrap();
        (record.account, record.pending) = (Some(account.to_owned()), is_pending);
        trust.add(&record).await.unwrap()
    };
    let proof = configure("mallory", "proof", json!({ "owner": "acme" }), false).await;
    let former = platform.token(AUDIENCE, &[("repository_owner_id", "99"), ("repository_id", "98")]);
    exchange.authorize(&former, &ExchangeRequest::package("npm", "proof")).await.unwrap();
    assert!(trust.published(&proof.package, &proof.id).await.unwrap());

    let next = configure("victor", "widget", json!({ "owner": "acme" }), true).await;
    platform.clock.advance(Duration::from_secs(1));
    configure("mallory", "widget", json!({ "owner": "acme", "workflow": "*.yml" }), true).await;
    for request in [ExchangeRequest::package("npm", "widget"), ExchangeRequest::identity("npm")] {
        let record = exchange.authorize(&platform.token(AUDIENCE, &[]), &request).await.unwrap();
        let granted = record.for_package(&Package::new("npm", "widget")).unwrap();
        assert_eq!(granted.publisher, next.id, "{request:?}");
    }
}

#[tokio::test]
async fn a_renamed_owner_is_told_so_by_its_id_alone() {
    let world = World::start().await;
    assert_eq!(world.configure("alice", "widget", json!({ "owner": "acme" })).await.0, 201);
    let of = |id| [("repository", "acme2/x"), ("repository_owner", "acme2"), ("repository_owner_id", id)];
    let (status, message) = exchange(&world.app, "widget", &world.platform.token(AUDIENCE, &of("1"))).await;
    assert_eq!(status, 403, "{message}");
    assert!(message.contains("set `owner` to `acme2`"), "{message}");
    for id in ["2", "01", "11"] {
        assert_eq!(world.exchanged("widget", &of(id)).await, 404, "{id}");
    }
    assert_eq!(world.exchanged("gadget", &of("1")).await, 404, "it has no publisher of the owner");
}

/// The owner's id is the only one that such a publisher has, so the publisher does not lapse where it is configured.
#[tokio::test]
async fn a_publisher_with_the_owners_id_stays_in_force() {
    let world = World::start().await;
    assert_eq!(world.configure("alice", "widget", json!({ "owner": "acme" })).await.0, 201);
    let stored = world.store.list(&Package::new("npm", "widget")).await.unwrap().remove(0);
    assert_eq!(stored.config["repository_owner_id"], "1");
    assert!(!stored.lapses);
    let providers = ProviderSet::default().with(GitHub::public().allowing_owners());
    let trust = Trust::new(providers, world.store.clone(), &world.platform.cx);
    for rules in [json!({ "owner": "acme" }), json!({ "owner": "acme", "repository_owner_id": null })] {
        let record = trust.prepare(Package::new("npm", "widget"), "github", None, rules).unwrap();
        assert!(record.lapses, "it has an id to learn: {:?}", record.config);
    }
}
