use oidc_providers::gitlab::sample;

use super::platform::{Job, Platform, Variables, named_by_audience, variable};

/// GitLab CI: a job finds its tokens in variables, named by the keyword `id_tokens:`.
pub static GITLAB: Platform = Platform {
    name: "gitlab",
    jwks_path: "/oauth/discovery/keys",
    claims: sample::claims_with,
    endpoint: None,
    command: None,
    token_variable: Some(named_by_audience),
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
