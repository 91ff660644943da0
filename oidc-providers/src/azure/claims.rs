use oidc_core::ClaimRule;

/// Every claim that Azure Pipelines is known to put into a pipeline's token (a token that another project's design document
/// shows, and that project's validator). All but the times are texts.
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required("org_id").immutable(),
    ClaimRule::required("prj_id").immutable(),
    ClaimRule::required("def_id").immutable(),
    ClaimRule::required("rpo_uri"),
    ClaimRule::required("rpo_ref"),
    ClaimRule::optional("rpo_ver").immutable(),
    ClaimRule::optional("run_id"),
    ClaimRule::ignored("sub"),
    ClaimRule::ignored("rpo_id"),
];
