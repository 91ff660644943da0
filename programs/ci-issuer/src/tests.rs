use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc_core::http::{HttpSettings, Request, Response};
use oidc_core::{Clock, Context, Environment, HttpUrl, Secret, Timestamp};
use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_800_000_000;

/// A clock that stands still, and whose timer either rings at once or never.
#[derive(Debug)]
struct TestClock {
    rings: bool,
    asked: &'static Mutex<Vec<Duration>>,
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(NOW)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, duration: Duration) {
        self.asked.lock().unwrap().push(duration);
        if !self.rings {
            std::future::pending::<()>().await;
        }
    }
}

fn context(rings: bool) -> (Context, &'static Mutex<Vec<Duration>>) {
    let asked: &Mutex<Vec<Duration>> = Box::leak(Box::default());
    let system = Context::system_with(Environment::default(), HttpSettings::default()).unwrap();
    (system.with_clock(TestClock { rings, asked }), asked)
}

async fn start(settings: Settings) -> (Running, Context) {
    let (context, _) = context(false);
    (Running::start(settings, &context).await.unwrap(), context)
}

fn faulty(platform: &'static Platform, fault: Fault) -> Settings {
    Settings { fault: Some(fault), ..Settings::new(platform) }
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn claims(token: &str) -> Value {
    part(token, 1)
}

fn env<'a>(running: &'a Running, name: &str) -> Option<&'a str> {
    running.env().iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

async fn get(context: &Context, url: &str) -> Response {
    context.http().send(Request::get(HttpUrl::parse(url).unwrap())).await.unwrap()
}

/// Asks the token endpoint as a job does.
async fn request_token(running: &Running, context: &Context, audience: Option<&str>) -> Response {
    let mut url = HttpUrl::parse(env(running, "ACTIONS_ID_TOKEN_REQUEST_URL").unwrap()).unwrap();
    if let Some(audience) = audience {
        url = url.with_query("audience", audience);
    }
    let secret = Secret::new(env(running, "ACTIONS_ID_TOKEN_REQUEST_TOKEN").unwrap());
    context.http().send(Request::get(url).bearer(&secret)).await.unwrap()
}

async fn value(running: &Running, context: &Context, audience: &str) -> String {
    let answer: Value = request_token(running, context, Some(audience)).await.json().unwrap();
    answer["value"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn discovery_leads_to_the_key_that_signs() {
    for platform in PLATFORMS {
        let (running, context) = start(Settings::new(platform)).await;
        let url = format!("{}/.well-known/openid-configuration", running.url());
        let discovery: Value = get(&context, &url).await.json().unwrap();
        assert_eq!(discovery["issuer"], running.url());
        let jwks: Value = get(&context, discovery["jwks_uri"].as_str().unwrap()).await.json().unwrap();
        let header = part(&running.token("x", &Changes::default()), 0);
        assert_eq!(jwks["keys"][0]["kid"], header["kid"]);
        assert_eq!(header["typ"], "JWT");
        running.stop().await;
    }
}

#[tokio::test]
async fn a_github_job_gets_a_token_for_the_audience_that_it_names() {
    let (running, context) = start(Settings::new(&GITHUB)).await;
    assert!(env(&running, "ACTIONS_ID_TOKEN_REQUEST_URL").unwrap().ends_with("?api-version=2.0"));
    let answer: Value = request_token(&running, &context, Some("npm:127.0.0.1")).await.json().unwrap();
    let token = answer["value"].as_str().unwrap();
    assert_eq!(answer["count"], token.len());
    let claims = claims(token);
    assert_eq!((&claims["aud"], &claims["iss"]), (&json!("npm:127.0.0.1"), &json!(running.url())));
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(NOW), &json!(NOW + 300)));
    for (variable, claim) in [
        ("GITHUB_REPOSITORY", "repository"),
        ("GITHUB_REF", "ref"),
        ("GITHUB_WORKFLOW_REF", "workflow_ref"),
        ("GITHUB_EVENT_NAME", "event_name"),
    ] {
        assert_eq!(env(&running, variable), claims[claim].as_str(), "{variable}");
    }
    assert_eq!(env(&running, "GITHUB_REF_NAME"), Some("v1.0.0"));
}

#[tokio::test]
async fn a_github_job_that_names_no_audience_gets_the_owners() {
    let (running, context) = start(Settings::new(&GITHUB)).await;
    let answer: Value = request_token(&running, &context, None).await.json().unwrap();
    assert_eq!(claims(answer["value"].as_str().unwrap())["aud"], "https://github.com/acme");
}

#[tokio::test]
async fn a_wrong_request_token_gets_no_identity_token() {
    let (running, context) = start(Settings::new(&GITHUB)).await;
    let url = HttpUrl::parse(env(&running, "ACTIONS_ID_TOKEN_REQUEST_URL").unwrap()).unwrap();
    let wrong = Request::get(url.clone()).bearer(&Secret::new("guessed"));
    assert_eq!(context.http().send(wrong).await.unwrap().status, 401);
    assert_eq!(context.http().send(Request::get(url.clone())).await.unwrap().status, 401);
    let right = format!("bearer {}", env(&running, "ACTIONS_ID_TOKEN_REQUEST_TOKEN").unwrap());
    let lower = Request::get(url).header("authorization", right);
    assert_eq!(context.http().send(lower).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_gitlab_job_finds_a_token_for_each_audience_in_its_environment() {
    let audiences = vec!["npm:127.0.0.1".to_owned(), "pypi".to_owned()];
    let (running, context) = start(Settings { audiences, ..Settings::new(&GITLAB) }).await;
    assert_eq!(claims(env(&running, "NPM_ID_TOKEN").unwrap())["aud"], "npm:127.0.0.1");
    let claims = claims(env(&running, "PYPI_ID_TOKEN").unwrap());
    assert_eq!(claims["aud"], "pypi");
    assert_eq!(env(&running, "GITLAB_CI"), Some("true"));
    assert_eq!(env(&running, "CI_SERVER_URL"), Some(running.url()));
    assert_eq!(env(&running, "CI_PROJECT_PATH"), claims["project_path"].as_str());
    assert_eq!(env(&running, "CI_COMMIT_TAG"), Some("v1.0.0"));
    assert_eq!(env(&running, "CI_RUNNER_ID"), Some("12"));
    assert_eq!(get(&context, &format!("{}/token", running.url())).await.status, 404);
}

#[tokio::test]
async fn a_token_made_before_the_job_can_lie_in_a_variable_of_choice() {
    let audiences = vec!["npm:127.0.0.1".to_owned()];
    let named = |name: &str| Some(name.to_owned());
    let settings = Settings { audiences, token_variable: named("MY_TOKEN"), ..Settings::new(&GITHUB) };
    let (running, context) = start(settings.clone()).await;
    assert_eq!(claims(env(&running, "MY_TOKEN").unwrap())["aud"], "npm:127.0.0.1");

    let refused = async |settings| Running::start(settings, &context).await.unwrap_err().to_string();
    let unnamed = Settings { token_variable: None, ..settings.clone() };
    assert!(refused(unnamed).await.contains("name a variable"));
    let injected = Settings { token_variable: named("X; rm -rf ~"), ..settings.clone() };
    assert!(refused(injected).await.contains("not a variable's name"));
    let without = Settings { audiences: Vec::new(), ..settings };
    assert!(refused(without).await.contains("exactly one audience"));
}

#[tokio::test]
async fn changed_claims_show_in_tokens_and_variables_alike() {
    let changes =
        Changes::default().set("repository", "evil/gadget").unset("sha").set("environment", "publish");
    let settings = Settings { changes, lifetime: Some(60), ..Settings::new(&GITHUB) };
    let (running, _) = start(settings).await;
    assert_eq!(env(&running, "GITHUB_REPOSITORY_OWNER"), Some("evil"));
    assert_eq!(env(&running, "GITHUB_SHA"), None);
    let usual = claims(&running.token("x", &Changes::default()));
    assert_eq!(usual["exp"], NOW + 60);
    assert_eq!(usual["sub"], "repo:evil/gadget:environment:publish");
    let more = claims(&running.token("x", &Changes::default().unset("environment").claim("exp", 1)));
    assert_eq!(more["exp"], 1);
    assert_eq!(more["repository_owner"], "evil");
    assert!(more.get("environment").is_none());
    assert_ne!(usual["jti"], more["jti"]);
}

#[tokio::test]
async fn one_more_token_can_be_asked_for_from_outside() {
    let (running, context) = start(faulty(&GITLAB, Fault::Down)).await;
    let changes = Changes::default().set("environment", "publish");
    let token = token_of(running.url(), "npm:x", &changes, &context).await.unwrap();
    assert_eq!(
        (&claims(&token)["aud"], &claims(&token)["environment"]),
        (&json!("npm:x"), &json!("publish"))
    );

    let elsewhere = format!("{}/elsewhere", running.url());
    let error = token_of(&elsewhere, "npm:x", &changes, &context).await.unwrap_err().to_string();
    assert!(error.contains("404") && error.contains("is it ci-issuer?"), "{error}");
    assert!(token_of("nonsense", "npm:x", &changes, &context).await.is_err());
    let url = running.url().to_owned();
    running.stop().await;
    let error = token_of(&url, "npm:x", &changes, &context).await.unwrap_err().to_string();
    assert!(error.contains("is ci-issuer running there?"), "{error}");
}

#[tokio::test]
async fn an_expired_token_is_long_past() {
    let (running, context) = start(faulty(&GITHUB, Fault::Expired)).await;
    let claims = claims(&value(&running, &context, "x").await);
    assert_eq!(claims["iat"], NOW - 24 * 60 * 60);
    assert!(claims["exp"].as_u64().unwrap() < NOW - 60 * 60);
}

#[tokio::test]
async fn an_unpublished_key_is_not_in_the_jwks() {
    let (running, context) = start(faulty(&GITHUB, Fault::UnpublishedKey)).await;
    let kid = part(&value(&running, &context, "x").await, 0)["kid"].clone();
    let jwks: Value = get(&context, &running.issuer().jwks_uri()).await.json().unwrap();
    assert!(jwks["keys"].as_array().unwrap().iter().all(|key| key["kid"] != kid));
}

#[tokio::test]
async fn the_same_token_comes_for_the_same_audience_only() {
    let (running, context) = start(faulty(&GITHUB, Fault::SameToken)).await;
    let first = value(&running, &context, "x").await;
    assert_eq!(first, value(&running, &context, "x").await);
    assert_ne!(first, value(&running, &context, "y").await);

    let (usual, context) = start(Settings::new(&GITHUB)).await;
    assert_ne!(value(&usual, &context, "x").await, value(&usual, &context, "x").await);
}

#[tokio::test]
async fn a_wrong_issuer_is_in_the_token_alone() {
    let (running, context) = start(faulty(&GITHUB, Fault::WrongIssuer)).await;
    assert_eq!(claims(&value(&running, &context, "x").await)["iss"], "https://wrong-issuer.invalid");
    assert_eq!(running.issuer().discovery()["issuer"], running.url());
}

#[tokio::test]
async fn an_issuer_that_is_down_answers_503_everywhere() {
    let (running, context) = start(faulty(&GITHUB, Fault::Down)).await;
    assert_eq!(request_token(&running, &context, Some("x")).await.status, 503);
    for url in [running.issuer().discovery_uri(), running.issuer().jwks_uri()] {
        assert_eq!(get(&context, &url).await.status, 503);
    }
}

#[tokio::test]
async fn a_slow_issuer_answers_after_its_delay() {
    let (context, asked) = context(true);
    let settings = Settings { delay: Duration::from_secs(7), ..faulty(&GITHUB, Fault::Slow) };
    let running = Running::start(settings, &context).await.unwrap();
    assert_eq!(get(&context, &running.issuer().jwks_uri()).await.status, 200);
    assert_eq!(*asked.lock().unwrap(), [Duration::from_secs(7)]);
}

#[tokio::test]
async fn stopping_waits_for_no_delay() {
    let (running, context) = start(faulty(&GITHUB, Fault::Slow)).await;
    let url = running.issuer().jwks_uri();
    let waiting = tokio::spawn(async move { get(&context, &url).await.status });
    let address = running.url().trim_start_matches("http://").to_owned();
    let _silent = TcpStream::connect(&address).unwrap();
    tokio::task::yield_now().await;
    running.stop().await;
    assert!(matches!(waiting.await, Ok(503) | Err(_)));
    assert!(TcpStream::connect(&address).is_err());
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let (context, _) = context(false);
    let settings = Settings { listen: "0.0.0.0:0".parse().unwrap(), ..Settings::new(&GITHUB) };
    assert!(matches!(Running::start(settings, &context).await, Err(StartError::NotLoopback(_))));
}

#[tokio::test]
async fn debug_shows_no_token() {
    let audiences = vec!["npm:x".to_owned()];
    let (running, _) = start(Settings { audiences, ..Settings::new(&GITLAB) }).await;
    let shown = format!("{running:?}");
    assert!(!shown.contains(env(&running, "NPM_ID_TOKEN").unwrap()));
    assert_eq!(shown, format!("Running {{ platform: gitlab, url: \"{}\", .. }}", running.url()));
}
