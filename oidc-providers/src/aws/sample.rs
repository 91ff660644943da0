//! The claims of a role's token on AWS, for tests.
//!
//! The claims are those of AWS's user guide. All but the registered ones are members of one object.

use serde_json::{Value, json};

use super::claims::NAMESPACE;
use crate::sample::{Overrides, Sample};

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 300;

/// [`claims_with`] without overrides.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// The claims of the role `publisher` of the account 123456789012, with the overrides.
///
/// `now` is in seconds since the Unix epoch and becomes `iat`; `jti` should differ from call to call.
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, audience), now, LIFETIME, overrides);
    sample.claim("jti", jti);
    sample.claim("sub", "arn:aws:iam::123456789012:role/publisher");
    let own = json!({
        "aws_account": "123456789012",
        "source_region": "eu-central-1",
        "org_id": "o-abc1234567",
        "ou_path": "o-abc1234567/r-ab12/ou-ab12-11111111/",
        "principal_tags": { "project": "widget", "stage": "release" },
        "request_tags": { "project": "whatever-the-job-says" },
        "lambda_source_function_arn": "arn:aws:lambda:eu-central-1:123456789012:function:publish",
    });
    sample.claim(NAMESPACE, own);
    sample.finish()
}
