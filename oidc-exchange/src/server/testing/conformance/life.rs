//! Publish tokens and replay records, from their beginning to their end.

use std::time::Duration;

use super::scene::{LIFETIME, NOW, found, grant, hash, package, with_publisher};
use crate::server::{Grant, PublisherStore, Redeemed, TokenStore, TrustStore};

pub(super) async fn a_token_is_found_until_it_is_over<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    assert!(found(store, "a").await.is_none(), "there is no token before it is minted");
    store.redeem(&grant(1, "a")).await.expect("the store redeems a grant");
    let last = NOW.plus(LIFETIME).minus(Duration::from_secs(1));
    assert!(
        store.find(&hash("a"), last).await.expect("the store looks a token up").is_some(),
        "a token is found until its last second"
    );
    assert!(
        store.find(&hash("a"), NOW.plus(LIFETIME)).await.expect("the store looks a token up").is_none(),
        "over, though not purged"
    );
    assert!(found(store, "A").await.is_none(), "a token's hash is compared as it is");
}

pub(super) async fn revoking_is_idempotent_and_says_nothing<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    store.redeem(&grant(1, "a")).await.expect("the store redeems a grant");
    store.redeem(&grant(2, "b")).await.expect("the store redeems a grant");
    for token in ["a", "a", "unknown"] {
        let revoked: () = store.revoke(&hash(token)).await.expect("the store ends a token");
        assert_eq!(revoked, (), "revoking tells nothing");
    }
    assert!(found(store, "a").await.is_none(), "a revoked token is not found");
    assert!(found(store, "b").await.is_some(), "another token is not ended");
    assert_eq!(
        store.redeem(&grant(1, "c")).await.expect("the store redeems a grant"),
        Redeemed::AlreadyUsed,
        "what is ended stays used"
    );
}

pub(super) async fn a_removed_publisher_ends_its_tokens_at_once<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    store.redeem(&grant(1, "a")).await.expect("the store redeems a grant");
    assert!(
        !store.remove(&package("gadget"), "p").await.expect("the store removes a publisher"),
        "the publisher is of another package"
    );
    assert!(found(store, "a").await.is_some(), "a token of another package's publisher stays");
    assert!(
        store.remove(&package("widget"), "p").await.expect("the store removes a publisher"),
        "a publisher is removed"
    );
    assert!(found(store, "a").await.is_none(), "the tokens of a removed publisher end with it");
    with_publisher(store).await;
    assert!(found(store, "a").await.is_none(), "a publisher that is configured again brings no token back");
    assert_eq!(
        store.redeem(&grant(1, "b")).await.expect("the store redeems a grant"),
        Redeemed::AlreadyUsed,
        "the identity token stays used"
    );
}

pub(super) async fn purging_is_bounded_and_takes_only_what_is_over<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    for number in 0..7_u8 {
        let over = Grant { remember_until: NOW, expires_at: NOW, ..grant(number, &format!("over {number}")) };
        store.redeem(&over).await.expect("the store redeems a grant");
    }
    let after = NOW.plus(Duration::from_secs(1));
    let alive = Grant { remember_until: after, expires_at: after, ..grant(100, "alive") };
    store.redeem(&alive).await.expect("the store redeems a grant");
    assert_eq!(
        store.purge(NOW.minus(Duration::from_secs(1)), 100).await.expect("the store forgets what is over"),
        0,
        "nothing is over yet"
    );
    let mut purged = Vec::new();
    while purged.last() != Some(&0) && purged.len() < 20 {
        purged.push(store.purge(NOW, 3).await.expect("the store forgets what is over"));
    }
    assert_eq!(purged.iter().sum::<u64>(), 14, "7 tokens and 7 replay records");
    assert!(purged.iter().all(|count| *count <= 6), "at most 3 of each: {purged:?}");
    assert!(found(store, "alive").await.is_some(), "a token that lives is not purged");
    assert_eq!(
        store
            .redeem(&Grant { replay_key: [100; 32], ..grant(0, "x") })
            .await
            .expect("the store redeems a grant"),
        Redeemed::AlreadyUsed,
        "a use that has to be remembered is not purged"
    );
}

pub(super) async fn a_used_token_stays_used_until_it_is_purged<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    let until = grant(1, "a").remember_until();
    store.redeem(&grant(1, "a")).await.expect("the store redeems a grant");
    store.purge(until.minus(Duration::from_secs(1)), 10).await.expect("the store forgets what is over");
    let late = Grant { created_at: until, remember_until: until.plus(LIFETIME), ..grant(1, "b") };
    assert_eq!(
        store.redeem(&late).await.expect("the store redeems a grant"),
        Redeemed::AlreadyUsed,
        "a use is remembered until its last second"
    );
    store.purge(until, 10).await.expect("the store forgets what is over");
    assert_eq!(
        store.redeem(&late).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "it is forgotten when it may be"
    );
}

pub(super) async fn a_clock_that_steps_back_makes_no_used_token_usable<S>(store: &S, other: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    let until = grant(1, "a").remember_until();
    assert_eq!(
        store.redeem(&grant(1, "a")).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "a new identity token is granted"
    );
    store.purge(until, 10).await.expect("the store forgets what is over");
    // The same token, by a clock that was set back to the time of its first use.
    assert_eq!(
        store.redeem(&grant(1, "b")).await.expect("the store redeems a grant"),
        Redeemed::AlreadyUsed,
        "a forgotten use stays one for whoever's clock is behind"
    );
    assert_eq!(
        other.redeem(&grant(1, "b")).await.expect("the store redeems a grant"),
        Redeemed::AlreadyUsed,
        "in another process"
    );
    store.purge(until.minus(LIFETIME), 10).await.expect("the store forgets what is over");
    assert_eq!(
        store.redeem(&grant(1, "b")).await.expect("the store redeems a grant"),
        Redeemed::AlreadyUsed,
        "purged by an earlier time"
    );
    store
        .purge(until.plus(Duration::from_secs(365 * 24 * 3600)), 10)
        .await
        .expect("the store forgets what is over");
    let later = Grant { remember_until: until.plus(Duration::from_secs(1)), ..grant(2, "c") };
    assert_eq!(
        store.redeem(&later).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "what could not be forgotten yet"
    );
}
