use oidc_core::ClaimRule;

/// Every claim that Bitbucket is known to put into a token (Atlassian's documentation of OpenID Connect in Pipelines, and the
/// validator of another project).
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required("workspaceUuid").immutable(),
    ClaimRule::required("repositoryUuid").immutable(),
    ClaimRule::optional("deploymentEnvironmentUuid").immutable(),
    ClaimRule::optional("branchName"),
    ClaimRule::ignored("sub"),
    ClaimRule::ignored("pipelineUuid").immutable(),
    ClaimRule::ignored("stepUuid").immutable(),
];
