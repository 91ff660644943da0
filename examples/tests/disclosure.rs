//! What a refusal tells to whom: configured values only to a token that proved the same repository; the same words to
//! everybody else.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "common/world.rs"]
mod world;

use serde_json::{Value, json};
use world::{Row, World};

/// A publisher whose every value is its owner's secret, but for the repository's name.
fn guarded() -> Value {
    json!({
        "repository": "acme/widget",
        "workflow": "guarded-workflow.yml",
        "environment": "guarded-environment",
        "repository_id": "70007",
        "repository_owner_id": "80008",
        "ref": "refs/tags/guarded-*",
        "event": ["guarded_event"],
        "job_workflow": "guarded/shared/.github/workflows/guarded.yml@refs/tags/*",
    })
}

fn is_told(message: &str) -> bool {
    ["guarded", "70007", "80008"].iter().any(|secret| message.contains(secret))
}

fn row(change: &Value) -> Row {
    let mut row = json!({ "reference": "r", "what": "w" });
    row.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(row).unwrap()
}

/// The kind and the words of a refusal.
async fn refusal(change: &Value) -> (&'static str, String) {
    let (world, configuration) = World::of(&row(change)).await;
    assert!(configuration.is_none(), "{configuration:?}");
    match world.refusal().await.unwrap() {
        world::Refused::Token(refusal) => {
            let diagnosis = refusal.diagnosis();
            let data = serde_json::to_string(&diagnosis).unwrap();
            assert_eq!(
                is_told(&data),
                is_told(&refusal.to_string()),
                "the data tells what the words tell: {data}"
            );
            (refusal.kind().as_str(), refusal.to_string())
        }
        world::Refused::Configuration(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn whoever_is_not_the_repository_gets_the_same_words_whatever_there_is() {
    let stranger =
        json!({ "repository": "mallory/gadget", "repository_id": "9", "repository_owner_id": "8" });
    let namesake = json!({ "repository_id": "9", "repository_owner_id": "8" });
    for claims in [stranger, namesake] {
        let unknown = refusal(&json!({ "claims": claims, "publishers": [] })).await;
        assert_eq!(unknown.0, "not-trusted");
        for set_up in [
            json!({ "publishers": [guarded()] }),
            json!({ "publishers": [guarded()], "pending": true }),
            json!({ "publishers": [guarded()], "pending": true, "age_days": 400 }),
            json!({ "publishers": [guarded()], "configured_on": "@acme/gadget" }),
            json!({ "publishers": [guarded(), guarded()] }),
        ] {
            let mut change = set_up.clone();
            change["claims"] = claims.clone();
            let told = refusal(&change).await;
            assert_eq!(told, unknown, "{set_up}");
            assert!(!is_told(&told.1), "{}", told.1);
        }
    }
}

#[tokio::test]
async fn the_repository_itself_is_told_what_differs() {
    let own = json!({ "repository_id": "70007", "repository_owner_id": "80008" });
    let (kind, message) = refusal(&json!({ "publishers": [guarded()], "claims": own })).await;
    assert_eq!(kind, "rule-differs");
    assert!(message.contains("guarded-workflow.yml"), "{message}");
}

#[tokio::test]
async fn one_of_several_publishers_tells_nothing_of_a_namesakes() {
    let mine = json!({ "repository": "acme/widget", "workflow": "mine.yml" });
    let claims = json!({ "repository_id": "9", "repository_owner_id": "8" });
    let (kind, message) = refusal(&json!({ "publishers": [guarded(), mine], "claims": claims })).await;
    assert_eq!(kind, "rule-differs");
    assert!(message.contains("mine.yml") && !is_told(&message), "{message}");
    assert!(!message.contains("more publisher"), "{message}");
}
