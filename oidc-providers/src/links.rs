//! The vendors' pages that messages point to. Each address stands here and nowhere else.

/// How a workflow gets identity tokens, and what they say.
pub(crate) const GITHUB_OIDC: &str = "https://docs.github.com/en/actions/reference/security/oidc";
/// Which events run a workflow, and whose rights it has then.
pub(crate) const GITHUB_EVENTS: &str =
    "https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows";
/// Workflows that call others.
pub(crate) const GITHUB_REUSABLE: &str =
    "https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows";
/// How a job names its environment.
pub(crate) const GITHUB_ENVIRONMENTS: &str =
    "https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/control-deployments";
/// How a job gets ID tokens, and what they say.
pub(crate) const GITLAB_ID_TOKENS: &str = "https://docs.gitlab.com/ci/secrets/id_token_authentication/";
/// How a job names its environment.
pub(crate) const GITLAB_ENVIRONMENTS: &str = "https://docs.gitlab.com/ci/environments/";
/// How a step gets OpenID Connect tokens, and what they say.
pub(crate) const BUILDKITE_OIDC: &str = "https://buildkite.com/docs/pipelines/security/oidc";
/// How a job gets OpenID Connect tokens, and what they say.
pub(crate) const CIRCLECI_OIDC: &str =
    "https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/";
