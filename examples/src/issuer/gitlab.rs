use oidc_providers::gitlab::sample;

use super::platform::{Job, Platform, Variables, variable};

/// GitLab CI: a job finds its tokens in variables, named by the keyword `id_tokens:`.
pub static GITLAB: Platform = Platform {
    name: "gitlab",
    jwks_path: "/oauth/discovery/keys",
    claims: sample::claims_with,
    endpoint: None,
    token_variable: Some(token_variable),
    variables,
};

const REPEATED: &[(&str, &str)] = &[
    ("CI_COMMIT_REF_NAME", "ref"),
    ("CI_COMMIT_REF_PROTECTED", "ref_protected"),
    ("CI_COMMIT_SHA", "sha"),
    ("CI_ENVIRONMENT_NAME", "environment"),
    ("CI_ENVIRONMENT_TIER", "deployment_tier"),
    ("CI_JOB_ID", "job_id"),
    ("CI_PIPELINE_ID", "pipeline_id"),
    ("CI_PIPELINE_SOURCE", "pipeline_source"),
    ("CI_PROJECT_ID", "project_id"),
    ("CI_PROJECT_NAMESPACE", "namespace_path"),
    ("CI_PROJECT_NAMESPACE_ID", "namespace_id"),
    ("CI_PROJECT_PATH", "project_path"),
    ("CI_PROJECT_VISIBILITY", "project_visibility"),
    ("CI_RUNNER_ID", "runner_id"),
    ("GITLAB_USER_EMAIL", "user_email"),
    ("GITLAB_USER_ID", "user_id"),
    ("GITLAB_USER_LOGIN", "user_login"),
];

fn variables(job: &Job<'_>) -> Variables {
    let path = job.text("project_path");
    let project = format!("{}/{path}", job.url);
    let name = path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name);
    let of_kind = if job.text("ref_type") == "tag" { "CI_COMMIT_TAG" } else { "CI_COMMIT_BRANCH" };
    let mut variables = vec![
        variable("CI", "true"),
        variable("GITLAB_CI", "true"),
        variable("CI_SERVER", "yes"),
        variable("CI_SERVER_URL", job.url),
        variable("CI_PROJECT_NAME", name),
        variable("CI_PROJECT_URL", &project),
        variable("CI_PIPELINE_URL", format!("{project}/-/pipelines/{}", job.text("pipeline_id"))),
        variable("CI_JOB_URL", format!("{project}/-/jobs/{}", job.text("job_id"))),
        variable("CI_JOB_NAME", "publish"),
        variable("CI_CONFIG_PATH", ".gitlab-ci.yml"),
        variable(of_kind, job.text("ref")),
    ];
    variables.extend(job.repeated(REPEATED));
    variables
}

/// The name by which publish tools look for a token: npm's `NPM_ID_TOKEN` whatever the registry's host,
/// else the audience in capitals with an underscore for what a variable's name can't hold, and `_ID_TOKEN`.
fn token_variable(audience: &str) -> String {
    let named_by = if audience.starts_with("npm:") { "npm" } else { audience };
    let safe = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
    let first = if named_by.starts_with(|letter: char| letter.is_ascii_digit()) { "_" } else { "" };
    format!("{first}{}_ID_TOKEN", named_by.chars().map(safe).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_variable_is_named_by_the_audience() {
        for (audience, name) in [
            ("npm:registry.example", "NPM_ID_TOKEN"),
            ("npm:127.0.0.1:4873", "NPM_ID_TOKEN"),
            ("pypi", "PYPI_ID_TOKEN"),
            ("my-registry.example", "MY_REGISTRY_EXAMPLE_ID_TOKEN"),
            ("127.0.0.1", "_127_0_0_1_ID_TOKEN"),
        ] {
            assert_eq!(token_variable(audience), name);
        }
    }
}
