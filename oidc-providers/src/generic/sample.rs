//! The claims of a projected service account token of Kubernetes, for tests.

use serde_json::{Value, json};

use crate::sample::{Overrides, Sample};

/// The lifetime of a token, in seconds: an hour, and the seconds that Kubernetes adds.
const LIFETIME: u64 = 3607;

/// [`claims_with`] without overrides.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// The claims of the service account `publisher` in the namespace `acme`, with the overrides. `aud` is an
/// array, as Kubernetes writes it.
///
/// `now` is in seconds since the Unix epoch and becomes `iat`; `jti` should differ from call to call.
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, json!([audience])), now, LIFETIME, overrides);
    sample.claim("jti", jti);
    sample.claim("nbf", now);
    sample.claim("sub", "system:serviceaccount:acme:publisher");
    let of = |name: &str, digit: &str| {
        let group = |length| digit.repeat(length);
        let uid = format!("{}-{}-4{}-8{}-{}", group(8), group(4), group(3), group(3), group(12));
        json!({ "name": name, "uid": uid })
    };
    let kubernetes = json!({
        "namespace": "acme",
        "serviceaccount": of("publisher", "1"),
        "pod": of("publish-7c9d", "2"),
        "node": of("node-1", "3"),
        "warnafter": now.saturating_add(LIFETIME),
    });
    sample.claim("kubernetes.io", kubernetes);
    sample.finish()
}
