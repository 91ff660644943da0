use oidc_core::ClaimRule;

/// Every claim that Forgejo puts into a token (`claims_supported` of its discovery document, and Forgejo's documentation of
/// OpenID Connect in Actions). All but the times are texts.
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required("repository"),
    ClaimRule::required("repository_owner"),
    // The first release with identity tokens, 15.0, has no ids in them.
    ClaimRule::optional("repository_id").immutable(),
    ClaimRule::optional("repository_owner_id").immutable(),
    ClaimRule::required("workflow_ref"),
    ClaimRule::required("event_name"),
    ClaimRule::required("ref"),
    ClaimRule::optional("ref_protected"),
    ClaimRule::optional("run_number"),
    ClaimRule::optional("sha").immutable(),
    ClaimRule::ignored("sub"),
    ClaimRule::ignored("actor"),
    ClaimRule::ignored("actor_id").immutable(),
    ClaimRule::ignored("base_ref"),
    ClaimRule::ignored("head_ref"),
    ClaimRule::ignored("ref_type"),
    ClaimRule::ignored("run_attempt"),
    ClaimRule::ignored("run_id"),
    ClaimRule::ignored("workflow"),
];
