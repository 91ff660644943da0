//! Every platform under the suite that third parties' platforms run. Its jobs are the cases of its client half.

use std::sync::Arc;

use oidc_core::Provider;
use oidc_core::testing::conformance::{self, Harness, Job};
use serde_json::{Value, json};

use crate::cases::{Platform, jobs};
use crate::harness::{overrides, same_up_to_case};
use crate::{
    activestate, aws, azure, bitbucket, buildkite, circleci, forgejo, generic, github, gitlab, google,
    semaphore, terraform,
};

/// A platform under test.
struct Under {
    platform: Platform,
    issuers: [&'static str; 2],
    /// Claims beside the sample's, so that every field has a value.
    claims: Value,
    jobs: Vec<Job>,
}

impl Under {
    fn new(platform: Platform) -> Self {
        let issuers = ["https://issuer.example", "https://other.example"];
        Self { platform, issuers, claims: json!({}), jobs: jobs(platform) }
    }
}

impl Harness for Under {
    fn provider(&self, issuer: &str) -> Arc<dyn Provider> {
        (self.platform.at)(issuer).unwrap()
    }

    fn issuers(&self) -> [String; 2] {
        self.issuers.map(str::to_owned)
    }

    fn claims(&self, issuer: &str, audience: &str, now: u64) -> Value {
        (self.platform.claims)(issuer, audience, now, "id", &overrides(&self.claims))
    }

    fn jobs(&self) -> Vec<Job> {
        self.jobs.clone()
    }

    /// The repository of a called workflow, which no field has alone, is compared as repositories are.
    fn is_same(&self, claim: &str, one: &str, other: &str) -> bool {
        let repository = one.find("/.github/");
        claim == "job_workflow_ref" && repository.is_some_and(|end| same_up_to_case(one, other, end))
    }
}

fn holds(under: &Under) {
    assert!(under.jobs.len() > 2, "{} has few jobs", under.platform.name);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(conformance::all(under));
}

#[test]
fn github_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::GitHub::at(issuer)?) as _);
    let platform = Platform { name: github::ID, at, claims: github::sample::claims_with };
    let called = "acme/shared/.github/workflows/release.yml@refs/tags/v2.0.0";
    let claims = json!({ "environment": "publish", "job_workflow_ref": called });
    holds(&Under { claims, ..Under::new(platform) });
}

#[test]
fn gitlab_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::GitLab::at(issuer)?) as _);
    let platform = Platform { name: gitlab::ID, at, claims: gitlab::sample::claims_with };
    holds(&Under { claims: json!({ "environment": "publish" }), ..Under::new(platform) });
}

#[test]
fn circleci_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::CircleCi::at(issuer)?) as _);
    let platform = Platform { name: circleci::ID, at, claims: circleci::sample::claims_with };
    let issuers =
        ["https://oidc.circleci.com", "https://oidc.circleci.com/org/11111111-1111-4111-8111-111111111111"];
    holds(&Under { issuers, ..Under::new(platform) });
}

#[test]
fn buildkite_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Buildkite::at(issuer)?) as _);
    let platform = Platform { name: buildkite::ID, at, claims: buildkite::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn google_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Google::at(issuer)?) as _);
    let platform = Platform { name: google::ID, at, claims: google::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn activestate_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::ActiveState::at(issuer)?) as _);
    let platform = Platform { name: activestate::ID, at, claims: activestate::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn the_generic_platform_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Generic::at(issuer)?) as _);
    let platform = Platform { name: generic::ID, at, claims: generic::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn forgejo_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Forgejo::at(issuer)?) as _);
    let platform = Platform { name: forgejo::ID, at, claims: forgejo::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn azure_pipelines_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::AzurePipelines::at(issuer)?) as _);
    let platform = Platform { name: azure::ID, at, claims: azure::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn bitbucket_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Bitbucket::at(issuer)?) as _);
    let platform = Platform { name: bitbucket::ID, at, claims: bitbucket::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn semaphore_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Semaphore::at(issuer)?) as _);
    let platform = Platform { name: semaphore::ID, at, claims: semaphore::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn hcp_terraform_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Terraform::at(issuer)?) as _);
    let platform = Platform { name: terraform::ID, at, claims: terraform::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn aws_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Aws::at(issuer)?) as _);
    let platform = Platform { name: aws::ID, at, claims: aws::sample::claims_with };
    holds(&Under::new(platform));
}
