use std::sync::Arc;

use oidc_core::Provider;

use super::{ActiveState, ISSUER, sample};
use crate::cases::{self, Platform};
use crate::harness::{AUDIENCE, NOW, hold, overrides, selected, verified};

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(ActiveState::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}

#[test]
fn the_vectors_of_other_registries_hold() {
    hold(include_str!("../../tests/vectors/activestate.json"), |vector| {
        let claims = vector.claims.as_ref().unwrap();
        let claims = sample::claims_with(ISSUER, AUDIENCE, NOW, "id", &overrides(claims));
        selected(&ActiveState::public(), vector, &claims)
    });
}

#[test]
fn the_run_names_the_project() {
    let claims = verified(&ActiveState::public(), &sample::claims(ISSUER, AUDIENCE, NOW, "id")).unwrap();
    assert_eq!(ActiveState::public().run(&claims).repository.as_deref(), Some("acme/widget"));
}
