mod config;
mod owner;
mod registries;
mod source;

use std::sync::Arc;
use std::time::Duration;

use oidc_core::{ClaimUse, ImmutableId, Provider, Publisher};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{GitHub, ISSUER, sample};
use crate::cases::{self, Platform};
use crate::harness::{
    AUDIENCE, NOW, anything_but, attacks, changed, hold, outcome, overrides, same_up_to_case, selected,
    verified,
};

const CALLED: &str = "acme/shared/.github/workflows/release.yml@refs/tags/v1";

/// A publisher with every rule.
fn strict() -> Value {
    json!({
        "repository": "acme/widget",
        "workflow": "publish.yml",
        "environment": "publish",
        "repository_id": "2",
        "repository_owner_id": "1",
        "ref": "refs/tags/v*",
        "ref_protected": true,
        "event": ["push", "release"],
        "job_workflow": "acme/shared/.github/workflows/release.yml@refs/tags/*",
        "runner_environment": "github-hosted",
    })
}

/// A publisher with as few rules as there can be.
fn lenient() -> Value {
    json!({"repository": "acme/widget", "workflow": "publish.yml"})
}

fn token(changes: &Value) -> Value {
    sample::claims_with(ISSUER, AUDIENCE, NOW, "id", &overrides(changes))
}

/// A token that [`strict`] accepts, with changes.
fn strict_token(changes: &Value) -> Value {
    token(&changed_claims(&json!({"environment": "publish", "job_workflow_ref": CALLED}), changes))
}

/// Like [`changed`], but `null` stays.
fn changed_claims(claims: &Value, changes: &Value) -> Value {
    let mut claims = claims.as_object().unwrap().clone();
    claims.extend(changes.as_object().unwrap().clone());
    Value::Object(claims)
}

fn publisher(config: &Value) -> Box<dyn Publisher> {
    GitHub::public().publisher(config).unwrap()
}

/// The whole explanation of a refusal.
fn why(config: &Value, claims: &Value) -> String {
    let claims = verified(&GitHub::public(), claims).unwrap();
    publisher(config).check(&claims).unwrap_err().diagnosis().to_string()
}

#[test]
fn a_token_that_every_rule_fits_is_accepted() {
    let github = GitHub::public();
    assert!(outcome(&github, &strict(), &strict_token(&json!({}))).is_ok());
    assert!(outcome(&github, &lenient(), &token(&json!({}))).is_ok());
}

#[test]
fn case_is_ignored_where_github_ignores_it() {
    let github = GitHub::public();
    let claims = strict_token(&json!({"repository": "Acme/WIDGET", "environment": "PUBLISH"}));
    assert!(outcome(&github, &strict(), &claims).is_ok());
    let config = changed(&strict(), &json!({"repository": "ACME/widget", "environment": "Publish"}));
    assert!(outcome(&github, &config, &claims).is_ok());
    let called = "ACME/Shared/.github/workflows/release.yml@refs/tags/v1";
    assert!(outcome(&github, &strict(), &strict_token(&json!({"job_workflow_ref": called}))).is_ok());
}

#[test]
fn a_registry_can_ask_for_exact_comparison_throughout() {
    let exact = GitHub::public().comparing_exactly();
    assert!(outcome(&exact, &strict(), &strict_token(&json!({}))).is_ok());
    for claims in [
        json!({"repository": "Acme/widget"}),
        json!({"repository_owner": "Acme"}),
        json!({"environment": "Publish"}),
        json!({"workflow_ref": "acme/Widget/.github/workflows/publish.yml@refs/tags/v1.0.0"}),
        json!({"job_workflow_ref": "acme/Shared/.github/workflows/release.yml@refs/tags/v1"}),
    ] {
        assert!(outcome(&exact, &strict(), &strict_token(&claims)).is_err(), "{claims}");
    }
    let claims = verified(&exact, &token(&json!({"repository": "Acme/Widget"}))).unwrap();
    assert_eq!(exact.identify(&claims).unwrap().key, "Acme/Widget");
}

#[test]
fn every_attack_is_refused_for_its_own_reason() {
    let table = attacks(include_str!("../../tests/attacks/github.json"));
    for (attack, claims, code, config) in table {
        let config = changed(&strict(), &config);
        let found = outcome(&GitHub::public(), &config, &strict_token(&claims)).map(|_| "accepted");
        assert_eq!(found.unwrap_or_else(|code| code), code, "{attack}");
    }
}

#[test]
fn the_vectors_of_other_registries_hold() {
    hold(include_str!("../../tests/vectors/github.json"), |vector| {
        let github =
            vector.issuer.as_deref().map_or_else(GitHub::public, |issuer| GitHub::at(issuer).unwrap());
        match &vector.claims {
            Some(claims) => selected(&github, vector, &token(claims)),
            None if github.publisher(&vector.publishers[0].1).is_ok() => "accept".to_owned(),
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
        let config = changed(&strict(), &json!({
            "ref": "refs/tags/v1.0.0",
            "event": "push",
            "job_workflow": CALLED,
        }));
        let (_, text, ignoring) = configured().into_iter().find(|(name, ..)| *name == claim).unwrap();
        prop_assume!(!value.as_str().is_some_and(|value| same_up_to_case(value, &text, ignoring)));
        claims[claim] = value;
        prop_assert!(outcome(&GitHub::public(), &config, &claims).is_err(), "{claims}");
    }
}

/// Every claim that the strictest publisher reads, its value, and in how many bytes of it case is ignored.
fn configured() -> Vec<(&'static str, String, usize)> {
    let claims = strict_token(&json!({}));
    let of = |claim: &'static str, ignoring| (claim, claims[claim].as_str().unwrap().to_owned(), ignoring);
    vec![
        of("repository", "acme/widget".len()),
        of("repository_owner", "acme".len()),
        of("repository_id", 0),
        of("repository_owner_id", 0),
        of("workflow_ref", "acme/widget".len()),
        of("job_workflow_ref", "acme/shared".len()),
        of("event_name", 0),
        of("environment", "publish".len()),
        of("ref", 0),
        of("ref_protected", 0),
        of("runner_environment", 0),
    ]
}

#[test]
fn sibling_issuers_never_speak_for_each_other() {
    let slug = format!("{ISSUER}/acme");
    let others = [
        slug.as_str(),
        "https://token.actions.acme.ghe.com",
        "https://ghes.example/_services/token",
        "http://127.0.0.1:9001",
        "http://127.0.0.1:9002",
    ];
    for issuer in others {
        let other = GitHub::at(issuer).unwrap();
        let claims = sample::claims(issuer, AUDIENCE, NOW, "id");
        let verified_there = verified(&other, &claims).unwrap();
        assert_eq!(publisher(&lenient()).check(&verified_there).unwrap_err().diagnosis().code, "issuer");
        assert_ne!(other.identify(&verified_there).unwrap(), publisher(&lenient()).identity());
        assert!(other.publisher(&lenient()).unwrap().check(&verified_there).is_ok());
        let ours = verified(&GitHub::public(), &token(&json!({}))).unwrap();
        assert!(other.publisher(&lenient()).unwrap().check(&ours).is_err());
    }
}

#[test]
fn ids_that_are_not_configured_are_learned() {
    let github = GitHub::public();
    let learned = outcome(&github, &lenient(), &token(&json!({}))).unwrap().learned;
    assert_eq!(
        learned,
        [ImmutableId::new("repository_id", "2"), ImmutableId::new("repository_owner_id", "1")]
    );
    let mut config = changed(&lenient(), &json!({"repository_owner_id": "1"}));
    let learned = outcome(&github, &config, &token(&json!({}))).unwrap().learned;
    assert_eq!(learned, [ImmutableId::new("repository_id", "2")]);
    for pin in learned {
        config[pin.claim] = pin.value.into();
    }
    assert!(outcome(&github, &config, &token(&json!({}))).unwrap().learned.is_empty());
    assert!(outcome(&github, &config, &token(&json!({"repository_id": "3"}))).is_err());
}

#[test]
fn an_environment_weighs_more_than_all_else_and_ids_weigh_nothing() {
    let specificity = |changes: Value| {
        let config = changed(&lenient(), &changes);
        outcome(&GitHub::public(), &config, &strict_token(&json!({}))).unwrap().specificity
    };
    let job_workflow = strict()["job_workflow"].clone();
    assert_eq!(specificity(json!({})), 0);
    assert_eq!(specificity(json!({"repository_id": "2", "repository_owner_id": "1"})), 0);
    assert_eq!(specificity(json!({"ref_protected": false})), 0);
    for one in [
        json!({"ref": "refs/**"}),
        json!({"ref_protected": true}),
        json!({"event": "push"}),
        json!({"job_workflow": job_workflow}),
        json!({"runner_environment": "github-hosted"}),
    ] {
        assert_eq!(specificity(one), 1);
    }
    let all_else = specificity(changed(&strict(), &json!({"environment": null})));
    assert_eq!(all_else, 5);
    assert!(specificity(json!({"environment": "publish"})) > all_else);
    assert_eq!(specificity(strict()), specificity(json!({"environment": "publish"})) + 5);
}

#[test]
fn events_that_strangers_start_are_named_or_never_accepted() {
    let event = |event: &str, config: Value| {
        outcome(&GitHub::public(), &changed(&lenient(), &config), &token(&json!({"event_name": event})))
            .is_ok()
    };
    assert!(event("workflow_run", json!({"event": "workflow_run"})));
    assert!(event("workflow_run", json!({"event": ["push", "workflow_run"]})));
    assert!(!event("push", json!({"event": "workflow_run"})));
    assert!(!event("workflow_run", json!({})));
    assert!(!event("pull_request_target", json!({})));
    let refused =
        GitHub::public().publisher(&changed(&lenient(), &json!({"event": ["push", "pull_request_target"]})));
    assert!(refused.unwrap_err().to_string().contains("write `push`"));
}

/// A person with write access may dispatch a workflow there, with the workflow's file of whoever made the request.
#[test]
fn a_run_on_a_pull_requests_ref_counts_as_the_pull_requests() {
    for event in ["workflow_dispatch", "push", "deployment", "release"] {
        for git_ref in ["refs/pull/7/merge", "refs/pull/7/head"] {
            let workflow = format!("acme/widget/.github/workflows/publish.yml@{git_ref}");
            let claims = token(&json!({
                "event_name": event, "ref": git_ref, "workflow_ref": workflow, "job_workflow_ref": workflow,
            }));
            for (rule, expected) in [
                (json!({}), "github-event"),
                (json!({ "event": event }), "github-event"),
                (json!({ "event": [event, "pull_request"] }), "match"),
                (json!({ "ref": "refs/pull/*/*" }), "match"),
                (json!({ "ref": "refs/heads/*" }), "github-ref"),
            ] {
                let found = outcome(&GitHub::public(), &changed(&lenient(), &rule), &claims);
                assert_eq!(found.map_or_else(|code| code, |_| "match"), expected, "{event} {git_ref} {rule}");
            }
        }
    }
}

#[test]
fn a_deployment_without_a_ref_is_held_to_its_commit() {
    let sha = "0123456789abcdef0123456789abcdef01234567";
    let workflow = format!("acme/widget/.github/workflows/publish.yml@{sha}");
    let claims = token(&json!({"ref": "", "workflow_ref": workflow, "event_name": "deployment"}));
    assert!(outcome(&GitHub::public(), &lenient(), &claims).is_ok());
}

#[test]
fn a_called_workflow_may_be_pinned_to_a_commit() {
    let sha = "fedcba9876543210fedcba9876543210fedcba98";
    let called = format!("acme/shared/.github/workflows/release.yml@{sha}");
    let config = changed(&lenient(), &json!({"job_workflow": called}));
    let claims = token(&json!({"job_workflow_ref": called, "job_workflow_sha": sha}));
    assert!(outcome(&GitHub::public(), &config, &claims).is_ok());
}

#[test]
fn file_names_and_tags_may_hold_an_at_sign() {
    let config = changed(
        &lenient(),
        &json!({
            "workflow": "publish@next.yml",
            "ref": "refs/tags/@acme/widget@*",
            "job_workflow": "acme/shared/.github/workflows/a@b.yml@refs/tags/@acme/shared@*",
        }),
    );
    let claims = token(&json!({
        "ref": "refs/tags/@acme/widget@1.0.0",
        "workflow_ref": "acme/widget/.github/workflows/publish@next.yml@refs/tags/@acme/widget@1.0.0",
        "job_workflow_ref": "acme/shared/.github/workflows/a@b.yml@refs/tags/@acme/shared@2.0.0",
    }));
    assert!(outcome(&GitHub::public(), &config, &claims).is_ok());
}

#[test]
fn a_refusal_says_what_to_change() {
    let called = "acme/widget/.github/workflows/publish.yml@refs/tags/v1.0.0";
    for (config, claims, part) in [
        (json!({}), json!({"repository": "acme/gadget"}), "set `repository` to `acme/gadget`"),
        (
            json!({"repository_id": "2"}),
            json!({"repository": "acme/gadget"}),
            "it was renamed or transferred",
        ),
        (json!({"repository_id": "3"}), json!({}), "deleted and created again"),
        (
            json!({}),
            json!({"workflow_ref": "acme/widget/.github/workflows/Publish.yml@refs/tags/v1.0.0"}),
            "the case of letters only",
        ),
        (
            json!({"workflow": "publish.yaml"}),
            json!({}),
            "(found `publish.yml`, expected `publish.yaml`); if this job is meant to publish, set `workflow` to `publish.yml`",
        ),
        (
            json!({}),
            json!({"workflow_ref": "acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0", "job_workflow_ref": called}),
            "`publish.yml` was called by `ci.yml`",
        ),
        (
            json!({}),
            json!({"workflow_ref": "evil/widget/.github/workflows/publish.yml@refs/tags/v1.0.0"}),
            "a workflow of another repository can't publish",
        ),
        (json!({"environment": "publish"}), json!({}), "add `environment: publish` to the job"),
        (json!({"environment": "publish"}), json!({"environment": "publ\u{456}sh"}), "not ASCII"),
        (json!({"event": "release"}), json!({}), "add `push` to `event`"),
        (json!({}), json!({"event_name": "workflow_run"}), "name `workflow_run` in the publisher's `event`"),
        (json!({"ref": "refs/heads/main"}), json!({}), "`**` does not"),
        (json!({"ref_protected": true}), json!({"ref_protected": "false"}), "protect the branch or tag"),
        (
            json!({"runner_environment": "self-hosted"}),
            json!({}),
            "set `runner_environment` to `github-hosted`",
        ),
        (json!({"environment": "publish"}), json!({"environment": "a\u{1b}[31m\nb"}), "a\\u{1b}[31m\\u{a}b"),
    ] {
        let why = why(&changed(&lenient(), &config), &token(&claims));
        assert!(why.contains(part) && !why.contains('\n'), "{why}");
    }
}

#[test]
fn the_advice_on_a_called_workflow_gets_the_job_accepted() {
    let file = "acme/widget/.github/workflows/publish.yml";
    let commit = "b".repeat(40);
    for (revision, advised) in [
        ("refs/heads/main", "refs/heads/main"),
        ("refs/tags/v1.0.0", "refs/tags/*"),
        ("refs/tags/@acme/widget@1.0.0", "refs/tags/**"),
        ("refs/pull/7/merge", "refs/pull/7/merge"),
        (&*commit, &*commit),
    ] {
        let token = token(&json!({
            "workflow_ref": "acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0",
            "job_workflow_ref": format!("{file}@{revision}"),
            "job_workflow_sha": commit,
        }));
        let job_workflow = format!("{file}@{advised}");
        let said = why(&lenient(), &token);
        assert!(said.contains(&format!("set `job_workflow` to `{job_workflow}`")), "{said}");
        let advised = changed(&lenient(), &json!({"workflow": "ci.yml", "job_workflow": job_workflow}));
        assert!(outcome(&GitHub::public(), &advised, &token).is_ok(), "{said}");
    }
}

#[test]
fn the_pinned_ids_tell_a_renamed_repository_from_a_stranger() {
    let renamed = json!({"repository": "acme/gadget"});
    for (pins, changes, is_renamed, is_stranger) in [
        (json!({}), &renamed, false, false),
        (json!({"repository_id": "2"}), &renamed, true, false),
        (json!({"repository_id": "3"}), &renamed, false, false),
        (json!({"repository_id": "3"}), &json!({}), false, true),
        (json!({"repository_owner_id": "3"}), &json!({}), false, true),
        (json!({"repository_id": "2"}), &json!({"event_name": "workflow_run"}), false, false),
    ] {
        let claims = verified(&GitHub::public(), &token(changes)).unwrap();
        let mismatch = publisher(&changed(&lenient(), &pins)).check(&claims).unwrap_err();
        assert_eq!(
            (mismatch.is_renamed(), mismatch.is_stranger()),
            (is_renamed, is_stranger),
            "{pins} {changes}"
        );
    }
}

#[test]
fn a_hint_at_the_called_workflow_needs_the_whole_file_name() {
    let called = "acme/widget/.github/workflows/publish.yml.evil.yml@refs/tags/v1.0.0";
    let caller = "acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0";
    let why = why(&lenient(), &token(&json!({"workflow_ref": caller, "job_workflow_ref": called})));
    assert!(!why.contains("called by"), "{why}");
}

#[test]
fn the_run_is_linked_on_its_own_site() {
    for (issuer, server) in [
        (ISSUER, "https://github.com"),
        ("https://token.actions.githubusercontent.com/acme", "https://github.com"),
        ("https://token.actions.acme.ghe.com", "https://acme.ghe.com"),
        ("https://token.actions.acme.ghe.com/acme", "https://acme.ghe.com"),
        ("https://ghes.example:8443/_services/token", "https://ghes.example:8443"),
        ("http://127.0.0.1:9001", "http://127.0.0.1:9001"),
        (
            "https://token.actions.githubusercontent.com.evil.example",
            "https://token.actions.githubusercontent.com.evil.example",
        ),
    ] {
        let github = GitHub::at(issuer).unwrap();
        let claims = verified(&github, &sample::claims(issuer, AUDIENCE, NOW, "id")).unwrap();
        let run = github.run(&claims);
        assert_eq!(run.url.unwrap(), format!("{server}/acme/widget/actions/runs/1000000001/attempts/1"));
        assert_eq!(run.repository.unwrap(), "acme/widget");
        assert_eq!(run.r#ref.unwrap(), "refs/tags/v1.0.0");
        let (repository, sha) = (format!("{server}/acme/widget"), run.sha.unwrap());
        assert_eq!(sha.len(), 40);
        let source = run.source.unwrap();
        assert_eq!(source.commit_url.unwrap(), format!("{repository}/commit/{sha}"));
        assert_eq!(source.workflow.unwrap(), ".github/workflows/publish.yml");
        assert_eq!(
            source.workflow_url.unwrap(),
            format!("{repository}/blob/{sha}/.github/workflows/publish.yml")
        );
    }
}

#[test]
fn the_workflow_of_another_repository_is_not_linked() {
    let github = GitHub::public();
    for changes in [
        json!({"workflow_ref": "acme/other/.github/workflows/publish.yml@refs/tags/v1.0.0"}),
        json!({"workflow_ref": "acme/widget/../x"}),
        json!({"sha": "../../x"}),
    ] {
        let run = github.run(&verified(&github, &token(&changes)).unwrap());
        assert_eq!(run.source.unwrap().workflow_url, None, "{changes}");
    }
}

#[test]
fn a_run_with_doubtful_parts_has_no_link() {
    let url = |changes: Value| {
        let github = GitHub::public();
        github.run(&verified(&github, &token(&changes)).unwrap()).url
    };
    assert!(url(json!({"run_attempt": "<absent>"})).unwrap().ends_with("/actions/runs/1000000001"));
    for changes in [
        json!({"run_id": "<absent>"}),
        json!({"run_id": "1?x"}),
        json!({"run_id": 1}),
        json!({"run_attempt": "../.."}),
        json!({"repository": "acme/../../evil"}),
        json!({"repository": "acme/wid\nget"}),
    ] {
        assert_eq!(url(changes.clone()), None, "{changes}");
    }
}

#[test]
fn every_claim_of_the_sample_is_in_the_table() {
    let github = GitHub::public();
    let profile = github.profile();
    let claims = strict_token(&json!({}));
    for name in claims.as_object().unwrap().keys() {
        assert!(profile.rule(name).is_some(), "{name}");
    }
    let documentation = include_str!("mod.rs");
    for rule in
        profile.claims.iter().filter(|rule| !["iss", "aud", "exp", "iat", "jti", "nbf"].contains(&rule.name))
    {
        assert!(documentation.contains(&format!("`{}`", rule.name)), "{}", rule.name);
    }
    assert_eq!(profile.claim_prefixes, ["repo_property_"]);
    assert_eq!(profile.max_lifetime, Duration::from_secs(3600));
    assert!(
        profile.rule("repository_id").is_some_and(|rule| rule.immutable && rule.usage == ClaimUse::Required)
    );
}

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(GitHub::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}
