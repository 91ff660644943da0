//! npm's endpoint of a registry, in memory: every answer, and what comes of it.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body::{Body, Frame};
use http_body_util::Full;
use oidc_core::testing::FakeIssuer;
use oidc_exchange::server::{MintPolicy, TrustPolicy, TrustStore as _};
use serde_json::{Value, json};

use crate::registry::{AUDIENCE, ISSUER, NOW, Registry, package};

const EXCHANGE: &str = "/-/npm/v1/oidc/token/exchange";
const WIDGET: &str = "/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget";

#[tokio::test]
async fn a_bearer_token_is_exchanged_for_a_publish_token_of_the_package() {
    let registry = Registry::new().await;
    let answer = registry.exchange(WIDGET, &registry.token(&json!({}))).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.body["token_type"], "oidc");
    assert_eq!(answer.body["created"], "2023-11-14T22:13:20Z");
    assert_eq!(answer.body["expires"], "2023-11-14T22:28:20Z");
    let record = registry.exchange.find(answer.token()).await.unwrap().expect("the token is found");
    assert_eq!(record.packages.len(), 1);
    assert_eq!(record.packages[0].package, package("@acme/widget"));
    assert_eq!(record.run.repository.as_deref(), Some("acme/widget"));
    assert_eq!((record.provider.as_str(), record.issuer.as_str()), ("fake", ISSUER));
}

#[tokio::test]
async fn the_earlier_form_takes_package_and_token_from_the_body() {
    let registry = Registry::new().await;
    let document = |token: &str| json!({ "package_name": "@acme/widget", "id_token": token, "more": 1 });
    let token = registry.token(&json!({}));
    let answer = registry.post(EXCHANGE, document(&token).to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert!(registry.exchange.find(answer.token()).await.unwrap().is_some());
    let again = registry.exchange(WIDGET, &token).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED, "both forms are one exchange");

    for body in [
        "",
        "[]",
        "null",
        "{",
        "{\"package_name\":\"a\"}",
        "{\"package_name\":1,\"id_token\":\"a\"}",
        "\u{0}",
    ] {
        assert_eq!(registry.post(EXCHANGE, body.to_owned()).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let hostile = json!({ "package_name": "../widget\u{1b}[31m", "id_token": token }).to_string();
    let answer = registry.post(EXCHANGE, hostile).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(!answer.message().contains('\u{1b}'), "{}", answer.message());
    assert_eq!(registry.post(EXCHANGE, document("").to_string()).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_package_is_named_in_every_spelling_and_under_every_mount() {
    let registry = Registry::new().await;
    for mount in ["", "/-/npm/v1/oidc", "/npm/private/-/npm/v1/oidc", "/a%20b/-/npm/v1/oidc"] {
        for name in ["@acme%2fwidget", "@acme%2Fwidget", "%40acme%2Fwidget", "%40acme/widget", "@acme/widget"]
        {
            let path = format!("{mount}/token/exchange/package/{name}");
            let answer = registry.exchange(&path, &registry.token(&json!({}))).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{path}");
        }
        let path = format!("{mount}/token/exchange/package/@acme%2fwidget?x=/package/other");
        assert_eq!(registry.exchange(&path, &registry.token(&json!({}))).await.status, StatusCode::CREATED);
    }
}

#[tokio::test]
async fn what_names_no_package_or_endpoint_is_refused() {
    let registry = Registry::new().await;
    let token = registry.token(&json!({}));
    for (path, status) in [
        ("/-/npm/v1/oidc/token/exchange/package/", StatusCode::BAD_REQUEST),
        ("/-/npm/v1/oidc/token/exchange/package/@acme", StatusCode::BAD_REQUEST),
        ("/-/npm/v1/oidc/token/exchange/package/..%2f..%2fwidget", StatusCode::BAD_REQUEST),
        ("/-/npm/v1/oidc/token/exchange/package/@acme%252fwidget", StatusCode::BAD_REQUEST),
        ("/-/npm/v1/oidc/token/exchange/package/%ff", StatusCode::BAD_REQUEST),
        ("/-/npm/v1/oidc/token/exchange/package/a%00b", StatusCode::BAD_REQUEST),
        ("/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget/more", StatusCode::BAD_REQUEST),
        ("/-/npm/v1/oidc/token/exchange/", StatusCode::NOT_FOUND),
        ("/-/npm/v1/oidc/token/exchange/packages/widget", StatusCode::NOT_FOUND),
        ("/-/npm/v1/oidc/token", StatusCode::NOT_FOUND),
        ("/", StatusCode::NOT_FOUND),
    ] {
        let answer = registry.exchange(path, &token).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(!answer.message().is_empty());
    }
    for method in ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"] {
        let request = Request::builder().method(method).uri(WIDGET).body(empty()).unwrap();
        let answer = registry.answer(request).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.headers["allow"], "POST");
    }
    assert_eq!(registry.exchange(WIDGET, &token).await.status, StatusCode::CREATED, "nothing was burned");
}

#[tokio::test]
async fn without_one_bearer_token_the_answer_is_401_or_400_and_says_what_to_send() {
    let registry = Registry::new().await;
    let token = registry.token(&json!({}));
    let send = async |values: Vec<Vec<u8>>| {
        let mut request = Request::post(WIDGET);
        for value in values {
            request = request.header("authorization", http::HeaderValue::from_bytes(&value).unwrap());
        }
        registry.answer(request.body(empty()).unwrap()).await
    };
    let bearer = format!("Bearer {token}").into_bytes();
    let bytes = |text: &str| vec![text.as_bytes().to_vec()];
    for values in [vec![], bytes("Bearer"), bytes("Bearer "), bytes("Basic eDp5"), bytes(&token)] {
        let answer = send(values).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert!(answer.message().contains("`Authorization`"), "{}", answer.message());
    }
    for values in [
        vec![bearer.clone(), bearer.clone()],
        vec![bearer, b"Basic eDp5".to_vec()],
        vec![b"Bearer \xff".to_vec()],
    ] {
        assert_eq!(send(values).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(send(bytes(&format!("bEARER   {token} "))).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_token_that_proves_nothing_is_refused_with_401() {
    let registry = Registry::new().await;
    let sign = |changes: Value| registry.token(&changes);
    let other = FakeIssuer::new("https://other.example");
    let tokens = [
        "x".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(100_000),
        sign(json!({ "aud": "npm:other.example" })),
        sign(json!({ "aud": [AUDIENCE, "npm:other.example"] })),
        sign(json!({ "exp": NOW - 31 })),
        sign(json!({ "iat": NOW + 31, "nbf": NOW + 31 })),
        sign(json!({ "iss": "https://other.example" })),
        sign(json!({ "repository": null })),
        sign(json!({ "repository": ["acme/widget"] })),
        sign(json!({ "jti": "" })),
        registry.issuer.sign_unpublished(&registry.claims(&json!({}))),
        registry.issuer.sign_impostor(&registry.claims(&json!({}))),
        other.sign(&registry.claims(&json!({}))),
    ];
    for (index, token) in tokens.iter().enumerate() {
        let answer = registry.exchange(WIDGET, token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{index}: {}", answer.message());
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert!(
            token.len() < 20 || !answer.text.contains(token.as_str()),
            "{index}: no answer repeats a token"
        );
    }
    assert_eq!(registry.records().await, (0, 0));
}

#[tokio::test]
async fn what_the_token_proves_decides_between_403_and_404_and_not_what_is_there() {
    let registry = Registry::new().await;
    registry.trusts("@acme/gadget", "acme/gadget", false).await;
    registry.trusts("@acme/pending", "acme/pending", true).await;
    let stranger = registry.token(&json!({ "repository": "evil/widget" }));
    let mut answers = Vec::new();
    for name in ["@acme/widget", "@acme/gadget", "@acme/pending", "@acme/absent"] {
        let answer =
            registry.exchange(&format!("{EXCHANGE}/package/{}", name.replace('/', "%2f")), &stranger).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        let headers: Vec<_> =
            answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        answers.push((answer.text.replace(name, "NAME"), headers));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    assert!(answers[0].0.contains("evil/widget") && !answers[0].0.contains("acme/"), "{}", answers[0].0);

    let other_workflow = registry.token(&json!({ "workflow": "nightly.yml" }));
    let answer = registry.exchange(WIDGET, &other_workflow).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.message().contains("nightly.yml") && answer.message().contains("publish.yml"));
    assert_eq!(registry.records().await, (0, 0), "neither burned nor minted");
    registry.configure("@acme/widget", "acme/widget", &json!({ "workflow": "nightly.yml" }), false).await;
    assert_eq!(
        registry.exchange(WIDGET, &other_workflow).await.status,
        StatusCode::CREATED,
        "the same token, after the correction"
    );
}

#[tokio::test]
async fn what_a_token_says_is_escaped_in_answers() {
    let registry = Registry::new().await;
    let hostile = "evil\u{1b}[31m\r\nset-cookie: x\u{202e}/widget";
    for changes in
        [json!({ "repository": hostile }), json!({ "workflow": hostile }), json!({ "aud": hostile })]
    {
        let answer = registry.exchange(WIDGET, &registry.token(&changes)).await;
        assert!(answer.status.is_client_error());
        let message = answer.message();
        assert!(message.contains("\\u{1b}"), "{message}");
        assert!(!message.contains(|c: char| c.is_control() || c == '\u{202e}'), "{message}");
        assert_eq!(answer.headers.get("set-cookie"), None);
    }
    let long = registry.exchange(WIDGET, &registry.token(&json!({ "workflow": "x".repeat(8000) }))).await;
    assert!(long.text.len() < 4000, "{}", long.text.len());
}

#[tokio::test]
async fn an_issuer_that_is_down_is_503_with_a_time_to_come_again() {
    let registry = Registry::unreachable().await;
    let answer = registry.exchange(WIDGET, &registry.token(&json!({}))).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let seconds: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=3600).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_token_is_used_once_for_each_package() {
    let registry = Registry::new().await;
    registry.trusts("@acme/gadget", "acme/widget", false).await;
    let token = registry.token(&json!({}));
    assert_eq!(registry.exchange(WIDGET, &token).await.status, StatusCode::CREATED);
    let again = registry.exchange(WIDGET, &token).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    assert!(again.message().contains("dry run"), "{}", again.message());
    assert_eq!(
        registry.exchange(&WIDGET.replace("widget", "gadget"), &token).await.status,
        StatusCode::CREATED
    );

    let thrice = Registry::with(MintPolicy::default().max_uses(3), TrustPolicy::default()).await;
    let token = thrice.token(&json!({}));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(thrice.exchange(WIDGET, &token).await.status.as_u16());
    }
    assert_eq!(statuses, [201, 201, 201, 401]);
}

#[tokio::test]
async fn a_used_token_stays_used_until_nobody_would_take_it() {
    let registry = Registry::new().await;
    let token = registry.token(&json!({}));
    assert_eq!(registry.exchange(WIDGET, &token).await.status, StatusCode::CREATED);
    for seconds in 0..400 {
        registry.clock.advance(Duration::from_secs(1));
        registry.exchange.purge(10).await.unwrap();
        let answer = registry.exchange(WIDGET, &token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let is_over = answer.message().contains("expired");
        assert_eq!(is_over, seconds + 1 >= 330, "after {} s: {}", seconds + 1, answer.message());
    }
    registry.clock.advance(Duration::from_secs(1000));
    registry.exchange.purge(10).await.unwrap();
    assert_eq!(registry.records().await, (0, 0), "and everything is forgotten in the end");
}

#[tokio::test]
async fn ids_are_learned_from_the_first_use_and_another_id_gets_in_nowhere() {
    let registry = Registry::new().await;
    assert_eq!(registry.exchange(WIDGET, &registry.token(&json!({}))).await.status, StatusCode::CREATED);
    let created_anew = registry.token(&json!({ "repository_id": "3" }));
    let answer = registry.exchange(WIDGET, &created_anew).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.message().contains("repository_id"));
    assert_eq!(registry.exchange(WIDGET, &registry.token(&json!({}))).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_huge_or_slow_or_broken_body_is_refused() {
    let registry = Registry::new().await;
    let answer = registry.post(EXCHANGE, "x".repeat(65 * 1024)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    for body in [Slow { fails: false }, Slow { fails: true }] {
        let answer = registry.answer(Request::post(EXCHANGE).body(body).unwrap()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    // A body that the protocol has no use for is not waited for.
    let request =
        Request::post(WIDGET).header("authorization", format!("Bearer {}", registry.token(&json!({}))));
    let answer = registry.answer(request.body(Slow { fails: false }).unwrap()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_publish_token_ends_with_its_publisher_its_time_and_its_revocation() {
    let registry = Registry::new().await;
    let minted = async || registry.exchange(WIDGET, &registry.token(&json!({}))).await.token().to_owned();
    let found = async |token: &str| registry.exchange.find(token).await.unwrap().is_some();
    let (revoked, expired, removed) = (minted().await, minted().await, minted().await);
    registry.exchange.revoke(&revoked).await.unwrap();
    registry.exchange.revoke(&revoked).await.unwrap();
    registry.exchange.revoke("anything").await.unwrap();
    assert!(!found(&revoked).await && found(&expired).await);
    registry.clock.advance(Duration::from_secs(899));
    assert!(found(&expired).await);
    registry.clock.advance(Duration::from_secs(1));
    assert!(!found(&expired).await);
    assert!(!found(&removed).await);
    let again = minted().await;
    let publisher = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0);
    assert!(registry.store.remove(&publisher.package, &publisher.id).await.unwrap());
    assert!(!found(&again).await);
}

fn empty() -> Full<Bytes> {
    Full::default()
}

/// A body that never comes, or breaks off.
struct Slow {
    fails: bool,
}

impl Body for Slow {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.fails { Poll::Ready(Some(Err(std::io::Error::other("broken")))) } else { Poll::Pending }
    }
}
