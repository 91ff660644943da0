//! An identity token reaches the registry's own origin and no other, whatever a server answers: every client, over real HTTP,
//! with a redirect wherever one could stand.

use mockito::{Matcher, Mock, Server, ServerGuard};
use oidc_core::http::HttpSettings;
use oidc_core::testing::FakeIssuer;
use oidc_core::{Audience, Context, Environment, IdToken, Secret};
use oidc_exchange::client::{
    CratesIo, ExchangeErrorKind, ExchangeRequest, Npm, NuGet, OpenVsx, Packagist, Pep807, PrefixDev,
    PublishToken, Pypi, Registry, RubyGems, Scope, VsMarketplace,
};
use serde_json::json;

const REDIRECTS: [usize; 5] = [301, 302, 303, 307, 308];

fn context() -> Context {
    Context::system_with(Environment::default(), HttpSettings::default()).unwrap()
}

/// A token for a registry's audience; for a word where the registry would have to be asked.
async fn id_token(registry: &dyn Registry) -> IdToken {
    let audience = registry.audience(&Context::default()).await;
    let audience = audience.unwrap_or_else(|_| Audience::new("an-audience").unwrap());
    let token = FakeIssuer::new("https://issuer.example").sign(&json!({ "aud": audience.as_str() }));
    IdToken::new(token, audience).unwrap()
}

/// Somewhere else, where everybody would be welcome.
struct Elsewhere {
    server: ServerGuard,
    visits: Vec<Mock>,
}

impl Elsewhere {
    async fn open() -> Self {
        let mut server = Server::new_async().await;
        let all = json!({
            "audience": "an-audience", "token": "t", "rubygems_api_key": "t", "apiKey": "t", "value": "t", "credential": "t",
            "key": "k", "secret": "s", "audience-endpoint": "https://evil.example/", "token-mint-endpoint": "https://evil.example/",
        });
        let mut visits = Vec::new();
        for method in ["GET", "POST", "DELETE", "PUT", "HEAD"] {
            let mock =
                server.mock(method, Matcher::Any).with_status(200).with_body(all.to_string()).expect(0);
            visits.push(mock.create_async().await);
        }
        Self { server, visits }
    }

    async fn assert_nobody_came(&self) {
        for mock in &self.visits {
            mock.assert_async().await;
        }
    }

    /// A registry that sends whoever asks it there.
    async fn redirecting(&self, status: usize) -> ServerGuard {
        let mut registry = Server::new_async().await;
        for method in ["GET", "POST", "DELETE"] {
            self.redirect(&mut registry, method, Matcher::Any, status).await;
        }
        registry
    }

    async fn redirect(
        &self,
        registry: &mut ServerGuard,
        method: &str,
        path: impl Into<Matcher>,
        status: usize,
    ) {
        let location = format!("{}/there", self.server.url());
        let mock = registry.mock(method, path).with_status(status).with_header("location", &location);
        mock.create_async().await;
    }
}

/// Checks that every operation of a client fails with the redirect's status, and that the target gets no request.
async fn stays<R: Registry>(at: impl Fn(&str) -> R, scope: Scope) {
    for status in REDIRECTS {
        let elsewhere = Elsewhere::open().await;
        let server = elsewhere.redirecting(status).await;
        let (registry, cx) = (at(&format!("{}/legacy/", server.url())), context());
        let token = id_token(&registry).await;
        let exchanged =
            registry.exchange(&ExchangeRequest::new(&token, scope.clone()), &cx).await.unwrap_err();
        let expected = u16::try_from(status).unwrap();
        assert!(
            matches!(exchanged.kind(), ExchangeErrorKind::Rejected { status, .. } if *status == expected),
            "{registry:?}: {exchanged}"
        );
        assert!(exchanged.to_string().contains("redirects are not followed"), "{exchanged}");
        // Where the registry is asked for its audience, that is refused as well; where it isn't, there is nothing to ask.
        if let Err(error) = registry.audience(&cx).await {
            assert!(
                matches!(error.kind(), ExchangeErrorKind::Rejected { status, .. } if *status == expected)
            );
        }
        // A publish token goes nowhere else either.
        let minted = PublishToken::new(Secret::new("hunter2"), scope.clone(), None);
        if let Err(error) = registry.revoke(&minted, &cx).await {
            assert!(
                matches!(error.kind(), ExchangeErrorKind::Rejected { status, .. } if *status == expected)
            );
        }
        elsewhere.assert_nobody_came().await;
    }
}

#[tokio::test]
async fn no_client_follows_a_redirect_with_a_token() {
    stays(|url| Npm::at(url).unwrap(), Npm::scope("@acme/widget").unwrap()).await;
    stays(|url| CratesIo::at(url).unwrap(), Scope::Identity).await;
    stays(|url| Pypi::at(url).unwrap(), Scope::Identity).await;
    stays(|url| Pep807::at(url).unwrap(), Scope::Identity).await;
    stays(|url| RubyGems::at(url).unwrap(), Scope::Identity).await;
    stays(|url| NuGet::at(url, "acme").unwrap(), Scope::Identity).await;
    stays(|url| PrefixDev::at(url).unwrap(), Scope::Identity).await;
    stays(|url| OpenVsx::at(url).unwrap(), OpenVsx::scope("acme.widget").unwrap()).await;
    stays(|url| VsMarketplace::at(url, "acme").unwrap(), Scope::Identity).await;
    stays(
        |url| Packagist::at(url, "acme".parse().unwrap()).unwrap(),
        Packagist::scope("acme/widget").unwrap(),
    )
    .await;
}

/// PEP 807's endpoints are named by the index; a redirect can stand at each of them.
#[tokio::test]
async fn no_endpoint_that_was_discovered_leads_on() {
    for status in REDIRECTS {
        for redirected in ["/a", "/m"] {
            let elsewhere = Elsewhere::open().await;
            let mut index = Server::new_async().await;
            let url = index.url();
            let endpoints =
                json!({ "audience-endpoint": format!("{url}/a"), "token-mint-endpoint": format!("{url}/m") });
            for (method, path, body) in [
                ("GET", "/.well-known/pytp", endpoints),
                ("GET", "/a", json!({ "audience": "an-audience" })),
                ("POST", "/m", json!({ "token": "hunter2" })),
            ] {
                if path == redirected {
                    elsewhere.redirect(&mut index, method, path, status).await;
                } else {
                    let path = Matcher::Regex(format!("^{path}"));
                    index.mock(method, path).with_body(body.to_string()).create_async().await;
                }
            }
            let (registry, cx) = (Pep807::at(&format!("{url}/legacy/")).unwrap(), context());
            assert_eq!(registry.audience(&cx).await.is_err(), redirected == "/a", "{status}");
            let token = id_token(&registry).await;
            let exchanged = registry.exchange(&ExchangeRequest::new(&token, Scope::Identity), &cx).await;
            assert_eq!(exchanged.is_err(), redirected == "/m", "{status}");
            elsewhere.assert_nobody_came().await;
        }
    }
}

/// A discovery that names another server, which is there and would take the token.
#[tokio::test]
async fn no_discovery_leads_a_token_to_another_server() {
    let elsewhere = Elsewhere::open().await;
    let mut index = Server::new_async().await;
    let there = format!("{}/m", elsewhere.server.url());
    let endpoints = json!({ "audience-endpoint": there, "token-mint-endpoint": there });
    index.mock("GET", Matcher::Any).with_body(endpoints.to_string()).create_async().await;
    let (registry, cx) = (Pep807::at(&index.url()).unwrap(), context());
    let token = id_token(&registry).await;
    for error in [
        registry.audience(&cx).await.unwrap_err(),
        registry.exchange(&ExchangeRequest::new(&token, Scope::Identity), &cx).await.unwrap_err(),
    ] {
        let diagnosis = error.diagnosis();
        assert_eq!(diagnosis.found.as_deref(), Some(&*elsewhere.server.url()));
        assert_eq!(diagnosis.expected.as_deref(), Some(&*index.url()));
    }
    elsewhere.assert_nobody_came().await;
}
