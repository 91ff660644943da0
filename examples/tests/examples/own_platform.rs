//! The example of a CI platform of one's own goes all the way: detection, identity token, exchange, refusals.

#[allow(dead_code)]
#[path = "../../examples/own_platform.rs"]
mod example;

use std::sync::Arc;

use axum::Router;
use example::Forge;
use oidc_core::http::{HttpSettings, Response};
use oidc_core::testing::conformance::{self, Harness, Job};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{Ambient, Audience, Context, Environment, Provider, ProviderSet, SourceErrorKind};
use oidc_exchange::client::{ExchangeErrorKind, Failure, Npm, PublishRequest, PublishToken};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{self, Exchange, Package, Trust};
use serde_json::{Value, json};

use super::world::{NOW, Network};

const ISSUER: &str = "https://forge.example";
const REGISTRY: &str = "https://registry.example/npm/";

fn providers() -> ProviderSet {
    ProviderSet::default().with(Forge::at(ISSUER).unwrap())
}

/// The claims of a job of Forge.
fn claims(audience: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": audience, "iat": NOW, "exp": NOW + 300, "jti": FakeIssuer::unique_id(),
        "project": "acme/widget", "project_uid": "u-1", "pipeline": "release", "stage": "publish",
    })
}

/// A job of Forge with these claims beside the usual ones, and the registry that it would publish to.
struct World {
    exchange: Exchange,
    trust: Trust,
    issuer: Arc<FakeIssuer>,
}

impl World {
    async fn start() -> Self {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        let cx = Context::system_with(Environment::default(), HttpSettings::default()).unwrap();
        let cx = cx.with_clock(ManualClock::at(NOW)).with_http(FakeHttp::of_issuer(Arc::clone(&issuer)));
        let audience = Audience::new("npm:registry.example").unwrap();
        let verifier = Verifier::new(AwsLc, [audience], &providers(), &cx).unwrap();
        let store = MemoryStore::for_tests();
        let trust = Trust::new(providers(), store.clone(), &cx);
        let world = Self { exchange: Exchange::builder(verifier, store).build(), trust, issuer };
        world.configure(json!({ "project": "acme/widget", "pipeline": "release" })).await.unwrap();
        world
    }

    async fn configure(&self, config: Value) -> Result<(), String> {
        let package = Package::new("npm", "widget");
        let publisher =
            self.trust.prepare(package, "forge", None, config).map_err(|error| error.to_string())?;
        self.trust.add(&publisher).await.map(|_| ()).map_err(|error| error.to_string())
    }

    fn job(&self, changes: &[(&str, Value)]) -> Context {
        let changes: Vec<_> =
            changes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let issuer = Arc::clone(&self.issuer);
        let platform = FakeHttp::new().on_request(move |request| {
            let (_, audience) = request.url.as_str().split_once("?for=")?;
            let mut claims = claims(&audience.replace("%3A", ":"));
            for (name, value) in &changes {
                claims[name] = value.clone();
            }
            Some(Ok(Response::new(200, Vec::new(), issuer.sign(&claims))))
        });
        let variables = [
            ("FORGE_CI", "true"),
            ("FORGE_TOKEN_URL", "https://forge.example/token"),
            ("FORGE_TOKEN_KEY", "k"),
        ];
        let registry = Router::new().fallback_service(server::npm(self.exchange.clone()));
        Context::default()
            .with_clock(ManualClock::at(NOW))
            .with_environment(Environment::from_iter(variables))
            .with_http(Network::new(REGISTRY, registry, platform))
    }

    /// The status and the message of a refused publish.
    async fn refused(&self, package: &str, changes: &[(&str, Value)]) -> (u16, String) {
        let failure = publish(package, &self.job(changes)).await.unwrap_err();
        let Failure::Exchange(error) = failure else { panic!("{failure}") };
        match error.kind() {
            ExchangeErrorKind::Rejected { status, message } => (*status, message.clone().unwrap()),
            other => panic!("{other:?}"),
        }
    }
}

async fn publish(package: &str, job: &Context) -> Result<PublishToken, Failure> {
    let registry = Npm::at(REGISTRY).unwrap();
    let request = PublishRequest::new(Npm::scope(package).unwrap());
    oidc_exchange::publish_token(&registry, request, &providers(), job).await
}

/// The platform under the suite that every platform has to pass.
struct Suite;

impl Harness for Suite {
    fn provider(&self, issuer: &str) -> Arc<dyn Provider> {
        Arc::new(Forge::at(issuer).unwrap())
    }

    fn claims(&self, issuer: &str, audience: &str, now: u64) -> Value {
        let mut claims = claims(audience);
        (claims["iss"], claims["iat"], claims["exp"]) = (json!(issuer), json!(now), json!(now + 300));
        claims
    }

    fn jobs(&self) -> Vec<Job> {
        let platform = FakeHttp::new().on_request(|request| {
            let (_, audience) = request.url.as_str().split_once("?for=")?;
            Some(Ok(Response::new(200, Vec::new(), conformance::token(&audience.replace("%3A", ":")))))
        });
        let world = Context::default().with_http(platform);
        let url = ("FORGE_TOKEN_URL", "https://forge.example/token");
        vec![
            Job::permitted("a job", [("FORGE_CI", "true"), url, ("FORGE_TOKEN_KEY", "secret-key")])
                .in_world(world)
                .with_secret("secret-key"),
            Job::unpermitted("a job without `identity: true`", [("FORGE_CI", "true")]),
            Job::elsewhere("a machine with Forge's runner", [url]),
        ]
    }
}

#[tokio::test]
async fn the_platform_conforms() {
    conformance::all(&Suite).await;
}

#[tokio::test]
async fn a_job_of_a_platform_from_outside_gets_a_publish_token() {
    let world = World::start().await;
    let job = world.job(&[]);
    let source = Ambient::detect(&providers(), &job).unwrap();
    assert_eq!((source.provider(), source.is_renewable()), ("forge", true));
    for _ in 0..2 {
        let token = publish("widget", &job).await.unwrap();
        let secret = token.secret_for(&Npm::scope("widget").unwrap()).unwrap();
        let record = world.exchange.find(secret.expose()).await.unwrap().unwrap();
        assert_eq!((record.provider.as_str(), record.issuer.as_str()), ("forge", ISSUER));
        assert_eq!(record.run.repository.as_deref(), Some("acme/widget"));
    }
}

#[tokio::test]
async fn its_publisher_refuses_and_says_what_differed() {
    let world = World::start().await;
    for (package, changes, status, words) in [
        ("widget", vec![("pipeline", json!("nightly"))], 403, ["`pipeline`", "`nightly`", "`release`"]),
        (
            "widget",
            vec![("project", json!("evil/widget"))],
            404,
            ["no trusted publisher", "`evil/widget`", "`widget`"],
        ),
        ("gadget", vec![], 404, ["no trusted publisher", "`acme/widget`", "`gadget`"]),
        ("widget", vec![("project_uid", json!(null))], 401, ["`project_uid`", "missing", "token"]),
        ("widget", vec![("project", json!(7))], 401, ["`project`", "is 7", "can't be"]),
        ("widget", vec![("exp", json!(NOW - 60))], 401, ["expired", "`exp`", "60 seconds ago"]),
        ("widget", vec![("exp", json!(NOW + 7200))], 401, ["longer", "60 minutes", "its issuer"]),
        (
            "widget",
            vec![("iss", json!("https://evil.example"))],
            401,
            ["`iss`", "`https://evil.example`", "trusts"],
        ),
    ] {
        let (found, message) = world.refused(package, &changes).await;
        assert_eq!(found, status, "{message}");
        words.iter().for_each(|word| assert!(message.contains(word), "{word}: {message}"));
    }
}

#[tokio::test]
async fn its_immutable_id_is_learned_and_its_token_is_used_once() {
    let world = World::start().await;
    let job = world.job(&[("jti", json!("always-the-same"))]);
    publish("widget", &job).await.unwrap();
    let (status, message) = world.refused("widget", &[("jti", json!("always-the-same"))]).await;
    assert!(status == 401 && message.contains("already used"), "{message}");
    let (status, message) = world.refused("widget", &[("project_uid", json!("u-2"))]).await;
    assert!(
        status == 404 && message.starts_with("no trusted publisher") && !message.contains("u-1"),
        "{message}"
    );
}

#[tokio::test]
async fn its_configuration_and_its_permission_are_checked() {
    let world = World::start().await;
    let error = world.configure(json!({ "project": "acme/widget", "pipe_line": "x" })).await.unwrap_err();
    assert!(error.contains("pipe_line"), "{error}");

    let detect = |variables: &[(&str, &str)]| {
        let cx = Context::default().with_environment(Environment::from_iter(variables.iter().copied()));
        Ambient::detect(&providers(), &cx).unwrap_err()
    };
    let error = detect(&[("FORGE_CI", "true"), ("FORGE_TOKEN_URL", "")]);
    assert_eq!(error.kind(), SourceErrorKind::NotPermitted);
    assert!(error.to_string().contains("identity: true"));
    let error = detect(&[]);
    assert_eq!(error.kind(), SourceErrorKind::NotDetected);
    assert!(error.to_string().contains("forge"));
}

#[test]
fn the_platform_knows_no_crate_of_the_workspace_but_the_core() {
    let source = include_str!("../../examples/own_platform.rs");
    assert!(source.contains("use oidc_core::"));
    let other = ["exchange", "providers"].map(|name| format!("oidc_{name}"));
    assert!(other.iter().all(|name| !source.contains(name)));
}
