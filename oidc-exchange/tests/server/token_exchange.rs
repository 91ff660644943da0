//! OAuth 2.0 token exchange: the endpoint's answers, and both ends against each other.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use oidc_core::http::{HttpClient, HttpError, Request as Outgoing, Response};
use oidc_core::testing::ManualClock;
use oidc_core::{Audience, Context, HttpUrl, IdToken, Timestamp};
use oidc_exchange::client::{
    ExchangeError, ExchangeRequest, PublishToken, Registry as _, Scope, TokenExchange,
};
use oidc_exchange::server::{Package, TokenExchangeEndpoint, token_exchange};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::registry::{AUDIENCE, NOW, Registry};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const URL: &str = "https://registry.example/models/";
const METADATA: &str = "/.well-known/oauth-authorization-server/models";
const TOKEN: &str = "/models/oauth/token";
const FORM: &str = "application/x-www-form-urlencoded";

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    /// As RFC 6749, section 5.1, has it.
    fn is_uncached(&self) -> bool {
        self.headers["cache-control"] == "no-store" && self.headers["pragma"] == "no-cache"
    }

    /// The code and the description of a refusal, in the characters that RFC 6749 allows.
    #[track_caller]
    fn error(&self) -> (&str, &str) {
        let description = self.body["error_description"].as_str().unwrap_or_else(|| panic!("{}", self.body));
        let allowed = |byte: u8| matches!(byte, b' '..=b'!' | b'#'..=b'[' | b']'..=b'~');
        assert!(description.bytes().all(allowed), "{description}");
        (self.body["error"].as_str().unwrap(), description)
    }
}

/// A registry whose job may publish two models.
async fn registry() -> (Registry, TokenExchangeEndpoint) {
    with_models(Registry::new().await).await
}

async fn with_models(registry: Registry) -> (Registry, TokenExchangeEndpoint) {
    for name in ["one", "two"] {
        let config = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
        let record = registry.trust.prepare(Package::new("models", name), "fake", None, config).unwrap();
        registry.trust.add(&record).await.unwrap();
    }
    let endpoint = token_exchange(registry.exchange.clone(), "models", &HttpUrl::parse(URL).unwrap());
    (registry, endpoint)
}

async fn ask(endpoint: &TokenExchangeEndpoint, request: Request<Full<Bytes>>) -> Answer {
    let (parts, body) = endpoint.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn post(endpoint: &TokenExchangeEndpoint, members: &[(&str, &str)]) -> Answer {
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish();
    let request = Request::post(TOKEN).header("content-type", FORM);
    ask(endpoint, request.body(Full::from(form)).unwrap()).await
}

fn grant<'a>(token: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let all = [("grant_type", GRANT), ("subject_token_type", ID_TOKEN), ("subject_token", token)];
    let changed = |name: &str| more.iter().any(|(other, _)| *other == name);
    all.into_iter().filter(|(name, _)| !changed(name)).chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn a_token_is_for_every_package_of_the_identity() {
    let (registry, endpoint) = registry().await;
    for more in [
        vec![],
        vec![("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")],
        vec![("requested_token_type", ACCESS_TOKEN), ("scope", ""), ("unknown", "x"), ("unknown", "y")],
        vec![("audience", AUDIENCE), ("resource", "https://registry.example/models"), ("resource", URL)],
    ] {
        let token = registry.token(&json!({}));
        let answer = post(&endpoint, &grant(&token, &more)).await;
        assert_eq!(answer.status, 200, "{more:?}: {}", answer.body);
        assert!(answer.is_uncached());
        assert_eq!(answer.body["token_type"], "Bearer");
        assert_eq!(answer.body["issued_token_type"], ACCESS_TOKEN);
        assert_eq!(answer.body["expires_in"], registry.exchange.lifetime().as_secs());
        let given = answer.body["access_token"].as_str().unwrap();
        let found = registry.exchange.find(given).await.unwrap().unwrap();
        for name in ["one", "two"] {
            assert!(found.for_package(&Package::new("models", name)).is_some());
        }
        assert!(found.for_package(&Package::new("models", "three")).is_none());
        // The same identity token is taken once.
        let again = post(&endpoint, &grant(&token, &more)).await;
        assert_eq!((again.status, again.error().0), (400, "invalid_request"));
        assert_eq!(again.body["diagnosis"]["code"], "already-used");
    }
}

#[tokio::test]
async fn a_request_for_something_else_is_refused_with_the_code_of_rfc_6749() {
    let (registry, endpoint) = registry().await;
    let token = registry.token(&json!({}));
    for (more, code, part) in [
        (vec![("grant_type", "")], "invalid_request", "no `grant_type`"),
        (vec![("grant_type", "client_credentials")], "unsupported_grant_type", "is not"),
        (vec![("grant_type", GRANT), ("grant_type", GRANT)], "invalid_request", "more than once"),
        (vec![("subject_token_type", "")], "invalid_request", "subject_token_type"),
        (vec![("subject_token_type", ACCESS_TOKEN)], "invalid_request", "subject_token_type"),
        (vec![("subject_token", "")], "invalid_request", "no `subject_token`"),
        (vec![("subject_token", "a"), ("subject_token", "b")], "invalid_request", "more than once"),
        (vec![("requested_token_type", ID_TOKEN)], "invalid_request", "requested_token_type"),
        (vec![("actor_token", "x")], "invalid_request", "actor_token"),
        (vec![("actor_token_type", ID_TOKEN)], "invalid_request", "actor_token_type"),
        (vec![("scope", "publish")], "invalid_scope", "no scopes"),
        (vec![("audience", "https://evil.example")], "invalid_target", "`audience`"),
        (vec![("audience", AUDIENCE), ("audience", "other")], "invalid_target", "`audience`"),
        (vec![("resource", "https://registry.example/")], "invalid_target", "`resource`"),
        (vec![("resource", "https://registry.example/models//")], "invalid_target", "`resource`"),
        (vec![("subject_token", "no\"t\\a é\u{1b}[31m JWT")], "invalid_request", "token"),
    ] {
        let answer = post(&endpoint, &grant(&token, &more)).await;
        let (found, description) = answer.error();
        assert_eq!((answer.status, found), (400, code), "{more:?}: {}", answer.body);
        assert!(answer.is_uncached());
        assert!(description.contains(part), "{more:?}: {description}");
        assert!(!answer.body.to_string().contains(&token));
    }
    // None of these used the token up.
    assert_eq!(post(&endpoint, &grant(&token, &[])).await.status, 200);
}

#[tokio::test]
async fn a_description_has_the_characters_of_rfc_6749() {
    let (registry, endpoint) = registry().await;
    let token = registry.token(&json!({ "repository": "acme/\"wid\\get\" \u{e9}\u{1b}" }));
    let answer = post(&endpoint, &grant(&token, &[])).await;
    let (code, description) = answer.error();
    assert_eq!((answer.status, code), (400, "invalid_request"), "{}", answer.body);
    let is_allowed = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    assert!(description.chars().all(is_allowed), "{description}");
    assert!(description.contains("acme/'wid/get'"), "{description}");
}

#[tokio::test]
async fn a_subject_token_that_is_not_accepted_is_an_invalid_request_with_its_reason() {
    let (registry, endpoint) = registry().await;
    for (changes, part) in [
        (json!({ "repository": "evil/widget" }), "publisher"),
        (json!({ "workflow": "other.yml" }), "workflow"),
        (json!({ "exp": NOW - 600, "iat": NOW - 900 }), "expired"),
        (json!({ "aud": "https://evil.example" }), "audience"),
        (json!({ "iss": "https://evil.example" }), "issuer"),
    ] {
        let token = registry.token(&changes);
        let answer = post(&endpoint, &grant(&token, &[])).await;
        let (code, description) = answer.error();
        assert_eq!((answer.status, code), (400, "invalid_request"), "{changes}: {}", answer.body);
        assert!(description.contains(part), "{changes}: {description}");
        assert!(answer.body["diagnosis"]["code"].is_string());
    }
    let (registry, endpoint) = with_models(Registry::unreachable().await).await;
    let answer = post(&endpoint, &grant(&registry.token(&json!({})), &[])).await;
    assert_eq!((answer.status, answer.error().0), (503, "temporarily_unavailable"));
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn what_is_no_form_and_no_endpoint_is_told_so() {
    let (registry, endpoint) = registry().await;
    let token = registry.token(&json!({}));
    let json = json!({ "grant_type": GRANT, "subject_token": token, "subject_token_type": ID_TOKEN });
    for kind in ["application/json", "text/plain", ""] {
        let request = Request::post(TOKEN).header("content-type", kind);
        let answer = ask(&endpoint, request.body(Full::from(json.to_string())).unwrap()).await;
        assert_eq!((answer.status, answer.error().0), (400, "invalid_request"), "{kind}");
    }
    for (method, path, status, allowed) in [
        (Method::GET, TOKEN, 405, Some("POST")),
        (Method::DELETE, TOKEN, 405, Some("POST")),
        (Method::POST, METADATA, 405, Some("GET")),
        (Method::POST, "/models/oauth/revoke", 404, None),
        (Method::GET, "/", 404, None),
    ] {
        let request = Request::builder().method(&method).uri(path).body(Full::default()).unwrap();
        let answer = ask(&endpoint, request).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(
            answer.headers.get("allow").and_then(|found| found.to_str().ok()),
            allowed,
            "{method} {path}"
        );
    }
    let huge = [("subject_token", "x".repeat(70_000))];
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(huge).finish();
    let request = Request::post(TOKEN).header("content-type", FORM);
    let answer = ask(&endpoint, request.body(Full::from(form)).unwrap()).await;
    assert_eq!((answer.status, answer.error().0), (400, "invalid_request"));
    assert!(answer.error().1.contains("64 KiB"));
}

/// Credentials of a client are of no use here, and neither help nor hinder: a proxy before the registry may ask for some.
#[tokio::test]
async fn nothing_is_read_of_a_clients_own_credentials() {
    let (registry, endpoint) = registry().await;
    let other = registry.token(&json!({ "repository": "evil/widget" }));
    let clients = [("client_id", "acme"), ("client_secret", "s3cret"), ("client_assertion", &*other)];
    for authorization in ["Basic YTpi", &format!("Bearer {other}"), "Negotiate x"] {
        for (changes, status) in [(json!({}), 200), (json!({ "repository": "evil/widget" }), 400)] {
            let token = registry.token(&changes);
            let form = grant(&token, &clients);
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            let request = Request::post(TOKEN).header("content-type", FORM);
            let request = request.header("authorization", authorization);
            let answer = ask(&endpoint, request.body(Full::from(form)).unwrap()).await;
            assert_eq!(answer.status, status, "{authorization}: {}", answer.body);
            assert!(!answer.body.to_string().contains("s3cret"));
        }
    }
}

#[tokio::test]
async fn a_request_of_two_types_is_of_none() {
    let (registry, endpoint) = registry().await;
    let token = registry.token(&json!({}));
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(grant(&token, &[])).finish();
    for types in [[FORM, "application/json"], ["application/json", FORM], [FORM, FORM]] {
        let request =
            types.iter().fold(Request::post(TOKEN), |sent, kind| sent.header("content-type", *kind));
        let answer = ask(&endpoint, request.body(Full::from(form.clone())).unwrap()).await;
        assert_eq!((answer.status, answer.error().0), (400, "invalid_request"), "{types:?}");
    }
}

#[tokio::test]
async fn the_metadata_come_from_the_configured_url_alone() {
    let (_registry, endpoint) = registry().await;
    let request =
        Request::get(METADATA).header("host", "evil.example").header("x-forwarded-host", "evil.example");
    let answer = ask(&endpoint, request.body(Full::default()).unwrap()).await;
    let expected = json!({
        "issuer": "https://registry.example/models",
        "token_endpoint": "https://registry.example/models/oauth/token",
        "grant_types_supported": [GRANT],
        "token_endpoint_auth_methods_supported": ["none"],
        "response_types_supported": [],
    });
    assert_eq!((answer.status, &answer.body), (200, &expected));
}

/// The network between both ends.
#[derive(Debug)]
struct Between(TokenExchangeEndpoint);

#[async_trait]
impl HttpClient for Between {
    async fn send(&self, request: Outgoing) -> Result<Response, HttpError> {
        let mut sent = Request::builder().method(request.method.as_str()).uri(request.url.path());
        for (name, value) in &request.headers {
            sent = sent.header(*name, value.expose());
        }
        let sent = sent.body(Full::<Bytes>::from(request.body.clone())).unwrap();
        let answer = ask(&self.0, sent).await;
        Ok(Response::new(answer.status, Vec::new(), answer.body.to_string()))
    }
}

async fn exchanged(
    registry: &Registry,
    endpoint: &TokenExchangeEndpoint,
    changes: &Value,
) -> Result<PublishToken, ExchangeError> {
    let client = TokenExchange::at(URL).unwrap().with_audience(Audience::new(AUDIENCE).unwrap());
    let cx = Context::default().with_http(Between(endpoint.clone())).with_clock(ManualClock::at(NOW));
    let audience = client.audience(&cx).await.unwrap();
    let token = IdToken::new(registry.token(changes), audience).unwrap();
    client.exchange(&ExchangeRequest::new(&token, Scope::Identity), &cx).await
}

#[tokio::test]
async fn both_ends_understand_each_other() {
    let (registry, endpoint) = registry().await;
    let token = exchanged(&registry, &endpoint, &json!({})).await.unwrap();
    let found = registry.exchange.find(token.secret_for(&Scope::Identity).unwrap().expose()).await.unwrap();
    assert!(found.unwrap().for_package(&Package::new("models", "one")).is_some());
    let lifetime = registry.exchange.lifetime().as_secs();
    assert_eq!(token.expires_at().map(Timestamp::as_secs), Some(NOW + lifetime));
    let error = exchanged(&registry, &endpoint, &json!({ "workflow": "other.yml" })).await.unwrap_err();
    assert_eq!(error.reason().map(|reason| reason.code.as_str()), Some("fake"));
    assert_eq!(error.diagnosis().expected.as_deref(), Some("publish.yml"), "{error}");
}
