//! The settings of an operator or an application: leeway, time, audiences by a rule, required claims; and the age of keys
//! by the issuer's own headers.

use std::sync::Arc;
use std::time::Duration;

use oidc_core::http::{HttpErrorKind, Response, Step};
use oidc_core::testing::{FakeHttp, FakeIssuer};
use oidc_core::verify::{
    InvalidVerifier, KeyFault, MAX_LEEWAY, MAX_REFRESH_AFTER, MIN_REFRESH_AFTER, REFRESH_AFTER, Reason,
};
use oidc_core::{Issuer, LEEWAY, Timestamp};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, ISSUER, NOW, Registry, SECOND, context, platform, platform_with, platform_with_keys, settle,
    verifier, with, without,
};

#[tokio::test]
async fn a_leeway_moves_every_edge_and_the_time_that_a_use_is_remembered() {
    let registry = Registry::new();
    let token = registry.token();
    for leeway in [Duration::ZERO, SECOND, LEEWAY, MAX_LEEWAY] {
        let verifier = registry.verifier.with_leeway(leeway).unwrap();
        let end = NOW + 300 + leeway.as_secs();
        let verified = verifier.verify_at(&token, Timestamp::from_secs(end - 1)).await.unwrap();
        assert_eq!(verified.accepted_until(), Timestamp::from_secs(end));
        let refused = verifier.verify_at(&token, Timestamp::from_secs(end)).await.unwrap_err();
        assert!(matches!(refused.reason(), Reason::Expired { .. }), "{refused}");
        let begin = NOW - leeway.as_secs();
        assert!(verifier.verify_at(&token, Timestamp::from_secs(begin)).await.is_ok());
        let refused = verifier.verify_at(&token, Timestamp::from_secs(begin - 1)).await.unwrap_err();
        assert!(matches!(refused.reason(), Reason::NotYetValid { .. }), "{refused}");
    }
    let too_long = MAX_LEEWAY + SECOND;
    let refused = registry.verifier.with_leeway(too_long).unwrap_err();
    assert_eq!(refused.to_string(), "the leeway is 301s: expected 0 seconds to 5 minutes");
}

#[tokio::test]
async fn a_rule_gets_the_one_audience_of_a_token_and_nothing_else() {
    let registry = Registry::new();
    let verifier = registry.verifier.for_audience_rule("`pkg:NAME`", |audience| {
        assert!(!audience.is_empty(), "an empty audience never gets here");
        audience.starts_with("pkg:")
    });
    assert!(verifier.audiences().is_empty());
    let outcome =
        async |aud: Value| verifier.verify(&registry.issuer.sign(&with(registry.claims(), "aud", aud))).await;
    for aud in [json!("pkg:widget"), json!(["pkg:widget"]), json!("pkg:\u{1f980}")] {
        assert!(outcome(aud.clone()).await.is_ok(), "{aud}");
    }
    for aud in [
        json!(AUDIENCE),
        json!(""),
        json!([""]),
        json!([]),
        json!(["pkg:widget", "pkg:gadget"]),
        json!([["pkg:widget"]]),
        json!(7),
        json!(null),
        json!({ "pkg:widget": 1 }),
    ] {
        let refused = outcome(aud.clone()).await.unwrap_err();
        assert!(matches!(refused.reason(), Reason::AudienceRule { .. }), "{aud}: {refused}");
        assert!(refused.to_string().contains("expected `pkg:NAME` alone"), "{refused}");
    }
    let refused =
        verifier.verify(&registry.issuer.sign(&without(registry.claims(), "aud"))).await.unwrap_err();
    assert!(matches!(refused.reason(), Reason::AudienceRule { .. }), "{refused}");
}

#[tokio::test]
async fn an_issuer_may_require_fewer_or_more_claims_and_only_known_ones() {
    let of = |claims: &[&str]| {
        let issuer = Issuer::new(ISSUER).unwrap().requiring(claims.iter().copied());
        Registry::of(platform_with(issuer), oidc_core::testing::SigningAlgorithm::Rs256)
    };
    let fewer = of(&["sub"]);
    assert!(fewer.accepts(&fewer.issuer.sign(&without(fewer.claims(), "repository"))).await);
    let reason = fewer.reason_of(&fewer.issuer.sign(&without(fewer.claims(), "sub"))).await;
    assert_eq!(reason, Reason::MissingClaim("sub"));
    for always in ["iss", "aud", "exp", "iat", "jti"] {
        assert!(!fewer.accepts(&fewer.issuer.sign(&without(fewer.claims(), always))).await, "{always}");
    }
    let none = of(&[]);
    let bare = without(without(none.claims(), "repository"), "sub");
    assert!(none.accepts(&none.issuer.sign(&bare)).await);
    assert!(!none.accepts(&none.issuer.sign(&without(bare, "jti"))).await);
    let more = of(&["sub", "repository", "environment"]);
    assert_eq!(more.reason_of(&more.token()).await, Reason::MissingClaim("environment"));

    let unknown = platform_with(Issuer::new(ISSUER).unwrap().requiring(["repositories"]));
    let cx = context(FakeHttp::new(), &oidc_core::testing::ManualClock::at(NOW));
    let error = verifier(oidc_core::verify::backend::AwsLc, unknown, &cx).unwrap_err();
    assert!(
        matches!(&error, InvalidVerifier::UnknownClaim { claim, .. } if claim == "repositories"),
        "{error}"
    );
}

/// A registry whose issuer answers with these headers.
fn with_headers(headers: &[(&str, &str)]) -> Registry {
    let issuer = Arc::new(FakeIssuer::new(ISSUER));
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (discovery, jwks) = (issuer.discovery(), issuer.jwks());
    let http = FakeHttp::new().on_request(move |request| {
        let is_discovery = request.url.as_str().ends_with("openid-configuration");
        let body = if is_discovery { &discovery } else { &jwks };
        Some(Ok(Response::new(200, headers.clone(), body.to_string())))
    });
    Registry::reached_by(platform(), issuer, http)
}

#[tokio::test]
async fn keys_are_fetched_again_when_the_issuer_says_so_within_bounds() {
    for (headers, expected) in [
        (&[][..], REFRESH_AFTER),
        (&[("cache-control", "max-age=1800")][..], Duration::from_secs(1800)),
        (&[("cache-control", "public, Max-Age=\"120\", must-revalidate")][..], Duration::from_secs(120)),
        (&[("cache-control", "max-age=1800"), ("age", "600")][..], Duration::from_secs(1200)),
        (&[("cache-control", "max-age=0")][..], MIN_REFRESH_AFTER),
        (&[("cache-control", "max-age=86400, no-cache")][..], MIN_REFRESH_AFTER),
        (&[("cache-control", "no-store")][..], MIN_REFRESH_AFTER),
        (&[("cache-control", "max-age=31536000")][..], MAX_REFRESH_AFTER),
        (&[("cache-control", "max-age=-1")][..], REFRESH_AFTER),
        (&[("cache-control", "max-age=99999999999999999999999")][..], REFRESH_AFTER),
        (&[("cache-control", "private")][..], REFRESH_AFTER),
    ] {
        let registry = with_headers(headers);
        registry.verifier.warm_up().await;
        let fetches = || registry.verifier.key_status()[0].fetches;
        registry.clock.advance(expected - SECOND);
        assert!(registry.accepts(&registry.token()).await);
        settle().await;
        assert_eq!(fetches(), 1, "{headers:?}: too early");
        registry.clock.advance(SECOND);
        assert!(registry.accepts(&registry.token()).await, "the old keys go on being used");
        settle().await;
        assert_eq!(fetches(), 2, "{headers:?}");
    }
}

#[tokio::test]
async fn forgotten_keys_are_fetched_anew_at_once() {
    let registry = Registry::new();
    assert!(registry.accepts(&registry.token()).await);
    assert!(registry.verifier.forget_keys(ISSUER));
    assert_eq!(registry.verifier.key_status()[0].keys, 0);
    assert!(registry.verifier.verify_cached(&registry.token()).is_err());
    assert!(registry.accepts(&registry.token()).await);
    assert_eq!(registry.verifier.key_status()[0].fetches, 2);
    assert!(!registry.verifier.forget_keys("https://other.example"));
    let configured = Registry::of(
        platform_with_keys(FakeIssuer::new(ISSUER).jwks()),
        oidc_core::testing::SigningAlgorithm::Rs256,
    );
    assert!(configured.verifier.forget_keys(ISSUER));
    assert_ne!(configured.verifier.key_status()[0].keys, 0, "configured keys stay");
}

#[tokio::test]
async fn keys_that_can_not_be_had_are_told_apart_from_keys_that_can_not_be_used() {
    let faults = [
        (Err(HttpErrorKind::Connect("down".to_owned())), KeyFault::Unreachable),
        (Err(HttpErrorKind::Timeout { step: Step::Answer, after: SECOND }), KeyFault::Unreachable),
        (Ok(Response::new(503, Vec::new(), "")), KeyFault::Unreachable),
        (Ok(Response::new(404, Vec::new(), "")), KeyFault::Invalid),
        (Ok(Response::new(302, Vec::new(), "")), KeyFault::Invalid),
        (Ok(Response::new(200, Vec::new(), "<html>")), KeyFault::Invalid),
        (Err(HttpErrorKind::TooLarge(1)), KeyFault::Invalid),
    ];
    for (answer, expected) in faults {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        let answers = answer.clone();
        let http = FakeHttp::new().on_request(move |_| Some(answers.clone()));
        let registry = Registry::reached_by(platform(), issuer, http);
        let reason = registry.reason_of(&registry.token()).await;
        assert!(
            matches!(reason, Reason::KeysUnavailable { fault, .. } if fault == expected),
            "{answer:?}: {reason:?}"
        );
    }
}

#[tokio::test]
async fn keys_that_share_name_and_algorithm_are_none() {
    let (one, other) = (FakeIssuer::new(ISSUER), FakeIssuer::new(ISSUER));
    let keys = |issuer: &FakeIssuer| issuer.jwks()["keys"].as_array().unwrap().clone();
    let twice: Vec<Value> = keys(&one)
        .into_iter()
        .chain(keys(&other))
        .map(|key| with(key, "kid", json!("same")))
        .chain(keys(&other).into_iter().map(|key| with(key, "kid", json!("other"))))
        .collect();
    let registry = Registry::of(
        platform_with_keys(json!({ "keys": twice })),
        oidc_core::testing::SigningAlgorithm::Rs256,
    );
    assert_eq!(registry.verifier.key_status()[0].keys, keys(&other).len());
}
