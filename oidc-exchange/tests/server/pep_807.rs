//! The endpoint of PEP 807's draft: discovery, audience, exchange, and problems instead of PyPI's errors.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use oidc_core::HttpUrl;
use oidc_exchange::pep_807::MEDIA_TYPE;
use oidc_exchange::server::{MintPolicy, Package, Pep807Tokens, TrustPolicy, pep_807, pypi};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::registry::Registry;

const UPLOAD: &str = "https://index.example/acme/legacy/";

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    /// The problem that it is, by its code and its detail.
    #[track_caller]
    fn problem(&self) -> (&str, &str) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.body);
        assert_eq!(self.headers["cache-control"], "no-store");
        assert_eq!(self.body["status"], self.status);
        assert!(!self.body["title"].as_str().unwrap().is_empty());
        (self.body["code"].as_str().unwrap(), self.body["detail"].as_str().unwrap())
    }

    #[track_caller]
    fn success(&self) -> &Value {
        assert_eq!((self.status, &self.headers["content-type"]), (200, &MEDIA_TYPE.parse().unwrap()));
        assert_eq!(self.headers["cache-control"], "no-store");
        &self.body
    }
}

/// A registry where the job may publish two projects of one index.
async fn index() -> (Registry, Pep807Tokens) {
    let registry = Registry::new().await;
    for name in ["one", "two"] {
        let config = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
        let record = registry.trust.prepare(Package::new("pypi", name), "fake", None, config).unwrap();
        registry.trust.add(&record).await.unwrap();
    }
    let endpoint = pep_807(registry.exchange.clone(), &HttpUrl::parse(UPLOAD).unwrap()).unwrap();
    (registry, endpoint)
}

async fn ask(endpoint: &Pep807Tokens, request: http::request::Builder, body: String) -> Answer {
    let request = request.body(Full::<Bytes>::from(body)).unwrap();
    let (parts, body) = endpoint.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn mint(endpoint: &Pep807Tokens, body: Value) -> Answer {
    let request = Request::post("/_/pytp/mint-token").header("accept", MEDIA_TYPE);
    ask(endpoint, request, body.to_string()).await
}

#[tokio::test]
async fn an_upload_url_is_discovered_by_its_path_and_no_other() {
    let (_registry, endpoint) = index().await;
    let expected = json!({
        "audience-endpoint": "https://index.example/_/pytp/audience",
        "token-mint-endpoint": "https://index.example/_/pytp/mint-token",
        "features": ["multi-use-token"],
        "default-features": ["multi-use-token"],
    });
    let get = |query: &str| {
        let request = Request::get(format!("/.well-known/pytp{query}")).header("host", "evil.example");
        ask(&endpoint, request.header("x-forwarded-host", "evil.example"), String::new())
    };
    for query in
        ["?discover=%2Facme%2Flegacy%2F", "?discover=%2Facme%2Flegacy", "?x=1&discover=/acme/legacy/"]
    {
        assert_eq!(get(query).await.success(), &expected, "{query}");
    }
    for query in [
        "?discover=",
        "?discover=%2F",
        "?discover=%2Flegacy%2F",
        "?discover=%2Facme%2Flegacy%2Fx",
        "?discover=%2FACME%2Flegacy%2F",
        "?discover=%252Facme%252Flegacy%252F",
        "?discover=https%3A%2F%2Findex.example%2Facme%2Flegacy%2F",
        "?discover=%00",
        "?discover=%ff",
    ] {
        let answer = get(query).await;
        assert_eq!((answer.status, answer.problem().0), (404, "no-such-index"), "{query}");
    }
    for query in ["", "?", "?discove=%2F", "?discover=%2Facme%2Flegacy%2F&discover=%2F"] {
        let answer = get(query).await;
        assert_eq!((answer.status, answer.problem().0), (400, "malformed"), "{query}");
    }
}

#[tokio::test]
async fn a_token_is_for_every_project_and_lives_as_long_as_the_draft_allows() {
    let (registry, endpoint) = index().await;
    for path in ["/_/pytp/audience", "/audience", "/prefix/_/pytp/audience"] {
        let answer = ask(&endpoint, Request::get(path), String::new()).await;
        assert_eq!(answer.success(), &json!({ "audience": crate::registry::AUDIENCE }));
    }
    for features in [None, Some(json!(["multi-use-token"]))] {
        let mut body = json!({ "token": registry.token(&json!({})), "more": 1 });
        if let Some(features) = features {
            body["features"] = features;
        }
        let answer = mint(&endpoint, body).await;
        let members: Vec<&str> = answer.success().as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["expires", "token"]);
        assert_eq!(answer.body["expires"], crate::registry::NOW + 900);
        let record = registry.exchange.find(answer.body["token"].as_str().unwrap()).await.unwrap().unwrap();
        let mut names: Vec<_> = record.packages.iter().map(|granted| granted.package.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["one", "two"]);
    }
}

#[tokio::test]
async fn both_dresses_are_of_one_exchange() {
    let (registry, endpoint) = index().await;
    let token = registry.token(&json!({}));
    mint(&endpoint, json!({ "token": token })).await.success();
    let body = json!({ "token": token }).to_string();
    let request = Request::post("/_/oidc/mint-token").body(Full::<Bytes>::from(body)).unwrap();
    let answer = pypi(registry.exchange.clone()).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 422, "used up through one endpoint, it is used up for the other");
}

#[tokio::test]
async fn a_refusal_is_a_problem_that_says_why_and_uses_nothing_up() {
    let (registry, endpoint) = index().await;
    let now = crate::registry::NOW;
    let used = registry.token(&json!({}));
    mint(&endpoint, json!({ "token": used })).await.success();
    let token = |changes: Value| registry.token(&changes);
    for (token, status, code, part) in [
        (used, 403, "already-used", "already used"),
        (
            token(json!({ "repository": "evil/widget", "repository_id": "66" })),
            403,
            "not-trusted",
            "evil/widget",
        ),
        (token(json!({ "workflow": "evil.yml" })), 403, "rule-differs", "workflow"),
        (
            token(json!({ "exp": now - 3600, "iat": now - 7200, "nbf": now - 7200 })),
            403,
            "invalid-token",
            "expired",
        ),
        (token(json!({ "aud": "other" })), 403, "invalid-token", "audience"),
        ("nonsense".to_owned(), 403, "invalid-token", ""),
        (String::new(), 400, "no-token", "empty"),
    ] {
        let before = registry.records().await;
        let answer = mint(&endpoint, json!({ "token": token })).await;
        let (said, detail) = answer.problem();
        assert_eq!((answer.status, said), (status, code), "{detail}");
        assert!(detail.contains(part) && (token.is_empty() || !detail.contains(&token)), "{detail}");
        assert_eq!(registry.records().await, before);
    }
    assert!(registry.events.take().iter().any(|event| event.outcome != "granted"), "refusals are events too");
}

#[tokio::test]
async fn what_is_no_request_of_the_draft_is_refused_as_such() {
    let (registry, endpoint) = index().await;
    let long = "a".repeat(70_000);
    for body in ["", "{", "[]", "null", "7", "{}", r#"{"token":7}"#, &long] {
        let request = Request::post("/_/pytp/mint-token");
        let answer = ask(&endpoint, request, body.to_owned()).await;
        assert_eq!((answer.status, answer.problem().0), (400, "malformed"));
    }
    for features in [
        json!([]),
        json!(["single-use-token"]),
        json!(["multi-use-token", "x"]),
        json!("multi-use-token"),
        json!([7]),
        Value::Null,
    ] {
        let body = json!({ "token": registry.token(&json!({})), "features": features });
        let answer = mint(&endpoint, body).await;
        assert_eq!((answer.status, answer.problem().0), (400, "malformed"), "{features}");
        assert_eq!(registry.records().await, (0, 0));
    }
    for (request, status, allowed) in [
        (Request::get("/_/pytp/mint-token"), 405, Some("POST")),
        (Request::post("/_/pytp/audience"), 405, Some("GET")),
        (Request::put("/.well-known/pytp"), 405, Some("GET")),
        (Request::get("/_/pytp/burn-token"), 404, None),
        (Request::get("/_/pytp/"), 404, None),
    ] {
        let answer = ask(&endpoint, request, String::new()).await;
        answer.problem();
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers.get("allow").map(|allow| allow.to_str().unwrap()), allowed);
    }
}

#[tokio::test]
async fn another_accept_is_not_acceptable() {
    let (registry, endpoint) = index().await;
    let with = |accept: &'static str| {
        let body = json!({ "token": registry.token(&json!({})) }).to_string();
        let request = Request::post("/_/pytp/mint-token").header("accept", accept);
        let discovery = Request::get("/.well-known/pytp?discover=/acme/legacy/").header("accept", accept);
        let (asked, discovery) = (ask(&endpoint, request, body), ask(&endpoint, discovery, String::new()));
        async move { [asked.await, discovery.await] }
    };
    for accept in [
        "application/json",
        "text/html",
        "",
        "application/vnd.pypi.pytp.v2+json",
        "application/vnd.pypi.pytp.v1+json;q=0",
        "*/*;q=0.0",
        "application/vnd.pypi.pytp.v1+jsonx",
        "text/*, application/json",
    ] {
        for answer in with(accept).await {
            assert_eq!((answer.status, answer.problem().0), (406, "not-acceptable"), "{accept}");
        }
    }
    assert_eq!(registry.records().await, (0, 0), "what is not acceptable uses nothing up");
    for accept in [
        MEDIA_TYPE,
        "Application/Vnd.PyPI.pytp.v1+json; q=0.5",
        "text/html, application/vnd.pypi.pytp.v1+json",
        "application/*",
        "*/*",
    ] {
        for answer in with(accept).await {
            answer.success();
        }
    }
}

#[tokio::test]
async fn keys_that_can_not_be_had_are_no_fault_of_the_token() {
    let registry = Registry::unreachable().await;
    let endpoint = pep_807(registry.exchange.clone(), &HttpUrl::parse(UPLOAD).unwrap()).unwrap();
    let answer = mint(&endpoint, json!({ "token": registry.token(&json!({})) })).await;
    assert_eq!((answer.status, answer.problem().0), (503, "keys-unavailable"));
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn tokens_that_live_too_short_or_too_long_get_no_endpoint() {
    for (seconds, is_fine) in [(899, false), (900, true), (21_600, true), (21_601, false)] {
        let policy = MintPolicy::default().lifetime(Duration::from_secs(seconds));
        let registry = Registry::with(policy, TrustPolicy::default()).await;
        let endpoint = pep_807(registry.exchange.clone(), &HttpUrl::parse(UPLOAD).unwrap());
        match endpoint {
            Ok(_) => assert!(is_fine, "{seconds}"),
            Err(error) => assert!(!is_fine && error.to_string().contains(&seconds.to_string()), "{error}"),
        }
    }
}
