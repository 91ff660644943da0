use std::sync::Arc;

use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{Ambient, Audience, Context, Provider, ProviderSet, ReplaySource};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::claims::{
    CONTEXT_IDS, ORG_ID, PIPELINE_DEFINITION_ID, PROJECT_ID, SSH_RERUN, VCS_ORIGIN, VCS_REF,
};
use super::{CircleCi, ISSUER, sample};
use crate::cases::{self, Platform};
use crate::harness::{AUDIENCE, NOW, anything_but, changed, outcome, verified};

const ORGANIZATION: &str = "11111111-1111-4111-8111-111111111111";

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(CircleCi::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}

#[test]
fn an_issuer_is_the_root_or_an_organizations_and_nothing_else() {
    let own = CircleCi::organization(ORGANIZATION).unwrap();
    let url = own.profile().issuers[0].url();
    assert_eq!(&**url, "https://oidc.circleci.com/org/11111111-1111-4111-8111-111111111111");
    assert_eq!(own.profile().replay, ReplaySource::Digest);
    for issuer in [ISSUER, url, "https://circleci.example", "http://127.0.0.1:9001"] {
        assert_eq!(CircleCi::at(issuer).unwrap().profile().issuers.len(), 1, "{issuer}");
    }
    for path in [
        "/",
        "/org",
        "/org/",
        "/org/acme",
        "/org/*",
        "/org/11111111-1111-4111-8111-111111111111/",
        "/org/11111111-1111-4111-8111-111111111111/x",
        "/org/11111111-1111-4111-8111-111111111111?x",
        "/x/org/11111111-1111-4111-8111-111111111111",
        "/org/ABCDEF11-1111-4111-8111-111111111111",
        "/org/../org/11111111-1111-4111-8111-111111111111",
        "/ORG/11111111-1111-4111-8111-111111111111",
    ] {
        assert!(CircleCi::at(&format!("{ISSUER}{path}")).is_err(), "{path}");
    }
    for id in ["", "acme", "11111111111141118111111111111111", "../11111111-1111-4111-8111-111111111111"] {
        assert!(CircleCi::organization(id).is_err(), "{id}");
    }
}

/// A publisher without an origin and more rules, with changes.
fn config(changes: &Value) -> Value {
    let ids = json!({
        "org_id": ORGANIZATION,
        "project_id": "22222222-2222-4222-8222-222222222222",
        "pipeline_definition_id": "33333333-3333-4333-8333-333333333333",
    });
    changed(&ids, changes)
}

#[test]
fn an_origin_is_host_owner_and_name() {
    let public = CircleCi::public();
    for origin in ["github.com/acme/widget", "gitlab.com/acme/group/widget"] {
        assert!(public.publisher(&config(&json!({ "vcs_origin": origin }))).is_ok(), "{origin}");
    }
    let example = "such as `github.com/acme/widget`";
    for (origin, fix) in [
        ("https://github.com/acme/widget", "write `github.com/acme/widget`"),
        ("github.com/acme/widget.git", "write `github.com/acme/widget`"),
        ("https://github.com/acme", example),
        ("acme/widget", example),
        ("github.com//widget", "vcs_origin"),
        ("github.com/ac me/widget", "vcs_origin"),
        ("git@github.com/acme/widget", "vcs_origin"),
        ("github.com:443/acme/widget", "vcs_origin"),
        ("github.com/acme/widget#x", "vcs_origin"),
        ("github.com/acme/widget?x", "vcs_origin"),
        ("github.com\\acme/widget/x", "vcs_origin"),
    ] {
        let error = public.publisher(&config(&json!({ "vcs_origin": origin }))).unwrap_err();
        assert!(error.to_string().contains(fix), "{error}");
    }
}

#[test]
fn a_publisher_with_more_rules_is_more_specific_and_an_origin_weighs_nothing() {
    let origin = "github.com/acme/widget";
    let contexts = ["44444444-4444-4444-8444-444444444444"];
    for (changes, specificity, description) in [
        (json!({}), 0, ", VCS origin github.com/acme/widget"),
        (json!({ "vcs_ref": "refs/heads/*" }), 1, ", VCS origin github.com/acme/widget, ref refs/heads/*"),
        (
            json!({ "context_ids": contexts, "vcs_ref": "refs/heads/main" }),
            2,
            ", ref refs/heads/main, context 44444444-4444-4444-8444-444444444444",
        ),
    ] {
        let config = changed(&config(&json!({ "vcs_origin": origin })), &changes);
        let claims = sample::claims(ISSUER, AUDIENCE, NOW, "id");
        assert_eq!(outcome(&CircleCi::public(), &config, &claims).unwrap().specificity, specificity);
        let publisher = CircleCi::public().publisher(&config).unwrap();
        assert!(publisher.describe().ends_with(description), "{}", publisher.describe());
        let key = "org/11111111-1111-4111-8111-111111111111/project/22222222-2222-4222-8222-222222222222";
        assert_eq!(publisher.identity().key, key);
    }
}

#[test]
fn an_organizations_issuer_identifies_nobody_elses_projects() {
    let own = CircleCi::organization(ORGANIZATION).unwrap();
    let issuer = format!("{ISSUER}/org/{ORGANIZATION}");
    let claims = |changes| {
        verified(
            &own,
            &sample::claims_with(&issuer, AUDIENCE, NOW, "id", &crate::harness::overrides(&changes)),
        )
    };
    assert!(own.identify(&claims(json!({})).unwrap()).is_ok());
    let other = claims(json!({ORG_ID: "99999999-9999-4999-8999-999999999999"})).unwrap();
    assert_eq!(own.identify(&other).unwrap_err().diagnosis().code, "circleci-organization");
}

#[tokio::test]
async fn keys_are_fetched_for_configured_organizations_alone() {
    let stranger = FakeIssuer::new(format!("{ISSUER}/org/99999999-9999-4999-8999-999999999999"));
    let token = stranger.sign(&sample::claims(stranger.url(), AUDIENCE, NOW, "id"));
    let http = FakeHttp::of_issuer(stranger);
    let context = Context::default().with_clock(ManualClock::at(NOW)).with_http(http.clone());
    let providers =
        ProviderSet::default().with(CircleCi::organization(ORGANIZATION).unwrap()).with(CircleCi::public());
    let audience = Audience::new(AUDIENCE).unwrap();
    let verifier = Verifier::new(AwsLc, [audience], &providers, &context).unwrap();
    assert!(verifier.verify(&token).await.is_err());
    assert!(http.requests().is_empty());
}

#[tokio::test]
async fn the_root_issuer_is_asked_for_by_a_flag() {
    let context = Context::default().with_environment([("CIRCLECI", "true")].into_iter().collect());
    for (provider, has_flag) in [(CircleCi::public(), false), (CircleCi::public().asking_root_issuer(), true)]
    {
        let source = Ambient::detect(&ProviderSet::default().with(provider), &context).unwrap();
        assert!(source.is_renewable());
        assert_eq!(format!("{source:?}").contains("asks_root: true"), has_flag);
    }
}

#[test]
fn the_run_is_linked_where_it_can_be_seen() {
    let run = |issuer: &str| {
        let provider = CircleCi::at(issuer).unwrap();
        provider.run(&verified(&provider, &sample::claims(issuer, AUDIENCE, NOW, "id")).unwrap())
    };
    let public = run(ISSUER);
    let url = "https://app.circleci.com/pipelines/workflows/66666666-6666-4666-8666-666666666666";
    assert_eq!(public.url.as_deref(), Some(url));
    assert_eq!(public.repository.as_deref(), Some("github.com/acme/widget"));
    assert_eq!(public.r#ref.as_deref(), Some("refs/heads/main"));
    assert_eq!(run("https://circleci.example").url, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn changing_any_configured_claim_refuses(
        (claim, value) in prop::sample::select(vec![
            ORG_ID, PROJECT_ID, PIPELINE_DEFINITION_ID, VCS_ORIGIN, VCS_REF, SSH_RERUN, CONTEXT_IDS,
        ]).prop_flat_map(|claim| {
            let usual = sample::claims(ISSUER, AUDIENCE, NOW, "id")[claim].clone();
            (Just(claim), anything_but(usual.as_str().unwrap_or("x")))
        }),
    ) {
        let mut claims = sample::claims(ISSUER, AUDIENCE, NOW, "id");
        prop_assume!(claims[claim] != value);
        let config = json!({
            "org_id": ORGANIZATION,
            "project_id": "22222222-2222-4222-8222-222222222222",
            "pipeline_definition_id": "33333333-3333-4333-8333-333333333333",
            "vcs_origin": "github.com/acme/widget",
            "vcs_ref": "refs/heads/main",
            "context_ids": "44444444-4444-4444-8444-444444444444",
        });
        prop_assert!(outcome(&CircleCi::public(), &config, &claims).is_ok());
        claims[claim] = value;
        prop_assert!(outcome(&CircleCi::public(), &config, &claims).is_err(), "{claims}");
    }
}
