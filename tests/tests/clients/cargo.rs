//! The real cargo publishes without a secret, through `trusted-publish`, and builds what was published.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use ci_issuer::{GITHUB, GITLAB, Platform, Settings};
use oidc_core::http::Method;
use tests::clients::{Client, Output, Tool};
use tests::http;
use tests::scene::{Scene, borrowed, refused_jobs, same_token};

const CRATES: [&str; 2] = ["widget-one", "widget_two"];

async fn scene(platform: &'static Platform, prefix: &str) -> Scene {
    Scene::start(Settings::new(platform), prefix, &["cargo:widget-one", "cargo:Widget_Two"], "").await
}

fn settings(url: &str) -> String {
    format!("[registries.our-own]\nindex = \"sparse+{url}index/\"\n")
}

/// A crate without dependencies, in a folder with settings that call the registry `our-own`.
fn library(cargo: &Client, url: &str, name: &str, version: &str) -> PathBuf {
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\nlicense = \"MIT\"\n\
         description = \"A test\"\n[workspace]\n"
    );
    let files = [
        ("Cargo.toml", manifest.as_str()),
        ("src/lib.rs", "pub const NUMBER: u8 = 7;\n"),
        (".cargo/config.toml", &settings(url)),
    ];
    cargo.project(&format!("{name}-{version}"), &files)
}

/// The variables of a job. On GitLab, a token for this registry of crates is among them.
fn job(scene: &Scene) -> Vec<(String, String)> {
    let audience = scene.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut variables = scene.issuer.env().to_vec();
    if !variables.iter().any(|(name, _)| name == "GITHUB_ACTIONS") {
        variables.push(("CRATES_IO_ID_TOKEN".to_owned(), scene.token(&audience)));
    }
    variables
}

const PUBLISH: [&str; 4] = ["publish", "--registry", "our-own", "--allow-dirty"];

/// `cargo publish` under `trusted-publish exec`.
async fn publish(cargo: &Client, scene: &Scene, name: &str, version: &str) -> Output {
    let url = scene.url();
    let folder = library(cargo, &url, name, version);
    let options = ["--registry", "crates-io", "--url", &url, "--trusted-publishing", "always"];
    cargo.publish(&folder, &borrowed(&job(scene)), &options, &PUBLISH).await
}

async fn cargo_publishes_and_builds(platform: &'static Platform, prefix: &str) {
    let cargo = Tool::Cargo.find().await;
    let scene = scene(platform, prefix).await;
    for name in CRATES {
        publish(&cargo, &scene, name, "1.0.0").await.succeeded();
    }
    assert_eq!(scene.count("oidc_token").await, 0, "every publish token was ended");
    let by = scene.registry.cargo().published_by("widget-one-1.0.0.crate").await.unwrap().unwrap();
    assert!(by.contains("trusted-publisher"), "{by}");

    let manifest = "[package]\nname = \"consumer\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    let main = "fn main() { assert_eq!(widget_one::NUMBER + widget_two::NUMBER, 14); }\n";
    let settings = settings(&scene.url());
    let files = [("Cargo.toml", manifest), ("src/main.rs", main), (".cargo/config.toml", &settings)];
    let consumer = cargo.project("consumer", &files);
    let add = [&["add", "--registry", "our-own"], CRATES.as_slice()].concat();
    cargo.run(&consumer, &[], &add).await.succeeded();
    cargo.run(&consumer, &[], &["run"]).await.succeeded();
    let lock = std::fs::read_to_string(consumer.join("Cargo.lock")).unwrap();
    assert_eq!(lock.matches("checksum = ").count(), 2, "{lock}");
    // Cargo reads no other form of the time than this one.
    let line = http::send(&scene.cx, http::get(&scene.url(), "index/wi/dg/widget-one")).await;
    let line = http::body(&line);
    let published_at = line["pubtime"].as_str().unwrap();
    assert!(published_at.len() == 20 && published_at.ends_with('Z'), "{line}");
}

#[tokio::test]
async fn cargo_publishes_from_github_and_builds_what_was_published() {
    cargo_publishes_and_builds(&GITHUB, "").await;
}

#[tokio::test]
async fn cargo_publishes_to_a_registry_below_a_path() {
    cargo_publishes_and_builds(&GITHUB, "/registry").await;
}

/// GitLab makes one token before the job, and one exchange is for every crate.
#[tokio::test]
async fn one_token_of_gitlab_publishes_every_crate_of_a_workspace() {
    let cargo = Tool::Cargo.find().await;
    let scene = scene(&GITLAB, "").await;
    let url = scene.url();
    for name in CRATES {
        library(&cargo, &url, name, "1.0.0");
    }
    let settings = settings(&url);
    let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"one\", \"two\"]\n[workspace.dependencies]\n\
                    widget-one = { path = \"one\", version = \"1.0\", registry = \"our-own\" }\n";
    let member = |name: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n\
             description = \"A test\"\n"
        )
    };
    let one = member(CRATES[0]) + "rust-version = \"1.85\"\n[features]\ndefault = []\nmore = []\n";
    let two = member(CRATES[1])
        + "[features]\neven_more = [\"alias?/more\"]\n\
           [dependencies.alias]\npackage = \"widget-one\"\npath = \"../one\"\nversion = \"1\"\n\
           registry = \"our-own\"\noptional = true\ndefault-features = false\nfeatures = [\"more\"]\n\
           [target.'cfg(any(unix, target_os=\"wasi\",))'.build-dependencies]\n\
           widget-one = { workspace = true }\n\
           [dev-dependencies]\nwidget-one = { path = \"../one\" }\n";
    let files = [
        ("Cargo.toml", manifest),
        ("one/Cargo.toml", &one),
        ("one/src/lib.rs", ""),
        ("two/Cargo.toml", &two),
        ("two/src/lib.rs", ""),
        (".cargo/config.toml", &settings),
    ];
    let folder = cargo.project("workspace", &files);
    let options = ["--registry", "crates-io", "--url", &url];
    let publish = [PUBLISH.as_slice(), &["--workspace"]].concat();
    cargo.publish(&folder, &borrowed(&job(&scene)), &options, &publish).await.succeeded();
    for name in ["widget-one-1.0.0.crate", "widget-two-1.0.0.crate"] {
        assert!(scene.registry.cargo().published_by(name).await.unwrap().is_some(), "{name}");
    }
}

/// The three lines of settings that the documentation names, and nothing else.
#[tokio::test]
async fn a_plain_cargo_publish_is_a_trusted_publish_with_a_credential_provider() {
    let cargo = Tool::Cargo.find().await;
    let scene = scene(&GITHUB, "").await;
    let url = scene.url();
    let folder = library(&cargo, &url, "widget-one", "1.0.0");
    let settings = format!(
        "{}credential-provider = [\"cargo:token-from-stdout\", \"{}\", \"token\", \"--registry\", \"crates-io\", \
         \"--url\", \"{url}\"]\n",
        settings(&url),
        env!("CARGO_BIN_EXE_tested-trusted-publish"),
    );
    std::fs::write(folder.join(".cargo/config.toml"), &settings).unwrap();
    cargo.run(&folder, &borrowed(&job(&scene)), &PUBLISH).await.succeeded();
    let by = scene.registry.cargo().published_by("widget-one-1.0.0.crate").await.unwrap();
    assert!(by.unwrap().contains("trusted-publisher"));
    // Each run asks anew, so none is left with a token that is about to end.
    let second = library(&cargo, &url, "widget_two", "1.0.0");
    std::fs::write(second.join(".cargo/config.toml"), settings).unwrap();
    cargo.run(&second, &borrowed(&job(&scene)), &PUBLISH).await.succeeded();
    assert_eq!(scene.count("oidc_token").await, 2);
}

#[tokio::test]
async fn refusals_are_readable_in_what_is_printed() {
    let cargo = Tool::Cargo.find().await;
    for (settings, rules, part) in refused_jobs() {
        let scene = Scene::start(settings, "", &["cargo:widget-one"], rules).await;
        let printed = publish(&cargo, &scene, "widget-one", "1.0.0").await.failed();
        assert!(printed.contains(part) && printed.contains("400"), "{part}: {printed}");
        assert_eq!(scene.count("hosted_file").await, 0);
    }
}

#[tokio::test]
async fn a_replayed_token_a_stolen_version_and_a_foreign_crate_are_refused() {
    let cargo = Tool::Cargo.find().await;
    let scene = Scene::start(same_token(), "", &["cargo:widget-one"], "").await;
    publish(&cargo, &scene, "widget-one", "1.0.0").await.succeeded();
    let replayed = publish(&cargo, &scene, "widget-one", "1.0.1").await.failed();
    assert!(replayed.contains("already used"), "{replayed}");

    let scene = Scene::start(Settings::new(&GITHUB), "", &["cargo:widget-one"], "").await;
    publish(&cargo, &scene, "widget-one", "1.0.0").await.succeeded();
    let twice = publish(&cargo, &scene, "Widget_One", "1.0.0").await.failed();
    assert!(twice.contains("published before") || twice.contains("already exists"), "{twice}");
    let foreign = publish(&cargo, &scene, "gadget", "1.0.0").await.failed();
    assert!(foreign.contains("can't publish gadget"), "{foreign}");
    assert_eq!((scene.count("hosted_file").await, scene.count("oidc_token").await), (1, 0));
}

#[tokio::test]
async fn a_token_is_ended_after_success_failure_and_a_signal() {
    let cargo = Tool::Cargo.find().await;
    let scene = scene(&GITHUB, "").await;
    let url = scene.url();
    let exec = ["exec", "--registry", "crates-io", "--url", &url, "--", "sh", "-c"];
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_tested-trusted-publish"));
    for (script, status) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143)] {
        let job = job(&scene);
        let script = format!(
            "test -n \"$CARGO_REGISTRIES_TRUSTED_PUBLISH_TOKEN\" -a -z \"$CARGO_REGISTRY_TOKEN\" && {script}"
        );
        let arguments = [exec.as_slice(), &[&*script]].concat();
        let output = cargo.run_program(program, cargo.home(), &borrowed(&job), &arguments).await;
        assert_eq!(output.status.code(), Some(status), "{script}");
        assert_eq!(scene.count("oidc_token").await, 0, "{script}");
    }
}

/// A registry that mints and doesn't revoke.
async fn stubborn() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let router = Router::new().fallback(move |request: Request| async move {
        // cargo's index is looked for by GET.
        if request.method() != "GET" {
            seen.lock().unwrap().push(request.method().to_string());
        }
        match request.method().as_str() {
            "POST" => (StatusCode::OK, r#"{"token":"cio_tp_hunter2"}"#),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, r#"{"errors":[{"detail":"not now, cio_tp_hunter2"}]}"#),
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

#[tokio::test]
async fn a_failing_revocation_is_reported_and_changes_no_exit_status() {
    let cargo = Tool::Cargo.find().await;
    let scene = scene(&GITHUB, "").await;
    let (url, asked) = stubborn().await;
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_tested-trusted-publish"));
    for status in [0, 9] {
        let script = format!("exit {status}");
        let exec = ["exec", "--registry", "crates-io", "--url", &url, "--", "sh", "-c", &script];
        let output = cargo.run_program(program, cargo.home(), &borrowed(&job(&scene)), &exec).await;
        assert_eq!(output.status.code(), Some(status));
        assert!(output.stderr.contains("was not revoked"), "{}", output.stderr);
        // GitHub is told to mask it, and nobody else sees it.
        assert_eq!(output.stderr.matches("hunter2").count(), 1, "{}", output.stderr);
    }
    assert_eq!(*asked.lock().unwrap(), ["POST", "DELETE", "POST", "DELETE"]);
}

#[tokio::test]
async fn tokens_of_one_ecosystem_are_none_for_another() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &["widget", "cargo:widget"], "").await;
    let (url, for_npm) = (scene.url(), scene.audience());
    let for_cargo = scene.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let exchange = |audience: &str| {
        let body = serde_json::json!({ "jwt": scene.token(audience) }).to_string();
        oidc_core::http::Request::new(Method::Post, http::url(&url, "/api/v1/trusted_publishing/tokens"))
            .body("application/json", body)
    };
    let refused = http::send(&scene.cx, exchange(&for_npm)).await;
    assert_eq!(refused.status, 400);
    let detail = http::body(&refused)["errors"][0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("audience"), "{detail}");
    let taken = http::send(&scene.cx, exchange(&for_cargo)).await;
    assert_eq!(taken.status, 200);
    let npm = http::exchange(&url, "widget", &scene.token(&for_cargo));
    assert_eq!(http::send(&scene.cx, npm).await.status, 401);
    // A publish token of one ecosystem publishes nothing of another's.
    let token = http::body(&taken)["token"].as_str().unwrap().to_owned();
    assert_eq!(http::send(&scene.cx, http::publish(&url, "widget", "1.0.0", &token)).await.status, 403);
}

#[tokio::test]
async fn an_archive_is_not_unpacked_for_a_stranger() {
    let scene = scene(&GITHUB, "").await;
    let metadata = r#"{"name":"widget-one","vers":"1.0.0"}"#.as_bytes();
    let archive = b"no archive".as_slice();
    let mut body = Vec::new();
    for part in [metadata, archive] {
        body.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
        body.extend(part);
    }
    let url = http::url(&scene.url(), "api/v1/crates/new");
    let request = oidc_core::http::Request::new(Method::Put, url).header("authorization", "somebody");
    let answer = http::send(&http::system(), request.body("application/octet-stream", body)).await;
    assert_eq!(answer.status, 401, "{answer:?}");
}
