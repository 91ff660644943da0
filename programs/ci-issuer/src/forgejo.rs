use axum::Json;
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;
use oidc_providers::forgejo::sample;
use serde_json::{Value, json};

use super::platform::{Endpoint, Job, Platform, Variables, is_bearer, variable};

/// The token endpoint's path below the issuer, as Forgejo has it.
const ENDPOINT: &str = "/_apis/pipelines/workflows/1/idtoken";

/// Forgejo Actions: a job asks for tokens at run time, as on GitHub, whose variables Forgejo's runner sets too. An
/// instance's issuer has the path `/api/actions`, for which `--issuer-path` is there.
pub static FORGEJO: Platform = Platform {
    name: "forgejo",
    jwks_path: "/.well-known/keys",
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
    ("GITHUB_EVENT_NAME", "event_name"),
    ("GITHUB_REF", "ref"),
    ("GITHUB_REPOSITORY", "repository"),
    ("GITHUB_REPOSITORY_OWNER", "repository_owner"),
    ("GITHUB_RUN_ID", "run_id"),
    ("GITHUB_RUN_NUMBER", "run_number"),
    ("GITHUB_SHA", "sha"),
    ("GITHUB_WORKFLOW", "workflow"),
];

fn variables(job: &Job<'_>) -> Variables {
    let server = job.url.strip_suffix("/api/actions").unwrap_or(job.url);
    let mut variables = vec![
        variable("CI", "true"),
        variable("FORGEJO_ACTIONS", "true"),
        variable("GITHUB_ACTIONS", "true"),
        variable("GITHUB_SERVER_URL", server),
    ];
    variables.extend(job.repeated(REPEATED));
    let endpoint = format!("{}{ENDPOINT}?placeholder=true", job.url);
    variables.push(variable("ACTIONS_ID_TOKEN_REQUEST_URL", endpoint));
    variables.push(variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.request_token));
    variables
}

fn default_audience(claims: &Value) -> String {
    let text = |claim| claims.get(claim).and_then(Value::as_str).unwrap_or_default();
    format!("{}/{}", text("iss").trim_end_matches("/api/actions"), text("repository_owner"))
}

fn answer(token: &str) -> Response {
    Json(json!({ "value": token })).into_response()
}
