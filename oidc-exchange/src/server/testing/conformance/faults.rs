//! A write that fails, or whose future is dropped.

use serde_json::json;

use super::Harness;
use super::answers::{listed, redeemed};
use super::scene::{Records as _, broken_off, by, found, grant, package, publisher, with_publisher};
use crate::server::{Grant, PublisherRecord, PublisherStore as _, Redeemed, Room, Stored, TrustStore as _};

/// A number of polls that no store needs for one redemption.
const MAX_POLLS: usize = 200;

fn learning(jti: u8, token: &str) -> Grant {
    Grant { packages: vec![by("p", "widget", &[("repository_id", "7")])], ..grant(jti, token) }
}

pub(super) async fn a_redemption_that_fails_leaves_no_trace<H: Harness>(harness: &H) {
    for fault in harness.faults() {
        for is_first in [true, false] {
            let store = &harness.empty().await;
            with_publisher(store).await;
            // A publisher that has learned its ids learns nothing more.
            let decided = |jti, token| if is_first { learning(jti, token) } else { grant(jti, token) };
            harness.break_at(store, fault).await;
            let outcome = store.redeem(&decided(1, "a")).await;
            harness.repair(store).await;
            if let Ok(outcome) = outcome {
                assert!(!is_first, "{fault}: the failure is told");
                assert_eq!(outcome, Redeemed::Granted, "{fault}: a grant without this step is granted");
                assert!(found(store, "a").await.is_some(), "{fault}: it is granted as a whole");
                continue;
            }
            assert!(found(store, "a").await.is_none(), "{fault}: nothing was minted");
            let known = listed(store, &package("widget")).await;
            assert!(known.into_first().learned.is_empty(), "{fault}: nothing was learned");
            let outcome = redeemed(store, &decided(1, "b")).await;
            assert_eq!(outcome, Redeemed::Granted, "{fault}: nothing was burned");
        }
    }
}

pub(super) async fn a_replacement_that_fails_leaves_the_old_one<H: Harness>(harness: &H) {
    for fault in harness.faults() {
        let store = &harness.empty().await;
        with_publisher(store).await;
        redeemed(store, &learning(1, "a")).await;
        let mut new = PublisherRecord { config: json!({}), ..publisher("q", "widget") };
        new.learned.insert("repository_id".to_owned(), "8".to_owned());
        harness.break_at(store, fault).await;
        let old = listed(store, &package("widget")).await.into_first();
        let replaced = store.replace(&old, &new, &Room::default()).await;
        harness.repair(store).await;
        let known = listed(store, &package("widget")).await;
        let is_replaced = matches!(replaced, Ok(Stored::Done));
        assert_eq!(known.len(), 1, "{fault}: one or the other");
        assert_eq!(known.at(0).id, if is_replaced { "q" } else { "p" }, "{fault}: as was told");
        assert_eq!(known.at(0).learned.len(), 1, "{fault}: with what it has learned");
        assert_eq!(found(store, "a").await.is_none(), is_replaced, "{fault}: its tokens end with it");
    }
}

/// A client that disconnects drops the future at any point.
pub(super) async fn a_redemption_that_is_broken_off_is_both_or_neither<H: Harness>(harness: &H) {
    for decided in [learning, grant] {
        let store = &harness.empty().await;
        with_publisher(store).await;
        for polls in 1..=MAX_POLLS {
            let (jti, token) = (u8::try_from(polls).unwrap_or(u8::MAX), format!("token {polls}"));
            let first = decided(jti, &token);
            let came_to_its_end = broken_off(store.redeem(&first), polls).await;
            let again = redeemed(store, &decided(jti, &format!("again {polls}"))).await;
            let was_minted = found(store, &token).await.is_some();
            let was_burned = again == Redeemed::AlreadyUsed;
            assert_eq!(was_minted, was_burned, "broken off at poll {polls}: both or neither");
            if came_to_its_end {
                assert!(was_minted, "what came to its end was granted");
                break;
            }
        }
    }
}
