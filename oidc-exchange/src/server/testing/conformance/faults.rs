//! A write that fails, or whose future is dropped.

use serde_json::json;

use super::Harness;
use super::answers::{listed, redeemed};
use super::scene::{Records as _, broken_off, by, found, grant, package, publisher, stored, with_publisher};
use crate::server::{Grant, PublisherRecord, PublisherStore as _, Redeemed, Room, Stored, TrustStore as _};

/// A number of polls that no store needs for one redemption.
const MAX_POLLS: usize = 200;

fn learning(jti: u8, token: &str) -> Grant {
    Grant { packages: vec![by("p", "widget", &[("repository_id", "7")])], ..grant(jti, token) }
}

/// A grant of one package or of two, whose publishers learn an id, or have learned theirs.
fn of_packages(is_of_two: bool, learns: bool, jti: u8, token: &str) -> Grant {
    let learned: &[_] = if learns { &[("repository_id", "7")] } else { &[] };
    let packages = [("p", "widget"), ("q", "gadget")].into_iter().take(1 + usize::from(is_of_two));
    let packages = packages.map(|(publisher, name)| by(publisher, name, learned)).collect();
    Grant { packages, ..grant(jti, token) }
}

pub(super) async fn a_redemption_that_fails_leaves_no_trace<H: Harness>(harness: &H) {
    for fault in harness.faults() {
        let mut is_met = false;
        for (is_of_two, learns) in [(false, true), (false, false), (true, true), (true, false)] {
            let store = &harness.empty().await;
            with_publisher(store).await;
            stored(store, &publisher("q", "gadget")).await;
            let decided = |jti, token| of_packages(is_of_two, learns, jti, token);
            harness.break_at(store, fault).await;
            let outcome = store.redeem(&decided(1, "a")).await;
            harness.repair(store).await;
            if let Ok(outcome) = outcome {
                assert_eq!(outcome, Redeemed::Granted, "{fault}: a grant without this step is granted");
                assert!(found(store, "a").await.is_some(), "{fault}: it is granted as a whole");
                continue;
            }
            is_met |= learns;
            assert!(found(store, "a").await.is_none(), "{fault}: nothing was minted");
            for name in ["widget", "gadget"] {
                let known = listed(store, &package(name)).await;
                assert!(known.into_first().learned.is_empty(), "{fault}: nothing was learned");
            }
            let outcome = redeemed(store, &decided(1, "b")).await;
            assert_eq!(outcome, Redeemed::Granted, "{fault}: nothing was burned");
        }
        assert!(is_met, "{fault}: the failure is told");
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
