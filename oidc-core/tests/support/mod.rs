//! A registry that trusts one made-up platform, for tests of the verifier.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::unreachable,
    reason = "shared by test binaries"
)]

use std::sync::Arc;
use std::time::Duration;

use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock, NotRandom, SigningAlgorithm};
use oidc_core::verify::backend::{AwsLc, Backend, RustCrypto};
use oidc_core::verify::{InvalidVerifier, Reason, Verifier};
use oidc_core::{
    Algorithm, Audience, ClaimRule, Claims, Context, Detection, Identity, InvalidPublisher, Issuer, Mismatch,
    Profile, Provider, ProviderSet, Publisher, PublisherField, Replay, Run, SourceError, TokenSource,
    Verified,
};
use serde_json::{Value, json};

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "npm:registry.example";
pub const NOW: u64 = 1_800_000_000;

/// A platform whose profile is a test's choice.
#[derive(Clone, Debug)]
pub struct Platform(pub Profile);

impl Platform {
    pub fn new() -> Self {
        Self::with_issuer(Issuer::new(ISSUER).unwrap())
    }

    pub fn with_issuer(issuer: Issuer) -> Self {
        static CLAIMS: &[ClaimRule] = &[
            ClaimRule::required("sub"),
            ClaimRule::required("repository"),
            ClaimRule::optional("environment"),
        ];
        Self(Profile::new(vec![issuer], CLAIMS))
    }

    pub fn with_keys(keys: Value) -> Self {
        let mut issuer = Issuer::new(ISSUER).unwrap();
        issuer.keys = Some(keys);
        Self::with_issuer(issuer)
    }

    pub fn claims(mut self, claims: &'static [ClaimRule]) -> Self {
        self.0.claims = claims;
        self
    }

    pub fn algorithms(mut self, algorithms: &'static [Algorithm]) -> Self {
        self.0.algorithms = algorithms;
        self
    }

    pub fn replay(mut self, replay: Replay) -> Self {
        self.0.replay = replay;
        self
    }
}

impl Provider for Platform {
    fn id(&self) -> &'static str {
        "made-up"
    }

    fn profile(&self) -> &Profile {
        &self.0
    }

    fn detect(&self, _: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        Ok(None)
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        Ok(Identity::new(claims.issuer(), claims.text("repository").unwrap_or_default()))
    }

    fn title(&self) -> &'static str {
        "Made up"
    }

    fn publisher_fields(&self) -> &'static [PublisherField] {
        &[]
    }

    fn publisher(&self, _: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        unreachable!("the verifier needs no publisher")
    }

    fn run(&self, _: &Verified<Claims>) -> Run {
        Run::default()
    }
}

/// A registry, the issuer it trusts, and the clock of both.
#[derive(Debug)]
pub struct Registry {
    pub issuer: Arc<FakeIssuer>,
    pub http: FakeHttp,
    pub clock: ManualClock,
    pub verifier: Verifier,
}

impl Registry {
    pub fn new() -> Self {
        Self::of(Platform::new(), SigningAlgorithm::Rs256)
    }

    pub fn of(platform: Platform, algorithm: SigningAlgorithm) -> Self {
        let issuer = Arc::new(FakeIssuer::with_algorithms(ISSUER, &[algorithm]));
        let http = FakeHttp::of_issuer(Arc::clone(&issuer));
        Self::reached_by(platform, issuer, http)
    }

    pub fn reached_by(platform: Platform, issuer: Arc<FakeIssuer>, http: FakeHttp) -> Self {
        let clock = ManualClock::at(NOW);
        let verifier = verifier(AwsLc, platform, &context(http.clone(), &clock)).unwrap();
        Self { issuer, http, clock, verifier }
    }

    pub fn claims(&self) -> Value {
        claims(self.now())
    }

    pub fn now(&self) -> u64 {
        NOW + self.clock.elapsed().as_secs()
    }

    pub fn token(&self) -> String {
        self.issuer.sign(&self.claims())
    }

    pub async fn reason_of(&self, token: &str) -> Reason {
        self.verifier.verify(token).await.unwrap_err().reason().clone()
    }

    pub async fn reason_with(&self, name: &str, value: Value) -> Reason {
        self.reason_of(&self.issuer.sign(&with(self.claims(), name, value))).await
    }

    pub async fn accepts(&self, token: &str) -> bool {
        self.verifier.verify(token).await.is_ok()
    }

    /// Returns the number of requests for the keys, without those for the discovery document.
    pub fn jwks_requests(&self) -> usize {
        jwks_requests(&self.http, &self.issuer)
    }
}

pub fn jwks_requests(http: &FakeHttp, issuer: &FakeIssuer) -> usize {
    http.requests().iter().filter(|request| request.url.as_str() == issuer.jwks_uri()).count()
}

pub fn context(http: impl oidc_core::http::HttpClient + 'static, clock: &ManualClock) -> Context {
    Context::default().with_http(http).with_clock(clock.clone()).with_random(NotRandom(0))
}

pub fn verifier(
    backend: impl Backend + 'static,
    platform: Platform,
    cx: &Context,
) -> Result<Verifier, InvalidVerifier> {
    let audience = Audience::new(AUDIENCE).unwrap();
    Verifier::new(backend, [audience], &ProviderSet::default().with(platform), cx)
}

/// A verifier with configured keys, for each back end.
pub fn offline(platform: &Platform) -> Vec<Verifier> {
    let cx = context(FakeHttp::new(), &ManualClock::at(NOW));
    let verifiers = [verifier(AwsLc, platform.clone(), &cx), verifier(RustCrypto, platform.clone(), &cx)];
    verifiers.into_iter().map(Result::unwrap).collect()
}

pub fn claims(now: u64) -> Value {
    json!({
        "jti": "id-1",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "repo:acme/widget",
        "repository": "acme/widget",
        "iat": now,
        "nbf": now,
        "exp": now + 300,
    })
}

pub fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

pub fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

/// Lets every task that can go on go on.
pub async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

pub const SECOND: Duration = Duration::from_secs(1);
