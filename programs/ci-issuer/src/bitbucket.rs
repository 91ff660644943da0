use oidc_providers::bitbucket::sample;

use super::platform::{Job, Platform, Variables, variable};

/// Bitbucket Pipelines: a step's token is in a variable before the step begins.
pub static BITBUCKET: Platform = Platform {
    name: "bitbucket",
    jwks_path: "/keys.json",
    claims: sample::claims_with,
    endpoint: None,
    command: None,
    token_variable: Some(token_variable),
    variables,
};

const REPEATED: &[(&str, &str)] = &[
    ("BITBUCKET_BRANCH", "branchName"),
    ("BITBUCKET_DEPLOYMENT_ENVIRONMENT_UUID", "deploymentEnvironmentUuid"),
    ("BITBUCKET_PIPELINE_UUID", "pipelineUuid"),
    ("BITBUCKET_REPO_UUID", "repositoryUuid"),
    ("BITBUCKET_STEP_UUID", "stepUuid"),
];

fn variables(job: &Job<'_>) -> Variables {
    let mut variables = vec![variable("CI", "true"), variable("BITBUCKET_BUILD_NUMBER", "7")];
    variables.extend(job.repeated(REPEATED));
    variables
}

fn token_variable(_audience: &str) -> String {
    "BITBUCKET_STEP_OIDC_TOKEN".to_owned()
}
