use axum::Json;
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;
use oidc_providers::github::sample;
use serde_json::{Value, json};

use super::platform::{Endpoint, Job, Platform, Variables, is_bearer, variable};

/// The URL of GitHub.
const SERVER: &str = "https://github.com";

/// The token endpoint's path. GitHub's is long and its query not empty, which clients have to cope with.
const ENDPOINT: &str = "/token";

/// GitHub Actions: a job asks for tokens at run time.
pub static GITHUB: Platform = Platform {
    name: "github",
    jwks_path: "/.well-known/jwks",
    claims: sample::claims_with,
    endpoint: Some(Endpoint {
        path: ENDPOINT,
        method: MethodFilter::GET,
        is_allowed: is_bearer,
        default_audience,
        answer,
    }),
    command: None,
    token_variable: None,
    variables,
};

const REPEATED: &[(&str, &str)] = &[
    ("GITHUB_ACTOR", "actor"),
    ("GITHUB_ACTOR_ID", "actor_id"),
    ("GITHUB_BASE_REF", "base_ref"),
    ("GITHUB_EVENT_NAME", "event_name"),
    ("GITHUB_HEAD_REF", "head_ref"),
    ("GITHUB_REF", "ref"),
    ("GITHUB_REF_PROTECTED", "ref_protected"),
    ("GITHUB_REF_TYPE", "ref_type"),
    ("GITHUB_REPOSITORY", "repository"),
    ("GITHUB_REPOSITORY_ID", "repository_id"),
    ("GITHUB_REPOSITORY_OWNER", "repository_owner"),
    ("GITHUB_REPOSITORY_OWNER_ID", "repository_owner_id"),
    ("GITHUB_RUN_ATTEMPT", "run_attempt"),
    ("GITHUB_RUN_ID", "run_id"),
    ("GITHUB_RUN_NUMBER", "run_number"),
    ("GITHUB_SHA", "sha"),
    ("GITHUB_WORKFLOW", "workflow"),
    ("GITHUB_WORKFLOW_REF", "workflow_ref"),
    ("GITHUB_WORKFLOW_SHA", "workflow_sha"),
    ("RUNNER_ENVIRONMENT", "runner_environment"),
];

fn variables(job: &Job<'_>) -> Variables {
    let reference = job.text("ref");
    let name = ["refs/tags/", "refs/heads/", "refs/"].iter().find_map(|start| reference.strip_prefix(start));
    let mut variables = vec![
        variable("CI", "true"),
        variable("GITHUB_ACTIONS", "true"),
        variable("GITHUB_SERVER_URL", SERVER),
        variable("GITHUB_JOB", "publish"),
        variable("GITHUB_REF_NAME", name.unwrap_or(&reference)),
    ];
    variables.extend(job.repeated(REPEATED));
    let endpoint = format!("{}{ENDPOINT}?api-version=2.0", job.url);
    variables.push(variable("ACTIONS_ID_TOKEN_REQUEST_URL", endpoint));
    variables.push(variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.request_token));
    variables
}

fn default_audience(claims: &Value) -> String {
    let owner = claims.get("repository_owner").and_then(Value::as_str).unwrap_or_default();
    format!("{SERVER}/{owner}")
}

fn answer(token: &str) -> Response {
    Json(json!({ "count": token.len(), "value": token })).into_response()
}
