//! Keys change while tokens come in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use oidc_core::http::{HttpErrorKind, Request, Response};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::verify::backend::AwsLc;
use oidc_core::verify::{COOL_DOWN, KeyFault, REFRESH_AFTER, Reason};
use serde_json::json;

use crate::support::{ISSUER, NOW, Registry, SECOND, claims, context, platform, verifier, with};

#[tokio::test]
async fn a_token_by_a_new_key_is_accepted_at_once_and_the_old_key_goes_on() {
    let registry = Registry::new();
    registry.verifier.warm_up().await;
    let old = registry.token();
    for round in 2..=5 {
        registry.clock.advance(COOL_DOWN);
        registry.issuer.rotate();
        assert!(registry.accepts(&registry.token()).await, "round {round}");
        assert!(registry.accepts(&old).await);
        assert_eq!(registry.jwks_requests(), round);
    }
}

#[tokio::test]
async fn a_rotation_right_after_a_cold_start_loses_nothing() {
    let registry = Registry::new();
    assert!(registry.accepts(&registry.token()).await);
    registry.issuer.rotate();
    registry.issuer.withdraw_old();
    assert!(registry.accepts(&registry.token()).await);
}

#[tokio::test]
async fn an_issuer_whose_servers_disagree_is_asked_twice_in_a_cool_down() {
    let issuer = FakeIssuer::new(ISSUER);
    let (old, old_kid) = (issuer.jwks().to_string(), issuer.kid());
    issuer.rotate();
    issuer.withdraw_old();
    let (new, new_kid) = (issuer.jwks().to_string(), issuer.kid());
    let discovery = issuer.discovery().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let http = FakeHttp::new().on_request(move |request| {
        let body = if request.url.as_str().ends_with("/.well-known/openid-configuration") {
            &discovery
        } else if counted.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            &old
        } else {
            &new
        };
        Some(Ok(Response::new(200, Vec::new(), body.clone())))
    });
    let clock = ManualClock::at(NOW);
    let verifier = verifier(AwsLc, platform(), &context(http, &clock)).unwrap();
    // Anybody can name a key that the issuer has.
    let stranger = FakeIssuer::new("https://evil.example");
    for cool_downs in 1..=3 {
        for number in 0..20 {
            let kid = if number % 2 == 0 { &old_kid } else { &new_kid };
            let token = stranger.sign_as(&json!({ "alg": "RS256", "kid": kid }), &claims(NOW));
            verifier.verify(&token).await.unwrap_err();
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2 * cool_downs);
        clock.advance(COOL_DOWN);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_valid_token_is_lost_while_keys_rotate() {
    let registry = Arc::new(Registry::new());
    let is_over = Arc::new(AtomicBool::new(false));
    let accepted = Arc::new(AtomicUsize::new(0));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (registry, is_over, accepted) =
                (Arc::clone(&registry), Arc::clone(&is_over), Arc::clone(&accepted));
            tokio::spawn(async move {
                while !is_over.load(Ordering::SeqCst) {
                    // Skewed by the leeway, as an issuer's clock may be, and valid until the end of the test.
                    let now = registry.now() + 30;
                    let token = registry.issuer.sign(&with(claims(now), "exp", json!(now + 3600)));
                    registry.verifier.verify(&token).await.unwrap();
                    accepted.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let some_more = || async {
        let goal = accepted.load(Ordering::SeqCst) + 16;
        while accepted.load(Ordering::SeqCst) < goal && !load.iter().any(tokio::task::JoinHandle::is_finished)
        {
            tokio::task::yield_now().await;
        }
    };
    for _ in 0..5 {
        some_more().await;
        registry.issuer.rotate();
        some_more().await;
        registry.clock.advance(REFRESH_AFTER);
        some_more().await;
        // Every token by the old key has arrived by now.
        registry.issuer.withdraw_old();
    }
    is_over.store(true, Ordering::SeqCst);
    for task in load {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn strangers_unknown_keys_delay_a_new_key_by_one_cool_down_at_most() {
    let registry = Registry::new();
    registry.verifier.warm_up().await;
    let unknown = registry.issuer.sign_unpublished(&registry.claims());
    assert_eq!(registry.reason_of(&unknown).await, Reason::UnknownKey);
    registry.issuer.rotate();
    assert_eq!(registry.reason_of(&registry.token()).await, Reason::UnknownKey, "cooling down");
    registry.clock.advance(COOL_DOWN);
    assert!(registry.accepts(&registry.token()).await);
}

#[tokio::test]
async fn an_issuer_that_restarts_with_new_keys_is_trusted_again_after_the_cool_down() {
    let issuer = Arc::new(FakeIssuer::new(ISSUER));
    let is_down = Arc::new(AtomicBool::new(false));
    let down = Arc::clone(&is_down);
    let http = FakeHttp::of_issuer(Arc::clone(&issuer));
    let reached = http.clone();
    let gate = FakeHttp::new().on_request(move |request| {
        if down.load(Ordering::SeqCst) {
            return Some(Err(HttpErrorKind::Connect("restarting".to_owned())));
        }
        let issuer = issuer_answer(&reached, request);
        Some(Ok(issuer))
    });
    let clock = ManualClock::at(NOW);
    let verifier = verifier(AwsLc, platform(), &context(gate, &clock)).unwrap();
    verifier.warm_up().await;
    let old = issuer.sign(&claims(NOW));
    is_down.store(true, Ordering::SeqCst);
    issuer.rotate();
    let new = issuer.sign(&claims(NOW));
    let refused = verifier.verify(&new).await.unwrap_err();
    assert_eq!(
        *refused.reason(),
        Reason::KeysUnavailable { retry_after: COOL_DOWN, fault: KeyFault::Unreachable },
        "to be tried again"
    );
    verifier.verify(&old).await.unwrap();
    is_down.store(false, Ordering::SeqCst);
    clock.advance(COOL_DOWN + SECOND);
    verifier.verify(&new).await.unwrap();
}

/// Returns the answer of the issuer's HTTP, which is in memory and never waits.
fn issuer_answer(http: &FakeHttp, request: &Request) -> Response {
    use oidc_core::http::HttpClient as _;
    let mut sending = http.send(request.clone());
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    match sending.as_mut().poll(&mut task) {
        std::task::Poll::Ready(answer) => answer.unwrap(),
        std::task::Poll::Pending => panic!("it waited"),
    }
}
