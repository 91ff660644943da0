//! The example of a publish tool's tests, as one would write them.

#[allow(dead_code)]
#[path = "../../examples/tested_tool.rs"]
pub(crate) mod example;

use oidc_core::Environment;
use oidc_providers::sample::Overrides;
use serde_json::json;

#[tokio::test]
async fn the_job_of_the_publisher_publishes_and_the_token_is_not_printed() {
    let cx = example::job(Overrides::new()).await.unwrap();
    assert_eq!(example::publish("widget", &cx).await.unwrap(), "published widget with [redacted]");
    let cx = cx.with_environment(Environment::from_iter([("GITHUB_ACTIONS", "true")]));
    let why = example::publish("widget", &cx).await.unwrap_err().to_string();
    assert!(why.contains("id-token: write"), "a job without permission: {why}");
}

#[tokio::test]
async fn another_workflow_is_refused_with_both_names() {
    let workflow = json!("acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0");
    let changes = Overrides::from([("workflow_ref".to_owned(), Some(workflow))]);
    let why = example::publish("widget", &example::job(changes).await.unwrap()).await.unwrap_err();
    let why = why.to_string();
    assert!(why.contains("found: `ci.yml`") && why.contains("expected: `publish.yml`"), "{why}");
}
