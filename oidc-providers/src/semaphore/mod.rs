//! Semaphore: organizations of Semaphore Cloud.
//!
//! **All tokens of an organization have one audience**, the organization's URL, which no job can choose. A
//! registry accepts them only if its operator says so for the issuer
//! ([`Issuer::with_fixed_audience`](oidc_core::Issuer::with_fixed_audience)), and a publish tool presents them only if
//! it is told to ([`Context::with_fixed_audience`](oidc_core::Context::with_fixed_audience)). Then every service that a job
//! presents its token to can publish with it until it is used or expires. A publisher needs the ids of the
//! organization and the project, and the registry remembers each token's `jti`.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | `SEMAPHORE` | `true` in every job |
//! | `SEMAPHORE_OIDC_TOKEN` | the job's token, made before it began |
//!
//! # A job that may publish
//!
//! Every job has a token from its beginning.
//!
//! ```yaml
//! # .semaphore/semaphore.yml
//! blocks:
//!   - name: publish
//!     run:
//!       when: "tag =~ '^v'"
//!     task:
//!       jobs:
//!         - name: publish
//!           commands:
//!             - checkout
//!             - trusted-publish exec --registry npm -- npm publish
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Context, Detection, Environment, Provider as _};
//! use oidc_providers::Semaphore;
//!
//! let variables = [
//!     ("SEMAPHORE", "true"),
//!     ("SEMAPHORE_OIDC_TOKEN", "header.claims.signature"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = Semaphore::client();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! All values except the times are strings. The names are those of Semaphore's reference of OIDC tokens, which
//! does not say how long a token lives: longer than an hour is refused unless the operator allows it.
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `org_id`, `prj_id` | required | yes | exactly |
//! | `repo_slug` | required | no | exactly |
//! | `ref` | required | no | as a pattern |
//! | `ref_type` | required: `branch` or `tag`, and never `pull-request` | | exactly |
//! | `job_type` | required: `pipeline_job`, and never that of a job that a person debugs | | exactly |
//! | `jti` | required | | |
//! | `wf_id` | optional, for the link to the workflow | | |
//! | `branch` | ignored: for a pull request it is the target's branch | | |
//! | `sub`, `job_id`, `org`, `ppl_id`, `pr`, `pr_branch`, `prj`, `repo`, `tag`, `trg` | ignored | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | that it was made for this registry | all tokens of the organization have one audience |
//! | which code was built | no claim names a commit |
//! | which pipeline or block ran | only ids that are new in each run |
//! | that a person approved the publish | `trg` tells an automatic promotion from a manual one, and no rule reads it |
//! | that the repository is still the same one | `repo_slug` is a name, which somebody else may get |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `organization_id` | required | `"0184990a-477b-4fa8-9968-496074483cee"` | the organization's UUID | exactly |
//! | `project_id` | required | `"0184990a-477b-4fa8-9968-496074483cee"` | the project's UUID | exactly |
//! | `repository` | recommended | `"acme/widget"` | the repository that the project builds, as owner/name | exactly |
//! | `ref` | recommended | `"refs/tags/v*"` | the full name of the branch or tag; a pull request never publishes | as a pattern |

mod claims;
mod fields;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use self::claims::CLAIMS;
pub use self::fields::SemaphorePublisher;
use self::publisher::RULES;
use crate::provider::{Definition, provider};
use crate::run::Pages;

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "semaphore";

static DEFINITION: Definition = Definition {
    id: ID,
    title: "Semaphore",
    source_variables: &["SEMAPHORE", "SEMAPHORE_OIDC_TOKEN"],
    // The variable with the job's token.
    identity_variables: &["SEMAPHORE_OIDC_TOKEN"],
    detect: |detection| Ok(source::detect(detection)),
    claims: CLAIMS,
    rules: &RULES,
    pages: Pages { repository: "{repo_slug}", git_ref: &["ref"], run: &["workflows/{wf_id}"], ..Pages::NONE },
    site: |issuer| Some(issuer.to_owned()),
    ..Definition::EMPTY
};

provider! {
    /// Semaphore with the issuer of one organization.
    Semaphore(DEFINITION)

    /// The client half alone, which needs no issuer: each organization has its own.
    client;

    /// Semaphore with this issuer and no other: `https://ORGANIZATION.semaphoreci.com`, or an issuer on loopback
    /// for tests.
    at;
}
