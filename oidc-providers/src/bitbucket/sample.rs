//! The claims of a step on Bitbucket Pipelines, for tests.
//!
//! The claims are those of Atlassian's documentation. UUIDs are in braces; there is no `jti`, no name and no commit.

use serde_json::Value;

use crate::sample::{Overrides, Sample};

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 3600;

/// [`claims_with`] without overrides.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// The claims of a step of a pipeline of `main`, in a deployment environment, with the overrides. `sub` is
/// derived from the others.
///
/// `now` is in seconds since the Unix epoch and becomes `iat`. Bitbucket has no `jti`; `jti` becomes the step's
/// UUID here, so that tokens differ.
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, audience), now, LIFETIME, overrides);
    sample.claim("workspaceUuid", "{11111111-1111-4111-8111-111111111111}");
    sample.claim("repositoryUuid", "{22222222-2222-4222-8222-222222222222}");
    sample.claim("pipelineUuid", "{33333333-3333-4333-8333-333333333333}");
    sample.claim("stepUuid", format!("{{{jti}}}"));
    sample.claim("deploymentEnvironmentUuid", "{44444444-4444-4444-8444-444444444444}");
    sample.claim("branchName", "main");
    sample.claim("sub", format!("{}:{}", sample.text("repositoryUuid"), sample.text("stepUuid")));
    sample.finish()
}
