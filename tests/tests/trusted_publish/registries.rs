//! `trusted-publish` with every registry that it speaks, against recorded answers over loopback: `token`, `exec`, `doctor`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
// Where `sh` is is told by a variable.
#![allow(clippy::disallowed_methods)]

use std::process::{Command, Output};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use ci_issuer::{GITHUB, Running, Settings};
use oidc_core::Context;
use serde_json::{Value, json};
use trusted_publish::ECOSYSTEMS;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tested-trusted-publish");
const TOKEN: &str = "short-lived-hunter2";

/// A registry that answers every protocol as it was recorded.
async fn registry() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let root = url.clone();
    let router = Router::new().fallback(move |request: Request| {
        let answer = answer(request.uri().path(), &root);
        async move { answer }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn answer(path: &str, root: &str) -> (StatusCode, String) {
    let body = match path {
        "/.well-known/pytp" => json!({
            "audience-endpoint": format!("{root}/_/oidc/audience"), "token-mint-endpoint": format!("{root}/mint"),
        }),
        "/_/oidc/audience" | "/oidc/audience" => json!({ "audience": "an-index" }),
        "/mint" | "/_/oidc/mint-token" | "/api/v1/trusted_publishing/tokens" => json!({ "token": TOKEN }),
        "/_/oidc/burn-token" => json!({ "message": "Accepted", "errors": [] }),
        "/api/v1/oidc/trusted_publisher/exchange_token" => json!({ "rubygems_api_key": TOKEN }),
        "/api/v2/token" => json!({ "apiKey": TOKEN, "tokenType": "ApiKey" }),
        "/api/oidc/mint_token" => return (StatusCode::OK, TOKEN.to_owned()),
        "/oidc/token-exchange/acme/acme/widget" => json!({ "key": "a-key", "secret": TOKEN }),
        "/api/-/trusted-publishing/token" => json!({ "value": TOKEN }),
        "/_apis/gallery/token" => json!({ "credential": TOKEN }),
        "/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget" => json!({ "token": TOKEN }),
        _ => json!({}),
    };
    (StatusCode::OK, body.to_string())
}

async fn run(issuer: &Running, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.envs(issuer.env().iter().map(|(name, value)| (name, value)));
    // A static credential, which must not be used.
    command.env("TWINE_PASSWORD", "static");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What is asked for beside the URL, and what the command sees.
fn row(name: &str) -> (Vec<&'static str>, Vec<(&'static str, &'static str)>) {
    let hash = "@acme/widget@1.0.0#sha256-0000000000000000000000000000000000000000000000000000000000000000";
    match name {
        "npm" => (
            vec!["--package", "@acme/widget"],
            vec![("NODE_AUTH_TOKEN", TOKEN), ("YARN_NPM_AUTH_TOKEN", TOKEN)],
        ),
        "pypi" | "pep-807" => (
            vec![],
            vec![("UV_PUBLISH_TOKEN", TOKEN), ("TWINE_PASSWORD", TOKEN), ("TWINE_USERNAME", "__token__")],
        ),
        "crates-io" => (vec![], vec![("CARGO_REGISTRIES_TRUSTED_PUBLISH_TOKEN", TOKEN)]),
        "rubygems" => (vec![], vec![("GEM_HOST_API_KEY", TOKEN)]),
        "nuget" => (vec!["--owner", "acme"], vec![("NUGET_API_KEY", TOKEN)]),
        "prefix-dev" => (vec![], vec![("PREFIX_API_KEY", TOKEN)]),
        "packagist" => (
            vec!["--owner", "acme", "--package", "acme/widget"],
            vec![("PRIVATE_PACKAGIST_API_KEY", "a-key"), ("PRIVATE_PACKAGIST_API_SECRET", TOKEN)],
        ),
        "open-vsx" => (vec!["--package", "acme.widget"], vec![("OVSX_PAT", TOKEN)]),
        "vs-marketplace" => (vec!["--owner", "acme"], vec![("VSCE_PAT", TOKEN)]),
        "jsr" => (vec!["--package", hash], vec![("JSR_TOKEN", "eyJ")]),
        "pub-dev" => (vec![], vec![("PUB_TOKEN", "eyJ")]),
        other => panic!("{other} has no row in this test"),
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn every_registry_gives_a_token_to_print_to_a_command_and_to_the_doctor() {
    let url = registry().await;
    let issuer = Running::start(Settings::new(&GITHUB), &Context::system().unwrap()).await.unwrap();
    for ecosystem in ECOSYSTEMS {
        let name = format!("{ecosystem:?}");
        let (options, variables) = row(&name);
        let target = [&["--registry", &name, "--url", &url], options.as_slice()].concat();

        let output = run(&issuer, &[&["token"], target.as_slice()].concat()).await;
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        let printed = text(&output.stdout);
        let expected = match name.as_str() {
            "packagist" => format!("a-key:{TOKEN}\n"),
            "jsr" | "pub-dev" => printed.to_owned(),
            _ => format!("{TOKEN}\n"),
        };
        assert_eq!(printed, expected, "{name}");

        let output = run(&issuer, &[&["exec"], target.as_slice(), &["--", "env"]].concat()).await;
        let seen = text(&output.stdout);
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        for (variable, value) in variables {
            assert!(
                seen.lines().any(|line| line.starts_with(&format!("{variable}={value}"))),
                "{name}: {seen}"
            );
        }
        assert!(!seen.contains("ACTIONS_ID_TOKEN_REQUEST_"), "{seen}");

        let output = run(&issuer, &[&["doctor"], target.as_slice(), &["--format", "json"]].concat()).await;
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        // Where nothing is exchanged, nothing was tried.
        let expected =
            if matches!(name.as_str(), "jsr" | "pub-dev") { (1, "untried") } else { (0, "accepted") };
        let found = (output.status.code().unwrap(), report["verdict"].as_str().unwrap());
        assert_eq!(found, expected, "{name}: {report}");
        assert!(!report.to_string().contains("hunter2"));
    }
}

#[tokio::test]
async fn what_is_not_told_is_asked_for() {
    let issuer = Running::start(Settings::new(&GITHUB), &Context::system().unwrap()).await.unwrap();
    for (arguments, part) in [
        (["--registry", "nuget"].as_slice(), "--owner"),
        (&["--registry", "vs-marketplace"], "--owner"),
        (&["--registry", "packagist", "--package", "acme/widget"], "--owner"),
        (&["--registry", "packagist", "--owner", "acme"], "--package"),
        (&["--registry", "packagist", "--owner", "Acme", "--package", "acme/widget"], "name of Composer"),
        (&["--registry", "open-vsx"], "--package"),
        (&["--registry", "open-vsx", "--package", "widget"], "namespace.name"),
        (&["--registry", "jsr"], "--package"),
        (&["--registry", "jsr", "--package", "@acme/widget"], "sha256-"),
        (&["--registry", "jsr", "--package", "@acme/widget@1.0.0#sha256-00"], "sha256-"),
    ] {
        let output = run(&issuer, &[&["token", "--url", "http://127.0.0.1:1"], arguments].concat()).await;
        let error = text(&output.stderr);
        assert!(
            !output.status.success() && error.contains(part) && error.lines().count() == 1,
            "{part}: {error}"
        );
    }
}

#[tokio::test]
async fn a_static_credential_of_two_parts_is_fallen_back_to_as_both_or_not_at_all() {
    let target = [
        "--registry",
        "packagist",
        "--url",
        "http://127.0.0.1:1",
        "--owner",
        "acme",
        "--package",
        "acme/widget",
    ];
    for (variables, expected) in [
        (vec![("PRIVATE_PACKAGIST_API_KEY", "k"), ("PRIVATE_PACKAGIST_API_SECRET", "s")], Some("k:s\n")),
        (vec![("PRIVATE_PACKAGIST_API_KEY", "k")], None),
        (vec![], None),
    ] {
        let mut command = Command::new(PROGRAM);
        command.arg("token").args(target).env_clear().envs(variables);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert_eq!(output.status.success(), expected.is_some());
        assert_eq!(text(&output.stdout), expected.unwrap_or_default());
        assert!(text(&output.stderr).contains("PRIVATE_PACKAGIST_API_KEY"), "{}", text(&output.stderr));
    }
}
