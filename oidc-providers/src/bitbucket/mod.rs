//! Bitbucket Pipelines of Bitbucket Cloud.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | `BITBUCKET_BUILD_NUMBER` | set in every step |
//! | `BITBUCKET_STEP_OIDC_TOKEN` | the step's token; only with `oidc:` in the step |
//!
//! `oidc: true` gives a token for the workspace alone, which fits no registry; `oidc: { audiences: [...] }` names
//! the audiences. With several audiences in one step the token is said to name them all, which is uncertain;
//! such a token is refused, since each of these services could use it at the others. Bitbucket makes the token
//! before the step begins, so a step can't ask for another one.
//!
//! # A job that may publish
//!
//! The step names the audience; with `oidc: true` alone the token fits no registry.
//!
//! ```yaml
//! # bitbucket-pipelines.yml
//! pipelines:
//!   tags:
//!     "v*":
//!       - step:
//!           name: publish
//!           oidc:
//!             audiences: ["npm:registry.example"]
//!           script:
//!             - trusted-publish exec --registry npm -- npm publish
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Context, Detection, Environment, Provider as _};
//! use oidc_providers::Bitbucket;
//!
//! let variables = [
//!     ("BITBUCKET_BUILD_NUMBER", "7"),
//!     ("BITBUCKET_STEP_OIDC_TOKEN", "header.claims.signature"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = Bitbucket::client();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! All values except the times are strings. The names are those of Atlassian's documentation; UUIDs are in
//! braces. That no claim holds a name of the workspace or the repository, a commit or a tag is uncertain.
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `workspaceUuid`, `repositoryUuid` | required | yes | exactly |
//! | `deploymentEnvironmentUuid` | optional | yes | exactly |
//! | `branchName` | optional | no | as a pattern |
//! | `sub`, `pipelineUuid`, `stepUuid`, `jti` | ignored; that there is no `jti` is uncertain, so a token is known by its digest | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | which code was built | no claim names a commit or a tag |
//! | which pipeline or step ran | their UUIDs are new in each run; only a deployment environment has one that stays |
//! | that a person approved the publish | unless the deployment environment asks one |
//! | that the code was reviewed | the configuration is the one of the run's branch; constrain `branch` or the environment |
//! | which workspace's name is in the issuer | a renamed workspace gets another issuer, and its old name may be taken; the UUIDs decide |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `workspace_uuid` | required | `"{0184990a-477b-4fa8-9968-496074483cee}"` | the workspace's UUID in braces, which the repository's settings show | exactly |
//! | `repository_uuid` | required | `"{0184990a-477b-4fa8-9968-496074483cee}"` | the repository's UUID in braces, which its settings show | exactly |
//! | `deployment_environment_uuid` | recommended | `"{0184990a-477b-4fa8-9968-496074483cee}"` | the UUID in braces of the step's deployment environment | exactly |
//! | `branch` | optional | `"main"` | the pipeline's branch | as a pattern |

mod claims;
mod fields;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use oidc_core::ReplaySource;

use self::claims::CLAIMS;
pub use self::fields::BitbucketPublisher;
use self::publisher::RULES;
use crate::provider::{Definition, provider};
use crate::run::Pages;

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "bitbucket";

static DEFINITION: Definition = Definition {
    id: ID,
    title: "Bitbucket Pipelines",
    source_variables: &["BITBUCKET_BUILD_NUMBER", "BITBUCKET_STEP_OIDC_TOKEN"],
    // The variable with the step's token.
    identity_variables: &["BITBUCKET_STEP_OIDC_TOKEN"],
    detect: |detection| Ok(source::detect(detection)),
    claims: CLAIMS,
    replay: ReplaySource::Digest,
    rules: &RULES,
    // Bitbucket's tokens name a branch, and no repository or commit that a person knows.
    pages: Pages { git_ref: &["branchName"], ..Pages::NONE },
    ..Definition::EMPTY
};

provider! {
    /// Bitbucket Pipelines with the issuer of one workspace.
    Bitbucket(DEFINITION)

    /// The client half alone, which needs no issuer: each workspace has its own.
    client;

    /// Bitbucket Pipelines with this issuer and no other:
    /// `https://api.bitbucket.org/2.0/workspaces/WORKSPACE/pipelines-config/identity/oidc`, or an issuer on
    /// loopback for tests.
    at;
}
