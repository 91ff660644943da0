//! The example of a gate, with tokens of a CI platform in memory.

#[allow(dead_code)]
#[path = "../../examples/gate.rs"]
mod example;

use oidc_providers::GitHubPublisher;

use super::world::Platform;

const AUDIENCE: &str = "https://deploy.example";

/// The gate's answer to a token for this audience with this claim changed.
async fn answer(audience: &str, claim: &str, value: &str) -> Result<String, String> {
    let platform = Platform::new();
    let rules = GitHubPublisher::new("acme/widget", "publish.yml").repository_id("2");
    let gate = example::Gate::new(AUDIENCE, rules, &platform.cx).unwrap();
    gate.admit(&platform.token(audience, &[(claim, value)])).await.map_err(|error| error.to_string())
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
