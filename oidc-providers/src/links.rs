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
/// `OpenID` Connect in Forgejo Actions.
pub(crate) const FORGEJO_OIDC: &str = "https://forgejo.org/docs/latest/user/actions/security-openid-connect/";
/// `OpenID` Connect in Bitbucket Pipelines.
pub(crate) const BITBUCKET_OIDC: &str = "https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/";
/// The request for a job's identity token.
pub(crate) const AZURE_OIDC: &str =
    "https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask/oidctoken/create";
/// The claims of a job's identity token.
pub(crate) const SEMAPHORE_OIDC: &str = "https://docs.semaphoreci.com/reference/openid";
/// Workload identity tokens of a run, and their claims.
pub(crate) const TERRAFORM_OIDC: &str = "https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens";
