//! Publish tokens and replay records, from their beginning to their end.

use std::time::Duration;

use super::answers::{purged, redeemed, removed};
use super::scene::{LIFETIME, NOW, found, grant, hash, package, with_publisher};
use crate::server::{Grant, PublisherStore, Redeemed, TokenStore, TrustStore};

pub(super) async fn a_token_is_found_until_it_is_over<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    assert!(found(store, "a").await.is_none(), "there is no token before it is minted");
    redeemed(store, &grant(1, "a")).await;
    let last = NOW.plus(LIFETIME).minus(Duration::from_secs(1));
    let found_at = async |time| store.find(&hash("a"), time).await.expect("the store looks a token up");
    assert!(found_at(last).await.is_some(), "a token is found until its last second");
    assert!(found_at(NOW.plus(LIFETIME)).await.is_none(), "a token is over, though not purged");
    assert!(found(store, "A").await.is_none(), "a token's hash is compared as it is");
}

pub(super) async fn revoking_is_idempotent_and_says_nothing<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    redeemed(store, &grant(1, "a")).await;
    redeemed(store, &grant(2, "b")).await;
    for token in ["a", "a", "unknown"] {
        let revoked: () = store.revoke(&hash(token)).await.expect("the store ends a token");
        assert_eq!(revoked, (), "revoking tells nothing");
    }
    assert!(found(store, "a").await.is_none(), "a revoked token is not found");
    assert!(found(store, "b").await.is_some(), "another token is not ended");
    assert_eq!(redeemed(store, &grant(1, "c")).await, Redeemed::AlreadyUsed, "what is ended stays used");
}

pub(super) async fn a_removed_publisher_ends_its_tokens_at_once<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    redeemed(store, &grant(1, "a")).await;
    assert!(!removed(store, &package("gadget"), "p").await, "the publisher is of another package");
    assert!(found(store, "a").await.is_some(), "a token of another package's publisher stays");
    assert!(removed(store, &package("widget"), "p").await, "a publisher is removed");
    assert!(found(store, "a").await.is_none(), "the tokens of a removed publisher end with it");
    with_publisher(store).await;
    assert!(found(store, "a").await.is_none(), "a publisher that is configured again brings no token back");
    assert_eq!(redeemed(store, &grant(1, "b")).await, Redeemed::AlreadyUsed, "the identity token stays used");
}

pub(super) async fn purging_is_bounded_and_takes_only_what_is_over<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    for number in 0..7_u8 {
        let over = Grant { remember_until: NOW, expires_at: NOW, ..grant(number, &format!("over {number}")) };
        redeemed(store, &over).await;
    }
    let after = NOW.plus(Duration::from_secs(1));
    let alive = Grant { remember_until: after, expires_at: after, ..grant(100, "alive") };
    redeemed(store, &alive).await;
    assert_eq!(purged(store, NOW.minus(Duration::from_secs(1)), 100).await, 0, "nothing is over yet");
    let mut counts = Vec::new();
    while counts.last() != Some(&0) && counts.len() < 20 {
        counts.push(purged(store, NOW, 3).await);
    }
    assert_eq!(counts.iter().sum::<u64>(), 14, "7 tokens and 7 replay records");
    assert!(counts.iter().all(|count| *count <= 6), "at most 3 of each: {counts:?}");
    assert!(found(store, "alive").await.is_some(), "a token that lives is not purged");
    let outcome = redeemed(store, &Grant { replay_key: [100; 32], ..grant(0, "x") }).await;
    assert_eq!(outcome, Redeemed::AlreadyUsed, "a use that has to be remembered is not purged");
}

pub(super) async fn a_used_token_stays_used_until_it_is_purged<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    let until = grant(1, "a").remember_until();
    redeemed(store, &grant(1, "a")).await;
    purged(store, until.minus(Duration::from_secs(1)), 10).await;
    let late = Grant { created_at: until, remember_until: until.plus(LIFETIME), ..grant(1, "b") };
    let outcome = redeemed(store, &late).await;
    assert_eq!(outcome, Redeemed::AlreadyUsed, "a use is remembered until its last second");
    purged(store, until, 10).await;
    assert_eq!(redeemed(store, &late).await, Redeemed::Granted, "it is forgotten when it may be");
}

pub(super) async fn a_clock_that_steps_back_makes_no_used_token_usable<S>(store: &S, other: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    let until = grant(1, "a").remember_until();
    assert_eq!(redeemed(store, &grant(1, "a")).await, Redeemed::Granted, "a new identity token is granted");
    purged(store, until, 10).await;
    // The same token, by a clock that was set back to the time of its first use.
    let outcome = redeemed(store, &grant(1, "b")).await;
    assert_eq!(outcome, Redeemed::AlreadyUsed, "a forgotten use stays one for whoever's clock is behind");
    assert_eq!(redeemed(other, &grant(1, "b")).await, Redeemed::AlreadyUsed, "in another process");
    purged(store, until.minus(LIFETIME), 10).await;
    assert_eq!(redeemed(store, &grant(1, "b")).await, Redeemed::AlreadyUsed, "purged by an earlier time");
    purged(store, until.plus(Duration::from_secs(365 * 24 * 3600)), 10).await;
    let later = Grant { remember_until: until.plus(Duration::from_secs(1)), ..grant(2, "c") };
    assert_eq!(redeemed(store, &later).await, Redeemed::Granted, "what could not be forgotten yet");
}
