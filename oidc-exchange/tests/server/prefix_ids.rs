//! Publishers for a prefix of packages' names and immutable ids: what one publisher learned keeps the next owner of the
//! repository's name out of the others.

use std::time::Duration;

use oidc_exchange::server::{ExchangeRequest, MAX_UNPROVEN, PublisherRecord, RefusalKind};
use serde_json::{Value, json};

use crate::hub::{Hub, job, prefix, told};
use crate::registry::package;

/// A job of whoever got the name of the repository `acme/widget` later.
fn reborn(workflow: &str) -> Value {
    json!({ "repository": "acme/widget", "repository_id": "666", "workflow": workflow })
}

/// A job of the repository `acme/widget`.
fn of(workflow: &str) -> Value {
    let mut job = job("acme/widget");
    job["workflow"] = json!(workflow);
    job
}

fn rules(workflow: &str) -> Value {
    json!({ "workflow": workflow })
}

fn requests(name: &str) -> [ExchangeRequest; 2] {
    [ExchangeRequest::package("npm", name), ExchangeRequest::identity("npm")]
}

async fn pending(hub: &Hub, account: &str, name: &str, workflow: &str) -> PublisherRecord {
    let config = json!({ "repository": "acme/widget", "workflow": workflow });
    let mut record = hub.trust.prepare(package(name), "fake", None, config).unwrap();
    (record.pending, record.account) = (true, Some(account.to_owned()));
    hub.trust.add(&record).await.unwrap()
}

#[tokio::test]
async fn a_pending_publisher_requires_the_ids_of_its_accounts_prefix() {
    for request in requests("acme-new") {
        let hub = Hub::new();
        hub.trusts("alice", prefix("acme-"), "acme/widget", &rules("publish.yml")).await;
        let pending = pending(&hub, "alice", "acme-new", "create.yml").await;
        hub.exchanged(&ExchangeRequest::package("npm", "acme-widget"), &of("publish.yml")).await.unwrap();
        assert!(pending.learned.is_empty(), "it was configured before the prefix learned");
        let refused = told(hub.exchanged(&request, &reborn("create.yml")).await);
        assert_eq!(refused.0, RefusalKind::NotTrusted, "{request:?}");
        let record = hub.exchanged(&request, &of("create.yml")).await.unwrap();
        assert!(record.for_package(&package("acme-new")).unwrap().may_create);
    }
}

#[tokio::test]
async fn strangers_do_not_hide_the_ids_of_an_account_from_its_prefix() {
    for request in requests("acme-new") {
        let hub = Hub::new();
        hub.owners.own("acme-new", &["alice"]);
        hub.trusts("alice", prefix("acme-"), "acme/widget", &rules("other.yml")).await;
        hub.clock.advance(Duration::from_secs(1));
        hub.trusts("alice", package("acme-widget"), "acme/widget", &rules("publish.yml")).await;
        hub.clock.advance(Duration::from_secs(1));
        hub.exchanged(&ExchangeRequest::package("npm", "acme-widget"), &of("publish.yml")).await.unwrap();
        for number in 0..2 * MAX_UNPROVEN {
            let (account, name) = (format!("stranger-{number}"), format!("theirs-{number}"));
            hub.trusts(&account, package(&name), "acme/widget", &rules("publish.yml")).await;
        }
        let refused = hub.exchanged(&request, &reborn("other.yml")).await;
        assert!(refused.is_err(), "{request:?}: {refused:?}");
        let record = hub.exchanged(&request, &of("other.yml")).await.unwrap();
        assert!(hub.by(&record, "acme-new").is_some());
    }
}

#[tokio::test]
async fn of_nested_prefixes_the_longest_publishes_at_every_endpoint() {
    for round in 0..8 {
        for request in requests("acme-w-x") {
            let hub = Hub::new();
            hub.owners.own("acme-w-x", &["alice"]);
            let (first, second) = if round % 2 == 0 { ("acme-", "acme-w-") } else { ("acme-w-", "acme-") };
            for text in [first, second] {
                hub.trusts("alice", prefix(text), "acme/widget", &rules("publish.yml")).await;
            }
            let record = hub.exchanged(&request, &of("publish.yml")).await.unwrap();
            let longest = hub.trust.list(&prefix("acme-w-")).await.unwrap().remove(0);
            assert_eq!(hub.by(&record, "acme-w-x"), Some(longest.id), "{request:?}");
        }
    }
}

#[tokio::test]
async fn a_longer_prefix_that_refuses_does_not_hide_a_shorter_one() {
    for request in requests("acme-w-x") {
        let hub = Hub::new();
        hub.owners.own("acme-w-x", &["alice"]);
        let wide = hub.trusts("alice", prefix("acme-"), "acme/widget", &rules("publish.yml")).await;
        hub.trusts("alice", prefix("acme-w-"), "acme/widget", &rules("other.yml")).await;
        let record = hub.exchanged(&request, &of("publish.yml")).await.unwrap();
        assert_eq!(hub.by(&record, "acme-w-x"), Some(wide.id), "{request:?}");
    }
}

#[tokio::test]
async fn a_packages_own_publisher_that_refuses_does_not_hide_a_prefix() {
    for request in requests("acme-w-x") {
        let hub = Hub::new();
        hub.owners.own("acme-w-x", &["alice"]);
        let wide = hub.trusts("alice", prefix("acme-"), "acme/widget", &rules("publish.yml")).await;
        hub.trusts("alice", package("acme-w-x"), "acme/widget", &rules("other.yml")).await;
        let record = hub.exchanged(&request, &of("publish.yml")).await.unwrap();
        assert_eq!(hub.by(&record, "acme-w-x"), Some(wide.id), "{request:?}");
    }
}

#[tokio::test]
async fn a_repository_that_was_renamed_is_told_so_where_a_prefix_alone_trusts_it() {
    let hub = Hub::new();
    hub.trusts("alice", prefix("acme-"), "acme/widget", &rules("publish.yml")).await;
    hub.exchanged(&ExchangeRequest::package("npm", "acme-widget"), &of("publish.yml")).await.unwrap();
    let renamed = json!({ "repository": "acme/renamed", "repository_id": "11", "workflow": "publish.yml" });
    for request in requests("acme-widget") {
        let (kind, message) = told(hub.exchanged(&request, &renamed).await);
        assert_eq!(kind, RefusalKind::RuleDiffers, "{message}");
        assert!(message.contains("acme/renamed") && message.contains("acme/widget"), "{message}");
    }
    for name in ["acme-gadget", "acme-nothing"] {
        let refused = hub.exchanged(&ExchangeRequest::package("npm", name), &renamed).await;
        assert_eq!(told(refused).0, RefusalKind::NotTrusted, "of another account or nobody's: {name}");
    }
}

#[tokio::test]
async fn a_co_owners_prefix_requires_the_ids_that_the_package_knows() {
    let hub = Hub::new();
    hub.owners.own("acme-widget", &["alice", "bob"]);
    hub.trusts("alice", package("acme-widget"), "acme/widget", &rules("publish.yml")).await;
    hub.trusts("bob", prefix("acme-"), "acme/widget", &rules("other.yml")).await;
    let request = ExchangeRequest::package("npm", "acme-widget");
    hub.exchanged(&request, &of("publish.yml")).await.unwrap();
    assert_eq!(told(hub.exchanged(&request, &reborn("other.yml")).await).0, RefusalKind::NotTrusted);
    hub.exchanged(&request, &of("other.yml")).await.unwrap();

    // The same the other way round, and between the prefixes of two owners.
    let hub = Hub::new();
    hub.owners.own("acme-widget", &["alice", "bob", "carol"]);
    hub.trusts("alice", prefix("acme-"), "acme/widget", &rules("publish.yml")).await;
    hub.trusts("bob", package("acme-widget"), "acme/widget", &rules("other.yml")).await;
    hub.trusts("carol", prefix("acme-"), "acme/widget", &rules("third.yml")).await;
    hub.exchanged(&request, &of("publish.yml")).await.unwrap();
    for workflow in ["other.yml", "third.yml"] {
        let refused = hub.exchanged(&request, &reborn(workflow)).await;
        assert_eq!(told(refused).0, RefusalKind::NotTrusted, "{workflow}");
        hub.exchanged(&request, &of(workflow)).await.unwrap();
    }
}

#[tokio::test]
async fn a_prefix_that_replaces_a_packages_publisher_takes_its_ids_over_and_the_reverse() {
    for is_prefix_first in [false, true] {
        let hub = Hub::new();
        let (first, second) = match is_prefix_first {
            true => (prefix("acme-"), package("acme-widget")),
            false => (package("acme-widget"), prefix("acme-")),
        };
        let old = hub.trusts("alice", first, "acme/widget", &rules("publish.yml")).await;
        let request = ExchangeRequest::package("npm", "acme-widget");
        hub.exchanged(&request, &of("publish.yml")).await.unwrap();
        let stranger = hub.trusts("mallory", second.clone(), "acme/widget", &rules("publish.yml")).await;
        assert!(stranger.learned.is_empty() || !is_prefix_first, "a stranger's prefix takes nothing over");
        let new = hub.trusts("alice", second, "acme/widget", &rules("publish.yml")).await;
        assert_eq!(new.learned.get("repository_id").map(String::as_str), Some("11"));
        assert!(!new.lapses);
        assert!(hub.trust.remove(&old.package, &old.id).await.unwrap());
        assert!(hub.exchanged(&request, &reborn("publish.yml")).await.is_err());
        hub.exchanged(&request, &of("publish.yml")).await.unwrap();
    }
}
