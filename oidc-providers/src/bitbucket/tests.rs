use std::sync::Arc;

use oidc_core::Provider;

use super::{Bitbucket, sample};
use crate::cases::{self, Platform};
use crate::harness::{AUDIENCE, NOW, verified};

const ISSUER: &str = "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc";

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(Bitbucket::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}

#[test]
fn the_run_names_the_branch_and_nothing_that_looks_like_a_repository() {
    let bitbucket = Bitbucket::at(ISSUER).unwrap();
    let claims = verified(&bitbucket, &sample::claims(ISSUER, AUDIENCE, NOW, "id")).unwrap();
    let run = bitbucket.run(&claims);
    assert_eq!((run.r#ref.as_deref(), run.repository, run.url), (Some("main"), None, None));
}
