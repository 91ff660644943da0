//! The claims of a job on GitLab CI, for tests.
//!
//! The claims are those of GitLab's documentation of its ID tokens, as of 18.9. Ids and flags are strings,
//! except for `runner_id`, which is a number. The claims about an environment are missing unless the job
//! names one.

use serde_json::Value;

use crate::sample::{Overrides, Sample};

/// The lifetime of a token, in seconds: the job's time-out, whose default is an hour.
const LIFETIME: u64 = 3600;

/// The time by which `nbf` lies before `iat`, in seconds.
const NOT_BEFORE: u64 = 5;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// The claims of a job of `.gitlab-ci.yml` in `acme/group/widget` (id 2, namespace's id 1), run by a push
/// of the protected tag `v1.0.0`.
///
/// `issuer` is the instance's URL. `now` is in seconds since the Unix epoch and becomes `iat`. `jti` should
/// differ in each call, as GitLab's does. The project is private, so that npm does not try to attest
/// provenance with Sigstore.
pub fn claims(issuer: &str, audience: &str, now: u64, jti: &str) -> Value {
    claims_with(issuer, audience, now, jti, &Overrides::new())
}

/// [`claims`] with the overrides. Derived claims change with them: `namespace_path`, `ref` and `ref_type`
/// from `ref_path` (or the reverse), `ci_config_ref_uri`, the `job_…` claims, the commits, the claims about
/// `environment`, `sub`. Of the ids, only those of the job are derived, from those of the project.
pub fn claims_with(issuer: &str, audience: &str, now: u64, jti: &str, overrides: &Overrides) -> Value {
    let mut sample = Sample::issued((issuer, audience), now, LIFETIME, overrides);
    sample.claim("jti", jti);
    sample.claim("nbf", now.saturating_sub(NOT_BEFORE));
    project(&mut sample);
    reference(&mut sample);
    pipeline(&mut sample, issuer);
    job(&mut sample);
    environment(&mut sample);
    let subject = format!(
        "project_path:{}:ref_type:{}:ref:{}",
        sample.text("project_path"),
        sample.text("ref_type"),
        sample.text("ref")
    );
    sample.claim("sub", subject);
    sample.finish()
}

fn project(sample: &mut Sample<'_>) {
    sample.claim("project_path", "acme/group/widget");
    sample.claim("project_id", "2");
    let path = sample.text("project_path");
    let namespace = path.rsplit_once('/').map_or("", |(namespace, _)| namespace);
    sample.claim("namespace_path", namespace);
    sample.claim("namespace_id", "1");
    sample.claim("project_visibility", "private");
}

fn reference(sample: &mut Sample<'_>) {
    let (kind, name) = match sample.overridden("ref_path") {
        Some(path) => match path.strip_prefix("refs/tags/") {
            Some(tag) => ("tag", tag),
            None => ("branch", path.strip_prefix("refs/heads/").unwrap_or(path)),
        },
        None => ("tag", "v1.0.0"),
    };
    sample.claim("ref", name);
    sample.claim("ref_type", kind);
    let folder = if sample.text("ref_type") == "tag" { "tags" } else { "heads" };
    let path = format!("refs/{folder}/{}", sample.text("ref"));
    sample.claim("ref_path", path);
    sample.claim("ref_protected", "true");
    sample.claim("sha", SHA);
}

fn pipeline(sample: &mut Sample<'_>, issuer: &str) {
    sample.claim("pipeline_id", "1001");
    sample.claim("pipeline_source", "push");
    let instance = issuer.split_once("://").map_or(issuer, |(_, rest)| rest).trim_end_matches('/');
    let configuration =
        format!("{instance}/{}//.gitlab-ci.yml@{}", sample.text("project_path"), sample.text("ref_path"));
    sample.claim("ci_config_ref_uri", configuration);
    sample.claim("ci_config_sha", sample.text("sha"));
    sample.claim("user_id", "101");
    sample.claim("user_login", "alice");
    sample.claim("user_email", "alice@example.com");
    sample.claim("user_access_level", "maintainer");
}

fn job(sample: &mut Sample<'_>) {
    sample.claim("job_id", "2001");
    sample.claim("job_source", sample.text("pipeline_source"));
    for (of_job, of_project) in [
        ("job_project_id", "project_id"),
        ("job_project_path", "project_path"),
        ("job_namespace_id", "namespace_id"),
        ("job_namespace_path", "namespace_path"),
    ] {
        sample.claim(of_job, sample.text(of_project));
    }
    sample.claim("runner_id", 12);
    sample.claim("runner_environment", "gitlab-hosted");
}

fn environment(sample: &mut Sample<'_>) {
    if sample.overridden("environment").is_some() {
        sample.claim("environment_protected", "true");
        sample.claim("deployment_tier", "production");
        sample.claim("environment_action", "start");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(overrides: &[(&str, &str)]) -> Value {
        let overrides =
            overrides.iter().map(|(name, value)| ((*name).to_owned(), Some(json!(value)))).collect();
        claims_with("https://gitlab.example", "npm:registry.example", 1_000_000, "id", &overrides)
    }

    #[test]
    fn the_sample_is_a_tag_push_without_an_environment() {
        let claims = claims("https://gitlab.example", "npm:registry.example", 1_000_000, "id");
        assert_eq!(claims["sub"], "project_path:acme/group/widget:ref_type:tag:ref:v1.0.0");
        assert_eq!(claims["namespace_path"], "acme/group");
        assert_eq!(
            claims["ci_config_ref_uri"],
            "gitlab.example/acme/group/widget//.gitlab-ci.yml@refs/tags/v1.0.0"
        );
        assert_eq!(claims["job_project_path"], claims["project_path"]);
        assert!(claims["runner_id"].is_number());
        assert_eq!(claims["project_id"], "2");
        assert!(claims.get("environment").is_none() && claims.get("environment_protected").is_none());
    }

    #[test]
    fn what_follows_from_a_changed_claim_changes_with_it() {
        let claims = with(&[("project_path", "evil/gadget"), ("ref_path", "refs/heads/main")]);
        assert_eq!(claims["namespace_path"], "evil");
        assert_eq!((&claims["ref"], &claims["ref_type"]), (&json!("main"), &json!("branch")));
        assert_eq!(claims["job_project_path"], "evil/gadget");
        assert_eq!(claims["ci_config_ref_uri"], "gitlab.example/evil/gadget//.gitlab-ci.yml@refs/heads/main");
        assert_eq!(claims["sub"], "project_path:evil/gadget:ref_type:branch:ref:main");
    }

    #[test]
    fn the_ref_path_follows_the_ref_and_its_type() {
        let claims = with(&[("ref", "main"), ("ref_type", "branch")]);
        assert_eq!(claims["ref_path"], "refs/heads/main");
    }

    #[test]
    fn a_job_with_an_environment_has_all_claims_about_it() {
        let claims = with(&[("environment", "publish"), ("deployment_tier", "staging")]);
        assert_eq!(claims["environment"], "publish");
        assert_eq!(claims["environment_protected"], "true");
        assert_eq!(claims["deployment_tier"], "staging");
        assert_eq!(claims["environment_action"], "start");
    }
}
