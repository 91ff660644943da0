//! The claims of a job on GitHub Actions, for tests.
//!
//! The claims are those of GitHub's documentation of its identity tokens. All values except the times are
//! strings, including ids and flags; `environment` is missing unless the job names one.

use serde_json::Value;

use crate::sample::{Overrides, Sample};

/// The lifetime of a token, in seconds.
const LIFETIME: u64 = 300;

/// The time by which `nbf` lies before `iat`, in seconds.
const NOT_BEFORE: u64 = 600;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// The claims of a job of `publish.yml` in `acme/widget` (id 2, owner's id 1), run by a push of the protected
/// tag `v1.0.0`.
///
/// `now` is in seconds since the Unix epoch and becomes `iat`; `jti` should differ in each call, as GitHub's
/// does. The repository is private, so that npm does not try to attest provenance with Sigstore.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// [`claims`] with the overrides. Derived claims change with them: `repository_owner`, `ref_type`,
/// `workflow_ref`, `job_workflow_ref`, the commits, `sub`. Ids are not derived.
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, audience), now, LIFETIME, overrides);
    sample.claim("jti", jti);
    sample.claim("nbf", now.saturating_sub(NOT_BEFORE));
    repository(&mut sample);
    run(&mut sample);
    workflow(&mut sample);
    let subject = subject(&sample);
    sample.claim("sub", subject);
    sample.finish()
}

fn repository(sample: &mut Sample<'_>) {
    sample.claim("repository", "acme/widget");
    sample.claim("repository_id", "2");
    let owner = sample.text("repository").split('/').next().unwrap_or_default().to_owned();
    sample.claim("repository_owner", owner);
    sample.claim("repository_owner_id", "1");
    sample.claim("repository_visibility", "private");
}

fn run(sample: &mut Sample<'_>) {
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
    sample.claim("run_id", "1000000001");
    sample.claim("run_number", "7");
    sample.claim("run_attempt", "1");
    sample.claim("check_run_id", "50000000001");
    sample.claim("runner_environment", "github-hosted");
}

fn workflow(sample: &mut Sample<'_>) {
    sample.claim("workflow", "Publish");
    let caller =
        format!("{}/.github/workflows/publish.yml@{}", sample.text("repository"), sample.text("ref"));
    sample.claim("workflow_ref", caller);
    sample.claim("workflow_sha", sample.text("sha"));
    sample.claim("job_workflow_ref", sample.text("workflow_ref"));
    sample.claim("job_workflow_sha", sample.text("workflow_sha"));
}

/// GitHub's default subject: with the environment, or else the pull request, or else the ref.
fn subject(sample: &Sample<'_>) -> String {
    let repository = sample.text("repository");
    match (sample.overridden("environment"), sample.text("event_name").as_str()) {
        (Some(environment), _) => {
            format!("repo:{repository}:environment:{}", environment.replace(':', "%3A"))
        }
        (None, "pull_request") => format!("repo:{repository}:pull_request"),
        _ => format!("repo:{repository}:ref:{}", sample.text("ref")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(overrides: &[(&str, Option<Value>)]) -> Value {
        let overrides = overrides.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        claims_with("https://issuer.example", "npm:registry.example", 1_000_000, "id", &overrides)
    }

    #[test]
    fn the_sample_is_a_tag_push_without_an_environment() {
        let claims = claims("https://issuer.example", "npm:registry.example", 1_000_000, "id");
        assert_eq!(claims["sub"], "repo:acme/widget:ref:refs/tags/v1.0.0");
        assert_eq!(claims["workflow_ref"], "acme/widget/.github/workflows/publish.yml@refs/tags/v1.0.0");
        assert_eq!(claims["job_workflow_ref"], claims["workflow_ref"]);
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(1_000_000), &json!(1_000_300)));
        assert!(claims.get("environment").is_none());
        let texts = claims.as_object().unwrap().iter().filter(|(_, value)| value.is_string()).count();
        assert_eq!(texts, claims.as_object().unwrap().len() - 3);
    }

    #[test]
    fn what_follows_from_a_changed_claim_changes_with_it() {
        let claims =
            with(&[("repository", Some(json!("evil/gadget"))), ("ref", Some(json!("refs/heads/main")))]);
        assert_eq!(claims["repository_owner"], "evil");
        assert_eq!(claims["ref_type"], "branch");
        assert_eq!(claims["workflow_ref"], "evil/gadget/.github/workflows/publish.yml@refs/heads/main");
        assert_eq!(claims["job_workflow_ref"], claims["workflow_ref"]);
        assert_eq!(claims["sub"], "repo:evil/gadget:ref:refs/heads/main");
        assert_eq!(claims["repository_id"], "2");
    }

    #[test]
    fn a_claim_that_is_changed_itself_follows_nothing() {
        let claims =
            with(&[("repository", Some(json!("evil/gadget"))), ("repository_owner", Some(json!("acme")))]);
        assert_eq!(claims["repository_owner"], "acme");
    }

    #[test]
    fn claims_can_be_left_out_null_or_new() {
        let claims = with(&[("sha", None), ("actor", Some(Value::Null)), ("extra", Some(json!([1])))]);
        assert!(claims.get("sha").is_none());
        assert_eq!(claims["actor"], Value::Null);
        assert_eq!(claims["extra"], json!([1]));
    }

    #[test]
    fn the_subject_names_the_environment_or_the_pull_request() {
        let subject = |name, value| with(&[(name, Some(json!(value)))])["sub"].clone();
        assert_eq!(subject("environment", "a:b"), "repo:acme/widget:environment:a%3Ab");
        assert_eq!(subject("event_name", "pull_request"), "repo:acme/widget:pull_request");
    }
}
