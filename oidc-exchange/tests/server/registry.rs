//! A registry in memory: a fake CI platform, the exchange, npm's endpoint.
#![allow(unreachable_pub)]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use oidc_core::testing::{FakeHttp, FakeIssuer, FakePlatform, ManualClock};
use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{Audience, Clock, Context, ProviderSet, Random, RandomError};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{
    Event, EventSink, Exchange, MintPolicy, Package, PublisherRecord, Trust, TrustPolicy, npm,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub const ISSUER: &str = FakePlatform::ISSUER;
pub const AUDIENCE: &str = "npm:registry.example";
pub const NOW: u64 = 1_700_000_000;

pub fn package(name: &str) -> Package {
    Package::new("npm", name)
}

/// Randomness of the machine.
#[derive(Debug)]
struct Fresh;

impl Random for Fresh {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        for chunk in buffer.chunks_mut(32) {
            chunk.copy_from_slice(&FakeIssuer::unique_id().replace('-', "").as_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Remembers events.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Vec<Event>>>);

impl EventSink for Memory {
    fn record(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Memory {
    /// The next event, which may be recorded after the caller was answered.
    pub async fn next(&self) -> Event {
        for _ in 0..1000 {
            if let Some(event) = self.0.lock().unwrap().pop() {
                return event;
            }
            tokio::task::yield_now().await;
        }
        panic!("no event");
    }

    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A verifier of the fake platform's tokens.
pub fn verifier(http: FakeHttp, clock: &(impl Clock + Clone + 'static)) -> (Verifier, ProviderSet) {
    let cx = Context::default().with_clock(clock.clone()).with_http(http).with_random(Fresh);
    let providers = ProviderSet::default().with(FakePlatform::new());
    (Verifier::new(AwsLc, [Audience::new(AUDIENCE).unwrap()], &providers, &cx).unwrap(), providers)
}

/// The claims of a job that may publish `@acme/widget`, with changes.
pub fn claims(now: u64, changes: &Value) -> Value {
    let platform = ["sub", "actor_id", "environment", "ref"].into_iter();
    let platform = platform.fold(FakePlatform::new(), FakePlatform::without_claim);
    let mut claims = platform.with_claim("exp", now + 300).claims(AUDIENCE, now);
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims
}

pub struct Registry {
    pub issuer: Arc<FakeIssuer>,
    pub clock: ManualClock,
    pub store: MemoryStore,
    pub exchange: Exchange,
    pub trust: Trust,
    pub events: Memory,
}

impl Registry {
    /// A registry whose package `@acme/widget` trusts the workflow `publish.yml` of `acme/widget`.
    pub async fn new() -> Self {
        Self::with(MintPolicy::default(), TrustPolicy::default()).await
    }

    pub async fn with(mint: MintPolicy, policy: TrustPolicy) -> Self {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        Self::over(FakeHttp::of_issuer(Arc::clone(&issuer)), issuer, mint, policy).await
    }

    /// A registry that can't reach the issuer.
    pub async fn unreachable() -> Self {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        Self::over(FakeHttp::new(), issuer, MintPolicy::default(), TrustPolicy::default()).await
    }

    async fn over(http: FakeHttp, issuer: Arc<FakeIssuer>, mint: MintPolicy, policy: TrustPolicy) -> Self {
        let clock = ManualClock::at(NOW);
        let (verifier, providers) = verifier(http, &clock);
        let (store, events) = (MemoryStore::for_tests(), Memory::default());
        let trust = Trust::new(providers, store.clone(), verifier.context());
        let exchange = Exchange::builder(verifier, store.clone())
            .mint_policy(mint)
            .trust_policy(policy)
            .issuer_hint(|issuer| format!("trust `{issuer}` in the settings"))
            .sink(events.clone())
            .build();
        let registry = Self { issuer, clock, store, exchange, trust, events };
        registry.trusts("@acme/widget", "acme/widget", false).await;
        registry
    }

    /// Lets the workflow `publish.yml` of a repository publish a package.
    pub async fn trusts(&self, name: &str, repository: &str, pending: bool) -> PublisherRecord {
        self.configure(name, repository, &json!({ "workflow": "publish.yml" }), pending).await
    }

    pub async fn configure(
        &self,
        name: &str,
        repository: &str,
        rules: &Value,
        pending: bool,
    ) -> PublisherRecord {
        let mut config = json!({ "repository": repository });
        config.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
        let mut record = self.trust.prepare(package(name), "fake", None, config).unwrap();
        record.pending = pending;
        self.trust.add(&record).await.unwrap();
        record
    }

    /// The claims of a job that may publish `@acme/widget`, with changes.
    pub fn claims(&self, changes: &Value) -> Value {
        use oidc_core::Clock as _;
        claims(self.clock.now().as_secs(), changes)
    }

    pub fn token(&self, changes: &Value) -> String {
        self.issuer.sign(&self.claims(changes))
    }

    pub async fn exchange(&self, path: &str, token: &str) -> Answer {
        let request = Request::post(path).header("authorization", format!("Bearer {token}"));
        self.answer(request.body(Full::<Bytes>::default()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: String) -> Answer {
        self.answer(Request::post(path).body(Full::<Bytes>::from(body)).unwrap()).await
    }

    pub async fn answer<B>(&self, request: Request<B>) -> Answer
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = npm(self.exchange.clone()).oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap();
        Answer { status: parts.status, headers: parts.headers, text, body }
    }

    /// Returns the number of publish tokens and of replay records.
    pub async fn records(&self) -> (usize, usize) {
        self.store.records()
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Answer {
    #[track_caller]
    pub fn token(&self) -> &str {
        self.body["token"].as_str().unwrap_or_else(|| panic!("no token: {}", self.text))
    }

    #[track_caller]
    pub fn message(&self) -> &str {
        assert_eq!(self.body["message"], self.body["body"]["message"]);
        self.body["message"].as_str().unwrap_or_else(|| panic!("no message: {}", self.text))
    }
}
