//! The endpoints whose request names no package: crates.io's, PyPI's, RubyGems'. Every answer, and what comes of it.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use oidc_core::testing::FakeIssuer;
use oidc_exchange::server::{AnswerBody, Package, crates_io, pypi, rubygems};
use serde_json::{Value, json};
use tower::{Service, ServiceExt as _};

use crate::registry::Registry;

/// An answer with its body as text and as JSON.
struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    text: String,
    body: Value,
}

async fn ask<S>(endpoint: S, request: http::request::Builder, body: String) -> Answer
where
    S: Service<Request<Full<Bytes>>, Response = Response<AnswerBody>, Error = Infallible>,
{
    let answer = endpoint.oneshot(request.body(Full::from(body)).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status: parts.status, headers: parts.headers, text, body }
}

/// A protocol: its name in the stores, and how to ask its endpoint.
#[derive(Clone, Copy, Debug)]
enum Protocol {
    CratesIo,
    Pypi,
    RubyGems,
}

use Protocol::{CratesIo, Pypi, RubyGems};

const ALL: [Protocol; 3] = [CratesIo, Pypi, RubyGems];

impl Protocol {
    fn ecosystem(self) -> &'static str {
        match self {
            CratesIo => "cargo",
            Pypi => "pypi",
            RubyGems => "rubygems",
        }
    }

    /// The member of the request that holds the identity token, and of the answer that holds the publish token.
    fn members(self) -> (&'static str, &'static str) {
        match self {
            CratesIo => ("jwt", "token"),
            Pypi => ("token", "token"),
            RubyGems => ("jwt", "rubygems_api_key"),
        }
    }

    fn success(self) -> u16 {
        if matches!(self, RubyGems) { 201 } else { 200 }
    }

    async fn post(self, registry: &Registry, body: String) -> Answer {
        let exchange = registry.exchange.clone();
        let request = |path: &str| Request::post(path).header("content-type", "application/json");
        match self {
            CratesIo => ask(crates_io(exchange), request("/api/v1/trusted_publishing/tokens"), body).await,
            Pypi => ask(pypi(exchange), request("/_/oidc/mint-token"), body).await,
            RubyGems => ask(rubygems(exchange), request("/x/exchange_token"), body).await,
        }
    }

    async fn exchange(self, registry: &Registry, token: &str) -> Answer {
        self.post(registry, json!({ self.members().0: token }).to_string()).await
    }

    /// A refusal's code, where the protocol has them, and its reason, in the protocol's own shape.
    #[track_caller]
    fn reason(self, answer: &Answer) -> (String, String) {
        let body = &answer.body;
        let (code, reason) = match self {
            CratesIo => (&Value::Null, &body["errors"][0]["detail"]),
            Pypi => {
                assert_eq!(body["message"], "Token request failed");
                (&body["errors"][0]["code"], &body["errors"][0]["description"])
            }
            RubyGems => (&Value::Null, &body["error"]),
        };
        let reason = reason.as_str().unwrap_or_else(|| panic!("no reason: {}", answer.text));
        (code.as_str().unwrap_or_default().to_owned(), reason.to_owned())
    }
}

async fn trusts(registry: &Registry, ecosystem: &str, name: &str, rules: Value) {
    let mut config = json!({ "repository": "acme/widget" });
    config.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
    let record = registry.trust.prepare(Package::new(ecosystem, name), "fake", None, config).unwrap();
    registry.trust.add(&record).await.unwrap();
}

/// A registry where the job may publish two packages of the protocol, and another job a third.
async fn registry(protocol: Protocol) -> Registry {
    let registry = Registry::new().await;
    let ecosystem = protocol.ecosystem();
    for name in ["one", "two"] {
        trusts(&registry, ecosystem, name, json!({ "workflow": "publish.yml" })).await;
    }
    trusts(&registry, ecosystem, "three", json!({ "workflow": "other.yml" })).await;
    registry
}

#[tokio::test]
async fn a_token_is_for_every_package_that_lets_the_identity_in() {
    for protocol in ALL {
        let registry = registry(protocol).await;
        let answer = protocol.exchange(&registry, &registry.token(&json!({}))).await;
        assert_eq!(answer.status.as_u16(), protocol.success(), "{}", answer.text);
        assert_eq!(answer.headers["cache-control"], "no-store");
        let token = answer.body[protocol.members().1].as_str().unwrap();
        let record = registry.exchange.find(token).await.unwrap().unwrap();
        let mut names: Vec<_> = record.packages.iter().map(|granted| granted.package.clone()).collect();
        names.sort();
        let expected = ["one", "two"].map(|name| Package::new(protocol.ecosystem(), name));
        assert_eq!(names, expected, "{protocol:?}");
    }
}

#[tokio::test]
async fn answers_are_those_of_the_protocols() {
    let registry_of = registry(Pypi).await;
    let answer = Pypi.exchange(&registry_of, &registry_of.token(&json!({}))).await;
    assert_eq!(answer.body["success"], true);
    assert_eq!(answer.body["expires"], crate::registry::NOW + 900);

    let registry_of = registry(RubyGems).await;
    let answer = RubyGems.exchange(&registry_of, &registry_of.token(&json!({}))).await;
    assert_eq!(answer.body["scopes"], json!(["push_rubygem"]));
    assert_eq!(answer.body["expires_at"], "2023-11-14T22:28:20Z");

    let registry_of = registry(CratesIo).await;
    let answer = CratesIo.exchange(&registry_of, &registry_of.token(&json!({}))).await;
    assert_eq!(answer.body.as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn each_refusal_has_the_protocols_shape_status_and_code_and_says_why() {
    for protocol in ALL {
        let registry = registry(protocol).await;
        let used = registry.token(&json!({}));
        assert_eq!(protocol.exchange(&registry, &used).await.status.as_u16(), protocol.success());
        let foreign = FakeIssuer::new("https://other.example")
            .sign(&registry.claims(&json!({ "iss": "https://other.example" })));
        let (claims, signed) =
            (registry.token(&json!({})), registry.token(&json!({ "workflow": "evil.yml" })));
        let forged = format!("{}.{}", claims.rsplit_once('.').unwrap().0, signed.rsplit_once('.').unwrap().1);
        let token = |changes: Value| registry.token(&changes);
        let now = crate::registry::NOW;
        for (token, code, part) in [
            (used, "invalid-reuse-token", "already used"),
            (token(json!({ "repository": "evil/widget" })), "invalid-publisher", "evil/widget"),
            (token(json!({ "workflow": "evil.yml" })), "invalid-publisher", "workflow"),
            (
                token(json!({ "exp": now - 3600, "iat": now - 7200, "nbf": now - 7200 })),
                "invalid-token",
                "expired",
            ),
            (token(json!({ "aud": "npm:other" })), "invalid-token", "audience"),
            (token(json!({ "aud": [crate::registry::AUDIENCE, "other"] })), "invalid-token", "audience"),
            (foreign, "invalid-payload", "issuer"),
            (forged, "invalid-token", "signature"),
            ("a.b.c".to_owned(), "invalid-payload", ""),
            ("nonsense".to_owned(), "invalid-payload", ""),
        ] {
            let before = registry.records().await;
            let answer = protocol.exchange(&registry, &token).await;
            let (said, reason) = protocol.reason(&answer);
            let status = match protocol {
                CratesIo => 400,
                Pypi => 422,
                RubyGems => 404,
            };
            assert_eq!(answer.status.as_u16(), status, "{protocol:?} {code}: {}", answer.text);
            assert!(reason.contains(part), "{protocol:?} {part}: {reason}");
            if matches!(protocol, Pypi) {
                assert_eq!(said, code, "{reason}");
            }
            assert!(!answer.text.contains(&token) || token.len() < 20);
            assert_eq!(registry.records().await, before, "a refusal uses nothing up");
        }
    }
}

#[tokio::test]
async fn what_is_no_request_of_the_protocol_is_refused_as_such() {
    for protocol in ALL {
        let registry = registry(protocol).await;
        let long = format!("{{\"jwt\":\"{0}\",\"token\":\"{0}\"}}", "a".repeat(70_000));
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "7",
            "{",
            "{\"jwt\":7,\"token\":null}",
            "{\"jwt\":\"\",\"token\":\"\"}",
            &long,
        ] {
            let answer = protocol.post(&registry, body.to_owned()).await;
            let (code, _) = protocol.reason(&answer);
            let (status, expected) = match protocol {
                CratesIo => (422, ""),
                Pypi => (422, "invalid-payload"),
                RubyGems => (400, ""),
            };
            let shown: String = body.chars().take(40).collect();
            assert_eq!((answer.status.as_u16(), &*code), (status, expected), "{protocol:?} {shown}");
        }
    }
}

#[tokio::test]
async fn keys_that_can_not_be_had_are_no_fault_of_the_token() {
    for protocol in ALL {
        let registry = Registry::unreachable().await;
        let answer = protocol.exchange(&registry, &registry.token(&json!({}))).await;
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert!(answer.headers.contains_key("retry-after"));
        protocol.reason(&answer);
    }
}

#[tokio::test]
async fn crates_io_ends_a_token_on_the_path_that_made_it_and_gives_no_oracle() {
    let registry = registry(CratesIo).await;
    let minted = CratesIo.exchange(&registry, &registry.token(&json!({}))).await;
    let token = minted.body["token"].as_str().unwrap();
    let delete = |value: String| {
        let request = Request::delete("/").header("authorization", value);
        ask(crates_io(registry.exchange.clone()), request, String::new())
    };
    let (random, last) = token.split_at_checked(token.len() - 1).unwrap();
    let other = format!("{random}{}", if last == "0" { "1" } else { "0" });
    for nonsense in ["", "x", "Bearer", "Bearer x", "Basic eA==", &other, &format!("Bearer {token}x")] {
        let answer = delete((*nonsense).to_string()).await;
        assert_eq!(answer.status, 401, "{nonsense}");
        CratesIo.reason(&answer);
    }
    assert!(registry.exchange.find(token).await.unwrap().is_some());
    for _ in 0..2 {
        for value in [token.to_owned(), format!("Bearer {token}"), format!("bearer   {token} ")] {
            let answer = delete(value).await;
            assert_eq!((answer.status.as_u16(), &*answer.text), (204, ""));
        }
        assert!(registry.exchange.find(token).await.unwrap().is_none());
    }
    let missing = ask(crates_io(registry.exchange.clone()), Request::delete("/"), String::new()).await;
    assert_eq!(missing.status, 401);
}

#[tokio::test]
async fn crates_io_takes_json_and_nothing_else() {
    let registry = registry(CratesIo).await;
    let body = || json!({ "jwt": registry.token(&json!({})) }).to_string();
    let post = |kind: Option<&str>| {
        let request = Request::post("/");
        let request = kind.iter().fold(request, |request, kind| request.header("content-type", *kind));
        ask(crates_io(registry.exchange.clone()), request, body())
    };
    for kind in
        [None, Some("text/plain"), Some("application/jsonx"), Some("application/x-www-form-urlencoded")]
    {
        assert_eq!(post(kind).await.status, 415, "{kind:?}");
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8"] {
        assert_eq!(post(Some(kind)).await.status, 200, "{kind}");
    }
}

#[tokio::test]
async fn pypi_tells_its_audience_mints_under_both_names_and_burns_without_an_oracle() {
    let registry = registry(Pypi).await;
    let endpoint = || pypi(registry.exchange.clone());
    for path in ["/_/oidc/audience", "/audience", "/prefix/_/oidc/audience"] {
        let answer = ask(endpoint(), Request::get(path), String::new()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body),
            (200, &json!({ "audience": crate::registry::AUDIENCE }))
        );
    }
    for path in ["/_/oidc/mint-token", "/_/oidc/github/mint-token", "/mint-token", "/github/mint-token"] {
        let body = json!({ "token": registry.token(&json!({})), "more": 1 }).to_string();
        let answer = ask(endpoint(), Request::post(path), body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let token = answer.body["token"].as_str().unwrap().to_owned();
        for body in [
            json!({ "token": "x" }).to_string(),
            "nonsense".to_owned(),
            json!({ "token": token }).to_string(),
        ] {
            let answer = ask(endpoint(), Request::post("/_/oidc/burn-token"), body).await;
            let expected = json!({ "message": "Accepted", "errors": [] });
            assert_eq!((answer.status.as_u16(), answer.body), (202, expected));
        }
        assert!(registry.exchange.find(&token).await.unwrap().is_none());
    }
    for (request, status) in [
        (Request::get("/_/oidc/gitlab/mint-token"), 404),
        (Request::get("/_/oidc/"), 404),
        (Request::get("/_/oidc/mint-token"), 405),
        (Request::post("/_/oidc/audience"), 405),
        (Request::put("/_/oidc/burn-token"), 405),
    ] {
        let answer = ask(endpoint(), request, String::new()).await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.headers.contains_key("allow"), status == 405);
    }
}

/// Whoever ends an identity token as if it were a publish token is not told that it has ended.
#[tokio::test]
async fn an_identity_token_is_recognised_where_publish_tokens_are_ended() {
    let registry = registry(Pypi).await;
    let body = json!({ "token": registry.token(&json!({})) }).to_string();
    let answer = ask(pypi(registry.exchange.clone()), Request::post("/_/oidc/burn-token"), body).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(
        answer.text.contains("identity token") && answer.text.contains("/_/oidc/mint-token"),
        "{}",
        answer.text
    );

    let registry = self::registry(CratesIo).await;
    let endpoint = || crates_io(registry.exchange.clone());
    let end =
        |value: String| Request::delete("/api/v1/trusted_publishing/tokens").header("authorization", value);
    let presented = |token: &str| {
        let basic = BASE64.encode(format!("__token__:{token}").as_bytes());
        [token.to_owned(), format!("Bearer {token}"), format!("Basic {basic}")]
    };
    let token = registry.token(&json!({}));
    let encoded = BASE64.encode(token.as_bytes());
    let others = [
        format!("Token {token}"),
        format!("githuboidc {token}"),
        format!("Bearer {encoded}"),
        BASE64.encode(format!("Basic {encoded}").as_bytes()),
    ];
    for value in presented(&token).into_iter().chain(others) {
        let answer = ask(endpoint(), end(value), String::new()).await;
        assert_eq!(answer.status, 401, "{}", answer.text);
        let detail = answer.body["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains("identity token") && detail.contains("exchange it first"), "{detail}");
    }
    for form in 0..3 {
        let minted = CratesIo.exchange(&registry, &registry.token(&json!({}))).await;
        let token = minted.body["token"].as_str().unwrap();
        let answer = ask(endpoint(), end(presented(token)[form].clone()), String::new()).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
        assert!(registry.exchange.find(token).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn pypi_switched_off_says_so_and_still_burns() {
    let registry = registry(Pypi).await;
    let endpoint = || pypi(registry.exchange.clone()).switched_off();
    let answer = ask(endpoint(), Request::get("/_/oidc/audience"), String::new()).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["message"]),
        (403, &json!("Trusted publishing functionality not enabled"))
    );
    let body = json!({ "token": registry.token(&json!({})) }).to_string();
    let answer = ask(endpoint(), Request::post("/_/oidc/mint-token"), body).await;
    assert_eq!((answer.status.as_u16(), &*Pypi.reason(&answer).0), (422, "not-enabled"));
    let minted = Pypi.exchange(&registry, &registry.token(&json!({}))).await;
    let token = minted.body["token"].as_str().unwrap();
    ask(endpoint(), Request::post("/_/oidc/burn-token"), json!({ "token": token }).to_string()).await;
    assert!(registry.exchange.find(token).await.unwrap().is_none());
}

#[tokio::test]
async fn a_token_ends_by_itself() {
    for protocol in ALL {
        let registry = registry(protocol).await;
        let answer = protocol.exchange(&registry, &registry.token(&json!({}))).await;
        let token = answer.body[protocol.members().1].as_str().unwrap();
        registry.clock.advance(Duration::from_secs(899));
        assert!(registry.exchange.find(token).await.unwrap().is_some());
        registry.clock.advance(Duration::from_secs(1));
        assert!(registry.exchange.find(token).await.unwrap().is_none());
    }
}
