//! GitHub Actions: github.com, its enterprises and data-residency hosts, and GitHub Enterprise Server.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | `GITHUB_ACTIONS` | `true` in every job, and in those of compatible runners |
//! | `GITHUB_SERVER_URL` | the server, which tells GitHub from others where a job may not ask for tokens |
//! | `FORGEJO_ACTIONS`, `FORGEJO_TOKEN` | set in jobs of Forgejo, which are not GitHub's |
//! | `ACTIONS_ID_TOKEN_REQUEST_URL` | where to ask for a token; only with `permissions: id-token: write` |
//! | `ACTIONS_ID_TOKEN_REQUEST_TOKEN` | the secret to ask with; only with `permissions: id-token: write` |
//! | `GITHUB_EVENT_NAME`, `GITHUB_EVENT_PATH`, `GITHUB_REPOSITORY` | whether it is a pull request from a fork, which explains missing permission |
//!
//! # A job that may publish
//!
//! The job needs the permission to ask for identity tokens. `environment` is the one that a publisher may name.
//!
//! ```yaml
//! # .github/workflows/publish.yml
//! on:
//!   release:
//!     types: [published]
//! jobs:
//!   publish:
//!     runs-on: ubuntu-latest
//!     environment: publish
//!     permissions:
//!       contents: read
//!       id-token: write
//!     steps:
//!       - uses: actions/checkout@v4
//!       - run: npm publish
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Context, Detection, Environment, Provider as _};
//! use oidc_providers::GitHub;
//!
//! let variables = [
//!     ("GITHUB_ACTIONS", "true"),
//!     ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://token.example/request"),
//!     ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = GitHub::public();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//!
//! // Without the permission, the job is told what to add.
//! let without = [("GITHUB_ACTIONS", "true"), ("GITHUB_SERVER_URL", "https://github.com")];
//! let job = Context::default().with_environment(Environment::from_iter(without));
//! let error = platform.detect(&Detection::from(&job)).unwrap_err();
//! assert!(error.diagnosis().fix.as_ref().is_some_and(|fix| fix.contains("id-token: write")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! All values except the times are strings, including ids and flags. The names are those of [GitHub's
//! reference][claims].
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `repository` | required | no | ignoring ASCII case |
//! | `repository_owner` | required, equal to the owner in `repository` | no | ignoring ASCII case |
//! | `repository_id`, `repository_owner_id` | required, configured or learned | yes | exactly |
//! | `workflow_ref` | required: the calling workflow | no | repository ignoring ASCII case, file exactly |
//! | `job_workflow_ref` | required, a rule if configured: the called workflow | no | repository ignoring ASCII case, rest exactly |
//! | `event_name` | required | | exactly |
//! | `ref` | required, empty in deployments | no | as a pattern |
//! | `sha` | required | yes | exactly, in `workflow_ref` where `ref` is empty |
//! | `job_workflow_sha` | optional | yes | exactly |
//! | `environment` | optional; absent, `null` and empty are the same | no | ignoring ASCII case |
//! | `ref_protected` | optional, `"true"` or `"false"` | | exactly |
//! | `runner_environment` | optional, `github-hosted` or `self-hosted` | | exactly |
//! | `run_id`, `run_attempt` | optional, for the link to the run | | |
//! | `sub` | ignored: organizations can change its form | | |
//! | `actor`, `actor_id`, `base_ref`, `check_run_id`, `enterprise`, `enterprise_id`, `environment_node_id`, `head_ref`, `issuer_scope`, `ref_type`, `repository_visibility`, `run_number`, `workflow`, `workflow_sha` | ignored | | |
//! | `repo_property_…` | ignored: the rest of the name is the organization's choice | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | that a person approved the publish | anyone who can start the workflow gets a token; only an environment with required reviewers asks a person |
//! | that the code was reviewed | the workflow file is the one of the run's ref; constrain `ref`, `ref_protected` or `environment` |
//! | that the file says what you read | a workflow may call others and run any action; constrain `job_workflow` to know the called one |
//! | who started it | `actor` is who triggered the run, not who wrote the code |
//! | that the machine is GitHub's | unless `runner_environment` is `github-hosted` |
//! | that the repository is the one of last year | unless its ids are pinned, which they are, once learned |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `repository` | required | `"acme/widget"` | the repository, as owner/name | ignoring ASCII case |
//! | `workflow` | required | `"publish.yml"` | the name of the file in .github/workflows that the run began with | exactly |
//! | `environment` | recommended | `"publish"` | the job's environment | ignoring ASCII case |
//! | `job_workflow` | recommended | `"acme/shared/.github/workflows/release.yml@refs/tags/*"` | the workflow that holds the job, beside the one that the run began with: repository, path and, behind @, a ref or a commit | as a pattern |
//! | `repository_id` | learned | `"123456"` | the number that GitHub gave the repository | exactly |
//! | `repository_owner_id` | learned | `"123456"` | the number that GitHub gave the repository's owner | exactly |
//! | `ref` | optional | `"refs/tags/v*"` | the full name of the run's branch or tag | as a pattern |
//! | `ref_protected` | optional | `true` | true if the branch or tag must be protected; false is no rule | exactly |
//! | `event` | optional | `["push", "release"]` | the events that may start the run; without it push, release, `workflow_dispatch`, `repository_dispatch`, schedule, `merge_group`, create and deployment, and never `pull_request_target` | one of the values |
//! | `runner_environment` | optional | `"github-hosted"` | the owner of the machine that runs the job: `github-hosted` or `self-hosted` | exactly |
//!
//! Where the registry allows it ([`GitHub::allowing_owners`]), a publisher may be for every repository of an owner:
//! then it has `owner` and may have patterns for `repository` and `workflow` ([`GitHub::owner_fields`]).
//!
//! Of several matching publishers of a package, one with an `environment` is more specific than any without,
//! and then the one with more of `ref`, `ref_protected`, `event`, `job_workflow` and `runner_environment`.
//! Ids don't count, so learning them does not change the order.
//!
//! [claims]: https://docs.github.com/en/actions/reference/security/oidc

mod advice;
mod claims;
mod compared;
mod fields;
mod job_workflow;
mod names;
mod owner;
mod owner_fields;
mod publisher;
mod run;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use oidc_core::{
    Claims, Detection, Diagnosis, FieldValue, HttpUrl, Identity, ImmutableId, InvalidPublisher, InvalidUrl,
    Issuer, Mismatch, Profile, Provider, Publisher, PublisherField, RegistryRules, Run, SourceError,
    TokenSource, Unverified, Verified,
};
use serde_json::Value;

use self::claims::{CLAIM_PREFIXES, CLAIMS};
use self::compared::Compared;
pub use self::fields::GitHubPublisher;
use self::fields::{OWNER_ID, REPOSITORY, REPOSITORY_ID};
use self::owner::{OwnerRules, is_of_owner};
pub use self::owner_fields::GitHubOwnerPublisher;
use self::owner_fields::OWNER_FIELDS;
use self::publisher::Rules;
use crate::rules::Comparison;
use crate::rules::link::is_id;
use crate::rules::token::Token;

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "github";

/// The variables with which a job asks for tokens. The runtime's token, which some steps get for a cache,
/// gives access to them too (the first client of `actions/toolkit` used it).
const IDENTITY_VARIABLES: &[&str] = &["ACTIONS_ID_TOKEN_REQUEST_*", "ACTIONS_RUNTIME_TOKEN"];

/// The issuer of github.com.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The web site that belongs to [`ISSUER`] and to every enterprise's issuer below it.
const SERVER: &str = "https://github.com";

/// The weight of a publisher for a repository of its own, beside those for an owner: more than all optional rules
/// together.
const OWN_REPOSITORY: u32 = 1000;

/// Tokens live 5 minutes on github.com; an hour leaves room for the settings of other hosts.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

/// GitHub Actions with one issuer.
#[derive(Clone, Debug)]
pub struct GitHub {
    profile: Profile,
    issuer: String,
    server: String,
    comparison: Comparison,
    compared: Compared,
    allows_owners: bool,
}

impl GitHub {
    /// GitHub Actions of github.com.
    pub fn public() -> Self {
        Self::with(Issuer::constant(ISSUER), SERVER.to_owned())
    }

    /// GitHub Actions with this issuer and no other: `https://HOST/_services/token` of GitHub Enterprise
    /// Server, an enterprise's own issuer below github.com's, a data-residency host's, or an issuer on
    /// loopback for tests. The URL is compared with `iss` byte by byte, so a token of this issuer never
    /// matches a publisher of another issuer.
    ///
    /// # Errors
    ///
    /// When the URL is not https (http is allowed on loopback), or has a query.
    pub fn at(issuer: &str) -> Result<Self, InvalidUrl> {
        let url = HttpUrl::parse(issuer)?;
        Ok(Self::with(Issuer::new(issuer)?, run::server_of(&url)))
    }

    /// Makes every comparison exact, including case, as npm does.
    #[must_use]
    pub fn comparing_exactly(mut self) -> Self {
        self.comparison = Comparison::Exact;
        self
    }

    /// Accepts publishers for every repository of an owner too, whose configuration has `owner` in place of
    /// `repository` ([`GitHub::owner_fields`], [`GitHubOwnerPublisher`]). It is off by default: whoever can push to
    /// any repository of the owner can then publish, and an account with such a publisher is known by the
    /// tokens of all of them. Who may save one is the application's decision; it should be those whom GitHub
    /// calls administrators of the owner, with the owner's id.
    ///
    /// A publisher for a repository of its own is more specific than any for an owner.
    #[must_use]
    pub fn allowing_owners(mut self) -> Self {
        self.allows_owners = true;
        self
    }

    /// Returns the fields of a publisher for every repository of an owner.
    pub fn owner_fields() -> &'static [PublisherField] {
        OWNER_FIELDS
    }

    fn with(issuer: Issuer, server: String) -> Self {
        let url = issuer.url().to_string();
        let mut profile = Profile::new(vec![issuer], CLAIMS);
        profile.max_lifetime = MAX_LIFETIME;
        profile.claim_prefixes = CLAIM_PREFIXES;
        Self {
            profile,
            issuer: url,
            server,
            comparison: Comparison::default(),
            compared: Compared::default(),
            allows_owners: false,
        }
    }
}

impl Default for GitHub {
    fn default() -> Self {
        Self::public()
    }
}

impl Provider for GitHub {
    fn id(&self) -> &'static str {
        ID
    }

    fn title(&self) -> &'static str {
        "GitHub Actions"
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        source::detect(detection)
    }

    fn identity_variables(&self) -> &'static [&'static str] {
        IDENTITY_VARIABLES
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        let repository = Token { claims, comparison: self.comparison }.required(REPOSITORY.claim)?;
        Ok(Identity::new(claims.issuer(), self.comparison.key(&REPOSITORY, &repository)))
    }

    fn identities(&self, claims: &Verified<Claims>) -> Result<Vec<Identity>, Mismatch> {
        let mut identities = vec![self.identify(claims)?];
        if self.allows_owners {
            let token = Token { claims, comparison: self.comparison };
            identities.push(owner::identity(claims.issuer(), &token)?);
        }
        Ok(identities)
    }

    fn publisher_fields(&self) -> &'static [PublisherField] {
        self.compared.fields()
    }

    fn fields_of(&self, config: &Value) -> &'static [PublisherField] {
        if self.allows_owners && is_of_owner(config) { OWNER_FIELDS } else { self.publisher_fields() }
    }

    fn immutable_id(&self, identity: &Identity, claims: &Verified<Claims>) -> Option<ImmutableId> {
        let field = if owner::is_owners(identity) { &OWNER_ID } else { &REPOSITORY_ID };
        Token { claims, comparison: self.comparison }.learn(field, is_id).ok()
    }

    fn publisher(&self, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        if self.allows_owners && is_of_owner(config) {
            return Ok(Box::new(OwnerRules::read(&self.issuer, self.comparison, config)?));
        }
        let base = if self.allows_owners { OWN_REPOSITORY } else { 0 };
        Ok(Box::new(Rules::read(&self.issuer, self.comparison, self.compared, base, config)?))
    }

    fn settings(&self, claims: &Unverified<Claims>) -> Vec<FieldValue> {
        advice::settings(claims, self.compared)
    }

    fn advise(&self, claims: &Unverified<Claims>) -> Vec<Diagnosis> {
        advice::advise(claims.read_unverified(), self.compared)
    }

    fn comparing(&self, rules: RegistryRules) -> Option<Arc<dyn Provider>> {
        Some(Arc::new(Self { comparison: rules.case.into(), compared: rules.into(), ..self.clone() }))
    }

    fn renewal(&self, variable: Option<&str>) -> Cow<'static, str> {
        let again = "run the publish again: GitHub gives a new token each time it is asked";
        match variable {
            Some(variable) => {
                Cow::Owned(format!("{again}, unless the variable `{variable}` holds the old one"))
            }
            None => Cow::Owned(format!("{again}, unless a variable holds the old one")),
        }
    }

    fn run(&self, claims: &Verified<Claims>) -> Run {
        run::of(&self.server, claims)
    }
}
