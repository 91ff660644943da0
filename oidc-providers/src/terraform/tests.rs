use std::sync::Arc;

use oidc_core::Provider;
use serde_json::json;

use super::{Terraform, sample};
use crate::cases::{self, Platform};
use crate::harness::{AUDIENCE, NOW, overrides, verified};

const ISSUER: &str = "https://app.terraform.io";

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(Terraform::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}

#[test]
fn the_run_is_linked() {
    let terraform = Terraform::public();
    let claims = verified(&terraform, &sample::claims(ISSUER, AUDIENCE, NOW, "id")).unwrap();
    let run = terraform.run(&claims);
    let expected = "https://app.terraform.io/app/acme/workspaces/publish-widget/runs/run-X3n1AUXNGWbfECsJ";
    assert_eq!(run.url.as_deref(), Some(expected));
    assert_eq!(run.repository.as_deref(), Some("acme/publish-widget"));
}

#[test]
fn a_token_lives_as_long_as_its_phase_and_no_longer() {
    let of = |lifetime: u64| {
        let changes = overrides(&json!({ "exp": NOW + lifetime }));
        verified(&Terraform::public(), &sample::claims_with(ISSUER, AUDIENCE, NOW, "id", &changes))
    };
    assert!(of(24 * 3600).is_some());
    assert!(of(24 * 3600 + 1).is_none());
}
