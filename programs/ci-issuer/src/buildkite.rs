use axum::Json;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;
use oidc_providers::buildkite::sample;
use serde_json::{Value, json};

use super::platform::{Command, Endpoint, Job, Platform, Variables, credentials, variable};

/// Buildkite: a job asks the command `buildkite-agent` for tokens, or the agent's API where there is none. The ids are
/// in every token, asked for or not.
pub static BUILDKITE: Platform = Platform {
    name: "buildkite",
    jwks_path: "/.well-known/jwks",
    claims: sample::claims_with,
    endpoint: Some(Endpoint {
        path: "/v3/jobs/{job}/oidc/tokens",
        method: MethodFilter::POST,
        is_allowed,
        default_audience,
        answer,
    }),
    command: Some(Command { program: "buildkite-agent", audience }),
    token_variable: None,
    variables,
};

const REPEATED: &[(&str, &str)] = &[
    ("BUILDKITE_AGENT_ID", "agent_id"),
    ("BUILDKITE_BRANCH", "build_branch"),
    ("BUILDKITE_BUILD_NUMBER", "build_number"),
    ("BUILDKITE_COMMIT", "build_commit"),
    ("BUILDKITE_JOB_ID", "job_id"),
    ("BUILDKITE_ORGANIZATION_ID", "organization_id"),
    ("BUILDKITE_ORGANIZATION_SLUG", "organization_slug"),
    ("BUILDKITE_PIPELINE_ID", "pipeline_id"),
    ("BUILDKITE_PIPELINE_SLUG", "pipeline_slug"),
    ("BUILDKITE_SOURCE", "build_source"),
    ("BUILDKITE_STEP_KEY", "step_key"),
    ("BUILDKITE_TAG", "build_tag"),
];

fn variables(job: &Job<'_>) -> Variables {
    let mut variables = vec![variable("CI", "true"), variable("BUILDKITE", "true")];
    variables.extend(job.repeated(REPEATED));
    variables.push(variable("BUILDKITE_AGENT_ENDPOINT", format!("{}/v3", job.url)));
    variables.push(variable("BUILDKITE_AGENT_ACCESS_TOKEN", job.request_token));
    variables
}

fn is_allowed(headers: &HeaderMap, request_token: &str) -> bool {
    credentials(headers, "token") == Some(request_token)
}

fn default_audience(claims: &Value) -> String {
    let organization = claims.get("organization_slug").and_then(Value::as_str).unwrap_or_default();
    format!("https://buildkite.com/{organization}")
}

fn answer(token: &str) -> Response {
    Json(json!({ "token": token })).into_response()
}

/// The audience of `oidc request-token --audience …`.
fn audience(arguments: &[String]) -> Result<String, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let found = words.iter().position(|word| *word == "--audience").and_then(|at| words.get(at + 1));
    match (words.starts_with(&["oidc", "request-token"]), found) {
        (true, Some(audience)) => Ok((*audience).to_owned()),
        _ => {
            Err("expected: buildkite-agent oidc request-token --audience AUDIENCE [--claim CLAIM]…"
                .to_owned())
        }
    }
}
