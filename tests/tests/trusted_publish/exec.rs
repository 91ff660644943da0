//! `trusted-publish exec` and the token that it hands out: told of in time, and ended whatever becomes of the command.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
// Where `sh` is is told by a variable; the commands are real, and so is their time.
#![allow(clippy::disallowed_methods)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use ci_issuer::{GITHUB, Running, Settings};
use oidc_core::Context;
use serde_json::json;
use tests::programs::{Signal, send};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tested-trusted-publish");
const TOKEN: &str = "pypi-hunter2";

/// An index whose tokens live so many seconds, and that ends them with this status.
#[derive(Clone, Copy)]
struct Index {
    lifetime: Option<u64>,
    burned: u16,
    /// The time until it gives a token.
    pause: Duration,
}

const INDEX: Index = Index { lifetime: Some(900), burned: 202, pause: Duration::ZERO };

/// An index that runs, and what it was asked.
struct Served {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Served {
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The number of tokens that were made and revoked.
    fn counts(&self) -> (usize, usize) {
        let count = |path: &str| self.asked().iter().filter(|asked| *asked == path).count();
        (count("/_/oidc/mint-token"), count("/_/oidc/burn-token"))
    }
}

impl Index {
    async fn serve(self) -> Served {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/legacy/", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&asked);
        let router = Router::new().fallback(move |request: Request| async move {
            let path = request.uri().path().to_owned();
            seen.lock().unwrap().push(path.clone());
            self.answer(&path).await
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Served { url, asked }
    }

    async fn answer(self, path: &str) -> (StatusCode, String) {
        let now = Context::system().unwrap().clock().now().as_secs();
        match path {
            "/_/oidc/audience" => (StatusCode::OK, json!({ "audience": "pypi" }).to_string()),
            "/_/oidc/mint-token" => {
                tokio::time::sleep(self.pause).await;
                let expires = self.lifetime.map(|lifetime| now + lifetime);
                (StatusCode::OK, json!({ "token": TOKEN, "expires": expires }).to_string())
            }
            "/_/oidc/burn-token" => {
                let status = StatusCode::from_u16(self.burned).unwrap();
                (status, json!({ "message": format!("not now, {TOKEN}") }).to_string())
            }
            _ => (StatusCode::NOT_FOUND, String::new()),
        }
    }
}

async fn issuer() -> Running {
    Running::start(Settings::new(&GITHUB), &Context::system().unwrap()).await.unwrap()
}

fn exec(issuer: &Running, url: &str, script: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["exec", "--registry", "pypi", "--url", url, "--", "sh", "-c", script]);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.envs(issuer.env().iter().map(|(name, value)| (name, value)));
    command
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The messages to the user, without those to GitHub and without the first one, which says which registry the token is valid for.
fn said(stderr: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(stderr).unwrap();
    let mut lines = text.lines().filter(|line| !line.starts_with("::add-mask::")).map(str::to_owned);
    assert!(lines.next().unwrap().contains("the token is valid for http://127.0.0.1:"), "{text}");
    let is_of_poetry = |line: &String| line.starts_with("trusted-publish: poetry can't be told");
    lines.filter(|line| !is_of_poetry(line)).collect()
}

#[tokio::test]
async fn the_user_is_told_before_the_command_runs_how_long_the_token_lives() {
    let issuer = issuer().await;
    for (lifetime, expected) in
        [(Some(900), "15 minutes"), (Some(3601), "60 minutes"), (None, "15 minutes"), (Some(90), "s,")]
    {
        let index = Index { lifetime, ..INDEX }.serve().await;
        let output = output(exec(&issuer, &index.url, "echo it ran >&2")).await;
        let said = said(&output.stderr);
        assert_eq!(said.len(), 2, "{said:?}");
        // The clock may have moved on by a second.
        let is_told =
            said[0].contains(expected) || said[0].contains("14 minutes") || said[0].contains("59 minutes");
        assert!(said[0].starts_with("trusted-publish: the token ends in ") && is_told, "{said:?}");
        assert_eq!(said[1], "it ran");
        assert_eq!(index.counts(), (1, 1));
    }
}

#[tokio::test]
async fn the_user_is_told_once_more_shortly_before_the_end_while_the_command_still_runs() {
    let issuer = issuer().await;
    let index = Index { lifetime: Some(4), ..INDEX }.serve().await;
    let output = output(exec(&issuer, &index.url, "sleep 5; echo done >&2; exit 3")).await;
    let said = said(&output.stderr);
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].contains("the token ends in") && said[1].contains("still running"), "{said:?}");
    assert_eq!((said[2].as_str(), output.status.code()), ("done", Some(3)));
    assert_eq!(index.counts(), (1, 1), "an ended token is ended all the same, and no second one is made");
}

#[tokio::test]
async fn a_token_is_ended_after_success_failure_and_a_signal_of_the_commands_own() {
    let issuer = issuer().await;
    for (script, status) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("kill -TERM $$", 128 + 15),
        ("kill -KILL $$", 128 + 9),
        ("kill -HUP $$", 128 + 1),
        ("no-such-command-here", 127),
    ] {
        let index = INDEX.serve().await;
        let output = output(exec(&issuer, &index.url, script)).await;
        assert_eq!((output.status.code(), index.counts()), (Some(status), (1, 1)), "{script}");
        assert_eq!(index.asked().last().unwrap(), "/_/oidc/burn-token");
    }
    let index = INDEX.serve().await;
    let mut command = exec(&issuer, &index.url, "true");
    command = {
        let mut missing = Command::new(PROGRAM);
        missing.args(["exec", "--registry", "pypi", "--url", &index.url, "--", "no-such-command-here"]);
        missing.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        missing
    };
    let output = output(command).await;
    assert_eq!((output.status.code(), index.counts()), (Some(1), (1, 1)), "{output:?}");
}

/// Starts the command and waits until it says that it is ready.
fn ready(command: &mut Command) -> Child {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

#[tokio::test]
async fn a_token_is_ended_whatever_signal_asks_for_an_end() {
    let issuer = issuer().await;
    for (signal, name, number) in
        [(Signal::INT, "INT", 2), (Signal::TERM, "TERM", 15), (Signal::HUP, "HUP", 1)]
    {
        for is_trapped in [true, false] {
            let index = INDEX.serve().await;
            let trap = if is_trapped { format!("trap 'exit 3' {name}; ") } else { String::new() };
            let mut command =
                exec(&issuer, &index.url, &format!("{trap}echo ready; while :; do sleep 0.05; done"));
            let status = tokio::task::spawn_blocking(move || {
                let mut child = ready(&mut command);
                send(signal, child.id());
                child.wait().unwrap()
            });
            let status = status.await.unwrap();
            let expected = if is_trapped { 3 } else { 128 + number };
            assert_eq!((status.code(), index.counts()), (Some(expected), (1, 1)), "{signal:?} {is_trapped}");
        }
    }
}

#[tokio::test]
async fn a_command_that_lives_through_signals_is_waited_for() {
    let issuer = issuer().await;
    let index = INDEX.serve().await;
    let script = "trap '' INT TERM HUP; echo ready; sleep 0.5; exit 4";
    let mut command = exec(&issuer, &index.url, script);
    let status = tokio::task::spawn_blocking(move || {
        let mut child = ready(&mut command);
        for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::INT] {
            send(signal, child.id());
        }
        child.wait().unwrap()
    });
    assert_eq!((status.await.unwrap().code(), index.counts()), (Some(4), (1, 1)));
}

#[tokio::test]
async fn a_signal_before_there_is_a_token_ends_it_all_at_once() {
    let issuer = issuer().await;
    let index = Index { pause: Duration::from_secs(20), ..INDEX }.serve().await;
    let mut command = exec(&issuer, &index.url, "echo it ran");
    let asked = Arc::clone(&index.asked);
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        while !asked.lock().unwrap().iter().any(|path| path == "/_/oidc/mint-token") {
            std::thread::sleep(Duration::from_millis(20));
        }
        let before = Instant::now();
        send(Signal::TERM, child.id());
        let status = child.wait().unwrap();
        let mut printed = String::new();
        child.stdout.unwrap().read_to_string(&mut printed).unwrap();
        (status, printed, before.elapsed())
    });
    let (status, printed, took) = ended.await.unwrap();
    assert_eq!((status.code(), status.signal(), printed.as_str()), (Some(128 + 15), None, ""));
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn a_revocation_that_fails_is_reported_and_changes_no_exit_status() {
    let issuer = issuer().await;
    for (burned, is_reported) in [(202, false), (404, false), (500, true), (403, true), (302, true)] {
        for status in [0, 9] {
            let index = Index { burned, ..INDEX }.serve().await;
            let output = output(exec(&issuer, &index.url, &format!("exit {status}"))).await;
            assert_eq!((output.status.code(), index.counts()), (Some(status), (1, 1)), "{burned}");
            let said = said(&output.stderr).join("\n");
            assert_eq!(said.contains("was not revoked"), is_reported, "{burned}: {said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}

#[tokio::test]
async fn nobody_who_reads_is_no_reason_to_keep_a_token() {
    let issuer = issuer().await;
    let index = Index { burned: 500, ..INDEX }.serve().await;
    let mut command = exec(&issuer, &index.url, "exit 6");
    command.env_remove("GITHUB_ACTIONS");
    // Without GitHub's own variable it is no job there; the token comes by a variable instead.
    let token = issuer.token("pypi", &ci_issuer::Changes::default());
    command.env("PYPI_ID_TOKEN", token);
    let status = tokio::task::spawn_blocking(move || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(Stdio::null()).stderr(writer).status().unwrap()
    });
    assert_eq!((status.await.unwrap().code(), index.counts()), (Some(6), (1, 1)));
}
