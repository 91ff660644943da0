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
        "/.well-known/oauth-authorization-server" => {
            json!({ "issuer": root, "token_endpoint": format!("{root}/oauth/token") })
        }
        "/oauth/token" | "/access/api/v1/oidc/token" => json!({ "access_token": TOKEN, "expires_in": 900 }),
        "/openid/acme/" | "/oidc/mint-token" => json!({ "token": TOKEN }),
        "/v1/trusted-publishing/audience" => json!({ "audience": "an-index" }),
        "/v1/trusted-publishing/acme/main/mint-token" => json!({ "token": TOKEN }),
        "/v0/auth/github-oidc" => json!({ "registry_token": TOKEN }),
        _ => json!({}),
    };
    (StatusCode::OK, body.to_string())
}

async fn run(issuer: &Running, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    // Where no manifest names a package.
    command.current_dir("/");
    command.envs(issuer.env().iter().map(|(name, value)| (name, value)));
    // A static credential, which must not be used.
    command.env("TWINE_PASSWORD", "static");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The arguments beside the URL, and the command's variables.
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
        "token-exchange" => (vec![], vec![("TRUSTED_PUBLISH_TOKEN", TOKEN)]),
        "docker-hub" => (vec!["--owner", "an-id"], vec![("DOCKERHUB_TOKEN", TOKEN)]),
        "jfrog" => (vec!["--owner", "github"], vec![("JF_ACCESS_TOKEN", TOKEN)]),
        "hex" => (vec!["--package", "widget"], vec![("HEX_API_KEY", TOKEN)]),
        "cloudsmith" => (vec!["--owner", "acme/ci"], vec![("CLOUDSMITH_API_KEY", TOKEN)]),
        "mcp-registry" => (vec![], vec![("MCP_REGISTRY_TOKEN", TOKEN)]),
        "pyx" => (vec![], vec![("UV_PUBLISH_TOKEN", TOKEN)]),
        "identity-token" => (vec!["--audience", "api.own.example"], vec![("TRUSTED_PUBLISH_TOKEN", "eyJ")]),
        other => panic!("{other} has no row in this test"),
    }
}

/// The way to a tool that reads no variable, as `exec` tells it.
fn advice(name: &str) -> &'static str {
    match name {
        "docker-hub" => {
            "`printenv DOCKERHUB_TOKEN | docker login --username ORGANIZATION --password-stdin`, and log out"
        }
        "mcp-registry" => "`mcp-publisher login github-oidc`",
        _ => "",
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
        let url = if name == "pyx" { format!("{url}/v1/upload/acme/main") } else { url.clone() };
        let target = [&["--registry", &name, "--url", &url], options.as_slice()].concat();

        let output = run(&issuer, &[&["token"], target.as_slice()].concat()).await;
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        let printed = text(&output.stdout);
        let expected = match name.as_str() {
            "packagist" => format!("a-key:{TOKEN}\n"),
            "jsr" | "pub-dev" | "identity-token" => printed.to_owned(),
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
        assert!(text(&output.stderr).contains(advice(&name)), "{name}: {}", text(&output.stderr));

        let output = run(&issuer, &[&["doctor"], target.as_slice(), &["--format", "json"]].concat()).await;
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        // Where nothing is exchanged, nothing was tried.
        let is_itself = matches!(name.as_str(), "jsr" | "pub-dev" | "identity-token");
        let expected = if is_itself { (1, "untried") } else { (0, "accepted") };
        let found = (output.status.code().unwrap(), report["verdict"].as_str().unwrap());
        assert_eq!(found, expected, "{name}: {report}");
        assert!(!report.to_string().contains("hunter2"));
    }
}

/// A service with packages of several kinds gives one token, and its tools are told the URL that they publish at.
#[tokio::test]
async fn the_tools_of_a_service_are_told_the_token_and_the_url() {
    let root = registry().await;
    let issuer = Running::start(Settings::new(&GITHUB), &Context::system().unwrap()).await.unwrap();
    let npm = format!("{root}/artifactory/api/npm/npm-local/");
    let python = format!("{root}/acme/main/");
    let bearer = format!("Bearer {TOKEN}");
    for (service, owner, tools, url, expected) in [
        ("jfrog", "github", "npm", &npm, vec![("YARN_NPM_AUTH_TOKEN", TOKEN), ("npm_config_registry", &npm)]),
        (
            "jfrog",
            "github",
            "pypi",
            &python,
            vec![("TWINE_PASSWORD", TOKEN), ("TWINE_REPOSITORY_URL", &python)],
        ),
        (
            "cloudsmith",
            "acme/ci",
            "pypi",
            &python,
            vec![("UV_PUBLISH_TOKEN", TOKEN), ("UV_PUBLISH_URL", &python)],
        ),
        ("cloudsmith", "acme/ci", "rubygems", &root, vec![("GEM_HOST_API_KEY", TOKEN)]),
        ("jfrog", "github", "crates-io", &root, vec![("CARGO_REGISTRIES_TRUSTED_PUBLISH_TOKEN", &bearer)]),
    ] {
        let target =
            ["exec", "--registry", service, "--url", url, "--owner", owner, "--tools", tools, "--", "env"];
        let output = run(&issuer, &target).await;
        assert!(output.status.success(), "{service} {tools}: {}", text(&output.stderr));
        let seen = text(&output.stdout);
        for (variable, value) in expected {
            let line = format!("{variable}={value}");
            assert!(seen.lines().any(|seen| seen == line), "{service} {tools}: no {line} in {seen}");
        }
        assert!(!seen.contains("JF_ACCESS_TOKEN") && !seen.contains("CLOUDSMITH_API_KEY"), "{seen}");
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
        (&["--registry", "docker-hub"], "--owner"),
        (&["--registry", "jfrog"], "--owner"),
        (&["--registry", "cloudsmith", "--owner", "acme"], "two names"),
        (&["--registry", "hex"], "--package"),
        (&["--registry", "pyx"], "/v1/upload/WORKSPACE/REGISTRY"),
        (&["--registry", "token-exchange", "--token-endpoint", "https://evil.example/"], "--token-endpoint"),
        (&["--registry", "npm", "--package", "x", "--audience", "other"], "--audience"),
        (&["--registry", "jfrog", "--owner", "x", "--tools", "docker-hub"], "--tools"),
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
async fn a_protocol_without_a_public_registry_needs_a_url() {
    let issuer = Running::start(Settings::new(&GITHUB), &Context::system().unwrap()).await.unwrap();
    for name in ["token-exchange", "jfrog", "pyx", "identity-token"] {
        for command in ["token", "doctor"] {
            let output = run(&issuer, &[command, "--registry", name, "--owner", "x"]).await;
            let error = text(&output.stderr);
            assert!(!output.status.success() && error.contains("--url"), "{name}: {error}");
        }
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
