//! The claims of a job on Semaphore, for tests.
//!
//! The claims are those of Semaphore's reference. All values except the times are strings.

use serde_json::Value;

use crate::sample::{Overrides, Sample};

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 3600;

/// [`claims_with`] without overrides.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// The claims of a job of the project `widget` for the tag `v1.0.0`, with the overrides. `sub` is derived from
/// the others.
///
/// `now` is in seconds since the Unix epoch and becomes `iat`; `jti` should differ from call to call. The
/// audience is the caller's choice here; Semaphore's is always the issuer.
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, audience), now, LIFETIME, overrides);
    sample.claim("jti", jti);
    sample.claim("nbf", now);
    sample.claim("org", "acme");
    sample.claim("org_id", "11111111-1111-4111-8111-111111111111");
    sample.claim("prj", "widget");
    sample.claim("prj_id", "22222222-2222-4222-8222-222222222222");
    sample.claim("repo", "widget");
    sample.claim("repo_slug", "acme/widget");
    sample.claim("ref", "refs/tags/v1.0.0");
    sample.claim("ref_type", "tag");
    sample.claim("tag", "v1.0.0");
    sample.claim("branch", "");
    sample.claim("job_type", "pipeline_job");
    sample.claim("job_id", "33333333-3333-4333-8333-333333333333");
    sample.claim("wf_id", "44444444-4444-4444-8444-444444444444");
    sample.claim("ppl_id", "55555555-5555-4555-8555-555555555555");
    sample.claim("trg", "h:f-i:f");
    let text = |name| sample.text(name);
    let subject = format!(
        "org:{}:project:{}:repo:{}:ref_type:{}:ref:{}",
        text("org"),
        text("prj_id"),
        text("repo"),
        text("ref_type"),
        text("ref")
    );
    sample.claim("sub", subject);
    sample.finish()
}
