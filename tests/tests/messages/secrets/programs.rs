//! Programs that log all they can show no identity token, request token or publish token, and nothing in a token fools
//! a terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use ci_issuer::{Changes, token_of};
use oidc_core::http::{Request, Response};
use oidc_core::{Context, HttpUrl, Secret};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::http;
use tests::leaks::{Secrets, assert_plain};
use tests::programs::{Process, Program, Signal, registry};
use tests::scene::database;

const AUDIENCE: &str = "npm:127.0.0.1";
const FAULTS: [&str; 5] = ["expired", "unpublished-key", "same-token", "wrong-issuer", "down"];

/// A `ci-issuer` that runs, and what it printed for the job's shell.
struct Issuer {
    process: Process,
    variables: BTreeMap<String, String>,
    url: String,
    package: String,
    platform: &'static str,
}

impl Issuer {
    async fn start(folder: &Path, platform: &'static str, fault: Option<&str>) -> Self {
        let mut arguments = vec!["--provider", platform, "--listen", "127.0.0.1:0"];
        if let Some(fault) = fault {
            arguments.extend(["--fault", fault]);
        }
        if platform == "gitlab" {
            arguments.extend(["--audience", AUDIENCE]);
        }
        let process = Program::CiIssuer.start(folder, &[("RUST_LOG", "trace")], &arguments);
        process.stdout.until(|line| line.starts_with("# ")).await.unwrap();
        let variables: BTreeMap<_, _> = process.stdout.text().lines().filter_map(exported).collect();
        let url = match variables.get("ACTIONS_ID_TOKEN_REQUEST_URL") {
            Some(url) => url.split("/token").next().unwrap().to_owned(),
            None => variables["CI_SERVER_URL"].clone(),
        };
        let package = format!("@acme/{platform}-{}", fault.unwrap_or("widget"));
        Self { process, variables, url, package, platform }
    }

    fn config(&self) -> String {
        let job = match self.platform {
            "gitlab" => "project_path = \"acme/group/widget\"\nci_config = \".gitlab-ci.yml\"",
            _ => "repository = \"acme/widget\"\nworkflow = \"publish.yml\"",
        };
        let Self { package, platform, url, .. } = self;
        format!(
            "[[provider]]\nkind = \"{platform}\"\nissuer = \"{url}\"\n[[package]]\necosystem = \"npm\"\n\
             name = \"{package}\"\n[[package.publisher]]\nprovider = \"{platform}\"\nissuer = \"{url}\"\n{job}\n"
        )
    }
}

fn exported(line: &str) -> Option<(String, String)> {
    let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
    Some((name.to_owned(), value.trim_matches('\'').to_owned()))
}

/// A registry and its issuers, as programs that log all they have to say.
struct World {
    cx: Context,
    registry: Process,
    url: String,
    issuers: Vec<Issuer>,
    secrets: Secrets,
    folder: TempDir,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut issuers = Vec::new();
        for platform in ["github", "gitlab"] {
            issuers.push(Issuer::start(folder.path(), platform, None).await);
        }
        for fault in FAULTS {
            issuers.push(Issuer::start(folder.path(), "github", Some(fault)).await);
        }
        let mut config = format!(
            "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:0\"\ndatabase = \"{}\"\n",
            database(folder.path())
        );
        issuers.iter().for_each(|issuer| config.push_str(&issuer.config()));
        fs::write(folder.path().join("registry.toml"), config).unwrap();
        let (registry, url) = registry(folder.path(), "trace").await;
        Self { cx: http::system(), registry, url, issuers, secrets: Secrets::default(), folder }
    }

    /// The token that an issuer's job gets, in the way of its platform.
    async fn job_token(&mut self, index: usize) -> String {
        let variables = &self.issuers[index].variables;
        let token = match variables.get("ACTIONS_ID_TOKEN_REQUEST_URL") {
            Some(url) => {
                let request_token = variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"].clone();
                self.secrets.add("a request token", &request_token);
                let url = HttpUrl::parse(url).unwrap().with_query("audience", AUDIENCE);
                let answer =
                    http::send(&self.cx, Request::get(url).bearer(&Secret::new(request_token))).await;
                let token = answer.json::<Value>().map(|body| body["value"].as_str().unwrap().to_owned());
                match token {
                    Some(token) => token,
                    None => self.token(index, &Changes::default()).await,
                }
            }
            None => variables["NPM_ID_TOKEN"].clone(),
        };
        self.secrets.add_identity(&token);
        token
    }

    async fn token(&mut self, index: usize, changes: &Changes) -> String {
        let token = token_of(&self.issuers[index].url, AUDIENCE, changes, &self.cx).await.unwrap();
        self.secrets.add_identity(&token);
        token
    }

    async fn exchange(&mut self, package: &str, token: &str) -> Response {
        let answer = http::send(&self.cx, http::exchange(&self.url, package, token)).await;
        if answer.status == 201 {
            self.secrets.add_minted(&http::minted(&answer));
        } else {
            self.secrets.assert_not_in("a refusal", &answer.body);
            assert_plain("a refusal", &http::message(&answer));
        }
        answer
    }

    /// Publishes as each issuer's job, as far as the issuer lets it; twice with one token, and with no token at all.
    async fn publish_from_everywhere(&mut self) {
        for index in 0..self.issuers.len() {
            let package = self.issuers[index].package.clone();
            let token = self.job_token(index).await;
            let first = self.exchange(&package, &token).await;
            let is_let_in = package.ends_with("-widget") || package.ends_with("same-token");
            assert_eq!(first.status == 201, is_let_in, "{package}");
            let second = self.exchange(&package, &token).await;
            assert!(matches!(second.status, 401 | 503), "{package}");
            if is_let_in {
                let minted = http::minted(&first);
                let publish = http::publish(&self.url, &package, "1.0.0", &minted);
                assert_eq!(http::send(&self.cx, publish).await.status, 201);
                for (token, package) in [(&minted, "@acme/github-down"), (&token, &*package)] {
                    let publish = http::publish(&self.url, package, "1.0.1", token);
                    let refused = http::send(&self.cx, publish).await;
                    assert!(matches!(refused.status, 401 | 403));
                    self.secrets.assert_not_in("a refused publish", &refused.body);
                }
            }
            let earlier_form = json!({ "package_name": package, "id_token": token }).to_string();
            let url = http::url(&self.url, "/-/npm/v1/oidc/token/exchange");
            let request = Request::post(url.clone()).body("application/json", earlier_form.clone());
            let refused = http::send(&self.cx, request).await;
            self.secrets.assert_not_in("a refusal", &refused.body);
            // A client that puts the token where it doesn't belong.
            for request in [
                Request::post(url.clone()).body("application/json", &earlier_form.as_bytes()[..200]),
                Request::post(url.clone()).header("authorization", format!("Basic {token}")),
                http::exchange(&self.url, &package, &format!("{token}, {token}")),
                http::exchange(&self.url, &package, &token.replace('.', "!")),
            ] {
                let refused = http::send(&self.cx, request).await;
                self.secrets.assert_not_in("a refusal of nonsense", &refused.body);
            }
        }
    }

    /// Claims that would like to be more than text.
    async fn send_hostile_claims(&mut self) {
        let package = self.issuers[0].package.clone();
        for hostile in [
            "acme/\u{1b}[31mwidget",
            "acme/x\n\nINJECTED level=INFO",
            "acme/\u{202e}tegdiw\u{200b}",
            "a\u{9b}2J/\r\0",
        ] {
            for claim in [
                "repository",
                "workflow_ref",
                "environment",
                "run_id",
                "iss",
                "aud",
                "repository_id",
                "job_workflow_ref",
            ] {
                let token = self.token(0, &Changes::default().claim(claim, hostile)).await;
                let answer = self.exchange(&package, &token).await;
                let message = if answer.status == 201 { String::new() } else { http::message(&answer) };
                assert!(!message.contains('\n'), "{message:?}");
                if matches!(claim, "repository" | "workflow_ref" | "iss" | "aud") {
                    assert!(message.contains("\\u{"), "{claim}: {message}");
                }
            }
        }
        let token = self.token(0, &Changes::default()).await;
        for name in ["%1b%5b31m", "%0aINJECTED", "%e2%80%ae", "%00"] {
            let url = http::url(&self.url, &format!("/-/npm/v1/oidc/token/exchange/package/{name}"));
            let answer = http::send(&self.cx, Request::post(url).bearer(&Secret::new(&*token))).await;
            assert_eq!(answer.status, 400);
            assert_plain("a refused name", &http::message(&answer));
            let published = http::send(&self.cx, http::get(&self.url, name)).await;
            assert_plain("a refused name", &http::message(&published));
        }
    }
}

#[tokio::test]
async fn programs_that_log_everything_log_no_secret_and_no_control_character() {
    let mut world = World::start().await;
    world.publish_from_everywhere().await;
    world.send_hostile_claims().await;
    let World { registry, issuers, secrets, folder, .. } = world;
    let ended = registry.signal(Signal::TERM).await;
    assert!(ended.status.success());
    assert!(ended.stderr.contains("TRACE") && ended.stderr.contains("outcome=\"granted\""));
    assert!(secrets.count() > 40);
    secrets.assert_not_in("the registry's log", &ended.stderr);
    secrets.assert_not_in("the registry's standard output", &ended.stdout);
    assert_plain("the registry's log", &ended.stderr);
    assert!(!ended.stderr.lines().any(|line| line.starts_with("INJECTED")));

    for issuer in issuers {
        let ended = issuer.process.signal(Signal::TERM).await;
        assert!(ended.status.success());
        secrets.assert_not_in("an issuer's log", &ended.stderr);
    }

    let audit = Program::Registry.run(folder.path(), &["audit", "--config", "registry.toml"]).await;
    assert!(audit.status.success(), "{}", audit.stderr);
    secrets.assert_not_in("the audit", audit.stdout.clone() + &audit.stderr);
    assert_plain("the audit", &audit.stdout);
    for line in audit.stdout.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap().path();
        secrets.assert_not_in(&format!("{}", file.display()), fs::read(&file).unwrap());
    }
}

#[test]
fn a_piece_of_a_secret_is_found() {
    let mut secrets = Secrets::default();
    secrets.add_identity("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.0123456789abcdefghij");
    secrets.assert_not_in("what is public", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.");
    secrets.assert_not_in("fifteen characters", "456789abcdefghi");
    assert!(catch_unwind(|| secrets.assert_not_in("sixteen", "x456789abcdefghijx")).is_err());
}
