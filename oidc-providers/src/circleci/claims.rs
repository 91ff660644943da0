use oidc_core::ClaimRule;

pub(super) const ORG_ID: &str = "oidc.circleci.com/org-id";
pub(super) const PROJECT_ID: &str = "oidc.circleci.com/project-id";
pub(super) const PIPELINE_DEFINITION_ID: &str = "oidc.circleci.com/pipeline-definition-id";
pub(super) const SSH_RERUN: &str = "oidc.circleci.com/ssh-rerun";
pub(super) const VCS_ORIGIN: &str = "oidc.circleci.com/vcs-origin";
pub(super) const VCS_REF: &str = "oidc.circleci.com/vcs-ref";
pub(super) const CONTEXT_IDS: &str = "oidc.circleci.com/context-ids";
pub(super) const WORKFLOW_ID: &str = "oidc.circleci.com/workflow-id";

/// Every claim that CircleCI is known to put into a token (CircleCI's reference of OpenID Connect tokens).
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required(ORG_ID).immutable(),
    ClaimRule::required(PROJECT_ID).immutable(),
    ClaimRule::required(PIPELINE_DEFINITION_ID).immutable(),
    ClaimRule::required_flag(SSH_RERUN),
    ClaimRule::optional(VCS_ORIGIN),
    ClaimRule::optional(VCS_REF),
    ClaimRule::optional(CONTEXT_IDS).immutable(),
    ClaimRule::optional(WORKFLOW_ID),
    ClaimRule::ignored("sub"),
    ClaimRule::ignored("oidc.circleci.com/job-id"),
    ClaimRule::ignored("oidc.circleci.com/pipeline-id"),
];
