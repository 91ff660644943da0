//! The client of RFC 8693 against two authorization servers: `registry`'s own, with the real npm and twine under
//! `trusted-publish exec`, and one of another implementation, node-oidc-provider, in a folder that `TEST_OIDC_PROVIDER` names.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Where the server is is told by a variable, and it is waited for by the wall clock.
#![allow(clippy::disallowed_methods)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use ci_issuer::{Fault, GITHUB, Running, Settings};
use needs::needs;
use oidc_core::Context;
use oidc_core::http::Request;
use oidc_exchange::client::{Failure, IdentityPublishToken, PublishRequest, TokenExchange};
use oidc_exchange::token_exchange::metadata_url;
use tests::clients::Tool;
use tests::http;
use tests::scene::{Scene, borrowed, package, refused_jobs, same_token};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// A port that is free now.
fn port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts the server for the issuer's tokens.
async fn server(issuer: &Running) -> (tokio::process::Child, String) {
    let folder = std::env::var_os("TEST_OIDC_PROVIDER").expect("TEST_OIDC_PROVIDER names the folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oidc-provider/server.mjs");
    let port = port();
    let url = format!("http://127.0.0.1:{port}");
    let issuer = issuer.env().iter().find(|(name, _)| name == "ACTIONS_ID_TOKEN_REQUEST_URL").unwrap();
    let issuer = issuer.1.split("/token").next().unwrap();
    let mut child = tokio::process::Command::new("node")
        .arg(script)
        .args([issuer, &url])
        .current_dir(folder)
        .env("PORT", port.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line == url {
            return (child, url);
        }
    }
    panic!("the server does not start");
}

async fn run(issuer: &Running, command: &str, url: &str, more: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tested-trusted-publish"));
    program.args([command, "--registry", "token-exchange", "--url", url]).args(more).env_clear();
    program.envs(issuer.env().iter().map(|(name, value)| (name, value)));
    tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[needs(oidc_provider)]
#[tokio::test]
async fn a_server_of_another_implementation_is_found_and_exchanges_tokens() {
    let issuer = Running::start(Settings::new(&GITHUB), &Context::system().unwrap()).await.unwrap();
    let (_server, url) = server(&issuer).await;
    let output = run(&issuer, "token", &url, &["--owner", "ci"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let token = text(&output.stdout).trim();
    assert!(token.len() > 20 && token.is_ascii(), "{token}");
    let output = run(&issuer, "doctor", &url, &["--owner", "ci"]).await;
    assert!(output.status.success(), "{}", text(&output.stdout));
    // The same endpoint, named instead of found.
    let endpoint = format!("{url}/token");
    let output = run(&issuer, "token", &url, &["--owner", "ci", "--token-endpoint", &endpoint]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    // Its refusals are told: no client, an unknown one, and a token for somebody else.
    for (more, part) in [
        (vec![], "no client authentication mechanism provided"),
        (vec!["--owner", "nobody"], "client"),
        (vec!["--owner", "ci", "--audience", "elsewhere"], "the subject token is not accepted"),
        (vec!["--owner", "ci", "--token-endpoint", &format!("{url}/nowhere")], "404"),
    ] {
        let output = run(&issuer, "token", &url, &more).await;
        let error = text(&output.stderr);
        assert!(!output.status.success() && error.contains(part), "{more:?}: {error}");
    }
}

#[needs(oidc_provider)]
#[tokio::test]
async fn a_server_of_another_implementation_refuses_an_expired_token_with_its_reason() {
    let settings = Settings { fault: Some(Fault::Expired), ..Settings::new(&GITHUB) };
    let issuer = Running::start(settings, &Context::system().unwrap()).await.unwrap();
    let (_server, url) = server(&issuer).await;
    let output = run(&issuer, "token", &url, &["--owner", "ci"]).await;
    assert!(!output.status.success(), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("the subject token is not accepted"), "{}", text(&output.stderr));
}

const PACKAGES: [&str; 4] = ["@acme/widget", "pypi:my-widget", "cargo:widget", "rubygems:widget"];

/// The authorization server of an ecosystem of `registry`.
fn authorization_server(scene: &Scene, ecosystem: &str) -> String {
    format!("{}-/token-exchange/{ecosystem}", scene.url())
}

async fn publish_token(scene: &Scene, ecosystem: &str) -> Result<IdentityPublishToken, Failure> {
    let client = TokenExchange::at(&authorization_server(scene, ecosystem)).unwrap();
    let job = scene.cx.clone().with_environment(borrowed(scene.issuer.env()).into_iter().collect());
    let (request, providers) = (PublishRequest::identity(), oidc_providers::all());
    oidc_exchange::publish_token(&client, request, &providers, &job).await
}

#[tokio::test]
async fn every_ecosystem_of_a_registry_is_found_and_exchanges_tokens_at_the_root_and_below_a_path() {
    for prefix in ["", "/acme/index"] {
        let scene = Scene::start(Settings::new(&GITHUB), prefix, &PACKAGES, "").await;
        for (count, ecosystem) in (1..).zip(["npm", "pypi", "cargo", "rubygems"]) {
            let token = publish_token(&scene, ecosystem).await.unwrap();
            assert!(token.expires_at().is_some(), "{ecosystem}");
            assert_eq!(scene.count("oidc_token").await, count, "{ecosystem}");
        }
        // A token of one ecosystem publishes in no other, and in its own it does.
        let uploaded = |token: &IdentityPublishToken| {
            let token = token.secret().expose().to_owned();
            http::send(&scene.cx, http::publish(&scene.url(), "@acme/widget", "1.0.0", &token))
        };
        let other = uploaded(&publish_token(&scene, "pypi").await.unwrap()).await;
        assert!((400..500).contains(&other.status), "{}", other.status);
        let own = uploaded(&publish_token(&scene, "npm").await.unwrap()).await;
        assert_eq!(own.status, 201, "{}", text(&own.body));
    }
}

#[tokio::test]
async fn the_registrys_refusals_have_the_codes_of_rfc_6749_and_say_why() {
    for (settings, rules, part) in refused_jobs() {
        let scene = Scene::start(settings, "", &PACKAGES, rules).await;
        let error = publish_token(&scene, "npm").await.unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("400"), "{error}");
        assert_eq!(scene.count("oidc_token").await, 0);
    }
    let scene = Scene::start(same_token(), "", &PACKAGES, "").await;
    publish_token(&scene, "npm").await.unwrap();
    let replayed = publish_token(&scene, "npm").await.unwrap_err().to_string();
    assert!(replayed.contains("already used"), "{replayed}");

    let scene = Scene::start(Settings::new(&GITHUB), "", &PACKAGES, "").await;
    let server = authorization_server(&scene, "npm");
    let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token";
    // A token for npm's own exchange is none for this endpoint, nor is that for another ecosystem.
    let (npm, pypi) = (scene.token(&scene.audience()), scene.token(&authorization_server(&scene, "pypi")));
    let of_npm = format!("grant_type={grant}&subject_token_type={kind}&subject_token={npm}");
    let of_pypi = format!("grant_type={grant}&subject_token_type={kind}&subject_token={pypi}");
    let own = scene.token(&server);
    let scoped = format!("grant_type={grant}&subject_token_type={kind}&subject_token={own}&scope=publish");
    let foreign = format!(
        "grant_type={grant}&subject_token_type={kind}&subject_token={own}&resource=https://evil.example"
    );
    for (form, code, part) in [
        ("grant_type=client_credentials", "unsupported_grant_type", "grant_type"),
        ("", "invalid_request", "grant_type"),
        (of_npm.as_str(), "invalid_request", "audience"),
        (of_pypi.as_str(), "invalid_request", "audience"),
        (scoped.as_str(), "invalid_scope", "scopes"),
        (foreign.as_str(), "invalid_target", "resource"),
    ] {
        let endpoint = http::url(&server, "/oauth/token");
        let request = Request::post(endpoint).body("application/x-www-form-urlencoded", form);
        let answer = http::send(&scene.cx, request).await;
        let body = http::body(&answer);
        assert_eq!((answer.status, body["error"].as_str().unwrap()), (400, code), "{form}: {body}");
        assert!(body["error_description"].as_str().unwrap().contains(part), "{form}: {body}");
    }
    assert_eq!(scene.count("oidc_token").await, 0);
}

#[tokio::test]
async fn the_metadata_of_an_ecosystem_are_at_the_hosts_root() {
    for prefix in ["", "/acme/index"] {
        let scene = Scene::start(Settings::new(&GITHUB), prefix, &PACKAGES, "").await;
        for ecosystem in ["npm", "pypi", "cargo", "rubygems"] {
            let issuer = authorization_server(&scene, ecosystem);
            let url = metadata_url(&oidc_core::HttpUrl::parse(&issuer).unwrap());
            let metadata = http::body(&http::send(&scene.cx, Request::get(url)).await);
            assert_eq!(metadata["issuer"], issuer);
            assert_eq!(metadata["token_endpoint"], format!("{issuer}/oauth/token"));
        }
        let root = scene.registry.public_url().at_root();
        let nowhere = http::get(root.as_str(), "/.well-known/oauth-authorization-server");
        assert!((400..500).contains(&http::send(&scene.cx, nowhere).await.status));
    }
}

/// Tools publish at the registry's URL with a token of its authorization server, which is named by its endpoint.
#[needs(npm, twine)]
#[tokio::test]
async fn npm_and_twine_publish_with_a_token_of_the_registrys_authorization_server() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &PACKAGES, "").await;
    let npm = Tool::Npm.find().await;
    let folder = package(&npm, "@acme/widget", "1.0.0", "");
    let path = npm.path_first();
    let mut variables = borrowed(scene.issuer.env());
    variables.push(("PATH", path.to_str().unwrap()));
    let twine = Tool::Twine.find().await;
    let (project, file) = tests::astray::project(&twine).await;
    let upload = ["upload", "--non-interactive", &file];
    for (tool, folder, tools, url, command) in [
        (&npm, &folder, "npm", scene.url(), ["publish"].as_slice()),
        (&twine, &project, "pypi", format!("{}legacy/", scene.url()), upload.as_slice()),
    ] {
        let server = authorization_server(&scene, tools);
        let endpoint = format!("{server}/oauth/token");
        let to = ["--registry", "token-exchange", "--tools", tools, "--url", &url];
        let by = ["--token-endpoint", &endpoint, "--audience", &server, "--trusted-publishing", "always"];
        tool.publish(folder, &variables, &[to, by].concat(), command).await.succeeded();
    }
    assert!(scene.registry.npm().published_by("@acme/widget", "1.0.0").await.unwrap().is_some());
    assert_ne!(scene.count("hosted_file").await, 0);
}
