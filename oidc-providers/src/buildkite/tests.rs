use std::sync::Arc;

use oidc_core::{Claims, Diagnosis, Provider, ReplaySource, Unverified};
use serde_json::{Value, json};

use super::{Buildkite, ISSUER, sample};
use crate::cases::{self, Platform};
use crate::harness::{AUDIENCE, NOW, changed, outcome, overrides, verified};

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(Buildkite::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}

#[test]
fn a_publisher_with_more_rules_is_more_specific_and_ids_weigh_nothing() {
    let specificity = |changes: Value| {
        let config = changed(&json!({"organization_slug": "acme", "pipeline_slug": "widget"}), &changes);
        let claims = sample::claims(ISSUER, AUDIENCE, NOW, "id");
        outcome(&Buildkite::public(), &config, &claims).unwrap().specificity
    };
    assert_eq!(specificity(json!({})), 0);
    assert_eq!(specificity(json!({"pipeline_id": "22222222-2222-4222-8222-222222222222"})), 0);
    assert_eq!(specificity(json!({"build_tag": "v*"})), 1);
    assert_eq!(specificity(json!({"build_tag": "v*", "build_branch": "main", "step_key": "publish"})), 3);
}

#[test]
fn a_description_tells_a_tag_from_a_branch() {
    let config = json!({"organization_slug": "acme", "pipeline_slug": "widget", "build_tag": "v*", "build_branch": "main"});
    let description = Buildkite::public().publisher(&config).unwrap().describe();
    assert!(description.contains(", tag v*") && description.contains(", branch main"), "{description}");
}

#[test]
fn the_build_is_linked() {
    let claims = verified(&Buildkite::public(), &sample::claims(ISSUER, AUDIENCE, NOW, "id")).unwrap();
    let run = Buildkite::public().run(&claims);
    assert_eq!(run.url.as_deref(), Some("https://buildkite.com/acme/widget/builds/7"));
    assert_eq!(run.repository.as_deref(), Some("acme/widget"));
    assert_eq!(run.r#ref.as_deref(), Some("v1.0.0"));
    assert_eq!(run.sha.unwrap().len(), 40);
}

#[test]
fn a_job_for_a_branch_is_told_that_a_forks_may_be_called_the_same() {
    let advice = |changes: Value| {
        let claims = changed(&sample::claims(ISSUER, AUDIENCE, NOW, "id"), &changes);
        let claims = Unverified::new(Claims::parse(claims.to_string()).unwrap());
        Buildkite::public().advise(&claims).iter().map(Diagnosis::to_text).collect::<String>()
    };
    assert_eq!(advice(json!({})), "", "a tag is nobody's but the repository's");
    for tag in [json!(""), json!(null)] {
        let text = advice(json!({"build_tag": tag}));
        assert!(text.contains("found: `main`") && text.contains("forks"), "{text}");
        assert!(text.starts_with("warning["), "an accepted job is told, too: {text}");
    }
    assert_eq!(advice(json!({"build_tag": "", "build_branch": ""})), "");
}

#[test]
fn no_jti_is_asked_for() {
    assert_eq!(Buildkite::public().profile().replay, ReplaySource::Digest);
    assert!(sample::claims(ISSUER, AUDIENCE, NOW, "id").get("jti").is_none());
}

#[test]
fn a_job_that_hides_a_pinned_id_is_a_stranger_and_one_that_has_it_is_not() {
    let config = |pins: Value| {
        changed(
            &json!({"organization_slug": "acme", "pipeline_slug": "widget", "step_key": "release"}),
            &pins,
        )
    };
    let (organization, pipeline) =
        ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222");
    let none = json!({"organization_id": "<absent>", "pipeline_id": "<absent>"});
    for (pins, changes, code, is_stranger) in [
        (json!({}), &none, "claim-missing", false),
        (json!({"pipeline_id": pipeline}), &none, "claim-missing", true),
        (json!({"pipeline_id": pipeline}), &json!({"pipeline_id": null}), "claim-missing", true),
        (
            json!({"pipeline_id": organization}),
            &json!({"organization_id": "x"}),
            "buildkite-pipeline-id",
            true,
        ),
        (
            json!({"organization_id": organization, "pipeline_id": pipeline}),
            &json!({}),
            "buildkite-step",
            false,
        ),
    ] {
        let claims = sample::claims_with(ISSUER, AUDIENCE, NOW, "id", &overrides(changes));
        let claims = verified(&Buildkite::public(), &claims).unwrap();
        let mismatch = Buildkite::public().publisher(&config(pins)).unwrap().check(&claims).unwrap_err();
        assert_eq!((mismatch.diagnosis().code, mismatch.is_stranger()), (code, is_stranger), "{mismatch}");
        assert_eq!(
            mismatch.diagnosis().to_string().contains("--claim organization_id"),
            code == "claim-missing",
            "{mismatch}"
        );
    }
}
