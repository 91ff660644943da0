mod config;
mod source;

use std::sync::Arc;
use std::time::Duration;

use oidc_core::{ClaimUse, ImmutableId, Provider, Publisher};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{GitLab, ISSUER, sample};
use crate::cases::{self, Platform};
use crate::harness::{
    AUDIENCE, NOW, anything_but, attacks, changed, hold, outcome, overrides, same_up_to_case, selected,
    verified,
};

const INSTANCE: &str = "https://gitlab.example";

fn gitlab() -> GitLab {
    GitLab::at(INSTANCE).unwrap()
}

/// A publisher with every rule.
fn strict() -> Value {
    json!({
        "project_path": "acme/group/widget",
        "ci_config": ".gitlab-ci.yml",
        "environment": "publish",
        "project_id": "2",
        "namespace_id": "1",
        "ref": "refs/tags/v*",
        "ref_protected": true,
        "event": ["push", "web"],
        "runner_environment": "gitlab-hosted",
    })
}

/// A publisher with as few rules as there can be.
fn lenient() -> Value {
    json!({"project_path": "acme/group/widget", "ci_config": ".gitlab-ci.yml"})
}

fn token_of(issuer: &str, changes: &Value) -> Value {
    sample::claims_with(issuer, AUDIENCE, NOW, "id", &overrides(changes))
}

fn token(changes: &Value) -> Value {
    token_of(INSTANCE, changes)
}

/// A token that [`strict`] accepts, with changes.
fn strict_token(changes: &Value) -> Value {
    let mut claims = json!({"environment": "publish"});
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    token(&claims)
}

fn publisher(config: &Value) -> Box<dyn Publisher> {
    gitlab().publisher(config).unwrap()
}

/// The whole explanation of a refusal.
fn why(config: &Value, claims: &Value) -> String {
    let claims = verified(&gitlab(), claims).unwrap();
    publisher(config).check(&claims).unwrap_err().diagnosis().to_string()
}

#[test]
fn a_token_that_every_rule_fits_is_accepted() {
    assert!(outcome(&gitlab(), &strict(), &strict_token(&json!({}))).is_ok());
    assert!(outcome(&gitlab(), &lenient(), &token(&json!({}))).is_ok());
    let merge_request = json!({"pipeline_source": "merge_request_event"});
    assert!(outcome(&gitlab(), &lenient(), &token(&merge_request)).is_ok());
    let before_18_4 = json!({"job_project_path": "<absent>", "job_project_id": "<absent>"});
    assert!(outcome(&gitlab(), &lenient(), &token(&before_18_4)).is_ok());
}

#[test]
fn case_is_ignored_where_gitlab_ignores_it() {
    let claims = strict_token(&json!({
        "project_path": "Acme/GROUP/widget",
        "namespace_path": "acme/group",
        "job_project_path": "ACME/group/Widget",
        "ci_config_ref_uri": "gitlab.example/acme/Group/widget//.gitlab-ci.yml@refs/tags/v1.0.0",
    }));
    assert!(outcome(&gitlab(), &strict(), &claims).is_ok());
    let config = changed(&strict(), &json!({"project_path": "ACME/group/WIDGET"}));
    assert!(outcome(&gitlab(), &config, &claims).is_ok());
}

#[test]
fn a_registry_can_ask_for_exact_comparison_throughout() {
    let exact = gitlab().comparing_exactly();
    assert!(outcome(&exact, &strict(), &strict_token(&json!({}))).is_ok());
    for claims in [
        json!({"project_path": "Acme/group/widget"}),
        json!({"namespace_path": "Acme/group"}),
        json!({"job_project_path": "Acme/group/widget"}),
        json!({"ci_config_ref_uri": "gitlab.example/Acme/group/widget//.gitlab-ci.yml@refs/tags/v1.0.0"}),
    ] {
        assert!(outcome(&exact, &strict(), &strict_token(&claims)).is_err(), "{claims}");
    }
    let claims = verified(&exact, &token(&json!({"project_path": "Acme/Widget"}))).unwrap();
    assert_eq!(exact.identify(&claims).unwrap().key, "Acme/Widget");
}

#[test]
fn every_attack_is_refused_for_its_own_reason() {
    let table = attacks(include_str!("../../tests/attacks/gitlab.json"));
    for (attack, claims, code, config) in table {
        let config = changed(&strict(), &config);
        let found = outcome(&gitlab(), &config, &strict_token(&claims)).map(|_| "accepted");
        assert_eq!(found.unwrap_or_else(|code| code), code, "{attack}");
    }
}

#[test]
fn the_vectors_of_other_registries_hold() {
    hold(include_str!("../../tests/vectors/gitlab.json"), |vector| {
        let issuer = vector.issuer.as_deref().unwrap_or(ISSUER);
        let gitlab = GitLab::at(issuer).unwrap();
        match &vector.claims {
            Some(claims) => selected(&gitlab, vector, &token_of(issuer, claims)),
            None if gitlab.publisher(&vector.publishers[0].1).is_ok() => "accept".to_owned(),
            None => "reject".to_owned(),
        }
    });
}

proptest! {
    #[test]
    fn changing_any_configured_claim_refuses(
        (claim, value) in prop::sample::select(configured()).prop_flat_map(|(claim, text, _)| {
            (Just(claim), anything_but(&text))
        }),
    ) {
        let mut claims = strict_token(&json!({}));
        let config = changed(&strict(), &json!({"ref": "refs/tags/v1.0.0", "event": "push"}));
        let (_, text, ignoring) = configured().into_iter().find(|(name, ..)| *name == claim).unwrap();
        prop_assume!(!value.as_str().is_some_and(|value| same_up_to_case(value, &text, ignoring)));
        claims[claim] = value;
        prop_assert!(outcome(&gitlab(), &config, &claims).is_err(), "{claims}");
    }

    #[test]
    fn changing_a_project_in_the_configuration_reference_refuses(value in anything_but("acme/group/widget")) {
        let Some(project) = value.as_str() else { return Ok(()) };
        prop_assume!(!project.eq_ignore_ascii_case("acme/group/widget"));
        let uri = format!("gitlab.example/{project}//.gitlab-ci.yml@refs/tags/v1.0.0");
        let claims = strict_token(&json!({"ci_config_ref_uri": uri}));
        prop_assert!(outcome(&gitlab(), &strict(), &claims).is_err(), "{claims}");
    }
}

/// Every claim that the strictest publisher reads, its value, and in how many bytes of it case is ignored.
fn configured() -> Vec<(&'static str, String, usize)> {
    let claims = strict_token(&json!({}));
    let path = "acme/group/widget".len();
    let of = |claim: &'static str, ignoring| (claim, claims[claim].as_str().unwrap().to_owned(), ignoring);
    vec![
        of("project_path", path),
        of("namespace_path", "acme/group".len()),
        of("project_id", 0),
        of("namespace_id", 0),
        of("job_project_path", path),
        of("job_project_id", 0),
        // Case is ignored in the project in the middle only; what begins in another case is not tried here.
        of("ci_config_ref_uri", "gitlab.example/acme/group/widget".len()),
        of("pipeline_source", 0),
        of("environment", 0),
        of("ref_path", 0),
        of("ref_protected", 0),
        of("runner_environment", 0),
    ]
}

#[test]
fn sibling_issuers_never_speak_for_each_other() {
    let ours = verified(&gitlab(), &token(&json!({}))).unwrap();
    for issuer in
        [ISSUER, "https://gitlab.example:8443", "https://gitlab.example/gitlab", "https://gitlab.example/"]
    {
        let other = GitLab::at(issuer).unwrap();
        let claims = token_of(issuer, &json!({}));
        let verified_there = verified(&other, &claims).unwrap();
        assert_eq!(publisher(&lenient()).check(&verified_there).unwrap_err().diagnosis().code, "issuer");
        assert_ne!(other.identify(&verified_there).unwrap(), publisher(&lenient()).identity());
        assert!(other.publisher(&lenient()).unwrap().check(&verified_there).is_ok(), "{issuer}");
        assert!(other.publisher(&lenient()).unwrap().check(&ours).is_err());
    }
}

#[test]
fn ids_that_are_not_configured_are_learned() {
    let learned = outcome(&gitlab(), &lenient(), &token(&json!({}))).unwrap().learned;
    assert_eq!(learned, [ImmutableId::new("project_id", "2"), ImmutableId::new("namespace_id", "1")]);
    let mut config = changed(&lenient(), &json!({"namespace_id": "1"}));
    let learned = outcome(&gitlab(), &config, &token(&json!({}))).unwrap().learned;
    assert_eq!(learned, [ImmutableId::new("project_id", "2")]);
    for pin in learned {
        config[pin.claim] = pin.value.into();
    }
    assert!(outcome(&gitlab(), &config, &token(&json!({}))).unwrap().learned.is_empty());
    assert!(outcome(&gitlab(), &config, &token(&json!({"project_id": "3"}))).is_err());
}

#[test]
fn an_environment_weighs_more_than_all_else_and_ids_weigh_nothing() {
    let specificity = |changes: Value| {
        let config = changed(&lenient(), &changes);
        outcome(&gitlab(), &config, &strict_token(&json!({}))).unwrap().specificity
    };
    assert_eq!(specificity(json!({})), 0);
    assert_eq!(specificity(json!({"project_id": "2", "namespace_id": "1"})), 0);
    for one in [
        json!({"ref": "refs/**"}),
        json!({"ref_protected": true}),
        json!({"event": "push"}),
        json!({"runner_environment": "gitlab-hosted"}),
    ] {
        assert_eq!(specificity(one), 1);
    }
    let all_else = specificity(changed(&strict(), &json!({"environment": null})));
    assert_eq!(all_else, 4);
    assert!(specificity(json!({"environment": "publish"})) > all_else);
}

#[test]
fn a_configuration_may_be_named_by_its_commit() {
    let uri = "gitlab.example/acme/group/widget//.gitlab-ci.yml@0123456789abcdef0123456789abcdef01234567";
    assert!(outcome(&gitlab(), &lenient(), &token(&json!({"ci_config_ref_uri": uri}))).is_ok());
}

#[test]
fn nested_groups_and_unusual_paths_match_whole() {
    let config = json!({"project_path": "a/b/c/d.e_f-g", "ci_config": "ci/x@y.yml"});
    let claims = token(&json!({
        "project_path": "a/b/c/d.e_f-g",
        "ref_path": "refs/tags/@acme/widget@1.0.0",
        "ci_config_ref_uri": "gitlab.example/a/b/c/d.e_f-g//ci/x@y.yml@refs/tags/@acme/widget@1.0.0",
    }));
    assert!(outcome(&gitlab(), &config, &claims).is_ok());
}

#[test]
fn a_refusal_says_what_to_change() {
    let fork = json!({"job_project_path": "evil/widget", "job_project_id": "3"});
    for (config, claims, part) in [
        (json!({}), json!({"project_path": "acme/gadget"}), "set `project_path` to `acme/gadget`"),
        (json!({"project_id": "2"}), json!({"project_path": "acme/gadget"}), "it was renamed or transferred"),
        (json!({"project_id": "3"}), json!({}), "deleted and created again"),
        (json!({}), fork, "not in a fork's pipeline"),
        (json!({"ci_config": ".gitlab-ci.yaml"}), json!({}), "one ends in `.yml`, the other in `.yaml`"),
        (json!({"ci_config": "ci.yml"}), json!({}), "set `ci_config` to `.gitlab-ci.yml`"),
        (json!({}), json!({"ci_config_ref_uri": null}), "outside of the project"),
        (
            json!({}),
            json!({"ci_config_ref_uri": "gitlab.example/evil/x//a.yml@refs/tags/v1.0.0"}),
            "expected `gitlab.example/acme/group/widget//.gitlab-ci.yml@refs/tags/v1.0.0`",
        ),
        (json!({"environment": "publish"}), json!({}), "add `environment: publish` to the job"),
        (json!({"environment": "publish"}), json!({"environment": "Publish"}), "the case of letters only"),
        (json!({"event": "web"}), json!({}), "add `push` to `event`"),
        (json!({"ref": "refs/heads/main"}), json!({}), "`**` does not"),
        (json!({"ref_protected": true}), json!({"ref_protected": "false"}), "protect the branch or tag"),
        (
            json!({"runner_environment": "self-hosted"}),
            json!({}),
            "set `runner_environment` to `gitlab-hosted`",
        ),
    ] {
        let why = why(&changed(&lenient(), &config), &token(&claims));
        assert!(why.contains(part) && !why.contains('\n'), "{why}");
    }
}

#[test]
fn the_pinned_ids_tell_a_renamed_project_from_a_stranger() {
    let renamed = json!({"project_path": "acme/group/gadget"});
    for (pins, changes, is_renamed, is_stranger) in [
        (json!({}), &renamed, false, false),
        (json!({"project_id": "2"}), &renamed, true, false),
        (json!({"project_id": "3"}), &renamed, false, false),
        (json!({"project_id": "3"}), &json!({}), false, true),
        (json!({"namespace_id": "3"}), &json!({}), false, true),
        (json!({"project_id": "3"}), &json!({"ci_config_ref_uri": null}), false, true),
        (json!({"project_id": "2"}), &json!({"ci_config_ref_uri": null}), false, false),
        (json!({"project_id": "2", "ref_protected": true}), &json!({"ref_protected": "false"}), false, false),
    ] {
        let claims = verified(&gitlab(), &token(changes)).unwrap();
        let publisher = gitlab().publisher(&changed(&lenient(), &pins)).unwrap();
        let mismatch = publisher.check(&claims).unwrap_err();
        assert_eq!(
            (mismatch.is_renamed(), mismatch.is_stranger()),
            (is_renamed, is_stranger),
            "{pins} {changes}"
        );
    }
}

#[test]
fn the_job_is_linked_on_its_own_instance() {
    for issuer in [ISSUER, INSTANCE, "http://127.0.0.1:9001", "https://gitlab.example/gitlab"] {
        let gitlab = GitLab::at(issuer).unwrap();
        let run = gitlab.run(&verified(&gitlab, &token_of(issuer, &json!({}))).unwrap());
        assert_eq!(run.url.unwrap(), format!("{issuer}/acme/group/widget/-/jobs/2001"));
        assert_eq!(run.repository.unwrap(), "acme/group/widget");
        assert_eq!(run.r#ref.unwrap(), "refs/tags/v1.0.0");
        let (project, sha) = (format!("{issuer}/acme/group/widget"), run.sha.unwrap());
        assert_eq!(sha.len(), 40);
        let source = run.source.unwrap();
        assert_eq!(source.commit_url.unwrap(), format!("{project}/-/commit/{sha}"));
        assert_eq!(source.workflow.unwrap(), ".gitlab-ci.yml");
        assert_eq!(source.workflow_url.unwrap(), format!("{project}/-/blob/{sha}/.gitlab-ci.yml"));
    }
    let elsewhere =
        json!({"ci_config_ref_uri": "gitlab.com/acme/templates//.gitlab-ci.yml@refs/tags/v1.0.0"});
    let run = gitlab().run(&verified(&gitlab(), &token(&elsewhere)).unwrap());
    let source = run.source.unwrap();
    assert_eq!((source.workflow, source.workflow_url), (None, None));
    for changes in
        [json!({"job_id": "<absent>"}), json!({"job_id": "1?x"}), json!({"project_path": "a/../b"})]
    {
        assert_eq!(gitlab().run(&verified(&gitlab(), &token(&changes)).unwrap()).url, None, "{changes}");
    }
}

#[test]
fn every_claim_of_the_sample_is_in_the_table() {
    let gitlab = gitlab();
    let profile = gitlab.profile();
    for name in strict_token(&json!({})).as_object().unwrap().keys() {
        assert!(profile.rule(name).is_some(), "{name}");
    }
    let documentation = include_str!("mod.rs");
    for rule in
        profile.claims.iter().filter(|rule| !["iss", "aud", "exp", "iat", "jti", "nbf"].contains(&rule.name))
    {
        assert!(documentation.contains(&format!("`{}`", rule.name)), "{}", rule.name);
    }
    assert_eq!(profile.max_lifetime, Duration::from_secs(86_400));
    assert!(
        profile.rule("project_id").is_some_and(|rule| rule.immutable && rule.usage == ClaimUse::Required)
    );
}

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(GitLab::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}
