use oidc_core::ClaimRule;

/// Every claim that HCP Terraform is known to put into a token (HashiCorp's documentation of workload identity tokens, and the
/// validator of another project).
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required("terraform_organization_name"),
    ClaimRule::required("terraform_organization_id").immutable(),
    ClaimRule::required("terraform_workspace_name"),
    ClaimRule::required("terraform_workspace_id").immutable(),
    ClaimRule::required("terraform_run_phase"),
    ClaimRule::optional("terraform_project_name"),
    ClaimRule::optional("terraform_run_id"),
    ClaimRule::ignored("sub"),
    ClaimRule::ignored("terraform_full_workspace"),
    ClaimRule::ignored("terraform_project_id").immutable(),
];
