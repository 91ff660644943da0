//! The client of PEP 807's draft, against recorded answers: what it asks where, when it falls back to PyPI's own protocol, and
//! that it takes an index's word for no address but the index's.

use oidc_core::http::{HttpErrorKind, Method, Request, Response};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::{Audience, Context, HttpUrl, IdToken, Timestamp};
use oidc_exchange::client::{
    ExchangeError, ExchangeErrorKind, ExchangeRequest, Pep807, PublishToken, Registry as _, Scope,
};
use oidc_exchange::pep_807::MEDIA_TYPE;
use serde_json::{Value, json};

const NOW: u64 = 1_700_000_000;
const UPLOAD: &str = "https://index.example/some path/legacy/";
const DISCOVERY: &str = "https://index.example/.well-known/pytp";
const AUDIENCE: &str = "https://index.example/a?tenant=acme";
const MINT: &str = "https://index.example/m";
const TOKEN: &str = "pypi-hunter2";

fn id_token() -> IdToken {
    let issuer = FakeIssuer::new("https://issuer.example");
    IdToken::new(issuer.sign(&json!({ "aud": "an-index" })), Audience::new("an-index").unwrap()).unwrap()
}

fn answer(status: u16, body: &Value) -> Response {
    Response::new(status, Vec::new(), body.to_string())
}

fn endpoints(audience: &str, mint: &str) -> Value {
    json!({ "audience-endpoint": audience, "token-mint-endpoint": mint })
}

/// An index that speaks the draft's protocol and answers a discovery so.
fn index(discovered: &Value, minted: &Value) -> FakeHttp {
    FakeHttp::new()
        .on("GET", DISCOVERY, answer(200, discovered))
        .on("GET", "https://index.example/a", answer(200, &json!({ "audience": "an-index" })))
        .on("POST", MINT, answer(200, minted))
}

fn context(http: &FakeHttp) -> Context {
    Context::default().with_http(http.clone()).with_clock(ManualClock::at(NOW))
}

fn registry() -> Pep807 {
    Pep807::at(UPLOAD).unwrap()
}

async fn audience(http: &FakeHttp) -> Result<Audience, ExchangeError> {
    registry().audience(&context(http)).await
}

async fn exchange(http: &FakeHttp) -> Result<PublishToken, ExchangeError> {
    registry().exchange(&ExchangeRequest::new(&id_token(), Scope::Identity), &context(http)).await
}

fn asked(http: &FakeHttp) -> Vec<String> {
    let line = |request: &Request| format!("{} {}", request.method.as_str(), request.url.as_str());
    http.requests().iter().map(line).collect()
}

#[tokio::test]
async fn an_index_is_asked_where_its_endpoints_are_and_then_there() {
    let http = index(&endpoints(AUDIENCE, MINT), &json!({ "token": TOKEN, "expires": NOW + 1200 }));
    assert_eq!(audience(&http).await.unwrap().as_str(), "an-index");
    let token = exchange(&http).await.unwrap();
    assert_eq!(token.secret_for(&Scope::Identity).unwrap().expose(), TOKEN);
    assert_eq!(token.expires_at().unwrap().as_secs(), NOW + 1200);
    let discovery = format!("GET {DISCOVERY}?discover=%2Fsome%2520path%2Flegacy%2F");
    assert_eq!(
        asked(&http),
        [discovery.clone(), format!("GET {AUDIENCE}"), discovery, format!("POST {MINT}")]
    );
    for request in http.requests() {
        let accept = request.headers.iter().find(|(name, _)| *name == "accept").unwrap();
        assert_eq!(accept.1.expose(), MEDIA_TYPE);
        assert_eq!(request.method == Method::Post, !request.body.is_empty());
    }
    let body: Value = serde_json::from_slice(&http.requests()[3].body).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1, "no feature is asked for: {body}");
    assert_eq!(body["token"].as_str().unwrap().split('.').count(), 3);
}

#[tokio::test]
async fn an_upload_url_without_a_path_is_the_hosts_root() {
    let http = FakeHttp::new();
    let registry = Pep807::at("https://index.example").unwrap();
    assert!(registry.audience(&context(&http)).await.is_err());
    assert_eq!(asked(&http), [format!("GET {DISCOVERY}?discover=%2F")]);
}

#[tokio::test]
async fn a_tokens_end_is_within_the_drafts_bounds() {
    for (expires, ends) in [
        (json!(NOW + 900), NOW + 900),
        (json!(NOW + 21_600), NOW + 21_600),
        // Later than the draft allows: it is renewed no later than that.
        (json!(NOW + 21_601), NOW + 21_600),
        (json!(u64::MAX), NOW + 21_600),
        // Sooner than the draft allows, or by another clock: it is what the index says.
        (json!(NOW + 60), NOW + 60),
        (json!(NOW - 60), NOW - 60),
        // Not told in a way that can be read.
        (Value::Null, NOW + 900),
        (json!("2026-01-01T00:00:00Z"), NOW + 900),
        (json!(-1), NOW + 900),
        (json!(1.5), NOW + 900),
    ] {
        let http = index(&endpoints(AUDIENCE, MINT), &json!({ "token": TOKEN, "expires": expires }));
        let token = exchange(&http).await.unwrap();
        assert_eq!(token.expires_at().map(Timestamp::as_secs), Some(ends), "{expires}");
    }
    let http = index(&endpoints(AUDIENCE, MINT), &json!({ "token": TOKEN }));
    assert_eq!(exchange(&http).await.unwrap().expires_at().unwrap().as_secs(), NOW + 900);
}

#[tokio::test]
async fn a_token_for_several_uploads_is_asked_for_where_it_is_not_the_default() {
    let (single, multi) = ("single-use-token", "multi-use-token");
    for (features, default, asks) in [
        (json!([single, multi]), json!([single]), true),
        (json!([single, multi]), json!([]), true),
        (json!([single, multi]), json!([multi]), false),
        (json!([single]), json!([single]), false),
        (json!([single, multi]), Value::Null, false),
    ] {
        let mut discovered = endpoints(AUDIENCE, MINT);
        discovered["features"] = features;
        discovered["default-features"] = default.clone();
        let http = index(&discovered, &json!({ "token": TOKEN }));
        exchange(&http).await.unwrap();
        let body: Value = serde_json::from_slice(&http.requests()[1].body).unwrap();
        assert_eq!(body.get("features"), asks.then_some(&json!([multi])), "{default}");
    }
}

#[tokio::test]
async fn only_an_index_that_knows_no_discovery_is_asked_as_pypi_is() {
    const ROOT: &str = "https://index.example/_/oidc/";
    let legacy = |discovery: Response| {
        FakeHttp::new()
            .on("GET", DISCOVERY, discovery)
            .on("GET", format!("{ROOT}audience"), answer(200, &json!({ "audience": "an-index" })))
            .on(
                "POST",
                format!("{ROOT}mint-token"),
                answer(200, &json!({ "token": TOKEN, "expires": NOW + 900 })),
            )
    };
    for body in ["", "<html>", r#"{"title":"Not Found"}"#] {
        let http = legacy(Response::new(404, Vec::new(), body));
        assert_eq!(audience(&http).await.unwrap().as_str(), "an-index");
        assert_eq!(exchange(&http).await.unwrap().secret_for(&Scope::Identity).unwrap().expose(), TOKEN);
        assert_eq!(asked(&http)[1], format!("GET {ROOT}audience"));
        assert_eq!(asked(&http)[3], format!("POST {ROOT}mint-token"));
    }
    for (status, part) in [
        (204, "204"),
        (301, "redirect"),
        (400, "400"),
        (401, "401"),
        (403, "not today"),
        (406, "406"),
        (410, "410"),
        (500, "later"),
        (503, "later"),
    ] {
        let http = legacy(answer(status, &json!({ "title": "x", "detail": "not today" })));
        for error in [audience(&http).await.unwrap_err(), exchange(&http).await.unwrap_err()] {
            assert!(
                matches!(error.kind(), ExchangeErrorKind::Rejected { status: found, .. } if *found == status)
            );
            assert!(error.to_string().contains(part), "{error}");
        }
        assert_eq!(asked(&http).len(), 2, "nothing but the discovery is asked");
    }
    for (body, part) in
        [("<html>", "web page"), ("{}", "audience-endpoint"), ("[]", ""), (r#"{"audience-endpoint":7}"#, "")]
    {
        let http = legacy(Response::new(200, Vec::new(), body));
        for error in [audience(&http).await.unwrap_err(), exchange(&http).await.unwrap_err()] {
            assert_eq!(error.kind(), &ExchangeErrorKind::InvalidAnswer);
            assert!(error.to_string().contains(part), "{error}");
        }
        assert_eq!(asked(&http).len(), 2);
    }
    let broken = FakeHttp::new().fail("GET", DISCOVERY, HttpErrorKind::Broken("reset".to_owned()));
    assert_eq!(exchange(&broken).await.unwrap_err().kind(), &ExchangeErrorKind::Unreachable);
    assert_eq!(asked(&broken).len(), 1);
}

#[tokio::test]
async fn a_problems_detail_is_what_the_user_sees() {
    for (problem, part) in [
        (
            json!({ "type": "about:blank", "title": "Forbidden", "status": 403, "detail": "no such publisher" }),
            "no such publisher",
        ),
        (json!({ "type": "https://index.example/e/1", "title": "No such publisher" }), "No such publisher"),
        (json!({ "status": 403 }), "status 403"),
    ] {
        let http = FakeHttp::new().on("GET", DISCOVERY, answer(200, &endpoints(AUDIENCE, MINT))).on(
            "POST",
            MINT,
            answer(403, &problem),
        );
        let error = exchange(&http).await.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(asked(&http).len(), 2, "an exchange is never tried again, and by no other protocol");
    }
}

#[tokio::test]
async fn a_token_is_ended_where_the_index_can() {
    let token = exchange(&index(&endpoints(AUDIENCE, MINT), &json!({ "token": TOKEN }))).await.unwrap();
    for (status, is_ended) in [(202, true), (404, false)] {
        let http =
            FakeHttp::new().on("POST", "https://index.example/_/oidc/burn-token", answer(status, &json!({})));
        assert_eq!(registry().revoke(&token, &context(&http)).await.unwrap(), is_ended);
    }
}

/// Addresses that an index may return to get a token sent to another party, with the origin that the error names.
const FOREIGN: &[(&str, &str)] = &[
    ("https://index.example.evil.example/m", "https://index.example.evil.example"),
    ("https://index.exampleevil/m", "https://index.exampleevil"),
    ("https://indexxexample/m", "https://indexxexample"),
    ("https://evilindex.example/m", "https://evilindex.example"),
    ("https://sub.index.example/m", "https://sub.index.example"),
    ("https://example/m", "https://example"),
    ("https://index.example./m", "https://index.example."),
    ("https://index.example../m", "https://index.example.."),
    ("https://index.example:8443/m", "https://index.example:8443"),
    ("https://index.example:80/m", "https://index.example:80"),
    ("https://index.example:443/m", "https://index.example:443/m"),
    ("http://index.example/m", "http://index.example"),
    ("http://127.0.0.1/m", "http://127.0.0.1"),
    ("http://localhost:4873/m", "http://localhost:4873"),
    ("https://[::1]/m", "https://[::1]"),
    ("https://index.example@evil.example/m", "https://evil.example"),
    ("https://index.example:hunter3@evil.example/m", "https://evil.example"),
    ("https://user:hunter3@index.example/m", "…@index.example/m"),
    ("https://index.example%40evil.example/m", "https://index.example%40evil.example/m"),
    ("https://evil.example\\@index.example/m", "https://evil.example"),
    ("https://index.example\\@evil.example/m", "…@evil.example/m"),
    ("https:\\\\index.example\\m", "https:\\\\index.example\\m"),
    ("https://evil.example#@index.example/m", "https://evil.example"),
    ("https://evil.example?@index.example/m", "https://evil.example"),
    ("https://index%2eexample/m", "https://index%2eexample/m"),
    ("https://%69ndex.example/m", "https://%69ndex.example/m"),
    ("https://index.ex\u{430}mple/m", "https://index.xn--"),
    ("https://index\u{3002}example/m", "index"),
    ("https://ind\tex.example/m", "\\u{9}"),
    (" https://index.example/m", " https://index.example/m"),
    ("//evil.example/m", "//evil.example/m"),
    ("//index.example/m", "//index.example/m"),
    ("/m", "/m"),
    ("", ""),
    ("ftp://index.example/m", "ftp://index.example"),
    ("wss://index.example/m", "wss://index.example"),
    ("file:///etc/passwd", "file:///etc/passwd"),
    ("data:application/json,{}", "data:application/json,{}"),
    ("javascript:alert(1)", "javascript:alert(1)"),
    ("blob:https://index.example/m", "https://index.example"),
    ("https://index.example/m#fragment", "https://index.example/m#fragment"),
];

/// Everything that is asked, whatever the address, is answered as a thief would.
fn thief(discovered: &Value) -> FakeHttp {
    let http = FakeHttp::new().on("GET", DISCOVERY, answer(200, discovered));
    http.on_request(|request| {
        let is_discovery = request.url.as_str().starts_with(DISCOVERY);
        let all = json!({ "audience": "an-index", "token": TOKEN });
        (!is_discovery).then(|| Ok(answer(200, &all)))
    })
}

#[tokio::test]
async fn an_address_that_is_not_the_indexs_is_refused_and_named() {
    for (url, found) in FOREIGN {
        for (audience_at, mint_at) in [(*url, MINT), (AUDIENCE, *url)] {
            let http = thief(&endpoints(audience_at, mint_at));
            for error in [audience(&http).await.unwrap_err(), exchange(&http).await.unwrap_err()] {
                assert_eq!(error.kind(), &ExchangeErrorKind::InvalidAnswer, "{url}");
                let diagnosis = error.diagnosis();
                assert_eq!(diagnosis.code, "registry-foreign-url");
                assert_eq!(diagnosis.expected.as_deref(), Some("https://index.example"), "{url}");
                let shown = diagnosis.found.as_deref().unwrap();
                assert!(shown.contains(found), "{url}: {shown}");
                let text = error.to_string();
                assert!(text.contains(shown) && text.contains("`https://index.example`"), "{text}");
                assert!(!text.contains("hunter3") && text.lines().count() == 1, "{text}");
            }
            let all = http.requests();
            assert!(all.len() == 2 && all.iter().all(|request| request.url.as_str().starts_with(DISCOVERY)));
        }
    }
}

#[tokio::test]
async fn an_index_on_this_machine_names_its_own_port_and_its_own_spelling() {
    let base = "http://127.0.0.1:4873";
    for (url, is_own) in [
        ("http://127.0.0.1:4873/m", true),
        ("http://127.0.0.1:4874/m", false),
        ("http://127.0.0.1/m", false),
        ("https://127.0.0.1:4873/m", false),
        ("http://localhost:4873/m", false),
        ("http://127.1:4873/m", false),
        ("http://2130706433:4873/m", false),
        ("http://0x7f000001:4873/m", false),
        ("http://017700000001:4873/m", false),
        ("http://127.0.0.1.:4873/m", false),
        ("http://[::1]:4873/m", false),
        ("http://[::ffff:127.0.0.1]:4873/m", false),
        ("http://[::ffff:7f00:1]:4873/m", false),
        ("http://0.0.0.0:4873/m", false),
    ] {
        let http = FakeHttp::new()
            .on("GET", format!("{base}/.well-known/pytp"), answer(200, &endpoints(url, url)))
            .on_request(|request| {
                let is_mint = request.method == Method::Post;
                is_mint.then(|| Ok(answer(200, &json!({ "token": TOKEN }))))
            });
        let registry = Pep807::at(&format!("{base}/legacy/")).unwrap();
        let exchanged =
            registry.exchange(&ExchangeRequest::new(&id_token(), Scope::Identity), &context(&http)).await;
        assert_eq!(exchanged.is_ok(), is_own, "{url}");
        let base = HttpUrl::parse(base).unwrap();
        assert!(http.requests().iter().all(|request| request.url.same_origin(&base)), "{url}");
        assert_eq!(http.requests().len(), if is_own { 2 } else { 1 }, "{url}");
    }
}
