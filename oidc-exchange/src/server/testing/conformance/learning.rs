//! Immutable ids that are learned with a first grant.

use super::answers::{candidates, listed, redeemed};
use super::scene::{
    Records as _, by, found, grant, hash, package, publisher, stored, together, with_publisher,
};
use crate::server::{Grant, PublisherStore, Redeemed, TokenStore, TrustStore};

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
