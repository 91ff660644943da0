//! The output that a refused user sees: of npm and pnpm at the verbosity at which they show a server's words, and of
//! `trusted-publish doctor`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
// Where the clients are is told by variables.
#![allow(clippy::disallowed_methods)]

use std::ffi::OsString;
use std::process::Command;

use ci_issuer::{Changes, Fault, GITHUB, Settings};
use needs::needs;
use serde_json::Value;
use tests::clients::{Client, Tool};
use tests::http;
use tests::scene::{ADMIN, Scene, borrowed, package};

const PACKAGE: &str = "@acme/widget";
const DOCTOR: &str = env!("CARGO_BIN_EXE_tested-trusted-publish");

/// Something that keeps a job from publishing, and what its user has to read.
struct Row {
    what: &'static str,
    claims: &'static [(&'static str, &'static str)],
    fault: Option<Fault>,
    /// Of the registry's message, in any client's output.
    words: &'static [&'static str],
    /// The doctor's code for it, where the publisher is stated.
    code: &'static str,
}

/// The job's own, which fits.
const FITS: (&str, &str) = ("environment", "publish");

const ROWS: &[Row] = &[
    Row {
        what: "another repository",
        claims: &[FITS, ("repository", "evil/widget")],
        fault: None,
        words: &[
            "no trusted publisher of package `@acme/widget` accepts `evil/widget`",
            "`repository_id` `2`",
        ],
        code: "github-repository",
    },
    Row {
        what: "another workflow file",
        claims: &[FITS, ("workflow_ref", "acme/widget/.github/workflows/nightly.yml@refs/tags/v1.0.0")],
        fault: None,
        words: &["`workflow_ref`", "found `nightly.yml`", "expected `publish.yml`", "set `workflow` to"],
        code: "github-workflow",
    },
    Row {
        what: "a workflow file in another case",
        claims: &[FITS, ("workflow_ref", "acme/widget/.github/workflows/Publish.yml@refs/tags/v1.0.0")],
        fault: None,
        words: &["they differ in the case of letters only", "found `Publish.yml`", "expected `publish.yml`"],
        code: "github-workflow",
    },
    Row {
        what: "`.yaml` instead of `.yml`",
        claims: &[FITS, ("workflow_ref", "acme/widget/.github/workflows/publish.yaml@refs/tags/v1.0.0")],
        fault: None,
        words: &["one ends in `.yml`, the other in `.yaml`"],
        code: "github-workflow",
    },
    Row {
        what: "the called workflow instead of the caller",
        claims: &[
            FITS,
            ("workflow_ref", "acme/widget/.github/workflows/release.yml@refs/tags/v1.0.0"),
            ("job_workflow_ref", "acme/widget/.github/workflows/publish.yml@refs/tags/v1.0.0"),
        ],
        fault: None,
        words: &["`publish.yml` was called by `release.yml`"],
        code: "github-reusable-workflow",
    },
    Row {
        what: "a missing environment",
        claims: &[],
        fault: None,
        words: &["asks for an environment", "the job has none", "expected `publish`"],
        code: "environment-missing",
    },
    Row {
        what: "another environment",
        claims: &[("environment", "staging")],
        fault: None,
        words: &["`environment`", "found `staging`", "expected `publish`"],
        code: "github-environment",
    },
    Row {
        what: "an event that strangers can start",
        claims: &[FITS, ("event_name", "pull_request_target")],
        fault: None,
        words: &["an event that strangers can start", "found `pull_request_target`"],
        code: "github-event",
    },
    Row {
        what: "an expired token",
        claims: &[FITS],
        fault: Some(Fault::Expired),
        words: &["expired", "`exp`"],
        code: "clock-platform",
    },
    Row {
        what: "a key that the issuer does not publish",
        claims: &[FITS],
        fault: Some(Fault::UnpublishedKey),
        words: &["signed with a key", "not among those of its issuer"],
        code: "exchange-rejected",
    },
    Row {
        what: "an issuer that is not configured",
        claims: &[FITS],
        fault: Some(Fault::WrongIssuer),
        words: &["`iss` is `https://wrong-issuer.invalid`", "not a trusted issuer"],
        code: "issuer-not-public",
    },
    Row {
        what: "a token used a second time",
        claims: &[FITS],
        fault: Some(Fault::SameToken),
        words: &["already used for `@acme/widget`", "once"],
        code: "exchange-rejected",
    },
];

/// A registry that trusts the sample job in the environment `publish`, and a job that it refuses.
async fn scene(row: &Row) -> Scene {
    let changes =
        row.claims.iter().fold(Changes::default(), |changes, (name, value)| changes.set(*name, *value));
    let settings = Settings { fault: row.fault, changes, ..Settings::new(&GITHUB) };
    let scene = Scene::start(settings, "", &[PACKAGE], "environment = \"publish\"").await;
    let published = http::send(&scene.cx, http::publish(&scene.url(), PACKAGE, "1.0.0", ADMIN)).await;
    assert_eq!(published.status, 201);
    if row.fault == Some(Fault::SameToken) {
        let first = http::exchange(&scene.url(), PACKAGE, &scene.token(&scene.audience()));
        http::minted(&http::send(&scene.cx, first).await);
    }
    scene
}

#[track_caller]
fn assert_readable(row: &Row, printed: &str) {
    for word in row.words {
        assert!(printed.contains(word), "{}: no {word:?} in\n{printed}", row.what);
    }
}

async fn client_shows_every_refusal(client: &Client, path: OsString, publish: &[&str]) {
    for (number, row) in ROWS.iter().enumerate() {
        let scene = scene(row).await;
        let folder = package(client, PACKAGE, "1.0.1", &scene.npmrc());
        let mut job = scene.npm_job();
        job.push(("PATH".into(), path.clone().into_string().unwrap()));
        if number == 0 {
            let quiet = client.run(&folder, &borrowed(&job), publish).await.failed();
            assert!(quiet.contains("ENEEDAUTH") && !quiet.contains(row.words[0]), "{}: {quiet}", row.what);
        }
        job.push(("npm_config_loglevel".into(), "verbose".into()));
        assert_readable(row, &client.run(&folder, &borrowed(&job), publish).await.failed());
    }
}

#[needs(npm)]
#[tokio::test]
async fn npm_shows_every_refusal_when_it_is_verbose() {
    let npm = Tool::Npm.find().await;
    let path = npm.path_first();
    client_shows_every_refusal(&npm, path, &["publish", "--access", "public"]).await;
}

/// pnpm 10 publishes through npm, and npm's log is pnpm's.
#[needs(npm, pnpm)]
#[tokio::test]
async fn pnpm_shows_every_refusal_when_npm_is_verbose() {
    let (pnpm, npm) = (Tool::Pnpm.find().await, Tool::Npm.find().await);
    client_shows_every_refusal(
        &pnpm,
        npm.path_first(),
        &["publish", "--no-git-checks", "--access", "public"],
    )
    .await;
}

/// Runs the doctor in a job, in another thread, so that issuer and registry can answer.
async fn doctor(scene: &Scene, more: &'static [&'static str]) -> (bool, String, String) {
    let (variables, url) = (scene.npm_job(), scene.url());
    let run = move || {
        let target = ["doctor", "--registry", "npm", "--url", &url, "--package", PACKAGE];
        Command::new(DOCTOR).args(target).args(more).env_clear().envs(variables).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

fn evidence_in_words(text: &str) -> String {
    text.replace("found: `", "found `").replace("expected: `", "expected `")
}

#[tokio::test]
async fn the_doctor_explains_every_refusal_without_a_flag_for_verbosity() {
    const STATED: &[&str] = &[
        "--publisher",
        "repository=acme/widget",
        "--publisher",
        "workflow=publish.yml",
        "--publisher",
        "environment=publish",
    ];
    for row in ROWS {
        let scene = scene(row).await;
        let (accepted, text, annotations) = doctor(&scene, STATED).await;
        assert!(!accepted, "{}", row.what);
        // The doctor has its evidence on lines of their own.
        assert_readable(row, &evidence_in_words(&text));
        assert!(text.contains(&format!("[{}]", row.code)), "{}: {text}", row.what);
        assert!(
            annotations.lines().all(|line| line.starts_with("::")) && annotations.contains("::error "),
            "{annotations}"
        );
    }
}

#[tokio::test]
async fn the_doctor_says_so_when_all_is_well_and_leaves_the_publish_possible() {
    let settings =
        Settings { changes: Changes::default().set("environment", "publish"), ..Settings::new(&GITHUB) };
    let scene = Scene::start(settings, "", &[PACKAGE], "environment = \"publish\"").await;
    let (accepted, text, _) = doctor(&scene, &[]).await;
    assert!(accepted && text.contains("would be accepted"), "{text}");
    let (accepted, json, _) = doctor(&scene, &["--format", "json"]).await;
    let report: Value = serde_json::from_str(&json).unwrap();
    assert!(accepted);
    assert_eq!((&report["verdict"], &report["platform"]), (&"accepted".into(), &"github".into()));
    assert_eq!(report["settings"][0]["value"], "acme/widget");
    let exchange = http::exchange(&scene.url(), PACKAGE, &scene.token(&scene.audience()));
    http::minted(&http::send(&scene.cx, exchange).await);
}

#[tokio::test]
async fn setup_nodes_placeholder_is_called_by_its_name_wherever_it_is_presented() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &[PACKAGE, "cargo:widget", "pypi:widget"], "").await;
    let placeholder = "XXXXX-XXXXX-XXXXX-XXXXX";
    for request in [
        http::publish(&scene.url(), PACKAGE, "1.0.0", placeholder),
        http::exchange(&scene.url(), PACKAGE, placeholder),
    ] {
        let answer = http::send(&scene.cx, request).await;
        let message = http::message(&answer);
        assert_eq!(answer.status, 401, "{message}");
        assert!(message.contains("the placeholder of `actions/setup-node`"), "{message}");
        assert!(!message.contains("XXXXX"), "{message}");
    }
}
