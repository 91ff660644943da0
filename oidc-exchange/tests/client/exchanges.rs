//! The exchanges of the registries that are described by data, compared with recorded requests and answers, with every
//! documented refusal.

use std::time::Duration;

use oidc_core::http::Response;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::{Audience, Context, HttpUrl, Timestamp};
use oidc_exchange::client::{
    Cloudsmith, DockerHub, ExchangeErrorKind, ExchangeRequest, Extension, Hex, IdentityToken, JFrog,
    McpRegistry, OpenVsx, Pyx, Registry, Scope, TokenExchange,
};
use serde_json::{Value, json};

use crate::recorded::{EXPIRY, EXPIRY_TEXT, NOW, Place, Recorded, answering, context, id_token};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

fn open_vsx() -> Recorded<OpenVsx> {
    Recorded {
        registry: OpenVsx::public(),
        scope: Scope::Package("acme.widget".to_owned()),
        audience: "https://open-vsx.org",
        url: "https://open-vsx.org/api/-/trusted-publishing/token",
        place: Place::Member("token"),
        body: json!({ "namespace": "acme", "extension": "widget" }),
        answer: (201, json!({ "value": "ovsxp_hunter2", "expiresTimestamp": EXPIRY_TEXT })),
        token: "ovsxp_hunter2",
        expires: Some(EXPIRY),
    }
}

#[tokio::test]
async fn open_vsx_makes_a_token_for_one_extension_that_lives_until_the_answer_says() {
    let recorded = open_vsx();
    recorded.check_audience().await;
    recorded.check().await;
    let silent =
        Recorded { answer: (201, json!({ "value": "ovsxp_hunter2" })), expires: Some(NOW + 300), ..recorded };
    silent.check().await;
    let said = json!({ "error": "The token could not be validated." });
    silent.refuses(403, &said, "could not be validated", Some("audience")).await;
    let said = json!({ "error": "No trusted publisher matches the presented token." });
    silent
        .refuses(403, &said, "No trusted publisher", Some("compare the extension's trusted publisher"))
        .await;
    for name in ["acme", "acme.", ".widget", "a/b.c", "a.b.c", "a.b c", "..", "é.a"] {
        assert!(name.parse::<Extension>().is_err(), "{name}");
    }
    // The audience is the web site's URL, where that is another one.
    let registry = OpenVsx::at("https://api.own.example/").unwrap();
    let registry = registry.with_audience(Audience::new("https://own.example").unwrap());
    assert_eq!(registry.audience(&Context::default()).await.unwrap().as_str(), "https://own.example");
}

/// A registry that can't reach the platform has used nothing up, and is asked again after 1 s and 4 s.
#[tokio::test]
async fn open_vsx_is_asked_again_where_it_could_not_reach_the_platform() {
    for (failures, requests, waited, accepted) in
        [(0, 1, 0, true), (1, 2, 1, true), (2, 3, 5, true), (3, 3, 5, false)]
    {
        let clock = ManualClock::at(NOW);
        let answers = std::sync::atomic::AtomicUsize::new(0);
        let http = FakeHttp::new().on_request(move |_| {
            let count = answers.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let (status, body) =
                if count < failures { (503, "{}") } else { (201, r#"{"value":"ovsxp_hunter2"}"#) };
            Some(Ok(Response::new(status, Vec::new(), body)))
        });
        let cx = Context::default().with_http(http.clone()).with_clock(clock.clone());
        let recorded = open_vsx();
        let token = id_token(recorded.audience);
        let outcome = recorded.registry.exchange(&ExchangeRequest::new(&token, recorded.scope), &cx).await;
        assert_eq!((http.requests().len(), clock.elapsed()), (requests, Duration::from_secs(waited)));
        assert_eq!(outcome.is_ok(), accepted);
        if let Err(error) = outcome {
            assert!(
                error.diagnosis().fix.as_ref().unwrap().contains("could not reach the platform"),
                "{error}"
            );
        }
    }
    // Without a timer there is no pause, and so there is no second try.
    let http = answering(503, "{}");
    let cx = Context::default().with_http(http.clone());
    let recorded = open_vsx();
    let token = id_token(recorded.audience);
    assert!(recorded.registry.exchange(&ExchangeRequest::new(&token, recorded.scope), &cx).await.is_err());
    assert_eq!(http.requests().len(), 1);
}

fn token_exchange() -> Recorded<TokenExchange> {
    let registry = TokenExchange::at("https://registry.example/tenant/").unwrap();
    Recorded {
        registry: registry.with_endpoint("https://registry.example/oauth/token").unwrap(),
        scope: Scope::Identity,
        audience: "https://registry.example/tenant",
        url: "https://registry.example/oauth/token",
        place: Place::Member("subject_token"),
        body: json!({ "grant_type": GRANT, "subject_token_type": ID_TOKEN }),
        answer: (
            200,
            json!({
                "access_token": "at_hunter2",
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                "token_type": "Bearer",
                "expires_in": 600,
            }),
        ),
        token: "at_hunter2",
        expires: Some(NOW + 600),
    }
}

#[tokio::test]
async fn a_token_is_exchanged_as_rfc_8693_says() {
    let recorded = token_exchange();
    recorded.check_audience().await;
    recorded.check().await;
    for (code, fix) in [
        ("invalid_request", None),
        ("invalid_target", None),
        ("invalid_grant", None),
        ("invalid_scope", None),
        ("unauthorized_client", None),
        ("unsupported_grant_type", Some("exchanges no tokens")),
        ("invalid_client", Some("without authentication of the client")),
    ] {
        let status = if code == "invalid_client" { 401 } else { 400 };
        let said = json!({ "error": code, "error_description": "the subject token has expired" });
        recorded.refuses(status, &said, "the subject token has expired", fix).await;
        recorded.refuses(status, &json!({ "error": code }), code, fix).await;
    }
    // A server that knows its clients.
    let named = Recorded {
        registry: recorded.registry.clone().with_client("ci"),
        body: json!({ "grant_type": GRANT, "subject_token_type": ID_TOKEN, "client_id": "ci" }),
        ..token_exchange()
    };
    named.check().await;
    for (answer, part) in [
        (json!({ "access_token": "at_hunter2", "token_type": "mac" }), "of the type `mac`"),
        (json!({ "access_token": "at_hunter2", "token_type": "DPoP" }), "of the type `DPoP`"),
        (json!({ "token": "at_hunter2", "token_type": "Bearer" }), "holds no `access_token`"),
    ] {
        let http = answering(200, &answer.to_string());
        let token = id_token(recorded.audience);
        let request = ExchangeRequest::new(&token, Scope::Identity);
        let error = recorded.registry.exchange(&request, &context(&http)).await.unwrap_err();
        assert!(error.to_string().contains(part) && !error.to_string().contains("hunter2"), "{error}");
    }
    // A token that is none of OAuth's own, and one without a lifetime.
    let http = answering(200, r#"{"access_token":"at_hunter2","token_type":"N_A","expires_in":"soon"}"#);
    let token = recorded.exchanged(&http).await;
    assert_eq!(token.expires_at(), None);
    let endless = answering(200, r#"{"access_token":"at_hunter2","expires_in":18446744073709551615}"#);
    assert_eq!(recorded.exchanged(&endless).await.expires_at(), Some(Timestamp::from_secs(u64::MAX)));
}

/// An authorization server with these metadata at this path.
fn described(path: &'static str, metadata: &Value) -> FakeHttp {
    let metadata = metadata.to_string();
    FakeHttp::new().on_request(move |request| {
        let (status, body) = match (request.method.as_str(), request.url.path()) {
            ("GET", found) if found == path => (200, metadata.clone()),
            ("GET", _) => (404, "{}".to_owned()),
            _ => (200, json!({ "access_token": "at_hunter2", "token_type": "bearer" }).to_string()),
        };
        Some(Ok(Response::new(status, Vec::new(), body)))
    })
}

async fn discovered(url: &str, http: &FakeHttp) -> Result<String, oidc_exchange::client::ExchangeError> {
    let registry = TokenExchange::at(url).unwrap();
    let token = id_token(url.trim_end_matches('/'));
    registry.exchange(&ExchangeRequest::new(&token, Scope::Identity), &context(http)).await?;
    let sent = http.requests();
    assert_eq!(sent.len(), 2, "the metadata are asked for, and then the token is sent");
    assert!(!String::from_utf8_lossy(&sent[0].body).contains(token.secret().expose()));
    Ok(sent[1].url.as_str().to_owned())
}

#[tokio::test]
async fn the_token_endpoint_is_found_by_the_metadata_of_the_same_issuer_at_its_own_origin() {
    let path = "/.well-known/oauth-authorization-server";
    for (url, path, issuer) in [
        ("https://registry.example/", path, "https://registry.example"),
        ("https://registry.example", path, "https://registry.example/"),
        (
            "https://registry.example/a/b/",
            "/.well-known/oauth-authorization-server/a/b",
            "https://registry.example/a/b",
        ),
    ] {
        let metadata = json!({ "issuer": issuer, "token_endpoint": "https://registry.example/t" });
        assert_eq!(discovered(url, &described(path, &metadata)).await.unwrap(), "https://registry.example/t");
    }
    let fine =
        json!({ "issuer": "https://registry.example", "token_endpoint": "https://registry.example/t" });
    for (name, value, code, part) in [
        ("issuer", json!("https://registry.example.evil.example"), "registry-discovery", "another issuer"),
        ("issuer", json!("https://registry.example/tenant"), "registry-discovery", "another issuer"),
        ("issuer", json!(7), "exchange-answer", "`issuer`"),
        ("token_endpoint", json!("https://evil.example/t"), "registry-foreign-url", "token_endpoint"),
        (
            "token_endpoint",
            json!("https://registry.example@evil.example/t"),
            "registry-foreign-url",
            "token_endpoint",
        ),
        ("token_endpoint", json!("http://registry.example/t"), "registry-foreign-url", "token_endpoint"),
        ("token_endpoint", Value::Null, "exchange-answer", "`token_endpoint`"),
        ("grant_types_supported", json!(["authorization_code"]), "registry-discovery", "exchanges no tokens"),
        ("grant_types_supported", json!([]), "registry-discovery", "exchanges no tokens"),
    ] {
        let mut metadata = fine.clone();
        metadata[name] = value.clone();
        let http = described(path, &metadata);
        let error = discovered("https://registry.example/", &http).await.unwrap_err();
        assert_eq!(error.diagnosis().code, code, "{name} {value}: {error}");
        assert!(error.to_string().contains(part), "{name} {value}: {error}");
        assert_eq!(http.requests().len(), 1, "{name} {value}: no token is sent");
    }
    let mut metadata = fine;
    metadata["grant_types_supported"] = json!(["authorization_code", GRANT]);
    assert!(discovered("https://registry.example/", &described(path, &metadata)).await.is_ok());
    let error =
        discovered("https://registry.example/", &described("/elsewhere", &metadata)).await.unwrap_err();
    assert!(error.to_string().contains("RFC 8414") && error.to_string().contains("404"), "{error}");
    // A token for somebody else is a reason to ask for nothing at all.
    let http = described(path, &metadata);
    let token = id_token("sigstore");
    let request = ExchangeRequest::new(&token, Scope::Identity);
    let registry = TokenExchange::at("https://registry.example/").unwrap();
    assert!(registry.exchange(&request, &context(&http)).await.is_err());
    assert!(http.requests().is_empty());
}

#[tokio::test]
async fn docker_hub_exchanges_a_token_for_a_connection() {
    let recorded = Recorded {
        registry: DockerHub::public("9c4b3a3e-5c5d-4f7e-9a52-0d3f8c1b2a01"),
        scope: Scope::Identity,
        audience: "https://identity.docker.com",
        url: "https://identity.docker.com/oauth/token",
        place: Place::Member("subject_token"),
        body: json!({
            "grant_type": GRANT, "subject_token_type": ID_TOKEN, "expires_in": "900",
            "connection_id": "9c4b3a3e-5c5d-4f7e-9a52-0d3f8c1b2a01",
        }),
        answer: (200, json!({ "access_token": "dckr_hunter2" })),
        token: "dckr_hunter2",
        expires: Some(NOW + 900),
    };
    recorded.check_audience().await;
    recorded.check().await;
    recorded.refuses(403, &json!({ "message": "no rule of the connection matches" }), "no rule", None).await;
    recorded
        .refuses(404, &json!({ "message": "connection not found here" }), "connection not found", None)
        .await;
}

#[tokio::test]
async fn jfrog_exchanges_a_token_in_json_at_the_root_of_its_host() {
    for url in ["https://acme.jfrog.example/", "https://acme.jfrog.example/artifactory/api/npm/npm-local/"] {
        let recorded = Recorded {
            registry: JFrog::at(url, "github-oidc").unwrap(),
            scope: Scope::Identity,
            audience: "https://acme.jfrog.example",
            url: "https://acme.jfrog.example/access/api/v1/oidc/token",
            place: Place::Member("subject_token"),
            body: json!({
                "grant_type": GRANT, "subject_token_type": ID_TOKEN, "provider_name": "github-oidc",
            }),
            answer: (
                200,
                json!({
                    "access_token": "eyJ.hunter2", "expires_in": 3600, "token_type": "Bearer", "token_id": "7", "scope": "x",
                }),
            ),
            token: "eyJ.hunter2",
            expires: Some(NOW + 3600),
        };
        recorded.check_audience().await;
        recorded.check().await;
        let said = json!({ "errors": [{ "code": "UNAUTHORIZED", "message": "no identity mapping fits" }] });
        recorded.refuses(401, &said, "no identity mapping fits", None).await;
    }
    let registry = JFrog::at("https://acme.jfrog.example/", "x").unwrap();
    let registry = registry.with_audience(Audience::new("jfrog-github").unwrap());
    assert!(registry.is_own_audience(&Audience::new("jfrog-github").unwrap()));
    assert!(!registry.is_own_audience(&Audience::new("https://acme.jfrog.example").unwrap()));
}

#[tokio::test]
async fn hex_makes_a_token_for_one_package_as_the_draft_says() {
    let recorded = Recorded {
        registry: Hex::public(),
        scope: Scope::Package("widget".to_owned()),
        audience: "hexpm",
        url: "https://hex.pm/api/oidc/mint-token",
        place: Place::Member("token"),
        body: json!({ "repository": "hexpm", "package": "widget" }),
        answer: (
            200,
            json!({ "token": "hex_hunter2", "token_type": "bearer", "expires_in": 900, "expires_at": EXPIRY_TEXT }),
        ),
        token: "hex_hunter2",
        expires: Some(NOW + 900),
    };
    recorded.check().await;
    let http = answering(200, r#"{"audience":"hexpm"}"#);
    assert_eq!(recorded.registry.audience(&context(&http)).await.unwrap().as_str(), "hexpm");
    assert_eq!(http.requests()[0].url.as_str(), "https://hex.pm/api/oidc/audience");
    for (status, code, fix) in [
        (400, "invalid_request", None),
        (400, "invalid_grant", Some("each one is taken once")),
        (403, "access_denied", Some("compare the package's trusted publisher")),
    ] {
        let said = json!({ "error": code, "error_description": "it is so" });
        recorded.refuses(status, &said, "it is so", fix).await;
    }
}

#[tokio::test]
async fn cloudsmith_gives_a_jwt_whose_own_end_counts() {
    let jwt = FakeIssuer::new("https://api.cloudsmith.example").sign(&json!({ "exp": EXPIRY, "aud": "x" }));
    let token: &'static str = Box::leak(jwt.into_boxed_str());
    let mut recorded = Recorded {
        registry: Cloudsmith::public("acme/ci".parse().unwrap()),
        scope: Scope::Identity,
        audience: "https://api.cloudsmith.io",
        url: "https://api.cloudsmith.io/openid/acme/",
        place: Place::Member("oidc_token"),
        body: json!({ "service_slug": "ci" }),
        answer: (201, json!({ "token": token })),
        token,
        expires: Some(EXPIRY),
    };
    recorded.check_audience().await;
    recorded.check().await;
    recorded.answer = (200, json!({ "token": "opaque_hunter2" }));
    (recorded.token, recorded.expires) = ("opaque_hunter2", None);
    recorded.check().await;
    recorded
        .refuses(401, &json!({ "detail": "no such service account" }), "no such service account", None)
        .await;
}

#[tokio::test]
async fn the_mcp_registry_tells_the_end_of_a_token_as_a_time() {
    for (told, expires) in
        [(json!(EXPIRY), Some(EXPIRY)), (json!(EXPIRY_TEXT), Some(EXPIRY)), (json!("soon"), None)]
    {
        let recorded = Recorded {
            registry: McpRegistry::public(),
            scope: Scope::Identity,
            audience: "https://registry.modelcontextprotocol.io",
            url: "https://registry.modelcontextprotocol.io/v0/auth/github-oidc",
            place: Place::Member("oidc_token"),
            body: json!({}),
            answer: (200, json!({ "registry_token": "mcp_hunter2", "expires_at": told })),
            token: "mcp_hunter2",
            expires,
        };
        recorded.check_audience().await;
        recorded.check().await;
        let said = json!({ "title": "Unauthorized", "status": 401, "detail": "invalid OIDC token" });
        recorded.refuses(401, &said, "invalid OIDC token", None).await;
    }
}

#[tokio::test]
async fn pyx_makes_tokens_for_the_registry_of_the_upload_url() {
    for url in ["https://api.pyx.dev/v1/upload/acme/main", "https://api.pyx.dev/v1/upload/acme/main/"] {
        let recorded = Recorded {
            registry: Pyx::at(url).unwrap(),
            scope: Scope::Identity,
            audience: "pyx",
            url: "https://api.pyx.dev/v1/trusted-publishing/acme/main/mint-token",
            place: Place::Member("token"),
            body: json!({}),
            answer: (200, json!({ "token": "pyx_hunter2" })),
            token: "pyx_hunter2",
            expires: None,
        };
        recorded.check().await;
        let http = answering(200, r#"{"audience":"pyx"}"#);
        assert_eq!(recorded.registry.audience(&context(&http)).await.unwrap().as_str(), "pyx");
        assert_eq!(http.requests()[0].url.as_str(), "https://api.pyx.dev/v1/trusted-publishing/audience");
        let said = json!({ "title": "Forbidden", "status": 403, "detail": "no publisher for this job" });
        recorded.refuses(403, &said, "no publisher for this job", None).await;
    }
    for url in
        ["", "v1/upload/", "v1/upload/acme", "v1/upload/acme/..%2fx", "v1/upload/a/b/c", "v2/upload/a/b"]
    {
        let registry = Pyx::at(&format!("https://api.pyx.dev/{url}")).unwrap();
        let error = registry.check_scope(&Scope::Identity).unwrap_err();
        assert_eq!(error.kind(), &ExchangeErrorKind::InvalidRequest);
        assert!(error.to_string().contains("/v1/upload/WORKSPACE/REGISTRY"), "{error}");
    }
}

#[tokio::test]
async fn a_registry_may_take_the_identity_token_itself() {
    let buildkite = IdentityToken::at("https://packages.buildkite.com/acme/main/").unwrap();
    let flakehub = IdentityToken::at("https://api.flakehub.com/").unwrap();
    let flakehub = flakehub.with_audience(Audience::new("api.flakehub.com").unwrap());
    for (registry, audience) in
        [(buildkite, "https://packages.buildkite.com/acme/main"), (flakehub, "api.flakehub.com")]
    {
        assert_eq!(registry.audience(&Context::default()).await.unwrap().as_str(), audience);
        let identity = id_token(audience);
        let request = ExchangeRequest::new(&identity, Scope::Identity);
        let token = registry.exchange(&request, &Context::default()).await.unwrap();
        assert_eq!(token.secret_for(&Scope::Identity).unwrap().expose(), identity.secret().expose());
        assert_eq!(token.expires_at().map(Timestamp::as_secs), Some(EXPIRY));
        let foreign = id_token("sigstore");
        let request = ExchangeRequest::new(&foreign, Scope::Identity);
        assert!(registry.exchange(&request, &Context::default()).await.is_err());
    }
}

#[test]
fn every_public_registry_is_at_the_url_that_its_tools_are_told() {
    let service = || "acme/ci".parse().unwrap();
    let public: [(Box<dyn Registry>, &str); 4] = [
        (Box::new(DockerHub::public("x")), DockerHub::PUBLIC_URL),
        (Box::new(Hex::public()), Hex::PUBLIC_URL),
        (Box::new(Cloudsmith::public(service())), Cloudsmith::PUBLIC_URL),
        (Box::new(McpRegistry::public()), McpRegistry::PUBLIC_URL),
    ];
    for (registry, url) in public {
        assert_eq!(registry.url(), &HttpUrl::parse(url).unwrap());
        assert_eq!(registry.url().as_str(), url);
    }
}

/// Each registry's file is data: what an exchange needs beside it, all of them have in common. The test finds the files by
/// what makes a registry of them.
#[test]
fn a_registrys_file_has_at_most_80_lines() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = files.filter(|path| path.is_file()).map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), text)
    });
    let rows: Vec<(String, String)> = texts.filter(|(_, text)| text.contains("\nrow::registry!(")).collect();
    assert!(rows.len() >= 20, "{:?}", rows.iter().map(|(name, _)| name).collect::<Vec<_>>());
    for (name, text) in rows {
        let lines = text.split("#[cfg(test)]").next().unwrap().lines().count();
        assert!(lines <= 80, "{name}: {lines}");
    }
}
