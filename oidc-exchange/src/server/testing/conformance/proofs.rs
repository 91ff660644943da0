//! Proofs: the publishes and exchanges of an account.

use std::time::Duration;

use oidc_core::{ImmutableId, Timestamp};

use super::answers::{listed, published, redeemed, removed, replaced};
use super::scene::{
    NOW, Records as _, by, candidates_of, count, found, grant, identity, of_account, package, published_by,
    publisher, stored,
};
use crate::server::{
    Candidates, Grant, MAX_UNPROVEN, Package, PublisherRecord, PublisherStore, Redeemed, Stored, TokenStore,
    TrustStore,
};

/// The number of `alice`'s publishers in [`squatted`].
const OF_ALICE: usize = MAX_UNPROVEN + 8;

/// Publishers of `alice`, and older ones of as many other accounts as have a place.
async fn squatted<S: TrustStore>(store: &S) {
    for number in 0..OF_ALICE {
        stored(store, &of_account("alice", number, 60)).await;
    }
    for number in 0..MAX_UNPROVEN {
        stored(store, &of_account(&format!("sybil-{number:02}"), 1, 0)).await;
    }
}

pub(super) async fn a_publish_makes_an_account_known<S: PublisherStore + TrustStore>(store: &S) {
    squatted(store).await;
    let of_alice = async || count(&candidates_of(store, "acme/widget").await, "alice");
    assert_eq!(of_alice().await, 0, "as many accounts as may be came before");
    let elsewhere = PublisherRecord { identity: identity("acme/other"), ..of_account("alice", 501, 60) };
    stored(store, &elsewhere).await;
    published_by(store, &elsewhere).await;
    assert_eq!(of_alice().await, 0, "an account is not known by another repository");

    let proof = PublisherRecord { package: Package::new("pypi", "alice"), ..of_account("alice", 502, 60) };
    stored(store, &proof).await;
    published_by(store, &proof).await;
    let groups = store.candidates(&[identity("acme/widget")], "npm", None).await;
    let Candidates { known, others } = groups.expect("the store finds an identity's publishers");
    assert_eq!((count(&known, "alice"), known.len()), (OF_ALICE, OF_ALICE), "an account is known by it");
    assert_eq!(others.len(), MAX_UNPROVEN, "nobody else is known by it");
    let found = candidates_of(store, "acme/widget").await;
    assert_eq!(count(&found, "alice"), OF_ALICE, "all, by a publish in another ecosystem");
    assert_eq!(found.len(), OF_ALICE + MAX_UNPROVEN, "beside as many strangers' as before");
    assert!(found.iter().all(|record| !record.proven), "what was published by is another one");
    let back = listed(store, &proof.package).await.into_first();
    assert!(back.proven, "a publisher that published is proven");
    assert_eq!(back.published_at, Some(NOW), "the time of a publish comes back as it was");

    assert!(removed(store, &proof.package, &proof.id).await, "a publisher is removed");
    assert_eq!(of_alice().await, 0, "the proof ends with its publisher");
}

pub(super) async fn a_proof_is_of_a_repository_and_not_of_its_name<S>(store: &S)
where
    S: PublisherStore + TrustStore,
{
    let proof = PublisherRecord {
        package: Package::new("pypi", "alice"),
        learned: [("repository_id".to_owned(), "1".to_owned())].into(),
        ..of_account("alice", 1, 0)
    };
    stored(store, &proof).await;
    let by = async |account: &str, key: &str, value: &str| {
        let id = ImmutableId::new("repository_id", value);
        let answer = store.is_proven(account, &identity(key), &id).await;
        answer.expect("the store looks for a proof")
    };
    assert!(!by("alice", "acme/widget", "1").await, "nothing was published yet");
    published_by(store, &proof).await;
    assert!(by("alice", "acme/widget", "1").await, "alice published by this repository");
    let by_former = by("alice", "acme/widget", "2").await;
    assert!(!by_former, "alice published by a repository that had the name before");
    assert!(!by("bob", "acme/widget", "1").await, "bob published nothing");
    assert!(!by("alice", "acme/other", "1").await, "alice published by another name");
    assert!(!by("alice\0", "acme/widget\0", "1\0").await, "no record has a NUL");
    let without_id = PublisherRecord { package: Package::new("npm", "bob"), ..of_account("bob", 2, 0) };
    stored(store, &without_id).await;
    published_by(store, &without_id).await;
    assert!(by("bob", "acme/widget", "2").await, "a proof without an id contradicts none");
}

pub(super) async fn a_proof_is_of_one_publisher<S: PublisherStore + TrustStore>(store: &S) {
    let record = of_account("alice", 1, 0);
    let package_of_it = &record.package;
    stored(store, &record).await;
    let of_another = published(store, &package("widget"), &record.id, NOW).await;
    assert!(!of_another, "a publisher publishes no other package");
    let by_unknown = published(store, package_of_it, "unknown", NOW).await;
    assert!(!by_unknown, "an unknown publisher has published nothing");
    let is_proven = listed(store, package_of_it).await.at(0).proven;
    assert!(!is_proven, "a publish by an unknown publisher proves none");
    for seconds in [1, 2] {
        let at = NOW.plus(Duration::from_secs(seconds));
        let noted = published(store, package_of_it, &record.id, at).await;
        assert!(noted, "a publisher's publish is noted");
        let last = listed(store, package_of_it).await.at(0).published_at;
        assert_eq!(last, Some(at), "the time of the last publish is kept");
    }
}

pub(super) async fn a_replaced_publisher_keeps_its_proof<S: PublisherStore + TrustStore>(store: &S) {
    let unproven = of_account("alice", 1, 0);
    stored(store, &unproven).await;
    published_by(store, &unproven).await;
    let new = PublisherRecord { id: "new".to_owned(), ..unproven.clone() };
    let outcome = replaced(store, &unproven, &new).await;
    assert_eq!(outcome, Stored::Missing, "it was published by since");
    let old = listed(store, &unproven.package).await.into_first();
    let new = PublisherRecord { proven: true, published_at: old.published_at, ..new };
    assert_eq!(replaced(store, &old, &new).await, Stored::Done, "a publisher is replaced");
    let back = listed(store, &unproven.package).await.into_first();
    assert_eq!(format!("{back:?}"), format!("{new:?}"), "proven from the beginning");
}

pub(super) async fn an_exchange_is_noted_of_proven_publishers<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    for record in [publisher("p", "widget"), publisher("q", "gadget")] {
        stored(store, &record).await;
    }
    let noted = published(store, &package("widget"), "p", NOW).await;
    assert!(noted, "a publisher's publish is noted");
    let created_at = NOW.plus(Duration::from_secs(7));
    let packages = vec![by("p", "widget", &[("repository_id", "7")]), by("q", "gadget", &[])];
    let both = Grant { packages, created_at, ..grant(1, "t") };
    assert_eq!(redeemed(store, &both).await, Redeemed::Granted, "both publishers let the token in");
    assert!(found(store, "t").await.is_some(), "a token is there");
    let exchanged_at = async |name: &str| listed(store, &package(name)).await.into_first().exchanged_at;
    assert_eq!(exchanged_at("widget").await, Some(created_at), "the time of the last exchange is noted");
    assert_eq!(exchanged_at("gadget").await, None::<Timestamp>, "nothing was published by it yet");
}
