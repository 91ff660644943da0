//! The client's half of npm's protocol, in memory.

use std::collections::BTreeSet;
use std::time::Duration;

use oidc_core::http::{HttpErrorKind, Method, Request, Response};
use oidc_core::testing::{FakeHttp, FakeIssuer, FakePlatform, ManualClock};
use oidc_core::{Audience, Context, Environment, IdToken, ProviderSet, Timestamp, Unverified};
use oidc_exchange::client::{
    ExchangeErrorKind, ExchangeRequest, Failure, Mode, Npm, Outcome, PublishRequest, PublishToken,
    Registry as _, Scope,
};
use oidc_exchange::npm::Port;
use oidc_exchange::{publish_token, token_from};
use serde_json::{Value, json};

const REGISTRY: &str = "https://registry.example/npm";
const EXCHANGE: &str = "https://registry.example/npm/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget";
const PUBLISH_TOKEN: &str = "npm_publish-token-hunter2";

fn package(name: &str) -> Scope {
    Npm::scope(name).unwrap()
}

fn signed(audience: &str) -> String {
    let issuer = FakeIssuer::new("https://issuer.example");
    issuer.sign(&json!({ "iss": issuer.url(), "aud": audience, "jti": FakeIssuer::unique_id() }))
}

fn id_token(audience: &str) -> IdToken {
    IdToken::new(signed(audience), Audience::new(audience).unwrap()).unwrap()
}

fn context(http: &FakeHttp) -> Context {
    Context::default().with_http(http.clone()).with_clock(ManualClock::at(1_700_000_000))
}

/// A job of the fake platform, which may not ask it, and has a token in npm's variable.
fn job(http: &FakeHttp, audience: &str) -> Context {
    let token = signed(audience);
    let variables = [("NPM_ID_TOKEN", token.as_str()), FakePlatform::variables()[0]];
    context(http).with_environment(Environment::from_iter(variables))
}

fn answer(status: u16, body: &Value) -> Response {
    Response::new(status, Vec::new(), body.to_string())
}

fn created() -> Response {
    let body = json!({
        "token_type": "oidc", "token": PUBLISH_TOKEN,
        "created": "2026-01-01T00:00:00.000Z", "expires": "2026-01-01T01:00:00.000Z",
    });
    answer(201, &body)
}

/// Makes an exchange at `registry` for `name`, and returns its request.
async fn exchange(registry: &Npm, name: &str) -> Request {
    let everything = FakeHttp::new().on_request(|_| Some(Ok(created())));
    let cx = context(&everything);
    let token = id_token(registry.audience(&cx).await.unwrap().as_str());
    registry.exchange(&ExchangeRequest::new(&token, package(name)), &cx).await.unwrap();
    let requests = everything.requests();
    assert_eq!(requests.len(), 1);
    requests[0].clone()
}

async fn answered(response: Response) -> Result<PublishToken, oidc_exchange::client::ExchangeError> {
    let http = FakeHttp::new().on("POST", EXCHANGE, response);
    let registry = Npm::at(REGISTRY).unwrap();
    let result = registry
        .exchange(
            &ExchangeRequest::new(&id_token("npm:registry.example"), package("@acme/widget")),
            &context(&http),
        )
        .await;
    assert_eq!(http.requests().len(), 1, "an exchange is never tried again");
    result
}

#[tokio::test]
async fn the_exchange_is_asked_for_below_the_registrys_path() {
    const PATH: &str = "-/npm/v1/oidc/token/exchange/package";
    for (registry, name, expected) in [
        ("https://r.example", "widget", format!("https://r.example/{PATH}/widget")),
        ("https://r.example/", "@acme/widget", format!("https://r.example/{PATH}/@acme%2fwidget")),
        ("https://r.example/npm", "widget", format!("https://r.example/npm/{PATH}/widget")),
        ("https://r.example/npm", "@acme/widget", format!("https://r.example/npm/{PATH}/@acme%2fwidget")),
        ("https://r.example/npm/", "widget", format!("https://r.example/npm/{PATH}/widget")),
        ("https://r.example/a/b/", "@acme/widget", format!("https://r.example/a/b/{PATH}/@acme%2fwidget")),
        ("http://127.0.0.1:4873/npm/", "widget", format!("http://127.0.0.1:4873/npm/{PATH}/widget")),
    ] {
        let request = exchange(&Npm::at(registry).unwrap(), name).await;
        assert_eq!((request.method, request.url.as_str()), (Method::Post, expected.as_str()));
        assert!(request.body.is_empty());
    }
    let at_root = exchange(&Npm::at("https://r.example/npm/").unwrap().without_prefix(), "widget").await;
    assert_eq!(at_root.url.as_str(), format!("https://r.example/{PATH}/widget"));
}

#[tokio::test]
async fn every_exchange_carries_the_identity_token_as_bearer_and_has_bounds() {
    for registry in ["https://r.example", "https://r.example/npm", "https://r.example/npm/"] {
        let request = exchange(&Npm::at(registry).unwrap(), "@acme/widget").await;
        let bearer = request.headers.iter().find(|(name, _)| *name == "authorization").unwrap();
        assert!(bearer.1.expose().starts_with("Bearer ey"), "{registry}");
        assert!(!request.headers.iter().any(|(name, _)| *name == "content-type"));
        assert_eq!((request.deadline, request.max_body), (Duration::from_secs(30), 64 * 1024));
    }
}

#[tokio::test]
async fn a_token_that_the_job_has_for_the_host_with_its_port_is_taken_as_npm_takes_it() {
    let url = "https://registry.example:8443/npm/";
    let exchange = "https://registry.example:8443/npm/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget";
    for (audience, is_taken) in [
        ("npm:registry.example", true),
        ("npm:registry.example:8443", true),
        ("npm:other.example:8443", false),
        ("npm:registry.example:9443", false),
    ] {
        let http = FakeHttp::new().on("POST", exchange, created());
        let (npm, providers, job) = (Npm::at(url).unwrap(), ProviderSet::default(), job(&http, audience));
        let request = PublishRequest::new(package("@acme/widget"));
        let got = publish_token(&npm, request, &providers, &job).await;
        assert_eq!(http.requests().is_empty(), !is_taken, "{audience}");
        match got {
            Ok(got) => assert!(is_taken, "{audience}: {got:?}"),
            Err(error) => assert!(!is_taken && error.diagnosis().code == "audience", "{audience}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_text_that_is_no_jwt_is_exchanged_where_the_application_says_so() {
    let opaque = [("NPM_ID_TOKEN", "opaque")];
    let other = signed("npm:other.example");
    let foreign = [("NPM_ID_TOKEN", other.as_str())];
    for (variables, lets_opaque, code) in [
        (opaque, false, Some("token-variable-unusable")),
        (opaque, true, None),
        (foreign, true, Some("audience")),
    ] {
        let http = FakeHttp::new().on("POST", EXCHANGE, created());
        let job = context(&http).with_environment(Environment::from_iter(variables));
        let job = if lets_opaque { job.with_opaque_tokens() } else { job };
        let (npm, providers) = (Npm::at(REGISTRY).unwrap(), ProviderSet::default());
        let request = PublishRequest::new(package("@acme/widget"));
        let got = publish_token(&npm, request, &providers, &job).await;
        assert_eq!(got.err().map(|error| error.diagnosis().code), code);
        let sent: Vec<_> = http.requests().iter().flat_map(|request| request.headers.clone()).collect();
        let bearer = sent.iter().find(|(name, _)| *name == "authorization").map(|(_, value)| value.expose());
        assert_eq!(bearer, code.is_none().then_some("Bearer opaque"));
    }
}

#[tokio::test]
async fn a_reason_for_programs_is_read_and_shown_once() {
    let diagnosis = json!({
        "code": "github-workflow", "subject": { "kind": "claim", "name": "workflow_ref" },
        "problem": "another workflow", "found": "a.yml", "expected": "b.yml", "fix": "set `workflow`",
    });
    let body = json!({ "message": "another workflow (found, expected)", "diagnosis": diagnosis });
    let error = answered(answer(403, &body)).await.unwrap_err();
    let reason = error.reason().unwrap();
    assert_eq!((reason.code.as_str(), reason.subject.as_deref()), ("github-workflow", Some("workflow_ref")));
    assert!(
        error.to_string().ends_with("another workflow (found `a.yml`, expected `b.yml`); set `workflow`"),
        "{error}"
    );
    let of_kind = json!({ "diagnosis": { "code": "token-shape", "subject": { "kind": "token" } } });
    let error = answered(answer(401, &of_kind)).await.unwrap_err();
    assert_eq!(error.reason().unwrap().subject.as_deref(), Some("token"));
}

#[tokio::test]
async fn a_reason_for_programs_is_not_believed_whatever_it_is() {
    let token = signed("npm:registry.example");
    for diagnosis in [
        json!(null),
        json!("x"),
        json!({ "code": "" }),
        json!({ "code": "Git Hub" }),
        json!({ "code": "x".repeat(65) }),
        json!({ "code": "\u{1b}[31m" }),
        json!({ "code": 7 }),
        json!({ "code": "x", "fix": { "a": 1 } }),
        json!({ "problem": "no code" }),
    ] {
        let error =
            answered(answer(403, &json!({ "message": "why", "diagnosis": diagnosis }))).await.unwrap_err();
        assert!(error.reason().is_none() && error.to_string().contains("why"), "{diagnosis}: {error}");
    }
    let registry = Npm::at(REGISTRY).unwrap();
    let identity = IdToken::new(token.as_str(), Audience::new("npm:registry.example").unwrap()).unwrap();
    for member in ["problem", "found", "expected", "fix"] {
        let body = json!({ "message": "why", "diagnosis": { "code": "x", member: format!("got {token}") } });
        let http = FakeHttp::new().on("POST", EXCHANGE, answer(403, &body));
        let error = registry
            .exchange(&ExchangeRequest::new(&identity, package("@acme/widget")), &context(&http))
            .await
            .unwrap_err();
        let shown = format!("{error} {error:?} {}", error.diagnosis().to_text());
        assert!(error.reason().is_none() && !token.split('.').any(|part| shown.contains(part)), "{shown}");
    }
    let body = json!({ "diagnosis": { "code": "x", "problem": "a\u{1b}[2J\u{202e}b" } });
    let shown = answered(answer(403, &body)).await.unwrap_err().to_string();
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
}

#[tokio::test]
async fn what_a_registry_says_for_programs_acts_on_no_terminal_and_is_short() {
    let text = format!("\u{9b}31m\u{202e}##[stop-commands]{}", "x".repeat(10_000));
    let diagnosis = json!({
        "code": "x", "subject": { "kind": text, "name": text },
        "problem": text, "found": text, "expected": text, "fix": text
    });
    let error = answered(answer(403, &json!({ "diagnosis": diagnosis }))).await.unwrap_err();
    let shown = json!([error.reason().unwrap(), error.diagnosis()]).to_string();
    assert!(!shown.contains(['\u{9b}', '\u{202e}']) && !shown.contains("##["), "{shown}");
    assert!(shown.contains(r"\\u{9b}31m\\u{202e}##\\u{5b}stop-commands]") && shown.len() < 6_000, "{shown}");
    let nameless = json!({ "code": "x", "subject": { "kind": text } });
    let error = answered(answer(403, &json!({ "diagnosis": nameless }))).await.unwrap_err();
    assert!(!error.reason().unwrap().subject.as_ref().unwrap().contains('\u{202e}'));
}

#[tokio::test]
async fn a_proxys_own_words_take_the_place_of_no_advice() {
    let diagnosis = json!({
        "code": "x", "problem": "all is well", "found": "a", "expected": "b", "fix": "send the token to evil.example"
    });
    for (status, advice) in [(407, "no_proxy"), (511, "a proxy or a web page")] {
        let error = answered(answer(status, &json!({ "diagnosis": diagnosis }))).await.unwrap_err();
        let told = error.diagnosis();
        assert!(told.fix.as_ref().unwrap().contains(advice), "{error}");
        assert_eq!((told.code, &told.found, &told.expected), ("exchange-elsewhere", &None, &None));
        assert!(error.reason().is_none() && !error.to_string().contains("all is well"), "{error}");
    }
}

#[tokio::test]
async fn a_web_page_with_status_200_is_no_answer_of_a_registry() {
    for page in ["<!DOCTYPE html><title>Sign in</title>", "  \n<html><body>", "<HTML>"] {
        let error = answered(Response::new(200, Vec::new(), page)).await.unwrap_err();
        assert_eq!(error.diagnosis().code, "exchange-elsewhere", "{error}");
        assert!(error.to_string().contains("a web page answered, with status 200"), "{error}");
        assert_eq!(error.kind(), &ExchangeErrorKind::InvalidAnswer);
    }
}

#[tokio::test]
async fn the_audience_is_the_registrys_host_and_its_port_only_if_asked() {
    for (registry, port, expected) in [
        ("https://registry.example/npm/", Port::LeftOut, "npm:registry.example"),
        ("https://registry.example/npm/", Port::PutIn, "npm:registry.example"),
        ("https://Registry.Example:8443", Port::LeftOut, "npm:registry.example"),
        ("https://registry.example:8443", Port::PutIn, "npm:registry.example:8443"),
        ("http://127.0.0.1:4873/", Port::LeftOut, "npm:127.0.0.1"),
    ] {
        let registry = Npm::at(registry).unwrap().with_port(port);
        assert_eq!(registry.audience(&Context::default()).await.unwrap().as_str(), expected);
    }
    let public = Npm::public();
    assert_eq!(public.audience(&Context::default()).await.unwrap().as_str(), "npm:registry.npmjs.org");
}

#[test]
fn a_registry_that_would_show_the_token_to_the_network_is_refused() {
    for url in ["http://registry.example", "https://user:hunter2@registry.example", "registry.example", ""] {
        assert!(!Npm::at(url).unwrap_err().to_string().contains("hunter2"));
    }
}

#[tokio::test]
async fn a_token_comes_with_its_end_and_for_its_package_alone() {
    let token = answered(created()).await.unwrap();
    assert_eq!(token.expires_at(), Some(Timestamp::from_secs(1_767_229_200)));
    assert_eq!(token.secret_for(&package("@acme/widget")).unwrap().expose(), PUBLISH_TOKEN);
    let error = token.secret_for(&package("@acme/gadget")).unwrap_err().to_string();
    assert!(error.contains("@acme/widget") && error.contains("@acme/gadget") && !error.contains("hunter2"));
    assert!(!format!("{token:?}").contains("hunter2"));
}

#[tokio::test]
async fn no_member_but_the_token_is_needed() {
    for body in [
        json!({ "token": PUBLISH_TOKEN }),
        json!({ "token": PUBLISH_TOKEN, "expires": 7, "created": null, "more": {} }),
        json!({ "token": PUBLISH_TOKEN, "expires": "tomorrow" }),
    ] {
        for status in [200, 201] {
            assert_eq!(answered(answer(status, &body)).await.unwrap().expires_at(), None);
        }
    }
}

#[tokio::test]
async fn a_success_without_a_token_says_what_is_in_its_place() {
    use ExchangeErrorKind::{InvalidAnswer, InvalidToken, NoToken};
    for (body, kind) in [
        (json!({ "token": null }).to_string(), NoToken),
        (json!({ "token": "" }).to_string(), InvalidToken),
        (json!({ "token": 7 }).to_string(), InvalidAnswer),
        (json!({ "token": "two words" }).to_string(), InvalidToken),
        (json!({ "token": "line\nbreak" }).to_string(), InvalidToken),
        (json!({ "token": "x".repeat(10_000) }).to_string(), InvalidToken),
        (json!({}).to_string(), NoToken),
        (json!([]).to_string(), InvalidAnswer),
        ("<html>hunter2".to_owned(), InvalidAnswer),
        (String::new(), InvalidAnswer),
        ("x".repeat(100_000), InvalidAnswer),
    ] {
        let error = answered(Response::new(200, Vec::new(), body.clone())).await.unwrap_err();
        assert_eq!(error.kind(), &kind, "{body:.40}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

/// The command that publishes must not get it, since it could be exchanged elsewhere.
#[tokio::test]
async fn the_identity_token_in_an_answer_is_no_publish_token() {
    let token = id_token("npm:registry.example");
    let echoed = answer(201, &json!({ "token": token.secret().expose() }));
    let http = FakeHttp::new().on("POST", EXCHANGE, echoed);
    let request = ExchangeRequest::new(&token, package("@acme/widget"));
    let error = Npm::at(REGISTRY).unwrap().exchange(&request, &context(&http)).await.unwrap_err();
    assert_eq!(error.kind(), &ExchangeErrorKind::InvalidToken);
    assert!(error.to_string().contains("it is the identity token of the request"), "{error}");
}

#[tokio::test]
async fn a_refusal_says_what_the_registry_said_and_what_to_do() {
    for (status, body, message, advice) in [
        (400, "", None, "protocol"),
        (400, r#"{"message":"no package"}"#, Some("no package"), "status 400: no package"),
        (422, r#"{"message":"no package"}"#, Some("no package"), "status 422: no package"),
        (401, r#"{"error":"unauthorized"}"#, Some("unauthorized"), "age"),
        (401, r#"{"error":"it has expired"}"#, Some("it has expired"), ": it has expired"),
        (
            403,
            r#"{"errors":[{"detail":"environment differs"}]}"#,
            Some("environment differs"),
            ": environment differs",
        ),
        (403, "", None, "rule"),
        (404, "<!doctype html>", Some("an HTML page"), "proxy or a web page"),
        (407, "", None, "no_proxy"),
        (404, r#"{"message":"package not found"}"#, Some("package not found"), "whether case matters"),
        (500, "", None, "later"),
        (503, "<html>…", Some("an HTML page"), "later"),
        (302, "", None, "redirects are not followed"),
        (418, "{}", None, "gives no reason"),
    ] {
        let error = answered(Response::new(status, Vec::new(), body)).await.unwrap_err();
        let expected = ExchangeErrorKind::Rejected { status, message: message.map(str::to_owned) };
        assert_eq!(error.kind(), &expected);
        let text = error.to_string();
        assert!(
            text.contains(&status.to_string()) && text.contains("@acme/widget") && text.contains(advice),
            "{text}"
        );
        assert!(text.contains(message.unwrap_or_default()), "{text}");
        assert!(message.is_none() || !text.contains("could not read"), "{text}");
    }
}

#[tokio::test]
async fn what_a_registry_says_can_neither_move_the_cursor_nor_repeat_the_token() {
    let error = answered(answer(404, &json!({ "message": "a\u{1b}[2Jb\n::error::c" }))).await.unwrap_err();
    assert!(!error.to_string().contains(['\u{1b}', '\n']), "{error}");

    let echo = FakeHttp::new().on_request(|request| {
        let bearer = request.headers.iter().find(|(name, _)| *name == "authorization")?.1.expose();
        let first_part = bearer.split('.').next()?.to_owned();
        let said = if request.url.as_str().ends_with("widget") { bearer } else { &first_part };
        Some(Ok(answer(401, &json!({ "message": format!("bad header: {said}") }))))
    });
    for name in ["widget", "gadget"] {
        let error = Npm::at(REGISTRY).unwrap();
        let error = error
            .exchange(
                &ExchangeRequest::new(&id_token("npm:registry.example"), package(name)),
                &context(&echo),
            )
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &ExchangeErrorKind::Rejected { status: 401, message: None });
        assert!(!format!("{error} {error:?}").contains("ey"), "{error}");
    }
}

#[tokio::test]
async fn an_exchange_whose_answer_was_lost_is_not_tried_again() {
    for (kind, expected) in [
        (HttpErrorKind::Broken("reset".to_owned()), ExchangeErrorKind::Unreachable),
        (HttpErrorKind::Connect("refused".to_owned()), ExchangeErrorKind::Unreachable),
        (HttpErrorKind::TooLarge(7), ExchangeErrorKind::InvalidAnswer),
        (HttpErrorKind::Request("header".to_owned()), ExchangeErrorKind::InvalidRequest),
    ] {
        let http = FakeHttp::new().fail("POST", EXCHANGE, kind.clone()).on("POST", EXCHANGE, created());
        let registry = Npm::at(REGISTRY).unwrap();
        let token = id_token("npm:registry.example");
        let error = registry
            .exchange(&ExchangeRequest::new(&token, package("@acme/widget")), &context(&http))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &expected);
        assert!(error.diagnosis().problem.contains(&kind.to_string()), "{error}");
        assert_eq!(error.http().unwrap().kind(), &kind);
        assert_eq!(http.requests().len(), 1);
    }
}

#[tokio::test]
async fn npms_protocol_has_no_way_to_end_a_token() {
    let token = answered(created()).await.unwrap();
    assert!(!Npm::at(REGISTRY).unwrap().revoke(&token, &Context::default()).await.unwrap());
}

#[tokio::test]
async fn each_package_has_an_identity_token_of_its_own() {
    let http = FakeHttp::new().on_request(|_| Some(Ok(created())));
    let (cx, registry) = (context(&http), Npm::at(REGISTRY).unwrap());
    let source = FakePlatform::new().source(&cx);
    for name in ["@acme/one", "@acme/two", "three"] {
        let request = PublishRequest::new(package(name));
        let token = token_from(&registry, &*source, request, &cx).await.unwrap();
        assert_eq!(token.scope().package(), Some(name));
    }
    let sent: BTreeSet<String> =
        http.requests().iter().map(|sent| sent.headers[1].1.expose().to_owned()).collect();
    assert_eq!(sent.len(), 3, "an identity token is sent once");
    for bearer in sent {
        let claims = Unverified::of_token(bearer.strip_prefix("Bearer ").unwrap()).unwrap();
        assert_eq!(claims.read_unverified().text("aud").as_deref(), Some("npm:registry.example"));
    }
}

/// A job of the platform that it lets ask for nothing.
fn forbidden(http: &FakeHttp) -> Context {
    FakePlatform::job_without_permission().with_http(http.clone())
}

fn fake() -> ProviderSet {
    ProviderSet::default().with(FakePlatform::new())
}

async fn outcome(mode: Mode, providers: &ProviderSet, cx: &Context) -> Result<Outcome, Failure> {
    let (registry, request) = (Npm::at(REGISTRY).unwrap(), PublishRequest::new(package("@acme/widget")));
    mode.outcome(publish_token(&registry, request, providers, cx)).await
}

#[tokio::test]
async fn a_variable_that_the_user_names_wins_over_the_platform() {
    let http = FakeHttp::new().on("POST", EXCHANGE, created());
    let got = outcome(Mode::Automatic, &fake(), &job(&http, "npm:registry.example")).await.unwrap();
    assert!(matches!(got, Outcome::Token(_)), "{got:?}");
    assert_eq!(http.requests().len(), 1);
}

#[tokio::test]
async fn automatic_falls_back_with_the_reason_and_always_fails_with_it() {
    let refusing =
        FakeHttp::new().on("POST", EXCHANGE, answer(404, &json!({ "message": "package not found" })));
    for (providers, cx, reason) in [
        (ProviderSet::default(), context(&refusing), "not a job of a platform"),
        (fake(), forbidden(&refusing), "this job may not ask"),
        (fake(), job(&refusing, "npm:registry.example"), "package not found"),
        (fake(), job(&refusing, "npm:elsewhere.example"), "npm:elsewhere.example"),
    ] {
        let Outcome::Fallback(why) = outcome(Mode::Automatic, &providers, &cx).await.unwrap() else {
            panic!("expected a fall-back")
        };
        assert!(why.diagnosis().to_string().contains(reason), "{why}");
        let failure = outcome(Mode::Always, &providers, &cx).await.unwrap_err();
        assert_eq!(failure.to_string(), why.to_string());
        assert_eq!(failure.diagnosis(), why.diagnosis());
    }
}

#[tokio::test]
async fn never_asks_nobody() {
    let http = FakeHttp::new().on("POST", EXCHANGE, created());
    let got = outcome(Mode::Never, &fake(), &job(&http, "npm:registry.example")).await.unwrap();
    assert!(matches!(got, Outcome::Disabled));
    assert!(http.requests().is_empty());
}

#[test]
fn a_mode_has_a_name() {
    for (name, mode) in [("automatic", Mode::Automatic), ("always", Mode::Always), ("never", Mode::Never)] {
        assert_eq!(name.parse(), Ok(mode));
    }
    assert!("Always".parse::<Mode>().is_err());
}
