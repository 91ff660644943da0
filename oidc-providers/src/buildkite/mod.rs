//! Buildkite Pipelines.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | `BUILDKITE` | `true` in every job |
//! | `BUILDKITE_AGENT_ACCESS_TOKEN`, `BUILDKITE_JOB_ID` | to ask the agent's API where the command `buildkite-agent` is missing, as in a container |
//! | `BUILDKITE_AGENT_ENDPOINT` | where that API is, if not at its usual place |
//!
//! # A job that may publish
//!
//! Every step can ask for tokens; the agent's command asks for the ids that a publisher needs.
//!
//! ```yaml
//! # .buildkite/pipeline.yml
//! steps:
//!   - label: publish
//!     key: publish
//!     if: build.tag =~ /^v/
//!     command: trusted-publish exec --registry npm -- npm publish
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Audience, Context, Detection, Environment, Provider as _};
//! use oidc_providers::Buildkite;
//!
//! let variables = [
//!     ("BUILDKITE", "true"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = Buildkite::public();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//!
//! // The line for a tool that reads a variable and asks no platform.
//! let line = platform.variable_line("NPM_ID_TOKEN", &Audience::new("npm:registry.example")?);
//! assert!(line.is_some_and(|line| line.contains("buildkite-agent oidc request-token")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! Ids are UUIDs, `build_number` is a number. The names are those of [Buildkite's reference][claims].
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `organization_slug`, `pipeline_slug` | required | no | exactly |
//! | `organization_id`, `pipeline_id` | every publisher needs them, configured or learned; a job must ask for them (`--claim`), as the source here does | yes | exactly |
//! | `build_branch`, `build_tag` | optional; absent, `null` and empty are the same | no | as a pattern |
//! | `step_key` | optional | no | exactly |
//! | `build_number`, `job_id` | optional, for the link to the job | | |
//! | `build_commit` | optional, for the record | yes | |
//! | `sub` | ignored: a job can choose what stands there | | |
//! | `agent_id`, `build_id`, `build_source`, `cluster_id`, `cluster_name`, `queue_id`, `queue_key`, `runner_environment`, `jti` | ignored; no `jti` is documented, so a token is known by its digest | | |
//! | `agent_tag:…` | ignored: the rest of the name is the agent's | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | that the code was reviewed | any branch can run the pipeline; constrain `build_branch` or `build_tag`, and who may push those |
//! | that the steps are what you read | a step can upload further steps |
//! | which branch it really is | anyone who starts a build by hand or by the API writes the branch's name |
//! | that the branch is the repository's own | where the pipeline builds pull requests from forks, a fork's branch can have any name, `main` too, unless Buildkite is set to put the fork's owner before it; publish from a pipeline that builds none |
//! | that the machine is Buildkite's | agents are usually your own |
//! | that the pipeline is still the same one | a name can change hands; the ids are compared too, once they are learned |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `organization_slug` | required | `"acme"` | the organization's name in the web address | exactly |
//! | `pipeline_slug` | required | `"widget"` | the pipeline's name in the web address | exactly |
//! | `organization_id` | learned | `"0184990a-477b-4fa8-9968-496074483cee"` | the organization's UUID | exactly |
//! | `pipeline_id` | learned | `"0184990a-477b-4fa8-9968-496074483cee"` | the pipeline's UUID | exactly |
//! | `build_branch` | optional | `"main"` | the build's branch | as a pattern |
//! | `build_tag` | optional | `"v*"` | the build's tag | as a pattern |
//! | `step_key` | optional | `"publish"` | the step's key | exactly |
//!
//! Of several matching publishers of a package, the one with more of `build_branch`, `build_tag` and
//! `step_key` is more specific.
//!
//! [claims]: https://buildkite.com/docs/pipelines/security/oidc

mod advice;
mod claims;
mod fields;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use oidc_core::ReplaySource;

use self::claims::{CLAIM_PREFIXES, CLAIMS};
pub use self::fields::BuildkitePublisher;
use self::publisher::RULES;
use crate::command::variable_line;
use crate::provider::{Definition, provider};
use crate::run::Pages;

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "buildkite";

/// The secrets of the agent, its command and its API. The job's own API (`BUILDKITE_AGENT_JOB_API_*`) gives
/// access to the job's variables.
const IDENTITY_VARIABLES: &[&str] =
    &["BUILDKITE_AGENT_ACCESS_TOKEN", "BUILDKITE_AGENT_TOKEN", "BUILDKITE_AGENT_JOB_API_*"];

/// The public issuer.
const ISSUER: &str = "https://agent.buildkite.com";

/// The web site that shows builds.
const SERVER: &str = "https://buildkite.com";

/// The way to get another token.
const RENEWAL: &str =
    "run the step again, or ask its agent for another token, with `buildkite-agent oidc request-token`";

static DEFINITION: Definition = Definition {
    id: ID,
    title: "Buildkite",
    source_variables: &[
        "BUILDKITE",
        "BUILDKITE_AGENT_ACCESS_TOKEN",
        "BUILDKITE_JOB_ID",
        "BUILDKITE_AGENT_ENDPOINT",
    ],
    identity_variables: IDENTITY_VARIABLES,
    detect: source::detect,
    replay: ReplaySource::Digest,
    claims: CLAIMS,
    claim_prefixes: CLAIM_PREFIXES,
    rules: &RULES,
    advise: |token| advice::advise(token.claims),
    renewal: |_| RENEWAL.into(),
    variable_line: |name, audience| Some(variable_line(name, &source::command(audience))),
    pages: Pages {
        repository: "{organization_slug}/{pipeline_slug}",
        sha: "build_commit",
        git_ref: &["build_tag", "build_branch"],
        run: &["{organization_slug}/{pipeline_slug}/builds/{#build_number}"],
        ..Pages::NONE
    },
    site: |_| Some(SERVER.to_owned()),
    ..Definition::EMPTY
};

provider! {
    /// Buildkite with one issuer.
    Buildkite(DEFINITION)

    /// Buildkite with its public issuer.
    public(ISSUER);

    /// Buildkite with this issuer and no other, such as an issuer on loopback for tests.
    at;
}

provider!(Buildkite: Default);
