//! A name changes hands, and its owner's account is known: that keeps a name's new owner out no longer than anybody's.

use std::time::Duration;

use oidc_exchange::server::{ExchangeRequest, RefusalKind};
use serde_json::json;

use crate::registry::{Registry, package};

#[tokio::test]
async fn a_name_that_changed_hands_before_the_first_use_lets_nobody_in_although_its_owner_was_known() {
    let registry = Registry::new().await;
    let rules = json!({ "repository": "acme/gadget", "workflow": "publish.yml" });
    let mut record = registry.trust.prepare(package("gadget"), "fake", None, rules).unwrap();
    // The account signed in with the platform, which knew it as the repository's owner then.
    (record.account, record.proven) = (Some("alice".to_owned()), true);
    registry.trust.add(&record).await.unwrap();
    registry.clock.advance(Duration::from_secs(8 * 24 * 3600));
    let taken = registry.token(&json!({ "repository": "acme/gadget", "repository_id": "66" }));
    let refusal =
        registry.exchange.exchange(&taken, &ExchangeRequest::package("npm", "gadget")).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::RuleDiffers, "{refusal}");
    assert_eq!(refusal.diagnosis().code, "publisher-lapsed", "whoever has the name now is not accepted");
}
