//! The vendors' pages that messages point to. Each address is written here only.

/// Identity tokens of a workflow, and their claims.
pub(crate) const GITHUB_OIDC: &str = "https://docs.github.com/en/actions/reference/security/oidc";
/// The events that run a workflow, and the permissions of each run.
pub(crate) const GITHUB_EVENTS: &str =
    "https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows";
/// Workflows that call others.
pub(crate) const GITHUB_REUSABLE: &str =
    "https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows";
/// The environment of a job.
pub(crate) const GITHUB_ENVIRONMENTS: &str =
    "https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/control-deployments";
/// ID tokens of a job, and their claims.
pub(crate) const GITLAB_ID_TOKENS: &str = "https://docs.gitlab.com/ci/secrets/id_token_authentication/";
/// The environment of a job.
pub(crate) const GITLAB_ENVIRONMENTS: &str = "https://docs.gitlab.com/ci/environments/";
/// OpenID Connect tokens of a step, and their claims.
pub(crate) const BUILDKITE_OIDC: &str = "https://buildkite.com/docs/pipelines/security/oidc";
/// OpenID Connect tokens of a job, and their claims.
pub(crate) const CIRCLECI_OIDC: &str =
    "https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/";
