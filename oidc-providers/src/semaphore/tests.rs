use std::sync::Arc;

use oidc_core::Provider;
use serde_json::json;

use super::{Semaphore, sample};
use crate::cases::{self, Platform};
use crate::harness::{AUDIENCE, NOW, overrides, verified};

const ISSUER: &str = "https://acme.semaphoreci.com";

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(Semaphore::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}

#[test]
fn no_issuer_accepts_the_fixed_audience_by_itself_and_a_job_is_told_what_it_means() {
    let semaphore = Semaphore::at(ISSUER).unwrap();
    assert!(semaphore.profile().issuers.iter().all(|issuer| issuer.fixed_audience.is_none()));
    let messages = include_str!("../../tests/cases/semaphore/messages.txt");
    assert!(messages.contains("every service that gets one could publish with it"), "{messages}");
}

#[test]
fn the_workflow_is_linked() {
    let semaphore = Semaphore::at(ISSUER).unwrap();
    let claims = sample::claims_with(ISSUER, AUDIENCE, NOW, "id", &overrides(&json!({"wf_id": "x"})));
    let run = semaphore.run(&verified(&semaphore, &claims).unwrap());
    assert_eq!(run.url.as_deref(), Some("https://acme.semaphoreci.com/workflows/x"));
    assert_eq!(run.repository.as_deref(), Some("acme/widget"));
}
