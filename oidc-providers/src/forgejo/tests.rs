use std::sync::Arc;

use oidc_core::Provider;
use oidc_core::testing::SigningAlgorithm;
use serde_json::json;

use super::{Forgejo, sample};
use crate::cases::{self, Platform};
use crate::harness::{AUDIENCE, NOW, accepted_algorithms, overrides, verified};

const ISSUER: &str = "https://forge.example/api/actions";

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(Forgejo::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}

#[test]
fn whichever_of_four_algorithms_an_instance_signs_with_its_tokens_are_verified() {
    let claims = sample::claims(ISSUER, AUDIENCE, NOW, "id");
    let accepted = accepted_algorithms(Forgejo::at(ISSUER).unwrap(), ISSUER, &claims);
    assert_eq!(
        accepted,
        [SigningAlgorithm::Rs256, SigningAlgorithm::Es256, SigningAlgorithm::Es384, SigningAlgorithm::EdDsa]
    );
}

#[test]
fn the_run_is_linked_on_its_own_instance() {
    let forgejo = Forgejo::at(ISSUER).unwrap();
    let claims = verified(&forgejo, &sample::claims(ISSUER, AUDIENCE, NOW, "id")).unwrap();
    let run = forgejo.run(&claims);
    assert_eq!(run.url.as_deref(), Some("https://forge.example/acme/widget/actions/runs/7"));
    assert_eq!(run.repository.as_deref(), Some("acme/widget"));
    let odd = overrides(&json!({"repository": "acme/../x", "run_number": "7/../8"}));
    let claims = sample::claims_with(ISSUER, AUDIENCE, NOW, "id", &odd);
    assert_eq!(forgejo.run(&verified(&forgejo, &claims).unwrap()).url, None);
}

#[test]
fn no_message_of_forgejo_speaks_of_permissions_as_a_fix() {
    let messages = include_str!("../../tests/cases/forgejo/messages.txt");
    assert!(messages.contains("enable-openid-connect: true"));
    assert!(!messages.contains("id-token: write"), "{messages}");
}
