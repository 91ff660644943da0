use axum::Json;
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;
use oidc_providers::azure::sample;
use serde_json::{Value, json};

use super::platform::{Endpoint, Job, Platform, Variables, is_bearer, variable};

/// The token endpoint's path below the issuer. The real one is long and at another host.
const ENDPOINT: &str = "/oidctoken";

/// Azure Pipelines: a step asks its organization for tokens, which all have one audience.
pub static AZURE: Platform = Platform {
    name: "azure",
    jwks_path: "/.well-known/jwks",
    claims: sample::claims_with,
    endpoint: Some(Endpoint {
        path: ENDPOINT,
        method: MethodFilter::POST,
        is_allowed: is_bearer,
        default_audience,
        answer,
    }),
    command: None,
    token_variable: None,
    variables,
};

const REPEATED: &[(&str, &str)] = &[
    ("BUILD_BUILDID", "run_id"),
    ("BUILD_REPOSITORY_URI", "rpo_uri"),
    ("BUILD_SOURCEBRANCH", "rpo_ref"),
    ("BUILD_SOURCEVERSION", "rpo_ver"),
    ("SYSTEM_DEFINITIONID", "def_id"),
];

fn variables(job: &Job<'_>) -> Variables {
    let mut variables = vec![variable("TF_BUILD", "True")];
    variables.extend(job.repeated(REPEATED));
    variables.push(variable("SYSTEM_OIDCREQUESTURI", format!("{}{ENDPOINT}", job.url)));
    variables.push(variable("SYSTEM_ACCESSTOKEN", job.request_token));
    variables
}

fn default_audience(_claims: &Value) -> String {
    sample::AUDIENCE.to_owned()
}

fn answer(token: &str) -> Response {
    Json(json!({ "oidcToken": token })).into_response()
}
