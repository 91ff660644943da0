//! A write that fails, or whose future is dropped.

use serde_json::json;

use super::Harness;
use super::scene::{Records as _, broken_off, by, found, grant, package, publisher, with_publisher};
use crate::server::{Grant, PublisherRecord, PublisherStore as _, Redeemed, Stored, TrustStore as _};

/// A number of polls that no store needs for one redemption.
const MAX_POLLS: usize = 200;

fn learning(jti: u8, token: &str) -> Grant {
    Grant { packages: vec![by("p", "widget", &[("repository_id", "7")])], ..grant(jti, token) }
}

pub(super) async fn a_redemption_that_fails_leaves_no_trace<H: Harness>(harness: &H) {
    for fault in harness.faults() {
        let store = harness.empty().await;
        with_publisher(&store).await;
        harness.break_at(&store, fault).await;
        assert!(store.redeem(&learning(1, "a")).await.is_err(), "{fault}: the failure is told");
        harness.mend(&store).await;
        assert!(found(&store, "a").await.is_none(), "{fault}: nothing was minted");
        let learned = store
            .list(&package("widget"))
            .await
            .expect("the store lists a package's publishers")
            .into_first()
            .learned;
        assert!(learned.is_empty(), "{fault}: nothing was learned");
        assert_eq!(
            store.redeem(&learning(1, "b")).await.expect("the store redeems a grant"),
            Redeemed::Granted,
            "{fault}: nothing was burned"
        );
    }
}

pub(super) async fn a_replacement_that_fails_leaves_the_old_one<H: Harness>(harness: &H) {
    for fault in harness.faults() {
        let store = harness.empty().await;
        with_publisher(&store).await;
        store.redeem(&learning(1, "a")).await.expect("the store redeems a grant");
        let mut new = PublisherRecord { config: json!({}), ..publisher("q", "widget") };
        new.learned.insert("repository_id".to_owned(), "8".to_owned());
        harness.break_at(&store, fault).await;
        let old = store
            .list(&package("widget"))
            .await
            .expect("the store lists a package's publishers")
            .into_first();
        let replaced = store.replace(&old, &new).await;
        harness.mend(&store).await;
        let known = store.list(&package("widget")).await.expect("the store lists a package's publishers");
        let is_replaced = matches!(replaced, Ok(Stored::Done));
        assert_eq!(known.len(), 1, "{fault}: one or the other");
        assert_eq!(known.at(0).id, if is_replaced { "q" } else { "p" }, "{fault}: as was told");
        assert_eq!(known.at(0).learned.len(), 1, "{fault}: with what it has learned");
        assert_eq!(found(&store, "a").await.is_none(), is_replaced, "{fault}: its tokens end with it");
    }
}

/// A client that disconnects drops the future at any point.
pub(super) async fn a_redemption_that_is_broken_off_is_both_or_neither<H: Harness>(harness: &H) {
    let store = harness.empty().await;
    with_publisher(&store).await;
    for polls in 1..=MAX_POLLS {
        let (jti, token) = (u8::try_from(polls).unwrap_or(u8::MAX), format!("token {polls}"));
        let grant = learning(jti, &token);
        let came_to_its_end = broken_off(store.redeem(&grant), polls).await;
        let again =
            store.redeem(&learning(jti, &format!("again {polls}"))).await.expect("the store redeems a grant");
        let was_minted = found(&store, &token).await.is_some();
        let was_burned = again == Redeemed::AlreadyUsed;
        assert_eq!(was_minted, was_burned, "broken off at poll {polls}: both or neither");
        if came_to_its_end {
            assert!(was_minted, "what came to its end was granted");
            return;
        }
    }
}
