//! Forgejo Actions: Codeberg and self-hosted instances, since Forgejo 15.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | `FORGEJO_ACTIONS`, `FORGEJO_TOKEN` | `true`, or set on a server that is not GitHub's, in every job; they tell it from a job on GitHub, whose variables Forgejo's runner sets too |
//! | `GITHUB_SERVER_URL` | the server, which Forgejo's runner sets too |
//! | `ACTIONS_ID_TOKEN_REQUEST_URL` | where to ask for a token, below `/api/actions/` of the instance; only with `enable-openid-connect: true` |
//! | `ACTIONS_ID_TOKEN_REQUEST_TOKEN` | the secret to ask with; only with `enable-openid-connect: true` |
//!
//! `permissions:` has no effect here, and no message of this platform mentions it as a fix. That
//! `FORGEJO_ACTIONS` is `true` is how other tools tell such a job; it was not read in the runner's source.
//!
//! # A job that may publish
//!
//! The workflow asks for tokens with a key of Forgejo's own.
//!
//! ```yaml
//! # .forgejo/workflows/publish.yml
//! on:
//!   push:
//!     tags: ["v*"]
//! enable-openid-connect: true
//! jobs:
//!   publish:
//!     runs-on: docker
//!     steps:
//!       - uses: actions/checkout@v4
//!       - run: npm publish
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Context, Detection, Environment, Provider as _};
//! use oidc_providers::Forgejo;
//!
//! let variables = [
//!     ("FORGEJO_ACTIONS", "true"),
//!     ("GITHUB_ACTIONS", "true"),
//!     ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://codeberg.org/api/actions/token"),
//!     ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = Forgejo::public();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! All values except the times are strings. The names are those of Forgejo's discovery document.
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `repository` | required | no | ignoring ASCII case |
//! | `repository_owner` | required, equal to the owner in `repository` | no | ignoring ASCII case |
//! | `repository_id`, `repository_owner_id` | optional, configured or learned where present; tokens of Forgejo 15.0 lack them | yes | exactly |
//! | `workflow_ref` | required: the workflow's path, and the run's own ref | no | repository ignoring ASCII case, path exactly |
//! | `event_name` | required | | exactly |
//! | `ref` | required | no | as a pattern |
//! | `ref_protected` | optional, `"true"` or `"false"` | | exactly |
//! | `run_number`, `sha` | optional, for the link to the run | | |
//! | `sub` | ignored: new repositories have ids in it, older ones do not | | |
//! | `actor`, `actor_id`, `base_ref`, `head_ref`, `jti`, `ref_type`, `run_attempt`, `run_id`, `workflow` | ignored; no `jti` is documented, so a token is known by its digest | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | that a person approved the publish | anyone who can start the workflow gets a token, and Forgejo has no environments |
//! | that the code was reviewed | the workflow is the one of the run's ref; constrain `ref` or `ref_protected` |
//! | whose machine ran the job | any runner of the repository, its owner or the instance may have |
//! | that the repository is the one of last year | unless its ids are pinned, and tokens of Forgejo 15.0 have none |
//! | that the instance is honest | its administrators sign what they like, for their own issuer alone |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `repository` | required | `"acme/widget"` | the repository, as owner/name | ignoring ASCII case |
//! | `workflow` | required | `".forgejo/workflows/publish.yml"` | the path of the workflow's file in the repository | exactly |
//! | `repository_id` | learned | `"123456"` | the number that Forgejo gave the repository, which tokens of Forgejo 15.0 lack | exactly |
//! | `repository_owner_id` | learned | `"123456"` | the number that Forgejo gave the repository's owner, which tokens of Forgejo 15.0 lack | exactly |
//! | `ref` | optional | `"refs/tags/v*"` | the full name of the run's branch or tag | as a pattern |
//! | `ref_protected` | optional | `true` | true if the branch or tag must be protected; false is no rule | exactly |
//! | `event` | optional | `["push", "release"]` | the events that may start the run; without it push, release, `workflow_dispatch` and schedule, and never `pull_request_target` | one of the values |

mod claims;
mod fields;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use oidc_core::{
    Claims, Detection, FieldValue, Identity, ImmutableId, InvalidUrl, Issuer, Profile, Provider,
    PublisherField, ReplaySource, Run, SourceError, TokenSource, Unverified, Verified,
};

use self::claims::CLAIMS;
pub use self::fields::ForgejoPublisher;
use self::fields::{FIELDS, REPOSITORY, REPOSITORY_ID, WORKFLOW};
use self::publisher::Rules;
use crate::provider::provider_methods;
use crate::rules::link::{is_id, link};
use crate::rules::token::Token;
use crate::rules::{Comparison, workflow};

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "forgejo";

/// The variables with which a job asks for tokens, and the runtime's token, which is the same secret.
const IDENTITY_VARIABLES: &[&str] = &["ACTIONS_ID_TOKEN_REQUEST_*", "ACTIONS_RUNTIME_TOKEN"];

/// The issuer of Codeberg.
const ISSUER: &str = "https://codeberg.org/api/actions";

/// The path of an issuer below its instance.
const PATH: &str = "/api/actions";

/// Forgejo Actions with one issuer.
#[derive(Clone, Debug)]
pub struct Forgejo {
    profile: Profile,
    issuer: String,
}

impl Forgejo {
    /// Forgejo Actions of Codeberg.
    pub fn public() -> Self {
        Self::with(Issuer::constant(ISSUER))
    }

    /// Forgejo Actions with this issuer and no other: `https://INSTANCE/api/actions`, or an issuer on loopback
    /// for tests.
    ///
    /// # Errors
    ///
    /// When the URL is not https (http is allowed on loopback), or has a query.
    pub fn at(issuer: &str) -> Result<Self, InvalidUrl> {
        Ok(Self::with(Issuer::new(issuer)?))
    }

    fn with(issuer: Issuer) -> Self {
        let url = issuer.url().to_string();
        let mut profile = Profile::new(vec![issuer], CLAIMS);
        profile.replay = ReplaySource::Digest;
        Self { profile, issuer: url }
    }
}

impl Default for Forgejo {
    fn default() -> Self {
        Self::public()
    }
}

impl Provider for Forgejo {
    provider_methods!("Forgejo Actions", Rules);

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        source::detect(detection)
    }

    fn immutable_id(&self, _identity: &Identity, claims: &Verified<Claims>) -> Option<ImmutableId> {
        Token { claims, comparison: Comparison::default() }.learn(&REPOSITORY_ID, is_id).ok()
    }

    fn settings(&self, claims: &Unverified<Claims>) -> Vec<FieldValue> {
        let read = claims.read_unverified();
        let path = || {
            let (workflow_ref, git_ref) = (read.text(WORKFLOW.claim)?, read.text("ref")?);
            workflow::split(&workflow_ref, &git_ref).map(|(_, path)| path.into())
        };
        let setting = |field: &'static PublisherField| match field.key {
            key if key == WORKFLOW.key => FieldValue::new(field, path()),
            _ => FieldValue::of_claim(field, claims),
        };
        FIELDS.iter().map(setting).collect()
    }

    fn renewal(&self, _variable: Option<&str>) -> Cow<'static, str> {
        Cow::Borrowed("run the publish again: Forgejo gives a new token each time it is asked")
    }

    fn run(&self, claims: &Verified<Claims>) -> Run {
        let text = |claim| claims.text(claim).filter(|text| !text.is_empty()).map(String::from);
        let mut run = Run::default();
        run.repository = text(REPOSITORY.claim);
        if let (Some(repository), Some(number)) = (&run.repository, text("run_number")) {
            let server = self.issuer.strip_suffix(PATH).unwrap_or(&self.issuer);
            run.url = link(server, &[repository, "actions/runs", &number]);
        }
        run.sha = text("sha");
        run.r#ref = text("ref");
        run
    }
}
