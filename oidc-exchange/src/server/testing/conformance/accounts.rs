//! Accounts: an account that names somebody else's repository keeps nobody out and adds no cost.

use serde_json::json;

use super::answers::{added, candidates, listed, replaced};
use super::scene::{
    Records as _, candidates_of, count, identity, ids, of_account, package, pending, published_by, publisher,
    stored,
};
use crate::server::{
    Candidates, MAX_CANDIDATES, MAX_OF_PACKAGE, MAX_UNPROVEN, Package, PublisherRecord, PublisherStore, Room,
    Stored, TrustStore,
};

/// The number of publishers of one package that an account may have.
const SQUATTED: usize = 32;

pub(super) async fn one_account_keeps_no_other_out<S: PublisherStore + TrustStore>(store: &S) {
    for number in 0..3 * MAX_UNPROVEN {
        stored(store, &of_account("mallory", number, 0)).await;
    }
    for number in 0..MAX_UNPROVEN {
        stored(store, &pending(of_account("mallory", 9000 + number, 0))).await;
    }
    assert_eq!(candidates_of(store, "acme/widget").await.len(), MAX_UNPROVEN, "a stranger's are few");
    stored(store, &pending(of_account("alice", 1, 60))).await;
    let found = candidates_of(store, "acme/widget").await;
    assert_eq!(
        (found.len(), count(&found, "alice")),
        (MAX_UNPROVEN, 1),
        "a pending one before its first publish"
    );
    stored(store, &of_account("bob", 1, 60)).await;
    stored(store, &of_account("bob", 2, 60)).await;
    let own = PublisherRecord { account: None, ..of_account("operator", 1, 60) };
    stored(store, &own).await;
    let found = candidates_of(store, "acme/widget").await;
    assert_eq!(found.len(), MAX_UNPROVEN + 1, "the operator's own count apart");
    assert!(found.iter().any(|record| record.id == own.id), "the operator's own");
    assert_eq!((count(&found, "alice"), count(&found, "bob")), (1, 2), "each account's first ones");
    let is_ordered = found.is_sorted_by(|one, next| (one.created_at, &one.id) < (next.created_at, &next.id));
    assert!(is_ordered, "the oldest first, whosever they are");
    let of_one = candidates(store, &[identity("acme/widget")], "npm", Some("alice-00001")).await;
    assert_eq!(of_one.len(), 1, "of one package nobody else's are looked at");
}

/// A publisher of an account for the package `widget`.
fn of_widget(account: &str, number: usize, seconds: u64) -> PublisherRecord {
    PublisherRecord { package: package("widget"), ..of_account(account, number, seconds) }
}

async fn candidates_of_widget<S: PublisherStore>(store: &S) -> Candidates {
    let found = store.candidates(&[identity("acme/widget")], "npm", Some("widget")).await;
    found.expect("the store finds a package's publishers")
}

/// Tests the package `widget`, which does not exist yet and for which so many accounts have all their pending
/// publishers that the limit is reached.
pub(super) async fn one_account_keeps_no_other_out_of_a_package<S: PublisherStore + TrustStore>(store: &S) {
    for account in 0..MAX_CANDIDATES.div_ceil(SQUATTED) {
        for number in 0..SQUATTED {
            stored(store, &pending(of_widget(&format!("sybil-{account:02}"), number, 0))).await;
        }
    }
    candidates_of_a_package_are_bounded(store).await;
    each_account_has_a_place(store).await;
    a_known_account_has_all_its_places(store).await;
}

async fn candidates_of_a_package_are_bounded<S: PublisherStore>(store: &S) {
    let Candidates { known, others } = candidates_of_widget(store).await;
    assert_eq!((known.len(), others.len()), (0, MAX_CANDIDATES), "a package's candidates are bounded");
    let told = store.of_package(&package("widget")).await.expect("the store finds a package's publishers");
    assert_eq!(told.len(), MAX_OF_PACKAGE, "what the operator is told of is bounded");
}

async fn each_account_has_a_place<S: PublisherStore + TrustStore>(store: &S) {
    let alice = pending(of_widget("alice", 1, 60));
    stored(store, &alice).await;
    for number in 0..SQUATTED {
        stored(store, &pending(of_widget("carol", number, 60))).await;
    }
    for number in 0..2 {
        stored(store, &of_widget("bob", number, 60)).await;
    }
    let own = PublisherRecord { account: None, ..pending(of_widget("operator", 1, 60)) };
    stored(store, &own).await;
    let Candidates { known, others } = candidates_of_widget(store).await;
    assert_eq!(ids(&known), [&*own.id], "the operator's own are known");
    assert_eq!(others.len(), MAX_CANDIDATES, "a package's candidates are bounded");
    assert_eq!(count(&others, "alice"), 1, "each account's first pending publisher");
    assert_eq!(count(&others, "bob"), 2, "a regular publisher before any pending one");
    assert!(count(&others, "carol") < SQUATTED, "an account's last pending publisher after all others'");

    let new = PublisherRecord { id: "alice-edited".to_owned(), config: json!({}), ..alice.clone() };
    let outcome = replaced(store, &alice, &new).await;
    assert_eq!(outcome, Stored::Done, "a publisher that is as it was seen is replaced");
    let kept = count(&candidates_of_widget(store).await.others, "alice");
    assert_eq!(kept, 1, "a publisher that is replaced keeps its place");
}

async fn a_known_account_has_all_its_places<S: PublisherStore + TrustStore>(store: &S) {
    let proof = PublisherRecord { package: Package::new("pypi", "carol"), ..of_account("carol", 502, 60) };
    stored(store, &proof).await;
    published_by(store, &proof).await;
    let Candidates { known, others } = candidates_of_widget(store).await;
    assert_eq!(count(&known, "carol"), SQUATTED, "all of an account that is known by another package");
    // The operator's own publisher is known too.
    let expected = (SQUATTED + 1, MAX_CANDIDATES);
    assert_eq!((known.len(), others.len()), expected, "beside as many others' as before");
}

/// Replaces the publisher of a package by one that differs from it.
async fn edited<S: TrustStore>(store: &S, package: &Package, round: u32) {
    let old = listed(store, package).await.into_first();
    let id = format!("{}-{round}", package.name);
    let new = PublisherRecord { id, config: json!({ "n": round }), ..old.clone() };
    assert_eq!(replaced(store, &old, &new).await, Stored::Done, "a publisher is replaced");
}

/// A replaced publisher keeps its place among its account's, and an account with many publishers gains no
/// place by replacing.
pub(super) async fn places_are_kept_by_replacing<S: PublisherStore + TrustStore>(store: &S) {
    for number in 0..2 * MAX_UNPROVEN {
        stored(store, &of_account("mallory", number, 0)).await;
    }
    let alice = of_account("alice", 1, 60);
    stored(store, &alice).await;
    for round in 0..3 {
        for package in [&alice.package, &package("mallory-00003")] {
            edited(store, package, round).await;
        }
        let found = candidates_of(store, "acme/widget").await;
        let counts = (found.len(), count(&found, "alice"));
        assert_eq!(counts, (MAX_UNPROVEN, 1), "an unproven account is among a bounded number of others");
    }
}

pub(super) async fn accounts_know_nothing_of_each_other<S: PublisherStore + TrustStore>(store: &S) {
    let own = PublisherRecord { account: None, ..publisher("a", "widget") };
    let like = |id: &str, account: &str| PublisherRecord {
        id: id.to_owned(),
        account: Some(account.to_owned()),
        ..own.clone()
    };
    let room = Room::default();
    for record in [own.clone(), like("b", "alice"), like("c", "bob")] {
        let outcome = added(store, &record, &room).await;
        assert_eq!(outcome, Stored::Done, "another account's equal one is not told");
    }
    let outcome = added(store, &like("d", "bob"), &room).await;
    assert_eq!(outcome, Stored::Exists, "an account's own equal one is told");
    let all = listed(store, &package("widget")).await;
    assert_eq!(all.len(), 3, "an account's publishers are those of the package too");
}
