use oidc_core::ClaimRule;

/// Every claim that Semaphore puts into a token (Semaphore's reference of OIDC tokens).
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required("org_id").immutable(),
    ClaimRule::required("prj_id").immutable(),
    ClaimRule::required("repo_slug"),
    ClaimRule::required("ref"),
    ClaimRule::required("ref_type"),
    ClaimRule::required("job_type"),
    ClaimRule::optional("wf_id"),
    ClaimRule::ignored("sub"),
    ClaimRule::ignored("branch"),
    ClaimRule::ignored("job_id"),
    ClaimRule::ignored("org"),
    ClaimRule::ignored("ppl_id"),
    ClaimRule::ignored("pr"),
    ClaimRule::ignored("pr_branch"),
    ClaimRule::ignored("prj"),
    ClaimRule::ignored("repo"),
    ClaimRule::ignored("tag"),
    ClaimRule::ignored("trg"),
];
