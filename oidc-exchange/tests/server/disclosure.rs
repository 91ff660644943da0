//! The content of a refusal: of several publishers the nearest, nothing for strangers, everything for the registry's operator.

use std::time::Duration;

use oidc_core::{Identity, MAX_TOKEN_BYTES, Target};
use oidc_exchange::server::{ExchangeRequest, PublisherRecord, RefusalKind, Room, TrustStore as _};
use serde_json::{Value, json};

use crate::registry::{NOW, Registry, package};

/// A registry whose package `@acme/gadget` has these publishers of `acme/widget`, each a second younger.
async fn with_gadget(publishers: &[Value]) -> Registry {
    let registry = Registry::new().await;
    for rules in publishers {
        registry.clock.advance(Duration::from_secs(1));
        registry.configure("@acme/gadget", "acme/widget", rules, false).await;
    }
    registry
}

fn gadget() -> ExchangeRequest {
    ExchangeRequest::package("npm", "@acme/gadget")
}

/// The kind of a refusal, what it tells, and what the registry's operator reads.
async fn refusal(registry: &Registry, name: &str, claims: &Value) -> (RefusalKind, String, String) {
    registry.events.take();
    let token = registry.token(claims);
    let refusal =
        registry.exchange.exchange(&token, &ExchangeRequest::package("npm", name)).await.unwrap_err();
    let reason = registry.events.next().await.operator_text().to_owned();
    (refusal.kind(), refusal.to_string(), reason)
}

#[tokio::test]
async fn the_nearest_publisher_is_told_by_which_claim_differs_and_then_by_how_much_of_it() {
    let other_environment = json!({ "workflow": "publish.yml", "environment": "live" });
    let (near, far) = (json!({ "workflow": "publish.yaml" }), json!({ "workflow": "ci.yml" }));
    let (at_its_end, nowhere) = (json!({ "workflow": "dist.yml" }), json!({ "workflow": "deploy" }));
    for (one, other, told) in [
        (&far, &other_environment, "expected `live`"),
        (&near, &far, "expected `publish.yaml`"),
        (&at_its_end, &nowhere, "expected `dist.yml`"),
    ] {
        for publishers in [[one.clone(), other.clone()], [other.clone(), one.clone()]] {
            let registry = with_gadget(&publishers).await;
            let (kind, message, _) = refusal(&registry, "@acme/gadget", &json!({})).await;
            assert_eq!(kind, RefusalKind::RuleDiffers);
            assert!(message.contains(told) && message.contains("(one more publisher"), "{message}");
        }
    }
    let renamed = json!({ "repository": "acme/old", "repository_id": "2" });
    let registry = with_gadget(&[renamed, other_environment]).await;
    let (_, message, reason) = refusal(&registry, "@acme/gadget", &json!({})).await;
    assert!(message.contains("expected `live`"), "its own before one of another name: {message}");
    assert_eq!(reason, message);
    let equally_near = ["live", "beta"].map(|name| json!({ "environment": name }));
    let registry = with_gadget(&equally_near).await;
    let (_, message, _) = refusal(&registry, "@acme/gadget", &json!({})).await;
    assert!(message.contains("expected `live`"), "the oldest: {message}");
}

#[tokio::test]
async fn a_publisher_that_would_accept_but_for_its_age_is_nearer_than_any_that_would_not() {
    let rules = [json!({ "environment": "live" }), json!({}), json!({ "environment": "beta" })];
    let registry = with_gadget(&rules).await;
    registry.clock.advance(Duration::from_secs(8 * 24 * 3600));
    let (_, message, _) = refusal(&registry, "@acme/gadget", &json!({})).await;
    assert!(message.contains("lapsed") && message.contains("(2 more publishers"), "{message}");
}

#[tokio::test]
async fn a_stranger_of_the_same_name_is_told_the_same_as_where_there_is_no_package() {
    let registry = with_gadget(&[json!({ "repository_id": "70007" })]).await;
    let (kind, message, reason) = refusal(&registry, "@acme/gadget", &json!({})).await;
    assert_eq!(kind, RefusalKind::NotTrusted);
    assert!(!message.contains("70007") && !message.contains("configured:"), "{message}");
    assert!(reason.contains("somebody else's") && reason.contains("70007"), "{reason}");
    let (_, of_nothing, reason) = refusal(&registry, "@acme/nothing", &json!({})).await;
    assert_eq!(message.replace("gadget", "nothing"), of_nothing);
    assert!(reason.ends_with("; configured: nothing"), "{reason}");
}

#[tokio::test]
async fn a_stranger_is_told_what_it_is_looked_up_by_its_environment_its_ids_and_no_other_claim_of_its_token()
{
    let registry = Registry::new().await;
    for (environment, told) in [(json!(null), "no `environment`"), (json!("live"), "`environment` `live`")] {
        let claims = json!({
            "repository": "evil/widget", "repository_id": "66", "actor_id": "77", "environment": environment,
        });
        let (_, message, _) = refusal(&registry, "@acme/widget", &claims).await;
        assert!(message.contains("`repository_id` `66`"), "{message}");
        assert!(
            message.contains(&format!("; this job has `repository` `evil/widget`, {told};")),
            "{message}"
        );
        for other in ["sha", "run_id", "actor_id", "77", "acme", "publish.yml"] {
            assert!(!message.replace("@acme/widget", "").contains(other), "{other}: {message}");
        }
    }
}

#[tokio::test]
async fn where_no_package_is_named_the_operator_reads_the_publishers_that_are_most_like_the_job() {
    let registry = Registry::new().await;
    let mut foreign = registry.configure("@acme/far", "evil/x", &json!({}), false).await;
    registry.clock.advance(Duration::from_secs(1));
    registry.configure("@acme/near", "acme/wid", &json!({}), false).await;
    foreign.id = "foreign".to_owned();
    foreign.package = package("@acme/foreign");
    foreign.identity = Identity::new("https://0.example", "acme/wid");
    registry.store.add(&foreign, &Room::default()).await.unwrap();
    let widget = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0);
    registry.store.remove(&widget.package, &widget.id).await.unwrap();
    let token = registry.token(&json!({}));
    let refusal = registry.exchange.exchange(&token, &ExchangeRequest::identity("npm")).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::NotTrusted);
    assert!(!refusal.to_string().contains("@acme/near"), "{refusal}");
    let reason = registry.events.next().await.operator_text().to_owned();
    let place = |name: &str| reason.find(&format!("`@acme/{name}` by fake of")).expect("it is named");
    assert!(place("near") < place("foreign") && place("foreign") < place("far"), "{reason}");
}

#[tokio::test]
async fn the_operator_reads_what_is_configured_and_the_stranger_does_not() {
    let registry = with_gadget(&[json!({ "workflow": "secret.yml" })]).await;
    let mut foreign = registry.store.list(&package("@acme/gadget")).await.unwrap().remove(0);
    registry.clock.advance(Duration::from_secs(1));
    registry.configure("@acme/gadget", "acme/other", &json!({}), true).await;
    foreign.provider = "elsewhere".to_owned();
    let stranger = json!({ "repository": "evil/x", "repository_id": "66" });
    let mut before = None;
    for (others, named, more) in [(0, 0, ""), (1, 1, ""), (2, 2, ""), (3, 2, "; 1 more"), (4, 2, "; 2 more")]
    {
        // Whoever asks again and again finds no request slowed by another look-up.
        let (_, _, again) = refusal(&registry, "@acme/gadget", &stranger).await;
        assert_eq!(before.get_or_insert(again.clone()), &again);
        registry.clock.advance(Duration::from_secs(60));
        let (_, message, reason) = refusal(&registry, "@acme/gadget", &stranger).await;
        before = Some(reason.clone());
        assert!(!message.contains("secret.yml") && !message.contains("configured:"), "{message}");
        let (_, configured) = reason.split_once("; configured: ").expect("what is configured");
        let (ours, foreigners) =
            configured.split_at(configured.find("; elsewhere").unwrap_or(configured.len()));
        assert!(ours.starts_with("fake of `https://issuer.example`: repository acme/widget"), "{reason}");
        assert!(ours.contains("secret.yml") && ours.ends_with("repository acme/other, pending"), "{reason}");
        let foreign_ones = ["; elsewhere of `https://0.example`", "; elsewhere of `https://1.example`"];
        assert_eq!(foreigners, foreign_ones[..named].concat() + more, "{reason}");
        foreign.id = format!("foreign-{others}");
        foreign.identity.issuer = format!("https://{others}.example");
        foreign.created_at = foreign.created_at.plus(Duration::from_secs(60));
        registry.store.add(&foreign, &Room::default()).await.unwrap();
    }
}

#[tokio::test]
async fn a_renamed_repository_is_told_by_its_id_alone_and_only_of_its_package_and_issuer() {
    let renamed = json!({ "repository": "acme/renamed" });
    let registry = with_gadget(&[json!({ "repository_id": "2" })]).await;
    let (kind, message, _) = refusal(&registry, "@acme/gadget", &renamed).await;
    assert_eq!(kind, RefusalKind::RuleDiffers);
    assert!(message.contains("expected `acme/widget`") && !message.contains("more publisher"), "{message}");
    let (kind, ..) = refusal(&registry, "@acme/other", &renamed).await;
    assert_eq!(kind, RefusalKind::NotTrusted, "another package");
    let another_id = json!({ "repository": "acme/renamed", "repository_id": "3" });
    let (kind, message, _) = refusal(&registry, "@acme/gadget", &another_id).await;
    assert_eq!(kind, RefusalKind::NotTrusted);
    assert!(!message.contains("acme/widget`"), "{message}");

    let of_another_issuer = |mut record: PublisherRecord| {
        record.identity.issuer = "https://other.example".to_owned();
        record
    };
    let record = registry.store.list(&package("@acme/gadget")).await.unwrap().remove(0);
    registry.store.remove(&record.package, &record.id).await.unwrap();
    registry.store.add(&of_another_issuer(record), &Room::default()).await.unwrap();
    let (kind, ..) = refusal(&registry, "@acme/gadget", &renamed).await;
    assert_eq!(kind, RefusalKind::NotTrusted, "another issuer");
}

#[tokio::test]
async fn every_way_to_refuse_a_token_has_its_own_code() {
    let registry = Registry::new().await;
    let issuer = &registry.issuer;
    let headed = |header: Value| issuer.sign_as(&header, &registry.claims(&json!({})));
    let without = |claim: &str| {
        let mut claims = registry.claims(&json!({}));
        claims.as_object_mut().unwrap().remove(claim);
        issuer.sign(&claims)
    };
    let claim = |name: &str| Target::Claim(name.to_owned());
    let kid = issuer.kid();
    let header = json!({ "alg": "RS256", "kid": kid }).to_string();
    for (token, code, subject) in [
        ("x".repeat(MAX_TOKEN_BYTES + 1), "token-too-large", Target::Token),
        ("x".to_owned(), "token-shape", Target::Token),
        (headed(json!([])), "token-header", Target::Token),
        (headed(json!({ "alg": "none", "kid": kid })), "token-algorithm", Target::Token),
        (headed(json!({ "alg": "RS256" })), "token-no-key-id", Target::Key),
        (headed(json!({ "alg": "RS256", "kid": kid, "crit": ["b64"] })), "token-critical", Target::Token),
        (headed(json!({ "alg": "RS256", "kid": kid, "typ": "at+jwt" })), "token-type", Target::Token),
        (issuer.sign_bytes(header.as_bytes(), b"{"), "token-claims", Target::Token),
        (registry.token(&json!({ "iss": "https://other.example" })), "issuer", claim("iss")),
        (registry.token(&json!({ "aud": "npm:other.example" })), "audience", claim("aud")),
        (registry.token(&json!({ "exp": NOW - 60, "iat": NOW - 120 })), "token-expired", claim("exp")),
        (registry.token(&json!({ "nbf": NOW + 60 })), "token-not-yet-valid", Target::Clock),
        (registry.token(&json!({ "exp": NOW + 9999 })), "token-lifetime", claim("exp")),
        (issuer.sign_unpublished(&registry.claims(&json!({}))), "token-unknown-key", Target::Key),
        (issuer.sign_impostor(&registry.claims(&json!({}))), "token-signature", Target::Key),
        (without("repository_id"), "claim-missing", claim("repository_id")),
        (registry.token(&json!({ "repository_id": 2 })), "claim-invalid", claim("repository_id")),
    ] {
        let refusal = registry.exchange.exchange(&token, &gadget()).await.unwrap_err();
        let diagnosis = refusal.diagnosis();
        assert_eq!((diagnosis.code, diagnosis.target), (code, subject), "{refusal}");
        assert_eq!(refusal.kind(), RefusalKind::InvalidToken, "{refusal}");
    }
    let unreachable = Registry::unreachable().await;
    let token = unreachable.token(&json!({}));
    let refusal = unreachable.exchange.exchange(&token, &gadget()).await.unwrap_err();
    assert!(matches!(refusal.kind(), RefusalKind::KeysUnavailable { .. }), "{refusal}");
    assert_eq!(refusal.diagnosis().code, "keys-unavailable");
}

#[tokio::test]
async fn a_refusal_without_a_claim_that_differs_is_told_by_its_kind() {
    let registry = Registry::new().await;
    let token = registry.token(&json!({}));
    let not_trusted = registry.exchange.exchange(&token, &gadget()).await.unwrap_err().diagnosis();
    assert_eq!(
        (not_trusted.code, not_trusted.target),
        ("not-trusted", Target::Field("publisher".to_owned()))
    );
    let widget = ExchangeRequest::package("npm", "@acme/widget");
    registry.exchange.exchange(&token, &widget).await.unwrap();
    let used = registry.exchange.exchange(&token, &widget).await.unwrap_err().diagnosis();
    assert_eq!((used.code, used.target), ("already-used", Target::Claim("jti".to_owned())));
}
