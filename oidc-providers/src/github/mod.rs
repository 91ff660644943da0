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
//! | that the repository is still the same one | a name can change hands; the ids are compared too, once they are learned |
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
mod fields;
mod names;
mod owner;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use oidc_core::HttpUrl;

use self::claims::{CLAIM_PREFIXES, CLAIMS};
pub use self::fields::GitHubPublisher;
pub use self::owner::GitHubOwnerPublisher;
use self::owner::OWNER_RULES;
use self::publisher::{RULES, RULES_WITHOUT_WORKFLOW, WORKFLOWS};
use crate::advice::settings_with_called;
use crate::provider::{Definition, provider};
use crate::rules::compared::Compared;
use crate::rules::workflow::started_path;
use crate::run::{Pages, SourcePages};
use crate::runner::{IDENTITY_VARIABLES, RESIDENCY_SUFFIX, SOURCE_VARIABLES};

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "github";

/// The issuer of github.com.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The web site that belongs to [`ISSUER`] and to every enterprise's issuer below it.
const SERVER: &str = "https://github.com";

/// The host of a data-residency instance is `SUBDOMAIN.ghe.com`, and its issuer's host
/// `token.actions.SUBDOMAIN.ghe.com`.
const RESIDENCY_PREFIX: &str = "token.actions.";

static DEFINITION: Definition = Definition {
    id: ID,
    title: "GitHub Actions",
    source_variables: SOURCE_VARIABLES,
    identity_variables: IDENTITY_VARIABLES,
    detect: source::detect,
    // Tokens live 5 minutes on github.com; the default of an hour leaves room for the settings of other hosts.
    claims: CLAIMS,
    claim_prefixes: CLAIM_PREFIXES,
    rules: &RULES,
    comparing: |registry| {
        let is_any = Compared::from(registry.workflow).is_neither();
        Some(if is_any { &RULES_WITHOUT_WORKFLOW } else { &RULES })
    },
    settings: |platform, claims| settings_with_called(&WORKFLOWS, platform, claims),
    advise: advice::advise,
    renewal: |variable| {
        let variable = variable.map_or("a variable".to_owned(), |name| format!("the variable `{name}`"));
        format!("run the publish again: GitHub gives a new token each time it is asked, unless {variable} holds the old one").into()
    },
    pages: Pages {
        repository: "{repository}",
        sha: "sha",
        git_ref: &["ref"],
        run: &[
            "{repository}/actions/runs/{run_id}/attempts/{run_attempt}",
            "{repository}/actions/runs/{run_id}",
        ],
        source: Some(SourcePages {
            commit: "{repository}/commit/{sha}",
            folder: "{repository}/blob/{sha}",
            file: started_path,
        }),
    },
    site: server_of,
    ..Definition::EMPTY
};

provider! {
    /// GitHub Actions with one issuer.
    GitHub(DEFINITION)

    /// GitHub Actions of github.com.
    public(ISSUER);

    /// GitHub Actions with this issuer and no other: `https://HOST/_services/token` of GitHub Enterprise
    /// Server, an enterprise's own issuer below github.com's, a data-residency host's, or an issuer on
    /// loopback for tests. The URL is compared with `iss` byte by byte, so a token of this issuer never
    /// matches a publisher of another issuer.
    at;

    /// Makes every comparison exact, including case, as npm does.
    comparing_exactly;

    /// Accepts publishers for every repository of an owner too, whose configuration has `owner` in place of
    /// `repository` ([`GitHub::owner_fields`], [`GitHubOwnerPublisher`]). It is off by default: whoever can push to
    /// any repository of the owner can then publish, and an account with such a publisher is known by the
    /// tokens of all of them. Who may save one is the application's decision; it should be those whom GitHub
    /// calls administrators of the owner, with the owner's id, as in [`GitHubOwnerPublisher`]'s example.
    ///
    /// A publisher for a repository of its own is more specific than any for an owner.
    allowing_owners(OWNER_RULES);
}

provider!(GitHub: Default);

/// The web site that shows the runs of an issuer.
fn server_of(issuer: &str) -> Option<String> {
    if issuer.strip_prefix(ISSUER).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return Some(SERVER.to_owned());
    }
    let host = HttpUrl::parse(issuer).ok()?.host_and_port();
    let subdomain = host.strip_prefix(RESIDENCY_PREFIX).filter(|rest| rest.ends_with(RESIDENCY_SUFFIX));
    let (scheme, _) = issuer.split_once("://")?;
    Some(format!("{scheme}://{}", subdomain.unwrap_or(&host)))
}
