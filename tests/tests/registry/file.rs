//! The configuration file's publishers from one start of the registry to the next: what they learned stays, whatever is edited.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;

use ci_issuer::{self as issuer, Changes, GITHUB, Settings};
use oidc_core::http::{Method, Request};
use oidc_core::{Context, Secret};
use oidc_exchange::server::{Package, PublisherRecord, Room, TrustStore as _};
use oidc_exchange::sql::SqlStore;
use registry::{self, Config};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::http;
use tests::scene::{ADMIN, database};

const WIDGET: &str = "@acme/widget";

/// A CI platform, and a database that one registry after the other has.
struct World {
    cx: Context,
    issuer: issuer::Running,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let cx = http::system();
        let issuer = issuer::Running::start(Settings::new(&GITHUB), &cx).await.unwrap();
        Self { cx, issuer, folder: tempfile::tempdir().unwrap() }
    }

    /// A registry with these publishers of the package, each a repository, a workflow and further lines.
    async fn start(&self, publishers: &[(&str, &str, &str)]) -> registry::Running {
        let of = |(repository, workflow, more): &(&str, &str, &str)| {
            format!(
                "[[package.publisher]]\nprovider = \"github\"\nrepository = \"{repository}\"\nworkflow = \"{workflow}\"\n{more}\n"
            )
        };
        let publishers: String = publishers.iter().map(of).collect();
        let text = format!(
            "{}[[package]]\necosystem = \"npm\"\nname = \"{WIDGET}\"\n{publishers}",
            head(self.issuer.url(), self.folder.path())
        );
        registry::Running::start(Config::parse(&text).unwrap(), &self.cx).await.unwrap()
    }

    /// The registry's answer to a job of this repository, by its name and its id.
    async fn status(&self, registry: &registry::Running, job: (&str, &str), workflow: &str) -> u16 {
        let (repository, id) = job;
        let job = Changes::default()
            .set("repository", repository)
            .set("repository_id", id)
            .set("workflow_ref", format!("{repository}/.github/workflows/{workflow}@refs/tags/v1.0.0"));
        let token = self.issuer.token("npm:127.0.0.1", &job);
        let url = registry.public_url().as_str().trim_end_matches('/').to_owned();
        http::send(&self.cx, http::exchange(&url, WIDGET, &token)).await.status
    }
}

fn head(issuer: &str, folder: &Path) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:0\"\ndatabase = \"{}\"\n\
         [[provider]]\nkind = \"github\"\nissuer = \"{issuer}\"\n",
        database(folder)
    )
}

#[tokio::test]
async fn a_prefix_is_for_the_packages_that_are_there_and_lasts_as_long_as_the_file_says() {
    let world = World::new().await;
    let publisher = "provider = \"github\"\nrepository = \"acme/widget\"\nworkflow = \"publish.yml\"\n";
    let package = format!("[[package]]\necosystem = \"npm\"\nname = \"{WIDGET}\"\n");
    let prefix = |name: &str, more: &str| {
        format!("[[scope]]\necosystem = \"npm\"\nprefix = \"{name}\"\n[[scope.publisher]]\n{publisher}{more}")
    };
    let start = async |text: String| {
        let text = head(world.issuer.url(), world.folder.path()) + &text;
        registry::Running::start(Config::parse(&text).unwrap(), &world.cx).await
    };
    let registry = start(prefix("@acme/", "")).await.unwrap();
    assert_eq!(world.status(&registry, OWNER, "publish.yml").await, 404, "the package is not there");
    registry.stop().await;
    for (name, status) in [("@acme/", 201), ("@acme/widget-", 404), ("@acme/", 201)] {
        let registry = start(package.clone() + &prefix(name, "")).await.unwrap();
        assert_eq!(world.status(&registry, OWNER, "publish.yml").await, status, "{name}");
        registry.stop().await;
    }
    let registry = start(package.clone()).await.unwrap();
    assert_eq!(world.status(&registry, OWNER, "publish.yml").await, 404, "the file has it no more");
    registry.stop().await;
    for (name, more, expected) in [
        ("@acme", "", "separator"),
        ("acme-*", "", "separator"),
        ("@acme/", "pending = true\n", "creates no package"),
    ] {
        let error = start(prefix(name, more)).await.err().unwrap().to_string();
        assert!(error.contains(expected) && error.contains("@acme") | error.contains("acme-*"), "{error}");
    }
}

const OWNER: (&str, &str) = ("acme/widget", "2");
const SQUATTER: (&str, &str) = ("acme/widget", "66");
const MIRROR: (&str, &str) = ("acme/mirror", "5");
const SQUATTER_OF_MIRROR: (&str, &str) = ("acme/mirror", "67");

#[tokio::test]
async fn pending_publishers_that_become_regular_together_all_stay_with_what_they_learned() {
    let pending = "pending = true";
    for edited in ["", "ref = \"refs/tags/v*\""] {
        let world = World::new().await;
        let registry =
            world.start(&[("acme/widget", "a.yml", pending), ("acme/mirror", "b.yml", pending)]).await;
        assert_eq!(world.status(&registry, OWNER, "a.yml").await, 201);
        assert_eq!(world.status(&registry, MIRROR, "b.yml").await, 201);
        registry.stop().await;
        let registry =
            world.start(&[("acme/widget", "a.yml", edited), ("acme/mirror", "b.yml", edited)]).await;
        for (owner, squatter, workflow) in [(OWNER, SQUATTER, "a.yml"), (MIRROR, SQUATTER_OF_MIRROR, "b.yml")]
        {
            assert_eq!(world.status(&registry, squatter, workflow).await, 404, "{edited} {workflow}");
            assert_eq!(world.status(&registry, owner, workflow).await, 201, "{edited} {workflow}");
        }
        registry.stop().await;
    }
}

#[tokio::test]
async fn whichever_publishers_an_edit_leaves_know_what_any_of_them_had_learned() {
    // Which of two of the same second is the older one is chance: both are tried.
    for learned in ["a.yml", "b.yml"] {
        for left in [&["c.yml"][..], &["b.yml", "c.yml"], &["c.yml", "d.yml"], &["c.yml", "a.yml"]] {
            let world = World::new().await;
            let publishers = |files: &[&'static str]| -> Vec<(&str, &str, &str)> {
                files.iter().map(|file| ("acme/widget", *file, "")).collect()
            };
            let registry = world.start(&publishers(&["a.yml", "b.yml"])).await;
            assert_eq!(world.status(&registry, OWNER, learned).await, 201);
            registry.stop().await;
            let registry = world.start(&publishers(left)).await;
            for workflow in left {
                assert_eq!(world.status(&registry, SQUATTER, workflow).await, 404, "{left:?} {workflow}");
                assert_eq!(world.status(&registry, OWNER, workflow).await, 201, "{left:?} {workflow}");
            }
            registry.stop().await;
        }
    }
}

#[tokio::test]
async fn the_age_of_a_publisher_survives_an_edit_of_the_file() {
    let world = World::new().await;
    world.start(&[("acme/widget", "a.yml", "")]).await.stop().await;
    let store = SqlStore::open(&database(world.folder.path())).await.unwrap();
    // As if it had been configured long ago.
    let age = sqlx::query("UPDATE oidc_publisher SET created_at = 1700000000").execute(store.pool()).await;
    assert_eq!(age.unwrap().rows_affected(), 1);
    for (workflow, more) in [("a.yml", "ref = \"refs/tags/v*\""), ("b.yml", ""), ("b.yml", "")] {
        world.start(&[("acme/widget", workflow, more)]).await.stop().await;
        assert_eq!(ages(&store).await, [1_700_000_000], "{workflow} {more}");
    }
    world.start(&[("acme/mirror", "b.yml", "")]).await.stop().await;
    let ages = ages(&store).await;
    assert!(ages.len() == 1 && ages[0] > 1_700_000_000, "another repository begins anew: {ages:?}");
}

/// The stores keep a publisher once, whoever added it first. Its removal would end it for the file too, and the file's next start
/// would add one that has learned nothing.
#[tokio::test]
async fn what_the_file_defines_as_well_the_api_does_not_remove() {
    let world = World::new().await;
    let admin = world.folder.path().join("admin-token");
    std::fs::write(&admin, ADMIN).unwrap();
    let of_file =
        "[[package.publisher]]\nprovider = \"github\"\nrepository = \"acme/widget\"\nworkflow = \"a.yml\"\n";
    let start = async |publishers: &str| {
        let head = head(world.issuer.url(), world.folder.path());
        let text = format!(
            "admin_token_file = \"{}\"\n{head}[[package]]\necosystem = \"npm\"\nname = \"{WIDGET}\"\n{publishers}",
            admin.display()
        );
        registry::Running::start(Config::parse(&text).unwrap(), &world.cx).await.unwrap()
    };
    let ask = async |registry: &registry::Running, method: Method, rest: &str, body: Value| {
        let base = registry.public_url().as_str().trim_end_matches('/');
        let url = http::url(base, &format!("-/package/@acme%2fwidget/trust{rest}"));
        let request = Request::new(method, url).bearer(&Secret::new(ADMIN));
        http::send(&world.cx, request.body("application/json", body.to_string())).await
    };
    let registry = start("").await;
    let claims = json!({ "repository": "acme/widget", "workflow_ref": { "file": "a.yml" } });
    let form = json!([{ "type": "github", "claims": claims, "permissions": ["createPackage"] }]);
    assert_eq!(ask(&registry, Method::Post, "", form).await.status, 201);
    let listed = http::body(&ask(&registry, Method::Get, "", json!(null)).await);
    let id = format!("/{}", listed[0]["id"].as_str().unwrap());
    assert_eq!(world.status(&registry, OWNER, "a.yml").await, 201);
    registry.stop().await;

    let registry = start(of_file).await;
    let refused = ask(&registry, Method::Delete, &id, json!(null)).await;
    assert!(refused.status == 409 && http::message(&refused).contains("configuration file"), "{refused:?}");
    assert_eq!(world.status(&registry, SQUATTER, "a.yml").await, 404);
    assert_eq!(world.status(&registry, OWNER, "a.yml").await, 201);
    registry.stop().await;
    let registry = start("").await;
    assert_eq!(world.status(&registry, OWNER, "a.yml").await, 201, "the API's stays without the file's");
    let removed = ask(&registry, Method::Delete, &id, json!(null)).await;
    assert!((200..300).contains(&removed.status), "{removed:?}");
    registry.stop().await;
}

/// The API may have what an edit makes of the file's publisher. It is kept once, and knows then what the file's knew.
#[tokio::test]
async fn a_publisher_that_an_edit_makes_equal_to_the_apis_leaves_its_ids_to_it() {
    const IDS: &str = "repository_id = \"2\"\nrepository_owner_id = \"1\"";
    for (more, is_published) in [("", false), (IDS, true)] {
        let world = World::new().await;
        let registry = world.start(&[("acme/widget", "a.yml", more)]).await;
        registry.stop().await;
        let store = SqlStore::open(&database(world.folder.path())).await.unwrap();
        // The same publisher for another workflow, as the API stores it.
        let mut of_api = publishers(&store).await.remove(0);
        (of_api.id, of_api.origin) = ("of-the-api".to_owned(), "api".to_owned());
        of_api.config = json!({ "repository": "acme/widget", "workflow": "b.yml" });
        of_api.lapses = true;
        store.add(&of_api, &Room::default()).await.unwrap();
        let registry = world.start(&[("acme/widget", "a.yml", more)]).await;
        assert_eq!(world.status(&registry, OWNER, "a.yml").await, 201);
        registry.stop().await;
        if is_published {
            let records = publishers(&store).await;
            let of_file = records.iter().find(|record| record.origin == "file").unwrap();
            store.published(&of_file.package, &of_file.id, of_file.created_at).await.unwrap();
        }
        let registry = world.start(&[("acme/widget", "b.yml", "")]).await;
        let left = publishers(&store).await;
        assert_eq!(left.iter().map(|record| &*record.origin).collect::<Vec<_>>(), ["api"], "{more}");
        assert_eq!(world.status(&registry, SQUATTER, "b.yml").await, 404, "{more}");
        assert_eq!(world.status(&registry, OWNER, "b.yml").await, 201, "{more}");
        registry.stop().await;
    }
}

/// Which of two of the same second is replaced is chance.
#[tokio::test]
async fn an_edit_keeps_the_ids_that_a_proven_publisher_was_configured_with_whichever_one_it_replaces() {
    let world = World::new().await;
    let ids = "repository_id = \"2\"\nrepository_owner_id = \"1\"";
    for files in [["a.yml", "b.yml"], ["b.yml", "a.yml"]] {
        let of = |file: &'static str| ("acme/widget", file, if file == "a.yml" { ids } else { "" });
        world.start(&files.map(of)).await.stop().await;
        let store = SqlStore::open(&database(world.folder.path())).await.unwrap();
        let records = publishers(&store).await;
        let proven = records.iter().find(|record| record.config["workflow"] == "a.yml").unwrap();
        store.published(&proven.package, &proven.id, proven.created_at).await.unwrap();
        let registry = world.start(&[("acme/widget", "c.yml", "")]).await;
        assert_eq!(world.status(&registry, SQUATTER, "c.yml").await, 404, "{files:?}");
        assert_eq!(world.status(&registry, OWNER, "c.yml").await, 201, "{files:?}");
        registry.stop().await;
        world.start(&[]).await.stop().await;
    }
}

/// The package began by other means, which ends its pending publishers. The file's are there again as they were.
#[tokio::test]
async fn a_pending_publisher_that_has_learned_its_ids_does_not_lapse_when_its_package_begins_without_it() {
    let world = World::new().await;
    let pending = [("acme/widget", "a.yml", "pending = true"), ("acme/mirror", "b.yml", "pending = true")];
    let registry = world.start(&pending).await;
    assert_eq!(world.status(&registry, OWNER, "a.yml").await, 201);
    registry.stop().await;
    let regular = [("acme/widget", "a.yml", "pending = true"), ("acme/mirror", "b.yml", "")];
    world.start(&regular).await.stop().await;
    let store = SqlStore::open(&database(world.folder.path())).await.unwrap();
    let records = publishers(&store).await;
    let widget = records.iter().find(|record| record.config["workflow"] == "a.yml").unwrap();
    assert_eq!((&*widget.learned["repository_id"], widget.pending, widget.lapses), ("2", true, false));
}

#[tokio::test]
async fn what_an_owners_publisher_has_learned_stays_whatever_is_edited_and_while_none_is_allowed() {
    let world = World::new().await;
    let start = async |owners: bool, rules: &str| {
        let head = head(world.issuer.url(), world.folder.path());
        let package = format!("owners = {owners}\n[[package]]\necosystem = \"npm\"\nname = \"{WIDGET}\"\n");
        let publisher = format!("[[package.publisher]]\nprovider = \"github\"\n{rules}\n");
        let publisher = if rules.is_empty() { "" } else { &publisher };
        let config = Config::parse(&(head + &package + publisher)).unwrap();
        registry::Running::start(config, &world.cx).await
    };
    let status = async |registry: &registry::Running, repository: &str, owner: &str| {
        let job = Changes::default()
            .set("repository", repository)
            .set("repository_id", format!("{owner}{}", repository.len()))
            .set("repository_owner_id", owner)
            .set("workflow_ref", format!("{repository}/.github/workflows/a.yml@refs/tags/v1.0.0"));
        let token = world.issuer.token("npm:127.0.0.1", &job);
        let url = registry.public_url().as_str().trim_end_matches('/').to_owned();
        http::send(&world.cx, http::exchange(&url, WIDGET, &token)).await.status
    };
    let registry = start(true, "owner = \"acme\"").await.unwrap();
    assert_eq!(status(&registry, "acme/widget", "1").await, 201);
    registry.stop().await;
    for rules in [
        "owner = \"Acme\"",
        "owner = \"acme\"\nrepository = \"acme/w*\"",
        "owner = \"ACME\"\nworkflow = \"*.yml\"\nevent = \"push\"",
        "owner = \"acme\"",
    ] {
        let registry = start(true, rules).await.unwrap();
        assert_eq!(status(&registry, "acme/widget", "9").await, 404, "{rules}");
        assert_eq!(status(&registry, "acme/wheel", "9").await, 404, "{rules}");
        assert_eq!(status(&registry, "acme/wheel", "1").await, 201, "{rules}");
        registry.stop().await;
        let refused = start(false, rules).await.map(drop).unwrap_err().to_string();
        assert!(refused.contains("owner"), "{refused}");
    }
    let registry = start(false, "").await.unwrap();
    assert_eq!(status(&registry, "acme/widget", "1").await, 404, "the file has no publisher");
    registry.stop().await;
}

async fn publishers(store: &SqlStore) -> Vec<PublisherRecord> {
    store.list(&Package::new("npm", WIDGET)).await.unwrap()
}

async fn ages(store: &SqlStore) -> Vec<i64> {
    sqlx::query_scalar("SELECT created_at FROM oidc_publisher").fetch_all(store.pool()).await.unwrap()
}
