use oidc_core::ClaimRule;

/// Every claim that ActiveState is known to put into a token (PyPI's warehouse, its model and its tests).
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required("organization"),
    ClaimRule::required("project"),
    ClaimRule::optional("organization_id").immutable(),
    ClaimRule::optional("project_id").immutable(),
    ClaimRule::required("actor_id").immutable(),
    ClaimRule::required("builder"),
    ClaimRule::required("sub"),
    ClaimRule::ignored("actor"),
    ClaimRule::ignored("artifact_id"),
    ClaimRule::ignored("branch_id"),
    ClaimRule::ignored("ingredient"),
    ClaimRule::ignored("ingredient_name"),
    ClaimRule::ignored("project_path"),
    ClaimRule::ignored("project_visibility"),
];
