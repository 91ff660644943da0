//! The claims of a run on HCP Terraform, for tests.
//!
//! The claims are those of HashiCorp's documentation of workload identity tokens. All values except the times are strings.

use serde_json::Value;

use crate::sample::{Overrides, Sample};

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 7200;

/// [`claims_with`] without overrides.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// The claims of the apply phase of a run in the workspace `publish-widget` of `acme`, with the overrides.
/// `terraform_full_workspace` and `sub` are derived from the others.
///
/// `now` is in seconds since the Unix epoch and becomes `iat`; `jti` should differ from call to call.
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, audience), now, LIFETIME, overrides);
    sample.claim("jti", jti);
    sample.claim("nbf", now);
    sample.claim("terraform_organization_id", "org-GRNbCjYNpBB6NEBH");
    sample.claim("terraform_organization_name", "acme");
    sample.claim("terraform_project_id", "prj-vegSA59s1XPwMr2t");
    sample.claim("terraform_project_name", "libraries");
    sample.claim("terraform_workspace_id", "ws-mbsd5E3Ktt5Rg2Xm");
    sample.claim("terraform_workspace_name", "publish-widget");
    sample.claim("terraform_run_id", "run-X3n1AUXNGWbfECsJ");
    sample.claim("terraform_run_phase", "apply");
    let text = |name| sample.text(name);
    let workspace = format!(
        "organization:{}:project:{}:workspace:{}",
        text("terraform_organization_name"),
        text("terraform_project_name"),
        text("terraform_workspace_name")
    );
    let subject = format!("{workspace}:run_phase:{}", text("terraform_run_phase"));
    sample.claim("terraform_full_workspace", workspace);
    sample.claim("sub", subject);
    sample.finish()
}
