//! The claims of a job on Forgejo Actions, for tests.
//!
//! The claims are those of Forgejo's discovery document. All values except the times are strings. There is no `jti`.

use serde_json::Value;

use crate::sample::{Overrides, Sample};

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 3600;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// [`claims_with`] without overrides.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// The claims of a job of `.forgejo/workflows/publish.yml` in `acme/widget` (id 2, owner's id 1), run by a push
/// of the protected tag `v1.0.0`, with the overrides. `repository_owner`, `ref_type`, `workflow_ref` and `sub`
/// are derived from the others.
///
/// `now` is in seconds since the Unix epoch and becomes `iat`. Forgejo has no `jti`; `jti` becomes the run's id
/// here, so that tokens differ.
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, audience), now, LIFETIME, overrides);
    sample.claim("nbf", now);
    sample.claim("repository", "acme/widget");
    sample.claim("repository_id", "2");
    let owner = sample.text("repository").split('/').next().unwrap_or_default().to_owned();
    sample.claim("repository_owner", owner);
    sample.claim("repository_owner_id", "1");
    sample.claim("event_name", "push");
    sample.claim("ref", "refs/tags/v1.0.0");
    let kind = if sample.text("ref").starts_with("refs/tags/") { "tag" } else { "branch" };
    sample.claim("ref_type", kind);
    sample.claim("ref_protected", "true");
    sample.claim("base_ref", "");
    sample.claim("head_ref", "");
    sample.claim("sha", SHA);
    sample.claim("actor", "alice");
    sample.claim("actor_id", "101");
    sample.claim("run_id", jti);
    sample.claim("run_number", "7");
    sample.claim("run_attempt", "1");
    sample.claim("workflow", "publish.yml");
    let (repository, git_ref) = (sample.text("repository"), sample.text("ref"));
    sample.claim("workflow_ref", format!("{repository}/.forgejo/workflows/publish.yml@{git_ref}"));
    sample.claim("sub", format!("repo:{repository}:ref:{git_ref}"));
    sample.finish()
}
