//! An identity token that is for one registry is sent to no other.

use oidc_core::http::Response;
use oidc_core::testing::{FakeHttp, FakeIssuer};
use oidc_core::{Audience, Context, IdToken, codes};
use oidc_exchange::client::{
    CratesIo, ExchangeErrorKind, ExchangeRequest, Failure, FailureKind, Jsr, JsrUpload, Npm, NuGet, OpenVsx,
    Packagist, Pep807, PrefixDev, PubDev, Pypi, Registry, RubyGems, Scope, VsMarketplace,
};
use serde_json::json;

/// A registry, what it has tokens for, and its audiences.
type Own = (Box<dyn Registry>, Scope, Vec<String>);

/// Every registry: the public ones, and some of an organization's own.
fn registries() -> Vec<Own> {
    fn own(registry: impl Registry + 'static, scope: Scope, audiences: &[&str]) -> Own {
        (Box::new(registry), scope, audiences.iter().map(|&audience| audience.to_owned()).collect())
    }
    let package = |name: &str| Scope::Package(name.to_owned());
    let upload: JsrUpload = format!("@acme/widget@1.0.0#sha256-{}", "a".repeat(64)).parse().unwrap();
    let permissions = json!({ "permissions": [upload] }).to_string();
    let ports = ["npm:own.example", "npm:own.example:8443"];
    let acme = || "acme".parse().unwrap();
    vec![
        own(Npm::public(), package("@acme/widget"), &["npm:registry.npmjs.org"]),
        own(Npm::at("https://own.example:8443/npm/").unwrap(), package("widget"), &ports),
        own(CratesIo::public(), Scope::Identity, &["crates.io"]),
        own(CratesIo::at("https://crates.own.example/").unwrap(), Scope::Identity, &["crates.own.example"]),
        own(RubyGems::public(), Scope::Identity, &["rubygems.org"]),
        own(NuGet::public("acme"), Scope::Identity, &["https://www.nuget.org"]),
        own(OpenVsx::public(), package("acme.widget"), &["https://open-vsx.org"]),
        own(PubDev::public(), Scope::Identity, &["https://pub.dev"]),
        own(Jsr::public([upload]), Scope::Identity, &[&permissions]),
        own(VsMarketplace::public("acme"), Scope::Identity, &["marketplace.visualstudio.com"]),
        own(PrefixDev::public(), Scope::Identity, &["prefix.dev"]),
        // These tell their audience when they are asked.
        own(Pypi::public(), Scope::Identity, &["pypi"]),
        own(Pypi::at("https://index.own.example/legacy/").unwrap(), Scope::Identity, &["index.own.example"]),
        own(Pep807::at("https://pep.own.example/").unwrap(), Scope::Identity, &["https://pep.own.example"]),
        own(Packagist::public(acme()), package("acme/widget"), &["packagist.com"]),
    ]
}

fn token(audience: &str) -> IdToken {
    let text = FakeIssuer::new("https://issuer.example").sign(&json!({ "aud": audience }));
    IdToken::new(text, Audience::new(audience).unwrap()).unwrap()
}

/// A registry that would take every token.
fn open() -> (FakeHttp, Context) {
    let http = FakeHttp::new().on_request(|_| Some(Ok(Response::new(404, Vec::new(), ""))));
    (http.clone(), Context::default().with_http(http))
}

#[tokio::test]
async fn a_token_for_one_registry_is_refused_before_a_request_to_another() {
    let all = registries();
    for (at, (registry, scope, own)) in all.iter().enumerate() {
        let of_others = all.iter().enumerate().filter(|(other, _)| *other != at);
        let others = ["sigstore", "sts.amazonaws.com", "https://vault.corp.example"].map(str::to_owned);
        let foreign = of_others.flat_map(|(_, (_, _, audiences))| audiences.clone()).chain(others);
        for audience in foreign {
            let (http, cx) = open();
            let token = token(&audience);
            let error =
                registry.exchange(&ExchangeRequest::new(&token, scope.clone()), &cx).await.unwrap_err();
            assert_eq!(error.diagnosis().code, codes::AUDIENCE, "{registry:?} takes {audience}");
            assert_eq!(error.diagnosis().found.as_deref(), Some(&*audience));
            assert_eq!(error.kind(), &ExchangeErrorKind::InvalidRequest);
            assert_eq!(Failure::from(error).kind(), FailureKind::InvalidRequest);
            assert!(http.requests().is_empty(), "{registry:?} is asked with a token for {audience}");
        }
        for audience in own {
            let (http, cx) = open();
            let token = token(audience);
            let outcome = registry.exchange(&ExchangeRequest::new(&token, scope.clone()), &cx).await;
            let exchanges_nothing = outcome.is_ok() && http.requests().is_empty();
            assert!(exchanges_nothing || !http.requests().is_empty(), "{registry:?}: {outcome:?}");
        }
    }
}

/// The audience of a text that is no JWT can't be read, so that for which it was requested is compared.
#[tokio::test]
async fn an_opaque_token_is_sent_to_the_registry_that_it_was_requested_for_and_to_no_other() {
    let opaque = |audience: &str| {
        IdToken::opaque("whatever-the-variable-holds", Audience::new(audience).unwrap()).unwrap()
    };
    let all = registries();
    for (at, (registry, scope, own)) in all.iter().enumerate() {
        for audience in own {
            let (http, cx) = open();
            let token = opaque(audience);
            let outcome = registry.exchange(&ExchangeRequest::new(&token, scope.clone()), &cx).await;
            assert!(outcome.is_ok() || !http.requests().is_empty(), "{registry:?}: {outcome:?}");
        }
        let others = all.iter().enumerate().filter(|(other, _)| *other != at);
        for audience in others.flat_map(|(_, (_, _, audiences))| audiences) {
            let (http, cx) = open();
            let token = opaque(audience);
            let error =
                registry.exchange(&ExchangeRequest::new(&token, scope.clone()), &cx).await.unwrap_err();
            assert_eq!(error.diagnosis().code, codes::AUDIENCE, "{registry:?} takes {audience}");
            assert!(http.requests().is_empty(), "{registry:?} is asked with a token for {audience}");
        }
    }
}
