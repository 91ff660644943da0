//! Packages that are removed, renamed or transferred.

use std::time::Duration;

use oidc_core::ImmutableId as IdPin;

use super::Harness;
use super::scene::{
    NOW, Task, by, found, grant, identity, package, publisher, stored, together, with_publisher,
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

fn pending(id: &str, name: &str) -> PublisherRecord {
    PublisherRecord { pending: true, ..publisher(id, name) }
}

/// `widget` with the publishers `p`, `u` and a pending one, each with a token, and publishers of other
/// packages.
async fn scene<S: PublisherStore + TrustStore>(store: &S) {
    with_publisher(store).await;
    let elsewhere =
        PublisherRecord { package: Package::new("pypi", "widget"), ..publisher("elsewhere", "widget") };
    for record in [used("u"), pending("pending", "widget"), publisher("g", "gadget"), elsewhere] {
        stored(store, &record).await;
    }
    for (jti, id, name) in
        [(1, "p", "widget"), (2, "u", "widget"), (3, "pending", "widget"), (4, "g", "gadget")]
    {
        let grant = Grant { packages: vec![by(id, name, &[])], ..grant(jti, id) };
        let redeemed = store.redeem(&grant).await.expect("the store redeems a grant");
        assert_eq!(redeemed, Redeemed::Granted, "a grant by the publisher `{id}` is redeemed");
    }
    let both = Grant { packages: vec![by("p", "widget", &[]), by("g", "gadget", &[])], ..grant(5, "both") };
    let redeemed = store.redeem(&both).await.expect("the store redeems a grant");
    assert_eq!(redeemed, Redeemed::Granted, "a grant for packages of two publishers is redeemed");
}

async fn ids<S: TrustStore>(store: &S, package: &Package) -> Vec<String> {
    store
        .list(package)
        .await
        .expect("the store lists a package's publishers")
        .into_iter()
        .map(|record| record.id)
        .collect()
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
        assert_eq!(
            store.redeem(&decided).await.expect("the store redeems a grant"),
            Redeemed::Superseded,
            "a grant by `{id}` that was decided before mints nothing"
        );
    }
    let candidates = store
        .candidates(&[identity("acme/widget")], "npm", Some("widget"))
        .await
        .expect("the store finds an identity's publishers")
        .into_all();
    assert!(candidates.is_empty(), "its publishers are no candidates any more: {candidates:?}");
    let renamed = IdPin::new("repository_id", "7");
    let found_by_id = store.of_immutable_id("https://issuer.example", &renamed, "npm", Some("widget")).await;
    assert!(
        found_by_id.expect("the store finds publishers by an immutable id").is_empty(),
        "its publishers are not found by an id that they learned either"
    );
    assert_others_are_as_they_were(store).await;
}

async fn assert_others_are_as_they_were<S: TokenStore + TrustStore>(store: &S) {
    assert_eq!(ids(store, &package("gadget")).await, ["g"], "another package keeps its publishers");
    assert_eq!(
        ids(store, &Package::new("pypi", "widget")).await,
        ["elsewhere"],
        "a package of this name in another ecosystem keeps its publishers"
    );
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
    store.package_removed(&package("widget")).await.expect("the store takes note of a removed package");
    assert!(ids(store, &package("widget")).await.is_empty(), "a removed package has no publishers");
    assert_left(store, 10).await;

    store.package_created(&package("widget")).await.expect("the store takes note of a new package");
    assert!(
        ids(store, &package("widget")).await.is_empty(),
        "a package of a removed one's name has none of its publishers"
    );
    assert_left(store, 20).await;
    stored(store, &publisher("new", "widget")).await;
    assert!(found(store, "p").await.is_none(), "a new publisher brings no token back");
    store.package_removed(&package("widget")).await.expect("the store takes note of a removed package");
    store.package_removed(&package("widget")).await.expect("the store takes note of a removed package");
    store.package_removed(&package("unknown")).await.expect("the store takes note of a removed package");
    assert!(
        ids(store, &package("widget")).await.is_empty(),
        "removing a package again, or an unknown one, changes nothing"
    );
}

pub(super) async fn a_renamed_package_takes_its_publishers_along_and_leaves_none<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    scene(store).await;
    let gizmo = package("gizmo");
    for record in [pending("squatter", "gizmo"), publisher("left over", "gizmo")] {
        stored(store, &record).await;
    }
    for (jti, id) in [(6, "squatter"), (7, "left over")] {
        store
            .redeem(&Grant { packages: vec![by(id, "gizmo", &[])], ..grant(jti, id) })
            .await
            .expect("the store redeems a grant");
    }
    store
        .package_renamed(&package("widget"), "gizmo")
        .await
        .expect("the store takes note of a renamed package");
    assert!(ids(store, &package("widget")).await.is_empty(), "no publisher is left under the old name");
    assert_left(store, 10).await;
    for token in ["squatter", "left over"] {
        assert!(found(store, token).await.is_none(), "`{token}` was for another package");
    }
    let expected: Vec<PublisherRecord> = [publisher("p", "widget"), used("u")]
        .map(|record| PublisherRecord { package: gizmo.clone(), ..record })
        .into();
    assert_eq!(
        format!("{:?}", store.list(&gizmo).await.expect("the store lists a package's publishers")),
        format!("{expected:?}"),
        "a renamed package's regular publishers, and none of those of the new name before, are under the new name as they were"
    );
    let of_name = store
        .candidates(&[identity("acme/widget")], "npm", Some("gizmo"))
        .await
        .expect("the store finds an identity's publishers")
        .into_all();
    assert_eq!(of_name.len(), 2, "a renamed package's publishers are candidates under the new name");
    let id = IdPin::new("repository_id", "7");
    let of_id = store
        .of_immutable_id("https://issuer.example", &id, "npm", Some("gizmo"))
        .await
        .expect("the store finds publishers by an immutable id");
    assert_eq!(
        of_id.iter().map(|record| &*record.id).collect::<Vec<_>>(),
        ["u"],
        "a renamed package's publisher is found by the id that it learned"
    );
    let renamed = Grant { packages: vec![by("u", "gizmo", &[])], ..grant(30, "of the new name") };
    assert_eq!(
        store.redeem(&renamed).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "a renamed package's publisher publishes under the new name"
    );

    let like_p = PublisherRecord { id: "q".to_owned(), ..publisher("p", "gizmo") };
    assert_eq!(
        store.add(&like_p, &Room::default()).await.expect("the store takes a publisher"),
        Stored::Exists,
        "an equal publisher exists under the new name"
    );
    let of_the_old = PublisherRecord { id: "q".to_owned(), ..publisher("p", "widget") };
    assert_eq!(
        store.add(&of_the_old, &Room::default()).await.expect("the store takes a publisher"),
        Stored::Done,
        "no equal publisher exists under the old name"
    );
}

pub(super) async fn whoever_gets_a_package_keeps_the_publishers_of_its_choice<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    scene(store).await;
    store
        .package_transferred(&package("widget"), &PackageOwner::account("bob"), &["u", "pending", "g", "?"])
        .await
        .expect("the store takes note of a transferred package");
    let mut expected = used("u");
    expected.account = Some("bob".to_owned());
    (expected.proven, expected.published_at, expected.exchanged_at) = (false, None, None);
    let kept = store.list(&package("widget")).await.expect("the store lists a package's publishers");
    assert_eq!(
        format!("{kept:?}"),
        format!("{:?}", [expected]),
        "a kept publisher is the new account's, and unproven"
    );
    for token in ["p", "u", "pending"] {
        assert!(found(store, token).await.is_none(), "the token of `{token}` was the former owner's");
    }
    assert_others_are_as_they_were(store).await;
    for (jti, id, redeemed) in [(10, "p", Redeemed::Superseded), (11, "u", Redeemed::Granted)] {
        let grant = Grant { packages: vec![by(id, "widget", &[])], ..grant(jti, "after") };
        assert_eq!(
            store.redeem(&grant).await.expect("the store redeems a grant"),
            redeemed,
            "after a transfer a grant by `{id}`, which is kept if it is `u`"
        );
    }
    store
        .package_transferred(&package("widget"), &PackageOwner::Operator, &[])
        .await
        .expect("the store takes note of a transferred package");
    assert!(ids(store, &package("widget")).await.is_empty(), "nothing is kept that is not named");
    assert!(
        found(store, "after").await.is_none(),
        "a transfer ends the tokens of publishers that are not kept"
    );
}

/// Two publishers of two accounts that are otherwise alike.
pub(super) async fn of_like_publishers_one_is_kept<S: TrustStore>(store: &S) {
    for (id, account) in [("a", "alice"), ("b", "bob")] {
        let mut record = PublisherRecord { id: id.to_owned(), ..publisher("p", "widget") };
        record.account = Some(account.to_owned());
        stored(store, &record).await;
    }
    store
        .package_transferred(&package("widget"), &PackageOwner::account("carol"), &["b", "a"])
        .await
        .expect("the store takes note of a transferred package");
    assert_eq!(
        ids(store, &package("widget")).await,
        ["a"],
        "of publishers that a transfer makes equal, the first is kept"
    );
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
        let widget = package("widget");
        let redeemed = async {
            let redeemed = store.redeem(&grant).await.expect("the store redeems a grant");
            let left_out = Redeemed::Partly(vec!["p".to_owned()]);
            assert!(
                redeemed == Redeemed::Granted || redeemed == left_out,
                "a grant of two packages leaves out the one that went: {redeemed:?}"
            );
        };
        let gone = async {
            match round % 3 {
                0 => other.package_removed(&widget).await.expect("the store takes note of a removed package"),
                1 => other
                    .package_renamed(&widget, "gizmo")
                    .await
                    .expect("the store takes note of a renamed package"),
                _ => other
                    .package_transferred(&widget, &PackageOwner::account("bob"), &["p"])
                    .await
                    .expect("the store takes note of a transferred package"),
            }
        };
        let both: [Task<'_>; 2] = [Box::pin(redeemed), Box::pin(gone)];
        together(both).await;
        let record = found(store, &token).await.expect("the other publisher is still there");
        // After the transfer, only the publisher that was kept can be granted.
        let is_kept = round % 3 == 2 && !ids(store, &package("widget")).await.is_empty();
        assert!(
            is_kept || record.for_package(&package("widget")).is_none(),
            "no token is for a package that went meanwhile (round {round}): {record:?}"
        );
        assert!(record.for_package(&package("gadget")).is_some(), "the other package stays in the token");
        for name in ["widget", "gizmo"] {
            store.package_removed(&package(name)).await.expect("the store takes note of a removed package");
        }
    }
}

pub(super) async fn a_change_that_fails_leaves_the_package_as_it_was<H: Harness>(harness: &H) {
    for fault in harness.faults() {
        let store = harness.empty().await;
        scene(&store).await;
        let before = format!(
            "{:?}",
            store.list(&package("widget")).await.expect("the store lists a package's publishers")
        );
        for operation in ["rename", "transfer"] {
            harness.break_at(&store, fault).await;
            let changed = match operation {
                "rename" => store.package_renamed(&package("widget"), "gizmo").await,
                _ => store.package_transferred(&package("widget"), &PackageOwner::Operator, &["u"]).await,
            };
            harness.mend(&store).await;
            if changed.is_ok() {
                // The step belongs to another write.
                break;
            }
            let after = format!(
                "{:?}",
                store.list(&package("widget")).await.expect("the store lists a package's publishers")
            );
            assert_eq!(after, before, "a {operation} that fails at {fault} changes no publisher");
            assert!(
                ids(&store, &package("gizmo")).await.is_empty(),
                "a {operation} that fails at {fault} leaves nothing under a new name"
            );
            assert!(found(&store, "u").await.is_some(), "a {operation} that fails at {fault} ends no token");
        }
    }
}
