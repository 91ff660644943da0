//! The claims of a job on CircleCI, for tests.
//!
//! The claims are those of CircleCI's documentation of its OpenID Connect tokens. Ids are UUIDs; `ssh-rerun` is JSON's
//! `true` or `false`, `context-ids` an array.

use serde_json::{Value, json};

use super::claims::{
    CONTEXT_IDS, ORG_ID, PIPELINE_DEFINITION_ID, PROJECT_ID, SSH_RERUN, VCS_ORIGIN, VCS_REF, WORKFLOW_ID,
};
use crate::sample::{Overrides, Sample};

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 3600;

/// The organization, unless the issuer names another one.
const ORGANIZATION: &str = "11111111-1111-4111-8111-111111111111";

/// [`claims_with`] without overrides.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// The claims of a job for `main` of `github.com/acme/widget`, with the overrides. `sub` is derived from the
/// others. The organization is the one in the issuer's path, or `11111111-1111-4111-8111-111111111111`;
/// the ids of the project, the pipeline definition and the context have the same form with `2`, `3` and `4`.
///
/// `now` is in seconds since the Unix epoch and becomes `iat`. CircleCI has no `jti`; `jti` becomes the job's
/// id here, so that tokens differ.
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, audience), now, LIFETIME, overrides);
    sample.claim(ORG_ID, issuer.rsplit_once("/org/").map_or(ORGANIZATION, |(_, id)| id));
    sample.claim(PROJECT_ID, "22222222-2222-4222-8222-222222222222");
    sample.claim(PIPELINE_DEFINITION_ID, "33333333-3333-4333-8333-333333333333");
    sample.claim(CONTEXT_IDS, json!(["44444444-4444-4444-8444-444444444444"]));
    sample.claim("oidc.circleci.com/pipeline-id", "55555555-5555-4555-8555-555555555555");
    sample.claim(WORKFLOW_ID, "66666666-6666-4666-8666-666666666666");
    sample.claim("oidc.circleci.com/job-id", jti);
    sample.claim(SSH_RERUN, false);
    sample.claim(VCS_ORIGIN, "github.com/acme/widget");
    sample.claim(VCS_REF, "refs/heads/main");
    let text = |name| sample.text(name);
    let subject = format!(
        "org/{}/project/{}/user/77777777-7777-4777-8777-777777777777/vcs-origin/{}/vcs-ref/{}",
        text(ORG_ID),
        text(PROJECT_ID),
        text(VCS_ORIGIN),
        text(VCS_REF)
    );
    sample.claim("sub", subject);
    sample.finish()
}
