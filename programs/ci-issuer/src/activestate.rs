use oidc_providers::activestate::sample;

use super::platform::{Job, Platform, Variables, named_by_audience};

/// ActiveState: no job finds itself there. Its tokens come by a named variable (`--audience`) or by `ci-issuer token`.
pub static ACTIVESTATE: Platform = Platform {
    name: "activestate",
    jwks_path: "/keys",
    claims: sample::claims_with,
    endpoint: None,
    command: None,
    token_variable: Some(named_by_audience),
    variables,
};

fn variables(_job: &Job<'_>) -> Variables {
    Variables::new()
}
