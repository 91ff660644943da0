//! The candidates of an identity.

use std::time::Duration;

use oidc_core::Identity;
use serde_json::json;

use super::answers::{candidates, listed, removed};
use super::scene::{
    NOW, Records as _, identity, ids, later, package, pending, publisher, stored, with_publisher,
};
use crate::server::{MAX_CANDIDATES, MAX_LATEST, Package, PublisherRecord, PublisherStore, TrustStore};

/// Publishers of one identity in two packages and two ecosystems, and of identities that are similar to it.
async fn of_similar_identities<S: TrustStore>(store: &S) {
    let with = |id: &str, package: Package, identity: Identity| {
        PublisherRecord::new(id, package, "github", identity, json!({ "n": id }), NOW)
    };
    for record in [
        later("a", "widget", 1),
        publisher("b", "widget"),
        publisher("c", "gadget"),
        with("d", package("widget"), Identity::new("https://other.example", "acme/widget")),
        with("e", package("widget"), identity("acme/widget2")),
        with("f", Package::new("pypi", "widget"), identity("acme/widget")),
        with("g", package("widget"), identity("Acme/Widget")),
    ] {
        stored(store, &record).await;
    }
}

pub(super) async fn candidates_are_those_of_the_identity<S: PublisherStore + TrustStore>(store: &S) {
    of_similar_identities(store).await;
    let widget = Some("widget");
    for (key, ecosystem, package, expected, why) in [
        ("acme/widget", "npm", widget, &["b", "a"][..], "candidates come oldest first"),
        ("acme/widget", "npm", None, &["b", "c", "a"], "of every package"),
        ("acme/widget", "pypi", widget, &["f"], "candidates are of one ecosystem"),
        ("Acme/Widget", "npm", widget, &["g"], "keys are compared exactly"),
        ("acme/widget", "npm", Some("Widget"), &[], "a package's name is compared as it is"),
        ("acme/widge", "npm", widget, &[], "an identity's key is compared as a whole"),
        ("acme/widget\0", "npm", widget, &[], "whatever a token says is looked up"),
    ] {
        let found = candidates(store, &[identity(key)], ecosystem, package).await;
        assert_eq!(ids(&found), expected, "candidates are those of the identity: {why}");
    }
}

pub(super) async fn a_packages_publishers_come_oldest_first<S: PublisherStore + TrustStore>(store: &S) {
    of_similar_identities(store).await;
    let of_package = listed(store, &package("widget")).await;
    assert_eq!(ids(&of_package), ["b", "d", "e", "g", "a"], "a package's publishers come oldest first");
}

pub(super) async fn candidates_are_those_of_several_identities<S: PublisherStore + TrustStore>(store: &S) {
    of_similar_identities(store).await;
    let several = [identity("acme/widget2"), identity("Acme/Widget"), identity("unknown")];
    let found = candidates(store, &several, "npm", None).await;
    assert_eq!(ids(&found), ["e", "g"], "candidates are those of several identities");
    assert!(candidates(store, &[], "npm", None).await.is_empty(), "no identity has no candidates");
    let others = (0..256).map(|n| identity(&format!("{n}")));
    let many: Vec<Identity> = others.chain([identity("acme/widget")]).collect();
    let found = candidates(store, &many, "npm", Some("gadget")).await;
    assert_eq!(ids(&found), ["c"], "candidates are those of very many identities");
}

pub(super) async fn wildcards_in_names_are_letters<S: PublisherStore + TrustStore>(store: &S) {
    with_publisher(store).await;
    for key in ["acme/%", "acme/widge_", "acme/*", "%", "' OR '1'='1"] {
        let found = candidates(store, &[identity(key)], "npm", Some("widget")).await;
        assert!(found.is_empty(), "an identity is compared as it is: `{key}`");
        let found = candidates(store, &[identity("acme/widget")], "npm", Some(key)).await;
        assert!(found.is_empty(), "a package's name is compared as it is: `{key}`");
        let found = listed(store, &package(key)).await;
        assert!(found.is_empty(), "a package's name is listed as it is: `{key}`");
    }
}

/// Tests more publishers of one identity than are candidates, each of a package of its own.
pub(super) async fn candidates_are_bounded<S: PublisherStore + TrustStore>(store: &S) {
    for number in 0..MAX_CANDIDATES + 5 {
        let mut record = publisher(&format!("{number:05}"), &format!("package-{number:05}"));
        record.learned.insert("repository_id".to_owned(), "2".to_owned());
        record.learned.insert("repository_owner_id".to_owned(), "1".to_owned());
        stored(store, &record).await;
    }
    let found = candidates(store, &[identity("acme/widget")], "npm", None).await;
    assert_eq!(found.len(), MAX_CANDIDATES, "candidates are bounded");
    assert!(found.iter().all(|record| record.learned.len() == 2), "each with all that it learned");
    each_identity_has_a_place(store).await;
    regular_publishers_come_first(store).await;
    an_operator_is_told_of_a_bounded_number(store).await;
}

async fn each_identity_has_a_place<S: PublisherStore + TrustStore>(store: &S) {
    let late = PublisherRecord { identity: identity("acme/late"), ..later("late", "of-another", 1) };
    stored(store, &late).await;
    let both = [identity("acme/widget"), identity("acme/late")];
    let fair = candidates(store, &both, "npm", None).await;
    assert_eq!(fair.len(), MAX_CANDIDATES, "candidates of several identities are bounded");
    assert!(fair.iter().any(|record| record.id == "late"), "many of one identity keep no other out");
    assert!(removed(store, &late.package, "late").await, "a publisher is removed");
}

async fn regular_publishers_come_first<S: PublisherStore + TrustStore>(store: &S) {
    let mut pending = pending(publisher("pending", "still-to-be-created"));
    pending.created_at = NOW.minus(Duration::from_secs(1));
    stored(store, &pending).await;
    let regular = candidates(store, &[identity("acme/widget")], "npm", None).await;
    assert_eq!(regular.len(), MAX_CANDIDATES, "candidates are bounded with pending ones among them");
    assert!(regular.iter().all(|record| !record.pending), "a pending publisher keeps no regular one out");
    assert!(removed(store, &pending.package, "pending").await, "a publisher is removed");
}

async fn an_operator_is_told_of_a_bounded_number<S: PublisherStore>(store: &S) {
    let of_ecosystem =
        async |name: &str| store.of_ecosystem(name).await.expect("the store finds an ecosystem's publishers");
    assert!(of_ecosystem("pypi").await.is_empty(), "an ecosystem without publishers has none");
    let latest = of_ecosystem("npm").await;
    assert!(!latest.is_empty(), "an ecosystem's latest publishers are found (`of_ecosystem`)");
    assert_eq!(latest.len(), MAX_LATEST, "an ecosystem's latest publishers are bounded");
    assert_eq!(latest.at(0).id, format!("{:05}", MAX_CANDIDATES + 4), "the latest comes first");
    let of_package = store.of_package(&package("package-00007")).await;
    let of_package = of_package.expect("the store finds a package's publishers");
    assert_eq!(ids(&of_package), ["00007"], "a package's own publishers are found (`of_package`)");
}
