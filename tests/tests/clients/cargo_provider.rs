//! The real cargo with `cargo-credential-trusted-publish` as its credential provider: a plain `cargo publish` is a trusted publish.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use ci_issuer::{GITHUB, GITLAB, Platform, Settings};
use tests::clients::{Client, Tool};
use tests::scene::{Scene, borrowed, refused_jobs};

const PROVIDER: &str = env!("CARGO_BIN_EXE_tested-cargo-credential-trusted-publish");
const PUBLISH: [&str; 5] = ["publish", "--registry", "our-own", "--allow-dirty", "--workspace"];

async fn scene(platform: &'static Platform) -> Scene {
    Scene::start(Settings::new(platform), "", &["cargo:widget-one", "cargo:widget-two"], "").await
}

/// A workspace of two crates, of which one needs the other, in a folder whose settings name this provider for the registry.
fn workspace(cargo: &Client, url: &str, provider: &str) -> PathBuf {
    let settings =
        format!("[registries.our-own]\nindex = \"sparse+{url}index/\"\ncredential-provider = [{provider}]\n");
    let member = |name: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n\
             description = \"A test\"\npublish = [\"our-own\"]\n"
        )
    };
    let two = member("widget-two")
        + "[dependencies]\nwidget-one = { path = \"../one\", version = \"1.0\", registry = \"our-own\" }\n";
    let files = [
        ("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"one\", \"two\"]\n"),
        ("one/Cargo.toml", &member("widget-one")),
        ("one/src/lib.rs", ""),
        ("two/Cargo.toml", &two),
        ("two/src/lib.rs", ""),
        (".cargo/config.toml", &settings),
    ];
    cargo.project("workspace", &files)
}

fn provider() -> String {
    format!("\"{PROVIDER}\"")
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

async fn assert_published(scene: &Scene) {
    for name in ["widget-one-1.0.0.crate", "widget-two-1.0.0.crate"] {
        let by = scene.registry.cargo().published_by(name).await.unwrap();
        assert!(by.is_some_and(|by| by.contains("trusted-publisher")), "{name}");
    }
}

/// cargo asks once for a workspace, so that one identity token is enough: GitLab makes no second one.
#[tokio::test]
async fn one_token_publishes_a_workspace() {
    let cargo = Tool::Cargo.find().await;
    for platform in [&GITHUB, &GITLAB] {
        let scene = scene(platform).await;
        let folder = workspace(&cargo, &scene.url(), &provider());
        let output = cargo.run(&folder, &borrowed(&job(&scene)), &PUBLISH).await;
        // A second may have passed since the registry made it.
        let ends = ["29 minutes", "30 minutes"].map(|time| format!("the token ends in {time}"));
        assert!(ends.iter().any(|end| output.stderr.contains(end)), "{}", output.stderr);
        output.succeeded();
        assert_published(&scene).await;
        assert_eq!(scene.count("oidc_token").await, 1, "one token was made");
    }
}

/// A token that is about to end is not used for the next crate: cargo asks for another one.
#[tokio::test]
async fn a_long_publish_gets_a_new_token() {
    let cargo = Tool::Cargo.find().await;
    let scene = scene(&GITHUB).await;
    // The provider's answers, as they are when a token has half a minute left.
    let script = cargo.home().join("nearly-over");
    let line = format!(
        "#!/bin/sh\n\"{PROVIDER}\" \"$@\" | sed -u -E \"s/\\\"expiration\\\":[0-9]+/\\\"expiration\\\":$(($(date +%s) + 30))/\"\n"
    );
    std::fs::write(&script, line).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let folder = workspace(&cargo, &scene.url(), &format!("\"{}\"", script.display()));
    cargo.run(&folder, &borrowed(&job(&scene)), &PUBLISH).await.succeeded();
    assert_published(&scene).await;
    // One before cargo builds, and one for each crate.
    assert_eq!(scene.count("oidc_token").await, 3);
}

#[tokio::test]
async fn a_refusal_is_told_with_its_reason() {
    let cargo = Tool::Cargo.find().await;
    for (settings, rules, part) in refused_jobs() {
        let scene = Scene::start(settings, "", &["cargo:widget-one", "cargo:widget-two"], rules).await;
        let folder = workspace(&cargo, &scene.url(), &provider());
        let printed = cargo.run(&folder, &borrowed(&job(&scene)), &PUBLISH).await.failed();
        assert!(printed.contains(part) && printed.contains("400"), "{part}: {printed}");
        assert_eq!(scene.count("hosted_file").await, 0);
    }
}

/// Outside of CI, and for anything but a publish, cargo's other providers are asked.
#[tokio::test]
async fn what_it_has_no_token_for_is_left_to_cargos_other_providers() {
    let cargo = Tool::Cargo.find().await;
    let scene = scene(&GITHUB).await;
    let settings = format!(
        "[registry]\nglobal-credential-providers = [\"cargo:token\", \"{PROVIDER}\"]\n\
         [registries.our-own]\nindex = \"sparse+{}index/\"\n",
        scene.url()
    );
    let folder = workspace(&cargo, &scene.url(), &provider());
    std::fs::write(folder.join(".cargo/config.toml"), settings).unwrap();
    let token = [("CARGO_REGISTRIES_OUR_OWN_TOKEN", "a-static-token")];
    let printed = cargo.run(&folder, &token, &PUBLISH).await.failed();
    assert!(printed.contains("401") || printed.contains("403"), "the static token was sent: {printed}");
    let none = cargo.run(&folder, &[], &PUBLISH).await.failed();
    assert!(none.contains("no token found"), "{none}");
    let yank = ["yank", "--registry", "our-own", "--version", "1.0.0", "widget-one"];
    let printed = cargo.run(&folder, &borrowed(&job(&scene)), &yank).await.failed();
    assert!(printed.contains("no token found"), "{printed}");
    assert_eq!(scene.count("oidc_token").await, 0, "no token was made");
    // The same settings publish in a job.
    cargo.run(&folder, &borrowed(&job(&scene)), &PUBLISH).await.succeeded();
    assert_published(&scene).await;
}
