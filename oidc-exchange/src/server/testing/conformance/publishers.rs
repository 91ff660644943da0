//! Publishers that are stored, replaced and removed.

use serde_json::json;

use super::answers::{added, listed, redeemed, removed, replaced};
use super::scene::{
    Records as _, by, found, grant, ids, package, publisher, stored, together, with_publisher,
};
use crate::server::{
    Grant, Package, PublisherRecord, PublisherStore, Redeemed, Room, Stored, TokenStore, TrustStore,
};

pub(super) async fn of_concurrent_equal_publishers_one_is_stored<S: TrustStore>(store: &S, other: &S) {
    let records: Vec<PublisherRecord> = (0..16)
        .map(|number| PublisherRecord { config: json!({}), ..publisher(&number.to_string(), "widget") })
        .collect();
    let room = Room::default();
    let add = |(index, record)| added(if index % 2 == 0 { store } else { other }, record, &room);
    let outcomes = together(records.iter().enumerate().map(add)).await;
    let done = outcomes.into_iter().filter(|outcome| *outcome == Stored::Done);
    assert_eq!(done.count(), 1, "of equal publishers one is added");
    assert_eq!(listed(store, &package("widget")).await.len(), 1, "of equal publishers one is stored");
}

pub(super) async fn a_publisher_comes_back_as_it_was_stored<S: TrustStore>(store: &S) {
    let mut record = publisher("p", "@acme/widget");
    record.config = json!({ "b": [1, "x"], "a": { "z": null, "y": true }, "text": "\u{e9} '\" \\ %" });
    record.pending = true;
    record.origin = "file".to_owned();
    record.learned.insert("repository_id".to_owned(), "2".to_owned());
    stored(store, &record).await;
    let of_origin =
        async |origin: &str| store.of_origin(origin).await.expect("the store lists an origin's publishers");
    let expected = format!("{:?}", [&record]);
    for back in [listed(store, &package("@acme/widget")).await, of_origin("file").await] {
        assert_eq!(format!("{back:?}"), expected, "a publisher comes back as it was stored");
    }
    assert!(of_origin("api").await.is_empty(), "an origin without publishers has none");
    let elsewhere = listed(store, &Package::new("pypi", "@acme/widget")).await;
    assert!(elsewhere.is_empty(), "a package of another ecosystem is another");
}

pub(super) async fn an_equal_publisher_is_not_stored_twice<S: TrustStore>(store: &S) {
    with_publisher(store).await;
    let room = Room::default();
    let same = PublisherRecord { id: "q".to_owned(), ..publisher("p", "widget") };
    let outcome = added(store, &same, &room).await;
    assert_eq!(outcome, Stored::Exists, "an equal publisher of another id is not stored");
    let of_another_package = PublisherRecord { package: package("gadget"), ..same.clone() };
    let outcome = added(store, &of_another_package, &room).await;
    assert_eq!(outcome, Stored::Done, "the same publisher of another package is stored");
    let of_a_third = PublisherRecord { package: package("third"), ..same };
    assert!(store.add(&of_a_third, &room).await.is_err(), "an id that is taken is refused");
    let refused = listed(store, &package("third")).await;
    assert!(refused.is_empty(), "a publisher that is refused leaves no trace");
}

/// The publishers `p`, which has learned an id and has the token `a`, and `q`. Returns `p`.
async fn with_learned<S: PublisherStore + TrustStore>(store: &S) -> PublisherRecord {
    with_publisher(store).await;
    stored(store, &publisher("q", "widget")).await;
    let learning = Grant { packages: vec![by("p", "widget", &[("repository_id", "7")])], ..grant(1, "a") };
    assert_eq!(redeemed(store, &learning).await, Redeemed::Granted, "a first use is granted");
    let record = listed(store, &package("widget")).await.into_first();
    assert_eq!((&*record.id, record.learned.len()), ("p", 1), "the publisher has learned its id");
    record
}

fn of_another_repository() -> PublisherRecord {
    PublisherRecord { config: json!({ "repository": "acme/other" }), ..publisher("r", "widget") }
}

pub(super) async fn a_publisher_that_changed_is_not_replaced<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    let old = with_learned(store).await;
    let seen = |change: &dyn Fn(&mut PublisherRecord)| {
        let mut seen = old.clone();
        change(&mut seen);
        seen
    };
    for (seen, why) in [
        (seen(&|seen| seen.id = "unknown".to_owned()), "there is none"),
        (seen(&|seen| seen.package = package("gadget")), "it is another package's"),
        (seen(&|seen| seen.learned.clear()), "it has learned an id since"),
        (seen(&|seen| seen.learned.values_mut().for_each(|id| id.push('0'))), "it has learned another id"),
        (seen(&|seen| seen.pending = true), "it is not pending any more"),
    ] {
        let outcome = replaced(store, &seen, &of_another_repository()).await;
        assert_eq!(outcome, Stored::Missing, "what is not as it was seen is not replaced: {why}");
    }
    let like_q = PublisherRecord { id: "r".to_owned(), ..publisher("q", "widget") };
    let outcome = replaced(store, &old, &like_q).await;
    assert_eq!(outcome, Stored::Exists, "a publisher does not become equal to another");
    let known = listed(store, &package("widget")).await;
    assert_eq!(ids(&known), ["p", "q"], "a refused replacement changes no publisher");
    assert!(found(store, "a").await.is_some(), "a refused replacement ends no token");
}

pub(super) async fn replacing_is_one_step<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    let old = with_learned(store).await;
    let outcome = replaced(store, &old, &of_another_repository()).await;
    assert_eq!(outcome, Stored::Done, "a publisher is replaced");
    assert!(found(store, "a").await.is_none(), "the old publisher's tokens are over");
    let known = listed(store, &package("widget")).await;
    assert_eq!(ids(&known), ["q", "r"], "the new publisher is in the place of the old one");
    assert!(known.at(1).learned.is_empty(), "the new one has learned nothing that it was not given");
}

pub(super) async fn removing_is_of_one_package<S: TrustStore>(store: &S) {
    with_publisher(store).await;
    let widget = package("widget");
    let of_another = removed(store, &package("gadget"), "p").await;
    assert!(!of_another, "a publisher of another package is not removed");
    assert!(!removed(store, &widget, "q").await, "a publisher of another id is not removed");
    assert!(removed(store, &widget, "p").await, "a publisher is removed");
    assert!(!removed(store, &widget, "p").await, "a removed publisher is not removed again");
}
