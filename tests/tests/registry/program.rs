//! The program `registry`: its start and its end, what it keeps, what it refuses to start with, what it tells.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::Path;

use ci_issuer::{Changes, GITHUB, GITLAB, Platform, Running, Settings};
use oidc_core::http::{HttpErrorKind, HttpSettings, Response};
use oidc_core::{Context, Environment};
use oidc_exchange::client::{Npm, PublishRequest};
use oidc_exchange::sql::SqlStore;
use serde_json::Value;
use tempfile::TempDir;
use tests::http;
use tests::programs::{Ended, Process, Program, Signal, registry};
use tests::scene::{config, database};

const AUDIENCE: &str = "npm:127.0.0.1";

/// An issuer in this process, and a folder that registries are started in, one after the other.
struct World {
    cx: Context,
    issuer: Running,
    platform: &'static Platform,
    folder: TempDir,
}

impl World {
    async fn start(platform: &'static Platform) -> Self {
        let cx = http::system();
        let issuer = Running::start(Settings::new(platform), &cx).await.unwrap();
        Self { cx, issuer, platform, folder: tempfile::tempdir().unwrap() }
    }

    fn configure(&self, packages: &[&str], rules: &str) -> String {
        let config = config(self.platform, self.issuer.url(), self.folder.path(), "", packages, rules);
        self.write(&config);
        config
    }

    fn write(&self, config: &str) {
        fs::write(self.folder.path().join("registry.toml"), config).unwrap();
    }

    async fn registry(&self) -> (Process, String) {
        registry(self.folder.path(), "info").await
    }

    async fn exchange(&self, url: &str, package: &str, changes: &Changes) -> Response {
        let token = self.issuer.token(AUDIENCE, changes);
        http::send(&self.cx, http::exchange(url, package, &token)).await
    }

    async fn publish(&self, url: &str, package: &str, minted: &str) -> Response {
        http::send(&self.cx, http::publish(url, package, "1.0.0", minted)).await
    }

    /// The ids of the publishers, with their packages.
    async fn publishers(&self) -> BTreeSet<(String, String)> {
        let database = SqlStore::open(&database(self.folder.path())).await.unwrap();
        let rows = sqlx::query_as("SELECT package, id FROM oidc_publisher").fetch_all(database.pool()).await;
        rows.unwrap().into_iter().collect()
    }

    async fn audit(&self, arguments: &[&str]) -> Ended {
        let arguments = [&["audit", "--config", "registry.toml"], arguments].concat();
        let ended = Program::Registry.run(self.folder.path(), &arguments).await;
        assert!(ended.status.success(), "{}", ended.stderr);
        ended
    }
}

#[tokio::test]
async fn what_is_unchanged_in_the_configuration_keeps_its_ids_and_what_it_learned() {
    let world = World::start(&GITHUB).await;
    world.configure(&["widget", "gadget"], "");
    let (process, url) = world.registry().await;
    let minted = http::minted(&world.exchange(&url, "widget", &Changes::default()).await);
    let before = world.publishers().await;
    assert!(process.signal(Signal::TERM).await.status.success());

    world.configure(&["another", "gadget", "widget"], "");
    let (process, url) = world.registry().await;
    let after = world.publishers().await;
    assert_eq!((before.len(), after.len()), (2, 3));
    assert!(before.is_subset(&after));
    let created_anew = Changes::default().set("repository_id", "3");
    let refused = world.exchange(&url, "widget", &created_anew).await;
    assert_eq!(refused.status, 404);
    assert!(http::message(&refused).contains("`repository_id`"), "{}", http::message(&refused));
    // Who has learned nothing yet learns what comes first.
    assert_eq!(world.exchange(&url, "gadget", &created_anew).await.status, 201);
    assert_eq!(world.publish(&url, "widget", &minted).await.status, 201);
    assert!(process.signal(Signal::TERM).await.status.success());
}

#[tokio::test]
async fn what_is_changed_or_removed_in_the_configuration_ends_its_publish_tokens() {
    let world = World::start(&GITHUB).await;
    let config = world.configure(&["widget", "gadget"], "");
    let (process, url) = world.registry().await;
    let for_widget = http::minted(&world.exchange(&url, "widget", &Changes::default()).await);
    let for_gadget = http::minted(&world.exchange(&url, "gadget", &Changes::default()).await);
    assert!(process.signal(Signal::TERM).await.status.success());

    let (changed, _without_gadget) = config.rsplit_once("[[package]]").unwrap();
    world.write(&changed.replace("publish.yml", "release.yml"));
    let (process, url) = world.registry().await;
    for (package, minted) in [("widget", &for_widget), ("gadget", &for_gadget)] {
        let refused = world.publish(&url, package, minted).await;
        assert_eq!(refused.status, 401, "{package}");
        assert!(http::message(&refused).contains("was ended"), "{}", http::message(&refused));
    }
    assert_eq!(world.exchange(&url, "widget", &Changes::default()).await.status, 403);
    assert_eq!(world.exchange(&url, "gadget", &Changes::default()).await.status, 404);
    // What the publisher had learned outlives the edit: who made the repository anew is a stranger.
    let workflow = "acme/widget/.github/workflows/release.yml@refs/tags/v1.0.0";
    let release = Changes::default().set("workflow_ref", workflow);
    let squatter = release.clone().set("repository_id", "3");
    assert_eq!(world.exchange(&url, "widget", &squatter).await.status, 404);
    let minted = http::minted(&world.exchange(&url, "widget", &release).await);
    assert_eq!(world.publish(&url, "widget", &minted).await.status, 201);
    assert!(process.signal(Signal::TERM).await.status.success());
}

#[tokio::test]
async fn it_says_where_it_listens_and_nothing_else_and_ends_cleanly() {
    let world = World::start(&GITHUB).await;
    world.configure(&["widget"], "");
    for signal in [Signal::TERM, Signal::INT] {
        let (process, url) = world.registry().await;
        assert_eq!(http::send(&world.cx, http::get(&url, "-/ping")).await.status, 200);
        // A connection that says nothing keeps nobody from ending.
        let address = url.trim_start_matches("http://").to_owned();
        let _silent = std::net::TcpStream::connect(&address).unwrap();
        let ended = process.signal(signal).await;
        assert_eq!(ended.status.code(), Some(0), "{signal:?}");
        assert_eq!(ended.stdout, format!("listening on {url}\n"));
        assert!(std::net::TcpStream::connect(&address).is_err());
    }
}

#[tokio::test]
async fn an_issuer_that_can_not_be_reached_is_known_by_its_keys_and_each_has_a_lifetime_of_its_own() {
    for platform in [&GITHUB, &GITLAB] {
        let mut world = World::start(platform).await;
        fs::write(world.folder.path().join("keys.json"), world.issuer.issuer().jwks().to_string()).unwrap();
        let reached = Running::start(Settings::new(platform), &world.cx).await.unwrap();
        let (first, second) = (world.issuer.url().to_owned(), reached.url().to_owned());
        let config = world.configure(&["widget", "gadget"], &format!("issuer = \"{first}\""));
        let (widget, gadget) = config.rsplit_once("[[package]]").unwrap();
        let further = format!("[[provider]]\nkind = \"{}\"\nissuer = \"{second}\"\n", platform.name);
        let config = format!("{widget}[[package]]{}{further}", gadget.replace(&first, &second));
        // A day is what no GitHub token lives.
        let long = Changes::default().claim("exp", world.cx.clock().now().as_secs() + 86_000);
        let [short, again, long] =
            [&Changes::default(), &Changes::default(), &long].map(|job| world.issuer.token(AUDIENCE, job));
        std::mem::replace(&mut world.issuer, reached).stop().await;

        let jwks = "jwks = \"keys.json\"\n";
        for (settings, token, status, words) in [
            ("", &short, 503, "can't fetch the keys of the issuer"),
            (jwks, &short, 201, ""),
            (
                &*format!("{jwks}max_lifetime_minutes = 1\n"),
                &again,
                401,
                "longer than the 60 seconds that tokens of",
            ),
            (&*format!("{jwks}max_lifetime_minutes = 1440\n"), &long, 201, ""),
        ] {
            world.write(&config.replacen("kind =", &format!("{settings}kind ="), 1));
            let (process, url) = world.registry().await;
            let answer = http::send(&world.cx, http::exchange(&url, "widget", token)).await;
            assert_eq!(answer.status, status, "{settings}: {answer:?}");
            if !words.is_empty() {
                assert!(http::message(&answer).contains(words), "{}", http::message(&answer));
            }
            // Of the other issuer nothing was said: its keys are fetched, and its tokens live as long as the platform's.
            assert_eq!(world.exchange(&url, "gadget", &Changes::default()).await.status, 201);
            assert!(process.signal(Signal::TERM).await.status.success());
        }
    }
}

/// Runs a registry that must not start, and gives the line that says why.
async fn refused(folder: &Path) -> String {
    let ended = Program::Registry.run(folder, &["--config", "registry.toml"]).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    let line = ended.stderr.trim_end().strip_prefix("registry: ");
    line.unwrap_or_else(|| panic!("{}", ended.stderr)).to_owned()
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_is_refused_in_one_line() {
    let world = World::start(&GITHUB).await;
    let folder = world.folder.path();
    let issuer = world.issuer.url();
    let missing = refused(folder).await;
    assert!(missing.contains("registry.toml") && missing.contains("can't be read"), "{missing}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("listen = \"{}\"", taken.local_addr().unwrap());
    fs::write(folder.join("short"), "short").unwrap();
    fs::write(folder.join("no-keys"), "{\"keys\":[]}").unwrap();
    fs::write(folder.join("empty.pem"), "").unwrap();
    let good = world.configure(&["widget"], "");
    let tls = "[tls]\ncertificate = \"empty.pem\"\nkey = \"empty.pem\"\n[[provider]]";
    let twice = format!("[[provider]]\nkind = \"github\"\nissuer = \"{issuer}\"\n[[package]]");
    for (from, to, words) in [
        ("listen", "lisen", ["`lisen`", "line 1"]),
        (
            "listen = \"127.0.0.1:0\"",
            "listen = 127.0.0.1:0",
            ["line 1", "write `listen = \"127.0.0.1:0\"`, with quotes"],
        ),
        ("[[package]]", "[[package]", ["line 7", "registry.toml"]),
        ("\"npm\"", "\"cpan\"", ["`cpan`", "npm"]),
        ("kind = \"github\"", "kind = \"mainframe\"", ["`mainframe`", "github, gitlab"]),
        (
            "[[package]]",
            "[[provider]]\nkind = \"gitlab\"\nowners = true\n[[package]]",
            ["kind `gitlab`", "leave it out"],
        ),
        ("kind =", "jwks = \"none\"\nkind =", ["`none`", "can't be read"]),
        ("kind =", "jwks = \"short\"\nkind =", ["`short`", "no JWK set"]),
        ("kind =", "jwks = \"no-keys\"\nkind =", [issuer, "no usable key"]),
        ("kind =", "max_lifetime_minutes = 0\nkind =", ["`max_lifetime_minutes` is 0", "leave it out"]),
        (
            "kind =",
            "max_lifetime_minutes = 86400\nkind =",
            ["`max_lifetime_minutes` is 86400", "1 to 10080, a week"],
        ),
        (
            "[[package]]",
            "[[provider]]\nkind = \"gitlab\"\njwks = \"no-keys\"\n[[package]]",
            ["kind `gitlab`", "no `issuer`"],
        ),
        ("[[package]]", &*twice, [issuer, "configured twice"]),
        (
            "provider = \"github\"",
            "provider = \"gitlab\"",
            ["package `widget`, publisher 1", "add `[[provider]]` with the line `kind = \"gitlab\"`"],
        ),
        (
            "provider = \"github\"",
            "provider = \"github\"\nissuer = \"https://x.example\"",
            ["`https://x.example`", issuer],
        ),
        ("workflow = \"publish.yml\"", "", ["publisher 1", "`workflow`"]),
        ("workflow =", "work_flow =", ["publisher 1", "`work_flow`"]),
        ("publish.yml", ".github/workflows/publish.yml", ["publisher 1", "write `publish.yml`"]),
        ("\"widget\"", "\"wid get\"", ["wid get", "name"]),
        ("\"widget\"", "\"simple\"", ["`simple`", "a name with a scope"]),
        ("\"widget\"", "\"api\"", ["`api`", "a name with a scope"]),
        (
            "kind =",
            "key_hosts = [\"https://keys.example/\"]\nkind =",
            ["`https://keys.example/`", "such as `keys.example` or `keys.example:8443`"],
        ),
        ("http://127.0.0.1:0", "http://registry.example", ["`public_url`", "registry.example"]),
        ("sqlite:", "mongodb:", ["database", "mongodb"]),
        ("sqlite:", "sqlite:/no/such/folder", ["database", "/no/such/folder"]),
        ("listen = \"127.0.0.1:0\"", &address, ["can't listen on", "127.0.0.1"]),
        ("listen", "admin_token_file = \"short\"\nlisten", ["`short`", "16 characters"]),
        ("listen", "admin_token_file = \"none\"\nlisten", ["`none`", "can't be read"]),
        ("[[provider]]", tls, ["`empty.pem`", "can't be used"]),
    ] {
        let config = good.replacen(from, to, 1);
        assert_ne!(config, good, "{from}");
        world.write(&config);
        let line = refused(folder).await;
        words.iter().for_each(|word| assert!(line.contains(word), "{to}: {line}"));
    }
    world.write(&good);
    let (process, _) = world.registry().await;
    assert!(process.signal(Signal::TERM).await.status.success());

    world.write(&format!("{good}[[package]]\necosystem = \"pypi\"\nname = \"Gadget\"\n"));
    let (process, _) = world.registry().await;
    let log = process.signal(Signal::TERM).await.stderr;
    assert!(log.contains("no `[[package.publisher]]`") && log.contains("gadget"), "{log}");
}

#[tokio::test]
async fn a_database_that_can_not_be_opened_is_named_without_its_password() {
    let world = World::start(&GITHUB).await;
    let folder = world.folder.path();
    let good = world.configure(&["widget"], "");
    let database = good.lines().find(|line| line.starts_with("database")).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unheard = format!("postgres://me:hunter2@{free}/x");
    for (url, words) in [
        (
            "sqlite:no/such/folder/registry.db",
            &[
                "the database `sqlite:no/such/folder/registry.db`: ",
                "unable to open database file",
                "; see that it is there, and its folder too, and may be written",
            ][..],
        ),
        ("postgres://me:hun/ter2@db.example/x", &["the database `postgres:…`: "]),
        (
            &*unheard,
            &[
                "Connection refused",
                "; is PostgreSQL running there, and are the user and the database's name right?",
            ],
        ),
        ("host=db.example password=hunter2", &["`database` is no URL; write `sqlite:FILE` for a file"]),
    ] {
        world.write(&good.replacen(database, &format!("database = \"{url}\""), 1));
        let line = refused(folder).await;
        assert!(!line.contains("pool"), "{line}");
        words.iter().for_each(|word| assert!(line.contains(word), "{url}: {line}"));
        assert!(!line.contains("ter2"), "{line}");
    }
}

#[tokio::test]
async fn the_audit_has_a_line_for_whatever_came_of_a_token_whose_signature_held() {
    for platform in [&GITHUB, &GITLAB] {
        let world = World::start(platform).await;
        let rules = "environment = \"publish\"";
        world.configure(&["@acme/widget", "gadget"], rules);
        let (process, url) = world.registry().await;
        let job = Changes::default().set("environment", "publish").set("a_new_claim", "secret-of-the-job");
        let job = job.set("actor_id", "person-101").set("user_id", "person-101");
        let token = world.issuer.token(AUDIENCE, &job);
        let exchange = async |package| http::send(&world.cx, http::exchange(&url, package, &token)).await;
        let minted = http::minted(&exchange("@acme/widget").await);
        assert_eq!(world.publish(&url, "@acme/widget", &minted).await.status, 201);
        assert_eq!(exchange("@acme/widget").await.status, 401);
        assert_eq!(world.exchange(&url, "gadget", &Changes::default()).await.status, 403);
        assert_eq!(exchange("unknown").await.status, 404);
        assert_eq!(world.exchange(&url, "gadget", &job.set("aud", "npm:other")).await.status, 401);
        assert!(process.signal(Signal::TERM).await.status.success());

        let audit = world.audit(&[]).await;
        let events: Vec<Value> =
            audit.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told = |event: &Value| {
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            (text("action"), text("package"), text("outcome"))
        };
        let expected = [
            ("exchange", "@acme/widget", "granted"),
            ("publish", "@acme/widget", "granted"),
            ("exchange", "@acme/widget", "already-used"),
            ("exchange", "gadget", "rule-differs"),
            ("exchange", "unknown", "not-trusted"),
        ];
        let expected =
            expected.map(|(action, package, outcome)| (action.into(), package.into(), outcome.into()));
        assert_eq!(events.iter().map(told).collect::<Vec<_>>(), expected);
        for event in &events {
            let time = event["time"].as_str().unwrap();
            assert!(time.len() == 20 && time.ends_with('Z') && time > "2023-11-14T22:13:20Z", "{time}");
            assert_eq!((&event["ecosystem"], &event["issuer"]), (&"npm".into(), &world.issuer.url().into()));
            assert!(event["repository"].as_str().unwrap().ends_with("/widget"));
            assert!(event["run_url"].as_str().unwrap().starts_with("http"));
            assert!(!event["reason"].as_str().unwrap().is_empty());
        }
        for personal in ["alice", "secret-of-the-job", "person-101"] {
            assert!(!audit.stdout.contains(personal), "{personal}: {}", audit.stdout);
        }
        assert!(audit.stderr.contains("invalid-token 1"), "{}", audit.stderr);
        assert!(audit.stderr.contains("listed: 5; counted only, of all packages"), "{}", audit.stderr);
        assert!(
            events[4]["for_operator"].as_str().unwrap().ends_with("; configured: nothing"),
            "{}",
            events[4]
        );
        let of_gadget = world.audit(&["--package", "gadget"]).await.stdout;
        assert!(of_gadget.lines().count() == 1 && of_gadget.contains("rule-differs"), "{of_gadget}");
    }
}

#[tokio::test]
async fn it_serves_https_to_whoever_trusts_its_private_authority() {
    let world = World::start(&GITHUB).await;
    let folder = world.folder.path();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    let config = world.configure(&["widget"], "").replace("\"http://127.0.0.1:0", "\"https://127.0.0.1:0");
    world.write(&config.replacen(
        "[[provider]]",
        "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n[[provider]]",
        1,
    ));
    let (process, url) = world.registry().await;
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");

    let stranger = world.cx.http().send(http::get(&url, "-/ping")).await.unwrap_err();
    assert!(matches!(stranger.kind(), HttpErrorKind::Certificate { .. }), "{stranger}");
    let job = Environment::from_iter(world.issuer.env().to_vec());
    let settings = HttpSettings::default().with_ca(certificate.pem());
    let cx = Context::system_with(job, settings).unwrap();
    let (registry, scope) = (Npm::at(&url).unwrap(), Npm::scope("widget").unwrap());
    let request = PublishRequest::new(scope.clone());
    let token = oidc_exchange::publish_token(&registry, request, &oidc_providers::all(), &cx).await.unwrap();
    let minted = token.secret_for(&scope).unwrap().expose();
    assert_eq!(http::send(&cx, http::publish(&url, "widget", "1.0.0", minted)).await.status, 201);
    let packument = http::body(&http::send(&cx, http::get(&url, "widget")).await);
    let tarball = packument["versions"]["1.0.0"]["dist"]["tarball"].as_str().unwrap();
    assert_eq!(http::send(&cx, http::get_at(tarball)).await.body, http::tarball("widget", "1.0.0"));
    assert!(process.signal(Signal::TERM).await.status.success());
}
