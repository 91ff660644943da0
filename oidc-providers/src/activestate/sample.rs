//! The claims of a token of ActiveState's builder, for tests.
//!
//! The claims are those of PyPI's tests of ActiveState publishers.

use serde_json::Value;

use crate::sample::{Overrides, Sample};

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 900;

/// [`claims_with`] as they are.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// The claims of `acme/widget`, published by the user `00000000-0000-1000-8000-000000000002`, with the
/// overrides. `sub` and `project_path` are derived from the others.
///
/// `now` is in seconds since the Unix epoch and becomes `iat`; `jti` should differ from call to call.
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, audience), now, LIFETIME, overrides);
    sample.claim("jti", jti);
    sample.claim("nbf", now);
    sample.claim("organization", "acme");
    sample.claim("organization_id", "11111111-1111-4111-8111-111111111111");
    sample.claim("project", "widget");
    sample.claim("project_id", "22222222-2222-4222-8222-222222222222");
    sample.claim("project_visibility", "private");
    sample.claim("actor", "alice");
    sample.claim("actor_id", "00000000-0000-1000-8000-000000000002");
    sample.claim("builder", "pypi-publisher");
    sample.claim("ingredient_name", "widget");
    sample.claim("artifact_id", "33333333-3333-4333-8333-333333333333");
    let (organization, project) = (sample.text("organization"), sample.text("project"));
    sample.claim("project_path", format!("{organization}/{project}"));
    sample.claim("sub", format!("org:{organization}:project:{project}"));
    sample.finish()
}
