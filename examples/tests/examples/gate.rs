//! The example of a gate, with tokens of a CI platform in memory.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)]
#[path = "../../examples/gate.rs"]
mod example;

use std::sync::Arc;

use oidc_core::Context;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_providers::{GitHubPublisher, github, sample::Overrides};
use serde_json::json;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "https://deploy.example";
const NOW: u64 = 1_800_000_000;

/// The gate's answer to a token for this audience with this claim changed.
async fn answer(audience: &str, claim: &str, value: &str) -> Result<String, String> {
    let issuer = Arc::new(FakeIssuer::new(ISSUER));
    let changes = Overrides::from([(claim.to_owned(), Some(json!(value)))]);
    let claims = github::sample::claims_with(ISSUER, audience, NOW, "1", &changes);
    let token = issuer.sign(&claims);
    let cx = Context::default().with_clock(ManualClock::at(NOW)).with_http(FakeHttp::of_issuer(issuer));
    let rules = GitHubPublisher::new("acme/widget", "publish.yml").repository_id("2");
    let gate = example::Gate::new(AUDIENCE, rules, &cx).unwrap();
    gate.admit(&token).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_job_that_is_allowed_comes_in_and_its_repository_is_known() {
    assert_eq!(answer(AUDIENCE, "ref", "refs/tags/v1").await.unwrap(), "acme/widget");
}

#[tokio::test]
async fn another_workflow_repository_or_audience_stays_outside_and_is_told_of_its_own_token_alone() {
    for (claim, value) in [("repository", "evil/widget"), ("repository_id", "3"), ("event_name", "issues")] {
        let told = answer(AUDIENCE, claim, value).await.unwrap_err();
        assert!(told.contains(&format!("`{value}`")), "{claim}: {told}");
        assert!(!told.contains("acme/widget") && !told.contains("`2`"), "{claim}: {told}");
    }
    let told = answer("https://elsewhere.example", "ref", "refs/tags/v1").await.unwrap_err();
    assert!(told.contains(AUDIENCE), "{told}");
}
