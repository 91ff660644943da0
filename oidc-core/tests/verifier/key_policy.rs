//! Keys that are due for a refresh: in the background, before they are used, and where nothing runs in the background.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use oidc_core::blocking::complete;
use oidc_core::http::Response;
use oidc_core::testing::{FakeHttp, FakeIssuer};
use oidc_core::verify::{
    COOL_DOWN, KeyFault, KeyPolicy, MAX_AGE, MAX_REFRESH_AFTER, MIN_REFRESH_AFTER, REFRESH_AFTER, Reason,
};
use serde_json::json;

use crate::support::{ISSUER, Registry, SECOND, platform, settle};

const HOUR: Duration = Duration::from_secs(3600);

/// A registry whose issuer answers with these headers, and with the JWK set that the test puts there.
fn registry(cache_control: Option<&str>) -> (Registry, Arc<Mutex<String>>) {
    let issuer = Arc::new(FakeIssuer::new(ISSUER));
    let jwks = Arc::new(Mutex::new(issuer.jwks().to_string()));
    let headers: Vec<_> =
        cache_control.map(|value| ("cache-control".to_owned(), value.to_owned())).into_iter().collect();
    let (discovery, keys) = (issuer.discovery().to_string(), Arc::clone(&jwks));
    let http = FakeHttp::new().on_request(move |request| {
        let is_discovery = request.url.as_str().ends_with("openid-configuration");
        let body = if is_discovery { discovery.clone() } else { keys.lock().unwrap().clone() };
        Some(Ok(Response::new(200, headers.clone(), body)))
    });
    (Registry::reached_by(platform(), issuer, http), jwks)
}

#[tokio::test]
async fn a_token_waits_for_the_keys_that_are_due_if_the_policy_says_so() {
    let (registry, jwks) = registry(Some("max-age=120"));
    let waiting = registry.verifier.with_key_policy(KeyPolicy::default().with_refresh_before_use());
    waiting.verify(&registry.token()).await.unwrap();
    registry.clock.advance(119 * SECOND);
    waiting.verify(&registry.token()).await.unwrap();
    assert_eq!(registry.jwks_requests(), 1, "not due");
    registry.clock.advance(SECOND);
    let withdrawn = registry.token();
    registry.issuer.rotate();
    registry.issuer.withdraw_old();
    *jwks.lock().unwrap() = registry.issuer.jwks().to_string();
    let refused = waiting.verify(&withdrawn).await.unwrap_err();
    assert_eq!(*refused.reason(), Reason::UnknownKey, "by the keys that came while it waited");
    assert_eq!(registry.jwks_requests(), 2);
    waiting.verify(&registry.token()).await.unwrap();
    assert_eq!(registry.jwks_requests(), 2, "one refresh for all");
}

#[tokio::test]
async fn everybody_waits_for_one_refresh() {
    let (registry, _) = registry(None);
    let waiting = registry.verifier.with_key_policy(KeyPolicy::default().with_refresh_before_use());
    waiting.warm_up().await;
    registry.clock.advance(REFRESH_AFTER);
    let token = registry.token();
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let (waiting, token) = (waiting.clone(), token.clone());
        all.spawn(async move { waiting.verify(&token).await.is_ok() });
    }
    assert!(all.join_all().await.into_iter().all(|accepted| accepted));
    assert_eq!(registry.jwks_requests(), 2);
}

#[tokio::test]
async fn working_keys_stay_in_use_until_their_greatest_age_if_the_refresh_brings_unusable_ones() {
    let (registry, jwks) = registry(Some("max-age=120"));
    let policy = KeyPolicy::default().with_refresh_before_use().with_max_age(HOUR).unwrap();
    let waiting = registry.verifier.with_key_policy(policy);
    waiting.verify(&registry.token()).await.unwrap();
    *jwks.lock().unwrap() =
        json!({ "keys": [{ "kty": "RSA", "n": "!", "e": "AQAB", "kid": "k" }] }).to_string();
    registry.clock.advance(121 * SECOND);
    waiting.verify(&registry.token()).await.unwrap();
    assert_eq!(registry.jwks_requests(), 2, "it waited");
    registry.clock.advance(SECOND);
    waiting.verify(&registry.token()).await.unwrap();
    assert_eq!(registry.jwks_requests(), 2, "nobody waits for an issuer that just failed");
    registry.clock.advance(COOL_DOWN);
    waiting.verify(&registry.token()).await.unwrap();
    assert_eq!(registry.jwks_requests(), 3);
    let unknown = waiting.verify(&registry.issuer.sign_unpublished(&registry.claims())).await.unwrap_err();
    assert!(
        matches!(unknown.reason(), Reason::KeysUnavailable { fault: KeyFault::Invalid, .. }),
        "{unknown}"
    );
    registry.clock.advance(HOUR - 121 * SECOND - SECOND - COOL_DOWN);
    let refused = waiting.verify(&registry.token()).await.unwrap_err();
    assert!(
        matches!(refused.reason(), Reason::KeysUnavailable { fault: KeyFault::Invalid, .. }),
        "{refused}"
    );
    assert!(registry.accepts(&registry.token()).await, "four hours, by the default policy");
}

#[tokio::test]
async fn a_token_that_is_refused_anyway_waits_for_no_keys() {
    let (registry, _) = registry(None);
    let waiting = registry.verifier.with_key_policy(KeyPolicy::default().with_refresh_before_use());
    let expired = registry.token();
    waiting.warm_up().await;
    registry.clock.advance(REFRESH_AFTER);
    let refused = waiting.verify(&expired).await.unwrap_err();
    assert!(matches!(refused.reason(), Reason::Expired { .. }), "{refused}");
    assert_eq!(registry.jwks_requests(), 1);
}

#[test]
fn without_a_runtime_a_token_refreshes_the_keys_that_are_due() {
    let (registry, jwks) = registry(None);
    complete(registry.verifier.verify(&registry.token())).unwrap().unwrap();
    registry.clock.advance(REFRESH_AFTER - SECOND);
    complete(registry.verifier.verify(&registry.token())).unwrap().unwrap();
    assert_eq!(registry.jwks_requests(), 1, "not due");
    registry.clock.advance(SECOND);
    complete(registry.verifier.verify(&registry.token())).unwrap().unwrap();
    assert_eq!(registry.jwks_requests(), 2);
    let withdrawn = registry.token();
    registry.issuer.rotate();
    registry.issuer.withdraw_old();
    *jwks.lock().unwrap() = registry.issuer.jwks().to_string();
    registry.verifier.verify_cached(&withdrawn).unwrap();
    registry.clock.advance(REFRESH_AFTER);
    let withdrawn = FakeIssuer::new(ISSUER).sign(&registry.claims());
    let refused = complete(registry.verifier.verify(&withdrawn)).unwrap().unwrap_err();
    assert_eq!(*refused.reason(), Reason::UnknownKey);
}

#[test]
fn without_a_runtime_keys_that_are_due_serve_while_another_thread_fetches() {
    let (registry, _) = registry(None);
    complete(registry.verifier.warm_up()).unwrap();
    registry.clock.advance(REFRESH_AFTER);
    let token = registry.token();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| complete(registry.verifier.verify(&token)).unwrap().unwrap());
        }
    });
    assert_eq!(registry.jwks_requests(), 2);
}

#[tokio::test]
async fn the_ages_are_settings_and_outside_of_their_bounds_refused() {
    let second = Duration::from_secs(1);
    let policy = KeyPolicy::default();
    assert_eq!(policy.refresh_after(), REFRESH_AFTER);
    assert_eq!((policy.longest_refresh_after(), policy.max_age()), (MAX_REFRESH_AFTER, MAX_AGE));
    let least = policy.with_refresh_after(MIN_REFRESH_AFTER, MIN_REFRESH_AFTER).unwrap();
    assert_eq!(
        (least.refresh_after(), least.longest_refresh_after()),
        (MIN_REFRESH_AFTER, MIN_REFRESH_AFTER)
    );
    assert_eq!(policy.with_max_age(MIN_REFRESH_AFTER).unwrap().max_age(), MIN_REFRESH_AFTER);
    let (longest, age) = ("longest age before a refresh of keys", "age before a refresh of keys");
    for (refused, setting) in [
        (policy.with_refresh_after(MIN_REFRESH_AFTER, MAX_REFRESH_AFTER + second), longest),
        (policy.with_refresh_after(second, second), longest),
        (policy.with_refresh_after(MIN_REFRESH_AFTER - second, MAX_REFRESH_AFTER), age),
        (policy.with_refresh_after(901 * second, 900 * second), age),
        (policy.with_max_age(MIN_REFRESH_AFTER - second), "greatest age of keys"),
        (policy.with_max_age(MAX_AGE + second), "greatest age of keys"),
    ] {
        assert_eq!(refused.unwrap_err().setting, setting);
    }

    let policy = policy.with_refresh_after(300 * second, 900 * second).unwrap();
    for (cache_control, expected) in [
        (None, 300),
        (Some("max-age=0"), 60),
        (Some("private, max-age=\"120\""), 120),
        (Some("max-age=3600"), 900),
    ] {
        for policy in [policy, policy.with_refresh_before_use()] {
            let (registry, _) = registry(cache_control);
            let verifier = registry.verifier.with_key_policy(policy);
            verifier.warm_up().await;
            registry.clock.advance(expected * SECOND - SECOND);
            verifier.verify(&registry.token()).await.unwrap();
            settle().await;
            assert_eq!(registry.jwks_requests(), 1, "{cache_control:?}");
            registry.clock.advance(SECOND);
            verifier.verify(&registry.token()).await.unwrap();
            settle().await;
            assert_eq!(registry.jwks_requests(), 2, "{cache_control:?}");
        }
    }
}
