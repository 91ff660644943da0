use std::sync::Arc;

use oidc_core::Provider;
use serde_json::json;

use super::{AzurePipelines, sample};
use crate::cases::{self, Platform};
use crate::harness::{AUDIENCE, NOW, overrides, verified};

const ISSUER: &str = "https://vstoken.dev.azure.com/11111111-1111-4111-8111-111111111111";

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(AzurePipelines::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}

#[test]
fn no_issuer_accepts_the_fixed_audience_by_itself_and_a_job_is_told_what_it_means() {
    let azure = AzurePipelines::at(ISSUER).unwrap();
    assert!(azure.profile().issuers.iter().all(|issuer| issuer.fixed_audience.is_none()));
    let messages = include_str!("../../tests/cases/azure/messages.txt");
    assert!(messages.contains("every service that gets one could publish with it"), "{messages}");
}

#[test]
fn the_run_names_repository_commit_and_ref() {
    let azure = AzurePipelines::at(ISSUER).unwrap();
    let claims = sample::claims_with(ISSUER, AUDIENCE, NOW, "id", &overrides(&json!({"rpo_ver": ""})));
    let run = azure.run(&verified(&azure, &claims).unwrap());
    assert_eq!(run.repository.as_deref(), Some("https://github.com/acme/widget.git"));
    assert_eq!((run.sha, run.r#ref.as_deref()), (None, Some("refs/tags/v1.0.0")));
}
