//! A registry that trusts one issuer, and the requests that arrive.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use oidc_core::http::HttpClient;
use oidc_core::testing::{FakeHttp, FakeIssuer, SigningAlgorithm};
use oidc_core::verify::backend::AwsLc;
use oidc_core::verify::{Verifier, VerifyError};
use oidc_core::{
    Algorithm, Audience, Claims, Context, Detection, Identity, InvalidPublisher, Mismatch, Profile, Provider,
    ProviderSet, Publisher, PublisherField, Run, SourceError, TokenSource, Verified,
};
use oidc_providers::GitHub;
use oidc_providers::github::sample;
use serde_json::{Value, json};

/// The issuer that the registry trusts.
pub const ISSUER: &str = "https://token.actions.githubusercontent.com";
/// The registry's audience.
pub const AUDIENCE: &str = "npm:registry.example";

/// A registry, and a token of about 2 kB that it accepts.
#[derive(Debug)]
pub struct Scene {
    /// The signer.
    pub issuer: Arc<FakeIssuer>,
    /// The verifier.
    pub verifier: Verifier,
    /// The publisher.
    pub publisher: Box<dyn Publisher>,
    /// A token that is accepted.
    pub token: String,
    cx: Context,
}

impl Scene {
    /// With warm keys; GitHub as it is, or GitHub with ES256 in its profile.
    pub async fn new(algorithm: SigningAlgorithm) -> Self {
        let issuer = Arc::new(FakeIssuer::with_algorithms(ISSUER, &[algorithm]));
        let http = FakeHttp::of_issuer(Arc::clone(&issuer));
        let scene = Self::reached_by(algorithm, issuer, http);
        scene.verifier.warm_up().await;
        scene
    }

    /// With cold keys and HTTP of the caller's choice.
    pub fn reached_by(
        algorithm: SigningAlgorithm,
        issuer: Arc<FakeIssuer>,
        http: impl HttpClient + 'static,
    ) -> Self {
        let cx = Context::tokio(http);
        let provider = SignedWith::new(algorithm);
        let publisher = provider.publisher(&publisher()).expect("a publisher");
        let audience = Audience::new(AUDIENCE).expect("an audience");
        let providers = ProviderSet::default().with(provider);
        let verifier = Verifier::new(AwsLc, [audience], &providers, &cx).expect("a verifier");
        let token = issuer.sign(&claims(cx.clock().now().as_secs()));
        Self { issuer, verifier, publisher, token, cx }
    }

    /// The outside world of the verifier.
    pub fn context(&self) -> Context {
        self.cx.clone()
    }

    /// Seconds since the epoch.
    pub fn now(&self) -> u64 {
        self.cx.clock().now().as_secs()
    }

    /// A registry's work for a token: verify it, then compare it with the publisher.
    pub fn verify_and_match(&self) -> bool {
        let verified = self.verify(&self.token).expect("a valid token");
        self.publisher.check(&verified).is_ok()
    }

    /// Verifies a token by the method that waits for keys where it has to; here it never has to.
    ///
    /// # Errors
    ///
    /// As the verifier's.
    pub fn verify(&self, token: &str) -> Result<Verified<Claims>, VerifyError> {
        let verification = pin!(self.verifier.verify(token));
        match verification.poll(&mut TaskContext::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => self.verifier.verify_cached(token),
        }
    }
}

/// The claims of a job on GitHub Actions in an environment.
pub fn claims(now: u64) -> Value {
    let overrides = [
        ("environment", json!("publish")),
        ("environment_node_id", json!("EN_kwDOJdBKX88AAAABJ4yUqg")),
        ("enterprise", json!("acme")),
        ("enterprise_id", json!("12")),
        // Longer than GitHub's five minutes, so that it outlives a run of the benches.
        ("exp", json!(now.saturating_add(3600))),
    ];
    let overrides = overrides.into_iter().map(|(name, value)| (name.to_owned(), Some(value))).collect();
    sample::claims_with(ISSUER, AUDIENCE, now, &FakeIssuer::unique_id(), &overrides)
}

/// A publisher as npm's and PyPI's users configure it: repository, workflow, environment, pinned ids.
pub fn publisher() -> Value {
    json!({
        "repository": "acme/widget",
        "workflow": "publish.yml",
        "environment": "publish",
        "repository_id": "2",
        "repository_owner_id": "1",
    })
}

/// GitHub with another signature algorithm.
#[derive(Debug)]
struct SignedWith {
    github: GitHub,
    profile: Profile,
}

impl SignedWith {
    fn new(algorithm: SigningAlgorithm) -> Self {
        let github = GitHub::public();
        let mut profile = github.profile().clone();
        profile.algorithms = match algorithm {
            SigningAlgorithm::Es256 => &[Algorithm::Es256],
            _ => &[Algorithm::Rs256],
        };
        Self { github, profile }
    }
}

impl Provider for SignedWith {
    fn id(&self) -> &'static str {
        self.github.id()
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        self.github.detect(detection)
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        self.github.identify(claims)
    }

    fn title(&self) -> &'static str {
        self.github.title()
    }

    fn publisher_fields(&self) -> &'static [PublisherField] {
        self.github.publisher_fields()
    }

    fn publisher(&self, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        self.github.publisher(config)
    }

    fn run(&self, claims: &Verified<Claims>) -> Run {
        self.github.run(claims)
    }
}
