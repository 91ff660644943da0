//! Azure Pipelines of Azure DevOps, with the tokens of a pipeline's run.
//!
//! **All tokens have one audience**, `api://AzureADTokenExchange`, which no job can choose. A registry accepts
//! them only if its operator says so for the issuer
//! ([`Issuer::with_fixed_audience`](oidc_core::Issuer::with_fixed_audience)), and a publish tool presents them only
//! if it is told to ([`Context::with_fixed_audience`](oidc_core::Context::with_fixed_audience)).
//! Then every service that a run presents a token to can publish with it until it is used or expires, and a
//! token that was stolen from a log-in to Azure publishes as well. A publisher needs the ids of the organization, the
//! project and the definition, and the registry remembers each token's `jti`.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | `TF_BUILD` | `True` in every job |
//! | `SYSTEM_OIDCREQUESTURI` | where to ask for a token |
//! | `SYSTEM_ACCESSTOKEN` | the secret to ask with; a step has it only if it maps it |
//!
//! # A job that may publish
//!
//! A step has the secret to ask with only if it maps it.
//!
//! ```yaml
//! # azure-pipelines.yml
//! steps:
//!   - script: trusted-publish exec --registry npm -- npm publish
//!     env:
//!       SYSTEM_ACCESSTOKEN: $(System.AccessToken)
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Context, Detection, Environment, Provider as _};
//! use oidc_providers::AzurePipelines;
//!
//! let variables = [
//!     ("TF_BUILD", "True"),
//!     ("SYSTEM_OIDCREQUESTURI", "https://dev.azure.example/oidc"),
//!     ("SYSTEM_ACCESSTOKEN", "secret"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = AzurePipelines::client();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! All values except the times are strings. The names are those of a token of a pipeline's run; the token of a
//! service connection lacks them, and newer connections are said to have Entra's issuer, which is uncertain.
//! Neither is accepted.
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `org_id`, `prj_id`, `def_id` | required | yes | exactly |
//! | `rpo_uri` | required | no | exactly |
//! | `rpo_ref` | required; without a rule any but that of a pull request | no | as a pattern |
//! | `rpo_ver`, `run_id` | optional, for the link to the run | | |
//! | `jti` | required | | |
//! | `sub`, `rpo_id` | ignored: they hold names that can change hands | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | that it was made for this registry | all tokens have one audience |
//! | that a person approved the publish | no claim names an environment or an approval |
//! | that the code was reviewed | the pipeline's file is the one of the run's ref; constrain `ref` |
//! | that the repository is still the same one | `rpo_uri` is an address, which somebody else may get |
//! | whose machine ran the job | no claim names the agent |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `organization_id` | required | `"0184990a-477b-4fa8-9968-496074483cee"` | the organization's UUID, which is also the last part of its issuer | exactly |
//! | `project_id` | required | `"0184990a-477b-4fa8-9968-496074483cee"` | the project's UUID | exactly |
//! | `definition_id` | required | `"7"` | the number of the pipeline's definition, which stands in its web address | exactly |
//! | `repository` | recommended | `"https://github.com/acme/widget.git"` | the address of the repository that the pipeline builds, as the token has it | exactly |
//! | `ref` | recommended | `"refs/tags/v*"` | the full name of the run's branch or tag; without it any but that of a pull request | as a pattern |

mod claims;
mod fields;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use self::claims::CLAIMS;
pub use self::fields::AzurePipelinesPublisher;
use self::publisher::RULES;
use crate::provider::{Definition, provider};
use crate::run::Pages;

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "azure";

static DEFINITION: Definition = Definition {
    id: ID,
    title: "Azure Pipelines",
    source_variables: &["TF_BUILD", "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"],
    // The variables with which a step asks for tokens.
    identity_variables: &["SYSTEM_ACCESSTOKEN", "SYSTEM_OIDCREQUESTURI"],
    detect: source::detect,
    claims: CLAIMS,
    rules: &RULES,
    renewal: |_| "run the job again: Azure Pipelines gives a new token each time it is asked".into(),
    pages: Pages { repository: "{rpo_uri}", sha: "rpo_ver", git_ref: &["rpo_ref"], ..Pages::NONE },
    ..Definition::EMPTY
};

provider! {
    /// Azure Pipelines with the issuer of one organization.
    AzurePipelines(DEFINITION)

    /// The client half alone, which needs no issuer: each organization has its own.
    client;

    /// Azure Pipelines with this issuer and no other: `https://vstoken.dev.azure.com/ORGANIZATION_ID`, or an
    /// issuer on loopback for tests. Organizations share their keys, so the issuer alone tells them apart.
    at;
}
