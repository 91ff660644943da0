//! Publishers for a prefix of packages' names: the jobs that they accept and those that they refuse.

use std::time::Duration;

use oidc_core::Secret;
use oidc_core::testing::FakeHttp;
use oidc_exchange::server::{
    ExchangeRequest, Grant, MintError, Minter, NewToken, Package, PackageOwner, PublisherState, Recognised,
    RefusalKind, Room, Trust, TrustError, TrustStore as _,
};
use serde_json::json;

use crate::hub::{Hub, job, prefix, told};
use crate::registry::{NOW, claims, package, verifier};

const DAY: u64 = 24 * 3600;

#[tokio::test]
async fn a_prefix_lets_a_job_in_for_its_accounts_packages() {
    let hub = Hub::new();
    let publisher = hub.trusts("alice", prefix("acme-"), "acme/widget", &json!({})).await;
    let record = hub.named("acme-widget", "acme/widget").await.unwrap();
    assert_eq!(hub.by(&record, "acme-widget"), Some(publisher.id.clone()));
    assert!(record.for_package(&package("acme-widget")).is_none(), "unless the application says whose it is");
    assert!(!record.packages[0].may_create);

    let record = hub.all("acme/widget").await.unwrap();
    assert_eq!(record.packages[0].package, prefix("acme-"));
    hub.owners.own("acme-new", &["alice", "carol"]);
    for name in ["acme-widget", "acme-new"] {
        assert_eq!(hub.by(&record, name), Some(publisher.id.clone()), "{name}");
    }
    for name in ["acme", "acmeevil", "acme_widget", "Acme-widget", "acme-", "acme-gadget", "acme-nothing"] {
        if !["acme-gadget", "acme-nothing"].contains(&name) {
            hub.owners.own(name, &["alice"]);
        }
        assert_eq!(hub.by(&record, name), None, "{name}");
        if name != "acme-gadget" {
            assert!(hub.named(name, "acme/widget").await.is_err(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_token_is_used_up_for_a_package_however_its_name_is_spelled() {
    let hub = Hub::new();
    hub.trusts("alice", Package::prefix("pypi", "acme-").unwrap(), "acme/widget", &json!({})).await;
    hub.trusts("alice", Package::new("pypi", "solo-widget"), "acme/widget", &json!({})).await;
    let token = hub.issuer.sign(&claims(NOW, &job("acme/widget")));
    for first in ["Acme_Widget", "solo_widget"] {
        let exchanged =
            async |name: &str| hub.exchange.exchange(&token, &ExchangeRequest::package("pypi", name)).await;
        let minted = exchanged(first).await.unwrap();
        assert_eq!(minted.packages, [Package::new("pypi", first)], "any spelling is the package");
        for again in [first, &first.replace('_', "-"), &first.replace('_', "."), &first.to_uppercase()] {
            let refused = exchanged(again).await.unwrap_err();
            assert_eq!(refused.kind(), RefusalKind::AlreadyUsed, "{again}");
        }
        let mut request = ExchangeRequest::package("pypi", first);
        request.package = Some(first.to_uppercase());
        assert!(hub.exchange.exchange(&token, &request).await.is_err(), "however the request was made");
    }
}

#[tokio::test]
async fn another_accounts_prefix_over_a_package_lets_nobody_in_and_tells_nothing() {
    let hub = Hub::new();
    let mut before = Vec::new();
    for name in ["acme-widget", "acme-gadget", "acme-nothing"] {
        before.push(told(hub.named(name, "mallory/evil").await));
    }
    let before_of_nothing = before[2].1.clone();
    hub.trusts("mallory", prefix("acme-"), "mallory/evil", &json!({})).await;
    for (name, before) in ["acme-widget", "acme-gadget", "acme-nothing"].iter().zip(&before) {
        let after = told(hub.named(name, "mallory/evil").await);
        assert_eq!(&after, before, "{name}");
        assert_eq!(after.0, RefusalKind::NotTrusted);
        let message = after.1.replace(name, "acme-nothing");
        assert_eq!(message, before_of_nothing, "one's package and nobody's are told alike");
    }
    let record = hub.all("mallory/evil").await.unwrap();
    for name in ["acme-widget", "acme-gadget", "acme-nothing"] {
        assert_eq!(hub.by(&record, name), None, "{name}");
    }
    hub.owners.own("acme-theirs", &["mallory"]);
    assert!(hub.by(&record, "acme-theirs").is_some(), "it is for its own account's");
}

#[tokio::test]
async fn without_the_applications_consent_a_prefix_accepts_nobody() {
    let hub = Hub::minting(oidc_exchange::server::MintPolicy::default(), false);
    hub.trusts("alice", prefix("acme-"), "acme/widget", &json!({})).await;
    let (kind, _) = told(hub.named("acme-widget", "acme/widget").await);
    assert_eq!(kind, RefusalKind::NotTrusted);
    let record = hub.all("acme/widget").await.unwrap();
    assert!(record.for_package(&package("acme-widget")).is_none());
    assert!(record.for_package_of(&package("acme-widget"), &[]).is_none());
    assert!(record.for_package_of(&package("acme-widget"), &[PackageOwner::Operator]).is_none());
}

#[tokio::test]
async fn a_strangers_prefix_for_the_same_repository_changes_nothing() {
    for strangers in [json!({}), json!({ "environment": "release" }), json!({ "workflow": "other.yml" })] {
        let hub = Hub::new();
        let own =
            hub.trusts("alice", prefix("acme-"), "acme/widget", &json!({ "workflow": "publish.yml" })).await;
        hub.trusts("mallory", prefix("acme-"), "acme/widget", &strangers).await;
        hub.trusts("mallory", prefix("acme-w-"), "acme/widget", &strangers).await;
        let request = |name: Option<&str>| match name {
            Some(name) => ExchangeRequest::package("npm", name),
            None => ExchangeRequest::identity("npm"),
        };
        for name in [Some("acme-widget"), None] {
            let mut job = job("acme/widget");
            job["environment"] = json!("release");
            let record = hub.exchanged(&request(name), &job).await.unwrap();
            assert_eq!(hub.by(&record, "acme-widget"), Some(own.id.clone()), "{name:?} {strangers}");
            // The refusal names the differing rule of the account's own publisher, so that the package's owner finds it.
            job["workflow"] = json!("wrong.yml");
            let refused = hub.exchanged(&request(name), &job).await;
            if name.is_some() {
                let (kind, message) = told(refused);
                assert_eq!(kind, RefusalKind::RuleDiffers, "{strangers}");
                assert!(
                    message.contains("publisher for packages `acme-*`") && message.contains("workflow"),
                    "{message}"
                );
            } else if let Ok(record) = refused {
                assert_eq!(hub.by(&record, "acme-widget"), None);
            }
        }
    }
}

#[tokio::test]
async fn a_packages_own_publishers_come_before_a_prefix_and_pending_ones_after() {
    let hub = Hub::new();
    let wide =
        hub.trusts("alice", prefix("acme-"), "acme/widget", &json!({ "workflow": "publish.yml" })).await;
    let narrow = hub.trusts("alice", prefix("acme-w-"), "acme/widget", &json!({})).await;
    let own = hub.trusts("alice", package("acme-widget"), "acme/widget", &json!({})).await;
    hub.owners.own("acme-w-x", &["alice"]);
    for name in [None, Some("acme-widget")] {
        let request =
            name.map_or(ExchangeRequest::identity("npm"), |name| ExchangeRequest::package("npm", name));
        let record = hub.exchanged(&request, &job("acme/widget")).await.unwrap();
        assert_eq!(hub.by(&record, "acme-widget"), Some(own.id.clone()));
        if name.is_none() {
            assert_eq!(hub.by(&record, "acme-w-x"), Some(narrow.id.clone()), "the longest prefix");
        }
    }
    // A pending publisher creates the package, and once it exists, the publisher for the prefix publishes it.
    let mut pending =
        hub.trust.prepare(package("acme-new"), "fake", None, json!({ "repository": "acme/widget" })).unwrap();
    (pending.pending, pending.account) = (true, Some("alice".to_owned()));
    let pending = hub.trust.add(&pending).await.unwrap();
    for request in [ExchangeRequest::package("npm", "acme-new"), ExchangeRequest::identity("npm")] {
        hub.owners.0.lock().unwrap().remove("acme-new");
        let record = hub.exchanged(&request, &job("acme/widget")).await.unwrap();
        let granted = record.for_package_of(&package("acme-new"), &[]).unwrap();
        assert!(granted.may_create && granted.publisher == pending.id);
        hub.owners.own("acme-new", &["alice"]);
        let record = hub.exchanged(&request, &job("acme/widget")).await.unwrap();
        let granted = record.for_package_of(&package("acme-new"), &hub.owners.of("acme-new")).unwrap();
        assert_eq!((granted.may_create, &granted.publisher), (false, &wide.id));
    }
}

#[tokio::test]
async fn what_an_account_knows_of_a_repository_keeps_the_names_new_owner_out_by_either_publisher() {
    let reborn = json!({ "repository": "acme/widget", "repository_id": "666" });
    for is_prefix_first in [false, true] {
        for request in [ExchangeRequest::package("npm", "acme-widget"), ExchangeRequest::identity("npm")] {
            let hub = Hub::new();
            let (first, second) = if is_prefix_first {
                (prefix("acme-"), package("acme-widget"))
            } else {
                (package("acme-widget"), prefix("acme-"))
            };
            hub.trusts("alice", first, "acme/widget", &json!({})).await;
            hub.exchanged(&request, &job("acme/widget")).await.unwrap();
            hub.trusts("alice", second, "acme/widget", &json!({ "workflow": "publish.yml" })).await;
            let (kind, _) = told(hub.exchanged(&request, &reborn).await);
            assert_eq!(kind, RefusalKind::NotTrusted, "{is_prefix_first}");
            hub.exchanged(&request, &job("acme/widget")).await.unwrap();
            assert!(hub.exchanged(&request, &reborn).await.is_err());
        }
    }
}

#[tokio::test]
async fn what_an_account_knows_by_one_package_keeps_the_names_new_owner_out_of_the_others() {
    let reborn = json!({ "repository": "acme/widget", "repository_id": "666" });
    let hub = Hub::new();
    hub.owners.own("acme-new", &["alice"]);
    hub.trusts("alice", prefix("acme-"), "acme/widget", &json!({})).await;
    hub.trusts("alice", package("acme-widget"), "acme/widget", &json!({})).await;
    // The package's own publisher learned the id with the prefix's, so begin anew with one that knows nothing.
    hub.named("acme-widget", "acme/widget").await.unwrap();
    let learned = hub.trust.list(&prefix("acme-")).await.unwrap().remove(0);
    hub.trust.remove(&learned.package, &learned.id).await.unwrap();
    let fresh = hub.trusts("alice", prefix("acme-"), "acme/widget", &json!({})).await;
    assert_eq!(fresh.learned.get("repository_id").map(String::as_str), Some("11"), "from the package's own");
    let request = ExchangeRequest::package("npm", "acme-new");
    assert_eq!(told(hub.exchanged(&request, &reborn).await).0, RefusalKind::NotTrusted);
    assert!(hub.named("acme-new", "acme/widget").await.is_ok());
}

#[tokio::test]
async fn what_a_stranger_knows_of_a_repository_has_no_say() {
    let hub = Hub::new();
    let former = json!({ "repository": "acme/widget", "repository_id": "1" });
    hub.trusts("mallory", prefix("acme-"), "acme/widget", &json!({})).await;
    hub.owners.own("acme-theirs", &["mallory"]);
    for request in [ExchangeRequest::package("npm", "acme-theirs"), ExchangeRequest::identity("npm")] {
        hub.exchanged(&request, &former).await.unwrap();
    }
    let own = hub.trusts("alice", prefix("acme-"), "acme/widget", &json!({})).await;
    assert!(own.learned.is_empty());
    for record in [hub.named("acme-widget", "acme/widget").await, hub.all("acme/widget").await] {
        assert_eq!(hub.by(&record.unwrap(), "acme-widget"), Some(own.id.clone()));
    }
}

#[tokio::test]
async fn a_prefix_that_nobody_uses_lapses() {
    let hub = Hub::new();
    let record = hub.trusts("alice", prefix("acme-"), "acme/widget", &json!({})).await;
    assert!(matches!(hub.trust.state(&record), PublisherState::LapsesAt(_)));
    hub.clock.advance(Duration::from_secs(7 * DAY));
    for request in [ExchangeRequest::package("npm", "acme-widget"), ExchangeRequest::identity("npm")] {
        let (kind, message) = told(hub.exchanged(&request, &job("acme/widget")).await);
        assert!(kind == RefusalKind::RuleDiffers && message.contains("lapsed"), "{message}");
        let of_prefix = "the trusted publisher for packages `acme-*` does not match: ";
        assert!(message.starts_with(of_prefix), "{message}");
    }
}

#[tokio::test]
async fn tokens_of_a_prefix_end_with_its_publisher_and_with_the_package() {
    let hub = Hub::new();
    let publisher = hub.trusts("alice", prefix("acme-"), "acme/widget", &json!({})).await;
    let exchange = async |request: ExchangeRequest| {
        let token = hub.issuer.sign(&claims(NOW, &job("acme/widget")));
        hub.exchange.exchange(&token, &request).await.unwrap().token
    };
    let named = exchange(ExchangeRequest::package("npm", "acme-widget")).await;
    hub.trust.package_transferred(&package("acme-widget"), &PackageOwner::account("bob"), &[]).await.unwrap();
    assert!(
        hub.exchange.find(named.expose()).await.unwrap().is_none(),
        "it was for the former owner's package"
    );
    hub.owners.own("acme-widget", &["bob"]);
    let whole = exchange(ExchangeRequest::identity("npm")).await;
    let record = hub.exchange.find(whole.expose()).await.unwrap().unwrap();
    assert_eq!(hub.by(&record, "acme-widget"), None, "another's now");
    hub.owners.own("acme-widget", &["alice"]);
    let named = exchange(ExchangeRequest::package("npm", "acme-widget")).await;
    assert!(hub.trust.remove(&prefix("acme-"), &publisher.id).await.unwrap());
    for token in [named, whole] {
        assert!(hub.exchange.find(token.expose()).await.unwrap().is_none());
    }
    assert!(hub.store.records().0 == 0);
}

#[tokio::test]
async fn nobody_offers_prefixes_by_accident() {
    let hub = Hub::new();
    let config = json!({ "repository": "acme/widget" });
    let record = hub.trust.prepare(prefix("acme-"), "fake", None, config.clone()).unwrap();
    let (_, providers) = verifier(FakeHttp::new(), &hub.clock);
    let trust = Trust::new(providers, hub.store.clone(), hub.exchange.verifier().context());
    assert!(matches!(trust.add(&record).await, Err(TrustError::Prefix)), "the default");
    let stored = hub.trust.add(&record).await.unwrap();
    assert!(matches!(trust.edit(&stored.id, record.clone()).await, Err(TrustError::Prefix)));
    let mut pending = record;
    pending.pending = true;
    assert!(matches!(hub.trust.add(&pending).await, Err(TrustError::PendingPrefix)));
    // A name from a form that looks like a pattern is no name.
    let star = hub.trust.prepare(package("acme-*"), "fake", None, json!({ "repository": "acme/widget" }));
    assert!(matches!(star, Err(TrustError::Package(_))));
    assert!(hub.named("acme-widget", "acme/widget").await.is_err());
}

#[tokio::test]
async fn a_pending_prefix_in_the_store_lets_nobody_in() {
    let hub = Hub::new();
    let record =
        hub.trust.prepare(prefix("acme-"), "fake", None, json!({ "repository": "acme/widget" })).unwrap();
    let mut record = record;
    (record.pending, record.account) = (true, Some("alice".to_owned()));
    let mut room = Room::default();
    room.prefixes_per_account = 1;
    hub.store.add(&record, &room).await.unwrap();
    assert!(hub.named("acme-widget", "acme/widget").await.is_err());
    assert!(hub.all("acme/widget").await.is_err());
}

#[tokio::test]
async fn the_operators_own_prefix_is_for_the_operators_packages() {
    let hub = Hub::new();
    let record =
        hub.trust.prepare(prefix("acme-"), "fake", None, json!({ "repository": "acme/widget" })).unwrap();
    let own = hub.trust.add(&record).await.unwrap();
    hub.owners.0.lock().unwrap().insert("acme-own".to_owned(), vec![PackageOwner::Operator]);
    let record = hub.named("acme-own", "acme/widget").await.unwrap();
    assert_eq!(hub.by(&record, "acme-own"), Some(own.id));
    for name in ["acme-widget", "acme-nothing"] {
        assert_eq!(told(hub.named(name, "acme/widget").await).0, RefusalKind::NotTrusted, "{name}");
    }
}

/// A minter of tokens that contain their record.
#[derive(Debug)]
struct Carrying;

#[async_trait::async_trait]
impl Minter for Carrying {
    fn lifetime(&self) -> Duration {
        Duration::from_secs(300)
    }

    async fn mint(&self, grant: &Grant, _: &dyn oidc_core::Random) -> Result<NewToken, MintError> {
        let record = serde_json::to_vec(&grant.record()).map_err(MintError::new)?;
        Ok(NewToken::SelfContained(Secret::new(data_encoding::BASE64URL_NOPAD.encode(&record))))
    }

    fn recognise(&self, text: &str) -> Option<Recognised> {
        let record = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        serde_json::from_slice(&record).ok().map(Recognised::SelfContained)
    }
}

#[tokio::test]
async fn a_token_that_carries_its_record_carries_whose_the_packages_have_to_be() {
    let hub = Hub::minting(Carrying, true);
    let own = hub.trusts("alice", prefix("acme-"), "acme/widget", &json!({})).await;
    for record in [hub.named("acme-widget", "acme/widget").await, hub.all("acme/widget").await] {
        let record = record.unwrap();
        assert_eq!(record.packages[0].only_of, Some(PackageOwner::account("alice")));
        assert_eq!(hub.by(&record, "acme-widget"), Some(own.id.clone()));
        assert_eq!(hub.by(&record, "acme-gadget"), None);
        assert!(record.for_package(&package("acme-widget")).is_none());
    }
}

#[tokio::test]
async fn prefixes_that_are_not_allowed_any_more_let_nobody_in() {
    let hub = Hub::new();
    let record = hub.trusts("alice", prefix("acme-"), "acme/widget", &json!({})).await;
    let verifier = hub.exchange.verifier().clone();
    let builder = oidc_exchange::server::Exchange::builder(verifier, hub.store.clone());
    let exchange = builder.package_owners(hub.owners.clone()).build();
    for request in [ExchangeRequest::package("npm", "acme-widget"), ExchangeRequest::identity("npm")] {
        let token = hub.issuer.sign(&claims(NOW, &job("acme/widget")));
        assert!(exchange.exchange(&token, &request).await.is_err(), "{request:?}");
    }
    let (_, providers) = crate::registry::verifier(FakeHttp::new(), &hub.clock);
    let trust = Trust::new(providers, hub.store.clone(), hub.exchange.verifier().context());
    assert_eq!(trust.state(&record), PublisherState::NotAllowed);
    assert!(!trust.state(&record).is_in_force());
    assert!(hub.named("acme-widget", "acme/widget").await.is_ok(), "as long as they are");
}

#[tokio::test]
async fn a_settings_page_shows_the_prefixes_that_reach_a_package() {
    let hub = Hub::new();
    let own = hub.trusts("alice", package("acme-widget"), "acme/own", &json!({})).await;
    let wide = hub.trusts("alice", prefix("acme-"), "acme/widget", &json!({})).await;
    hub.trusts("alice", prefix("other-"), "acme/widget", &json!({})).await;
    hub.trusts("mallory", prefix("acme-"), "acme/widget", &json!({})).await;
    let owners = hub.owners.of("acme-widget");
    let reaching = hub.trust.reaching(&package("acme-widget"), &owners).await.unwrap();
    let ids: Vec<_> = reaching.iter().map(|record| record.id.clone()).collect();
    assert_eq!(ids, [own.id, wide.id.clone()]);
    assert!(hub.trust.live_tokens(&reaching).await.unwrap().is_empty());
    hub.trust.published(&package("acme-widget"), &wide.id).await.unwrap();
    hub.named("acme-widget", "acme/widget").await.unwrap();
    hub.all("acme/widget").await.unwrap();
    let tokens = hub.trust.live_tokens(&reaching).await.unwrap();
    assert_eq!(tokens.into_iter().collect::<Vec<_>>(), [(wide.id, 2)]);
}
