use oidc_providers::terraform::sample;

use super::platform::{Job, Platform, Variables, variable};

/// HCP Terraform: a run's token is in a variable before the phase begins.
pub static TERRAFORM: Platform = Platform {
    name: "terraform",
    jwks_path: "/.well-known/jwks",
    claims: sample::claims_with,
    endpoint: None,
    command: None,
    token_variable: Some(token_variable),
    variables,
};

fn variables(job: &Job<'_>) -> Variables {
    vec![
        variable("TFC_RUN_ID", job.text("terraform_run_id")),
        variable("TFC_WORKSPACE_NAME", job.text("terraform_workspace_name")),
    ]
}

fn token_variable(_audience: &str) -> String {
    "TFC_WORKLOAD_IDENTITY_TOKEN".to_owned()
}
