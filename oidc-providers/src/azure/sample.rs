//! The claims of a run on Azure Pipelines, for tests.
//!
//! The claims are those of a pipeline's token, not of a service connection's. All values except the times are strings.

use serde_json::Value;

use crate::sample::{Overrides, Sample};

/// The audience of every token, which no job can choose.
pub const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 299;

/// The time by which `nbf` lies before `iat`, in seconds.
const NOT_BEFORE: u64 = 600;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// [`claims_with`] without overrides.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// The claims of a run of the pipeline 7 for the tag `v1.0.0` of a repository on GitHub, with the overrides.
///
/// `now` is in seconds since the Unix epoch and becomes `iat`; `jti` should differ from call to call. The
/// audience is the caller's choice here, so that tests can try others than [`AUDIENCE`].
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, audience), now, LIFETIME, overrides);
    sample.claim("jti", jti);
    sample.claim("nbf", now.saturating_sub(NOT_BEFORE));
    sample.claim("sub", "p://acme/widget/publish");
    sample.claim("org_id", "11111111-1111-4111-8111-111111111111");
    sample.claim("prj_id", "22222222-2222-4222-8222-222222222222");
    sample.claim("def_id", "7");
    sample.claim("rpo_id", "acme/widget");
    sample.claim("rpo_uri", "https://github.com/acme/widget.git");
    sample.claim("rpo_ver", SHA);
    sample.claim("rpo_ref", "refs/tags/v1.0.0");
    sample.claim("run_id", "5");
    sample.finish()
}
