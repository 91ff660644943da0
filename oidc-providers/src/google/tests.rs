use std::sync::Arc;

use oidc_core::{Provider, Run};
use serde_json::json;

use super::{Google, ISSUER, sample};
use crate::cases::{self, Platform};
use crate::harness::{AUDIENCE, NOW, hold, outcome, overrides, selected, verified};

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(Google::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}

#[test]
fn the_vectors_of_other_registries_hold() {
    hold(include_str!("../../tests/vectors/google.json"), |vector| {
        let claims = vector.claims.as_ref().unwrap();
        let claims = sample::claims_with(ISSUER, AUDIENCE, NOW, "id", &overrides(claims));
        selected(&Google::public(), vector, &claims)
    });
}

#[test]
fn an_address_has_one_at_sign_a_name_and_a_host_with_a_dot() {
    let is_taken = |email: &str| Google::public().publisher(&json!({ "email": email })).is_ok();
    assert!(is_taken("publisher@acme.iam.gserviceaccount.com"));
    for email in
        ["publisher", "@acme.example", "a@acme", "a@b@acme.example", "a b@acme.example", "a@acme .example"]
    {
        assert!(!is_taken(email), "{email}");
    }
}

#[test]
fn a_subject_is_visible_ascii_in_a_configuration_and_in_a_token_to_learn_from() {
    let email = "publisher@acme.iam.gserviceaccount.com";
    for (subject, is_taken) in [
        ("104029292853099978293", true),
        ("abc-1", true),
        ("1 2", false),
        ("\u{661}", false),
        ("a\u{456}", false),
    ] {
        let config = json!({ "email": email, "sub": subject });
        assert_eq!(Google::public().publisher(&config).is_ok(), is_taken, "{subject}");
        let claims = sample::claims_with(ISSUER, AUDIENCE, NOW, "id", &overrides(&json!({ "sub": subject })));
        let learning = outcome(&Google::public(), &json!({ "email": email }), &claims);
        assert_eq!(learning.is_ok(), is_taken, "{subject}");
    }
}

#[test]
fn a_description_and_a_run_tell_no_address() {
    let publisher = Google::public().publisher(&json!({"email": "alice@acme.example"})).unwrap();
    assert_eq!(publisher.describe(), "an account of acme.example");
    let claims = verified(&Google::public(), &sample::claims(ISSUER, AUDIENCE, NOW, "id")).unwrap();
    assert_eq!(Google::public().run(&claims), Run::default());
}

#[test]
fn the_keys_of_the_public_issuer_are_at_another_host() {
    assert_eq!(Google::public().profile().issuers[0].key_hosts, ["www.googleapis.com"]);
    assert!(Google::at("http://127.0.0.1:9001").unwrap().profile().issuers[0].key_hosts.is_empty());
}
