use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;
use oidc_providers::google::sample;
use serde_json::Value;

use super::platform::{Endpoint, Job, Platform, Variables, variable};

/// Google Cloud: whatever runs on a machine of theirs asks its metadata server for tokens.
pub static GOOGLE: Platform = Platform {
    name: "google",
    jwks_path: "/oauth2/v3/certs",
    claims: sample::claims_with,
    endpoint: Some(Endpoint {
        path: "/computeMetadata/v1/instance/service-accounts/default/identity",
        method: MethodFilter::GET,
        is_allowed,
        default_audience,
        answer,
    }),
    command: None,
    token_variable: None,
    variables,
};

fn variables(job: &Job<'_>) -> Variables {
    let host = job.url.split_once("://").map_or(job.url, |(_, rest)| rest);
    vec![variable("GCE_METADATA_HOST", host)]
}

/// The metadata server knows no secret; it wants a header that no browser sends by itself.
fn is_allowed(headers: &HeaderMap, _request_token: &str) -> bool {
    headers.get("metadata-flavor").is_some_and(|flavor| flavor == "Google")
}

fn default_audience(_claims: &Value) -> String {
    String::new()
}

fn answer(token: &str) -> Response {
    ([("metadata-flavor", "Google")], token.to_owned()).into_response()
}
