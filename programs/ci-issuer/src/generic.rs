use oidc_providers::generic::sample;

use super::platform::{Job, Platform, Variables};

/// Any other issuer: a token stands in the variable that chooses it, as a Kubernetes token would in a file.
pub static GENERIC: Platform = Platform {
    name: "generic",
    jwks_path: "/openid/v1/jwks",
    claims: sample::claims_with,
    endpoint: None,
    command: None,
    token_variable: Some(token_variable),
    variables,
};

fn variables(_job: &Job<'_>) -> Variables {
    Variables::new()
}

fn token_variable(_audience: &str) -> String {
    "OIDC_TOKEN".to_owned()
}
