//! GitLab CI: gitlab.com and self-managed instances.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | `GITLAB_CI` | `true` in every job |
//! | the one that the registry or the user names, such as `NPM_ID_TOKEN` | a token that the job's `id_tokens:` asks for |
//! | the one that is named after the audience, such as `NPM_REGISTRY_EXAMPLE_ID_TOKEN` for `npm:registry.example` | the same |
//!
//! The audience's variable is the audience in ASCII upper case, with `_` for every character other than `A`
//! to `Z` and `0` to `9`, and for a digit at the beginning, where variables have none; then `_ID_TOKEN`.
//! PyPI's clients use the same name.
//!
//! GitLab makes a job's tokens before it begins, so a job can't ask for another token.
//!
//! # A job that may publish
//!
//! The job names the variable and the audience; GitLab makes the token before the job begins.
//!
//! ```yaml
//! # .gitlab-ci.yml
//! publish:
//!   rules:
//!     - if: $CI_COMMIT_TAG
//!   environment: publish
//!   id_tokens:
//!     NPM_ID_TOKEN:
//!       aud: npm:registry.example
//!   script:
//!     - npm publish
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Audience, Context, Detection, Environment, Provider as _};
//! use oidc_providers::GitLab;
//!
//! let variables = [
//!     ("GITLAB_CI", "true"),
//!     ("NPM_REGISTRY_EXAMPLE_ID_TOKEN", "header.claims.signature"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = GitLab::public();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//!
//! // The lines for a job that has no token yet.
//! let line = platform.variable_line("NPM_ID_TOKEN", &Audience::new("npm:registry.example")?);
//! assert!(line.is_some_and(|line| line.contains("id_tokens")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! Ids and flags are strings, `runner_id` is a number. The names are those of [GitLab's reference][claims].
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `project_path` | required | no | ignoring ASCII case |
//! | `namespace_path` | required, equal to the namespace in `project_path` | no | ignoring ASCII case |
//! | `project_id`, `namespace_id` | required, configured or learned | yes | exactly |
//! | `ci_config_ref_uri` | every publisher needs it; `null` where the configuration is outside of the project, which is refused | no | host exactly, project ignoring ASCII case, file exactly |
//! | `ref_path` | required | no | as a pattern |
//! | `sha` | required | yes | exactly, in `ci_config_ref_uri` |
//! | `pipeline_source` | required | | exactly |
//! | `sub` | required, and read by no rule: projects can change its form | | |
//! | `job_project_path`, `job_project_id` | where present, equal to the project's; a merge request's pipeline, and a child pipeline that is not on a tag, must have both | no, yes | ignoring ASCII case, exactly |
//! | `environment` | optional; absent, `null` and empty are the same | no | exactly |
//! | `ref_protected` | optional, `"true"` or `"false"` | | exactly |
//! | `runner_environment` | optional, `gitlab-hosted` or `self-hosted` | | exactly |
//! | `job_id` | optional, for the link to the job | | |
//! | `ci_config_sha`, `deployment_tier`, `environment_action`, `environment_protected`, `groups_direct`, `job_config`, `job_namespace_id`, `job_namespace_path`, `job_source`, `pipeline_id`, `project_visibility`, `ref`, `ref_type`, `runner_id`, `target_audience`, `user_access_level`, `user_email`, `user_id`, `user_identities`, `user_login` | ignored | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | that a person approved the publish | any job of the configuration can ask for a token; only a protected environment with approval asks a person |
//! | that the code was reviewed | the configuration is the one of the pipeline's ref; constrain `ref`, `ref_protected` or `environment` |
//! | that the file says what you read | a configuration includes others, and `ci_config_ref_uri` names only the first. GitLab names the project's own file for child pipelines too and, in later versions, wherever the configuration is from elsewhere |
//! | who started it | `user_login` is who triggered the pipeline |
//! | that the machine is GitLab's | unless `runner_environment` is `gitlab-hosted` |
//! | that the token was not used before | it lives as long as the job, an hour by default; the registry remembers `jti` |
//! | which project a fork's merge request runs in | the meaning of `project_*` in such a token changed between GitLab versions, which is the reason for the rule on `job_project_*` |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `project_path` | required | `"acme/group/widget"` | the project's path with all its groups | ignoring ASCII case |
//! | `ci_config` | required | `".gitlab-ci.yml"` | the path of the CI configuration in the project | exactly |
//! | `environment` | recommended | `"publish"` | the job's environment | exactly |
//! | `project_id` | learned | `"123456"` | the number that GitLab gave the project | exactly |
//! | `namespace_id` | learned | `"123456"` | the number that GitLab gave the project's group or user | exactly |
//! | `ref` | optional | `"refs/tags/v*"` | the full name of the pipeline's branch or tag | as a pattern |
//! | `ref_protected` | optional | `true` | true if the branch or tag must be protected; false is no rule | exactly |
//! | `event` | optional | `["push", "web"]` | the events that may start the pipeline | one of the values |
//! | `runner_environment` | optional | `"gitlab-hosted"` | the owner of the machine that runs the job: `gitlab-hosted` or `self-hosted` | exactly |
//!
//! Of several matching publishers of a package, one with an `environment` is more specific than any without,
//! and then the one with more of `ref`, `ref_protected`, `event` and `runner_environment`. Ids don't count,
//! so learning them does not change the order.
//!
//! [claims]: https://docs.gitlab.com/ci/secrets/id_token_authentication/

mod advice;
mod claims;
mod fields;
mod names;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use self::claims::{CLAIMS, own_file};
pub use self::fields::GitLabPublisher;
use self::publisher::RULES;
use crate::provider::{A_DAY, Definition, provider};
use crate::rules::Comparison;
use crate::run::{Pages, SourcePages};

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "gitlab";

/// The issuer of gitlab.com.
const ISSUER: &str = "https://gitlab.com";

static DEFINITION: Definition = Definition {
    id: ID,
    title: "GitLab CI",
    source_variables: &["GITLAB_CI", "*_ID_TOKEN"],
    // The conventional names of variables with a job's tokens, and those of GitLab's earlier tokens. With `id_tokens:` a
    // variable may have any name.
    identity_variables: &["*_ID_TOKEN", "CI_JOB_JWT", "CI_JOB_JWT_*"],
    detect: |detection| Ok(source::detect(detection)),
    // The longest lifetime of a token is that of its job, which instances bound differently.
    max_lifetime: A_DAY,
    claims: CLAIMS,
    rules: &RULES,
    comparing: |_| Some(&RULES),
    advise: advice::advise,
    renewal: |_| {
        "retry the job: GitLab makes a job's tokens before it begins, and makes no second one in it".into()
    },
    variable_line: |name, audience| Some(source::variable_line(name, audience)),
    pages: Pages {
        repository: "{project_path}",
        sha: "sha",
        git_ref: &["ref_path"],
        run: &["{project_path}/-/jobs/{job_id}"],
        source: Some(SourcePages {
            commit: "{project_path}/-/commit/{sha}",
            folder: "{project_path}/-/blob/{sha}",
            file: |claims| own_file(claims, Comparison::default()),
        }),
    },
    site: |issuer| Some(issuer.to_owned()),
    ..Definition::EMPTY
};

provider! {
    /// GitLab CI with one issuer.
    GitLab(DEFINITION)

    /// GitLab CI of gitlab.com.
    public(ISSUER);

    /// GitLab CI of this instance and no other, by its URL. The URL is compared with `iss` byte by byte, so
    /// a token of this instance never matches a publisher of another instance.
    at;

    /// Makes every comparison exact, including case, as npm does.
    comparing_exactly;
}

provider!(GitLab: Default);
