//! The claims of a service account's token, for tests.
//!
//! The claims are those of Google's documentation of ID tokens with `format=full`. `email_verified` is JSON's `true`.

use serde_json::{Value, json};

use crate::sample::{Overrides, Sample};

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 3600;

/// [`claims_with`] without overrides.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// The claims of `publisher@acme.iam.gserviceaccount.com`, with the overrides. `azp` is derived from `sub`.
///
/// `now` is in seconds since the Unix epoch and becomes `iat`. Google has no `jti`; `jti` becomes the
/// machine's instance id here, so that tokens differ.
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, audience), now, LIFETIME, overrides);
    sample.claim("email", "publisher@acme.iam.gserviceaccount.com");
    sample.claim("email_verified", true);
    sample.claim("sub", "104029292853099978293");
    sample.claim("azp", sample.text("sub"));
    sample.claim("google", json!({ "compute_engine": { "instance_id": jti, "project_id": "acme" } }));
    sample.finish()
}
