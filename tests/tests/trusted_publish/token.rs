//! The program `trusted-publish`, run as a job would run it, against an issuer and a small registry.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
// Where the clients are is told by variables.
#![allow(clippy::disallowed_methods)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::IntoResponse as _;
use ci_issuer::{AZURE, Changes, Fault, GITHUB, GITLAB, Platform, Running, Settings};
use needs::needs;
use oidc_core::Context;
use tempfile::TempDir;

use tests::clients::Tool;
use tests::programs::{Signal, send};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tested-trusted-publish");
const TOKEN: &str = "npm_short-lived-hunter2";
const AUDIENCE: &str = "npm:127.0.0.1";

/// A registry that takes any identity token, and packages from whoever has its publish token.
#[derive(Clone, Debug, Default)]
struct Registry {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let registry = Self { url, asked: Arc::default() };
        let router = Router::new().fallback({
            let registry = registry.clone();
            move |request: Request| async move { registry.answer(&request).into_response() }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        registry
    }

    fn answer(&self, request: &Request) -> (StatusCode, String) {
        let (method, path) = (request.method(), request.uri().path());
        self.asked.lock().unwrap().push(format!("{method} {path}"));
        let bearer = request.headers().get("authorization").map(|value| value.to_str().unwrap());
        let is_exchange = path.contains("/-/npm/v1/oidc/token/exchange/package/");
        match (method, bearer) {
            _ if path.ends_with("/stranger") => {
                (StatusCode::NOT_FOUND, r#"{"message":"package not found"}"#.into())
            }
            (&Method::POST, Some(bearer)) if is_exchange && bearer.starts_with("Bearer ey") => {
                (StatusCode::CREATED, format!(r#"{{"token":"{TOKEN}"}}"#))
            }
            (&Method::PUT, Some(bearer)) if bearer == format!("Bearer {TOKEN}") => {
                (StatusCode::CREATED, "{}".into())
            }
            (&Method::GET, _) => (StatusCode::NOT_FOUND, "{}".into()),
            _ => (StatusCode::UNAUTHORIZED, r#"{"message":"who are you?"}"#.into()),
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn issuer(platform: &'static Platform) -> Running {
    let audiences = if platform.name == "gitlab" { vec![AUDIENCE.to_owned()] } else { Vec::new() };
    let settings = Settings { audiences, ..Settings::new(platform) };
    Running::start(settings, &Context::system().unwrap()).await.unwrap()
}

/// The program in a job of the issuer's platform, with a home of its own.
struct Job {
    home: TempDir,
    variables: Vec<(String, String)>,
}

impl Job {
    fn of(issuer: &Running) -> Self {
        Self { home: tempfile::tempdir().unwrap(), variables: issuer.env().to_vec() }
    }

    fn nowhere() -> Self {
        Self { home: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(self.home.path()).env_clear().env("HOME", self.home.path());
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the program in another thread, so that issuer and registry can answer.
    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn token(&self, url: &str, more: &[&str]) -> Output {
        self.run(&[&["token", "--registry", "npm", "--url", url, "--package", "@acme/widget"], more].concat())
            .await
    }

    async fn exec(&self, url: &str, command: &[&str]) -> Output {
        self.run(&[&exec(url), ["--"].as_slice(), command].concat()).await
    }
}

fn exec(url: &str) -> [&str; 7] {
    ["exec", "--registry", "npm", "--url", url, "--package", "@acme/widget"]
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The one line that a failure prints.
#[track_caller]
fn failure(output: &Output) -> &str {
    let printed = text(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    // A wait of some seconds before another try is told; whether there is one is a matter of chance.
    let is_wait = |line: &&str| line.starts_with("trusted-publish: no usable answer yet; ");
    let mut lines = printed.lines().filter(|line| !is_wait(line));
    let error = lines.next().unwrap_or_default();
    assert!(error.starts_with("trusted-publish: ") && lines.next().is_none(), "{printed}");
    assert!(!error.contains("hunter2") && !error.contains("eyJ"), "{error}");
    error
}

#[tokio::test]
async fn the_token_alone_is_on_standard_output_and_masked_on_github() {
    let registry = Registry::start().await;
    for (platform, mask) in [(&GITHUB, format!("::add-mask::{TOKEN}\n")), (&GITLAB, String::new())] {
        let issuer = issuer(platform).await;
        for path in ["", "/", "/npm", "/npm/"] {
            let output = Job::of(&issuer).token(&format!("{}{path}", registry.url), &[]).await;
            assert_eq!(text(&output.stdout), format!("{TOKEN}\n"), "{output:?}");
            assert_eq!(text(&output.stderr), mask);
            assert!(output.status.success());
        }
    }
    let asked = registry.asked();
    assert_eq!(asked[0], "POST /-/npm/v1/oidc/token/exchange/package/@acme%2fwidget");
    assert_eq!(asked[3], "POST /npm/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget");
}

/// A platform whose jobs can't choose the audience is used where the caller says so, and not before.
#[tokio::test]
async fn a_fixed_audience_is_presented_where_it_is_named() {
    let registry = Registry::start().await;
    let issuer = issuer(&AZURE).await;
    let url = registry.url.as_str();
    let refused = Job::of(&issuer).token(url, &["--trusted-publishing", "always"]).await;
    assert!(failure(&refused).contains("every service that gets one could publish with it"));
    let other = ["--trusted-publishing", "always", "--fixed-audience", "api://somebody-else"];
    failure(&Job::of(&issuer).token(url, &other).await);
    assert_eq!(registry.asked(), [""; 0], "nothing was sent");
    let output = Job::of(&issuer).token(url, &["--fixed-audience", "api://AzureADTokenExchange"]).await;
    assert_eq!(text(&output.stdout), format!("{TOKEN}\n"), "{output:?}");
}

#[tokio::test]
async fn a_command_sees_the_token_and_not_the_means_to_ask_for_another() {
    const PRINT: &[&str] = &["env"];
    const MEANS: [&str; 4] =
        ["CIRCLE_OIDC_TOKEN_V2", "BUILDKITE_AGENT_ACCESS_TOKEN", "CI_JOB_JWT", "AZURE_FEDERATED_TOKEN_FILE"];
    let registry = Registry::start().await;
    let url = format!("{}/npm/", registry.url);
    for platform in [&GITHUB, &GITLAB] {
        let issuer = issuer(platform).await;
        let mut job =
            Job::of(&issuer).with("SIGSTORE_ID_TOKEN", "s").with("NPM_TOKEN", "old").with("MY_OWN", "kept");
        for name in MEANS {
            job = job.with(name, "means");
        }
        job = job.with("FOR_THE_VAULT", &issuer.token("vault", &Changes::default()));
        let output = job.exec(&url, PRINT).await;
        let seen = text(&output.stdout);
        let key = format!("npm_config_//{}/npm/:_authToken", registry.url.trim_start_matches("http://"));
        for name in [key.as_str(), "NODE_AUTH_TOKEN", "NPM_TOKEN", "YARN_NPM_AUTH_TOKEN"] {
            assert!(seen.lines().any(|line| line == format!("{name}={TOKEN}")), "{name}: {seen}");
        }
        assert!(seen.contains("\nMY_OWN=kept\n"), "{seen}");
        assert!(!seen.contains("ACTIONS_ID_TOKEN_REQUEST_") && !seen.contains("_ID_TOKEN="), "{seen}");
        assert!(!seen.contains("=means\n") && !seen.contains("FOR_THE_VAULT"), "{seen}");
        if platform.name == "github" {
            assert!(text(&output.stderr).starts_with("::add-mask::"));
        }

        let output = job.run(&[&exec(&url), ["--pass-identity", "--"].as_slice(), PRINT].concat()).await;
        assert!(text(&output.stdout).contains("SIGSTORE_ID_TOKEN=s\n"));
    }
}

#[tokio::test]
async fn a_commands_exit_status_is_passed_on() {
    let (registry, issuer) = (Registry::start().await, issuer(&GITLAB).await);
    let job = Job::of(&issuer);
    for (script, status) in [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", 128 + 9)] {
        assert_eq!(
            job.exec(&registry.url, &["sh", "-c", script]).await.status.code(),
            Some(status),
            "{script}"
        );
    }
    let missing = job.exec(&registry.url, &["no-such-command-here"]).await;
    assert!(!missing.status.success());
    assert!(text(&missing.stderr).lines().last().unwrap().contains("no-such-command-here"));
}

#[tokio::test]
async fn signals_are_handed_on_to_the_command() {
    let (registry, issuer) = (Registry::start().await, issuer(&GITLAB).await);
    let job = Job::of(&issuer);
    for (signal, name, trapped, status) in [
        (Signal::TERM, "TERM", true, 3),
        (Signal::INT, "INT", true, 3),
        (Signal::TERM, "TERM", false, 128 + 15),
    ] {
        let trap = if trapped { format!("trap 'exit 3' {name}; ") } else { String::new() };
        let script = format!("{trap}echo ready; while :; do sleep 0.05; done");
        let mut command =
            job.command(&[&exec(&registry.url), ["--", "sh", "-c", &script].as_slice()].concat());
        let ended = tokio::task::spawn_blocking(move || {
            let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            assert_eq!(line, "ready\n");
            send(signal, child.id());
            child.wait().unwrap()
        });
        assert_eq!(ended.await.unwrap().code(), Some(status), "{signal:?} {trapped}");
    }
}

#[tokio::test]
async fn automatic_falls_back_with_the_reason_always_fails_and_never_asks() {
    let (registry, issuer) = (Registry::start().await, issuer(&GITHUB).await);
    let stranger = ["token", "--registry", "npm", "--url", &registry.url, "--package", "stranger"];
    let job = Job::of(&issuer).with("NODE_AUTH_TOKEN", "static");
    let output = job.run(&stranger).await;
    assert_eq!(text(&output.stdout), "static\n");
    let (mask, note) = text(&output.stderr).split_once('\n').unwrap();
    assert_eq!(mask, "::add-mask::static");
    assert!(note.contains("NODE_AUTH_TOKEN") && note.contains("package not found"), "{note}");

    // The command has it where it was, and nowhere else: no variable of this registry's holds it.
    let exec = [&["exec"], &stranger[1..], &["--", "env"]].concat();
    let output = job.run(&exec).await;
    let seen: Vec<&str> = text(&output.stdout).lines().filter(|line| line.contains("static")).collect();
    assert_eq!(seen, ["NODE_AUTH_TOKEN=static"]);

    let always = job.run(&[&stranger, ["--trusted-publishing", "always"].as_slice()].concat()).await;
    assert!(failure(&always).contains("package not found"));

    let before = registry.asked().len();
    let never = job.run(&[&stranger, ["--trusted-publishing", "never"].as_slice()].concat()).await;
    assert_eq!(text(&never.stdout), "static\n");
    assert_eq!(registry.asked().len(), before);

    // A registry's own token may be made as an identity token is.
    let made_alike = "e30.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoidmF1bHQiLCJleHAiOjF9.c2ln";
    let job =
        Job::of(&issuer).with("NODE_AUTH_TOKEN", made_alike).with("OF_THE_VAULT", &format!(" {made_alike}"));
    let output = job.run(&exec).await;
    let seen: Vec<&str> = text(&output.stdout).lines().filter(|line| line.contains(made_alike)).collect();
    assert_eq!(seen, [format!("NODE_AUTH_TOKEN={made_alike}")]);

    // Without a credential the command is not run at all.
    let output = Job::nowhere().exec(&registry.url, &["sh", "-c", "echo it ran"]).await;
    assert!(failure(&output).contains("not a job of a platform"));
}

#[tokio::test]
async fn failure_is_one_line_on_standard_error() {
    let settings = Settings { fault: Some(Fault::Down), ..Settings::new(&GITHUB) };
    let down = Running::start(settings, &Context::system().unwrap()).await.unwrap();
    let elsewhere =
        Settings { audiences: vec!["npm:elsewhere.example".to_owned()], ..Settings::new(&GITLAB) };
    let elsewhere = Running::start(elsewhere, &Context::system().unwrap()).await.unwrap();
    let well = issuer(&GITHUB).await;
    let missing = Path::new("/no/such/ca.pem").to_str().unwrap();
    for (job, url, more, part) in [
        (Job::of(&down), "http://127.0.0.1:1", [].as_slice(), "GitHub"),
        (Job::of(&elsewhere), "http://127.0.0.1:1", &[], "npm:elsewhere.example"),
        (Job::of(&well), "http://127.0.0.1:1", &[], "nothing listens at 127.0.0.1:1"),
        (Job::of(&well), "http://registry.example", &[], "use https"),
        (Job::of(&well), "https://127.0.0.1:1", &["--ca-file", missing], missing),
        (Job::of(&well), "https://127.0.0.1:1", &["--ca-file", PROGRAM], "--ca-file"),
        (Job::of(&well).with("https_proxy", "http://"), "https://127.0.0.1:1", &[], "proxy"),
    ] {
        let output = job.token(url, more).await;
        assert!(failure(&output).contains(part), "{part}: {output:?}");
    }
    let cpan = ["token", "--registry", "cpan", "--url", "https://registry.example"];
    assert!(failure(&Job::of(&well).run(&cpan).await).contains("supported: npm"));
}

#[tokio::test]
async fn help_names_what_there_is() {
    for (arguments, words) in [
        (["--help"].as_slice(), ["token", "exec", "id-token: write"].as_slice()),
        (&["token", "--help"], &["--registry", "--url", "--package", "--trusted-publishing", "--ca-file"]),
        (&["exec", "--help"], &["--pass-identity", "NODE_AUTH_TOKEN", ".npmrc", "exit status"]),
    ] {
        let output = Job::nowhere().run(arguments).await;
        let help = text(&output.stdout);
        assert!(output.status.success());
        for word in words {
            assert!(help.contains(word), "{word}: {help}");
        }
    }
}

#[needs(npm)]
#[tokio::test]
async fn real_npm_publishes_without_npmrc_wherever_the_registry_is() {
    let npm = Tool::Npm.find().await;
    let (registry, issuer) = (Registry::start().await, issuer(&GITHUB).await);
    let program = std::env::var("TEST_NPM").unwrap_or_else(|_| "npm".to_owned());
    for (name, path) in
        [("widget", "/"), ("@acme/widget", "/"), ("widget", "/npm/"), ("@acme/widget", "/npm")]
    {
        let folder =
            npm.project(name, &[("package.json", &format!(r#"{{"name":"{name}","version":"1.0.0"}}"#))]);
        let url = format!("{}{path}", registry.url);
        let job = Job::of(&issuer);
        let folder = folder.to_str().unwrap();
        let output =
            job.exec(&url, &[&program, "publish", folder, "--registry", &url, "--access", "public"]).await;
        assert!(output.status.success(), "{name} {path}: {}", text(&output.stderr));
        let last = registry.asked().pop().unwrap();
        let prefix = path.trim_end_matches('/');
        assert_eq!(last, format!("PUT {prefix}/{}", name.replace('/', "%2f")));
    }
}

#[needs(yarn)]
#[tokio::test]
async fn real_yarn_publishes_with_the_token_in_its_variable() {
    let yarn = Tool::Yarn.find().await;
    let (registry, issuer) = (Registry::start().await, issuer(&GITLAB).await);
    let program = std::env::var("TEST_YARN").unwrap_or_else(|_| "yarn".to_owned());
    let manifest = r#"{"name":"@acme/widget","version":"1.0.0"}"#;
    let folder = yarn.project("widget", &[("package.json", manifest), ("yarn.lock", "")]);
    yarn.run(&folder, &[], &["install"]).await.succeeded();
    let url = format!("{}/npm/", registry.url);
    let job = Job::of(&issuer)
        .with("YARN_NPM_PUBLISH_REGISTRY", &url)
        .with("YARN_UNSAFE_HTTP_WHITELIST", "127.0.0.1")
        .with("YARN_NODE_LINKER", "node-modules")
        .with("YARN_ENABLE_TELEMETRY", "0");
    let output = job.exec(&url, &[&program, "--cwd", folder.to_str().unwrap(), "npm", "publish"]).await;
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(registry.asked().pop().unwrap(), "PUT /npm/@acme%2fwidget");
}
