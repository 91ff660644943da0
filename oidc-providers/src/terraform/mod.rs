//! HCP Terraform and Terraform Enterprise.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | `TFC_RUN_ID` | set in every run |
//! | `TFC_WORKLOAD_IDENTITY_TOKEN` | the run's token; only if the workspace sets `TFC_WORKLOAD_IDENTITY_AUDIENCE` |
//! | `TFC_WORKLOAD_IDENTITY_TOKEN_TAG` for any `TAG` | a further token; only if the workspace sets `TFC_WORKLOAD_IDENTITY_AUDIENCE_TAG` |
//!
//! The first variable with a token for the audience is used. HCP Terraform makes the tokens before the phase
//! begins, so a run can't ask for another one.
//!
//! # A job that may publish
//!
//! The workspace's variables name the audience.
//!
//! ```text
//! # Environment variables of the workspace
//! TFC_WORKLOAD_IDENTITY_AUDIENCE = registry.example
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Context, Detection, Environment, Provider as _};
//! use oidc_providers::Terraform;
//!
//! let variables = [
//!     ("TFC_RUN_ID", "run-1"),
//!     ("TFC_WORKLOAD_IDENTITY_TOKEN", "header.claims.signature"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = Terraform::public();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! All values except the times are strings. The names are those of HashiCorp's documentation of workload
//! identity tokens. A token is said to live until its phase ends, at most a day, which is uncertain.
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `terraform_organization_name`, `terraform_workspace_name` | required | no | exactly |
//! | `terraform_organization_id`, `terraform_workspace_id` | required, configured or learned | yes | exactly |
//! | `terraform_run_phase` | required: `apply`, unless a publisher names `plan` | | exactly |
//! | `terraform_project_name` | optional | no | exactly |
//! | `terraform_run_id` | optional, for the link to the run | | |
//! | `sub`, `jti`, `terraform_full_workspace`, `terraform_project_id` | ignored; that every token has a `jti` is uncertain, so a token is known by its digest | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | which code ran | no claim names a repository, a commit or a configuration's version |
//! | that a person approved the run | a workspace may apply without asking; a plan runs for any change |
//! | that the provisioners and providers of the run are the organization's own | whatever runs in the phase reads the token |
//! | that the names still have the same owner | names can change hands; the ids are compared too, once they are learned |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `organization_name` | required | `"acme"` | the organization's name | exactly |
//! | `workspace_name` | required | `"publish-widget"` | the workspace's name | exactly |
//! | `terraform_organization_id` | learned | `"org-GRNbCjYNpBB6NEBH"` | the id that HCP Terraform gave the organization | exactly |
//! | `terraform_workspace_id` | learned | `"ws-mbsd5E3Ktt5Rg2Xm"` | the id that HCP Terraform gave the workspace | exactly |
//! | `project_name` | optional | `"libraries"` | the name of the workspace's project | exactly |
//! | `run_phase` | optional | `"apply"` | the phase of the run; without it apply alone, since a plan may run for a change that nobody approved: `apply` or `plan` | exactly |

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
pub use self::fields::TerraformPublisher;
use self::publisher::RULES;
use crate::provider::{A_DAY, Definition, provider};
use crate::run::Pages;

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "terraform";

/// The public issuer, which is also the web site that shows runs.
const ISSUER: &str = "https://app.terraform.io";

static DEFINITION: Definition = Definition {
    id: ID,
    title: "HCP Terraform",
    source_variables: &["TFC_RUN_ID", "TFC_WORKLOAD_IDENTITY_TOKEN", "TFC_WORKLOAD_IDENTITY_TOKEN_*"],
    // The variables with the run's tokens.
    identity_variables: &["TFC_WORKLOAD_IDENTITY_TOKEN*"],
    detect: |detection| Ok(source::detect(detection)),
    // A token lives as long as its phase may take.
    max_lifetime: A_DAY,
    replay: ReplaySource::Digest,
    claims: CLAIMS,
    rules: &RULES,
    pages: Pages {
        repository: "{terraform_organization_name}/{terraform_workspace_name}",
        run: &[
            "app/{terraform_organization_name}/workspaces/{terraform_workspace_name}/runs/{terraform_run_id}",
        ],
        ..Pages::NONE
    },
    site: |issuer| Some(issuer.to_owned()),
    ..Definition::EMPTY
};

provider! {
    /// HCP Terraform with one issuer.
    Terraform(DEFINITION)

    /// HCP Terraform with its public issuer.
    public(ISSUER);

    /// HCP Terraform with this issuer and no other: the URL of a Terraform Enterprise, or an issuer on loopback
    /// for tests.
    at;
}

provider!(Terraform: Default);
