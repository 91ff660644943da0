//! The example of a gate, with tokens of a CI platform in memory.

#[allow(dead_code)]
#[path = "../../examples/gate.rs"]
mod example;

use http::{Request, StatusCode};
use oidc_providers::GitHubPublisher;

use super::world::{Platform, bearer, send};

const AUDIENCE: &str = "https://deploy.example";

/// The gate's answer to a token for this audience with this claim changed.
async fn answer(audience: &str, claim: &str, value: &str) -> (StatusCode, String) {
    let platform = Platform::new();
    let rules = GitHubPublisher::new("acme/widget", "publish.yml").repository_id("2");
    let app = example::app(example::gate(AUDIENCE, rules, &platform.cx).unwrap());
    let token = platform.token(audience, &[(claim, value)]);
    send(&app, bearer(Request::post("/deploy"), &token), "").await
}

#[tokio::test]
async fn the_job_that_is_allowed_comes_in_and_its_repository_is_known() {
    let (status, body) = answer(AUDIENCE, "ref", "refs/tags/v1").await;
    assert_eq!((status.as_u16(), &*body), (200, "a job of acme/widget"));
}

#[tokio::test]
async fn another_workflow_repository_or_audience_stays_outside_and_is_told_of_its_own_token_alone() {
    for (claim, value) in [("repository", "evil/widget"), ("repository_id", "3"), ("event_name", "issues")] {
        let (status, told) = answer(AUDIENCE, claim, value).await;
        assert!(status == 403 && told.contains(&format!("`{value}`")), "{claim}: {told}");
        assert!(!told.contains("acme/widget") && !told.contains("`2`"), "{claim}: {told}");
    }
    let (status, told) = answer("https://elsewhere.example", "ref", "refs/tags/v1").await;
    assert!(status == 401 && told.contains(AUDIENCE), "{told}");
}

#[test]
fn a_repository_without_its_id_is_refused_when_the_service_starts() {
    let rules = GitHubPublisher::new("acme/widget", "publish.yml");
    let refused = example::gate(AUDIENCE, rules, &Platform::new().cx).unwrap_err().to_string();
    assert!(refused.contains("`repository_id`"), "{refused}");
}
