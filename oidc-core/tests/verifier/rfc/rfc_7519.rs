//! RFC 7519, JSON Web Token.

use oidc_core::verify::Reason;
use oidc_core::{InvalidClaims, Timestamp};
use serde_json::{Value, json};

use crate::support::{AUDIENCE, ISSUER, NOW, Registry, with, without};

/// Section 2: a `NumericDate` is a JSON number of seconds, fractions allowed.
#[tokio::test]
async fn section_2_times_are_numbers_of_seconds() {
    let registry = Registry::new();
    for (exp, is_accepted) in [
        (json!(NOW + 60), true),
        (json!((NOW + 60) as f64 + 0.25), true),
        (json!((NOW + 60).to_string()), false),
        (json!("2027-01-15T08:00:00Z"), false),
        (json!((NOW + 60) * 1000), false),
        (json!([NOW + 60]), false),
    ] {
        let token = registry.issuer.sign(&with(registry.claims(), "exp", exp.clone()));
        assert_eq!(registry.accepts(&token).await, is_accepted, "{exp}");
    }
}

/// Section 4: claim names are unique; this verifier refuses rather than take the last.
#[tokio::test]
async fn section_4_claim_names_are_unique() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    for second in
        [r#""exp":1"#, r#""iss":"https://issuer.example""#, r#""x":{"y":1,"y":1}"#, r#""e\u0078p":1"#]
    {
        let payload = registry.claims().to_string().replacen('{', &format!("{{{second},"), 1);
        let token = registry.issuer.sign_bytes(header.as_bytes(), payload.as_bytes());
        assert_eq!(registry.reason_of(&token).await, Reason::Claims(InvalidClaims::Duplicate), "{second}");
    }
}

/// Section 4: claims that are not understood are ignored, and kept.
#[tokio::test]
async fn section_4_unknown_claims_are_ignored() {
    let registry = Registry::new();
    let token = registry.issuer.sign(&with(registry.claims(), "http://example.com/is_root", json!(true)));
    let verified = registry.verifier.verify(&token).await.unwrap();
    assert_eq!(verified.get("http://example.com/is_root").unwrap().as_bool(), Some(true));
}

/// Section 4.1.1: `iss` is a case-sensitive string, and one of the configured.
#[tokio::test]
async fn section_4_1_1_the_issuer_is_compared_exactly() {
    let registry = Registry::new();
    for iss in
        [json!("HTTPS://issuer.example"), json!("https://issuer.example/"), json!([ISSUER]), json!(null)]
    {
        assert_eq!(registry.reason_with("iss", iss).await, Reason::Issuer);
    }
}

/// Section 4.1.3: a token whose `aud` does not name the registry is refused; it is a string or an array of strings.
#[tokio::test]
async fn section_4_1_3_the_audience_must_be_the_registry() {
    let registry = Registry::new();
    for (aud, is_accepted) in [
        (json!(AUDIENCE), true),
        (json!([AUDIENCE]), true),
        (json!("https://elsewhere.example"), false),
        (json!(["https://elsewhere.example"]), false),
        (json!(AUDIENCE.to_uppercase()), false),
        (json!([1]), false),
        (json!([]), false),
        // The standard accepts these; here a token is for one registry, or several of them could use it.
        (json!([AUDIENCE, "https://elsewhere.example"]), false),
        (json!(["https://elsewhere.example", AUDIENCE]), false),
    ] {
        let token = registry.issuer.sign(&with(registry.claims(), "aud", aud.clone()));
        assert_eq!(registry.accepts(&token).await, is_accepted, "{aud}");
    }
    assert!(!registry.accepts(&registry.issuer.sign(&without(registry.claims(), "aud"))).await);
}

/// Section 4.1.4: on and after `exp` a token is refused, but for a small leeway.
#[tokio::test]
async fn section_4_1_4_an_expired_token_is_refused() {
    let registry = Registry::new();
    let token = registry.token();
    registry.clock.advance(std::time::Duration::from_secs(300 + 29));
    assert!(registry.accepts(&token).await);
    registry.clock.advance(std::time::Duration::from_secs(1));
    let expired_at = Timestamp::from_secs(NOW + 300);
    let now = Timestamp::from_secs(NOW + 330);
    assert_eq!(registry.reason_of(&token).await, Reason::Expired { expired_at, now });
}

/// Section 4.1.5: before `nbf` a token is refused, but for a small leeway.
#[tokio::test]
async fn section_4_1_5_a_token_that_is_not_valid_yet_is_refused() {
    let registry = Registry::new();
    let token = registry.issuer.sign(&with(registry.claims(), "nbf", json!(NOW + 31)));
    let (valid_from, now) = (Timestamp::from_secs(NOW + 31), Timestamp::from_secs(NOW));
    assert_eq!(registry.reason_of(&token).await, Reason::NotYetValid { claim: "nbf", valid_from, now });
    registry.clock.advance(std::time::Duration::from_secs(1));
    assert!(registry.accepts(&token).await);
}

/// Section 4.1.6: `iat` tells the token's age; here it is required, and bounds the lifetime.
#[tokio::test]
async fn section_4_1_6_the_time_of_issue_is_required() {
    let registry = Registry::new();
    let token = registry.issuer.sign(&without(registry.claims(), "iat"));
    assert_eq!(registry.reason_of(&token).await, Reason::MissingClaim("iat"));
}

/// Section 4.1.7: `jti` is a case-sensitive string, by which a replay is recognised.
#[tokio::test]
async fn section_4_1_7_the_id_tells_tokens_apart() {
    async fn key(registry: &Registry, jti: &str) -> [u8; 32] {
        let token = registry.issuer.sign(&with(registry.claims(), "jti", json!(jti)));
        registry.verifier.verify(&token).await.unwrap().replay_key("")
    }
    let registry = Registry::new();
    assert_eq!(key(&registry, "a").await, key(&registry, "a").await);
    assert_ne!(key(&registry, "a").await, key(&registry, "A").await);
    assert_ne!(key(&registry, "a").await, key(&registry, "a ").await);
}

/// Section 5.2: `cty` is for nested tokens; its content here is claims, whatever it says, or nothing.
#[tokio::test]
async fn section_5_2_nested_tokens_are_not_unwrapped() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid(), "cty": "JWT" }).to_string();
    let nested = registry.issuer.sign_bytes(header.as_bytes(), registry.token().as_bytes());
    assert_eq!(registry.reason_of(&nested).await, Reason::Claims(InvalidClaims::Syntax));
}

/// Section 6: an unsecured token is refused.
#[tokio::test]
async fn section_6_an_unsecured_token_is_refused() {
    let registry = Registry::new();
    let example = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    assert_eq!(registry.reason_of(example).await, Reason::Shape);
    assert_eq!(registry.reason_of(&format!("{example}AA")).await, Reason::Algorithm);
}

/// Section 7.2, step 10: the claims are UTF-8 and one JSON object.
#[tokio::test]
async fn section_7_2_the_claims_are_one_json_object_in_utf_8() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    for payload in [
        &b"\xc3\x28"[..],
        b"",
        b"[]",
        b"\"text\"",
        b"1",
        b"{}x",
        b"{\"a\":\"\\u12\"}",
        b"{\"a\":\"\\ud83d\"}",
    ] {
        let token = registry.issuer.sign_bytes(header.as_bytes(), payload);
        let reason = registry.reason_of(&token).await;
        let is_refused = matches!(reason, Reason::Claims(InvalidClaims::Syntax) | Reason::Shape);
        assert!(is_refused, "{}: {reason:?}", String::from_utf8_lossy(payload));
    }
}

/// Section 7.3: strings are compared as they are after unescaping, without any normalisation.
#[tokio::test]
async fn section_7_3_strings_are_compared_code_point_by_code_point() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    let escaped =
        registry.claims().to_string().replace("https://issuer.example", r"https:\/\/issuer\u002eexample");
    assert!(registry.accepts(&registry.issuer.sign_bytes(header.as_bytes(), escaped.as_bytes())).await);
    let composed: Value = json!("npm:registry.example\u{301}");
    assert!(matches!(registry.reason_with("aud", composed).await, Reason::Audience { .. }));
}
