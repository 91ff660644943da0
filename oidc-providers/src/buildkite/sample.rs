//! The claims of a job on Buildkite, for tests.
//!
//! The claims are those of Buildkite's documentation, including the ids that a job has to ask for. Ids are
//! UUIDs, `build_number` is a number.

use serde_json::Value;

use crate::sample::{Overrides, Sample};

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 300;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// [`claims_with`] without overrides.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// The claims of the step `publish` of the pipeline `acme/widget`, built for the tag `v1.0.0`, with the
/// overrides. `sub` is derived from the others.
///
/// `now` is in seconds since the Unix epoch and becomes `iat`. Buildkite has no `jti`; `jti` becomes the
/// job's id here, so that tokens differ.
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, audience), now, LIFETIME, overrides);
    sample.claim("nbf", now);
    sample.claim("organization_slug", "acme");
    sample.claim("organization_id", "11111111-1111-4111-8111-111111111111");
    sample.claim("pipeline_slug", "widget");
    sample.claim("pipeline_id", "22222222-2222-4222-8222-222222222222");
    sample.claim("build_number", 7);
    sample.claim("build_branch", "main");
    sample.claim("build_tag", "v1.0.0");
    sample.claim("build_commit", SHA);
    sample.claim("build_source", "webhook");
    sample.claim("step_key", "publish");
    sample.claim("job_id", jti);
    sample.claim("agent_id", "33333333-3333-4333-8333-333333333333");
    sample.claim("runner_environment", "buildkite-hosted");
    let text = |name| sample.text(name);
    let subject = format!(
        "organization:{}:pipeline:{}:ref:refs/tags/{}:commit:{}:step:{}",
        text("organization_slug"),
        text("pipeline_slug"),
        text("build_tag"),
        text("build_commit"),
        text("step_key")
    );
    sample.claim("sub", subject);
    sample.finish()
}
