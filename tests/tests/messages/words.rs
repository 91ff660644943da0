//! What no report of a failed publish comes to, and is said all the same: broken tokens, requests that are none, stores and
//! registries that fail.
#![allow(dead_code, missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Full};
use oidc_core::http::{CertificateFault, HttpErrorKind, ProxyFault, Response, Step};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock, NotRandom};
use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{
    Audience, Certified, Claims, Clock, Context, Diagnosis, IdToken, Identity, Provider as _, Publisher as _,
    PublisherField, Secret, TablePublisher, Timestamp, TokenSource as _, Unverified, VariableSource,
};
use oidc_exchange::client::doctor::{Doctor, Verdict};
use oidc_exchange::client::{self, CratesIo, Npm, Pep807, PublishToken, Pypi, Registry, RubyGems, Scope};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{
    self, Candidates, Exchange, ExchangeRequest, Grant, Package, PackageOwner, PackageOwners,
    PublisherRecord, PublisherStore, Redeemed, Room, StoreError, TokenHash, TokenRecord, TokenStore,
    TrustStore as _,
};
use oidc_providers::Google;
use oidc_providers::sample::Overrides;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use trusted_publish::wording;

use tests::world::{AUDIENCE, NOW, PACKAGE, REGISTRY};

/// The issuer of the platform that the registry trusts.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Everything, in the form of the file of messages.
pub async fn all() -> String {
    let mut text = String::new();
    for (what, token) in broken_tokens() {
        let error = registry(MemoryStore::for_tests()).await.exchange(&token, &request()).await.unwrap_err();
        add(&mut text, what, &error.diagnosis(), &error.to_string());
    }
    for (what, diagnosis, message) in failing_registries().await {
        add(&mut text, what, &diagnosis, &message);
    }
    for (what, diagnosis) in failing_clients().await {
        add(&mut text, what, &diagnosis, &diagnosis.to_string());
    }
    let unsupported = unsupported_certificate();
    add(
        &mut text,
        "a certificate of a platform without a comparison",
        &unsupported,
        &unsupported.to_string(),
    );
    for (what, diagnosis) in [
        ("a claim that differs from a table's field", other_claim()),
        ("a publisher for a prefix that is not allowed any more", prefix_that_ended().await),
    ] {
        add(&mut text, what, &diagnosis, &diagnosis.to_string());
    }
    text + &requests().await
}

/// The refusal of a signing certificate by a publisher whose platform has no comparison for it.
fn unsupported_certificate() -> Diagnosis {
    let publisher = Google::public().publisher(&json!({ "email": "ci@acme.example" })).unwrap();
    let claims = Certified::assertion(Claims::parse("{}").unwrap());
    publisher.check_certified(&claims).unwrap_err().diagnosis().clone()
}

fn add(text: &mut String, what: &str, diagnosis: &Diagnosis, message: &str) {
    write!(text, "=== {what} [{}]\n{message}\n\n", diagnosis.code).unwrap();
}

fn request() -> ExchangeRequest {
    ExchangeRequest::package("npm", PACKAGE)
}

fn issuer() -> FakeIssuer {
    FakeIssuer::new(ISSUER)
}

fn claims(changes: &[(&str, Option<Value>)]) -> Value {
    let overrides: Overrides =
        changes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    oidc_providers::github::sample::claims_with(ISSUER, AUDIENCE, NOW, "00000000-0000", &overrides)
}

fn broken_tokens() -> Vec<(&'static str, String)> {
    let issuer = issuer();
    let with = |changes: &[(&str, Option<Value>)]| issuer.sign(&claims(changes));
    let under = |change: Value| {
        let mut header = json!({ "alg": "RS256", "typ": "JWT", "kid": issuer.kid() });
        for (name, value) in change.as_object().unwrap() {
            header[name] = value.clone();
        }
        header.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        issuer.sign_as(&header, &claims(&[]))
    };
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": issuer.kid() }).to_string();
    vec![
        ("a token that is too large", "x".repeat(100_000)),
        ("a text that is no token", "hunter2".to_owned()),
        ("a header that is no object", issuer.sign_bytes(b"[]", b"{}")),
        ("an algorithm that the platform does not use", under(json!({ "alg": "ES256" }))),
        ("a header without a key", under(json!({ "kid": null }))),
        ("a header that demands an extension", under(json!({ "crit": ["exp"] }))),
        ("a header of something else", under(json!({ "typ": "at+jwt" }))),
        ("claims twice", issuer.sign_bytes(header.as_bytes(), br#"{"iss":"a","iss":"b"}"#)),
        ("another issuer", with(&[("iss", Some(json!("https://evil.example")))])),
        ("another audience", with(&[("aud", Some(json!("npm:other.example")))])),
        ("an audience among others", with(&[("aud", Some(json!([AUDIENCE, "npm:other.example"])))])),
        (
            "a token that has ended",
            with(&[("iat", Some(json!(NOW - 700))), ("nbf", None), ("exp", Some(json!(NOW - 400)))]),
        ),
        (
            "a token that has not begun",
            with(&[("iat", Some(json!(NOW + 400))), ("nbf", None), ("exp", Some(json!(NOW + 700)))]),
        ),
        ("a token that lives too long", with(&[("exp", Some(json!(NOW + 86_400)))])),
        ("a key that is not published", issuer.sign_unpublished(&claims(&[]))),
        ("a forged signature", issuer.sign_impostor(&claims(&[]))),
        ("a token without a repository", with(&[("repository", None)])),
        ("a token without its own id", with(&[("jti", Some(json!("")))])),
    ]
}

/// The messages of a platform whose publishers are compared by its table of fields alone.
fn other_claim() -> Diagnosis {
    const FIELDS: &[PublisherField] = &[
        PublisherField::required("project", "Project").found_by().example("acme/widget"),
        PublisherField::optional("stage", "Stage").example("release"),
    ];
    let config = json!({ "project": "acme/widget", "stage": "release" });
    let publisher = TablePublisher::new(FIELDS, "https://forge.example", &config).unwrap();
    let token = json!({ "iss": "https://forge.example", "project": "acme/widget", "stage": "test" });
    let claims = Unverified::new(Claims::parse(token.to_string()).unwrap());
    publisher.explain(&claims).unwrap().diagnosis().clone()
}

/// The messages of a registry with publishers for prefixes, which its operator has ended.
async fn prefix_that_ended() -> Diagnosis {
    let memory = MemoryStore::for_tests();
    let provider = oidc_providers::public("github").unwrap();
    let config = json!({ "repository": "acme/widget", "workflow": "prefix.yml" });
    let identity = provider.publisher(&config).unwrap().identity();
    let (package, created) = (Package::prefix("npm", "@acme/").unwrap(), Timestamp::from_secs(NOW));
    let record = PublisherRecord::new("prefix".to_owned(), package, "github", identity, config, created);
    memory.add(&record, &Room::default()).await.unwrap();
    let exchange = registry(memory.clone()).await;
    let verifier = exchange.verifier().clone();
    let exchange = Exchange::builder(verifier, memory).package_owners(Everywhere).build();
    let workflow = json!("acme/widget/.github/workflows/prefix.yml@refs/tags/v1.0.0");
    let token = issuer().sign(&claims(&[("workflow_ref", Some(workflow))]));
    let request = ExchangeRequest::identity("npm");
    exchange.exchange(&token, &request).await.unwrap_err().diagnosis()
}

/// A registry whose packages all belong to its operator.
#[derive(Debug)]
struct Everywhere;

#[async_trait]
impl PackageOwners for Everywhere {
    async fn owners(&self, _package: &Package) -> Result<Vec<PackageOwner>, StoreError> {
        Ok(vec![PackageOwner::Operator])
    }
}

/// A registry that trusts the sample's repository, and reaches its platform.
async fn registry(memory: MemoryStore) -> Exchange {
    registry_of(Stubborn { memory, redeemed: None }, ManualClock::at(NOW)).await
}

async fn registry_of(store: Stubborn, clock: impl Clock + 'static) -> Exchange {
    registry_with(FakeHttp::of_issuer(Arc::new(issuer())), store, clock).await
}

/// The answers of an issuer with two keys of the name `2026-11`.
fn listing_twice() -> FakeHttp {
    let (issuer, answer) = (issuer(), |document: Value| Response::new(200, Vec::new(), document.to_string()));
    let mut key = issuer.jwks()["keys"][0].clone();
    key["kid"] = json!("2026-11");
    let keys = answer(json!({ "keys": [key, key] }));
    FakeHttp::new().on("GET", issuer.discovery_uri(), answer(issuer.discovery())).on(
        "GET",
        issuer.jwks_uri(),
        keys,
    )
}

async fn registry_with(http: FakeHttp, store: Stubborn, clock: impl Clock + 'static) -> Exchange {
    let cx = Context::default().with_http(http).with_clock(clock).with_random(NotRandom(7));
    let provider = oidc_providers::public("github").unwrap();
    let config = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
    let identity = provider.publisher(&config).unwrap().identity();
    let package = Package::new("npm", PACKAGE);
    let created = Timestamp::from_secs(NOW);
    let record = PublisherRecord::new("publisher".to_owned(), package, "github", identity, config, created);
    store.memory.add(&record, &Room::default()).await.unwrap();
    let verifier =
        Verifier::new(AwsLc, [Audience::new(AUDIENCE).unwrap()], &oidc_providers::all(), &cx).unwrap();
    Exchange::builder(verifier, store).build()
}

async fn failing_registries() -> Vec<(&'static str, Diagnosis, String)> {
    let token = issuer().sign(&claims(&[]));
    let stubborn = |redeemed| Stubborn { memory: MemoryStore::for_tests(), redeemed: Some(redeemed) };
    let clock = || ManualClock::at(NOW);
    let plain = || Stubborn { memory: MemoryStore::for_tests(), redeemed: None };
    let of_issuer = async |http| registry_with(http, plain(), ManualClock::at(NOW)).await;
    let cases = [
        ("an issuer that can't be reached", of_issuer(FakeHttp::new()).await),
        ("a token that was used", registry_of(stubborn(Some(Redeemed::AlreadyUsed)), clock()).await),
        (
            "a publisher that changes meanwhile",
            registry_of(stubborn(Some(Redeemed::Superseded)), clock()).await,
        ),
        ("a store that fails", registry_of(stubborn(None), clock()).await),
        ("a token that ends meanwhile", registry_of(plain(), Hurried::default()).await),
    ];
    let mut said = Vec::new();
    for (what, exchange) in cases {
        let refusal = exchange.exchange(&token, &request()).await.unwrap_err();
        said.push((what, refusal.diagnosis(), refusal.to_string()));
    }
    let twice = issuer().sign_as(&json!({ "alg": "RS256", "kid": "2026-11" }), &claims(&[]));
    let refusal = of_issuer(listing_twice()).await.exchange(&twice, &request()).await.unwrap_err();
    said.push(("an issuer with two keys of one name", refusal.diagnosis(), refusal.to_string()));
    said
}

fn certificate(fault: CertificateFault) -> HttpErrorKind {
    HttpErrorKind::Certificate { host: "registry.example".to_owned(), fault }
}

async fn failing_clients() -> Vec<(&'static str, Diagnosis)> {
    let url = format!("{REGISTRY}-/npm/v1/oidc/token/exchange/package/@acme%2fwidget");
    let token = IdToken::new(issuer().sign(&claims(&[])), Audience::new(AUDIENCE).unwrap()).unwrap();
    let mut said = Vec::new();
    for (what, kind) in [
        ("nobody is there", HttpErrorKind::Connect("connection refused".to_owned())),
        ("no answer in time", HttpErrorKind::Timeout { step: Step::Answer, after: Duration::from_secs(30) }),
        ("an answer without an end", HttpErrorKind::TooLarge(65_536)),
        (
            "a request that can't be sent",
            HttpErrorKind::Request("header `x` has an invalid value".to_owned()),
        ),
        (
            "a proxy that lets nothing through",
            HttpErrorKind::Proxy(ProxyFault::Refused { status: 403, message: Some("Forbidden".to_owned()) }),
        ),
        (
            "a proxy that wants credentials",
            HttpErrorKind::Proxy(ProxyFault::Refused { status: 407, message: None }),
        ),
        ("a proxy that is not there", HttpErrorKind::Proxy(ProxyFault::Unreachable("refused".to_owned()))),
        ("a proxy that says nothing", HttpErrorKind::Proxy(ProxyFault::Timeout(Duration::from_secs(30)))),
        (
            "a certificate of an unknown issuer",
            certificate(CertificateFault::UnknownIssuer(Some("CN=Acme".to_owned()))),
        ),
        ("a certificate that has expired", certificate(CertificateFault::Expired)),
        ("a certificate of another host", certificate(CertificateFault::OtherHost)),
        ("a certificate of an authority itself", certificate(CertificateFault::Authority)),
        ("a connection that breaks", HttpErrorKind::Broken("connection reset".to_owned())),
        ("https at a port of http", HttpErrorKind::NotTls),
        ("http at a port of https", HttpErrorKind::NotHttp),
    ] {
        let cx = Context::default().with_http(FakeHttp::new().fail("POST", url.as_str(), kind));
        let asked = Npm::at(REGISTRY)
            .unwrap()
            .exchange(&client::ExchangeRequest::new(&token, Npm::scope(PACKAGE).unwrap()), &cx)
            .await;
        said.push((what, asked.unwrap_err().diagnosis().clone()));
    }
    for (what, status, body) in [
        ("an index that takes no trusted publishes", 403, "{}"),
        ("an index that knows none", 404, "{}"),
        ("an index that is out of order", 503, "try later"),
        ("an index that tells no audience", 200, "{}"),
        ("an index that is a web page", 200, "<!DOCTYPE html><p>Sign in"),
        ("an index that asks for a token for a cloud", 200, r#"{"audience":"sts.amazonaws.com"}"#),
        ("an index that asks for a token for Sigstore", 200, r#"{"audience":"sigstore"}"#),
        ("an index that asks for a token for PyPI", 200, r#"{"audience":"pypi"}"#),
        (
            "an index that asks for a token for an organization",
            200,
            r#"{"audience":"11111111-1111-4111-8111-111111111111"}"#,
        ),
    ] {
        let audience = "https://index.example/_/oidc/audience";
        let http = FakeHttp::new().on("GET", audience, Response::new(status, Vec::new(), body));
        let asked = Pypi::at("https://index.example/legacy/").unwrap();
        let asked = asked.audience(&Context::default().with_http(http)).await;
        said.push((what, asked.unwrap_err().diagnosis().clone()));
    }
    let elsewhere = "https://index.example@evil.example/mint";
    let foreign = json!({ "audience-endpoint": elsewhere, "token-mint-endpoint": elsewhere }).to_string();
    for (what, status, body) in [
        ("an index that leads to somebody else", 200, &*foreign),
        ("an index whose discovery is out of order", 503, "try later"),
        ("an index whose discovery is not for everybody", 401, "{}"),
        ("an index whose discovery tells nothing", 200, "{}"),
    ] {
        let discovery = "https://index.example/.well-known/pytp";
        let http = FakeHttp::new().on("GET", discovery, Response::new(status, Vec::new(), body));
        let asked = Pep807::at("https://index.example/legacy/").unwrap();
        let asked = asked.audience(&Context::default().with_http(http)).await;
        said.push((what, asked.unwrap_err().diagnosis().clone()));
    }
    let tokens = "https://crates.example/api/v1/trusted_publishing/tokens";
    let http = FakeHttp::new().on("DELETE", tokens, Response::new(500, Vec::new(), "out of order"));
    let publish = PublishToken::new(Secret::new("hunter2"), Scope::Identity, None);
    let ended = CratesIo::at("https://crates.example").unwrap();
    let ended = ended.revoke(&publish, &Context::default().with_http(http)).await;
    said.push(("a token that is not ended", ended.unwrap_err().diagnosis().clone()));
    for (what, registry, scope) in [
        (
            "a package at a registry whose tokens are for all",
            &CratesIo::at("https://crates.example").unwrap() as &dyn Registry,
            Npm::scope(PACKAGE).unwrap(),
        ),
        ("no package at a registry whose tokens are for one", &Npm::at(REGISTRY).unwrap(), Scope::Identity),
        (
            "a package whose name is none",
            &Npm::at(REGISTRY).unwrap(),
            Scope::Package("@acme/../evil".to_owned()),
        ),
    ] {
        said.push((what, registry.check_scope(&scope).unwrap_err().diagnosis().clone()));
    }
    let missing = VariableSource::new(&Context::default(), "NPM_ID_TOKEN");
    let missing = missing.token(&Audience::new(AUDIENCE).unwrap()).await.unwrap_err();
    said.push(("a variable that is not set", missing.diagnosis().clone()));
    said.push(("a token for another package than the one that is named", other_package().await));
    said
}

/// The doctor's report where a registry's answer names another gem.
async fn other_package() -> Diagnosis {
    let granted = json!({ "rubygems_api_key": "hunter2", "gem": { "name": "widget" } }).to_string();
    let http = FakeHttp::new().on("GET", "https://gems.example/", Response::new(200, Vec::new(), "{}")).on(
        "POST",
        "https://gems.example/api/v1/oidc/trusted_publisher/exchange_token",
        Response::new(201, Vec::new(), granted),
    );
    let claims = json!({ "iss": ISSUER, "aud": "gems.example", "iat": NOW, "exp": NOW + 300 });
    let job = [("RUBYGEMS_ORG_ID_TOKEN", issuer().sign(&claims))];
    let job = job.iter().map(|(name, token)| (*name, token.as_str()));
    let clock = ManualClock::at(NOW);
    let cx = Context::default().with_environment(job.collect()).with_http(http).with_clock(clock);
    let registry = RubyGems::at("https://gems.example/").unwrap();
    let of = |name: &str| {
        Doctor::of(&registry, Scope::Identity).naming(name).exchanging_always().wording(wording())
    };
    let fits = of("widget").examine(&oidc_providers::all(), &cx).await;
    assert_eq!(fits.verdict, Verdict::Accepted, "{}", fits.to_text());
    let report = of("gadget").examine(&oidc_providers::all(), &cx).await;
    assert_eq!(report.verdict, Verdict::Refused, "{}", report.to_text());
    report.diagnoses.into_iter().find(|one| one.code == "package-not-granted").unwrap()
}

/// Requests that are none of a protocol's, and what is answered.
async fn requests() -> String {
    let exchange = registry(MemoryStore::for_tests()).await;
    let npm = "/-/npm/v1/oidc/token/exchange";
    let mut text = String::new();
    for (method, path, bearer, body) in [
        ("POST", format!("{npm}/package/@acme%2fwidget"), None, ""),
        ("POST", format!("{npm}/package/@acme%2fwidget"), Some("Basic aHVudGVyMg=="), ""),
        ("POST", format!("{npm}/package/@acme%2fwidget"), Some("Bearer XXXXX-XXXXX-XXXXX-XXXXX"), ""),
        ("POST", format!("{npm}/package/@acme"), Some("Bearer x"), ""),
        ("GET", format!("{npm}/package/@acme%2fwidget"), None, ""),
        ("POST", "/-/npm/v1/oidc/elsewhere".to_owned(), None, ""),
        ("POST", npm.to_owned(), None, "hunter2"),
        ("POST", npm.to_owned(), None, r#"{"package_name":"@acme/widget","id_token":""}"#),
    ] {
        let said = answer(server::npm(exchange.clone()), method, &path, bearer, body).await;
        write!(text, "=== {method} {path} {}\n{said}\n\n", body.replace("hunter2", "…")).unwrap();
    }
    for (path, body) in [
        ("/_/oidc/mint-token", "hunter2"),
        ("/_/oidc/mint-token", r#"{"token":""}"#),
        ("/_/oidc/mint-token", r#"{"token":"hunter2"}"#),
        ("/_/oidc/elsewhere", ""),
    ] {
        let said = answer(server::pypi(exchange.clone()), "POST", path, None, body).await;
        write!(text, "=== POST {path} {}\n{said}\n\n", body.replace("hunter2", "…")).unwrap();
    }
    let said =
        answer(server::pypi(exchange.clone()).switched_off(), "POST", "/_/oidc/mint-token", None, "{}").await;
    write!(text, "=== POST /_/oidc/mint-token, switched off\n{said}\n\n").unwrap();
    for (method, bearer, body) in [
        ("POST", None, "hunter2"),
        ("POST", None, r#"{"jwt":"hunter2"}"#),
        ("DELETE", Some("Bearer hunter2"), ""),
        ("GET", None, ""),
    ] {
        let path = "/api/v1/trusted_publishing/tokens";
        let said = answer(server::crates_io(exchange.clone()), method, path, bearer, body).await;
        write!(text, "=== {method} {path} {}\n{said}\n\n", body.replace("hunter2", "…")).unwrap();
    }
    let path = "/api/v1/oidc/trusted_publisher/exchange_token";
    let said = answer(server::rubygems(exchange), "POST", path, None, r#"{"jwt":"hunter2"}"#).await;
    write!(text, "=== POST {path}\n{said}\n").unwrap();
    text
}

async fn answer<S>(endpoint: S, method: &str, path: &str, bearer: Option<&str>, body: &str) -> String
where
    S: tower::Service<
            http::Request<Full<axum::body::Bytes>>,
            Response = http::Response<server::AnswerBody>,
            Error = std::convert::Infallible,
        >,
{
    let mut request = http::Request::builder().method(method).uri(path);
    if let Some(bearer) = bearer {
        request = request.header("authorization", bearer);
    }
    request = request.header("content-type", "application/json");
    let request = request.body(Full::new(axum::body::Bytes::from(body.to_owned()))).unwrap();
    let Ok(answer) = endpoint.oneshot(request).await;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let code = body["diagnosis"]["code"].as_str().map_or_else(String::new, |code| format!(" [{code}]"));
    let mut body = body;
    if let Some(members) = body.as_object_mut() {
        members.remove("diagnosis");
    }
    format!("{status}{code} {body}")
}

/// A store whose redeeming comes to what a test wants: `Some(None)` for a failure, `None` for what comes of it.
#[derive(Debug)]
struct Stubborn {
    memory: MemoryStore,
    redeemed: Option<Option<Redeemed>>,
}

#[async_trait]
impl PublisherStore for Stubborn {
    async fn candidates(
        &self,
        identities: &[Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Candidates, StoreError> {
        self.memory.candidates(identities, ecosystem, package).await
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        match &self.redeemed {
            Some(Some(redeemed)) => Ok(redeemed.clone()),
            Some(None) => Err(StoreError::new("the disk is full")),
            None => self.memory.redeem(grant).await,
        }
    }
}

#[async_trait]
impl TokenStore for Stubborn {
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        self.memory.find(token, now).await
    }

    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError> {
        self.memory.revoke(token).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.memory.purge(now, limit).await
    }
}

/// A clock on which three minutes pass between two looks.
#[derive(Debug, Default)]
struct Hurried(AtomicU64);

#[async_trait]
impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(NOW + 180 * self.0.fetch_add(1, Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _duration: Duration) {
        std::future::pending::<()>().await;
    }
}
