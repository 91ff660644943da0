//! The client of RFC 8693 against an authorization server of another implementation: node-oidc-provider, in a folder that
//! `TEST_OIDC_PROVIDER` names. It is not among the clients that CI installs, so that these tests are run by hand.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Where the server is is told by a variable, and it is waited for by the wall clock.
#![allow(clippy::disallowed_methods)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use ci_issuer::{Fault, GITHUB, Running, Settings};
use oidc_core::Context;
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

#[ignore = "needs node and a folder with oidc-provider, in TEST_OIDC_PROVIDER"]
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

#[ignore = "needs node and a folder with oidc-provider, in TEST_OIDC_PROVIDER"]
#[tokio::test]
async fn a_server_of_another_implementation_refuses_an_expired_token_with_its_reason() {
    let settings = Settings { fault: Some(Fault::Expired), ..Settings::new(&GITHUB) };
    let issuer = Running::start(settings, &Context::system().unwrap()).await.unwrap();
    let (_server, url) = server(&issuer).await;
    let output = run(&issuer, "token", &url, &["--owner", "ci"]).await;
    assert!(!output.status.success(), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("the subject token is not accepted"), "{}", text(&output.stderr));
}
