use std::fmt;

use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::MethodFilter;
use oidc_providers::sample::Overrides;
use serde_json::Value;

use super::{
    ACTIVESTATE, AWS, AZURE, BITBUCKET, BUILDKITE, CIRCLECI, FORGEJO, GENERIC, GITHUB, GITLAB, GOOGLE,
    SEMAPHORE, TERRAFORM,
};

/// The platforms that can be played.
pub static PLATFORMS: &[&Platform] = &[
    &FORGEJO,
    &GITHUB,
    &GITLAB,
    &CIRCLECI,
    &BUILDKITE,
    &AZURE,
    &BITBUCKET,
    &SEMAPHORE,
    &TERRAFORM,
    &GOOGLE,
    &AWS,
    &ACTIVESTATE,
    &GENERIC,
];

/// The differences between CI platforms: claims, paths, and the variables of a job.
pub struct Platform {
    /// The name, as `--provider` takes it.
    pub name: &'static str,
    /// The path of the JWKS, below the issuer's URL.
    pub(super) jwks_path: &'static str,
    /// A job's claims: of the issuer, for an audience, at a time in seconds since the epoch, with a `jti`,
    /// changed.
    pub(super) claims: fn(&str, &str, u64, &str, &Overrides) -> Value,
    /// The endpoint at which a job asks for tokens, on platforms that make them at run time.
    pub(super) endpoint: Option<Endpoint>,
    /// The command that a job asks for tokens, on platforms that have one.
    pub(super) command: Option<Command>,
    /// The variable that holds a token for an audience, on platforms that make them before the job.
    pub(super) token_variable: Option<fn(&str) -> String>,
    /// The variables that a job sees, without its tokens.
    pub(super) variables: fn(&Job<'_>) -> Variables,
}

impl Platform {
    /// The platform of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PLATFORMS.iter().copied().find(|platform| platform.name == name)
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A platform's token endpoint. The audience is in the query or in a JSON body.
pub(super) struct Endpoint {
    /// Its path below the issuer's URL.
    pub(super) path: &'static str,
    /// The method of the request.
    pub(super) method: MethodFilter,
    /// The check that a request authenticates itself, as the platform's requests do, by the job's request token.
    pub(super) is_allowed: fn(&HeaderMap, &str) -> bool,
    /// The audience of who names none, from the job's claims.
    pub(super) default_audience: fn(&Value) -> String,
    /// The answer that holds a token.
    pub(super) answer: fn(&str) -> Response,
}

/// A platform's command.
pub(super) struct Command {
    /// Its name.
    pub(super) program: &'static str,
    /// The audience that its arguments ask for, or what is wrong with them.
    pub(super) audience: fn(&[String]) -> Result<String, String>,
}

/// The credentials in a request's `Authorization`, if they are of this scheme.
pub(super) fn credentials<'a>(headers: &'a HeaderMap, expected: &str) -> Option<&'a str> {
    let value = headers.get("authorization")?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case(expected).then_some(credentials)
}

/// The check of a platform whose jobs present their request token as a bearer token.
pub(super) fn is_bearer(headers: &HeaderMap, request_token: &str) -> bool {
    credentials(headers, "bearer") == Some(request_token)
}

/// Variables with their values, in the order in which they are printed.
pub(super) type Variables = Vec<(String, String)>;

/// The source of a job's variables.
pub(super) struct Job<'a> {
    /// The issuer's URL, without a slash at its end.
    pub(super) url: &'a str,
    /// The secret by which the job authenticates itself at the token endpoint.
    pub(super) request_token: &'a str,
    /// The claims of the job's tokens.
    pub(super) claims: &'a Value,
    /// Makes a token for an audience.
    pub(super) token: &'a dyn Fn(&str) -> String,
}

impl Job<'_> {
    /// A claim as text; empty where it is missing or something else than text or a number.
    pub(super) fn text(&self, claim: &str) -> String {
        match self.claims.get(claim) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    /// The variables that repeat a claim, given as pairs of both names. Without the claim there is no
    /// variable.
    pub(super) fn repeated(&self, pairs: &[(&str, &str)]) -> Variables {
        pairs
            .iter()
            .filter(|(_, claim)| self.claims.get(claim).is_some())
            .map(|(variable, claim)| ((*variable).to_owned(), self.text(claim)))
            .collect()
    }
}

/// One variable.
pub(super) fn variable(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// The name by which publish tools look for a token: npm's `NPM_ID_TOKEN` whatever the registry's host,
/// else the audience in capitals with an underscore for what a variable's name can't hold, and `_ID_TOKEN`.
pub(super) fn named_by_audience(audience: &str) -> String {
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
            assert_eq!(named_by_audience(audience), name);
        }
    }
}
