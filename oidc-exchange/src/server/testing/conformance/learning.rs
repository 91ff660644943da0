//! Immutable ids that are learned with a first grant.

use super::answers::{candidates, listed, redeemed};
use super::scene::{
    Records as _, by, configured, found, grant, hash, later, package, publisher, stored, together,
    with_publisher,
};
use crate::server::{Grant, PublisherRecord, PublisherStore, Redeemed, TokenStore, TrustStore};

/// A grant of `widget` by `p`, which learns these ids.
fn learning(jti: u8, token: &str, ids: &[(&'static str, &str)]) -> Grant {
    Grant { packages: vec![by("p", "widget", ids)], ..grant(jti, token) }
}

/// The ids that the publisher of a package has learned.
async fn learned<S: TrustStore>(store: &S, name: &str) -> Vec<(String, String)> {
    listed(store, &package(name)).await.into_first().learned.into_iter().collect()
}

fn pair(claim: &str, value: &str) -> (String, String) {
    (claim.to_owned(), value.to_owned())
}

pub(super) async fn ids_are_learned_with_the_grant<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    let first = learning(1, "a", &[("repository_id", "7")]);
    assert_eq!(redeemed(store, &first).await, Redeemed::Granted, "a first use is granted");
    let known = listed(store, &package("widget")).await.into_first();
    let id = known.learned.get("repository_id").map(String::as_str);
    assert_eq!(id, Some("7"), "an id is learned with the grant");
    let candidates = candidates(store, std::slice::from_ref(&known.identity), "npm", Some("widget")).await;
    let candidate = candidates.into_first();
    assert_eq!(candidate.learned, known.learned, "candidates come with what they learned");
    let texts = candidate.texts();
    let id = texts.get("repository_id").map(String::as_str);
    assert_eq!(id, Some("7"), "a learned id is among the rules");
}

pub(super) async fn another_id_is_refused_and_burns_nothing<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    let first = learning(1, "a", &[("repository_id", "7")]);
    assert_eq!(redeemed(store, &first).await, Redeemed::Granted, "a first use is granted");
    let other = learning(2, "b", &[("repository_owner_id", "3"), ("repository_id", "8")]);
    assert_eq!(redeemed(store, &other).await, Redeemed::Superseded, "a grant of another id is superseded");
    assert!(found(store, "b").await.is_none(), "a superseded redemption mints nothing");
    let known = learned(store, "widget").await;
    assert_eq!(known, [pair("repository_id", "7")], "a superseded redemption teaches nothing");
    let same = learning(2, "b", &[("repository_id", "7")]);
    let outcome = redeemed(store, &same).await;
    assert_eq!(outcome, Redeemed::Granted, "nothing was burned, and the same id is no other");
}

pub(super) async fn whoever_learned_another_id_is_left_out_of_a_grant<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    stored(store, &publisher("q", "gadget")).await;
    let first = learning(1, "a", &[("repository_id", "7")]);
    assert_eq!(redeemed(store, &first).await, Redeemed::Granted, "a first use is granted");
    let ids = [("repository_id", "8"), ("repository_owner_id", "3")];
    let packages = vec![by("p", "widget", &ids), by("q", "gadget", &ids)];
    let other = Grant { packages, ..grant(2, "b") };
    let left_out = Redeemed::Partly(vec!["p".to_owned()]);
    assert_eq!(redeemed(store, &other).await, left_out, "who has learned another id is left out");
    let record = found(store, "b").await.expect("the other package is in it");
    assert!(record.for_package(&package("widget")).is_none(), "its package is not in the token");
    assert!(record.for_package(&package("gadget")).is_some(), "the other package is in the token");
    let known = learned(store, "widget").await;
    assert_eq!(known, [pair("repository_id", "7")], "whoever is left out learns nothing");
    let known = learned(store, "gadget").await;
    let expected = [pair("repository_id", "8"), pair("repository_owner_id", "3")];
    assert_eq!(known, expected, "the other publisher learns its ids");
}

/// A grant by each of these publishers, which learns `8` where `p` has learned `7`.
async fn another_learns<S>(store: &S, records: Vec<PublisherRecord>) -> Vec<(String, Redeemed)>
where
    S: PublisherStore + TrustStore,
{
    with_publisher(store).await;
    for record in &records {
        stored(store, record).await;
    }
    let first = learning(1, "a", &[("repository_id", "7")]);
    assert_eq!(redeemed(store, &first).await, Redeemed::Granted, "a first use is granted");
    let mut outcomes = Vec::new();
    for (jti, record) in (2..).zip(records) {
        let packages = vec![by(&record.id, &record.package.name, &[("repository_id", "8")])];
        let outcome = redeemed(store, &Grant { packages, ..grant(jti, &record.id) }).await;
        outcomes.push((record.id, outcome));
    }
    outcomes
}

/// The decision is older than what the other publisher has learned, or it would have been another one.
pub(super) async fn publishers_of_a_package_learn_the_same_ids<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    let in_account = |id, account: &str| {
        let account = Some(account.to_owned());
        PublisherRecord { account, ..later(id, "widget", 1) }
    };
    let records = vec![later("q", "widget", 1), in_account("r", "alice")];
    for (id, outcome) in another_learns(store, records).await {
        assert_eq!(
            outcome,
            Redeemed::Superseded,
            "what a package has learned meanwhile is learned by `{id}`"
        );
        assert!(found(store, &id).await.is_none(), "a superseded redemption mints nothing");
    }
    let known = listed(store, &package("widget")).await;
    assert_eq!(known.iter().filter(|record| !record.learned.is_empty()).count(), 1, "none learns another id");
    let packages = vec![by("q", "widget", &[("repository_id", "7")])];
    let same = Grant { packages, ..grant(2, "q") };
    assert_eq!(
        redeemed(store, &same).await,
        Redeemed::Granted,
        "nothing was burned, and the same id is no other"
    );
}

pub(super) async fn publishers_that_share_no_ids_learn_apart<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    let mut of_other = later("of-other", "widget", 1);
    of_other.identity.key = "acme/other".to_owned();
    let mut of_stranger = later("of-stranger", "widget", 1);
    (of_stranger.account, of_stranger.pending) = (Some("mallory".to_owned()), true);
    let by_choice = configured(later("by-choice", "widget", 1), "repository_id", "8");
    let records = vec![of_other, of_stranger, by_choice, later("elsewhere", "gadget", 1)];
    for (id, outcome) in another_learns(store, records).await {
        assert_eq!(outcome, Redeemed::Granted, "`{id}` shares no ids with the package's other publisher");
    }
}

pub(super) async fn of_concurrent_first_uses_of_two_publishers_one_owner_wins<S>(store: &S, other: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    for round in 0..16 {
        let name = format!("raced-{round}");
        let (one, two) = (format!("a-{round}"), format!("b-{round}"));
        stored(store, &publisher(&one, &name)).await;
        stored(store, &publisher(&two, &name)).await;
        let first_use = |id: &str, value| {
            let packages = vec![by(id, &name, &[("repository_id", value)])];
            Grant { replay_key: hash(id).as_bytes().to_owned(), packages, ..grant(0, id) }
        };
        let grants = [first_use(&one, "7"), first_use(&two, "8")];
        let redeem = |(place, grant)| redeemed(if place == 0 { store } else { other }, grant);
        let outcomes = together(grants.iter().enumerate().map(redeem)).await;
        let granted = outcomes.iter().filter(|outcome| **outcome == Redeemed::Granted).count();
        assert_eq!(
            granted, 1,
            "of the first uses of two publishers of a package by two owners one is granted"
        );
        let known = listed(store, &package(&name)).await;
        let learned = known.iter().filter(|record| !record.learned.is_empty()).count();
        assert_eq!(learned, 1, "the publishers of a package do not learn different ids");
    }
}

pub(super) async fn of_concurrent_first_uses_with_different_ids_one_wins<S>(store: &S, other: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    let ids: Vec<String> = (0..16).map(|number| number.to_string()).collect();
    let with_id = |id: &String| {
        let first = learning(0, id, &[("repository_id", id), ("repository_owner_id", id)]);
        Grant { replay_key: hash(id).as_bytes().to_owned(), ..first }
    };
    let grants: Vec<Grant> = ids.iter().map(with_id).collect();
    let redeem = |(index, grant)| redeemed(if index % 2 == 0 { store } else { other }, grant);
    let outcomes = together(grants.iter().enumerate().map(redeem)).await;
    let granted = outcomes.into_iter().filter(|outcome| *outcome == Redeemed::Granted);
    assert_eq!(granted.count(), 1, "of first uses with different ids one is granted");
    let learned = listed(store, &package("widget")).await.into_first().learned;
    assert_eq!(learned.get("repository_id"), learned.get("repository_owner_id"), "the ids of one of them");
    let winner = learned.get("repository_id").expect("an id was learned");
    for id in &ids {
        assert_eq!(found(store, id).await.is_some(), id == winner, "only the winner's token exists");
    }
}
