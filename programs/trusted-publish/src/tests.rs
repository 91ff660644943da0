//! `trusted-publish token` in memory, on GitHub and on GitLab.

use clap::{CommandFactory as _, Parser as _};
use oidc_core::http::Response;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::{Context, Environment};
use serde_json::{Value, json};

use super::{Arguments, run};

const REQUEST_URL: &str = "https://pipelines.example/token";
const EXCHANGE: &str = "https://r.example/npm/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget";
const GITHUB: &[(&str, &str)] = &[
    ("GITHUB_ACTIONS", "true"),
    ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://pipelines.example/token?api-version=2.0"),
    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-hunter2"),
];
const STATIC: (&str, &str) = ("NODE_AUTH_TOKEN", "static-hunter2");

/// The result of a run: the outcome, standard output, standard error.
struct Ran {
    result: Result<u8, String>,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn printed(&self, token: &str) {
        assert_eq!(
            (self.result.clone(), self.out.as_str()),
            (Ok(0), format!("{token}\n").as_str()),
            "{}",
            self.err
        );
    }

    /// The error, which is one line, shows no secret, and comes without output.
    #[track_caller]
    fn failed(&self) -> &str {
        let error = self.result.as_ref().unwrap_err();
        assert!(self.out.is_empty() && error.lines().count() == 1 && !error.contains("hunter2"), "{error}");
        error
    }
}

async fn token(http: &FakeHttp, variables: &[(&str, &str)], more: &[&str]) -> Ran {
    let target = ["trusted-publish", "token", "--registry", "npm", "--url", "https://r.example/npm"];
    let arguments = [target.as_slice(), &["--package", "@acme/widget"], more].concat();
    let cx = Context::default()
        .with_environment(variables.iter().copied().collect())
        .with_http(http.clone())
        .with_clock(ManualClock::at(1_700_000_000));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let arguments = Arguments::try_parse_from(arguments).unwrap();
    let result = run(arguments, &oidc_providers::all(), &cx, &mut out, &mut err).await;
    let result = result.map_err(|error| error.to_string());
    Ran { result, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

fn id_token(audience: &str) -> String {
    FakeIssuer::new("https://issuer.example").sign(&json!({ "aud": audience }))
}

fn answer(status: u16, body: &Value) -> Response {
    Response::new(status, Vec::new(), body.to_string())
}

fn with(
    job: &[(&'static str, &'static str)],
    more: &[(&'static str, &'static str)],
) -> Vec<(&'static str, &'static str)> {
    [job, more].concat()
}

/// A platform that gives tokens, without a registry.
fn platform() -> FakeHttp {
    FakeHttp::new().on(
        "GET",
        REQUEST_URL,
        answer(200, &json!({ "count": 1, "value": id_token("npm:r.example") })),
    )
}

fn all_is_well() -> FakeHttp {
    platform().on("POST", EXCHANGE, answer(201, &json!({ "token": "short-lived" })))
}

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[tokio::test]
async fn on_github_the_token_is_asked_for_exchanged_and_masked() {
    for body in [
        json!({ "value": id_token("npm:r.example") }),
        json!({ "count": 1, "value": id_token("npm:r.example") }),
    ] {
        let http = FakeHttp::new().on("GET", REQUEST_URL, answer(200, &body));
        let http = http.on("POST", EXCHANGE, answer(201, &json!({ "token": "short%lived" })));
        let ran = token(&http, GITHUB, &[]).await;
        ran.printed("short%lived");
        assert_eq!(ran.err, "::add-mask::short%25lived\n");
        let asked = http.requests();
        assert_eq!(asked[0].url.as_str(), format!("{REQUEST_URL}?api-version=2.0&audience=npm%3Ar.example"));
        assert_eq!(asked.len(), 2);
    }
}

#[tokio::test]
async fn the_short_lived_token_wins_over_a_static_one() {
    token(&all_is_well(), &with(GITHUB, &[STATIC]), &[]).await.printed("short-lived");
}

#[tokio::test]
async fn an_identity_token_is_no_static_credential() {
    let issuer = FakeIssuer::new("https://token.actions.githubusercontent.com");
    let unexchanged = issuer.sign(&json!({ "iss": issuer.url(), "aud": "npm:r.example" }));
    let http = platform().on("POST", EXCHANGE, answer(404, &json!({ "message": "no publisher" })));
    let encoded = data_encoding::BASE64.encode(format!("__token__:{unexchanged}").as_bytes());
    let variables = [GITHUB, &[("NODE_AUTH_TOKEN", unexchanged.as_str())]].concat();
    for held in [&unexchanged, &encoded] {
        let variables = [GITHUB, &[("NODE_AUTH_TOKEN", held.as_str())]].concat();
        for more in [&[][..], &["--trusted-publishing", "never"]] {
            let ran = token(&http, &variables, more).await;
            let error = ran.failed();
            let expected =
                format!("NODE_AUTH_TOKEN holds an identity token of {}, not a publish token", issuer.url());
            assert!(error.contains(&expected) && !error.contains(held.as_str()), "{error}");
        }
    }
    let with_another = [&variables[..], &[("NPM_TOKEN", "static-token")]].concat();
    token(&http, &with_another, &[]).await.printed("static-token");
}

#[tokio::test]
async fn on_gitlab_the_token_is_in_a_variable_and_nothing_is_masked() {
    let prepared = id_token("npm:r.example");
    for name in ["NPM_ID_TOKEN", "NPM_R_EXAMPLE_ID_TOKEN"] {
        let ran = token(&all_is_well(), &[("GITLAB_CI", "true"), (name, prepared.as_str())], &[]).await;
        ran.printed("short-lived");
        assert_eq!(ran.err, "");
    }
}

#[tokio::test]
async fn a_token_in_the_variable_wins_over_asking_github() {
    let prepared = id_token("npm:r.example");
    let http = all_is_well();
    let variables = [GITHUB, &[("NPM_ID_TOKEN", prepared.as_str())]].concat();
    token(&http, &variables, &[]).await.printed("short-lived");
    assert!(http.requests().iter().all(|request| request.url.as_str() == EXCHANGE));
}

#[tokio::test]
async fn outside_of_ci_a_token_in_the_variable_counts() {
    let prepared = id_token("npm:r.example");
    token(&all_is_well(), &[("NPM_ID_TOKEN", prepared.as_str())], &[]).await.printed("short-lived");
}

#[tokio::test]
async fn no_words_of_a_registrys_keep_the_runner_from_masking_the_static_token() {
    for words in
        ["##[stop-commands]x", "no ##[stop-commands]x", "::stop-commands::x", "a\r\n::stop-commands::x"]
    {
        for body in [
            json!({ "message": words }),
            json!({ "diagnosis": { "code": "x", "problem": words, "fix": words } }),
        ] {
            let http = platform().on("POST", EXCHANGE, answer(403, &body));
            let ran = token(&http, &with(GITHUB, &[STATIC]), &[]).await;
            ran.printed("static-hunter2");
            let lines: Vec<&str> = ran.err.split(['\r', '\n']).map(str::trim_start).collect();
            assert_eq!(lines[0], "::add-mask::static-hunter2", "{}", ran.err);
            let is_command = |line: &&str| line.starts_with("::") || line.contains("##[");
            assert_eq!(lines.into_iter().filter(is_command).count(), 1, "{}", ran.err);
            assert!(ran.err.contains("stop-commands"), "{}", ran.err);
        }
    }
}

#[tokio::test]
async fn whatever_fails_the_static_token_is_used_with_the_reason_or_nothing_is() {
    let gitlab: &[(&str, &str)] = &[("GITLAB_CI", "true")];
    let unset: &[(&str, &str)] = &[("GITHUB_ACTIONS", "true"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x")];
    let malformed: &[(&str, &str)] = &[
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "no"),
    ];
    let refusing = |status, body: &Value| platform().on("POST", EXCHANGE, answer(status, body));
    for (http, job, reason) in [
        (FakeHttp::new().on("GET", REQUEST_URL, answer(500, &json!({}))), GITHUB, "status 500"),
        (
            FakeHttp::new().on("GET", REQUEST_URL, answer(200, &json!({ "value": null }))),
            GITHUB,
            "no identity token",
        ),
        (refusing(500, &json!({ "message": "out of order" })), GITHUB, "out of order"),
        (refusing(500, &Value::Null), GITHUB, "status 500"),
        (refusing(201, &json!({ "token": null })), GITHUB, "holds no `token`"),
        (refusing(404, &json!({ "message": "package not found" })), GITHUB, "package not found"),
        (platform(), GITHUB, "no connection"),
        (FakeHttp::new(), unset, "id-token: write"),
        (FakeHttp::new(), malformed, "ACTIONS_ID_TOKEN_REQUEST_URL"),
        (FakeHttp::new(), gitlab, "NPM_ID_TOKEN"),
        (FakeHttp::new(), &[], "not a job of a platform"),
    ] {
        let fallen_back = token(&http, &with(job, &[STATIC]), &[]).await;
        fallen_back.printed(STATIC.1);
        let note = fallen_back.err.lines().last().unwrap();
        assert!(note.contains(reason) && note.contains(STATIC.0), "{reason}: {note}");

        let always = token(&http, &with(job, &[STATIC]), &["--trusted-publishing", "always"]).await;
        assert!(always.failed().contains(reason), "{}", always.failed());
        let without = token(&http, job, &[]).await;
        assert!(
            without.failed().contains(reason) && without.failed().contains("NPM_TOKEN"),
            "{}",
            without.failed()
        );
        // What setup-node leaves where nobody set a token is none, and the reason stays the first thing that is said.
        let placeholder =
            token(&http, &with(job, &[("NODE_AUTH_TOKEN", "XXXXX-XXXXX-XXXXX-XXXXX")]), &[]).await;
        assert_eq!(placeholder.failed(), without.failed());
        let posts = http.requests().iter().filter(|request| request.url.as_str() == EXCHANGE).count();
        assert!(posts <= 4, "an exchange is tried once for each run");
    }
}

#[tokio::test]
async fn outside_of_ci_it_is_said_where_a_publish_runs_and_what_does_without() {
    let ran = token(&FakeHttp::new(), &[], &[]).await;
    let error = ran.failed();
    for words in [
        "this is not a job of a platform that gives identity tokens: none of their variables is set (expected `forgejo, github, gitlab, ",
        "; run the publish in a CI job of such a platform, or put an identity token for the registry into variable `",
        "`NPM_ID_TOKEN`",
        "; there is no static credential to fall back to either (",
    ] {
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[tokio::test]
async fn a_flaky_platform_is_asked_again_and_the_registry_is_not() {
    let http = FakeHttp::new()
        .on("GET", REQUEST_URL, answer(503, &json!({})))
        .on("GET", REQUEST_URL, answer(200, &json!({ "value": id_token("npm:r.example") })))
        .on("POST", EXCHANGE, answer(503, &json!({})));
    token(&http, GITHUB, &[]).await.failed();
    let methods: Vec<&str> = http.requests().iter().map(|request| request.method.as_str()).collect();
    assert_eq!(methods, ["GET", "GET", "POST"]);
}

#[tokio::test]
async fn never_asks_nobody() {
    let http = all_is_well();
    let never = ["--trusted-publishing", "never"];
    let yarns = ("YARN_NPM_PUBLISH_REGISTRY", "https://r.example/npm/");
    for variable in ["NODE_AUTH_TOKEN", "NPM_TOKEN", "YARN_NPM_AUTH_TOKEN"] {
        token(&http, &with(GITHUB, &[(variable, "mine"), yarns]), &never).await.printed("mine");
    }
    let others = token(&http, &with(GITHUB, &[("YARN_NPM_AUTH_TOKEN", "hunter2")]), &never).await;
    assert!(others.failed().contains("meant for another registry"));
    let nothing = token(&http, GITHUB, &never).await;
    assert!(nothing.failed().contains("NODE_AUTH_TOKEN"));
    assert!(http.requests().is_empty());
}

#[tokio::test]
async fn what_can_not_be_asked_for_is_refused_before_anything_is_sent() {
    let http = all_is_well();
    for (arguments, part) in [
        (
            ["--registry", "cpan", "--url", "https://r.example", "--package", "widget"].as_slice(),
            "supported: npm",
        ),
        (&["--registry", "a\u{1b}\nb", "--url", "https://r.example"], "supported: npm"),
        (&["--registry", "npm", "--url", "http://r.example", "--package", "widget"], "use https"),
        (&["--registry", "npm", "--url", "https://u:hunter2@r.example", "--package", "widget"], "password"),
        (&["--registry", "npm", "--url", "https://r.example"], "--package"),
        (&["--registry", "npm", "--url", "https://r.example", "--package", "../x"], "not a package name"),
    ] {
        let arguments =
            Arguments::try_parse_from([&["trusted-publish", "token"], arguments].concat()).unwrap();
        let environment: Environment = GITHUB.iter().copied().collect();
        let cx = Context::default().with_environment(environment).with_http(http.clone());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let error =
            run(arguments, &oidc_providers::all(), &cx, &mut out, &mut err).await.unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("hunter2") && error.lines().count() == 1, "{error}");
    }
    assert!(http.requests().is_empty());
}

#[tokio::test]
async fn without_a_url_the_protocols_public_registry_is_asked() {
    let prepared = id_token("npm:registry.npmjs.org");
    let exchange = "https://registry.npmjs.org/-/npm/v1/oidc/token/exchange/package/widget";
    let http = FakeHttp::new().on("POST", exchange, answer(201, &json!({ "token": "short-lived" })));
    let arguments = ["trusted-publish", "token", "--registry", "npm", "--package", "widget"];
    let arguments = Arguments::try_parse_from(arguments).unwrap();
    let environment = [("NPM_ID_TOKEN", prepared.as_str())].into_iter().collect();
    let cx = Context::default().with_environment(environment).with_http(http);
    let cx = cx.with_clock(ManualClock::at(1_700_000_000));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    run(arguments, &oidc_providers::all(), &cx, &mut out, &mut err).await.unwrap();
    assert_eq!(out, b"short-lived\n");
}

#[tokio::test]
async fn as_json_the_token_comes_with_its_registry_and_package() {
    let ran = token(&all_is_well(), GITHUB, &["--format", "json"]).await;
    assert_eq!((ran.result, &*ran.err), (Ok(0), "::add-mask::short-lived\n"));
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ran.out.lines().count(), 1);
    assert_eq!(said["token"], "short-lived");
    assert_eq!(said["kind"], "short-lived");
    assert_eq!(
        (&said["registry"], &said["package"]),
        (&"https://r.example/npm".into(), &"@acme/widget".into())
    );
}

#[tokio::test]
async fn as_json_a_fallback_is_a_message_and_the_credential_is_static() {
    let ran = token(&platform(), &with(GITHUB, &[STATIC]), &["--format", "json"]).await;
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&said["kind"], &said["expires_at"]), (&"static".into(), &Value::Null));
    let messages: Vec<&str> = ran.err.lines().filter(|line| line.starts_with('{')).collect();
    let [message] = messages.as_slice() else { panic!("{}", ran.err) };
    let message: Value = serde_json::from_str(message).unwrap();
    assert!(
        message["message"].as_str().unwrap().starts_with("using the static credential in NODE_AUTH_TOKEN")
    );
}

/// A pipe that its reader has closed.
struct Closed;

impl std::io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn completions_and_pages_end_with_an_error_where_nobody_reads_them() {
    for arguments in [["completions", "bash"].as_slice(), &["completions", "zsh"], &["man"], &["man", "exec"]]
    {
        let arguments = Arguments::try_parse_from([&["trusted-publish"], arguments].concat()).unwrap();
        let (providers, cx) = (oidc_providers::all(), Context::default());
        run(arguments, &providers, &cx, &mut Closed, &mut Vec::new()).await.unwrap_err();
    }
}

#[test]
fn every_command_has_a_page() {
    for command in Arguments::command().get_subcommands() {
        Arguments::try_parse_from(["trusted-publish", "man", command.get_name()]).unwrap();
    }
}
