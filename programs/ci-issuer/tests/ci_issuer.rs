//! The program `ci-issuer`, run as a script would run it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_ci-issuer");

struct Issuer {
    child: Child,
    printed: Vec<String>,
}

impl Issuer {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["--listen", "127.0.0.1:0"]).args(arguments).stdout(Stdio::piped());
        let mut issuer = Self { child: command.spawn().unwrap(), printed: Vec::new() };
        let mut lines = BufReader::new(issuer.child.stdout.take().unwrap()).lines();
        while issuer.printed.last().is_none_or(|line| line != "# ci-issuer is ready") {
            issuer.printed.push(lines.next().expect("ci-issuer ended").unwrap());
        }
        issuer
    }

    /// The variables as a shell understands what was printed.
    fn variables(&self) -> BTreeMap<String, String> {
        let script = format!("{}\nenv -0", self.printed.join("\n"));
        let output =
            Command::new("sh").args(["-c", &script]).env_clear().env("PATH", "/usr/bin:/bin").output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let pairs = text.split('\0').filter_map(|line| line.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn url(&self) -> String {
        let variables = self.variables();
        match variables.get("CI_SERVER_URL") {
            Some(url) => url.clone(),
            None => variables["ACTIONS_ID_TOKEN_REQUEST_URL"].split("/token").next().unwrap().to_owned(),
        }
    }

    /// The output of a command in a shell of the job.
    fn in_the_job(&self, command: &str) -> Output {
        let script = format!("{}\n{command}", self.printed.join("\n"));
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap()
    }

    fn token(&self, arguments: &[&str]) -> Output {
        let url = self.url();
        Command::new(PROGRAM).args(["token", "--issuer", &url]).args(arguments).output().unwrap()
    }

    fn stop(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn claims(token: &str) -> Value {
    let payload = token.trim_end().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn a_github_job_sees_its_variables_and_the_issuer_ends_cleanly() {
    let issuer = Issuer::start(&["--provider", "github", "--set", "workflow=It's \"quoted\" $HOME"]);
    assert!(issuer.printed[..issuer.printed.len() - 2].iter().all(|line| line.starts_with("export ")));
    assert!(issuer.printed[issuer.printed.len() - 2].starts_with("# the issuer is http://127.0.0.1:"));
    let variables = issuer.variables();
    assert_eq!(variables["GITHUB_ACTIONS"], "true");
    assert_eq!(variables["GITHUB_REPOSITORY"], "acme/widget");
    assert_eq!(variables["GITHUB_WORKFLOW"], "It's \"quoted\" $HOME");
    assert!(variables["ACTIONS_ID_TOKEN_REQUEST_URL"].starts_with("http://127.0.0.1:"));
    assert_eq!(issuer.stop(Signal::TERM), Some(0));
}

#[test]
fn a_gitlab_job_sees_its_token() {
    let issuer = Issuer::start(&["--provider", "gitlab", "--audience", "npm:127.0.0.1"]);
    let claims = claims(&issuer.variables()["NPM_ID_TOKEN"]);
    assert_eq!(claims["aud"], "npm:127.0.0.1");
    assert_eq!(claims["project_path"], "acme/group/widget");
    assert_eq!(issuer.stop(Signal::INT), Some(0));
}

#[test]
fn a_circleci_job_asks_the_played_command() {
    let path = "/org/99999999-9999-4999-8999-999999999999";
    let issuer = Issuer::start(&["--provider", "circleci", "--issuer-path", path]);
    let asked = issuer.in_the_job(r#"circleci run oidc get --claims '{"aud":"npm:127.0.0.1"}'"#);
    let found = claims(&String::from_utf8(asked.stdout).unwrap());
    assert_eq!(found["aud"], "npm:127.0.0.1");
    assert!(found["iss"].as_str().unwrap().ends_with(path));
    assert_eq!(found["oidc.circleci.com/org-id"], "99999999-9999-4999-8999-999999999999");
    let ready_made = claims(&issuer.variables()["CIRCLE_OIDC_TOKEN_V2"]);
    assert_eq!(ready_made["aud"], found["oidc.circleci.com/org-id"]);

    let refused = issuer.in_the_job("circleci run oidc get --claims '{\"sub\":\"x\"}'");
    assert!(!refused.status.success() && refused.stdout.is_empty());
    let folder = issuer.variables()["PATH"].split(':').next().unwrap().to_owned();
    assert!(fs::exists(&folder).unwrap());
    assert_eq!(issuer.stop(Signal::TERM), Some(0));
    assert!(!fs::exists(&folder).unwrap());
}

#[test]
fn a_buildkite_job_asks_the_played_agent() {
    let issuer = Issuer::start(&["--provider", "buildkite", "--set", "pipeline_slug=gadget"]);
    let asked = issuer.in_the_job("buildkite-agent oidc request-token --audience npm:x --claim pipeline_id");
    let claims = claims(&String::from_utf8(asked.stdout).unwrap());
    assert_eq!((claims["aud"].as_str(), claims["pipeline_slug"].as_str()), (Some("npm:x"), Some("gadget")));
    assert_eq!(issuer.variables()["BUILDKITE"], "true");
}

#[test]
fn a_platform_without_a_source_has_its_token_in_a_variable() {
    for (provider, variable) in [
        ("activestate", "NPM_ID_TOKEN"),
        ("bitbucket", "BITBUCKET_STEP_OIDC_TOKEN"),
        ("generic", "OIDC_TOKEN"),
        ("terraform", "TFC_WORKLOAD_IDENTITY_TOKEN"),
    ] {
        let issuer = Issuer::start(&["--provider", provider, "--audience", "npm:127.0.0.1"]);
        let claims = claims(&issuer.variables()[variable]);
        assert!(claims["aud"] == "npm:127.0.0.1" || claims["aud"][0] == "npm:127.0.0.1", "{claims}");
    }
}

#[test]
fn a_google_job_finds_the_metadata_server() {
    let issuer = Issuer::start(&["--provider", "google", "--set", "email_verified=false"]);
    assert!(issuer.variables()["GCE_METADATA_HOST"].starts_with("127.0.0.1:"));
}

#[test]
fn a_forgejo_job_is_told_from_one_on_github() {
    let issuer = Issuer::start(&["--provider", "forgejo", "--issuer-path", "/api/actions"]);
    let variables = issuer.variables();
    assert_eq!((&*variables["FORGEJO_ACTIONS"], &*variables["GITHUB_ACTIONS"]), ("true", "true"));
    assert!(variables["ACTIONS_ID_TOKEN_REQUEST_URL"].contains("/api/actions/_apis/"));
}

#[test]
fn a_job_that_can_not_choose_an_audience_has_the_platforms() {
    let semaphore = Issuer::start(&["--provider", "semaphore"]);
    let claims = claims(&semaphore.variables()["SEMAPHORE_OIDC_TOKEN"]);
    assert_eq!(claims["aud"], claims["iss"]);
    let azure = Issuer::start(&["--provider", "azure"]);
    let variables = azure.variables();
    assert_eq!(variables["TF_BUILD"], "True");
    assert!(variables["SYSTEM_OIDCREQUESTURI"].starts_with("http://127.0.0.1:"));
}

#[test]
fn a_build_on_aws_asks_the_played_command() {
    let issuer = Issuer::start(&["--provider", "aws", "--set", "sub=arn:aws:iam::123456789012:role/other"]);
    let asked = issuer.in_the_job(
        "aws sts get-web-identity-token --audience npm:x --signing-algorithm ES384 --duration-seconds 300 \
         --query WebIdentityToken --output text",
    );
    let token = String::from_utf8(asked.stdout).unwrap();
    let claims = claims(&token);
    assert_eq!(claims["aud"], "npm:x");
    assert_eq!(claims["sub"], "arn:aws:iam::123456789012:role/other");
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    assert!(String::from_utf8(header).unwrap().contains("ES384"));
    assert!(!issuer.in_the_job("aws s3 ls").status.success());
}

#[test]
fn one_more_token_is_printed_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("claims.json");
    fs::write(&file, r#"{"runner_id":7,"actor":"bob"}"#).unwrap();
    let issuer = Issuer::start(&["--provider", "github", "--lifetime", "60"]);
    let file = file.to_str().unwrap();
    let changes =
        ["--claims", file, "--set", "repository_id=3", "--set", "environment=publish", "--unset", "sha"];
    let output = issuer.token(&[&["--audience", "npm:x"], changes.as_slice()].concat());
    assert!(output.status.success());
    let token = String::from_utf8(output.stdout).unwrap();
    assert_eq!(token.lines().count(), 1);
    let claims = claims(&token);
    assert_eq!(claims["aud"], "npm:x");
    assert_eq!(claims["runner_id"], 7);
    assert_eq!(claims["actor"], "bob");
    assert_eq!(claims["repository_id"], "3");
    assert_eq!(claims["environment"], "publish");
    assert!(claims.get("sha").is_none());
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 60);
}

#[test]
fn failure_is_one_line_on_standard_error() {
    let nobody = ["token", "--issuer", "http://127.0.0.1:1", "--audience", "x"];
    let missing = ["--provider", "github", "--claims", "/no/such/file"];
    let open = ["--provider", "github", "--listen", "0.0.0.0:0"];
    let path = ["--provider", "circleci", "--issuer-path", "org/acme"];
    for arguments in [nobody.as_slice(), &missing, &open, &path] {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(output.stdout.is_empty());
        assert!(error.starts_with("ci-issuer: ") && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn help_names_every_platform_and_fault() {
    let output = Command::new(PROGRAM).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for word in [
        "github",
        "gitlab",
        "circleci",
        "buildkite",
        "google",
        "activestate",
        "aws",
        "azure",
        "bitbucket",
        "forgejo",
        "semaphore",
        "terraform",
        "generic",
        "expired",
        "unpublished-key",
        "same-token",
        "slow",
        "down",
        "wrong-issuer",
        "token",
    ] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn a_sigstore_instance_is_played_beside_the_issuer_and_described_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sigstore");
    let issuer = Issuer::start(&["--provider", "github", "--sigstore", path.to_str().unwrap()]);
    let read = |name: &str| -> Value { serde_json::from_slice(&fs::read(path.join(name)).unwrap()).unwrap() };
    let (root, config) = (read("trusted_root.json"), read("signing_config.json"));
    assert_eq!(root["tlogs"][0]["baseUrl"], config["rekorTlogUrls"][0]["url"]);
    assert_eq!(
        read("trust_config.json"),
        serde_json::json!({
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": root,
            "signingConfig": config,
        })
    );
    assert_eq!(read("root.json")["signed"]["_type"], "root");
    let variables = issuer.variables();
    assert!(variables["HTTPS_PROXY"].starts_with("http://127.0.0.1:"));
    assert_eq!(
        variables["NODE_EXTRA_CA_CERTS"],
        path.canonicalize().unwrap().join("ca.pem").to_str().unwrap()
    );
    assert_eq!(issuer.stop(Signal::TERM), Some(0));
}

#[test]
fn the_proxy_leads_to_the_hosts_of_the_public_instance_and_to_no_other() {
    use std::io::{Read as _, Write as _};

    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(&["--provider", "github", "--sigstore", folder.path().to_str().unwrap()]);
    let proxy = issuer.variables()["HTTPS_PROXY"].replace("http://", "");
    for (host, status) in [("rekor.sigstore.dev", "200"), ("registry.npmjs.org", "403"), ("127.0.0.1", "403")]
    {
        let mut stream = std::net::TcpStream::connect(&proxy).unwrap();
        write!(stream, "CONNECT {host}:443 HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), format!("HTTP/1.1 {status}"), "{host}");
    }
    assert_eq!(issuer.stop(Signal::TERM), Some(0));
}
