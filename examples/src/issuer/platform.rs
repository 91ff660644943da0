use std::fmt;

use oidc_providers::sample::Overrides;
use serde_json::Value;

use super::{GITHUB, GITLAB};

/// The platforms that can be played.
pub static PLATFORMS: &[&Platform] = &[&GITHUB, &GITLAB];

/// What differs between CI platforms: their claims, their paths, and what a job of theirs sees.
pub struct Platform {
    /// The name, as `--provider` takes it.
    pub name: &'static str,
    /// Where the JWKS is, below the issuer's URL.
    pub(super) jwks_path: &'static str,
    /// A job's claims: of the issuer, for an audience, at a time in seconds since the epoch, with a `jti`,
    /// changed.
    pub(super) claims: fn(&str, &str, u64, &str, &Overrides) -> Value,
    /// Where a job asks for tokens, on platforms that make them at run time.
    pub(super) endpoint: Option<Endpoint>,
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

/// A platform's token endpoint: `GET`, the request token as bearer, the audience in the query.
pub(super) struct Endpoint {
    /// Its path below the issuer's URL.
    pub(super) path: &'static str,
    /// The audience of who names none, from the job's claims.
    pub(super) default_audience: fn(&Value) -> String,
    /// The body that holds a token.
    pub(super) answer: fn(&str) -> Value,
}

/// Variables with their values, in the order in which they are printed.
pub(super) type Variables = Vec<(String, String)>;

/// What a job's variables are made from.
pub(super) struct Job<'a> {
    /// The issuer's URL, without a slash at its end.
    pub(super) url: &'a str,
    /// What the job authenticates with at the token endpoint.
    pub(super) request_token: &'a str,
    /// The claims of the job's tokens.
    pub(super) claims: &'a Value,
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
