//! A registry that trusts one made-up platform, for tests of the verifier.
#![allow(unreachable_pub)]

use std::sync::Arc;
use std::time::Duration;

use oidc_core::testing::{FakeHttp, FakeIssuer, FakePlatform, ManualClock, NotRandom, SigningAlgorithm};
use oidc_core::verify::backend::{AwsLc, Backend, RustCrypto};
use oidc_core::verify::{InvalidVerifier, Reason, Verifier};
use oidc_core::{Algorithm, Audience, ClaimRule, Context, Issuer, ProviderSet, ReplaySource};
use serde_json::{Value, json};

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "npm:registry.example";
pub const NOW: u64 = 1_800_000_000;

/// The claims that these tests' tokens have.
static CLAIMS: &[ClaimRule] =
    &[ClaimRule::required("sub"), ClaimRule::required("repository"), ClaimRule::optional("environment")];

/// A platform whose profile is a test's choice.
pub fn platform() -> FakePlatform {
    platform_with(Issuer::new(ISSUER).unwrap())
}

pub fn platform_with(issuer: Issuer) -> FakePlatform {
    FakePlatform::with_issuer(issuer).claims_table(CLAIMS)
}

pub fn platform_with_keys(keys: Value) -> FakePlatform {
    platform_with(Issuer::new(ISSUER).unwrap().with_keys(keys))
}

/// Changes of the profile.
pub trait Profiled {
    fn claims_table(self, claims: &'static [ClaimRule]) -> Self;
    fn algorithms(self, algorithms: &'static [Algorithm]) -> Self;
    fn replay(self, replay: ReplaySource) -> Self;
}

impl Profiled for FakePlatform {
    fn claims_table(self, claims: &'static [ClaimRule]) -> Self {
        self.with_profile(|profile| profile.claims = claims)
    }

    fn algorithms(self, algorithms: &'static [Algorithm]) -> Self {
        self.with_profile(|profile| profile.algorithms = algorithms)
    }

    fn replay(self, replay: ReplaySource) -> Self {
        self.with_profile(|profile| profile.replay = replay)
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
        Self::of(platform(), SigningAlgorithm::Rs256)
    }

    pub fn of(platform: FakePlatform, algorithm: SigningAlgorithm) -> Self {
        let issuer = Arc::new(FakeIssuer::with_algorithms(ISSUER, &[algorithm]));
        let http = FakeHttp::of_issuer(Arc::clone(&issuer));
        Self::reached_by(platform, issuer, http)
    }

    pub fn reached_by(platform: FakePlatform, issuer: Arc<FakeIssuer>, http: FakeHttp) -> Self {
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
    platform: FakePlatform,
    cx: &Context,
) -> Result<Verifier, InvalidVerifier> {
    let audience = Audience::new(AUDIENCE).unwrap();
    Verifier::new(backend, [audience], &ProviderSet::default().with(platform), cx)
}

/// A verifier with configured keys, for each back end.
pub fn offline(platform: &FakePlatform) -> Vec<Verifier> {
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
