//! Packages that are removed, renamed or transferred.

use std::time::Duration;

use oidc_core::ImmutableId;

use super::Harness;
use super::answers::{
    added, candidates, created, listed, listed_ids, of_id, package_removed, package_renamed,
    package_transferred, redeemed,
};
use super::scene::{
    NOW, Task, assert_redeemed_but_for_p, by, found, grant, identity, ids, package, pending, publisher,
    stored, together, with_publisher,
};
use crate::server::{
    Grant, Package, PackageOwner, PublisherRecord, PublisherStore, Redeemed, Room, Stored, TokenStore,
    TrustStore,
};

/// A publisher of `widget` that belongs to an account, has learned its id, and was used.
fn used(id: &str) -> PublisherRecord {
    let mut record = publisher(id, "widget");
    record.account = Some("alice".to_owned());
    record.created_at = NOW.plus(Duration::from_secs(1));
    record.learned.insert("repository_id".to_owned(), "7".to_owned());
    record.lapses = false;
    record.proven = true;
    record.published_at = Some(NOW.plus(Duration::from_secs(2)));
    record.exchanged_at = Some(NOW);
    record
}

/// `widget` with the publishers `p`, `u` and a pending one, each with a token, and publishers of other
/// packages.
async fn scene<S: PublisherStore + TrustStore>(store: &S) {
    with_publisher(store).await;
    let elsewhere =
        PublisherRecord { package: Package::new("pypi", "widget"), ..publisher("elsewhere", "widget") };
    for record in [used("u"), pending(publisher("pending", "widget")), publisher("g", "gadget"), elsewhere] {
        stored(store, &record).await;
    }
    let of = |id, name| vec![by(id, name, &[])];
    let both = vec![by("p", "widget", &[]), by("g", "gadget", &[])];
    for (jti, token, packages) in [
        (1, "p", of("p", "widget")),
        (2, "u", of("u", "widget")),
        (3, "pending", of("pending", "widget")),
        (4, "g", of("g", "gadget")),
        (5, "both", both),
    ] {
        let outcome = redeemed(store, &Grant { packages, ..grant(jti, token) }).await;
        assert_eq!(outcome, Redeemed::Granted, "the grant of the token `{token}` is redeemed");
    }
}

/// None of `widget`'s former publishers accepts a job any more, nor is a token of theirs or an earlier grant
/// valid.
async fn assert_left<S>(store: &S, jti: u8)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    for token in ["p", "u", "pending"] {
        assert!(found(store, token).await.is_none(), "the token of `{token}` is over");
    }
    for (jti, id) in (jti..).zip(["p", "u", "pending"]) {
        let decided = Grant { packages: vec![by(id, "widget", &[])], ..grant(jti, "decided before") };
        let outcome = redeemed(store, &decided).await;
        assert_eq!(outcome, Redeemed::Superseded, "a grant by `{id}` that was decided before mints nothing");
    }
    let candidates = candidates(store, &[identity("acme/widget")], "npm", Some("widget")).await;
    assert!(candidates.is_empty(), "its publishers are no candidates any more: {candidates:?}");
    let found_by_id = of_id(store, &ImmutableId::new("repository_id", "7"), "npm", Some("widget")).await;
    assert!(found_by_id.is_empty(), "its publishers are not found by an id that they learned either");
    assert_others_are_as_they_were(store).await;
}

async fn assert_others_are_as_they_were<S: TokenStore + TrustStore>(store: &S) {
    assert_eq!(listed_ids(store, &package("gadget")).await, ["g"], "another package keeps its publishers");
    let elsewhere = listed_ids(store, &Package::new("pypi", "widget")).await;
    assert_eq!(elsewhere, ["elsewhere"], "the name in another ecosystem keeps its publishers");
    assert!(found(store, "g").await.is_some(), "another package's token stays");
    let both = found(store, "both").await.expect("a token for another package besides stays");
    assert!(both.for_package(&package("widget")).is_none(), "the package is taken from a token for several");
    assert!(both.for_package(&package("gadget")).is_some(), "the other package stays in a token for several");
}

/// The former owner's job tries again after somebody else has created a package of the same name.
pub(super) async fn a_removed_package_leaves_no_publisher_to_whoever_creates_it_anew<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    scene(store).await;
    package_removed(store, &package("widget")).await;
    let left = listed_ids(store, &package("widget")).await;
    assert!(left.is_empty(), "a removed package has no publishers");
    assert_left(store, 10).await;

    created(store, &package("widget")).await;
    let left = listed_ids(store, &package("widget")).await;
    assert!(left.is_empty(), "a package of a removed one's name has none of its publishers");
    assert_left(store, 20).await;
    stored(store, &publisher("new", "widget")).await;
    assert!(found(store, "p").await.is_none(), "a new publisher brings no token back");
    package_removed(store, &package("widget")).await;
    package_removed(store, &package("widget")).await;
    package_removed(store, &package("unknown")).await;
    let left = listed_ids(store, &package("widget")).await;
    assert!(left.is_empty(), "removing a package again, or an unknown one, changes nothing");
}

/// `widget` of [`scene`], renamed to `gizmo`, of which a pending and a left-over publisher have tokens.
async fn renamed<S: PublisherStore + TrustStore>(store: &S) {
    scene(store).await;
    for record in [pending(publisher("squatter", "gizmo")), publisher("left over", "gizmo")] {
        stored(store, &record).await;
    }
    for (jti, id) in [(6, "squatter"), (7, "left over")] {
        redeemed(store, &Grant { packages: vec![by(id, "gizmo", &[])], ..grant(jti, id) }).await;
    }
    package_renamed(store, &package("widget"), "gizmo").await;
}

pub(super) async fn a_renamed_package_leaves_no_publisher_under_the_old_name<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    renamed(store).await;
    let left = listed_ids(store, &package("widget")).await;
    assert!(left.is_empty(), "no publisher is left under the old name");
    assert_left(store, 10).await;
    let of_the_old = PublisherRecord { id: "q".to_owned(), ..publisher("p", "widget") };
    let outcome = added(store, &of_the_old, &Room::default()).await;
    assert_eq!(outcome, Stored::Done, "no equal publisher exists under the old name");
}

pub(super) async fn a_renamed_package_takes_its_publishers_along<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    renamed(store).await;
    let gizmo = package("gizmo");
    for token in ["squatter", "left over"] {
        assert!(found(store, token).await.is_none(), "`{token}` was for another package");
    }
    let of_widget = [publisher("p", "widget"), used("u")];
    let expected = of_widget.map(|record| PublisherRecord { package: gizmo.clone(), ..record });
    // Its regular publishers, and none of those that the new name had before.
    let moved = format!("{:?}", listed(store, &gizmo).await);
    assert_eq!(moved, format!("{expected:?}"), "a renamed package has the publishers that it had");
    let of_name = candidates(store, &[identity("acme/widget")], "npm", Some("gizmo")).await;
    assert_eq!(of_name.len(), 2, "a renamed package's publishers are candidates under the new name");
    let of_id = of_id(store, &ImmutableId::new("repository_id", "7"), "npm", Some("gizmo")).await;
    assert_eq!(ids(&of_id), ["u"], "a renamed package's publisher is found by the id that it learned");
    let by_u = Grant { packages: vec![by("u", "gizmo", &[])], ..grant(30, "of the new name") };
    let outcome = redeemed(store, &by_u).await;
    assert_eq!(outcome, Redeemed::Granted, "its publisher publishes under the new name");
    let like_p = PublisherRecord { id: "q".to_owned(), ..publisher("p", "gizmo") };
    let outcome = added(store, &like_p, &Room::default()).await;
    assert_eq!(outcome, Stored::Exists, "an equal publisher exists under the new name");
}

pub(super) async fn whoever_gets_a_package_keeps_the_publishers_of_its_choice<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    scene(store).await;
    let (widget, bob) = (package("widget"), PackageOwner::account("bob"));
    package_transferred(store, &widget, &bob, &["u", "pending", "g", "?"]).await;
    let mut expected = used("u");
    expected.account = Some("bob".to_owned());
    (expected.proven, expected.published_at, expected.exchanged_at) = (false, None, None);
    let kept = format!("{:?}", listed(store, &widget).await);
    assert_eq!(kept, format!("{:?}", [expected]), "a kept publisher is the new account's, and unproven");
    for token in ["p", "u", "pending"] {
        assert!(found(store, token).await.is_none(), "the token of `{token}` was the former owner's");
    }
    assert_others_are_as_they_were(store).await;
    for (jti, id, expected) in [(10, "p", Redeemed::Superseded), (11, "u", Redeemed::Granted)] {
        let grant = Grant { packages: vec![by(id, "widget", &[])], ..grant(jti, "after") };
        let outcome = redeemed(store, &grant).await;
        assert_eq!(outcome, expected, "after a transfer a grant by `{id}`, which is kept if it is `u`");
    }
    package_transferred(store, &widget, &PackageOwner::Operator, &[]).await;
    assert!(listed_ids(store, &widget).await.is_empty(), "nothing is kept that is not named");
    let token = found(store, "after").await;
    assert!(token.is_none(), "a transfer ends the tokens of publishers that are not kept");
}

/// Two publishers of two accounts that are otherwise alike.
pub(super) async fn of_like_publishers_one_is_kept<S: TrustStore>(store: &S) {
    for (id, account) in [("a", "alice"), ("b", "bob")] {
        let mut record = PublisherRecord { id: id.to_owned(), ..publisher("p", "widget") };
        record.account = Some(account.to_owned());
        stored(store, &record).await;
    }
    package_transferred(store, &package("widget"), &PackageOwner::account("carol"), &["b", "a"]).await;
    let kept = listed_ids(store, &package("widget")).await;
    assert_eq!(kept, ["a"], "of publishers that a transfer makes equal, the first is kept");
}

pub(super) async fn no_token_outlives_a_package_that_goes_meanwhile<S>(store: &S, other: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    stored(store, &publisher("q", "gadget")).await;
    for round in 0..9_u8 {
        for id in ["o", "p"] {
            stored(store, &publisher(id, "widget")).await;
        }
        let token = format!("r{round}");
        let packages = vec![by("p", "widget", &[]), by("q", "gadget", &[])];
        let grant = Grant { packages, ..grant(round, &token) };
        let redeemed = assert_redeemed_but_for_p(store, &grant);
        let both: [Task<'_>; 2] = [Box::pin(redeemed), Box::pin(change(other, round))];
        together(both).await;
        let record = found(store, &token).await.expect("the other publisher is still there");
        // After the transfer, only the publisher that was kept can be granted.
        let is_kept = round % 3 == 2 && !listed_ids(store, &package("widget")).await.is_empty();
        assert!(
            is_kept || record.for_package(&package("widget")).is_none(),
            "no token is for a package that went meanwhile (round {round}): {record:?}"
        );
        assert!(record.for_package(&package("gadget")).is_some(), "the other package stays in the token");
        for name in ["widget", "gizmo"] {
            package_removed(store, &package(name)).await;
        }
    }
}

/// Removes, renames or transfers `widget`, in turns.
async fn change<S: TrustStore>(store: &S, round: u8) {
    let widget = package("widget");
    match round % 3 {
        0 => package_removed(store, &widget).await,
        1 => package_renamed(store, &widget, "gizmo").await,
        _ => package_transferred(store, &widget, &PackageOwner::account("bob"), &["p"]).await,
    }
}

pub(super) async fn a_change_that_fails_leaves_the_package_as_it_was<H: Harness>(harness: &H) {
    for fault in harness.faults() {
        let store = &harness.empty().await;
        scene(store).await;
        let widget = package("widget");
        let before = format!("{:?}", listed(store, &widget).await);
        for operation in ["rename", "transfer"] {
            harness.break_at(store, fault).await;
            let changed = match operation {
                "rename" => store.package_renamed(&widget, "gizmo").await,
                _ => store.package_transferred(&widget, &PackageOwner::Operator, &["u"]).await,
            };
            harness.repair(store).await;
            if changed.is_ok() {
                // The step belongs to another write.
                break;
            }
            let after = format!("{:?}", listed(store, &widget).await);
            assert_eq!(after, before, "a {operation} that fails at {fault} changes no publisher");
            let renamed = listed_ids(store, &package("gizmo")).await;
            assert!(
                renamed.is_empty(),
                "a {operation} that fails at {fault} leaves nothing under a new name"
            );
            let token = found(store, "u").await;
            assert!(token.is_some(), "a {operation} that fails at {fault} ends no token");
        }
    }
}
