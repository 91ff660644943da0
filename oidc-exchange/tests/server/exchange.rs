//! The exchange beyond one protocol: who wins, what lapses, what is learned, what is told to whom.

use std::collections::BTreeSet;
use std::time::Duration;

use oidc_core::{HttpUrl, Identity, Timestamp};
use oidc_exchange::server::{
    Exchange, ExchangeRequest, MintPolicy, Package, PackageOwner, PublisherLimit, PublisherRecord,
    PublisherStore as _, RefusalKind, Room, TrustError, TrustPolicy, TrustStore as _,
};
use serde_json::json;

use crate::registry::{Registry, package};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn widget() -> ExchangeRequest {
    ExchangeRequest::package("npm", "@acme/widget")
}

#[tokio::test]
async fn the_most_specific_publisher_of_a_package_wins_and_then_the_oldest() {
    let registry = Registry::new().await;
    let plain = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0);
    registry.clock.advance(Duration::from_secs(1));
    let rules = json!({ "workflow": "publish.yml", "environment": "publish" });
    let specific = registry.configure("@acme/widget", "acme/widget", &rules, false).await;
    registry.clock.advance(Duration::from_secs(1));
    let rules = json!({ "environment": "publish" });
    registry.configure("@acme/widget", "acme/widget", &rules, false).await;
    for (changes, expected) in [
        (json!({ "environment": "publish" }), &specific),
        (json!({ "environment": "other" }), &plain),
        (json!({}), &plain),
    ] {
        let minted = registry.exchange.exchange(&registry.token(&changes), &widget()).await.unwrap();
        let record = registry.exchange.find(minted.token.expose()).await.unwrap().unwrap();
        assert_eq!(record.packages[0].publisher, expected.id, "{changes}");
    }
}

#[tokio::test]
async fn of_equally_specific_publishers_the_oldest_wins() {
    let registry = Registry::new().await;
    let oldest = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0);
    registry.clock.advance(Duration::from_secs(1));
    registry.configure("@acme/widget", "acme/widget", &json!({ "environment": "publish" }), false).await;
    let token = registry.token(&json!({ "environment": "publish" }));
    let minted = registry.exchange.exchange(&token, &widget()).await.unwrap();
    let record = registry.exchange.find(minted.token.expose()).await.unwrap().unwrap();
    assert_eq!(record.packages[0].publisher, oldest.id);
}

#[tokio::test]
async fn an_identity_token_is_used_once_for_each_package_and_once_where_none_is_named() {
    let registry = Registry::new().await;
    registry.trusts("@acme/gadget", "acme/widget", false).await;
    let token = registry.token(&json!({}));
    for request in
        [widget(), ExchangeRequest::package("npm", "@acme/gadget"), ExchangeRequest::identity("npm")]
    {
        registry.exchange.exchange(&token, &request).await.unwrap();
        let again = registry.exchange.exchange(&token, &request).await.unwrap_err();
        assert_eq!(again.kind(), RefusalKind::AlreadyUsed, "{request:?}");
    }
}

#[tokio::test]
async fn a_publish_token_is_known_by_its_form_alone_and_ends_as_often_as_it_is_asked_to() {
    let registry = Registry::new().await;
    let minted = registry.exchange.exchange(&registry.token(&json!({})), &widget()).await.unwrap();
    let token = minted.token.expose();
    for _ in 0..2 {
        registry.exchange.revoke(token).await.unwrap();
        assert!(registry.exchange.is_ours(token), "by its form");
        assert!(registry.exchange.find(token).await.unwrap().is_none());
    }
    let cut = token.get(..token.len() - 1).unwrap();
    for other in ["", "npm_secret", cut] {
        assert!(!registry.exchange.is_ours(other), "{other}");
        registry.exchange.revoke(other).await.unwrap();
    }
}

#[tokio::test]
async fn purging_goes_on_in_batches_until_nothing_is_left_and_counts() {
    let registry = Registry::new().await;
    for _ in 0..3 {
        registry.exchange.exchange(&registry.token(&json!({})), &widget()).await.unwrap();
    }
    assert_eq!(registry.exchange.purge(1).await.unwrap(), 0);
    registry.clock.advance(DAY);
    assert_eq!(registry.exchange.purge(1).await.unwrap(), 6, "3 publish tokens, 3 replay records");
    assert_eq!(registry.store.records(), (0, 0));
}

#[tokio::test]
async fn where_no_package_is_named_all_packages_are_united_and_each_has_its_own_winner() {
    let registry = Registry::new().await;
    let rules = json!({ "environment": "publish", "workflow": "publish.yml" });
    registry.configure("@acme/gadget", "acme/widget", &rules, false).await;
    registry.trusts("@acme/gadget", "acme/widget", false).await;
    // A stranger names our repository, as specifically as can be.
    registry.configure("@evil/trap", "acme/widget", &rules, false).await;
    registry.configure("@other/thing", "other/repo", &json!({}), false).await;
    let token = registry.token(&json!({ "environment": "publish" }));
    let minted = registry.exchange.exchange(&token, &ExchangeRequest::identity("npm")).await.unwrap();
    let names: BTreeSet<&str> = minted.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(names, ["@acme/gadget", "@acme/widget", "@evil/trap"].into());
    let again = registry.exchange.exchange(&token, &ExchangeRequest::identity("npm")).await.unwrap_err();
    assert_eq!(again.kind(), RefusalKind::AlreadyUsed);
    assert!(again.to_string().contains("once,"), "{again}");
    let elsewhere = registry.exchange.exchange(&token, &ExchangeRequest::identity("pypi")).await.unwrap_err();
    assert_eq!(elsewhere.kind(), RefusalKind::NotTrusted);

    let partly = registry.token(&json!({ "environment": "other" }));
    let minted = registry.exchange.exchange(&partly, &ExchangeRequest::identity("npm")).await.unwrap();
    assert_eq!(minted.packages.len(), 2, "what differs for one package is nothing to the others");
}

#[tokio::test]
async fn a_publisher_that_learned_nothing_lapses_and_one_that_did_or_was_given_its_ids_does_not() {
    let registry = Registry::new().await;
    registry.trusts("@acme/used", "acme/widget", false).await;
    let ids = json!({ "repository_id": "2" });
    registry.configure("@acme/pinned", "acme/widget", &ids, false).await;
    let exchange = async |name: &str| {
        registry.exchange.exchange(&registry.token(&json!({})), &ExchangeRequest::package("npm", name)).await
    };
    registry.clock.advance(7 * DAY - Duration::from_secs(1));
    exchange("@acme/used").await.unwrap();
    registry.clock.advance(Duration::from_secs(1));
    let refusal = exchange("@acme/widget").await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::RuleDiffers);
    assert!(refusal.to_string().contains("lapsed") && refusal.to_string().contains("again"), "{refusal}");
    exchange("@acme/used").await.unwrap();
    exchange("@acme/pinned").await.unwrap();
    let (_, burned) = registry.store.records();
    assert_eq!(burned, 3, "a lapsed publisher burns nothing");

    let registry = Registry::with(MintPolicy::default(), TrustPolicy::default().lapse_after(30 * DAY)).await;
    registry.clock.advance(8 * DAY);
    registry.exchange.exchange(&registry.token(&json!({})), &widget()).await.unwrap();
}

#[tokio::test]
async fn a_pending_publisher_may_create_until_it_expires_and_never_stands_before_a_regular_one() {
    let registry = Registry::new().await;
    let pending = registry.trusts("@acme/novel", "acme/widget", true).await;
    let novel = ExchangeRequest::package("npm", "@acme/novel");
    let may_create = async |request: &ExchangeRequest| {
        let minted = registry
            .exchange
            .exchange(&registry.token(&json!({ "environment": "x" })), request)
            .await
            .unwrap();
        let record = registry.exchange.find(minted.token.expose()).await.unwrap().unwrap();
        (record.packages[0].publisher.clone(), record.packages[0].may_create)
    };
    assert_eq!(may_create(&novel).await, (pending.id.clone(), true));
    assert!(registry.store.list(&pending.package).await.unwrap()[0].pending, "an exchange creates nothing");

    let regular = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0);
    let rules = json!({ "workflow": "publish.yml", "environment": "x" });
    registry.configure("@acme/widget", "acme/widget", &rules, true).await;
    assert_eq!(may_create(&widget()).await, (regular.id, false));

    let owner = registry.trust.package_created_by(&pending.package, &pending.id).await.unwrap();
    assert_eq!(owner, Some(PackageOwner::Operator));
    registry.clock.advance(31 * DAY);
    assert_eq!(may_create(&novel).await, (pending.id, false), "what created its package stays");

    let other = Registry::new().await;
    other.configure("@acme/novel", "acme/widget", &json!({ "repository_id": "2" }), true).await;
    other.clock.advance(30 * DAY - Duration::from_secs(1));
    other.exchange.exchange(&other.token(&json!({})), &novel).await.unwrap();
    other.clock.advance(Duration::from_secs(1));
    let refusal = other.exchange.exchange(&other.token(&json!({})), &novel).await.unwrap_err();
    assert!(refusal.to_string().contains("expired before it created"), "{refusal}");
}

/// A package is deleted, and somebody else creates one of the same name: the former owner's workflow still runs.
#[tokio::test]
async fn the_former_owner_of_a_package_publishes_nothing_into_what_somebody_else_creates() {
    let registry = Registry::new().await;
    let (package, token) = (package("@acme/widget"), || registry.token(&json!({})));
    let before = registry.exchange.exchange(&token(), &widget()).await.unwrap();
    registry.trusts("@acme/widget", "acme/sleeper", true).await;

    registry.trust.package_removed(&package).await.unwrap();
    // Created by a static token, of somebody else.
    registry.trust.package_created(&package).await.unwrap();
    registry.trusts("@acme/widget", "mallory/widget", false).await;
    assert!(registry.exchange.find(before.token.expose()).await.unwrap().is_none(), "a token minted before");
    for repository in ["acme/widget", "acme/sleeper"] {
        let token = registry.token(&json!({ "repository": repository }));
        let refusal = registry.exchange.exchange(&token, &widget()).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::NotTrusted, "{repository}");
    }

    registry.trust.package_renamed(&package, "@acme/gadget").await.unwrap();
    let of_new = registry.token(&json!({ "repository": "mallory/widget" }));
    let refusal = registry.exchange.exchange(&of_new, &widget()).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::NotTrusted, "the old name is nobody's");
    let gadget = ExchangeRequest::package("npm", "@acme/gadget");
    registry.exchange.exchange(&of_new, &gadget).await.unwrap();

    let gadget_package = Package::new("npm", "@acme/gadget");
    registry
        .trust
        .package_transferred(&gadget_package, &PackageOwner::account("user:42"), &[])
        .await
        .unwrap();
    let of_former = registry.token(&json!({ "repository": "mallory/widget" }));
    let refusal = registry.exchange.exchange(&of_former, &gadget).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::NotTrusted, "the former owner's");
}

#[tokio::test]
async fn a_pending_publisher_that_learned_no_id_lapses_like_any_other() {
    let novel = ExchangeRequest::package("npm", "@acme/novel");
    for (used_after, is_refused) in [(7 * DAY - Duration::from_secs(1), false), (7 * DAY, true)] {
        let registry = Registry::new().await;
        registry.trusts("@acme/novel", "acme/widget", true).await;
        registry.clock.advance(used_after);
        let exchanged = registry.exchange.exchange(&registry.token(&json!({})), &novel).await;
        let lapsed = exchanged.as_ref().err().is_some_and(|refusal| refusal.to_string().contains("lapsed"));
        assert_eq!(lapsed, is_refused, "{exchanged:?}");
        if !is_refused {
            registry.clock.advance(7 * DAY);
            registry.exchange.exchange(&registry.token(&json!({})), &novel).await.unwrap();
        }
    }
}

#[tokio::test]
async fn editing_the_identity_forgets_the_ids_and_ends_the_tokens() {
    let registry = Registry::new().await;
    let minted = registry.exchange.exchange(&registry.token(&json!({})), &widget()).await.unwrap();
    let old = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0);
    assert_eq!(old.learned.len(), 1);
    let prepare = |config| registry.trust.prepare(package("@acme/widget"), "fake", None, config).unwrap();

    registry.clock.advance(Duration::from_secs(1));
    let stricter = prepare(json!({ "repository": "acme/widget", "workflow": "release.yml" }));
    let stored = registry.trust.edit(&old.id, stricter).await.unwrap();
    assert_eq!((&stored.learned, stored.created_at), (&old.learned, old.created_at), "the same repository");
    assert!(registry.exchange.find(minted.token.expose()).await.unwrap().is_none(), "under the old rules");

    let release = json!({ "workflow": "release.yml" });
    let minted = registry.exchange.exchange(&registry.token(&release), &widget()).await.unwrap();
    registry.clock.advance(DAY);
    let moved = prepare(json!({ "repository": "acme/moved", "workflow": "release.yml" }));
    let stored = registry.trust.edit(&stored.id, moved).await.unwrap();
    assert!(stored.learned.is_empty());
    assert!(stored.created_at > old.created_at, "it may lapse as a new one may");
    assert!(registry.exchange.find(minted.token.expose()).await.unwrap().is_none());
    let refusal = registry.exchange.exchange(&registry.token(&release), &widget()).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::NotTrusted);

    let gone = prepare(json!({ "repository": "acme/x" }));
    assert!(matches!(registry.trust.edit(&old.id, gone).await, Err(TrustError::Missing)));
}

#[tokio::test]
async fn a_rule_that_is_null_does_not_stand_where_a_learned_id_will() {
    let registry = Registry::new().await;
    let prepared =
        registry.configure("@acme/null", "acme/widget", &json!({ "repository_id": null }), false).await;
    assert!(prepared.config.get("repository_id").is_none());
    // As a store holds it that was filled by other means.
    let mut stored = prepared.clone();
    stored.id = "stored".to_owned();
    stored.package = package("@acme/stored");
    stored.config["repository_id"] = json!(null);
    registry.store.add(&stored, &Room::default()).await.unwrap();
    for name in ["@acme/null", "@acme/stored"] {
        let request = ExchangeRequest::package("npm", name);
        registry.exchange.exchange(&registry.token(&json!({})), &request).await.unwrap();
        let taken_over = registry.token(&json!({ "repository_id": "3" }));
        let refusal = registry.exchange.exchange(&taken_over, &request).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::NotTrusted, "{name}: {refusal}");
    }
}

#[tokio::test]
async fn publishers_are_refused_that_are_there_or_too_many() {
    let registry = Registry::new().await;
    let again = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
    let again = registry.trust.prepare(package("@acme/widget"), "fake", None, again).unwrap();
    let known = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0);
    match registry.trust.add(&again).await {
        Err(TrustError::Exists { id }) => assert_eq!(id, known.id),
        other => panic!("{other:?}"),
    }
    for number in 1..32 {
        registry.configure("@acme/widget", &format!("acme/widget-{number}"), &json!({}), false).await;
    }
    let one_more =
        registry.trust.prepare(package("@acme/widget"), "fake", None, json!({ "repository": "a/b" }));
    assert!(matches!(
        registry.trust.add(&one_more.unwrap()).await,
        Err(TrustError::TooMany { limit: PublisherLimit::Package, number: 32 })
    ));
    assert!(matches!(registry.trust.add(&again).await, Err(TrustError::Exists { .. })));
    let of_gadget = Package::new("npm", "@acme/gadget");
    for (provider, issuer) in
        [("other", None), ("", None), ("", Some("")), ("fake", Some("https://other.example"))]
    {
        let refused =
            registry.trust.prepare(of_gadget.clone(), provider, issuer, json!({ "repository": "a/b" }));
        assert!(matches!(refused, Err(TrustError::Provider { .. } | TrustError::Issuer { .. })));
    }
    assert!(matches!(
        registry.trust.prepare(of_gadget, "fake", None, json!({})),
        Err(TrustError::Publisher(_))
    ));
}

#[tokio::test]
async fn every_attempt_is_one_event_that_says_no_more_than_was_proven() {
    let registry = Registry::new().await;
    let secret = json!({ "user_email": "alice@example.com", "shoe_size": "quite-large" });
    let token = registry.token(&secret);
    registry.exchange.exchange(&token, &widget()).await.unwrap();
    registry.exchange.exchange(&token, &widget()).await.unwrap_err();
    registry
        .exchange
        .exchange(&registry.token(&json!({ "workflow": "x.yml" })), &widget())
        .await
        .unwrap_err();
    registry
        .exchange
        .exchange(&registry.token(&json!({ "repository": "evil/x", "repository_id": "66" })), &widget())
        .await
        .unwrap_err();
    // What is configured is looked up, and the event recorded, after the answer.
    tokio::task::yield_now().await;
    registry.exchange.exchange(&registry.token(&json!({ "repository": 7 })), &widget()).await.unwrap_err();
    registry.exchange.exchange(&registry.token(&json!({ "aud": "x" })), &widget()).await.unwrap_err();
    registry.post("/token/exchange", "{}".to_owned()).await;
    registry.exchange("/token/exchange/package/-", &token).await;
    let events = registry.events.take();
    let told: Vec<_> = events.iter().map(|event| (event.outcome, event.is_verified())).collect();
    assert_eq!(
        told,
        [
            ("granted", true),
            ("already-used", true),
            ("rule-differs", true),
            ("not-trusted", true),
            ("invalid-token", true),
            ("invalid-token", false),
            ("malformed", false),
            ("malformed", false),
        ]
    );
    let granted = &events[0];
    assert_eq!(granted.package.as_deref(), Some("@acme/widget"));
    assert_eq!(granted.repository.as_deref(), Some("acme/widget"));
    assert_eq!(granted.run_url.as_deref(), Some("https://ci.example/runs/1"));
    assert!(granted.reason.contains("publish.yml"), "which rule decided: {}", granted.reason);
    let known = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0);
    assert_eq!(granted.publisher.as_deref(), Some(known.id.as_str()));
    let json = serde_json::to_string(&events).unwrap();
    for hidden in ["alice", "quite-large", token.as_str(), "tpub_"] {
        assert!(!json.contains(hidden), "{hidden}");
    }
}

#[tokio::test]
async fn publishers_of_a_sibling_issuer_speak_for_nobody_else() {
    let registry = Registry::new().await;
    let mut foreign = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0);
    registry.store.remove(&foreign.package, &foreign.id).await.unwrap();
    foreign.identity.issuer = "https://issuer.example/".to_owned();
    registry.store.add(&foreign, &Room::default()).await.unwrap();
    let refusal = registry.exchange.exchange(&registry.token(&json!({})), &widget()).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::NotTrusted);
    assert!(
        registry
            .store
            .candidates(std::slice::from_ref(&foreign.identity), "npm", None)
            .await
            .unwrap()
            .into_all()
            .len()
            == 1
    );
}

#[tokio::test]
async fn the_log_holds_no_address_of_a_configured_account() {
    let registry = Registry::new().await;
    // Of another platform, and of this one with rules that it can't read.
    for (id, provider) in [("1", "google"), ("2", "fake")] {
        let identity = Identity::new("https://accounts.example", format!("release{id}@acme.example"));
        let now = Timestamp::from_secs(crate::registry::NOW);
        let record = PublisherRecord::new(id, package("@acme/widget"), provider, identity, json!({}), now);
        registry.store.add(&record, &Room::default()).await.unwrap();
    }
    let stranger = registry.token(&json!({ "repository": "mallory/widget" }));
    registry.exchange.exchange(&stranger, &widget()).await.unwrap_err();
    let event = serde_json::to_string(&registry.events.next().await).unwrap();
    assert!(event.contains("google of `https://accounts.example`"), "{event}");
    assert!(event.contains("fake of `https://accounts.example`"), "{event}");
    assert!(event.contains("repository acme/widget"), "what the platform describes: {event}");
    assert!(!event.contains("release") && !event.contains("acme.example"), "{event}");
}

#[tokio::test]
async fn where_no_package_is_named_the_log_names_the_nearest_publishers() {
    let registry = Registry::new().await;
    registry.trusts("gadget", "other/gadget", false).await;
    let stranger = registry.token(&json!({ "repository": "acme/widgets" }));
    let refusal = registry.exchange.exchange(&stranger, &ExchangeRequest::identity("npm")).await.unwrap_err();
    let told = format!("{refusal} {:?}", refusal.diagnosis());
    assert!(!told.contains("publish.yml") && !told.contains("gadget"), "{told}");
    let reason = registry.events.next().await.operator_text().to_owned();
    let nearest =
        "configured: nearest `@acme/widget` by fake of `https://issuer.example`: repository acme/widget, ";
    assert!(reason.contains(nearest), "{reason}");
    assert!(reason.contains("; `gadget` by fake of"), "the least near at last: {reason}");
}

#[tokio::test]
async fn a_token_for_another_registry_is_told_this_ones_url() {
    let registry = Registry::new().await;
    let token = registry.token(&json!({ "aud": "npm:elsewhere.example" }));
    let nameless = registry.exchange.exchange(&token, &widget()).await.unwrap_err();
    assert!(nameless.diagnosis().fix.unwrap().contains("the URL that the service has itself"), "{nameless}");
    let url = HttpUrl::parse("https://registry.example/npm/").unwrap();
    let verifier = registry.exchange.verifier().clone();
    let exchange = Exchange::builder(verifier, registry.store.clone()).public_url(&url).build();
    let refusal = exchange.exchange(&token, &widget()).await.unwrap_err();
    let fix = refusal.diagnosis().fix.unwrap();
    assert!(fix.contains("`https://registry.example/npm/`: use that one"), "{fix}");
    assert!(refusal.to_string().ends_with(&fix), "{refusal}");
}

#[tokio::test]
async fn which_issuers_are_trusted_only_the_log_says() {
    let registry = Registry::new().await;
    for (iss, log) in [
        ("https://other.example", "trusted: `https://issuer.example`"),
        ("http://127.0.0.1:9001", ": trust `http://127.0.0.1:9001` in the settings"),
    ] {
        let token = registry.token(&json!({ "iss": iss }));
        let refusal = registry.exchange.exchange(&token, &widget()).await.unwrap_err();
        let told = format!("{refusal} {:?}", refusal.diagnosis());
        assert!(told.contains("the operator of this service configures which issuers it trusts"), "{told}");
        assert!(!told.contains("issuer.example"), "{told}");
        let reason = registry.events.next().await.operator_text().to_owned();
        assert!(reason.contains(log) && reason.contains("issuer.example"), "{reason}");
    }
}
