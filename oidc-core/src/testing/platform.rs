//! A CI platform that exists in tests alone.

mod publisher;
mod source;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use self::publisher::{FakePublisher, required};
use self::source::FakeSource;
use super::{FakeIssuer, ManualClock, SigningAlgorithm, TestRandom};
use crate::claims::Claims;
use crate::context::Context;
use crate::diagnosis::{Diagnosis, Target};
use crate::environment::Environment;
use crate::identity::Identity;
use crate::proof::Verified;
use crate::provider::{ClaimRule, Issuer, Profile, Provider};
use crate::publisher::{ImmutableId, InvalidPublisher, Mismatch, Publisher, PublisherField};
use crate::run::Run;
use crate::source::{Detection, SourceError, SourceErrorKind, TokenSource};
use crate::time::Timestamp;
use crate::url::InvalidUrl;

const ID: &str = "fake";

/// The variable that every job has.
const IN_JOB: &str = "FAKE_CI";

/// The variable of a job that may ask for identity tokens.
const TOKEN_KEY: &str = "FAKE_CI_TOKEN_KEY";

const REPOSITORY: &str = "repository";
const REPOSITORY_ID: &str = "repository_id";

const CLAIMS: &[ClaimRule] = &[
    ClaimRule::ignored("sub"),
    ClaimRule::required(REPOSITORY),
    ClaimRule::required(REPOSITORY_ID).immutable(),
    ClaimRule::required("sha").immutable(),
    ClaimRule::required("run_id"),
    ClaimRule::optional("actor_id").immutable(),
    ClaimRule::optional("workflow"),
    ClaimRule::optional("environment"),
    ClaimRule::optional("ref"),
];

const FIELDS: &[PublisherField] = &[
    PublisherField::required(REPOSITORY, "Repository")
        .found_by()
        .example("acme/widget")
        .summary("the repository's path"),
    PublisherField::optional("environment", "Environment")
        .recommended()
        .example("publish")
        .summary("the job's environment"),
    PublisherField::optional("workflow", "Workflow").example("publish.yml").summary("the workflow's file"),
    PublisherField::optional("ref", "Ref").example("refs/heads/main").summary("the branch or tag of the run"),
    PublisherField::id(REPOSITORY_ID, "Repository id").example("2").summary("the repository's number"),
];

/// A CI platform that exists in tests alone, with both halves and an issuer whose signatures are real: for the tests
/// of an application or of a store that need any platform.
///
/// Its jobs run for the repository `acme/widget`, whose id is `2`, in the workflow `publish.yml`. A value of this type is the
/// platform as one job sees it: [`with_claim`](Self::with_claim) and its siblings change what that job's tokens say. All values
/// of one issuer URL sign with the same keys, so a registry that trusts one of them trusts the others. Its [`id`](Provider::id) is `fake`.
///
/// | claim | value | field of a publisher |
/// |---|---|---|
/// | `repository` | `acme/widget` | required |
/// | `workflow` | `publish.yml` | optional |
/// | `environment` | `publish` | optional |
/// | `ref` | `refs/heads/main` | optional |
/// | `repository_id` | `2` | learned from the first use where it is not configured |
/// | `sha`, `run_id`, `actor_id`, `sub` | `c0ffee`, `1`, `3`, `repo:acme/widget` | none |
/// | `iat`, `nbf`, `exp` | the clock's time, and 600 seconds later | none |
/// | `jti` | another one in each token, unless the platform is [`not_renewable`](Self::not_renewable) | none |
///
/// ```
/// use oidc_core::testing::FakePlatform;
/// use oidc_core::verify::{Verifier, backend::AwsLc};
/// use oidc_core::{Ambient, Audience, Provider as _, ProviderSet};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let platform = FakePlatform::new();
/// let providers = ProviderSet::default().with(platform.clone());
/// // The client half: a job gets its identity token.
/// let job = FakePlatform::job();
/// let audience = Audience::new("npm:registry.example")?;
/// let token = Ambient::detect(&providers, &job)?.token(&audience).await?;
/// // The registry half: the token is verified and compared with a publisher.
/// let registry = platform.registry();
/// let verifier = Verifier::new(AwsLc, [audience], &providers, &registry)?;
/// let claims = verifier.verify(token.secret().expose()).await?;
/// let publisher = platform.publisher(&FakePlatform::config())?;
/// assert!(publisher.check(&claims).is_ok());
/// // A job of another workflow is refused.
/// let other = platform.clone().with_claim("workflow", "test.yml").token("npm:registry.example", FakePlatform::NOW);
/// assert!(publisher.check(&verifier.verify(&other).await?).is_err());
/// assert_eq!(platform.id(), "fake");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FakePlatform {
    profile: Profile,
    claims: Map<String, Value>,
    absent: Vec<String>,
    is_renewable: bool,
    until: Option<Timestamp>,
}

impl Default for FakePlatform {
    fn default() -> Self {
        Self::new()
    }
}

impl FakePlatform {
    /// Its issuer, unless another one is chosen.
    pub const ISSUER: &'static str = "https://issuer.example";

    /// The time of its [`job`](Self::job), in seconds since the epoch.
    pub const NOW: u64 = 1_800_000_000;

    /// The platform with its own issuer.
    pub fn new() -> Self {
        Self::with_issuer(Issuer::constant(Self::ISSUER))
    }

    /// The platform with another issuer.
    ///
    /// # Errors
    ///
    /// When the URL can't be an issuer's.
    pub fn at(issuer: &str) -> Result<Self, InvalidUrl> {
        Ok(Self::with_issuer(Issuer::new(issuer)?))
    }

    /// The platform with an issuer and its settings.
    pub fn with_issuer(issuer: Issuer) -> Self {
        let profile = Profile::new(vec![issuer], CLAIMS);
        Self { profile, claims: Map::new(), absent: Vec::new(), is_renewable: true, until: None }
    }

    /// With a profile that differs: other algorithms, claims or lifetimes.
    #[must_use]
    pub fn with_profile(mut self, change: impl FnOnce(&mut Profile)) -> Self {
        change(&mut self.profile);
        self
    }

    /// With a claim of another value in the job's tokens. `exp` and `iat` follow the clock where they are not given.
    #[must_use]
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Without a claim in the job's tokens.
    #[must_use]
    pub fn without_claim(mut self, name: impl Into<String>) -> Self {
        self.absent.push(name.into());
        self
    }

    /// With one token for the whole job, made before it began: its source is not renewable, and a token that was used up stays so.
    #[must_use]
    pub fn not_renewable(mut self) -> Self {
        self.is_renewable = false;
        self
    }

    /// With tokens until this time only, in seconds since the epoch.
    #[must_use]
    pub fn giving_tokens_until(mut self, time: u64) -> Self {
        self.until = Some(Timestamp::from_secs(time));
        self
    }

    /// The issuer, which signs for the platform and publishes its keys.
    pub fn issuer(&self) -> FakeIssuer {
        let url = self.profile.issuers.first().map_or(Self::ISSUER, |issuer| &**issuer.url());
        let algorithms = self.profile.algorithms.iter().copied().map(SigningAlgorithm::from);
        FakeIssuer::with_algorithms(url, &algorithms.collect::<Vec<_>>())
    }

    /// HTTP that reaches the issuer's documents, for the registry.
    pub fn http(&self) -> super::FakeHttp {
        super::FakeHttp::of_issuer(self.issuer())
    }

    /// The claims of a token of the job, as the table above and [`with_claim`](Self::with_claim) have them.
    pub fn claims(&self, audience: &str, now: u64) -> Value {
        let jti = if self.is_renewable { FakeIssuer::unique_id() } else { "before-the-job".to_owned() };
        let usual = json!({
            "iss": self.issuer().url(), "aud": audience, "iat": now, "nbf": now, "exp": now.saturating_add(600),
            "jti": jti, "sub": "repo:acme/widget", REPOSITORY: "acme/widget", REPOSITORY_ID: "2", "sha": "c0ffee",
            "run_id": "1", "actor_id": "3", "workflow": "publish.yml", "environment": "publish",
            "ref": "refs/heads/main",
        });
        let mut claims = usual.as_object().cloned().unwrap_or_default();
        claims.extend(self.claims.clone());
        claims.retain(|name, _| !self.absent.contains(name));
        claims.into()
    }

    /// A token of the job, with the [`claims`](Self::claims) of this audience and time.
    pub fn token(&self, audience: &str, now: u64) -> String {
        self.issuer().sign(&self.claims(audience, now))
    }

    /// The source of the job's tokens.
    pub fn source(&self, cx: &Context) -> Box<dyn TokenSource> {
        Box::new(FakeSource { platform: self.clone(), context: cx.clone() })
    }

    /// The configuration of a publisher that accepts the job's repository and workflow, without the repository's id.
    pub fn config() -> Value {
        json!({ REPOSITORY: "acme/widget", "workflow": "publish.yml" })
    }

    /// The variables of a job that may ask for identity tokens.
    pub fn variables() -> [(&'static str, &'static str); 2] {
        [(IN_JOB, "true"), (TOKEN_KEY, "secret-key-of-the-fake-job")]
    }

    /// The world of a registry that trusts the platform: HTTP that reaches the issuer's documents, the job's time, and
    /// randomness for ids and publish tokens. The clock stands still at [`NOW`](Self::NOW), so a store that refuses tokens from before
    /// its start, such as oidc-exchange's `MemoryStore::open`, starts at `Timestamp::default()`.
    pub fn registry(&self) -> Context {
        Context::default()
            .with_clock(ManualClock::at(Self::NOW))
            .with_http(self.http())
            .with_random(TestRandom)
    }

    /// The world of a job that may ask for identity tokens: its variables and its time. For a job that sends requests, the
    /// test adds HTTP; for a registry, see [`registry`](Self::registry).
    pub fn job() -> Context {
        Self::world(&Self::variables())
    }

    /// The world of a job that may not ask for identity tokens.
    pub fn job_without_permission() -> Context {
        Self::world(&[(IN_JOB, "true")])
    }

    fn world(variables: &[(&str, &str)]) -> Context {
        let environment = Environment::from_iter(variables.iter().copied());
        Context::default().with_environment(environment).with_clock(ManualClock::at(Self::NOW))
    }
}

impl Provider for FakePlatform {
    fn id(&self) -> &'static str {
        ID
    }

    fn title(&self) -> &'static str {
        "Fake CI"
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        let environment = detection.context.environment();
        if !environment.is_true(IN_JOB) {
            return Ok(None);
        }
        if environment.get(TOKEN_KEY).is_some() {
            return Ok(Some(self.source(detection.context)));
        }
        let subject = Target::Variable(TOKEN_KEY.to_owned());
        let diagnosis =
            Diagnosis::new("fake-not-permitted", subject, "this job may not ask for identity tokens")
                .fix("let the job have identity tokens");
        Err(SourceError::new(SourceErrorKind::NotPermitted, diagnosis))
    }

    fn source_variables(&self) -> &'static [&'static str] {
        &[IN_JOB, TOKEN_KEY]
    }

    fn identity_variables(&self) -> &'static [&'static str] {
        &[TOKEN_KEY]
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        Ok(Identity::new(claims.issuer(), required(claims, REPOSITORY)?))
    }

    fn immutable_id(&self, _identity: &Identity, claims: &Verified<Claims>) -> Option<ImmutableId> {
        Some(ImmutableId::new(REPOSITORY_ID, claims.text(REPOSITORY_ID)?))
    }

    fn publisher_fields(&self) -> &'static [PublisherField] {
        FIELDS
    }

    fn publisher(&self, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        let rules = InvalidPublisher::check_config(FIELDS, config)?.clone();
        Ok(Box::new(FakePublisher { issuer: Arc::from(self.issuer().url()), rules }))
    }

    fn renewal(&self, variable: Option<&str>) -> Cow<'static, str> {
        variable.map_or(Cow::Borrowed("ask again"), |name| {
            Cow::Owned(format!("ask again and put it into `{name}`"))
        })
    }

    fn run(&self, claims: &Verified<Claims>) -> Run {
        let text = |claim: &str| claims.text(claim).map(Cow::into_owned);
        let is_number = |id: &String| id.bytes().all(|byte| byte.is_ascii_digit());
        let url = text("run_id").filter(is_number).map(|id| format!("https://ci.example/runs/{id}"));
        Run { repository: text(REPOSITORY), url, sha: text("sha"), r#ref: text("ref"), ..Run::default() }
    }
}
