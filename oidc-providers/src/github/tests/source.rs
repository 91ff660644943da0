//! The client half: how a job gets its token.

use std::path::Path;
use std::time::Duration;

use oidc_core::http::{HttpErrorKind, Proxy, Response, Step};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock, NotRandom};
use oidc_core::{
    Ambient, Audience, Context, FileError, Files, ProviderSet, SourceError, SourceErrorKind, TokenSource,
};
use serde_json::{Value, json};

use super::{GitHub, ISSUER};
use crate::harness::{AUDIENCE, NOW};

const URL: &str = "https://run.actions.example/idtoken";
const SECRET: &str = "s3cr3t-request-token";

fn job() -> Vec<(&'static str, String)> {
    vec![
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{URL}?api-version=2.0")),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET.to_owned()),
    ]
}

fn context(variables: impl IntoIterator<Item = (&'static str, String)>) -> Context {
    Context::default().with_environment(variables.into_iter().collect())
}

fn detect(context: &Context) -> Result<Box<dyn TokenSource>, SourceError> {
    Ambient::detect(&ProviderSet::default().with(GitHub::public()), context)
}

fn audience() -> Audience {
    Audience::new(AUDIENCE).unwrap()
}

/// A token that nobody signed, which is enough for a client.
fn unsigned(audience: &str) -> String {
    FakeIssuer::new(ISSUER).sign(&json!({"aud": audience}))
}

fn answer(body: &Value) -> Response {
    Response::new(200, Vec::new(), body.to_string())
}

#[test]
fn a_job_is_detected_by_what_it_asks_with_or_by_its_variable() {
    for (value, is_known) in [
        (Some("true"), true),
        (Some("TRUE"), false),
        (Some("false"), false),
        (Some("1"), false),
        (Some("yes"), false),
        (Some(""), false),
        (None, false),
    ] {
        let mut variables = job();
        variables.retain(|(name, _)| *name != "GITHUB_ACTIONS");
        variables.extend(value.map(|value| ("GITHUB_ACTIONS", value.to_owned())));
        assert!(detect(&context(variables.clone())).is_ok(), "{value:?}");
        variables.retain(|(name, _)| !name.starts_with("ACTIONS_ID_TOKEN_REQUEST"));
        let kind = detect(&context(variables)).unwrap_err().kind();
        let expected = if is_known { SourceErrorKind::NotPermitted } else { SourceErrorKind::NotDetected };
        assert_eq!(kind, expected, "{value:?}");
    }
}

#[test]
fn a_job_without_permission_is_told_which() {
    for missing in ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"] {
        for value in [None, Some("")] {
            let mut variables = job();
            variables.retain(|(name, _)| *name != missing);
            variables.extend(value.map(|value| (missing, value.to_owned())));
            let error = detect(&context(variables)).unwrap_err();
            assert_eq!(error.kind(), SourceErrorKind::NotPermitted);
            assert_eq!(error.diagnosis().code, "github-not-permitted");
            assert!(error.to_string().contains(missing), "{error}");
            assert!(error.to_string().contains("`permissions: id-token: write`"), "{error}");
        }
    }
}

#[derive(Debug)]
struct OneFile(&'static str, String);

impl Files for OneFile {
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
        if path == Path::new(self.0) && self.1.len() <= limit {
            Ok(self.1.clone().into_bytes())
        } else {
            Err(FileError::new(path, "not there"))
        }
    }
}

#[test]
fn a_pull_request_from_a_fork_gets_its_own_explanation() {
    let head = |repo: Value| json!({"pull_request": {"head": {"repo": repo}}}).to_string();
    let own = "acme/widget";
    for (event, file, code, maybe) in [
        ("pull_request_target", Some(head(Value::Null)), "github-not-permitted", false),
        ("pull_request_target_x", None, "github-not-permitted", true),
        ("pull_request", Some(head(json!({"full_name": "evil/widget", "fork": true}))), "github-fork", false),
        ("pull_request_review", Some(head(json!({"full_name": "evil/widget"}))), "github-fork", false),
        ("pull_request", Some(head(Value::Null)), "github-fork", false),
        ("pull_request", Some(head(json!({"fork": true}))), "github-fork", false),
        ("pull_request", Some(head(json!({"full_name": own, "fork": true}))), "github-not-permitted", false),
        ("pull_request", Some(head(json!({"full_name": "Acme/Widget"}))), "github-not-permitted", false),
        ("pull_request", Some(head(json!({}))), "github-not-permitted", true),
        ("pull_request", Some("not JSON".to_owned()), "github-not-permitted", true),
        (
            "pull_request",
            Some(format!("{}{}", head(Value::Null), " ".repeat(2_000_000))),
            "github-not-permitted",
            true,
        ),
        ("pull_request", None, "github-not-permitted", true),
    ] {
        let context = context([
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_EVENT_NAME", event.to_owned()),
            ("GITHUB_EVENT_PATH", "/event.json".to_owned()),
            ("GITHUB_REPOSITORY", own.to_owned()),
        ]);
        let context = match file.clone() {
            Some(file) => context.with_files(OneFile("/event.json", file)),
            None => context,
        };
        let error = detect(&context).unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::NotPermitted);
        assert_eq!(error.diagnosis().code, code, "{event} {file:?}");
        assert_eq!(error.to_string().contains("if this is a pull request from a fork"), maybe, "{error}");
    }
}

#[test]
fn a_request_url_that_would_show_the_secret_is_refused() {
    for url in ["u", "http://run.actions.example/", "https://user:hunter2@run.actions.example/"] {
        let mut variables = job();
        variables[1].1 = url.to_owned();
        let error = detect(&context(variables)).unwrap_err();
        assert_eq!(error.diagnosis().code, "github-request-url");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_token_is_asked_for_with_its_audience() {
    let token = unsigned(AUDIENCE);
    let http = FakeHttp::new().on("GET", URL, answer(&json!({"count": 1984, "value": token, "more": null})));
    let source = detect(&context(job()).with_http(http.clone())).unwrap();
    assert_eq!(source.provider(), "github");
    assert!(source.is_renewable());
    assert_eq!(source.token(&audience()).await.unwrap().secret().expose(), token);
    let request = http.requests().remove(0);
    assert_eq!(request.url.as_str(), format!("{URL}?api-version=2.0&audience=npm%3Aregistry.example"));
    let header = |name| request.headers.iter().find(|(found, _)| *found == name).unwrap().1.expose();
    assert_eq!(header("authorization"), format!("Bearer {SECRET}"));
    assert_eq!(header("accept"), "application/json");
    assert_eq!(request.deadline, Duration::from_secs(5));
    assert!(!format!("{source:?} {request:?}").contains(SECRET));
}

#[tokio::test]
async fn what_passes_is_waited_for_and_asked_again() {
    let good = answer(&json!({"value": unsigned(AUDIENCE)}));
    let http = FakeHttp::new()
        .on("GET", URL, Response::new(503, Vec::new(), ""))
        .fail("GET", URL, HttpErrorKind::Timeout { step: Step::Answer, after: Duration::from_secs(5) })
        .on("GET", URL, Response::new(429, vec![("retry-after".to_owned(), "7".to_owned())], ""))
        .on("GET", URL, good);
    let clock = ManualClock::at(NOW);
    let context = context(job()).with_http(http.clone()).with_clock(clock.clone());
    detect(&context).unwrap().token(&audience()).await.unwrap();
    assert_eq!(http.requests().len(), 4);
    assert_eq!(clock.elapsed(), Duration::from_millis(200 + 800 + 7000));
}

#[tokio::test]
async fn waiting_has_a_bound_and_a_random_part() {
    for (random, retry_after, expected) in [
        (None, "", 200 + 800 + 3200),
        (Some(0), "x", 200 + 800 + 3200),
        (Some(128), "-1", 150 + 600 + 2400),
        (Some(255), "0", 101 + 402 + 1607),
        (Some(0), "86400", 30_000),
        (Some(0), "1", 1000 + 1000 + 3200),
    ] {
        let headers = vec![("retry-after".to_owned(), retry_after.to_owned())];
        let http = FakeHttp::new().on("GET", URL, Response::new(500, headers, "{\"message\":\"oh\"}"));
        let clock = ManualClock::at(NOW);
        let mut context = context(job()).with_http(http.clone()).with_clock(clock.clone());
        if let Some(byte) = random {
            context = context.with_random(NotRandom(byte));
        }
        let error = detect(&context).unwrap().token(&audience()).await.unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Unavailable);
        assert!(error.to_string().contains("status 500, oh"), "{error}");
        assert_eq!(http.requests().len(), 4);
        let waited = u64::try_from(clock.elapsed().as_millis()).unwrap();
        assert!(waited.abs_diff(expected) <= 3, "{random:?} {retry_after}: {waited}");
    }
}

#[tokio::test]
async fn what_does_not_pass_is_not_asked_again() {
    for (answer, kind, code) in [
        (Response::new(400, Vec::new(), "no"), SourceErrorKind::Rejected, "github-refused"),
        (Response::new(401, Vec::new(), "no"), SourceErrorKind::Rejected, "github-refused"),
        (Response::new(403, Vec::new(), ""), SourceErrorKind::Rejected, "github-refused"),
        (Response::new(302, Vec::new(), ""), SourceErrorKind::Unavailable, "token-endpoint-elsewhere"),
        (Response::new(428, Vec::new(), ""), SourceErrorKind::Rejected, "github-refused"),
        (answer(&json!({})), SourceErrorKind::NoToken, "github-no-token"),
        (answer(&json!({"notvalue": null})), SourceErrorKind::NoToken, "github-no-token"),
        (answer(&json!({"value": null})), SourceErrorKind::NoToken, "github-no-token"),
        (answer(&json!({"value": ""})), SourceErrorKind::NoToken, "github-no-token"),
        (answer(&json!({"value": 1234})), SourceErrorKind::NoToken, "github-no-token"),
        (answer(&json!([])), SourceErrorKind::NoToken, "github-no-token"),
        (Response::new(200, Vec::new(), "<html>"), SourceErrorKind::Unavailable, "token-endpoint-elsewhere"),
        (
            Response::new(200, Vec::new(), "\u{feff}\n<!DOCTYPE HTML PUBLIC>"),
            SourceErrorKind::Unavailable,
            "token-endpoint-elsewhere",
        ),
        (
            Response::new(
                200,
                vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())],
                "<!-- sign in --><html>",
            ),
            SourceErrorKind::Unavailable,
            "token-endpoint-elsewhere",
        ),
        (
            Response::new(200, Vec::new(), vec![b' '; 100_000]),
            SourceErrorKind::Unavailable,
            "github-unavailable",
        ),
        (
            answer(&json!({"value": "header.payload.sig"})),
            SourceErrorKind::InvalidToken,
            "github-invalid-token",
        ),
        (answer(&json!({"value": unsigned("sigstore")})), SourceErrorKind::InvalidToken, "audience"),
    ] {
        let http = FakeHttp::new().on("GET", URL, answer);
        let error =
            detect(&context(job()).with_http(http.clone())).unwrap().token(&audience()).await.unwrap_err();
        assert_eq!((error.kind(), error.diagnosis().code), (kind, code), "{error}");
        assert_eq!(http.requests().len(), 1, "{error}");
    }
}

#[tokio::test]
async fn a_proxy_that_asks_for_credentials_is_to_get_them() {
    for (body, proxy, fix) in [
        ("", Some("HTTPS_PROXY"), "write the proxy's credentials into `HTTPS_PROXY`"),
        ("{\"error\":\"log in\"}", Some("HTTPS_PROXY"), "write the proxy's credentials into `HTTPS_PROXY`"),
        ("<html>", None, "give the proxy between this job and `run.actions.example` its credentials"),
    ] {
        let mut answer = Response::new(407, Vec::new(), body);
        answer.proxy = proxy.map(|variable| Proxy::new("proxy.example:3128", Some(variable)));
        let http = FakeHttp::new().on("GET", URL, answer);
        let error = detect(&context(job()).with_http(http)).unwrap().token(&audience()).await.unwrap_err();
        let found = error.diagnosis().fix.clone().unwrap();
        assert!(found.starts_with(fix) && found.contains("`no_proxy`"), "{body}: {found}");
    }
}

#[tokio::test]
async fn an_answer_that_repeats_the_secret_is_not_shown() {
    let plain = json!({"message": format!("bad token {SECRET}")}).to_string();
    let escaped = plain
        .replace(SECRET, &SECRET.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<String>());
    let cut = json!({"message": format!("{}{SECRET}", " ".repeat(490))}).to_string();
    for (status, body) in [(400, &plain), (500, &plain), (400, &escaped), (400, &cut)] {
        let http = FakeHttp::new().on("GET", URL, Response::new(status, Vec::new(), body.clone()));
        let error = detect(&context(job()).with_http(http)).unwrap().token(&audience()).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cr"), "{error}");
    }
}
