use oidc_core::ClaimRule;

/// Every claim that GitHub is known to put into a token (GitHub's OIDC reference, and `claims_supported` of its
/// discovery document).
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required("repository"),
    ClaimRule::required("repository_id").immutable(),
    ClaimRule::required("repository_owner"),
    ClaimRule::required("repository_owner_id").immutable(),
    ClaimRule::required("workflow_ref"),
    ClaimRule::required("job_workflow_ref"),
    ClaimRule::required("event_name"),
    // Empty in the job of a deployment.
    ClaimRule::required_or_empty("ref"),
    ClaimRule::required("sha").immutable(),
    ClaimRule::optional("job_workflow_sha").immutable(),
    ClaimRule::optional("environment"),
    ClaimRule::optional("ref_protected"),
    ClaimRule::optional("runner_environment"),
    ClaimRule::optional("run_id"),
    ClaimRule::optional("run_attempt"),
    ClaimRule::ignored("sub"),
    ClaimRule::ignored("actor"),
    ClaimRule::ignored("actor_id").immutable(),
    ClaimRule::ignored("base_ref"),
    ClaimRule::ignored("check_run_id"),
    ClaimRule::ignored("enterprise"),
    ClaimRule::ignored("enterprise_id").immutable(),
    ClaimRule::ignored("environment_node_id").immutable(),
    ClaimRule::ignored("head_ref"),
    ClaimRule::ignored("issuer_scope"),
    ClaimRule::ignored("ref_type"),
    ClaimRule::ignored("repository_visibility"),
    ClaimRule::ignored("run_number"),
    ClaimRule::ignored("workflow"),
    ClaimRule::ignored("workflow_sha").immutable(),
];

/// The prefix of a repository's custom properties. The organization chooses the rest of their names.
pub(super) const CLAIM_PREFIXES: &[&str] = &["repo_property_"];
