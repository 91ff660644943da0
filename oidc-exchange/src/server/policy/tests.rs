use oidc_core::Identity;
use serde_json::json;

use super::*;
use crate::server::Package;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn record(lapses: bool, pending: bool, published: bool) -> PublisherRecord {
    let identity = Identity::new("https://issuer.example", "acme/widget");
    let record =
        PublisherRecord::new("id", Package::new("npm", "widget"), "github", identity, json!({}), NOW);
    PublisherRecord { lapses, pending, proven: true, published_at: published.then_some(NOW), ..record }
}

#[test]
fn a_publisher_is_in_force_until_the_time_that_is_told_before() {
    let days = |days| NOW.plus(Duration::from_secs(days * DAY));
    let (week, month) = (days(7), days(30));
    for (lapses, pending, published, before, after) in [
        (false, false, false, PublisherState::Active, None),
        (true, false, true, PublisherState::Active, None),
        (true, false, false, PublisherState::LapsesAt(week), Some(PublisherState::Lapsed { since: week })),
        (true, true, false, PublisherState::PendingUntil(week), Some(PublisherState::Lapsed { since: week })),
        (
            false,
            true,
            false,
            PublisherState::PendingUntil(month),
            Some(PublisherState::Expired { since: month }),
        ),
        (
            true,
            true,
            true,
            PublisherState::PendingUntil(month),
            Some(PublisherState::Expired { since: month }),
        ),
    ] {
        let (policy, record) = (TrustPolicy::default(), record(lapses, pending, published));
        let over = match before {
            PublisherState::LapsesAt(at) | PublisherState::PendingUntil(at) => at,
            _ => days(10_000),
        };
        for now in [NOW, over.minus(Duration::from_secs(1))] {
            assert_eq!(policy.state(&record, now), before, "{record:?}");
            assert!(policy.state(&record, now).is_in_force());
            assert!(!policy.ended(now).is_over(&record), "as the store counts");
        }
        let then = policy.state(&record, over);
        assert_eq!(then, after.unwrap_or(before), "{record:?}");
        assert_eq!(policy.ended(over).is_over(&record), !then.is_in_force(), "as the store counts");
        let kept = over.plus(policy.forget_after);
        assert!(
            !policy.forgotten(kept.minus(Duration::from_secs(1))).is_over(&record),
            "it is kept for a while"
        );
        assert_eq!(policy.forgotten(kept).is_over(&record), after.is_some());
    }
}

#[test]
fn whichever_is_first_ends_a_pending_publisher() {
    let policy =
        TrustPolicy::default().lapse_after(Duration::from_secs(90)).pending_for(Duration::from_secs(60));
    let over = NOW.plus(Duration::from_secs(60));
    let record = record(true, true, false);
    assert_eq!(policy.state(&record, NOW), PublisherState::PendingUntil(over));
    assert_eq!(
        policy.state(&record, NOW.plus(Duration::from_secs(100))),
        PublisherState::Expired { since: over }
    );
}

#[test]
fn a_state_is_told_in_a_phrase() {
    for (state, told) in [
        (PublisherState::Active, "active"),
        (PublisherState::LapsesAt(NOW), "lapses at 2023-11-14T22:13:20Z unless it is used before"),
        (PublisherState::Lapsed { since: NOW }, "lapsed at 2023-11-14T22:13:20Z"),
        (PublisherState::PendingUntil(NOW), "pending until 2023-11-14T22:13:20Z"),
        (PublisherState::Expired { since: NOW }, "expired at 2023-11-14T22:13:20Z"),
        (PublisherState::NotAllowed, "not allowed: it is for a prefix of names"),
    ] {
        assert_eq!(state.to_string(), told);
    }
}
