//! Trusted publishers: managed with the real npm and over HTTP, pending, required, and shown afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use ci_issuer::{self as issuer, Changes, GITHUB, Settings};
use needs::needs;
use oidc_core::http::{Method, Request, Response};
use oidc_core::{Context, Secret};
use registry::{self, Config};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::clients::{Client, Tool};
use tests::http;
use tests::postgres::Postgres;
use tests::programs::Program;
use tests::scene::{ADMIN, config, database};

const WIDGET: &str = "@acme/widget";

struct World {
    cx: Context,
    issuer: issuer::Running,
    registry: registry::Running,
    folder: TempDir,
}

impl World {
    /// A registry with the package `@acme/widget`, whose publisher is in the configuration file, and what `more` says.
    async fn start(more: &str) -> Self {
        Self::over(None, more).await
    }

    async fn over(url: Option<&str>, more: &str) -> Self {
        let cx = http::system();
        let folder = tempfile::tempdir().unwrap();
        let issuer = issuer::Running::start(Settings::new(&GITHUB), &cx).await.unwrap();
        std::fs::write(folder.path().join("admin-token"), ADMIN).unwrap();
        let admin = format!("admin_token_file = \"{}/admin-token\"\n", folder.path().display());
        let mut text = admin + &config(&GITHUB, issuer.url(), folder.path(), "", &[WIDGET], "");
        if let Some(url) = url {
            text = text.replace(&database(folder.path()), url);
        }
        text.push_str("[[provider]]\nkind = \"gitlab\"\n");
        text.push_str(more);
        std::fs::write(folder.path().join("registry.toml"), &text).unwrap();
        let registry = registry::Running::start(Config::parse(&text).unwrap(), &cx).await.unwrap();
        Self { cx, issuer, registry, folder }
    }

    /// Another process with the same configuration, after this one has ended and written all its events.
    async fn restarted(self) -> Self {
        let Self { cx, issuer, registry, folder } = self;
        registry.stop().await;
        let text = std::fs::read_to_string(folder.path().join("registry.toml")).unwrap();
        let registry = registry::Running::start(Config::parse(&text).unwrap(), &cx).await.unwrap();
        Self { cx, issuer, registry, folder }
    }

    /// Changes the configuration file, which the next process reads.
    fn edit(&self, change: impl FnOnce(String) -> String) {
        let file = self.folder.path().join("registry.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, change(text)).unwrap();
    }

    fn url(&self) -> String {
        self.registry.public_url().as_str().trim_end_matches('/').to_owned()
    }

    async fn exchange(&self, package: &str, changes: &Changes) -> Response {
        let token = self.issuer.token("npm:127.0.0.1", changes);
        http::send(&self.cx, http::exchange(&self.url(), package, &token)).await
    }

    async fn publish(&self, package: &str, version: &str, token: &str) -> Response {
        http::send(&self.cx, http::publish(&self.url(), package, version, token)).await
    }

    async fn trust(&self, method: Method, rest: &str, token: Option<&str>, body: &Value) -> Response {
        let mut request = Request::new(method, http::url(&self.url(), &format!("-/package/{rest}")));
        if let Some(token) = token {
            request = request.bearer(&Secret::new(token));
        }
        http::send(&self.cx, request.body("application/json", body.to_string())).await
    }

    async fn add(&self, package: &str, publisher: Value) -> Response {
        let path = format!("{}/trust", http::escaped(package));
        self.trust(Method::Post, &path, Some(ADMIN), &json!([publisher])).await
    }

    async fn npm(&self, npm: &Client, arguments: &[&str]) -> tests::clients::Output {
        let url = format!("{}/", self.url());
        let npmrc = format!("registry={url}\n{}:_authToken={ADMIN}\n", url.trim_start_matches("http:"));
        let folder = npm.project("trust", &[(".npmrc", &npmrc)]);
        npm.run(&folder, &[], &[&["trust"], arguments].concat()).await
    }

    async fn audit(&self) -> Vec<Value> {
        let arguments = ["audit", "--config", "registry.toml"];
        let ended = Program::Registry.run(self.folder.path(), &arguments).await;
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn release(workflow: &str) -> Changes {
    Changes::default()
        .set("workflow_ref", format!("acme/widget/.github/workflows/{workflow}@refs/tags/v1.0.0"))
}

fn github(workflow: &str) -> Value {
    let claims = json!({ "repository": "acme/widget", "workflow_ref": { "file": workflow } });
    json!({ "type": "github", "claims": claims, "permissions": ["createPackage"] })
}

#[tokio::test]
async fn editing_a_publisher_in_the_file_keeps_what_it_learned() {
    let world = World::start("").await;
    assert_eq!(world.exchange(WIDGET, &Changes::default()).await.status, 201);
    // One publisher becomes two of the same repository, both with another rule.
    world.edit(|text| {
        let publisher = text.split("[[package.publisher]]").nth(1).unwrap().split("[[").next().unwrap();
        let edited = format!("{}\nref = \"refs/tags/v*\"\n", publisher.trim_end());
        let other = edited.replace("publish.yml", "release.yml");
        text.replace(publisher, &format!("{edited}\n[[package.publisher]]{other}\n"))
    });
    let world = world.restarted().await;
    let squatter = |job: Changes| job.set("repository_id", "99").set("repository_owner_id", "98");
    for job in [Changes::default, || release("release.yml")] {
        assert_eq!(world.exchange(WIDGET, &squatter(job())).await.status, 404, "the name's new owner");
        assert_eq!(world.exchange(WIDGET, &job()).await.status, 201, "the owner");
    }
}

#[needs(npm)]
#[tokio::test]
async fn the_real_npm_adds_lists_and_revokes_publishers() {
    let npm = Tool::Npm.find().await;
    let world = World::start("").await;
    let added =
        ["github", WIDGET, "--file", "release.yml", "--repo", "acme/widget", "--allow-publish", "--yes"];
    let output = world.npm(&npm, &added).await.succeeded();
    assert!(output.contains("created successfully") && output.contains("release.yml"), "{output}");
    let job = release("release.yml");
    let minted = http::minted(&world.exchange(WIDGET, &job).await);
    assert_eq!(world.publish(WIDGET, "1.0.0", &minted).await.status, 201);

    let with_environment = [&added[..3], &["again.yml"], &added[4..], &["--env", "publish"]].concat();
    world.npm(&npm, &with_environment).await.succeeded();
    let added_twice = world.npm(&npm, &added).await.failed();
    assert!(added_twice.contains("409") && added_twice.contains("already"), "{added_twice}");
    let project = [
        "gitlab",
        WIDGET,
        "--file",
        ".gitlab-ci.yml",
        "--project",
        "acme/group/widget",
        "--allow-publish",
        "--yes",
    ];
    world.npm(&npm, &project).await.succeeded();
    let staged = [&added[..6], &["--allow-stage-publish", "--yes"]].concat();
    let staged = world.npm(&npm, &staged).await.failed();
    assert!(staged.contains("no staging"), "{staged}");

    let listed = world.npm(&npm, &["list", WIDGET]).await.succeeded();
    for part in [
        "type: github",
        "type: gitlab",
        "file: publish.yml",
        "file: release.yml",
        "environment: publish",
        "project: acme/group/widget",
        "permissions: publish",
    ] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let records =
        http::body(&world.trust(Method::Get, "@acme%2fwidget/trust", Some(ADMIN), &json!(null)).await);
    let id_of = |file: &str| {
        let records = records.as_array().unwrap().iter();
        let mut found = records.filter(|record| record["claims"]["workflow_ref"]["file"] == file);
        found.next().unwrap()["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(records.as_array().unwrap().len(), 4);
    world.npm(&npm, &["revoke", WIDGET, "--id", &id_of("release.yml")]).await.succeeded();
    assert_eq!(world.exchange(WIDGET, &job).await.status, 403);
    assert_eq!(world.publish(WIDGET, "1.0.1", &minted).await.status, 401, "its tokens end with it");
    let of_file = world.npm(&npm, &["revoke", WIDGET, "--id", &id_of("publish.yml")]).await.failed();
    assert!(of_file.contains("409") && of_file.contains("configuration file"), "{of_file}");
    let unknown = world.npm(&npm, &["revoke", WIDGET, "--id", &id_of("release.yml")]).await.failed();
    assert!(unknown.contains("404"), "{unknown}");
    http::minted(&world.exchange(WIDGET, &Changes::default()).await);
}

#[tokio::test]
async fn publishers_are_managed_by_the_administrator_alone_and_in_npms_form_alone() {
    let world = World::start("").await;
    let minted = http::minted(&world.exchange(WIDGET, &Changes::default()).await);
    let listed = world.trust(Method::Get, "@acme%2fwidget/trust", Some(ADMIN), &json!(null)).await;
    let id = http::body(&listed)[0]["id"].as_str().unwrap().to_owned();
    for (token, status) in [(None, 401), (Some("stranger"), 401), (Some(minted.as_str()), 403)] {
        for (method, rest) in [
            (Method::Get, "@acme%2fwidget/trust".to_owned()),
            (Method::Post, "@acme%2fwidget/trust".to_owned()),
            (Method::Delete, format!("@acme%2fwidget/trust/{id}")),
        ] {
            let refused = world.trust(method, &rest, token, &json!([github("evil.yml")])).await;
            assert_eq!(refused.status, status, "{rest}");
        }
    }
    for path in
        ["-/npm/v1/tokens", "-/whoami", "-/package/@acme%2fwidget/collaborators", "-/user/org.couchdb.user:x"]
    {
        let request = http::get(&world.url(), path).bearer(&Secret::new(minted.as_str()));
        assert_eq!(http::send(&world.cx, request).await.status, 405, "{path}");
    }

    let with = |key: &str, value: Value| {
        let mut publisher = github("other.yml");
        publisher[key] = value;
        publisher
    };
    let claims = |claims: Value| with("claims", claims);
    for (publisher, words) in [
        (json!("x"), "npm's form"),
        (json!({}), "type"),
        (with("colour", json!("red")), "colour"),
        (with("type", json!("mainframe")), "mainframe"),
        (with("issuer", json!("https://other.example")), "https://other.example"),
        (with("permissions", json!(["createStagedPackage"])), "staging"),
        (with("permissions", json!([])), "staging"),
        (claims(json!({})), "repository"),
        (claims(json!({ "repository": "acme/widget", "workflow_ref": "publish.yml" })), "workflow_ref"),
        (claims(json!({ "repository": "acme/widget", "workflow_ref": { "file": "a/b.yml" } })), "workflow"),
        (
            claims(
                json!({ "repository": "https://github.com/acme/widget", "workflow_ref": { "file": "a.yml" } }),
            ),
            "repository",
        ),
        (
            claims(json!({ "repository": "acme/widget", "workflow_ref": { "file": "a.yml" }, "shoe": "1" })),
            "shoe",
        ),
    ] {
        let refused = world.add(WIDGET, publisher.clone()).await;
        assert_eq!(refused.status, 400, "{publisher}");
        assert!(http::message(&refused).contains(words), "{words}: {}", http::message(&refused));
    }
    assert_eq!(world.trust(Method::Post, "@acme%2fwidget/trust", Some(ADMIN), &json!({})).await.status, 400);
    assert_eq!(world.add("absent", github("a.yml")).await.status, 404);
    assert_eq!(world.trust(Method::Get, "absent/trust", Some(ADMIN), &json!(null)).await.status, 404);
    let kept = http::body(&world.trust(Method::Get, "@acme%2fwidget/trust", Some(ADMIN), &json!(null)).await);
    assert_eq!(kept.as_array().unwrap().len(), 1);
    assert_eq!(kept[0]["claims"]["repository_id"], "2", "with what it has learned");
}

#[tokio::test]
async fn a_publisher_of_a_prefix_is_managed_as_one_of_a_package() {
    let world = World::start("[[package]]\necosystem = \"npm\"\nname = \"@acme/gadget\"\n").await;
    let job = release("prefix.yml");
    assert_eq!(world.exchange("@acme/gadget", &job).await.status, 404);
    assert_eq!(world.trust(Method::Get, "@acme%2f*/trust", Some(ADMIN), &json!(null)).await.status, 200);
    let added = world.add("@acme/*", github("prefix.yml")).await;
    assert_eq!(added.status, 201, "{}", http::message(&added));
    let id = http::body(&added)[0]["id"].as_str().unwrap().to_owned();
    for name in ["@acme/gadget", WIDGET] {
        let minted = http::minted(&world.exchange(name, &job).await);
        assert!(world.publish(name, "2.0.0", &minted).await.is_success(), "{name}");
    }
    assert_eq!(world.exchange("@acme/absent", &job).await.status, 404, "it creates no package");
    assert_eq!(listed(&world, "@acme%2f*").await["state"], "active");
    assert_eq!(world.add("@acme/*", github("prefix.yml")).await.status, 409);
    for (name, status) in
        [("@acme*", 400), ("acme*", 400), ("*", 400), ("@acme/a*b", 400), ("@acme/wid*", 400)]
    {
        assert_eq!(world.add(name, github("x.yml")).await.status, status, "{name}");
    }
    let mut pending = github("x.yml");
    pending["pending"] = json!(true);
    assert_eq!(world.add("@acme/*", pending).await.status, 400);
    for (token, status) in [(None, 401), (Some("stranger"), 401)] {
        let refused =
            world.trust(Method::Delete, &format!("@acme%2f*/trust/{id}"), token, &json!(null)).await;
        assert_eq!(refused.status, status);
    }
    let other = format!("@acme%2fwidget/trust/{id}");
    let refused = world.trust(Method::Delete, &other, Some(ADMIN), &json!(null)).await;
    assert_eq!(refused.status, 409, "it would end for all other packages: {}", http::message(&refused));
    let removed =
        world.trust(Method::Delete, &format!("@acme%2f*/trust/{id}"), Some(ADMIN), &json!(null)).await;
    assert_eq!(removed.status, 204);
    assert_eq!(world.exchange("@acme/gadget", &job).await.status, 404);
}

async fn pending_publishers(world: &World) {
    let pending = |workflow: &str| {
        let mut publisher = github(workflow);
        publisher["pending"] = json!(true);
        publisher
    };
    assert_eq!(world.add("novel", pending("publish.yml")).await.status, 201);
    assert_eq!(world.add("novel", pending("release.yml")).await.status, 201, "nobody reserves a name");
    let token = http::minted(&world.exchange("novel", &Changes::default()).await);
    let rival = http::minted(&world.exchange("novel", &release("release.yml")).await);
    let second = http::minted(&world.exchange("novel", &Changes::default()).await);
    let absent = http::send(&world.cx, http::get(&world.url(), "-/package/novel/visibility")).await;
    assert_eq!(absent.status, 404, "an exchange creates nothing");

    assert_eq!(world.publish("novel", "1.0.0", &token).await.status, 201);
    assert_eq!(world.publish("novel", "1.0.1", &second).await.status, 201, "it is a regular publisher now");
    assert_eq!(
        world.publish("novel", "6.6.6", &rival).await.status,
        401,
        "the other was for what did not exist"
    );
    assert_eq!(world.exchange("novel", &release("release.yml")).await.status, 403);
    http::minted(&world.exchange("novel", &Changes::default()).await);
    assert_eq!(world.add("novel", pending("third.yml")).await.status, 409);

    assert_eq!(world.add("taken", pending("publish.yml")).await.status, 201);
    let late = http::minted(&world.exchange("taken", &Changes::default()).await);
    assert_eq!(world.publish("taken", "1.0.0", ADMIN).await.status, 201, "somebody else was first");
    assert_eq!(world.publish("taken", "1.0.1", &late).await.status, 401);
    assert_eq!(world.exchange("taken", &Changes::default()).await.status, 404);
}

/// The first publisher of a package, as it is listed.
async fn listed(world: &World, package: &str) -> Value {
    let path = format!("{package}/trust");
    let answer = world.trust(Method::Get, &path, Some(ADMIN), &json!(null)).await;
    let listed: Value = serde_json::from_slice(&answer.body).unwrap();
    listed[0].clone()
}

async fn state_and_use(world: &World) {
    let mut publisher = github("publish.yml");
    publisher["pending"] = json!(true);
    assert_eq!(world.add("novel", publisher).await.status, 201);
    let shown = listed(world, "novel").await;
    assert!(shown["state"].as_str().unwrap().starts_with("pending until 20"), "{shown}");
    assert_eq!((&shown["published_at"], &shown["live_tokens"]), (&json!(null), &json!(0)));

    let token = http::minted(&world.exchange("novel", &Changes::default()).await);
    let shown = listed(world, "novel").await;
    assert_eq!((&shown["exchanged_at"], &shown["live_tokens"]), (&json!(null), &json!(1)), "not proven yet");
    assert_eq!(world.publish("novel", "1.0.0", &token).await.status, 201);
    let shown = listed(world, "novel").await;
    assert_eq!(shown["state"], "active");
    assert!(shown["published_at"].as_str().is_some_and(|time| time.starts_with("20")), "{shown}");
    let published_at = shown["published_at"].clone();
    assert_eq!(world.publish("novel", "1.0.0", &token).await.status, 403, "it is there already");
    http::minted(&world.exchange("novel", &Changes::default()).await);
    let shown = listed(world, "novel").await;
    assert_eq!((&shown["published_at"], &shown["live_tokens"]), (&published_at, &json!(2)));
    assert!(shown["exchanged_at"].as_str().is_some_and(|time| time.starts_with("20")), "{shown}");
}

#[tokio::test]
async fn a_publishers_state_and_its_use_are_listed() {
    state_and_use(&World::start("").await).await;
}

#[tokio::test]
async fn a_pending_publisher_creates_its_package_once_and_nobody_elses() {
    let world = World::start("").await;
    pending_publishers(&world).await;
}

#[needs(postgres)]
#[tokio::test]
async fn a_pending_publisher_creates_its_package_once_on_postgresql_too() {
    let postgres = Postgres::create().await;
    let world = World::over(Some(&postgres.url()), "").await;
    pending_publishers(&world).await;
    world.registry.stop().await;
    postgres.drop().await;
}

#[tokio::test]
async fn a_pending_publisher_of_the_file_is_kept_when_its_package_exists() {
    let world = World::start(&novel(&["publish.yml"])).await;
    let token = http::minted(&world.exchange("novel", &Changes::default()).await);
    assert_eq!(world.publish("novel", "1.0.0", &token).await.status, 201);
    let world = world.restarted().await;
    assert_eq!(
        world.publish("novel", "1.0.1", &token).await.status,
        201,
        "the same publisher, its tokens alive"
    );
    let created_anew = Changes::default().set("repository_id", "3");
    assert_ne!(world.exchange("novel", &created_anew).await.status, 201, "with what it has learned");
}

/// The package `novel` in the configuration file, with a pending publisher for each workflow.
fn novel(workflows: &[&str]) -> String {
    let publisher = |workflow: &&str| {
        format!(
            "[[package.publisher]]\nprovider = \"github\"\nrepository = \"acme/widget\"\n\
             workflow = \"{workflow}\"\npending = true\n"
        )
    };
    let publishers: String = workflows.iter().map(publisher).collect();
    format!("[[package]]\necosystem = \"npm\"\nname = \"novel\"\n{publishers}")
}

#[tokio::test]
async fn a_pending_publisher_may_do_nothing_to_a_package_that_exists() {
    let world = World::start(&novel(&["publish.yml", "release.yml"])).await;
    let token = http::minted(&world.exchange("novel", &Changes::default()).await);
    let mut private = http::document("novel", "1.0.0");
    private["access"] = json!("restricted");
    let publish = Request::new(Method::Put, http::url(&world.url(), "novel"))
        .bearer(&Secret::new(token.as_str()))
        .body("application/json", private.to_string());
    assert_eq!(http::send(&world.cx, publish).await.status, 201);
    assert_eq!(world.publish("novel", "1.0.1", &token).await.status, 201);
    // The file has the other one still.
    let world = world.restarted().await;
    let rival = http::minted(&world.exchange("novel", &release("release.yml")).await);
    assert_eq!(world.publish("novel", "6.6.6", &rival).await.status, 403);
    let tags = "novel/dist-tags";
    let set = async |tag: &str, version: &str, token: &str| {
        world.trust(Method::Put, &format!("{tags}/{tag}"), Some(token), &json!(version)).await
    };
    let remove = async |tag: &str, token: &str| {
        world.trust(Method::Delete, &format!("{tags}/{tag}"), Some(token), &json!(null)).await
    };
    assert_eq!(set("beta", "1.0.1", &token).await.status, 201, "it has created the package");
    let refused = set("latest", "1.0.0", &rival).await;
    assert_eq!(refused.status, 403);
    assert!(http::message(&refused).contains("pending"), "{}", http::message(&refused));
    assert_eq!(remove("beta", &rival).await.status, 403);
    let read = async |path: &str, token: &str| {
        let request = http::get(&world.url(), path).bearer(&Secret::new(token));
        http::send(&world.cx, request).await
    };
    for path in
        ["novel", "novel/-/novel-1.0.0.tgz", "-/package/novel/visibility", "-/package/novel/dist-tags"]
    {
        assert_eq!(read(path, &rival).await.status, 404, "{path}");
        assert_eq!(read(path, &token).await.status, 200, "{path}");
    }
    let tags = http::body(&read("-/package/novel/dist-tags", &token).await);
    assert_eq!(tags, json!({ "latest": "1.0.1", "beta": "1.0.1" }));
    assert_eq!(remove("beta", &token).await.status, 200);
}

#[tokio::test]
async fn a_package_that_the_file_adds_ends_its_pending_publishers() {
    let world = World::start("").await;
    let mut pending = github("release.yml");
    pending["pending"] = json!(true);
    assert_eq!(world.add("novel", pending).await.status, 201);
    let late = http::minted(&world.exchange("novel", &release("release.yml")).await);
    world.edit(|text| text + &novel(&["publish.yml"]).replace("pending = true\n", ""));
    let world = world.restarted().await;
    assert_eq!(world.exchange("novel", &release("release.yml")).await.status, 403);
    assert_eq!(world.publish("novel", "6.6.6", &late).await.status, 401);
    let listed = http::body(&world.trust(Method::Get, "novel/trust", Some(ADMIN), &json!(null)).await);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test]
async fn a_pending_publisher_that_the_file_makes_regular_is_kept() {
    let world = World::start(&novel(&["publish.yml"])).await;
    let token = http::minted(&world.exchange("novel", &Changes::default()).await);
    world.edit(|text| text.replace("pending = true\n", ""));
    let world = world.restarted().await;
    assert_eq!(world.publish("novel", "1.0.0", &token).await.status, 201, "its tokens are alive");
}

#[tokio::test]
async fn a_package_can_be_left_to_its_trusted_publishers_alone() {
    let more = "[[package]]\necosystem = \"npm\"\nname = \"strict\"\ntrusted_only = true\n[[package.publisher]]\n\
         provider = \"github\"\nrepository = \"acme/widget\"\nworkflow = \"publish.yml\"\n";
    let world = World::start(more).await;
    let refused = world.publish("strict", "1.0.0", ADMIN).await;
    assert_eq!(refused.status, 403);
    assert!(http::message(&refused).contains("trusted_only"), "{}", http::message(&refused));
    let minted = http::minted(&world.exchange("strict", &Changes::default()).await);
    assert_eq!(world.publish("strict", "1.0.0", &minted).await.status, 201);
    assert_eq!(world.publish(WIDGET, "1.0.0", ADMIN).await.status, 201, "others are not concerned");
}

#[tokio::test]
async fn from_a_published_version_one_gets_to_the_run_that_published_it() {
    let world = World::start("").await;
    let job = Changes::default().set("environment", "alice@example.com");
    let minted = http::minted(&world.exchange(WIDGET, &job).await);
    assert_eq!(world.publish(WIDGET, "1.0.0", &minted).await.status, 201);
    assert_eq!(world.publish(WIDGET, "1.0.0", &minted).await.status, 403);
    assert_eq!(world.publish("other", "1.0.0", &minted).await.status, 403);
    let packument = http::body(&http::send(&world.cx, http::get(&world.url(), "@acme%2fwidget")).await);
    let publisher = packument["versions"]["1.0.0"]["_npmUser"]["trustedPublisher"]["oidcConfigId"].clone();
    let by = world.registry.npm().published_by(WIDGET, "1.0.0").await.unwrap().unwrap();
    let by = serde_json::to_value(by).unwrap();
    assert!(by["run"]["url"].as_str().unwrap().contains("/acme/widget/actions/runs/1000000001"), "{by}");
    assert_eq!(by["issuer"], world.issuer.url());

    // Events are written behind the requests' back.
    let world = world.restarted().await;
    let events = world.audit().await;
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            [&event["action"], &event["package"], &event["version"], &event["outcome"]].map(Value::clone)
        })
        .collect();
    let expected = [
        [json!("exchange"), json!(WIDGET), json!(null), json!("granted")],
        [json!("publish"), json!(WIDGET), json!("1.0.0"), json!("granted")],
        [json!("publish"), json!(WIDGET), json!("1.0.0"), json!("refused")],
        [json!("publish"), json!("other"), json!(null), json!("refused")],
    ];
    assert_eq!(told, expected);
    assert_eq!(events[1]["run_url"], by["run"]["url"]);
    assert_eq!(format!("oidc:{}", events[1]["publisher"].as_str().unwrap()), publisher);
    assert!(!events.iter().any(|event| event.to_string().contains("alice")));
}
