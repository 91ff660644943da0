//! Every registry through one object-safe trait: a token's scope is a value, and what a registry has no tokens for is refused
//! before anything is sent.

use std::time::Duration;

use async_trait::async_trait;
use oidc_core::http::{Request, Response};
use oidc_core::testing::{FakeHttp, FakeIssuer, FakePlatform, ManualClock};
use oidc_core::{
    Audience, Context, Environment, HttpUrl, IdToken, OperationPolicy, ProviderSet, Secret, SourceError,
    TokenSource, VariableSource,
};
use oidc_exchange::client::doctor::{Doctor, Verdict};
use oidc_exchange::client::{
    CratesIo, Diagnose, ExchangeError, ExchangeErrorKind, ExchangeRequest, Failure, IdentityPublishToken,
    Jsr, JsrUpload, Npm, NuGet, OpenVsx, Packagist, Pep807, PrefixDev, Protocol, PubDev, PublishRequest,
    PublishToken, Pypi, Registry, RubyGems, Scope, VsMarketplace,
};
use oidc_exchange::{publish_token, token_from};
use serde_json::json;

const URL: &str = "https://registry.example/";
const NOW: u64 = 1_700_000_000;

fn of_identity() -> Vec<Box<dyn Diagnose>> {
    let upload = JsrUpload::new("acme", "widget", "1.0.0", format!("sha256-{}", "0".repeat(64)));
    vec![
        Box::new(Pypi::at(URL).unwrap()),
        Box::new(Pep807::at(URL).unwrap()),
        Box::new(CratesIo::at(URL).unwrap()),
        Box::new(RubyGems::at(URL).unwrap()),
        Box::new(NuGet::at(URL, "acme").unwrap()),
        Box::new(PrefixDev::at(URL).unwrap()),
        Box::new(VsMarketplace::at(URL, "acme").unwrap()),
        Box::new(Jsr::at(URL, vec![upload]).unwrap()),
        Box::new(PubDev::at(URL).unwrap()),
    ]
}

fn of_packages() -> Vec<Box<dyn Diagnose>> {
    vec![
        Box::new(Npm::at(URL).unwrap()),
        Box::new(Packagist::at(URL, "acme".parse().unwrap()).unwrap()),
        Box::new(OpenVsx::at(URL).unwrap()),
    ]
}

fn token(audience: &str) -> String {
    let issuer = FakeIssuer::new("https://issuer.example");
    issuer.sign(&json!({ "iss": issuer.url(), "aud": audience, "iat": NOW, "exp": NOW + 300 }))
}

fn id_token(audience: &str) -> IdToken {
    IdToken::new(token(audience), Audience::new(audience).unwrap()).unwrap()
}

/// A job with a token for whatever registry, where everything that is asked is answered.
fn job(http: &FakeHttp) -> Context {
    let names = ["NPM_ID_TOKEN", "PYPI_ID_TOKEN", "CRATES_IO_ID_TOKEN", "RUBYGEMS_ORG_ID_TOKEN"];
    let text = token("npm:registry.example");
    let variables = names.map(|name| (name, text.as_str()));
    Context::default()
        .with_environment(Environment::from_iter(variables))
        .with_http(http.clone())
        .with_clock(ManualClock::at(NOW))
}

fn open() -> FakeHttp {
    FakeHttp::new()
        .on_request(|_| Some(Ok(Response::new(200, Vec::new(), r#"{"audience":"x","token":"t"}"#))))
}

/// Returns the error, which is the same from every entry point. Nothing was sent.
async fn refused(registry: &dyn Diagnose, scope: &Scope) -> ExchangeError {
    let http = open();
    let cx = job(&http);
    let identity = id_token("npm:registry.example");
    let request = || PublishRequest::new(scope.clone());
    let source = VariableSource::new(&cx, "NPM_ID_TOKEN");
    let of_publish = publish_token(registry, request(), &ProviderSet::default(), &cx).await.unwrap_err();
    let of_source = token_from(registry, &source, request(), &cx).await.unwrap_err();
    let report = Doctor::of(registry, scope.clone()).examine(&ProviderSet::default(), &cx).await;
    let error = registry.exchange(&ExchangeRequest::new(&identity, scope.clone()), &cx).await.unwrap_err();
    assert_eq!((of_publish.to_string(), of_source.to_string()), (error.to_string(), error.to_string()));
    assert!(matches!(of_publish, Failure::Exchange(_)), "{of_publish:?}");
    assert_eq!((report.verdict, report.diagnoses.len()), (Verdict::Refused, 1), "{}", report.to_text());
    assert_eq!(report.diagnoses[0].problem, error.diagnosis().problem);
    let kinds = [ExchangeErrorKind::Unsupported, ExchangeErrorKind::InvalidRequest];
    assert!(kinds.contains(error.kind()), "{error}");
    assert!(http.requests().is_empty(), "{registry:?}: nothing is sent for {scope}");
    error
}

#[tokio::test]
async fn a_registry_whose_tokens_are_for_the_identity_gives_none_for_a_package() {
    for registry in of_identity() {
        let error = refused(&*registry, &Scope::Package("widget".to_owned())).await;
        assert_eq!(error.diagnosis().code, "exchange-scope");
        assert!(error.to_string().contains("`widget`"), "{error}");
        assert_eq!(error.diagnosis().expected.as_deref(), Some("every package of the identity"));
        assert!(registry.check_scope(&Scope::Identity).is_ok(), "{registry:?}");
    }
}

#[tokio::test]
async fn a_registry_whose_tokens_are_for_a_package_gives_none_without_a_name() {
    for registry in of_packages() {
        let error = refused(&*registry, &Scope::Identity).await;
        assert_eq!(error.diagnosis().code, "exchange-scope");
        assert_eq!(error.diagnosis().expected.as_deref(), Some("one package, by its name"));
    }
}

#[tokio::test]
async fn a_scope_that_was_made_past_its_registrys_check_is_refused_all_the_same() {
    for registry in of_packages() {
        for name in ["", "../../evil", "a/b/c", "a%2f..", "a b", "a\r\nhost: evil.example", "@acme", "é.a/b"]
        {
            let error = refused(&*registry, &Scope::Package(name.to_owned())).await;
            assert_eq!(error.diagnosis().code, "exchange-package", "{name}");
            assert!(!error.to_string().contains(char::is_control), "{error}");
        }
    }
    assert!(Npm::scope("../evil").is_err());
    assert!(Packagist::scope("../evil").is_err());
    assert!(OpenVsx::scope("../evil").is_err());
}

/// Tokens for whatever audience is asked for.
fn source() -> Box<dyn TokenSource> {
    FakePlatform::new().source(&FakePlatform::job())
}

/// A platform that answers after 4 s, and uses the time of its own context.
#[derive(Debug)]
struct Slow(Context, ManualClock);

#[async_trait]
impl TokenSource for Slow {
    fn provider(&self) -> &str {
        "slow"
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let request = Request::get(HttpUrl::parse("https://platform.example/").unwrap());
        self.0.send(request).await.unwrap();
        self.1.advance(Duration::from_secs(4));
        Ok(id_token(audience.as_str()))
    }
}

#[tokio::test]
async fn a_source_shares_the_time_of_an_operation_that_it_was_made_with() {
    for (is_shared, times) in [(true, [7, 3]), (false, [10, 3])] {
        let (http, clock) = (open(), ManualClock::at(NOW));
        let policy = OperationPolicy::default().with_deadline(Duration::from_secs(10)).unwrap();
        let cx = job(&http).with_clock(clock.clone()).with_policy(policy);
        let begun = cx.operation();
        let source = Slow(if is_shared { begun.clone() } else { cx }, clock.clone());
        clock.advance(Duration::from_secs(3));
        let registry = CratesIo::at(URL).unwrap();
        token_from(&registry, &source, PublishRequest::identity(), &begun).await.unwrap();
        let given: Vec<u64> = http.requests().iter().map(|request| request.deadline.as_secs()).collect();
        assert_eq!(given, times, "{is_shared}");
    }
}

#[tokio::test]
async fn a_token_for_the_identity_gives_its_text_without_a_check() {
    let registry: Box<dyn Registry> = Box::new(CratesIo::at(URL).unwrap());
    let token = token_from(&*registry, &*source(), PublishRequest::identity(), &job(&open())).await.unwrap();
    assert_eq!((token.secret().expose(), token.scope()), ("t", &Scope::Identity));
    assert!(!format!("{token:?}").contains("\"t\""), "{token:?}");
    // A package's token is none for the identity, whoever asks.
    let of_package = PublishToken::new(Secret::new("hunter2"), Npm::scope("widget").unwrap(), None);
    let error = IdentityPublishToken::try_from(of_package).unwrap_err().to_string();
    assert!(error.contains("`widget`") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_boxed_registry_goes_to_another_task_and_ends_its_tokens() {
    let registry: Box<dyn Diagnose> = Box::new(CratesIo::at(URL).unwrap());
    let task = tokio::spawn(async move {
        let cx = job(&open());
        let token = token_from(&*registry, &*source(), PublishRequest::identity(), &cx).await.unwrap();
        registry.revoke(&token, &cx).await.unwrap()
    });
    assert!(task.await.unwrap());
}

/// A registry of a protocol of one's own, whose token is for `given` whatever it is asked for.
#[derive(Debug)]
struct Own {
    url: HttpUrl,
    given: Scope,
}

impl Own {
    fn giving(given: Scope) -> Self {
        Self { url: HttpUrl::parse(URL).unwrap(), given }
    }
}

#[async_trait]
impl Registry for Own {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        const { &Protocol::new().token_variables(&["OWN_ID_TOKEN"]) }
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        match scope {
            Scope::Package(_) => Ok(()),
            _ => Err(ExchangeError::unsupported_scope(&self.url, scope, "one package")),
        }
    }

    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        Ok(Audience::new("own").unwrap())
    }

    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        _: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        self.check_scope(&request.scope)?;
        Ok(PublishToken::new(Secret::new("hunter2"), self.given.clone(), None))
    }
}

/// All that a diagnosis needs has a default.
impl Diagnose for Own {}

#[tokio::test]
async fn a_token_for_another_scope_than_was_asked_for_is_no_answer() {
    let scope = |name: &str| Scope::Package(name.to_owned());
    let own = Own::giving(scope("widget"));
    let cx = job(&open());
    let asked = PublishRequest::new(scope("widget"));
    assert!(token_from(&own, &*source(), asked, &cx).await.is_ok());
    let asked = PublishRequest::new(scope("gadget"));
    let Err(Failure::Exchange(error)) = token_from(&own, &*source(), asked, &cx).await else {
        panic!("a token for another package")
    };
    assert_eq!(error.kind(), &ExchangeErrorKind::InvalidAnswer);
    let text = error.to_string();
    assert!(text.contains("`widget`") && text.contains("`gadget`") && !text.contains("hunter2"), "{text}");
    refused(&own, &Scope::Identity).await;
}

#[tokio::test]
async fn a_registry_of_ones_own_is_diagnosed_by_the_defaults() {
    let own = Own::giving(Scope::Package("widget".to_owned()));
    let text = token("own");
    let cx = job(&open()).with_environment(Environment::from_iter([("OWN_ID_TOKEN", text.as_str())]));
    let doctor = Doctor::of(&own, own.given.clone()).exchanging_always();
    let report = doctor.examine(&ProviderSet::default(), &cx).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{}", report.to_text());
    assert_eq!(report.package.as_deref(), Some("widget"));
}
