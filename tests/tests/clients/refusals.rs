//! The refusals of a registry, their words, and that they change nothing: over HTTP and with real clients.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ci_issuer::{Changes, Fault, GITHUB, GITLAB, Platform, Settings};
use needs::needs;
use oidc_core::http::{Method, Request, Response};
use oidc_core::{Clock, Secret};
use serde_json::json;
use tests::clients::Tool;
use tests::http;
use tests::scene::{ADMIN, Scene, borrowed, package};
use tests::uploads::{Endpoint, crate_body};

const PACKAGE: &str = "@acme/widget";

/// Something that keeps a job from publishing.
struct Row {
    what: &'static str,
    /// The claims of an issuer at this host.
    changes: fn(&str) -> Changes,
    fault: Option<Fault>,
    status: u16,
    /// The words that the refusal's message must contain.
    words: &'static [&'static str],
}

fn honest(_: &str) -> Changes {
    Changes::default().set("environment", "publish")
}

/// The differences between platforms.
const GITHUB_ROWS: &[Row] = &[
    Row {
        what: "another repository",
        changes: |host| honest(host).set("repository", "evil/widget"),
        fault: None,
        status: 404,
        words: &["no trusted publisher of package `@acme/widget`", "`evil/widget`"],
    },
    Row {
        what: "another workflow file",
        changes: |host| {
            let workflow = "acme/widget/.github/workflows/nightly.yml@refs/tags/v1.0.0";
            honest(host).set("workflow_ref", workflow)
        },
        fault: None,
        status: 403,
        words: &["`workflow_ref`", "found `nightly.yml`", "expected `publish.yml`", "set `workflow` to"],
    },
];

const GITLAB_ROWS: &[Row] = &[
    Row {
        what: "another project",
        changes: |host| honest(host).set("project_path", "evil/widget"),
        fault: None,
        status: 404,
        words: &["no trusted publisher of package `@acme/widget`", "`evil/widget`"],
    },
    Row {
        what: "another CI configuration",
        changes: |host| {
            let file = format!("{host}/acme/group/widget//nightly.yml@refs/tags/v1.0.0");
            honest(host).set("ci_config_ref_uri", file)
        },
        fault: None,
        status: 403,
        words: &[
            "`ci_config_ref_uri`",
            "found `nightly.yml`",
            "expected `.gitlab-ci.yml`",
            "set `ci_config` to",
        ],
    },
];

/// The cases that are the same on every platform.
const ROWS: &[Row] = &[
    Row {
        what: "a missing environment",
        changes: |_| Changes::default(),
        fault: None,
        status: 403,
        words: &["asks for an environment", "the job has none (expected `publish`)"],
    },
    Row {
        what: "another environment",
        changes: |_| Changes::default().set("environment", "staging"),
        fault: None,
        status: 403,
        words: &["`environment`", "found `staging`", "expected `publish`"],
    },
    Row {
        what: "an expired token",
        changes: honest,
        fault: Some(Fault::Expired),
        status: 401,
        words: &["expired", "`exp`"],
    },
    Row {
        what: "another audience",
        changes: |host| honest(host).set("aud", "npm:registry.example"),
        fault: None,
        status: 401,
        words: &["`aud` is `npm:registry.example`", "expected `npm:127.0.0.1`"],
    },
    Row {
        what: "a key that the issuer does not publish",
        changes: honest,
        fault: Some(Fault::UnpublishedKey),
        status: 401,
        words: &["signed with a key", "not among those of its issuer", "`http://127.0.0.1:"],
    },
    Row {
        what: "an issuer that is not configured",
        changes: honest,
        fault: Some(Fault::WrongIssuer),
        status: 401,
        words: &["`iss` is `https://wrong-issuer.invalid`", "not a trusted issuer"],
    },
    Row {
        what: "a token used a second time",
        changes: honest,
        fault: Some(Fault::SameToken),
        status: 401,
        words: &["already used for `@acme/widget`", "once"],
    },
    Row {
        what: "an issuer that is down",
        changes: honest,
        fault: Some(Fault::Down),
        status: 503,
        words: &["keys of the issuer", "can't fetch the keys", "try again in"],
    },
];

fn rows(platform: &Platform) -> impl Iterator<Item = &'static Row> {
    let own = if platform.name == "gitlab" { GITLAB_ROWS } else { GITHUB_ROWS };
    own.iter().chain(ROWS)
}

/// A registry with one version, published by its administrator, and a job that must not publish another.
async fn scene(platform: &'static Platform, row: &Row) -> Scene {
    let mut settings = Settings { fault: row.fault, ..Settings::new(platform) };
    if platform.name == "github" {
        settings.changes = (row.changes)("");
    }
    let mut scene = Scene::start(settings, "", &[PACKAGE], "environment = \"publish\"").await;
    if platform.name == "gitlab" {
        scene.changes = (row.changes)(scene.issuer.url().trim_start_matches("http://"));
    }
    let published = http::send(&scene.cx, http::publish(&scene.url(), PACKAGE, "1.0.0", ADMIN)).await;
    assert_eq!(published.status, 201);
    if row.fault == Some(Fault::SameToken) {
        for audience in [scene.audience(), scene.audience_with_port()] {
            let first = http::exchange(&scene.url(), PACKAGE, &scene.token(&audience));
            http::minted(&http::send(&scene.cx, first).await);
        }
    }
    scene
}

#[track_caller]
fn assert_refused(row: &Row, printed: &str) {
    for word in row.words {
        assert!(printed.contains(word), "{}: no {word:?} in\n{printed}", row.what);
    }
}

async fn every_refusal(platform: &'static Platform) {
    for row in rows(platform) {
        let scene = scene(platform, row).await;
        let before = scene.state(&[PACKAGE]).await;
        let token = scene.token(&scene.audience());
        let answer = http::send(&scene.cx, http::exchange(&scene.url(), PACKAGE, &token)).await;
        let message = http::message(&answer);
        assert_eq!(answer.status, row.status, "{}: {message}", row.what);
        assert_refused(row, &message);
        assert_eq!(http::body(&answer)["body"]["message"], message.as_str());
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("www-authenticate"), (row.status == 401).then_some("Bearer"));
        let wait = answer.header("retry-after").map(|seconds| seconds.parse::<u64>().unwrap());
        assert_eq!(wait.is_some_and(|seconds| seconds > 0), row.status == 503, "{wait:?}");
        // An identity token itself publishes nothing either.
        let publish = http::publish(&scene.url(), PACKAGE, "1.0.1", &token);
        assert_eq!(http::send(&scene.cx, publish).await.status, 401, "{}", row.what);
        assert_eq!(scene.state(&[PACKAGE]).await, before, "{}", row.what);
    }
}

#[tokio::test]
async fn every_refusal_of_a_github_job_says_what_differed_and_leaves_no_trace() {
    every_refusal(&GITHUB).await;
}

#[tokio::test]
async fn every_refusal_of_a_gitlab_job_says_what_differed_and_leaves_no_trace() {
    every_refusal(&GITLAB).await;
}

async fn npm_is_refused(platform: &'static Platform) {
    let npm = Tool::Npm.find().await;
    let folder = package(&npm, PACKAGE, "1.0.1", "");
    for row in rows(platform) {
        let scene = scene(platform, row).await;
        let before = scene.state(&[PACKAGE]).await;
        let mut job = scene.npm_job();
        if row.fault == Some(Fault::Down) {
            // Who is down gives a job no token either; this one has it from before.
            job.push(("NPM_ID_TOKEN".into(), scene.token(&scene.audience())));
        }
        let publish = ["publish", "--registry", &scene.url(), "--loglevel", "verbose"];
        let printed = npm.run(&folder, &borrowed(&job), &publish).await.failed();
        assert!(printed.contains("ENEEDAUTH"), "{}: {printed}", row.what);
        assert!(printed.contains("Failed token exchange request with body message"), "{printed}");
        assert_refused(row, &printed);
        assert_eq!(scene.state(&[PACKAGE]).await, before, "{}", row.what);
    }
}

#[needs(npm)]
#[tokio::test]
async fn npm_on_github_is_refused_and_shows_why() {
    npm_is_refused(&GITHUB).await;
}

#[needs(npm)]
#[tokio::test]
async fn npm_on_gitlab_is_refused_and_shows_why() {
    npm_is_refused(&GITLAB).await;
}

/// The log of this thread's registries.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// A log, and the guards that end it: with one subscriber alone, tracing would let the thread that comes first by a place decide
    /// whether anybody wants what is logged there.
    fn start() -> (Self, (tracing::subscriber::DefaultGuard, tracing::Dispatch)) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let second = tracing::Dispatch::new(tracing_subscriber::registry());
        (log, (tracing::subscriber::set_default(subscriber), second))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The log, once it has these words: the nearest publishers are looked up for it after the answer. Gives up after 10 s.
    async fn once_it_has(&self, words: &[&str], clock: &dyn Clock) -> String {
        for _ in 0..500 {
            let text = self.text();
            if words.iter().all(|word| text.contains(word)) {
                return text;
            }
            clock.sleep(Duration::from_millis(20)).await;
        }
        self.text()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// yarn never shows a registry's reason, so it is looked for in the registry's log.
async fn yarn_is_refused(platform: &'static Platform) {
    let yarn = Tool::Yarn.find().await;
    let folder = package(&yarn, PACKAGE, "1.0.1", "");
    yarn.run(&folder, &[], &["install"]).await.succeeded();
    for row in rows(platform) {
        let scene = scene(platform, row).await;
        let before = scene.state(&[PACKAGE]).await;
        let (log, _until_here) = Log::start();
        let job = scene.yarn_job();
        let printed = yarn.run(&folder, &borrowed(&job), &["npm", "publish"]).await.failed();
        let has_token = row.fault != Some(Fault::Down) || platform.name == "gitlab";
        if has_token {
            assert!(printed.contains("YN0033"), "{}: {printed}", row.what);
            assert_refused(row, &log.once_it_has(row.words, scene.cx.clock()).await);
        }
        assert_eq!(scene.state(&[PACKAGE]).await, before, "{}", row.what);
    }
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_on_github_is_refused_and_the_registry_logs_why() {
    yarn_is_refused(&GITHUB).await;
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_on_gitlab_is_refused_and_the_registry_logs_why() {
    yarn_is_refused(&GITLAB).await;
}

#[tokio::test]
async fn what_is_no_exchange_is_answered_with_400_or_401() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &[PACKAGE], "").await;
    let before = scene.state(&[PACKAGE]).await;
    let at =
        |path: &str| Request::post(http::url(&scene.url(), &format!("/-/npm/v1/oidc/token/exchange{path}")));
    let bearer = |text: &str| at("/package/widget").bearer(&Secret::new(text));
    let json = |body: serde_json::Value| at("").body("application/json", body.to_string());
    let token = scene.token(&scene.audience());
    for (request, status, words) in [
        (at("/package/widget"), 401, "no `Authorization` header"),
        (bearer(""), 401, "not of the form `Bearer …`"),
        (at("/package/widget").header("authorization", "Basic abc"), 401, "not of the form `Bearer …`"),
        (bearer("nonsense"), 401, "not a JWT"),
        (bearer(&format!("{token}x")), 401, "is not"),
        (bearer(token.rsplit_once('.').unwrap().0), 401, "not a JWT"),
        (at("/package/..%2fwidget").bearer(&Secret::new(&*token)), 400, "not a package name"),
        (at("").body("application/json", "{"), 400, "not a JSON object"),
        (json(json!({ "package_name": PACKAGE })), 400, "not a JSON object"),
        (json(json!({ "package_name": PACKAGE, "id_token": "" })), 401, "`id_token` is empty"),
        (json(json!({ "package_name": "a b", "id_token": token })), 400, "not a package name"),
    ] {
        let answer = http::send(&scene.cx, request).await;
        let message = http::message(&answer);
        assert_eq!(answer.status, status, "{message}");
        assert!(message.contains(words), "{words}: {message}");
    }
    assert_eq!(scene.state(&[PACKAGE]).await, before);
    let earlier_form = json(json!({ "package_name": PACKAGE, "id_token": token }));
    http::minted(&http::send(&scene.cx, earlier_form).await);
}

#[tokio::test]
async fn a_stranger_cannot_tell_whether_a_package_exists() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &[PACKAGE, "widget"], "").await;
    let stranger = Changes::default().set("repository", "evil/gadget");
    let token = scene.issuer.token(&scene.audience(), &stranger);
    let refused = async |package: &str| -> (Response, String) {
        let answer = http::send(&scene.cx, http::exchange(&scene.url(), package, &token)).await;
        let message = http::message(&answer).replace(package, "PACKAGE");
        (answer, message)
    };
    let (existing, why) = refused("widget").await;
    let (missing, same) = refused("wodget").await;
    assert_eq!((existing.status, missing.status), (404, 404));
    assert_eq!(why, same);
}

#[tokio::test]
async fn a_token_that_was_refused_by_a_rule_or_another_package_is_not_used_up() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &[PACKAGE, "widget"], "").await;
    let token = scene.token(&scene.audience());
    let exchange = async |package| http::send(&scene.cx, http::exchange(&scene.url(), package, &token)).await;
    assert_eq!(exchange("gadget").await.status, 404);
    http::minted(&exchange(PACKAGE).await);
    let for_widget = http::minted(&exchange("widget").await);
    assert_eq!(exchange(PACKAGE).await.status, 401);
    // Nor does a publish token reach another package.
    let publish = http::publish(&scene.url(), PACKAGE, "1.0.0", &for_widget);
    let answer = http::send(&scene.cx, publish).await;
    assert_eq!(answer.status, 403);
    assert!(http::message(&answer).contains("is for widget and can't publish @acme/widget"));
}

/// Sends crates, each a name and a version, and gives what became of them.
async fn crates(scene: &Scene, crates: &[(&str, &str)]) -> Vec<(u16, String)> {
    let token = Endpoint::Cargo.token(scene).await;
    let mut answers = Vec::new();
    for (name, version) in crates {
        let put = Request::new(Method::Put, http::url(&scene.url(), "/api/v1/crates/new"));
        let put =
            put.header("authorization", &token).body("application/octet-stream", crate_body(name, version));
        let answer = http::send(&scene.cx, put).await;
        answers.push((answer.status, String::from_utf8(answer.body).unwrap()));
    }
    answers
}

#[tokio::test]
async fn a_version_is_published_once_however_it_and_its_package_are_spelled() {
    let packages = ["widget", "cargo:my-widget", "rubygems:widget"];
    let scene = Scene::start(Settings::new(&GITHUB), "", &packages, "").await;
    let answers = crates(
        &scene,
        &[("my_widget", "1.0.0+a"), ("my_widget", "1.0.0+b"), ("my_widget", "1.0.0"), ("My-Widget", "1.1.0")],
    );
    let answers = answers.await;
    assert_eq!(
        answers.iter().map(|(status, _)| *status).collect::<Vec<_>>(),
        [200, 409, 409, 409],
        "{answers:?}"
    );
    assert!(answers[1].1.contains("published before, as my-widget 1.0.0+a"), "{answers:?}");
    assert!(answers[3].1.contains("is spelled `my_widget` in this registry"), "{answers:?}");
    assert_eq!(crates(&scene, &[("my_widget", "1.1.0")]).await[0].0, 200);

    let token = Endpoint::Npm.token(&scene).await;
    let statuses = async |versions: &[&str]| {
        let mut statuses = Vec::new();
        for version in versions {
            let publish = http::publish(&scene.url(), "widget", version, &token);
            statuses.push(http::send(&scene.cx, publish).await.status);
        }
        statuses
    };
    let spellings = ["1.0.0", "v1.0.0", "=1.0.0", "1.0.0+a", "01.0.0", "1.0", "1.0.0"];
    assert_eq!(statuses(&spellings).await, [201, 400, 400, 400, 400, 400, 403]);
    let upper = http::publish(&scene.url(), "Widget", "1.1.0", &token);
    assert_eq!(http::send(&scene.cx, upper).await.status, 400);

    let token = Endpoint::Gem.token(&scene).await;
    for (version, status) in [("1.0", 200), ("1.0.0", 409), ("1", 409), ("01.0", 409), ("1.0.1", 200)] {
        assert_eq!(Endpoint::Gem.send(&scene, version, &token).await.status, status, "{version}");
    }
}
