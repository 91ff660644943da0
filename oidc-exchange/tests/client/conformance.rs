//! Every client registry of this crate under the suite that a registry of one's own passes.

use async_trait::async_trait;
use oidc_core::http::{Request, Response};
use oidc_core::{Audience, Context, HttpUrl, Secret};
use oidc_exchange::client::testing::conformance::{self, Harness};
use oidc_exchange::client::{
    Cloudsmith, CratesIo, DockerHub, ExchangeCall, ExchangeError, ExchangeRequest, Hex, IdentityToken, JFrog,
    Jsr, JsrUpload, McpRegistry, Npm, NuGet, OpenVsx, Packagist, Pep807, PrefixDev, Protocol, PubDev,
    PublishToken, Pypi, Pyx, Registry, RubyGems, Scope, TokenExchange, VsMarketplace,
};
use serde_json::{Value, json};

const URL: &str = "https://registry.example/";

/// A registry, a scope that it has tokens for, and its answer with a publish token.
#[derive(Clone)]
struct Under {
    registry: fn() -> Box<dyn Registry>,
    scope: Scope,
    answer: fn(&str) -> Value,
}

impl Harness for Under {
    fn registry(&self) -> Box<dyn Registry> {
        (self.registry)()
    }

    fn scope(&self) -> Scope {
        self.scope.clone()
    }

    fn answer(&self, request: &Request, token: &str) -> Response {
        let body = match (request.method.as_str(), request.url.path()) {
            ("GET", "/.well-known/pytp") => json!({
                "audience-endpoint": format!("{URL}audience"), "token-mint-endpoint": format!("{URL}mint"),
            }),
            ("GET", "/.well-known/oauth-authorization-server") => json!({
                "issuer": URL.trim_end_matches('/'), "token_endpoint": format!("{URL}oauth/token"),
            }),
            ("GET", _) => json!({ "audience": "a-registry" }),
            _ => (self.answer)(token),
        };
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        Response::new(200, Vec::new(), body)
    }
}

async fn holds(registry: fn() -> Box<dyn Registry>, answer: fn(&str) -> Value) {
    conformance::all(&Under { registry, scope: Scope::Identity, answer }).await;
}

async fn holds_for_package(registry: fn() -> Box<dyn Registry>, package: &str, answer: fn(&str) -> Value) {
    conformance::all(&Under { registry, scope: Scope::Package(package.to_owned()), answer }).await;
}

#[tokio::test]
async fn npm_conforms() {
    holds_for_package(|| Box::new(Npm::at(URL).unwrap()), "@acme/widget", |token| json!({ "token": token }))
        .await;
}

#[tokio::test]
async fn crates_io_conforms() {
    holds(|| Box::new(CratesIo::at(URL).unwrap()), |token| json!({ "token": token })).await;
}

#[tokio::test]
async fn pypi_conforms() {
    holds(|| Box::new(Pypi::at(URL).unwrap()), |token| json!({ "token": token })).await;
}

#[tokio::test]
async fn pep_807_conforms() {
    holds(|| Box::new(Pep807::at(URL).unwrap()), |token| json!({ "token": token })).await;
}

#[tokio::test]
async fn rubygems_conforms() {
    holds(|| Box::new(RubyGems::at(URL).unwrap()), |token| json!({ "rubygems_api_key": token })).await;
}

#[tokio::test]
async fn nuget_conforms() {
    holds(|| Box::new(NuGet::at(URL, "acme").unwrap()), |token| json!({ "apiKey": token })).await;
}

#[tokio::test]
async fn prefix_dev_conforms() {
    holds(|| Box::new(PrefixDev::at(URL).unwrap()), |token| json!(token)).await;
}

#[tokio::test]
async fn open_vsx_conforms() {
    holds_for_package(
        || Box::new(OpenVsx::at(URL).unwrap()),
        "acme.widget",
        |token| json!({ "value": token }),
    )
    .await;
}

#[tokio::test]
async fn vs_marketplace_conforms() {
    holds(|| Box::new(VsMarketplace::at(URL, "acme").unwrap()), |token| json!({ "credential": token })).await;
}

#[tokio::test]
async fn packagist_conforms() {
    let packagist = || Box::new(Packagist::at(URL, "acme".parse().unwrap()).unwrap()) as Box<dyn Registry>;
    holds_for_package(packagist, "acme/widget", |token| json!({ "key": "key", "secret": token })).await;
}

#[tokio::test]
async fn jsr_and_pub_dev_conform() {
    let jsr = || {
        let upload = JsrUpload::new("acme", "widget", "1.0.0", format!("sha256-{}", "0".repeat(64)));
        Box::new(Jsr::at(URL, vec![upload]).unwrap()) as Box<dyn Registry>
    };
    holds(jsr, |_| json!({})).await;
    holds(|| Box::new(PubDev::at(URL).unwrap()), |_| json!({})).await;
}

#[tokio::test]
async fn token_exchange_conforms() {
    let answer = |token: &str| json!({ "access_token": token, "token_type": "Bearer", "expires_in": 900 });
    holds(|| Box::new(TokenExchange::at(URL).unwrap()), answer).await;
    holds(|| Box::new(DockerHub::at(URL, "an-id").unwrap()), answer).await;
    holds(|| Box::new(JFrog::at(URL, "a-provider").unwrap()), answer).await;
}

#[tokio::test]
async fn hex_cloudsmith_mcp_registry_and_pyx_conform() {
    let token = |token: &str| json!({ "token": token });
    holds_for_package(|| Box::new(Hex::at(URL).unwrap()), "widget", token).await;
    holds(|| Box::new(Cloudsmith::at(URL, "acme/ci".parse().unwrap()).unwrap()), token).await;
    holds(|| Box::new(McpRegistry::at(URL).unwrap()), |token| json!({ "registry_token": token })).await;
    holds(|| Box::new(Pyx::at("https://registry.example/v1/upload/acme/main").unwrap()), token).await;
}

#[tokio::test]
async fn identity_token_conforms() {
    holds(|| Box::new(IdentityToken::at(URL).unwrap()), |_| json!({})).await;
}

/// A registry that breaks a promise.
#[derive(Debug)]
struct Broken {
    fault: Fault,
    url: HttpUrl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    SendsForeignTokens,
    TriesTwice,
    TakesAnyName,
    TakesAnyText,
    SendsTheTokenInTheUrl,
    RevokesAnywhere,
}

#[async_trait]
impl Registry for Broken {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        const { &Protocol::new() }
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        match scope.package() {
            Some(name) if name == "widget" || self.fault == Fault::TakesAnyName => Ok(()),
            _ => Err(ExchangeError::unsupported_scope(&self.url, scope, "one package")),
        }
    }

    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        Ok(Audience::new("registry.example").unwrap())
    }

    fn is_own_audience(&self, audience: &Audience) -> bool {
        self.fault == Fault::SendsForeignTokens || audience.as_str() == "registry.example"
    }

    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        let call = ExchangeCall::new(self, self.url.below("tokens"), request, cx)?;
        let mut sent = call.request().bearer(call.token());
        if self.fault == Fault::SendsTheTokenInTheUrl {
            sent.url = sent.url.with_query("token", call.token().expose());
        }
        let first: Result<Value, ExchangeError> = call.ask(sent.clone()).await;
        let answer = match first {
            Err(_) if self.fault == Fault::TriesTwice => call.ask(sent).await?,
            first => first?,
        };
        let token = answer["token"].as_str().map(str::to_owned);
        if let Some(text) = token.as_ref().filter(|_| self.fault == Fault::TakesAnyText) {
            return Ok(PublishToken::new(Secret::new(text.as_str()), request.scope.clone(), None));
        }
        call.granted("token", token, None)
    }

    async fn revoke(&self, token: &PublishToken, cx: &Context) -> Result<bool, ExchangeError> {
        if self.fault == Fault::RevokesAnywhere {
            let secret = token.secret_for(token.scope()).unwrap();
            let request = Request::post(self.url.below("revoke")).bearer(secret);
            return Ok(cx.send(request).await.is_ok_and(|answer| answer.is_success()));
        }
        Ok(false)
    }
}

#[tokio::test]
async fn whoever_breaks_a_promise_is_told_which() {
    fn of(fault: Fault) -> fn() -> Box<dyn Registry> {
        fn broken(fault: Fault) -> Box<dyn Registry> {
            Box::new(Broken { fault, url: HttpUrl::parse(URL).unwrap() })
        }
        match fault {
            Fault::SendsForeignTokens => || broken(Fault::SendsForeignTokens),
            Fault::TriesTwice => || broken(Fault::TriesTwice),
            Fault::TakesAnyName => || broken(Fault::TakesAnyName),
            Fault::TakesAnyText => || broken(Fault::TakesAnyText),
            Fault::SendsTheTokenInTheUrl => || broken(Fault::SendsTheTokenInTheUrl),
            Fault::RevokesAnywhere => || broken(Fault::RevokesAnywhere),
        }
    }
    for (fault, sentence) in [
        (Fault::SendsForeignTokens, "is another party's"),
        (Fault::TriesTwice, "it is not tried again"),
        (Fault::TakesAnyName, "what is no package's name is refused"),
        (Fault::TakesAnyText, "there is no token in it"),
        (Fault::SendsTheTokenInTheUrl, "a token stands in no URL"),
        (Fault::RevokesAnywhere, "a registry ends no token of another one"),
    ] {
        let suite = tokio::spawn(holds_for_package(of(fault), "widget", |token| json!({ "token": token })));
        let error = suite.await.expect_err(sentence).into_panic();
        let text = error.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| error.downcast_ref::<&str>().copied()).unwrap_or_default();
        assert!(text.contains(sentence), "{fault:?}: {text}");
    }
}
