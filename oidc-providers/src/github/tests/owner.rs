//! Publishers for every repository of an owner.

use oidc_core::{Claims, Match, Provider as _, Unverified};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{GitHub, ISSUER, sample};
use crate::harness::{AUDIENCE, NOW, anything_but, changed, overrides, verified};

fn github() -> GitHub {
    GitHub::public().allowing_owners()
}

fn token(changes: &Value) -> Value {
    sample::claims_with(ISSUER, AUDIENCE, NOW, "id", &overrides(changes))
}

/// The result for a token and a configuration; look-up and check must agree, and the job is told what the registry finds.
fn outcome(config: &Value, claims: &Value) -> Result<Match, &'static str> {
    let publisher = github().publisher(config).map_err(|_| "config")?;
    let claims = verified(&github(), claims).ok_or("verifier")?;
    let checked = publisher.check(&claims);
    let identities = github().identities(&claims).unwrap_or_default();
    assert!(checked.is_err() || identities.contains(&publisher.identity()), "look-up and check must agree");
    let explained = publisher.explain(&Unverified::new(Claims::clone(&claims)));
    checked.map_err(|mismatch| {
        assert!(mismatch.diagnosis().code == "issuer" || explained.as_ref() == Some(&mismatch), "{mismatch}");
        mismatch.diagnosis().code
    })
}

#[test]
fn a_token_of_any_repository_of_the_owner_is_accepted_and_of_no_other() {
    let rules = json!({"owner": "acme", "repository": "acme/widget-*", "workflow": "publish*.yml"});
    let all = json!({"owner": "Acme", "repository_owner_id": "1"});
    let of = |repository: &str| json!({ "repository": repository });
    for (config, changes, expected) in [
        (&all, json!({}), "match"),
        (&all, of("ACME/gadget"), "match"),
        (&all, json!({"workflow_ref": "acme/widget/.github/workflows/any.yml@refs/tags/v1.0.0"}), "match"),
        (&all, of("evil/widget"), "github-repository-owner"),
        (&all, of("acme-evil/widget"), "github-repository-owner"),
        (&all, of("evilacme/widget"), "github-repository-owner"),
        (&all, of("acm/widget"), "github-repository-owner"),
        (&all, json!({"repository_owner": "acm\u{435}"}), "github-repository-owner"),
        (&all, json!({"repository_owner": "acme "}), "github-repository-owner"),
        (&all, json!({"repository_owner": null}), "verifier"),
        (&all, json!({"repository_owner": "<absent>"}), "verifier"),
        (&all, json!({"repository_owner": ["acme"]}), "verifier"),
        (&all, json!({"repository": "evil/widget", "repository_owner": "acme"}), "github-repository"),
        (&all, json!({"repository": "acme-evil/widget", "repository_owner": "acme"}), "github-repository"),
        (&all, json!({"repository": "acme", "repository_owner": "acme"}), "github-repository"),
        (&all, json!({"repository": "acme/", "repository_owner": "acme"}), "github-repository"),
        (&all, json!({"repository": "acme/x/y", "repository_owner": "acme"}), "github-repository"),
        (&all, json!({"repository_owner_id": "9"}), "github-repository-owner-id"),
        (&all, json!({"repository_owner_id": "<absent>"}), "verifier"),
        (&all, json!({"repository_owner_id": 1}), "verifier"),
        (&all, json!({"event_name": "pull_request_target"}), "github-event"),
        (&all, json!({"event_name": "pull_request"}), "github-event"),
        (&all, json!({"event_name": "issue_comment"}), "github-event"),
        (&rules, of("acme/widget-2"), "match"),
        (&rules, of("acme/Widget-2"), "match"),
        (&rules, of("acme/widget"), "github-repository"),
        (&rules, of("acme/my-widget-2"), "github-repository"),
        (&rules, json!({"repository": "acme/widget-2/x"}), "github-repository"),
        (
            &rules,
            json!({"repository": "acme/widget-2",
                "workflow_ref": "acme/widget-2/.github/workflows/publish-all.yml@refs/tags/v1.0.0"}),
            "match",
        ),
        (
            &json!({"owner": "acme", "workflow": "Publish*.yml"}),
            json!({"workflow_ref": "acme/widget/.github/workflows/Publish-all.yml@refs/tags/v1.0.0"}),
            "match",
        ),
        (
            &rules,
            json!({"repository": "acme/widget-2",
                "workflow_ref": "acme/widget-2/.github/workflows/ci.yml@refs/tags/v1.0.0"}),
            "github-workflow",
        ),
        (
            &rules,
            json!({"repository": "acme/widget-2",
                "workflow_ref": "acme/widget-2/.github/workflows/Publish.yml@refs/tags/v1.0.0"}),
            "github-workflow",
        ),
        (
            &rules,
            json!({"repository": "acme/widget-2",
                "workflow_ref": "acme/other/.github/workflows/publish.yml@refs/tags/v1.0.0"}),
            "github-workflow-ref",
        ),
        (
            &rules,
            json!({"repository": "acme/widget-2",
                "workflow_ref": "acme/widget-2/.github/workflows/publish.yml@refs/heads/evil"}),
            "github-workflow-ref",
        ),
    ] {
        let found = outcome(config, &token(&changes));
        assert_eq!(found.map_or_else(|code| code, |_| "match"), expected, "{config} {changes}");
    }
}

#[test]
fn constraints_hold_for_an_owner_as_for_a_repository() {
    let config = |rule: Value| changed(&json!({ "owner": "acme" }), &rule);
    for (rule, changes, expected) in [
        (json!({"environment": "publish"}), json!({}), "environment-missing"),
        (json!({"environment": "publish"}), json!({"environment": "test"}), "github-environment"),
        (json!({"environment": "publish"}), json!({"environment": "Publish"}), "match"),
        (json!({"ref": "refs/heads/*"}), json!({}), "github-ref"),
        (json!({"ref_protected": true}), json!({"ref_protected": "false"}), "github-ref-protected"),
        (json!({"event": "release"}), json!({}), "github-event"),
        (json!({"event": "pull_request"}), json!({"event_name": "pull_request"}), "match"),
        (json!({"runner_environment": "self-hosted"}), json!({}), "github-runner-environment"),
        (
            json!({"job_workflow": "acme/shared/.github/workflows/release.yml@refs/tags/*"}),
            json!({}),
            "github-job-workflow",
        ),
    ] {
        let found = outcome(&config(rule.clone()), &token(&changes));
        assert_eq!(found.map_or_else(|code| code, |_| "match"), expected, "{rule} {changes}");
    }
}

#[test]
fn the_owners_id_is_learned_and_is_no_repositorys() {
    let config = json!({"owner": "acme"});
    let learned = outcome(&config, &token(&json!({}))).unwrap().learned;
    let pins: Vec<_> = learned.iter().map(|pin| (pin.claim, &*pin.value)).collect();
    assert_eq!(pins, [("repository_owner_id", "1")]);
    let pinned = changed(&config, &json!({"repository_owner_id": "1"}));
    assert!(outcome(&pinned, &token(&json!({}))).unwrap().learned.is_empty());
    let publisher = github().publisher(&pinned).unwrap();
    let taken_over = verified(&github(), &token(&json!({"repository_owner_id": "9", "environment": "x"})));
    assert!(publisher.check(&taken_over.unwrap()).unwrap_err().is_stranger());
}

#[test]
fn a_publisher_of_its_own_repository_comes_before_one_for_the_owner() {
    let whole = json!({
        "owner": "acme", "repository": "acme/*", "workflow": "*.yml", "environment": "publish", "ref": "refs/**",
        "ref_protected": true, "event": "push", "runner_environment": "github-hosted",
        "job_workflow": "acme/widget/.github/workflows/publish.yml@refs/**",
    });
    let claims = token(&json!({"environment": "publish"}));
    let for_owner = outcome(&whole, &claims).unwrap().specificity;
    let own = outcome(&json!({"repository": "acme/widget", "workflow": "publish.yml"}), &claims).unwrap();
    assert!(own.specificity > for_owner, "{} {for_owner}", own.specificity);
}

#[test]
fn no_registry_takes_one_by_itself_and_a_configuration_is_read_strictly() {
    let config = json!({"owner": "acme"});
    assert!(GitHub::public().publisher(&config).is_err());
    let claims = verified(&GitHub::public(), &token(&json!({}))).unwrap();
    assert_eq!(GitHub::public().identities(&claims).unwrap().len(), 1);
    for wrong in [
        json!({"owner": ""}),
        json!({"owner": " acme"}),
        json!({"owner": "acme/*"}),
        json!({"owner": "*"}),
        json!({"owner": "acm\u{435}"}),
        json!({"owner": ["acme"]}),
        json!({"owner": "acme", "repository": "evil/widget"}),
        json!({"owner": "acme", "repository": "acme*/widget"}),
        json!({"owner": "acme", "repository": "*/widget"}),
        json!({"owner": "acme", "repository": "acme"}),
        json!({"owner": "acme", "repository": "acme/a/b"}),
        json!({"owner": "acme", "repository": "**"}),
        json!({"owner": "acme", "repository": "acme/***"}),
        json!({"owner": "acme", "workflow": "*"}),
        json!({"owner": "acme", "workflow": ".github/workflows/*.yml"}),
        json!({"owner": "acme", "event": "pull_request_target"}),
        json!({"owner": "acme", "repository_id": "2"}),
        json!({"owner": "acme", "repository_owner_id": "acme"}),
    ] {
        let error = github().publisher(&wrong).unwrap_err();
        assert!(error.faults().iter().all(|fault| fault.fix.is_some()), "{wrong}: {error}");
    }
    for look_alike in
        [json!({"owner": "acm\u{435}"}), json!({"owner": "acme", "repository": "acme/widg\u{435}t-*"})]
    {
        let error = github().publisher(&look_alike).unwrap_err().to_string();
        assert!(error.contains("U+0435"), "{error}");
    }
    let publisher = github().publisher(&json!({"owner": "acme", "workflow": "publish*.yml"})).unwrap();
    assert_eq!(publisher.describe(), "owner acme, repositories all, workflows publish*.yml");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever else stands in the place of the owner: a token is accepted for the same owner in other case at most.
    #[test]
    fn no_other_owner_is_accepted(owner in anything_but("acme")) {
        let config = json!({"owner": "acme", "repository_owner_id": "1"});
        let repository = owner.as_str().map_or(json!("acme/widget"), |owner| json!(format!("{owner}/widget")));
        for changes in [json!({ "repository_owner": owner }), json!({ "repository_owner": owner, "repository": repository })] {
            let is_same = owner.as_str().is_some_and(|owner| owner.eq_ignore_ascii_case("acme"));
            prop_assert_eq!(outcome(&config, &token(&changes)).is_ok(), is_same, "{}", changes);
        }
    }
}

#[test]
fn an_owner_makes_a_publisher_one_for_an_owner_and_null_does_not() {
    let of_repository = json!({"owner": null, "repository": "acme/widget", "workflow": "publish.yml"});
    assert_eq!(github().fields_of(&of_repository), github().publisher_fields());
    let problem = github().publisher(&of_repository).unwrap_err().to_string();
    assert!(problem.contains("no such field"), "as with any field of another kind: {problem}");
    let of_owner = json!({"owner": "acme"});
    assert_eq!(github().publisher(&of_owner).unwrap().identity().key, "acme/*");
    assert_eq!(github().fields_of(&of_owner), GitHub::owner_fields());
    assert_eq!(GitHub::public().fields_of(&of_owner), GitHub::public().publisher_fields());
}
