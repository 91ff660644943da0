//! Limits: each account has its own; publishers that lapsed or expired don't count, and are purged.

use std::time::Duration;

use super::scene::{NOW, Records as _, by, found, grant, hash, package, publisher, stored, together};
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

fn pending(record: PublisherRecord) -> PublisherRecord {
    PublisherRecord { pending: true, ..record }
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
    store.add(record, &room()).await.expect("the store takes a publisher")
}

pub(super) async fn each_account_has_its_own_room<S: TrustStore>(store: &S) {
    for record in [of("alice", "a1", "widget"), of("alice", "a2", "widget")] {
        assert_eq!(added(store, &record).await, Stored::Done, "a publisher is stored where there is room");
    }
    let third = of("alice", "a3", "widget");
    assert_eq!(
        added(store, &third).await,
        Stored::TooMany(PublisherLimit::Package),
        "a package's third publisher of an account is refused"
    );
    assert_eq!(
        store.list(&package("widget")).await.expect("the store lists a package's publishers").len(),
        2,
        "nothing is stored"
    );
    let again = PublisherRecord { id: "again".to_owned(), ..of("alice", "a1", "widget") };
    assert_eq!(
        added(store, &again).await,
        Stored::Exists,
        "an equal one is told as such where there is no room"
    );
    for record in [of("bob", "b1", "widget"), of("bob", "b2", "widget")] {
        assert_eq!(added(store, &record).await, Stored::Done, "another account's count against nobody");
    }
    for record in [publisher("o1", "widget"), publisher("o2", "widget")] {
        assert_eq!(added(store, &record).await, Stored::Done, "the operator's own");
    }
    assert_eq!(
        added(store, &publisher("o3", "widget")).await,
        Stored::TooMany(PublisherLimit::Package),
        "a package's third publisher of the operator is refused"
    );
    for name in ["gadget", "gizmo", "gear"] {
        assert_eq!(added(store, &publisher(name, name)).await, Stored::Done, "which have no other limit");
    }
    assert_eq!(
        added(store, &of("alice", "a3", "gadget")).await,
        Stored::Done,
        "an account has room on another package"
    );
    assert_eq!(
        added(store, &of("alice", "a4", "gizmo")).await,
        Stored::TooMany(PublisherLimit::Account),
        "an account's fourth publisher is refused"
    );
    assert!(
        store.remove(&package("widget"), "a1").await.expect("the store removes a publisher"),
        "a publisher is removed"
    );
    assert_eq!(
        added(store, &of("alice", "a4", "gizmo")).await,
        Stored::Done,
        "in the place of a removed one"
    );
    let own = store.of_account("alice").await.expect("the store lists an account's publishers");
    assert_eq!(
        own.iter().map(|record| &*record.id).collect::<Vec<_>>(),
        ["a2", "a3", "a4"],
        "an account's publishers come oldest first"
    );
    assert!(
        store.of_account("").await.expect("the store lists an account's publishers").is_empty(),
        "the operator is no account"
    );

    for name in ["one", "two"] {
        assert_eq!(
            added(store, &pending(of("carol", name, name))).await,
            Stored::Done,
            "a pending publisher is stored where there is room"
        );
    }
    let third = pending(of("carol", "c3", "three"));
    assert_eq!(
        added(store, &third).await,
        Stored::TooMany(PublisherLimit::Pending),
        "an account's third pending publisher is refused"
    );
    assert_eq!(added(store, &of("carol", "c4", "three")).await, Stored::Done, "a regular one");
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
    assert_eq!(
        store.redeem(&learning).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "a first use is granted"
    );
    assert!(
        !store.list(&package("learned")).await.expect("the store lists a package's publishers").at(0).lapses,
        "it has learned its id"
    );
    assert_eq!(
        added(store, &of("alice", "new", "widget")).await,
        Stored::TooMany(PublisherLimit::Account),
        "those that published, learned and old ones count"
    );
    assert!(
        store.remove(&package("old"), "old").await.expect("the store removes a publisher"),
        "a publisher is removed"
    );
    assert_eq!(added(store, &of("alice", "new", "widget")).await, Stored::Done, "what is over does not");
    assert_eq!(
        added(store, &of("bob", "b", "widget")).await,
        Stored::Done,
        "a publisher that is over takes no room"
    );
}

pub(super) async fn what_is_over_is_forgotten<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
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
    assert_eq!(
        store.redeem(&of_over).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "a grant of publishers that are over is granted"
    );
    let ended = room().ended;
    let mut total = 0;
    for _ in 0..4 {
        let purged = store.purge_publishers(ended, 1).await.expect("the store purges publishers");
        assert!(purged <= 1, "no more than asked for");
        total += purged;
    }
    assert_eq!(total, 4, "whatever is over is purged in the end");
    assert_eq!(
        store.purge_publishers(ended, 100).await.expect("the store purges publishers"),
        0,
        "nothing is purged twice"
    );
    for name in ["one", "two"] {
        assert!(
            store.list(&package(name)).await.expect("the store lists a package's publishers").is_empty(),
            "`{name}`'s publishers that are over are forgotten"
        );
    }
    assert_eq!(
        store.list(&package("stays")).await.expect("the store lists a package's publishers").len(),
        6,
        "whatever is not over stays"
    );
    assert!(found(store, "t").await.is_none(), "their tokens end");
}

pub(super) async fn of_concurrent_publishers_as_many_are_stored_as_there_is_room<S: TrustStore>(
    store: &S,
    other: &S,
) {
    let records: Vec<PublisherRecord> =
        (0..16).map(|number| of("alice", &format!("{number}"), &format!("{number}"))).collect();
    let room = room();
    let add =
        |(index, record)| if index % 2 == 0 { store.add(record, &room) } else { other.add(record, &room) };
    let outcomes = together(records.iter().enumerate().map(add)).await;
    let done =
        outcomes.into_iter().filter(|outcome| *outcome.as_ref().expect("the store answers") == Stored::Done);
    assert_eq!(done.count(), 3, "of an account's publishers");
}

pub(super) async fn live_tokens_are_counted<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    for record in [publisher("p", "widget"), of("alice", "a", "widget"), of("bob", "b", "widget")] {
        stored(store, &record).await;
    }
    assert!(
        store.published(&package("widget"), "a", NOW).await.expect("the store takes note of a publish"),
        "a publish is noted"
    );
    let granted = |token: &str, jti, publisher: &str| Grant {
        packages: vec![by(publisher, "widget", &[])],
        ..grant(jti, token)
    };
    for (jti, publisher) in [(1, "p"), (2, "a"), (3, "a"), (4, "b")] {
        let token = &format!("t{jti}");
        assert_eq!(
            store.redeem(&granted(token, jti, publisher)).await.expect("the store redeems a grant"),
            Redeemed::Granted,
            "a grant is granted"
        );
    }
    store.revoke(&hash("t3")).await.expect("the store ends a token");
    let counts = store.live_tokens(&package("widget"), NOW).await.expect("the store counts live tokens");
    let expected = [("p".to_owned(), 1), ("a".to_owned(), 1)];
    assert_eq!(counts, expected.into(), "of the operator's own and of proven publishers");
    let over = NOW.plus(super::scene::LIFETIME);
    assert!(
        store.live_tokens(&package("widget"), over).await.expect("the store counts live tokens").is_empty(),
        "none is valid any more"
    );
    assert!(
        store.live_tokens(&package("gadget"), NOW).await.expect("the store counts live tokens").is_empty(),
        "a package without tokens has none"
    );
}
