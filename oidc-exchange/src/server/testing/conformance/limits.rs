//! Limits: each account has its own; publishers that lapsed or expired don't count, and are purged.

use std::time::Duration;

use serde_json::json;

use super::answers::{self, listed, live_tokens, redeemed, removed};
use super::scene::{
    LIFETIME, NOW, Records as _, by, found, grant, hash, ids, package, pending, published_by, publisher,
    stored, together,
};
use crate::server::{
    EndedBefore, Grant, PublisherLimit, PublisherRecord, PublisherStore, Redeemed, Room, Stored, TokenStore,
    TrustLimits, TrustStore,
};

/// Room for 3 publishers, 2 of them pending, and 2 for a package. Publishers that were configured before now
/// have ended.
fn room() -> Room {
    let limits = TrustLimits::default().per_account(3).pending_per_account(2).per_package(2);
    let before = NOW.minus(Duration::from_secs(1));
    Room { limits, ended: EndedBefore { lapsing: before, pending: before }, ..Room::default() }
}

/// A publisher of an account for a package, which does not lapse.
fn of(account: &str, id: &str, name: &str) -> PublisherRecord {
    PublisherRecord { account: Some(account.to_owned()), lapses: false, ..publisher(id, name) }
}

fn old(record: PublisherRecord) -> PublisherRecord {
    PublisherRecord { created_at: NOW.minus(Duration::from_secs(1)), ..record }
}

fn published(record: PublisherRecord) -> PublisherRecord {
    PublisherRecord { proven: true, published_at: Some(record.created_at), ..record }
}

fn lapses(record: PublisherRecord) -> PublisherRecord {
    PublisherRecord { lapses: true, ..record }
}

async fn added<S: TrustStore>(store: &S, record: &PublisherRecord) -> Stored {
    answers::added(store, record, &room()).await
}

/// Adds publishers one after the other, each with the answer that a store gives, and the reason.
async fn assert_added<S: TrustStore>(store: &S, records: &[(PublisherRecord, Stored, &str)]) {
    for (record, expected, why) in records {
        let outcome = added(store, record).await;
        assert_eq!(outcome, *expected, "the publisher `{}` is added where there is room: {why}", record.id);
    }
}

pub(super) async fn each_account_has_its_own_room<S: TrustStore>(store: &S) {
    let like_a1 = PublisherRecord { id: "again".to_owned(), ..of("alice", "a1", "widget") };
    let full = || Stored::TooMany(PublisherLimit::Package, 2);
    assert_added(
        store,
        &[
            (of("alice", "a1", "widget"), Stored::Done, "an account's first of a package"),
            (of("alice", "a2", "widget"), Stored::Done, "its second"),
            (of("alice", "a3", "widget"), full(), "its third is refused"),
            (like_a1, Stored::Exists, "an equal one is told as such where there is no room"),
            (of("bob", "b1", "widget"), Stored::Done, "another account's count against nobody"),
            (of("bob", "b2", "widget"), Stored::Done, "another account's second"),
            (publisher("o1", "widget"), Stored::Done, "the operator's own"),
            (publisher("o2", "widget"), Stored::Done, "the operator's second"),
            (publisher("o3", "widget"), full(), "the operator's third of a package is refused"),
            (publisher("gadget", "gadget"), Stored::Done, "the operator has no other limit"),
            (publisher("gizmo", "gizmo"), Stored::Done, "the operator's fourth"),
            (publisher("gear", "gear"), Stored::Done, "the operator's fifth"),
        ],
    )
    .await;
    let of_package = listed(store, &package("widget")).await;
    assert_eq!(ids(&of_package), ["a1", "a2", "b1", "b2", "o1", "o2"], "what is refused is not stored");
}

pub(super) async fn an_account_has_room_for_its_publishers_of_all_packages<S: TrustStore>(store: &S) {
    let full = || Stored::TooMany(PublisherLimit::Account, 3);
    assert_added(
        store,
        &[
            (of("alice", "a1", "widget"), Stored::Done, "an account's first"),
            (of("alice", "a2", "widget"), Stored::Done, "its second"),
            (of("alice", "a3", "gadget"), Stored::Done, "its third, of another package"),
            (of("alice", "a4", "gizmo"), full(), "its fourth is refused"),
        ],
    )
    .await;
    assert!(removed(store, &package("widget"), "a1").await, "a publisher is removed");
    let fourth = of("alice", "a4", "gizmo");
    assert_added(store, &[(fourth, Stored::Done, "in the place of a removed one")]).await;
    let of_account = async |account: &str| {
        store.of_account(account).await.expect("the store lists an account's publishers")
    };
    let own = of_account("alice").await;
    assert_eq!(ids(&own), ["a2", "a3", "a4"], "an account's publishers come oldest first");
    assert!(of_account("").await.is_empty(), "the operator is no account");
}

pub(super) async fn an_account_has_room_for_pending_publishers<S: TrustStore>(store: &S) {
    let full = || Stored::TooMany(PublisherLimit::Pending, 2);
    assert_added(
        store,
        &[
            (pending(of("carol", "one", "one")), Stored::Done, "an account's first pending one"),
            (pending(of("carol", "two", "two")), Stored::Done, "its second"),
            (pending(of("carol", "c3", "three")), full(), "its third is refused"),
            (of("carol", "c4", "three"), Stored::Done, "a regular one"),
        ],
    )
    .await;
}

pub(super) async fn what_is_over_takes_no_room<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    let published = published(old(lapses(of("alice", "p", "published"))));
    let learned = old(lapses(of("alice", "l", "learned")));
    for record in [
        published,
        learned,
        // The owner of a repository may have changed since the publisher was configured.
        PublisherRecord { proven: true, ..old(lapses(of("alice", "x0", "proven"))) },
        old(lapses(of("alice", "x1", "widget"))),
        old(pending(of("alice", "x2", "widget"))),
        old(lapses(pending(of("alice", "x3", "other")))),
        old(of("alice", "old", "old")),
    ] {
        stored(store, &record).await;
    }
    let learning = Grant { packages: vec![by("l", "learned", &[("repository_id", "7")])], ..grant(1, "t") };
    assert_eq!(redeemed(store, &learning).await, Redeemed::Granted, "a first use is granted");
    let lapses = listed(store, &package("learned")).await.at(0).lapses;
    assert!(!lapses, "it has learned its id");
    let new = of("alice", "new", "widget");
    let full = Stored::TooMany(PublisherLimit::Account, 3);
    assert_eq!(added(store, &new).await, full, "those that published, learned and old ones count");
    assert!(removed(store, &package("old"), "old").await, "a publisher is removed");
    assert_eq!(added(store, &new).await, Stored::Done, "what is over does not count");
    let of_bob = added(store, &of("bob", "b", "widget")).await;
    assert_eq!(of_bob, Stored::Done, "a publisher that is over takes no room");
}

pub(super) async fn what_replaces_what_is_over_takes_room<S: TrustStore>(store: &S) {
    let over = [
        old(lapses(of("alice", "x1", "one"))),
        old(pending(of("alice", "x2", "two"))),
        PublisherRecord { account: None, ..old(lapses(of("operator", "own", "three"))) },
    ];
    for record in &over {
        stored(store, record).await;
    }
    for number in 1..=3 {
        let record = of("alice", &format!("a{number}"), &format!("a{number}"));
        assert_eq!(added(store, &record).await, Stored::Done, "what is over takes no room");
    }
    let anew = |record: &PublisherRecord, id: &str| PublisherRecord {
        id: id.to_owned(),
        created_at: NOW,
        config: json!({ "environment": "release" }),
        ..record.clone()
    };
    let replaced = async |record: &PublisherRecord, new: &PublisherRecord| {
        store.replace(record, new, &room()).await.expect("the store replaces a publisher")
    };
    let full = Stored::TooMany(PublisherLimit::Account, 3);
    let [one, two, own] = &over;
    for record in [one, two] {
        assert_eq!(replaced(record, &anew(record, "n")).await, full, "what replaces it takes room");
        let left = listed(store, &record.package).await;
        assert_eq!(ids(&left), [&*record.id], "what was to be replaced stays");
    }
    let ended = PublisherRecord { created_at: one.created_at, ..anew(one, "n1") };
    assert_eq!(replaced(one, &ended).await, Stored::Done, "what is over as well takes none");
    assert_eq!(
        replaced(own, &anew(own, "n3")).await,
        Stored::Done,
        "the operator has no limit but a package's"
    );
    assert!(removed(store, &package("a1"), "a1").await, "a publisher is removed");
    assert_eq!(replaced(two, &anew(two, "n2")).await, Stored::Done, "there is room for one");
    let regular = listed(store, &package("a2")).await;
    let outcome = replaced(regular.at(0), &anew(regular.at(0), "n4")).await;
    assert_eq!(outcome, Stored::Done, "what replaces one that counts needs no more room");
}

/// Publishers of two packages that are over, one with a token, and of the package `stays` that are not.
async fn with_what_is_over<S: PublisherStore + TrustStore>(store: &S) {
    for record in [
        old(lapses(of("alice", "a1", "one"))),
        old(lapses(of("bob", "b1", "one"))),
        old(pending(of("alice", "a2", "two"))),
        old(lapses(pending(of("alice", "a3", "two")))),
        // All of the following stay.
        lapses(of("alice", "late", "stays")),
        pending(of("alice", "latest", "stays")),
        old(of("alice", "given", "stays")),
        published(old(lapses(of("alice", "published", "stays")))),
        PublisherRecord { account: None, ..old(lapses(of("operator", "own", "stays"))) },
        PublisherRecord { account: None, ..old(pending(of("operator", "own pending", "stays"))) },
    ] {
        stored(store, &record).await;
    }
    let of_over = Grant { packages: vec![by("a1", "one", &[])], ..grant(1, "t") };
    let outcome = redeemed(store, &of_over).await;
    assert_eq!(outcome, Redeemed::Granted, "a grant of publishers that are over is granted");
}

pub(super) async fn what_is_over_is_forgotten<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_what_is_over(store).await;
    let purged =
        async |limit| store.purge_publishers(room().ended, limit).await.expect("the store purges publishers");
    let mut total = 0;
    for _ in 0..4 {
        let some = purged(1).await;
        assert!(some <= 1, "no more than asked for");
        total += some;
    }
    assert_eq!(total, 4, "whatever is over is purged in the end");
    assert_eq!(purged(100).await, 0, "nothing is purged twice");
    for name in ["one", "two"] {
        let left = listed(store, &package(name)).await;
        assert!(left.is_empty(), "`{name}`'s publishers that are over are forgotten");
    }
    let left = listed(store, &package("stays")).await;
    assert_eq!(left.len(), 6, "whatever is not over stays");
    assert!(found(store, "t").await.is_none(), "the tokens of forgotten publishers end");
}

pub(super) async fn of_concurrent_publishers_as_many_are_stored_as_there_is_room<S: TrustStore>(
    store: &S,
    other: &S,
) {
    let records: Vec<PublisherRecord> =
        (0..16).map(|number| of("alice", &format!("{number}"), &format!("{number}"))).collect();
    let add = |(index, record)| added(if index % 2 == 0 { store } else { other }, record);
    let outcomes = together(records.iter().enumerate().map(add)).await;
    let done = outcomes.into_iter().filter(|outcome| *outcome == Stored::Done);
    assert_eq!(done.count(), 3, "of an account's publishers");
}

pub(super) async fn live_tokens_are_counted<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    for record in [publisher("p", "widget"), of("alice", "a", "widget"), of("bob", "b", "widget")] {
        stored(store, &record).await;
    }
    published_by(store, &of("alice", "a", "widget")).await;
    for (jti, publisher) in [(1, "p"), (2, "a"), (3, "a"), (4, "b")] {
        let grant = Grant { packages: vec![by(publisher, "widget", &[])], ..grant(jti, &format!("t{jti}")) };
        assert_eq!(redeemed(store, &grant).await, Redeemed::Granted, "a grant is granted");
    }
    store.revoke(&hash("t3")).await.expect("the store ends a token");
    let widget = package("widget");
    let counts = live_tokens(store, &widget, NOW).await;
    let expected = [("p".to_owned(), 1), ("a".to_owned(), 1)];
    assert_eq!(counts, expected.into(), "of the operator's own and of proven publishers");
    let over = live_tokens(store, &widget, NOW.plus(LIFETIME)).await;
    assert!(over.is_empty(), "none is valid any more");
    let of_another = live_tokens(store, &package("gadget"), NOW).await;
    assert!(of_another.is_empty(), "a package without tokens has none");
}
