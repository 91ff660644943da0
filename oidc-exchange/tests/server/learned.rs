//! The ids of a name's owner that a package knows, whichever of its publishers learned them.

use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{ExchangeRequest, PublisherRecord, RefusalKind, TrustStore as _};
use serde_json::{Value, json};

use crate::registry::{Registry, package};

const WIDGET: &str = "@acme/widget";

async fn outcome(registry: &Registry, changes: &Value) -> Result<(), RefusalKind> {
    let request = ExchangeRequest::package("npm", WIDGET);
    let exchanged = registry.exchange.exchange(&registry.token(changes), &request).await;
    exchanged.map(|_| ()).map_err(|refusal| refusal.kind())
}

fn job(workflow: &str, id: &str) -> Value {
    json!({ "workflow": workflow, "repository_id": id })
}

async fn of_workflow(store: &MemoryStore, workflow: &str) -> PublisherRecord {
    let records = store.list(&package(WIDGET)).await.unwrap();
    records.into_iter().find(|record| record.config["workflow"] == workflow).unwrap()
}

#[tokio::test]
async fn what_one_publisher_has_learned_keeps_a_names_new_owner_out_of_every_other() {
    let registry = Registry::new().await;
    registry.configure(WIDGET, "acme/widget", &json!({ "workflow": "nightly.yml" }), false).await;
    assert_eq!(outcome(&registry, &job("publish.yml", "2")).await, Ok(()));
    assert!(of_workflow(&registry.store, "nightly.yml").await.learned.is_empty());

    assert_eq!(outcome(&registry, &job("nightly.yml", "3")).await, Err(RefusalKind::NotTrusted));
    assert_eq!(outcome(&registry, &job("nightly.yml", "2")).await, Ok(()));
    let nightly = of_workflow(&registry.store, "nightly.yml").await;
    assert_eq!(nightly.learned["repository_id"], "2", "its own use teaches it");
    let first = of_workflow(&registry.store, "publish.yml").await;
    assert!(registry.trust.remove(&package(WIDGET), &first.id).await.unwrap());
    assert_eq!(outcome(&registry, &job("nightly.yml", "3")).await, Err(RefusalKind::NotTrusted));
}

#[tokio::test]
async fn a_publisher_that_is_added_or_edited_knows_what_its_package_knows() {
    let registry = Registry::new().await;
    assert_eq!(outcome(&registry, &job("publish.yml", "2")).await, Ok(()));
    // As an edit is made where there is none: the new one is added, then the old one is removed.
    registry.configure(WIDGET, "acme/widget", &json!({ "workflow": "release.yml" }), false).await;
    let release = of_workflow(&registry.store, "release.yml").await;
    assert_eq!(release.learned["repository_id"], "2");
    let old = of_workflow(&registry.store, "publish.yml").await;
    assert!(registry.trust.remove(&package(WIDGET), &old.id).await.unwrap());
    assert_eq!(outcome(&registry, &job("release.yml", "3")).await, Err(RefusalKind::NotTrusted));
    assert_eq!(outcome(&registry, &job("release.yml", "2")).await, Ok(()));

    registry.configure(WIDGET, "acme/other", &json!({ "workflow": "x.yml" }), false).await;
    let other = of_workflow(&registry.store, "x.yml").await;
    assert!(other.learned.is_empty(), "another repository");
    let config = json!({ "repository": "acme/widget", "workflow": "x.yml" });
    let config = registry.trust.prepare(package(WIDGET), "fake", None, config).unwrap();
    let edited = registry.trust.edit(&other.id, config).await.unwrap();
    assert_eq!(edited.learned["repository_id"], "2", "it has become one of this repository");
}

#[tokio::test]
async fn what_is_configured_stands_before_what_another_publisher_has_learned() {
    let registry = Registry::new().await;
    assert_eq!(outcome(&registry, &job("publish.yml", "2")).await, Ok(()));
    let rules = json!({ "workflow": "anew.yml", "repository_id": "3" });
    registry.configure(WIDGET, "acme/widget", &rules, false).await;
    assert!(of_workflow(&registry.store, "anew.yml").await.learned.is_empty());
    assert_eq!(outcome(&registry, &job("anew.yml", "3")).await, Ok(()), "the owner's word");
    assert_eq!(outcome(&registry, &job("anew.yml", "2")).await, Err(RefusalKind::RuleDiffers));
}

#[tokio::test]
async fn an_id_that_is_taken_out_of_the_configuration_of_a_proven_publisher_is_learned() {
    let registry = Registry::new().await;
    let rules = json!({ "workflow": "anew.yml", "repository_id": "2" });
    registry.configure(WIDGET, "acme/widget", &rules, false).await;
    let without = || {
        let config = json!({ "repository": "acme/widget", "workflow": "anew.yml" });
        registry.trust.prepare(package(WIDGET), "fake", None, config).unwrap()
    };
    let with = |id: &str| {
        let config = json!({ "repository": "acme/widget", "workflow": "anew.yml", "repository_id": id });
        registry.trust.prepare(package(WIDGET), "fake", None, config).unwrap()
    };
    // Nothing says that the id was right, so it is no more than what the owner wrote.
    let unproven = of_workflow(&registry.store, "anew.yml").await;
    let edited = registry.trust.edit(&unproven.id, without()).await.unwrap();
    assert!(edited.learned.is_empty() && edited.lapses);

    let proven = registry.trust.edit(&edited.id, with("2")).await.unwrap();
    assert!(registry.trust.published(&proven.package, &proven.id).await.unwrap());
    let edited = registry.trust.edit(&proven.id, without()).await.unwrap();
    assert_eq!((&*edited.learned["repository_id"], edited.lapses, edited.proven), ("2", false, true));
    assert_eq!(outcome(&registry, &job("anew.yml", "3")).await, Err(RefusalKind::NotTrusted), "a squatter");
    assert_eq!(outcome(&registry, &job("anew.yml", "2")).await, Ok(()));

    // The owner's last word is kept, whatever was learned before.
    let moved = registry.trust.edit(&edited.id, with("3")).await.unwrap();
    let edited = registry.trust.edit(&moved.id, without()).await.unwrap();
    assert_eq!(edited.learned["repository_id"], "3");
}

/// The ids that an owner configured, and published with, keep the next owner of a name out as well as those that were learned.
#[tokio::test]
async fn a_publisher_without_ids_learns_those_that_a_proven_one_beside_it_is_configured_with() {
    let registry = Registry::new().await;
    let rules = json!({ "workflow": "anew.yml", "repository_id": "2" });
    registry.configure(WIDGET, "acme/widget", &rules, false).await;
    registry.configure(WIDGET, "acme/widget", &json!({ "workflow": "early.yml" }), false).await;
    let early = of_workflow(&registry.store, "early.yml").await;
    assert!(early.learned.is_empty(), "nothing says that the id is right");

    let proven = of_workflow(&registry.store, "anew.yml").await;
    assert!(registry.trust.published(&proven.package, &proven.id).await.unwrap());
    registry.configure(WIDGET, "acme/widget", &json!({ "workflow": "late.yml" }), false).await;
    let late = of_workflow(&registry.store, "late.yml").await;
    assert_eq!((late.learned.get("repository_id").map(String::as_str), late.lapses), (Some("2"), false));
    assert_eq!(outcome(&registry, &job("late.yml", "3")).await, Err(RefusalKind::NotTrusted), "a squatter");
    assert_eq!(outcome(&registry, &job("late.yml", "2")).await, Ok(()));

    let rules = json!({ "workflow": "moved.yml", "repository_id": "3" });
    registry.configure(WIDGET, "acme/widget", &rules, false).await;
    let moved = of_workflow(&registry.store, "moved.yml").await;
    assert!(moved.learned.is_empty(), "its own id is the owner's word");
    registry.configure(WIDGET, "acme/other", &json!({ "workflow": "x.yml" }), false).await;
    assert!(of_workflow(&registry.store, "x.yml").await.learned.is_empty(), "another repository");
}
