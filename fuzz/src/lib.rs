//! The common parts of the fuzz targets: a registry in memory, and tokens that are really signed.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context as TaskContext, Poll, Waker};

use oidc_core::http::Response;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock, SigningAlgorithm};
use oidc_core::verify::backend::AwsLc;
use oidc_core::verify::{Verifier, VerifyError};
use oidc_core::{
    Algorithm, Audience, Claims, Context, Detection, Identity, InvalidPublisher, Mismatch, Profile, Provider,
    ProviderSet, Publisher, PublisherField, Run, SourceError, TokenSource, Verified,
};
use serde_json::Value;

pub const AUDIENCE: &str = "npm:registry.example";
pub const NOW: u64 = 1_800_000_000;

/// A platform with EdDSA in its profile, whose signatures are quickly made.
#[derive(Debug)]
pub struct Quick<P> {
    platform: P,
    profile: Profile,
}

impl<P: Provider> Quick<P> {
    pub fn new(platform: P) -> Self {
        let mut profile = platform.profile().clone();
        profile.algorithms = &[Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Es256];
        Self { platform, profile }
    }
}

impl<P: Provider> Provider for Quick<P> {
    fn id(&self) -> &'static str {
        self.platform.id()
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        self.platform.detect(detection)
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        self.platform.identify(claims)
    }

    fn title(&self) -> &'static str {
        self.platform.title()
    }

    fn publisher_fields(&self) -> &'static [PublisherField] {
        self.platform.publisher_fields()
    }

    fn publisher(&self, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        self.platform.publisher(config)
    }

    fn run(&self, claims: &Verified<Claims>) -> Run {
        self.platform.run(claims)
    }
}

/// A registry that trusts one issuer, with its keys at hand.
#[derive(Debug)]
pub struct Registry {
    pub issuer: Arc<FakeIssuer>,
    pub provider: Arc<dyn Provider>,
    pub verifier: Verifier,
}

impl Registry {
    pub fn of(platform: impl Provider + 'static) -> Self {
        let provider: Arc<dyn Provider> = Arc::new(Quick::new(platform));
        let issuer = Arc::new(issuer_of(&*provider));
        let verifier = verifier(Arc::clone(&provider), FakeHttp::of_issuer(Arc::clone(&issuer)));
        let registry = Self { issuer, provider, verifier };
        ready(registry.verifier.warm_up());
        registry
    }

    pub fn verify(&self, token: &str) -> Result<Verified<Claims>, VerifyError> {
        ready(self.verifier.verify(token))
    }
}

/// The registry of a platform, made once: making keys takes longer than a thousand inputs.
pub fn github() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| Registry::of(oidc_providers::GitHub::public()))
}

pub fn gitlab() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| Registry::of(oidc_providers::GitLab::public()))
}

/// A registry whose issuer answers the requests for discovery and for keys with these bytes.
pub fn answered_with(discovery: Option<&[u8]>, jwks: Option<&[u8]>) -> (Arc<FakeIssuer>, Verifier, FakeHttp) {
    let provider: Arc<dyn Provider> = Arc::new(Quick::new(oidc_providers::GitHub::public()));
    let issuer = Arc::new(issuer_of(&*provider));
    let document = discovery.map_or_else(|| issuer.discovery().to_string().into_bytes(), <[u8]>::to_vec);
    let keys = jwks.map_or_else(|| issuer.jwks().to_string().into_bytes(), <[u8]>::to_vec);
    let asked_first = issuer.discovery_uri();
    let http = FakeHttp::new().on_request(move |request| {
        let is_discovery = request.url.as_str() == asked_first;
        Some(Ok(Response::new(200, Vec::new(), if is_discovery { document.clone() } else { keys.clone() })))
    });
    (issuer, verifier(provider, http.clone()), http)
}

fn issuer_of(provider: &dyn Provider) -> FakeIssuer {
    let url = provider.profile().issuers.first().expect("an issuer").url().to_string();
    FakeIssuer::with_algorithms(url, &[SigningAlgorithm::EdDsa])
}

fn verifier(provider: Arc<dyn Provider>, http: FakeHttp) -> Verifier {
    let cx = Context::default().with_clock(ManualClock::at(NOW)).with_http(http);
    let audience = Audience::new(AUDIENCE).expect("an audience");
    let providers: ProviderSet = [provider].into_iter().collect();
    Verifier::new(AwsLc, [audience], &providers, &cx).expect("a verifier")
}

/// Everything here is in memory, hence nothing waits.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waited"),
    }
}

/// Texts, one on each line.
pub fn lines<const N: usize>(data: &[u8]) -> Option<[&str; N]> {
    let text = std::str::from_utf8(data).ok()?;
    let mut lines = text.split('\n');
    let mut found = [""; N];
    for line in &mut found {
        *line = lines.next()?;
    }
    Some(found)
}
