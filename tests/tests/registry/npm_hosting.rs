//! Real package managers publish to the registry's npm half and install from it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::http::StatusCode;
use needs::needs;
use oidc_core::Context;
use oidc_core::testing::ManualClock;
use oidc_exchange::sql::SqlStore;
use oidc_listener::Settings;
use registry::database;
use registry::npm::{Action, Authorize, Denied, Npm, Principal, router};
use serde_json::Value;
use tempfile::TempDir;
use tests::clients::{Client, Tool};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const TOKEN: &str = "static-test-token";
const NAMES: [&str; 2] = ["widget", "@acme/widget"];

struct OneToken;

#[async_trait]
impl Authorize for OneToken {
    async fn authorize(&self, bearer: Option<&str>, _: &str, action: Action) -> Result<Principal, Denied> {
        let denied = |status, message: &str| Err(Denied { status, message: message.to_owned() });
        match (bearer, action) {
            (Some(TOKEN), _) => Ok(Principal::Admin),
            (None, Action::Read) => Ok(Principal::Anonymous),
            (Some("stranger"), Action::Read) => Ok(Principal::Anonymous),
            (Some("stranger"), _) => denied(StatusCode::FORBIDDEN, "this token is for another package"),
            _ => denied(StatusCode::UNAUTHORIZED, "no such token here"),
        }
    }

    async fn recognise(&self, token: &str) -> Result<String, Denied> {
        Ok(token.to_owned())
    }
}

/// A registry on a loopback port, with its packages either at the root or under a prefix.
struct Registry {
    url: String,
    database: SqlStore,
    task: JoinHandle<()>,
    _folder: TempDir,
}

impl Registry {
    async fn start(prefix: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = format!("sqlite:{}/registry.db", folder.path().display());
        let database = database::open(&file).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{prefix}", listener.local_addr().unwrap());
        let context = Context::default().with_clock(ManualClock::at(1_700_000_000));
        let npm = router(Npm::new(database.clone(), &url, Arc::new(OneToken), context));
        let app = match prefix {
            "" => npm,
            _ => Router::new().nest(prefix, npm),
        };
        let settings = Settings::new(64, Duration::ZERO);
        let task = tokio::spawn(oidc_listener::serve(listener, app, settings, std::future::pending()));
        Self { url, database, task, _folder: folder }
    }

    /// The `.npmrc` that makes this the default registry and `token` its credential.
    fn npmrc(&self, token: &str) -> String {
        let address = self.url.trim_start_matches("http:");
        format!("registry={}/\n{address}/:_authToken={token}\n", self.url)
    }

    /// The variables that make it yarn's registry.
    fn yarn(&self) -> [(&str, &str); 2] {
        [("YARN_NPM_REGISTRY_SERVER", self.url.as_str()), ("YARN_NPM_AUTH_TOKEN", TOKEN)]
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn manifest(name: &str, version: &str) -> String {
    format!(r#"{{ "name": "{name}", "version": "{version}", "license": "MIT", "main": "index.js" }}"#)
}

/// A folder with a package to publish.
fn package(client: &Client, name: &str, version: &str, npmrc: &str) -> PathBuf {
    let manifest = manifest(name, version);
    let index = format!("module.exports = {version:?};\n");
    client.project(
        &format!("{name}-{version}"),
        &[("package.json", &manifest), ("index.js", &index), (".npmrc", npmrc), ("yarn.lock", "")],
    )
}

/// A folder to install into.
fn consumer(client: &Client, npmrc: &str) -> PathBuf {
    let files = [("package.json", r#"{ "name": "consumer" }"#), (".npmrc", npmrc), ("yarn.lock", "")];
    client.project("consumer", &files)
}

#[track_caller]
fn assert_installed(consumer: &Path, name: &str, version: &str) {
    let index = fs::read_to_string(consumer.join("node_modules").join(name).join("index.js"));
    assert_eq!(index.unwrap(), format!("module.exports = {version:?};\n"), "{name}");
}

#[needs(npm)]
#[tokio::test]
async fn npm_publishes_and_installs_at_the_root() {
    npm_publishes_and_installs("").await;
}

#[needs(npm)]
#[tokio::test]
async fn npm_publishes_and_installs_under_a_prefix() {
    npm_publishes_and_installs("/npm").await;
}

async fn npm_publishes_and_installs(prefix: &str) {
    let npm = Tool::Npm.find().await;
    let registry = Registry::start(prefix).await;
    let npmrc = registry.npmrc(TOKEN);
    for name in NAMES {
        let folder = package(&npm, name, "1.0.0", &npmrc);
        npm.run(&folder, &[], &["publish", "--access", "public"]).await.succeeded();
    }
    // Nobody needs a token to read.
    let consumer = consumer(&npm, &format!("registry={}/\n", registry.url));
    npm.run(&consumer, &[], &["install", "widget", "@acme/widget"]).await.succeeded();
    let lock = fs::read_to_string(consumer.join("package-lock.json")).unwrap();
    let lock: Value = serde_json::from_str(&lock).unwrap();
    for name in NAMES {
        assert_installed(&consumer, name, "1.0.0");
        let locked = &lock["packages"][format!("node_modules/{name}")];
        assert!(locked["integrity"].as_str().unwrap().starts_with("sha512-"), "{locked}");
        assert_eq!(locked["resolved"], format!("{}/{name}/-/widget-1.0.0.tgz", registry.url));
    }
    fs::remove_dir_all(consumer.join("node_modules")).unwrap();
    npm.run(&consumer, &[], &["ci"]).await.succeeded();
    assert_installed(&consumer, "@acme/widget", "1.0.0");
}

#[needs(npm)]
#[tokio::test]
async fn npm_refuses_a_tarball_that_changed_after_it_was_published() {
    let npm = Tool::Npm.find().await;
    let registry = Registry::start("").await;
    let npmrc = registry.npmrc(TOKEN);
    let folder = package(&npm, "widget", "1.0.0", &npmrc);
    npm.run(&folder, &[], &["publish"]).await.succeeded();
    let mut write = registry.database.begin().await.unwrap();
    sqlx::query("UPDATE blob_piece SET content = zeroblob(length(content))")
        .execute(write.connection())
        .await
        .unwrap();
    write.commit().await.unwrap();
    // Another client: the one that published has what it published in its cache.
    let npm = Tool::Npm.find().await;
    let printed = npm.run(&consumer(&npm, &npmrc), &[], &["install", "widget"]).await.failed();
    assert!(printed.contains("EINTEGRITY"), "{printed}");
}

#[needs(npm)]
#[tokio::test]
async fn npm_views_a_package_and_moves_its_tags() {
    let npm = Tool::Npm.find().await;
    let registry = Registry::start("").await;
    let npmrc = registry.npmrc(TOKEN);
    for (version, tag) in [("1.0.0", "latest"), ("2.0.0-rc.1", "next")] {
        let folder = package(&npm, "@acme/widget", version, &npmrc);
        npm.run(&folder, &[], &["publish", "--tag", tag]).await.succeeded();
    }
    let folder = consumer(&npm, &npmrc);
    let run = async |arguments: &[&str]| npm.run(&folder, &[], arguments).await.succeeded();
    let view: Value = serde_json::from_str(&run(&["view", "@acme/widget", "--json"]).await).unwrap();
    assert_eq!(view["versions"], serde_json::json!(["1.0.0", "2.0.0-rc.1"]));
    assert_eq!(view["license"], "MIT");
    run(&["dist-tag", "add", "@acme/widget@2.0.0-rc.1", "beta"]).await;
    run(&["dist-tag", "rm", "@acme/widget", "next"]).await;
    let tags = run(&["dist-tag", "ls", "@acme/widget"]).await;
    assert_eq!(tags.lines().collect::<Vec<_>>(), ["beta: 2.0.0-rc.1", "latest: 1.0.0"]);
    run(&["install", "@acme/widget@beta"]).await;
    assert_installed(&folder, "@acme/widget", "2.0.0-rc.1");
    assert_eq!(run(&["ping", "--json"]).await.lines().next(), Some("{"));
}

#[needs(npm)]
#[tokio::test]
async fn npm_shows_why_a_publish_was_refused() {
    let npm = Tool::Npm.find().await;
    let registry = Registry::start("").await;
    let first = package(&npm, "widget", "1.0.0", &registry.npmrc(TOKEN));
    npm.run(&first, &[], &["publish"]).await.succeeded();
    let publish = async |token: &str, version: &str| {
        let folder = package(&npm, "widget", version, &registry.npmrc(token));
        npm.run(&folder, &[], &["publish", "--force"]).await.failed()
    };
    let printed = publish("stranger", "1.0.1").await;
    assert!(printed.contains("this token is for another package"), "{printed}");
    let printed = publish("nonsense", "1.0.1").await;
    assert!(printed.contains("E401"), "{printed}");
    let printed = publish(TOKEN, "1.0.0").await;
    assert!(printed.contains("cannot publish over"), "{printed}");
    let deprecation = npm.run(&first, &[], &["deprecate", "widget@1.0.0", "old"]).await.failed();
    assert!(deprecation.contains("not supported"), "{deprecation}");
}

/// A package to publish with yarn, which first wants to see it installed.
async fn yarn_package(yarn: &Client, registry: &Registry, name: &str) -> PathBuf {
    let folder = package(yarn, name, "1.0.0", "");
    yarn.run(&folder, &registry.yarn(), &["install"]).await.succeeded();
    folder
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_publishes_and_installs_at_the_root() {
    yarn_publishes_and_installs("").await;
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_publishes_and_installs_under_a_prefix() {
    yarn_publishes_and_installs("/npm").await;
}

async fn yarn_publishes_and_installs(prefix: &str) {
    let yarn = Tool::Yarn.find().await;
    let registry = Registry::start(prefix).await;
    for name in NAMES {
        let folder = yarn_package(&yarn, &registry, name).await;
        yarn.run(&folder, &registry.yarn(), &["npm", "publish", "--access", "public"]).await.succeeded();
        let printed = yarn.run(&folder, &registry.yarn(), &["npm", "publish"]).await.failed();
        assert!(printed.contains("cannot publish over"), "{printed}");
    }
    let consumer = consumer(&yarn, "");
    let anonymous = [("YARN_NPM_REGISTRY_SERVER", registry.url.as_str())];
    yarn.run(&consumer, &anonymous, &["add", "widget", "@acme/widget"]).await.succeeded();
    for name in NAMES {
        assert_installed(&consumer, name, "1.0.0");
    }
    let lock = fs::read_to_string(consumer.join("yarn.lock")).unwrap();
    assert!(!lock.contains("__archiveUrl"), "tarballs are where yarn expects them: {lock}");
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_moves_tags() {
    let yarn = Tool::Yarn.find().await;
    let registry = Registry::start("").await;
    let folder = yarn_package(&yarn, &registry, "@acme/widget").await;
    let run = async |arguments: &[&str]| yarn.run(&folder, &registry.yarn(), arguments).await.succeeded();
    run(&["npm", "publish", "--access", "public"]).await;
    run(&["npm", "tag", "add", "@acme/widget@1.0.0", "beta"]).await;
    assert!(run(&["npm", "tag", "list", "@acme/widget"]).await.contains("beta"));
    run(&["npm", "tag", "remove", "@acme/widget", "beta"]).await;
    assert!(!run(&["npm", "tag", "list", "@acme/widget"]).await.contains("beta"));
}

#[needs(pnpm)]
#[tokio::test]
async fn pnpm_publishes_and_installs_at_the_root() {
    pnpm_publishes_and_installs("").await;
}

#[needs(pnpm)]
#[tokio::test]
async fn pnpm_publishes_and_installs_under_a_prefix() {
    pnpm_publishes_and_installs("/npm").await;
}

async fn pnpm_publishes_and_installs(prefix: &str) {
    let pnpm = Tool::Pnpm.find().await;
    let registry = Registry::start(prefix).await;
    let npmrc = registry.npmrc(TOKEN);
    for name in NAMES {
        let folder = package(&pnpm, name, "1.0.0", &npmrc);
        pnpm.run(&folder, &[], &["publish", "--no-git-checks", "--access", "public"]).await.succeeded();
    }
    let consumer = consumer(&pnpm, &format!("registry={}/\n", registry.url));
    pnpm.run(&consumer, &[], &["add", "widget", "@acme/widget"]).await.succeeded();
    for name in NAMES {
        assert_installed(&consumer, name, "1.0.0");
    }
}
