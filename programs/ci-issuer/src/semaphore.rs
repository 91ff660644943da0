use oidc_providers::semaphore::sample;

use super::platform::{Job, Platform, Variables, variable};

/// Semaphore: a job's token is in a variable before the job begins, for the organization's URL and no other audience.
pub static SEMAPHORE: Platform = Platform {
    name: "semaphore",
    jwks_path: "/.well-known/jwks",
    claims: sample::claims_with,
    endpoint: None,
    command: None,
    token_variable: None,
    variables,
};

const REPEATED: &[(&str, &str)] = &[
    ("SEMAPHORE_GIT_REF", "ref"),
    ("SEMAPHORE_GIT_REF_TYPE", "ref_type"),
    ("SEMAPHORE_GIT_REPO_SLUG", "repo_slug"),
    ("SEMAPHORE_JOB_ID", "job_id"),
    ("SEMAPHORE_PROJECT_ID", "prj_id"),
    ("SEMAPHORE_WORKFLOW_ID", "wf_id"),
];

fn variables(job: &Job<'_>) -> Variables {
    let mut variables = vec![variable("CI", "true"), variable("SEMAPHORE", "true")];
    variables.extend(job.repeated(REPEATED));
    variables.push(variable("SEMAPHORE_OIDC_TOKEN", (job.token)(job.url)));
    variables
}
