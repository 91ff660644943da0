//! A token with several faults is refused for the first in the order of checks.

use std::sync::Arc;

use oidc_core::testing::{FakeHttp, FakeIssuer};
use oidc_core::verify::Reason;
use oidc_core::{InvalidClaims, Timestamp};
use serde_json::{Value, json};

use crate::support::{ISSUER, NOW, Registry, platform, with, without};

/// One thing that is wrong with a token.
struct Fault {
    name: &'static str,
    apply: fn(&mut Value, &mut Value),
    is_reason: fn(&Reason) -> bool,
}

const FAULTS: &[Fault] = &[
    Fault {
        name: "alg",
        apply: |header, _| header["alg"] = json!("HS256"),
        is_reason: |reason| *reason == Reason::Algorithm,
    },
    Fault {
        name: "crit",
        apply: |header, _| header["crit"] = json!(["x"]),
        is_reason: |reason| *reason == Reason::Critical,
    },
    Fault {
        name: "typ",
        apply: |header, _| header["typ"] = json!("at+jwt"),
        is_reason: |reason| *reason == Reason::Type,
    },
    Fault {
        name: "kid",
        apply: |header, _| header["kid"] = json!(""),
        is_reason: |reason| *reason == Reason::NoKeyId,
    },
    Fault {
        name: "iss",
        apply: |_, claims| claims["iss"] = json!("https://elsewhere.example"),
        is_reason: |reason| *reason == Reason::Issuer,
    },
    Fault {
        name: "unknown key",
        apply: |header, _| header["kid"] = json!("nobody's"),
        is_reason: |reason| *reason == Reason::UnknownKey,
    },
    Fault {
        name: "aud",
        apply: |_, claims| claims["aud"] = json!("elsewhere"),
        is_reason: |reason| matches!(reason, Reason::Audience { .. }),
    },
    Fault {
        name: "exp",
        apply: |_, claims| claims["exp"] = json!(NOW - 600),
        is_reason: |reason| matches!(reason, Reason::Expired { .. }),
    },
    Fault {
        name: "nbf",
        apply: |_, claims| claims["nbf"] = json!(NOW + 600),
        is_reason: |reason| matches!(reason, Reason::NotYetValid { .. }),
    },
    Fault {
        name: "required claim",
        apply: |_, claims| *claims = without(claims.take(), "repository"),
        is_reason: |reason| *reason == Reason::MissingClaim("repository"),
    },
    Fault {
        name: "jti",
        apply: |_, claims| *claims = without(claims.take(), "jti"),
        is_reason: |reason| *reason == Reason::MissingClaim("jti"),
    },
];

#[tokio::test]
async fn of_two_faults_the_earlier_check_names_its_own() {
    for (position, first) in FAULTS.iter().enumerate() {
        for second in &FAULTS[position..] {
            if [first.name, second.name] == ["kid", "unknown key"] {
                continue; // They are about the same member.
            }
            let registry = Registry::new();
            let mut header = json!({ "alg": "RS256", "kid": registry.issuer.kid() });
            let mut claims = registry.claims();
            (second.apply)(&mut header, &mut claims);
            (first.apply)(&mut header, &mut claims);
            let reason = registry.reason_of(&registry.issuer.sign_as(&header, &claims)).await;
            assert!((first.is_reason)(&reason), "{} and {}: {reason:?}", first.name, second.name);
        }
    }
}

/// The checks after the look-up of the key use the keys of one fetch.
#[tokio::test]
async fn only_a_token_of_a_configured_issuer_makes_the_registry_ask_for_keys() {
    let first = FAULTS.iter().position(|fault| fault.name == "unknown key").unwrap();
    for (position, fault) in FAULTS.iter().enumerate().filter(|(position, _)| *position != first) {
        let registry = Registry::new();
        for _ in 0..3 {
            let mut header = json!({ "alg": "RS256", "kid": registry.issuer.kid() });
            let mut claims = registry.claims();
            (fault.apply)(&mut header, &mut claims);
            let reason = registry.reason_of(&registry.issuer.sign_as(&header, &claims)).await;
            assert!((fault.is_reason)(&reason), "{}: {reason:?}", fault.name);
        }
        assert_eq!(registry.jwks_requests(), usize::from(position > first), "{}", fault.name);
    }
}

/// The cheap checks run as soon as the claims that they need were read, wherever in the token those stand.
#[tokio::test]
async fn the_reason_does_not_depend_on_the_order_of_claims() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    let sign = |members: &[String]| {
        let payload = format!("{{{}}}", members.join(","));
        registry.issuer.sign_bytes(header.as_bytes(), payload.as_bytes())
    };
    for fault in FAULTS {
        for second in FAULTS {
            let mut claims = registry.claims();
            (second.apply)(&mut json!({}), &mut claims);
            (fault.apply)(&mut json!({}), &mut claims);
            let members = claims.as_object().unwrap();
            let mut members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
            let expected = registry.verifier.verify(&sign(&members)).await.err().map(|e| e.reason().clone());
            for _ in 0..members.len() {
                members.rotate_left(1);
                for _ in 0..2 {
                    members.reverse();
                    let found = registry.verifier.verify(&sign(&members)).await;
                    let found = found.err().map(|error| error.reason().clone());
                    assert_eq!(found, expected, "{} {}", fault.name, second.name);
                }
            }
        }
    }
}

/// Only the holder of a token that the issuer signed is told that a required claim is missing.
#[tokio::test]
async fn the_signature_is_checked_before_the_platforms_claims() {
    let registry = Registry::new();
    let claims = without(registry.claims(), "repository");
    assert_eq!(registry.reason_of(&registry.issuer.sign_impostor(&claims)).await, Reason::Signature);
    assert_eq!(registry.reason_of(&registry.issuer.sign(&claims)).await, Reason::MissingClaim("repository"));
}

#[tokio::test]
async fn whether_names_are_unique_is_asked_of_what_was_signed() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    let payload = registry.claims().to_string().replacen('{', r#"{"x":1,"x":2,"#, 1);
    let token = registry.issuer.sign_bytes(header.as_bytes(), payload.as_bytes());
    assert_eq!(registry.reason_of(&token).await, Reason::Claims(InvalidClaims::Duplicate));
    let other = registry.token();
    let ((signed, _), (_, signature)) = (token.rsplit_once('.').unwrap(), other.rsplit_once('.').unwrap());
    assert_eq!(registry.reason_of(&format!("{signed}.{signature}")).await, Reason::Signature);
}

#[tokio::test]
async fn another_issuers_key_signs_for_nobody_else() {
    let registry = Registry::new();
    let other = FakeIssuer::new("https://other.example");
    let token = other.sign(&registry.claims());
    assert_eq!(registry.reason_of(&token).await, Reason::UnknownKey);
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() });
    assert_eq!(registry.reason_of(&other.sign_as(&header, &registry.claims())).await, Reason::Signature);
}

#[tokio::test]
async fn the_time_before_which_a_token_is_none_is_judged_after_the_lifetime_and_before_the_signature() {
    let registry = Registry::new();
    let early = with(registry.claims(), "nbf", json!(NOW + 600));
    let valid_from = Timestamp::from_secs(NOW + 600);
    let not_yet_valid = Reason::NotYetValid { claim: "nbf", valid_from, now: Timestamp::from_secs(NOW) };
    assert_eq!(registry.reason_of(&registry.issuer.sign_impostor(&early)).await, not_yet_valid);
    let long = with(early, "exp", json!(NOW + 90_000));
    let reason = registry.reason_of(&registry.issuer.sign(&long)).await;
    assert!(matches!(reason, Reason::Lifetime { .. }), "{reason:?}");
}

/// A fault that another attempt would not remove is reported even where the keys can't be fetched.
#[tokio::test]
async fn an_issuer_that_is_down_hides_no_fault_that_stays() {
    for fault in FAULTS {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        let registry = Registry::reached_by(platform(), issuer, FakeHttp::new());
        let mut header = json!({ "alg": "RS256", "kid": registry.issuer.kid() });
        let mut claims = registry.claims();
        (fault.apply)(&mut header, &mut claims);
        let reason = registry.reason_of(&registry.issuer.sign_as(&header, &claims)).await;
        let is_told = !matches!(fault.name, "unknown key" | "nbf" | "required claim" | "jti");
        if is_told {
            assert!((fault.is_reason)(&reason), "{}: {reason:?}", fault.name);
        } else {
            assert!(matches!(reason, Reason::KeysUnavailable { .. }), "{}: {reason:?}", fault.name);
        }
    }
}

#[tokio::test]
async fn a_lifetime_is_judged_after_the_times() {
    let registry = Registry::new();
    let claims = with(with(registry.claims(), "iat", json!(NOW - 90_000)), "exp", json!(NOW - 60));
    let reason = registry.reason_of(&registry.issuer.sign(&claims)).await;
    let expired_at = Timestamp::from_secs(NOW - 60);
    assert_eq!(reason, Reason::Expired { expired_at, now: Timestamp::from_secs(NOW) });
}
