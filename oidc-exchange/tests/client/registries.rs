//! Every registry's exchange, compared with recorded requests and answers: what is asked where, what is made of the answer
//! and of the refusal. The shapes are those of the registries' own sources and clients.

use std::time::Duration;

use oidc_core::http::{HttpErrorKind, Method, Response, Step};
use oidc_core::testing::FakeHttp;
use oidc_core::{Audience, Context, HttpUrl};
use oidc_exchange::client::{
    CratesIo, ExchangeErrorKind, ExchangeRequest, Jsr, JsrUpload, Npm, NuGet, OpenVsx, Packagist, Pep807,
    PrefixDev, PubDev, Pypi, Registry, RubyGems, Scope, VsMarketplace,
};
use serde_json::{Value, json};

use crate::recorded::{EXPIRY, EXPIRY_TEXT, NOW, Place, Recorded, answering, context, header, id_token};

#[test]
fn every_public_registry_is_at_the_url_that_its_tools_are_told() {
    let organization = || "acme".parse().unwrap();
    let public: [(Box<dyn Registry>, &str); 11] = [
        (Box::new(Npm::public()), Npm::PUBLIC_URL),
        (Box::new(CratesIo::public()), CratesIo::PUBLIC_URL),
        (Box::new(Pypi::public()), Pypi::PUBLIC_URL),
        (Box::new(RubyGems::public()), RubyGems::PUBLIC_URL),
        (Box::new(NuGet::public("acme")), NuGet::PUBLIC_URL),
        (Box::new(PrefixDev::public()), PrefixDev::PUBLIC_URL),
        (Box::new(Packagist::public(organization())), Packagist::PUBLIC_URL),
        (Box::new(OpenVsx::public()), OpenVsx::PUBLIC_URL),
        (Box::new(VsMarketplace::public("acme")), VsMarketplace::PUBLIC_URL),
        (Box::new(Jsr::public(Vec::new())), Jsr::PUBLIC_URL),
        (Box::new(PubDev::public()), PubDev::PUBLIC_URL),
    ];
    for (registry, url) in public {
        assert_eq!(registry.url(), &HttpUrl::parse(url).unwrap());
        assert_eq!(registry.url().as_str(), url);
    }
}

#[tokio::test]
async fn crates_io() {
    let recorded = Recorded {
        registry: CratesIo::public(),
        scope: Scope::Identity,
        audience: "crates.io",
        url: "https://crates.io/api/v1/trusted_publishing/tokens",
        place: Place::Member("jwt"),
        body: json!({}),
        answer: (200, json!({ "token": "cio_tp_hunter2" })),
        token: "cio_tp_hunter2",
        expires: Some(NOW + 1800),
    };
    recorded.check_audience().await;
    recorded.check().await;

    let http = answering(204, "");
    let token = recorded.exchanged(&answering(200, r#"{"token":"cio_tp_hunter2"}"#)).await;
    assert!(recorded.registry.revoke(&token, &context(&http)).await.unwrap());
    let [request] = &http.requests()[..] else { panic!("asked once") };
    assert_eq!((request.method, request.url.as_str()), (Method::Delete, recorded.url));
    assert_eq!(header(request, "authorization"), Some("Bearer cio_tp_hunter2"));
    let refused = answering(401, r#"{"errors":[{"detail":"cio_tp_hunter2 is odd"}]}"#);
    let error = recorded.registry.revoke(&token, &context(&refused)).await.unwrap_err();
    assert!(error.to_string().contains("401") && !error.to_string().contains("hunter2"), "{error}");

    // Another registry, of the same protocol or not, is not handed a token that is still valid.
    let others: [&dyn Registry; 2] = [&CratesIo::at("https://registry.example/").unwrap(), &Pypi::public()];
    for other in others {
        let http = answering(204, "");
        let error = other.revoke(&token, &context(&http)).await.unwrap_err();
        assert!(error.to_string().contains("was given by another registry"), "{error}");
        assert!(http.requests().is_empty(), "{}", other.url());
    }
}

#[tokio::test]
async fn pypi() {
    let recorded = Recorded {
        registry: Pypi::public(),
        scope: Scope::Identity,
        audience: "pypi",
        url: "https://upload.pypi.org/_/oidc/mint-token",
        place: Place::Member("token"),
        body: json!({}),
        answer: (200, json!({ "success": true, "token": "pypi-hunter2", "expires": EXPIRY })),
        token: "pypi-hunter2",
        expires: Some(EXPIRY),
    };
    recorded.check().await;

    let http = answering(202, r#"{"message":"Accepted","errors":[]}"#);
    let token = recorded.exchanged(&answering(200, r#"{"token":"pypi-hunter2"}"#)).await;
    assert!(recorded.registry.revoke(&token, &context(&http)).await.unwrap());
    let [request] = &http.requests()[..] else { panic!("asked once") };
    assert_eq!(request.url.as_str(), "https://upload.pypi.org/_/oidc/burn-token");
    assert_eq!(serde_json::from_slice::<Value>(&request.body).unwrap(), json!({ "token": "pypi-hunter2" }));
    // An index that can't yet is no failure.
    assert!(!recorded.registry.revoke(&token, &context(&answering(404, ""))).await.unwrap());
}

#[tokio::test]
async fn pypi_tells_its_audience() {
    let registry = Pypi::at("https://index.example/some/legacy/").unwrap();
    let http = answering(200, r#"{"audience":"an-index"}"#);
    assert_eq!(registry.audience(&context(&http)).await.unwrap().as_str(), "an-index");
    assert_eq!(http.requests()[0].url.as_str(), "https://index.example/_/oidc/audience");
    for (status, body, part) in [
        (403, r#"{"message":"Trusted publishing functionality not enabled"}"#, "not enabled"),
        (404, "<html>", "404"),
        (200, "{}", "audience"),
        (200, r#"{"audience":""}"#, "audience"),
        (200, r#"{"audience":"a\nb"}"#, "audience"),
        (302, "", "302"),
    ] {
        let error = registry.audience(&context(&answering(status, body))).await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// A token with another party's audience is good there: none is asked for, and it is shown which one was wanted.
#[tokio::test]
async fn an_index_does_not_choose_another_partys_audience() {
    for audience in
        ["sts.amazonaws.com", "npm:registry.npmjs.org", "sigstore", "api://AzureADTokenExchange", "pypi"]
    {
        let http = answering(200, &json!({ "audience": audience }).to_string());
        let registries = [
            Pypi::at("https://index.example/legacy/").unwrap().audience(&context(&http)).await,
            Pep807::at("https://index.example/legacy/").unwrap().audience(&context(&draft(audience))).await,
            Packagist::at("https://index.example/", "acme".parse().unwrap())
                .unwrap()
                .audience(&context(&http))
                .await,
        ];
        for refused in registries {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), &ExchangeErrorKind::InvalidAnswer);
            assert_eq!(error.diagnosis().code, "audience-foreign");
            assert_eq!(error.diagnosis().found.as_deref(), Some(audience));
            assert!(error.to_string().contains(&format!("`{audience}`")), "{error}");
        }
    }
    let http = answering(200, r#"{"audience":"pypi"}"#);
    assert_eq!(Pypi::public().audience(&context(&http)).await.unwrap().as_str(), "pypi");
}

/// An index that speaks the draft of PEP 807.
fn draft(audience: &'static str) -> FakeHttp {
    FakeHttp::new().on_request(move |request| {
        let body = match request.url.path() {
            "/.well-known/pytp" => json!({
                "audience-endpoint": "https://index.example/audience", "token-mint-endpoint": "https://index.example/mint",
            }),
            _ => json!({ "audience": audience }),
        };
        Some(Ok(Response::new(200, Vec::new(), body.to_string())))
    })
}

#[tokio::test]
async fn rubygems() {
    let answer = json!({
        "rubygems_api_key": "rubygems_hunter2", "name": "x", "scopes": ["push_rubygem"], "expires_at": EXPIRY_TEXT,
    });
    let recorded = Recorded {
        registry: RubyGems::public(),
        scope: Scope::Identity,
        audience: "rubygems.org",
        url: "https://rubygems.org/api/v1/oidc/trusted_publisher/exchange_token",
        place: Place::Member("jwt"),
        body: json!({}),
        answer: (201, answer),
        token: "rubygems_hunter2",
        expires: Some(EXPIRY),
    };
    recorded.check_audience().await;
    recorded.check().await;
    for (gem, told) in [
        (r#"{"name":"widget","downloads":1}"#, Some(vec!["widget".to_owned()])),
        (r#""widget""#, Some(vec!["widget".to_owned()])),
        ("null", None),
        ("7", None),
    ] {
        let answer = format!(r#"{{"rubygems_api_key":"rubygems_hunter2","gem":{gem}}}"#);
        let token = recorded.exchanged(&answering(201, &answer)).await;
        assert_eq!(token.packages(), told.as_deref(), "{gem}");
    }
    let token = recorded.exchanged(&answering(201, r#"{"rubygems_api_key":"rubygems_hunter2"}"#)).await;
    assert!(token.packages().is_none());
    assert!(!recorded.registry.revoke(&token, &Context::default()).await.unwrap(), "there is no way to");
}

#[tokio::test]
async fn nuget() {
    let expires = "2026-01-01T01:00:00.0000000Z";
    let mut recorded = Recorded {
        registry: NuGet::public("acme"),
        scope: Scope::Identity,
        audience: "https://www.nuget.org",
        url: "https://www.nuget.org/api/v2/token",
        place: Place::Bearer,
        body: json!({ "username": "acme", "tokenType": "ApiKey" }),
        answer: (200, json!({ "tokenType": "ApiKey", "expires": expires, "apiKey": "oy2hunter2" })),
        token: "oy2hunter2",
        expires: Some(EXPIRY),
    };
    recorded.check_audience().await;
    recorded.check().await;
    // dotnet and nuget are told the package source, which is at another host.
    for url in [
        "https://api.nuget.org/v3/index.json",
        "https://api.nuget.org/",
        "https://www.nuget.org/api/v2/package",
    ] {
        let source = Recorded { registry: NuGet::at(url, "acme").unwrap(), ..recorded };
        source.check_audience().await;
        source.check().await;
        recorded = source;
    }
    let own = NuGet::at("https://nuget.own.example/v3/index.json", "acme").unwrap();
    assert_eq!(own.audience(&Context::default()).await.unwrap().as_str(), "https://nuget.own.example");
}

#[tokio::test]
async fn prefix_dev() {
    let recorded = Recorded {
        registry: PrefixDev::public(),
        scope: Scope::Identity,
        audience: "prefix.dev",
        url: "https://prefix.dev/api/oidc/mint_token",
        place: Place::Member("token"),
        body: json!({}),
        answer: (200, json!("pfx_hunter2\n")),
        token: "pfx_hunter2",
        expires: None,
    };
    recorded.check_audience().await;
    recorded.check().await;
    for (url, audience) in [
        ("https://repo.prefix.dev/acme", "prefix.dev"),
        ("https://evilprefix.dev/", "evilprefix.dev"),
        ("https://prefix.dev.evil.example/", "prefix.dev.evil.example"),
        ("https://prefix.dev./", "prefix.dev."),
        ("https://own.example:8443/x", "own.example"),
    ] {
        let registry = PrefixDev::at(url).unwrap();
        assert_eq!(registry.audience(&Context::default()).await.unwrap().as_str(), audience, "{url}");
    }
}

#[tokio::test]
async fn a_server_with_prefix_devs_protocol_may_have_another_audience_and_another_address_for_tokens() {
    for (path, url) in [
        ("/tokens/new", "https://conda.example/tokens/new"),
        ("tokens/new", "https://conda.example/tokens/new"),
        ("//evil.example/tokens", "https://conda.example/evil.example/tokens"),
        ("https://evil.example/", "https://conda.example/https://evil.example/"),
        ("/tokens?to=evil#x", "https://conda.example/tokens%3Fto=evil%23x"),
    ] {
        let audience = Audience::new("the-channels").unwrap();
        let registry = PrefixDev::at("https://conda.example/acme/noarch/repodata.json")
            .unwrap()
            .with_audience(audience.clone())
            .with_mint_path(path);
        assert_eq!(registry.audience(&Context::default()).await.unwrap(), audience);
        let http = answering(200, "pfx_hunter2");
        let token = id_token("the-channels");
        let request = ExchangeRequest::new(&token, Scope::Identity);
        registry.exchange(&request, &context(&http)).await.unwrap();
        assert_eq!(http.requests()[0].url.as_str(), url);
        let of_the_host = id_token("conda.example");
        let request = ExchangeRequest::new(&of_the_host, Scope::Identity);
        assert!(registry.exchange(&request, &context(&http)).await.is_err(), "{path}");
        assert_eq!(http.requests().len(), 1, "a token for another audience is not sent");
    }
}

#[tokio::test]
async fn vs_marketplace() {
    let recorded = Recorded {
        registry: VsMarketplace::public("acme"),
        scope: Scope::Identity,
        audience: "marketplace.visualstudio.com",
        url: "https://marketplace.visualstudio.com/_apis/gallery/token",
        place: Place::Bearer,
        body: json!({ "publisherName": "acme" }),
        answer: (200, json!({ "credential": "hunter2" })),
        token: "hunter2",
        expires: None,
    };
    recorded.check_audience().await;
    recorded.check().await;
}

#[tokio::test]
async fn packagist() {
    let recorded = Recorded {
        registry: Packagist::public("acme".parse().unwrap()),
        scope: Scope::Package("acme/widget".to_owned()),
        audience: "https://packagist.com",
        url: "https://packagist.com/oidc/token-exchange/acme/acme/widget",
        place: Place::Bearer,
        body: json!({}),
        answer: (200, json!({ "key": "key", "secret": "hunter2" })),
        token: "key:hunter2",
        expires: Some(NOW + 900),
    };
    recorded.check().await;
    let http = answering(200, r#"{"audience":"https://packagist.com"}"#);
    assert_eq!(recorded.registry.audience(&context(&http)).await.unwrap().as_str(), recorded.audience);
    // The two parts are used apart from each other.
    for (key, secret) in [
        ("key", "::stop-commands::hunter3"),
        ("key", ""),
        ("", "hunter3"),
        ("a:b", "hunter3"),
        ("key", "a b"),
    ] {
        let http = answering(200, &json!({ "key": key, "secret": secret }).to_string());
        let token = id_token(recorded.audience);
        let request = ExchangeRequest::new(&token, recorded.scope.clone());
        let error = recorded.registry.exchange(&request, &context(&http)).await.unwrap_err();
        assert_eq!(error.kind(), &ExchangeErrorKind::InvalidToken, "{key} {secret}");
        assert!(!error.to_string().contains("hunter3"), "{error}");
    }
    for name in ["", "/", "a/", "/a", "a/b/c", "A/b", "../a", "a/..", "a b", "a?b", "a%2fb"] {
        assert!(name.parse::<oidc_exchange::client::ComposerName>().is_err(), "{name}");
    }
}

#[tokio::test]
async fn jsr_and_pub_dev_take_the_identity_token_itself_and_ask_nothing() {
    let hash = format!("sha256-{}", "0".repeat(64));
    let jsr = Jsr::public([JsrUpload::new("acme", "widget", "1.0.0", &hash)]);
    let audience = jsr.audience(&Context::default()).await.unwrap();
    let permission = json!({
        "permission": "package/publish", "scope": "acme", "package": "widget", "version": "1.0.0", "tarballHash": hash,
    });
    let told: Value = serde_json::from_str(audience.as_str()).unwrap();
    assert_eq!(told, json!({ "permissions": [permission] }));
    let identity = id_token(audience.as_str());
    let token =
        jsr.exchange(&ExchangeRequest::new(&identity, Scope::Identity), &Context::default()).await.unwrap();
    let authorization = Jsr::authorization(&token);
    assert_eq!(authorization.expose(), format!("githuboidc {}", identity.secret().expose()));
    assert_eq!(token.expires_at().unwrap().as_secs(), EXPIRY);
    let too_many = Jsr::public(vec![JsrUpload::new("acme", "widget", "1.0.0", &hash); 64]);
    assert!(too_many.audience(&Context::default()).await.is_err());

    let pub_dev = PubDev::public();
    assert_eq!(pub_dev.audience(&Context::default()).await.unwrap().as_str(), "https://pub.dev");
    let identity = id_token("https://pub.dev");
    let token = pub_dev
        .exchange(&ExchangeRequest::new(&identity, Scope::Identity), &Context::default())
        .await
        .unwrap();
    assert_eq!(token.secret_for(&Scope::Identity).unwrap().expose(), identity.secret().expose());
}

/// A registry's URL that is not what it seems is refused, or is another registry with another audience.
#[test]
fn no_registry_is_opened_at_an_address_that_would_show_a_token() {
    for url in [
        "http://registry.example/",
        "http://127.0.0.1.evil.example/",
        "https://registry.example@evil.example/",
        "https://user:hunter2@registry.example/",
        "https://registry.example/#@evil.example",
        "ftp://registry.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "registry.example",
        "",
    ] {
        let refused = [
            CratesIo::at(url).is_err(),
            Pypi::at(url).is_err(),
            RubyGems::at(url).is_err(),
            NuGet::at(url, "acme").is_err(),
            PrefixDev::at(url).is_err(),
            OpenVsx::at(url).is_err(),
            VsMarketplace::at(url, "acme").is_err(),
            Packagist::at(url, "acme".parse().unwrap()).is_err(),
            PubDev::at(url).is_err(),
            Jsr::at(url, []).is_err(),
        ];
        assert_eq!(refused, [true; 10], "{url}");
    }
}

/// A failed request before an exchange, or for a revocation, is not reported as an exchange that may have happened.
#[tokio::test]
async fn only_an_exchange_may_have_happened_when_no_answer_comes() {
    let silent = || {
        let after = Duration::from_secs(10);
        FakeHttp::new().on_request(move |_| Some(Err(HttpErrorKind::Timeout { step: Step::Answer, after })))
    };
    let registry = Pypi::public();
    let of_audience = registry.audience(&context(&silent())).await.unwrap_err();
    let draft = Pep807::at("https://index.example/legacy/").unwrap();
    let of_discovery = draft.audience(&context(&silent())).await.unwrap_err();
    let token = id_token("pypi");
    let of_exchange = registry
        .exchange(&ExchangeRequest::new(&token, Scope::Identity), &context(&silent()))
        .await
        .unwrap_err();
    let http = answering(200, r#"{"success":true,"token":"pypi-hunter2"}"#);
    let token =
        registry.exchange(&ExchangeRequest::new(&token, Scope::Identity), &context(&http)).await.unwrap();
    let of_end = registry.revoke(&token, &context(&silent())).await.unwrap_err();
    for (error, fix) in [
        (of_audience, "nothing was exchanged yet"),
        (of_discovery, "nothing was exchanged yet"),
        (of_exchange, "it may have happened"),
        (of_end, "ends by itself"),
    ] {
        assert!(error.diagnosis().fix.as_ref().unwrap().contains(fix), "{error}");
    }
}
