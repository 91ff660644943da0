//! The workflow that each registry compares.

use oidc_core::{Claims, ComparedWorkflow, FieldValue, Provider, RegistryRules, Unverified};
use serde_json::{Value, json};

use super::{GitHub, token};
use crate::harness::verified;

/// The result for a token at a registry that compares this workflow: the claim that differs and the fix.
fn at_registry(workflow: ComparedWorkflow, config: &Value, claims: &Value) -> Result<(), (String, String)> {
    let github = GitHub::public().allowing_owners().comparing(RegistryRules::comparing(workflow)).unwrap();
    let claims = verified(&GitHub::public(), claims).unwrap();
    let checked = github.publisher(config).unwrap().check(&claims);
    checked.map(drop).map_err(|mismatch| {
        let diagnosis = mismatch.diagnosis();
        assert_eq!(diagnosis.code, "github-workflow");
        (diagnosis.target.to_string(), diagnosis.fix.clone().unwrap_or_default())
    })
}

#[test]
fn each_registry_compares_the_workflow_that_it_says() {
    use ComparedWorkflow::{Called, CalledAnywhere, CalledAtAnyRef, Neither, Started, Uncertain};
    let called = "acme/widget/.github/workflows/release.yml@refs/tags/v1.0.0";
    let claims = token(&json!({ "job_workflow_ref": called }));
    let config = |file: &str| json!({ "repository": "acme/widget", "workflow": file });
    for (workflows, accepted, other, claim, hint) in [
        ([Started, Uncertain].as_slice(), "publish.yml", "release.yml", "`workflow_ref`", "was called by"),
        (&[Called, CalledAtAnyRef, CalledAnywhere], "release.yml", "publish.yml", "`job_workflow_ref`", ""),
    ] {
        for workflow in workflows {
            assert_eq!(at_registry(*workflow, &config(accepted), &claims), Ok(()), "{workflow:?}");
            let (target, fix) = at_registry(*workflow, &config(other), &claims).unwrap_err();
            assert!(target.contains(claim), "{workflow:?}: {target}");
            assert!(
                fix.contains(hint) && fix.contains("called by") != hint.is_empty(),
                "{workflow:?}: {fix}"
            );
            // A publisher for an owner is this project's alone, and is compared by its own rule.
            let of_owner = json!({ "owner": "acme", "workflow": "publish.yml" });
            assert_eq!(at_registry(*workflow, &of_owner, &claims), Ok(()), "{workflow:?}");
        }
    }
    assert_eq!(at_registry(Neither, &json!({ "repository": "acme/widget" }), &claims), Ok(()));
}

/// The configuration that a job is told at a registry.
fn settings(provider: &dyn Provider, claims: &Value) -> Value {
    let claims = Unverified::new(Claims::parse(claims.to_string()).unwrap());
    FieldValue::config(&provider.settings(&claims))
}

#[test]
fn a_job_is_told_the_called_workflow_where_there_is_one_and_once() {
    let called = "acme/shared/.github/workflows/release.yml@refs/tags/v2";
    let (plain, calling) = (token(&json!({})), token(&json!({ "job_workflow_ref": called })));
    let own = GitHub::public();
    assert_eq!(settings(&own, &plain).get("job_workflow"), None);
    assert_eq!(settings(&own, &calling)["job_workflow"], called);
    assert_eq!(settings(&own, &calling)["workflow"], "publish.yml");
    let rules = RegistryRules::comparing(ComparedWorkflow::CalledAnywhere);
    let told = settings(&*own.comparing(rules).unwrap(), &calling);
    assert_eq!((told.get("job_workflow"), &told["workflow"]), (None, &json!("release.yml")));
}
