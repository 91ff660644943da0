//! Publishers for a prefix of packages' names.

use std::time::Duration;

use super::answers::{
    added, candidates, covering, listed, listed_ids, of_prefixes, package_removed, removed, replaced,
};
use super::prefix_scene::{allowed, for_prefix, prefix, publisher_of, roomy, with_prefixes};
use super::scene::{NOW, configured, identity, ids, package, publisher, stored};
use crate::server::PackageOwner::Operator;
use crate::server::{
    MAX_UNPROVEN, Package, PublisherLimit, PublisherRecord, PublisherStore, Room, Stored, TrustStore,
};

/// The operator's own publisher for `acme-`, a second younger than the others.
fn of_operator() -> PublisherRecord {
    let created_at = NOW.plus(Duration::from_secs(1));
    PublisherRecord { account: None, created_at, ..for_prefix("own", "acme-", "") }
}

pub(super) async fn a_publisher_for_a_prefix_is_of_no_package<S>(store: &S)
where
    S: PublisherStore + TrustStore,
{
    with_prefixes(store).await;
    for (package, expected, why) in [
        (prefix("acme-"), &["a", "b"][..], "a prefix's publishers are listed by it"),
        (package("acme-"), &["namesake"], "a package may be called as a prefix is"),
        (package("acme-widget"), &[], "a prefix's publishers are of no package"),
        (package(""), &[], "a prefix's publishers are not of a package without a name"),
    ] {
        let found = listed_ids(store, &package).await;
        assert_eq!(found, expected, "a publisher for a prefix is of no package: {why}");
    }
    let kept = listed(store, &prefix("acme_")).await;
    let expected = format!("{:?}", [for_prefix("underscore", "acme_", "alice")]);
    assert_eq!(format!("{kept:?}"), expected, "a publisher for a prefix comes back as it was stored");
    let of_package = store.of_package(&package("")).await.expect("the store finds a package's publishers");
    assert!(of_package.is_empty(), "those for a prefix are of no package without a name");
}

pub(super) async fn a_publisher_for_a_prefix_is_a_candidate_for_no_package<S>(store: &S)
where
    S: PublisherStore + TrustStore,
{
    with_prefixes(store).await;
    for (name, expected, why) in [
        (Some("acme-"), &["namesake"][..], "of the package alone"),
        (Some("acme-widget"), &[], "those for a prefix are asked for by it"),
        (None, &["a", "b", "namesake", "underscore"], "where no package is named"),
        (Some(""), &[], "those for a prefix are candidates for no package without a name"),
    ] {
        let found = candidates(store, &[identity("acme/widget")], "npm", name).await;
        assert_eq!(ids(&found), expected, "candidates are those of the package: {why}");
    }
}

pub(super) async fn a_prefix_is_removed_by_itself<S: TrustStore>(store: &S) {
    with_prefixes(store).await;
    for (package, is_removed, why) in [
        (package("acme-"), false, "a package has no publisher of a prefix that is spelt so"),
        (prefix("acme_"), false, "a prefix has no publisher of another prefix"),
        (prefix("acme-"), true, "a prefix's publisher is removed"),
    ] {
        let outcome = removed(store, &package, "a").await;
        assert_eq!(outcome, is_removed, "a publisher is removed from its own prefix: {why}");
    }
    package_removed(store, &prefix("acme-")).await;
    let left = listed_ids(store, &prefix("acme-")).await;
    assert!(left.is_empty(), "a prefix that is removed has no publishers");
    let left = listed_ids(store, &prefix("acme_")).await;
    assert_eq!(left, ["underscore"], "another prefix keeps its publishers");
    let left = listed_ids(store, &package("acme-")).await;
    assert_eq!(left, ["namesake"], "a package that is called as the prefix keeps its publishers");
    package_removed(store, &package("acme-")).await;
    let left = listed_ids(store, &prefix("acme_")).await;
    assert_eq!(left, ["underscore"], "a prefix keeps its publishers when a package goes");
}

pub(super) async fn publishers_for_prefixes_are_found_by_prefix_owner_and_identity<S>(store: &S)
where
    S: PublisherStore + TrustStore,
{
    with_prefixes(store).await;
    let own = of_operator();
    let mut elsewhere = for_prefix("elsewhere", "acme-", "alice");
    elsewhere.package = Package::prefix("cargo", "acme-").expect("the suite's prefixes are some");
    let other = PublisherRecord { identity: identity("acme/other"), ..for_prefix("other", "acme-", "alice") };
    for record in [own, elsewhere, other] {
        allowed(store, &record).await;
    }
    let (alice, bob) = (publisher_of("alice").owner(), publisher_of("bob").owner());
    for (key, owners, prefixes, expected) in [
        ("acme/widget", &[&alice][..], &["acme-"][..], &["a"][..]),
        ("acme/widget", &[&bob, &alice], &["acme-", "acme-w-"], &["a", "b"]),
        ("acme/widget", &[&alice, &Operator], &["acme-", "acme_"], &["a", "underscore", "own"]),
        ("acme/widget", &[&Operator], &["acme-"], &["own"]),
        ("acme/other", &[&alice, &bob], &["acme-"], &["other"]),
        ("acme/nobody", &[&alice], &["acme-"], &[]),
        ("acme/widget", &[&alice], &["acm-", "acme.", "@acme/"], &[]),
        ("acme/widget", &[], &["acme-"], &[]),
        ("acme/widget", &[&alice], &[], &[]),
        ("acme\0", &[&alice], &["acme-"], &[]),
        ("acme/widget", &[&publisher_of("al%").owner(), &publisher_of("").owner()], &["acme-"], &[]),
    ] {
        let asked: Vec<Package> = prefixes.iter().map(|text| prefix(text)).collect();
        let of = owners.iter().copied().cloned().collect::<Vec<_>>();
        let found = of_prefixes(store, &[identity(key), identity("acme/else")], &of, &asked).await;
        assert_eq!(ids(&found), expected, "the publishers of {key} by {owners:?} for {prefixes:?}");
    }
    let found = of_prefixes(store, &[identity("acme/widget")], &[alice], &[package("acme-")]).await;
    assert!(found.is_empty(), "a package is no prefix");
}

/// A publisher that has learned an id.
fn learned(record: PublisherRecord) -> PublisherRecord {
    let ids = [("repository_id".to_owned(), "7".to_owned())];
    PublisherRecord { learned: ids.into(), lapses: false, ..record }
}

fn of_alice(id: &str, name: &str) -> PublisherRecord {
    PublisherRecord { account: Some("alice".to_owned()), ..publisher(id, name) }
}

/// Publishers of `alice` that have learned ids, `x` and `y`, beside those of more strangers than are candidates, and her
/// publishers that have learned none, of another ecosystem or of another identity.
async fn with_learned<S: TrustStore>(store: &S) {
    for number in 0..2 * MAX_UNPROVEN {
        let mut stranger = publisher(&format!("s{number:03}"), &format!("theirs-{number}"));
        stranger.account = Some(format!("stranger-{number}"));
        stored(store, &learned(stranger)).await;
    }
    let elsewhere = PublisherRecord { package: Package::new("cargo", "acme-a"), ..of_alice("elsewhere", "") };
    let other = PublisherRecord { identity: identity("acme/other"), ..of_alice("other", "acme-a") };
    for record in [elsewhere, other, of_alice("x", "acme-a"), publisher("own", "acme-a")] {
        stored(store, &learned(record)).await;
    }
    stored(store, &of_alice("fresh", "acme-b")).await;
    allowed(store, &learned(for_prefix("y", "acme-", "alice"))).await;
}

pub(super) async fn strangers_hide_no_learned_ids<S>(store: &S)
where
    S: PublisherStore + TrustStore,
{
    with_learned(store).await;
    let (alice, bob) = (publisher_of("alice").owner(), publisher_of("bob").owner());
    let identities = [identity("acme/widget"), identity("acme\0")];
    for (owners, expected) in [
        (vec![alice.clone(), bob.clone()], &["x", "y"][..]),
        (vec![Operator, alice], &["own", "x", "y"]),
        (vec![bob], &[]),
        (vec![], &[]),
    ] {
        let found = store.learned(&identities, &owners, "npm").await;
        let found = found.expect("the store finds publishers that have learned ids");
        let mut found = ids(&found);
        found.sort_unstable();
        assert_eq!(found, expected, "the publishers of {owners:?} that have learned ids, and nobody else's");
    }
}

pub(super) async fn a_package_is_covered_by_its_owners_prefixes<S: TrustStore>(store: &S) {
    with_prefixes(store).await;
    allowed(store, &of_operator()).await;
    allowed(store, &for_prefix("longer", "acme-w-", "alice")).await;
    let (alice, bob) = (publisher_of("alice").owner(), publisher_of("bob").owner());
    for (name, owners, expected) in [
        ("acme-w-x", vec![alice.clone()], vec!["a", "longer"]),
        ("acme-widget", vec![alice.clone()], vec!["a"]),
        ("acme-widget", vec![alice.clone(), bob, Operator], vec!["a", "b", "own"]),
        ("acme-", vec![alice.clone()], vec![]),
        ("acme", vec![alice.clone()], vec![]),
        ("acme-widget", vec![publisher_of("nobody").owner()], vec![]),
        ("acme-widget", vec![], vec![]),
    ] {
        let found = covering(store, &package(name), &owners).await;
        assert_eq!(ids(&found), expected, "`{name}` of {owners:?} is covered by the prefixes of its owners");
    }
    let found = covering(store, &prefix("acme-w-"), &[alice]).await;
    assert!(found.is_empty(), "a prefix is covered by no other");
}

pub(super) async fn each_account_has_room_for_prefixes<S: TrustStore>(store: &S) {
    let room = Room { prefixes_per_account: 2, ..Room::default() };
    for (id, text, account, expected) in [
        ("a1", "acme-", "alice", Stored::Done),
        ("a2", "acme_", "alice", Stored::Done),
        ("a3", "acme.", "alice", Stored::TooMany(PublisherLimit::Prefix, 2)),
        ("b1", "acme-", "bob", Stored::Done),
    ] {
        let outcome = added(store, &for_prefix(id, text, account), &room).await;
        assert_eq!(outcome, expected, "each account has room for two prefixes, and `{id}` finds it so");
    }
    let mut of_package = publisher("p", "widget");
    of_package.account = Some("alice".to_owned());
    let outcome = added(store, &of_package, &room).await;
    assert_eq!(outcome, Stored::Done, "a package's publisher takes no room of theirs");
    let equal = PublisherRecord { id: "again".to_owned(), ..for_prefix("a1", "acme-", "alice") };
    let outcome = added(store, &equal, &roomy()).await;
    assert_eq!(outcome, Stored::Exists, "an equal one of the account is told");
    let old = listed(store, &prefix("acme-")).await;
    let old = old.into_iter().find(|record| record.id == "a1").expect("the store gives what was stored");
    let new = configured(PublisherRecord { id: "new".to_owned(), ..old.clone() }, "environment", "release");
    let outcome = replaced(store, &old, &new).await;
    assert_eq!(outcome, Stored::Done, "a publisher for a prefix is replaced where there is no more room");
    let left = listed_ids(store, &prefix("acme-")).await;
    assert_eq!(left, ["b1", "new"], "the new one stands in the old one's place");
}
