//! RFC 8725, JSON Web Token Best Current Practices.

use oidc_core::testing::{FakeIssuer, SigningAlgorithm};
use oidc_core::verify::Reason;
use oidc_core::{Algorithm, InvalidClaims};
use serde_json::json;

use crate::support::{
    AUDIENCE, ISSUER, NOW, Profiled, Registry, claims, offline, platform, platform_with_keys, with, without,
};

/// Section 3.1: the algorithms are the application's, and each key is for exactly one.
#[test]
fn section_3_1_algorithms_are_verified_against_the_profile() {
    let issuer = FakeIssuer::with_algorithms(ISSUER, &[SigningAlgorithm::Es256, SigningAlgorithm::Rs256]);
    let only_rs256 = platform_with_keys(issuer.jwks()).algorithms(&[Algorithm::Rs256]);
    for verifier in offline(&only_rs256) {
        verifier.verify_cached(&issuer.sign_with(SigningAlgorithm::Rs256, &claims(NOW))).unwrap();
        let refused =
            verifier.verify_cached(&issuer.sign_with(SigningAlgorithm::Es256, &claims(NOW))).unwrap_err();
        assert_eq!(
            *refused.reason(),
            Reason::Algorithm,
            "a good signature of an algorithm that isn't allowed"
        );
    }
}

/// Section 3.2: no weak algorithm can be chosen at all.
#[tokio::test]
async fn section_3_2_only_current_algorithms_exist() {
    let every = &[Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa];
    let registry = Registry::of(platform().algorithms(every), SigningAlgorithm::Rs256);
    for alg in
        ["none", "HS256", "RS1", "RSA1_5", "RS384", "RS512", "PS256", "ES256K", "ES512", "Ed448", "A128KW"]
    {
        let header = json!({ "alg": alg, "kid": registry.issuer.kid() });
        let token = registry.issuer.sign_as(&header, &registry.claims());
        assert_eq!(registry.reason_of(&token).await, Reason::Algorithm, "{alg}");
    }
}

/// Section 3.3: every operation is validated; one that fails refuses the whole token.
#[tokio::test]
async fn section_3_3_a_token_is_refused_as_a_whole() {
    let registry = Registry::new();
    let error =
        registry.verifier.verify(&registry.issuer.sign_impostor(&registry.claims())).await.unwrap_err();
    // What is left of it is marked as unverified, by type.
    let unverified: &oidc_core::Unverified<oidc_core::Claims> = error.claims().unwrap();
    assert!(unverified.read_unverified().get("repository").is_some());
}

/// Section 3.4: inputs are validated: points on their curve, RSA keys of a fit size.
#[test]
fn section_3_4_public_keys_are_validated() {
    let issuer = FakeIssuer::with_algorithms(ISSUER, &[SigningAlgorithm::Es256]);
    let mut jwks = issuer.jwks();
    let x = jwks["keys"][0]["x"].clone();
    jwks["keys"][0]["y"] = x;
    let cx = crate::support::context(
        oidc_core::testing::FakeHttp::new(),
        &oidc_core::testing::ManualClock::at(NOW),
    );
    let backend = oidc_core::verify::backend::AwsLc;
    assert!(crate::support::verifier(backend, platform_with_keys(jwks), &cx).is_err());
}

/// Section 3.5: keys have enough entropy: no symmetric key, no RSA key below 2048 bits.
#[test]
fn section_3_5_weak_keys_are_no_keys() {
    let cx = crate::support::context(
        oidc_core::testing::FakeHttp::new(),
        &oidc_core::testing::ManualClock::at(NOW),
    );
    for key in [
        json!({ "kty": "oct", "kid": "k", "alg": "HS256", "k": "c2VjcmV0" }),
        json!({ "kty": "RSA", "kid": "k", "alg": "RS256", "e": "AQAB", "n": format!("gA{}E", "A".repeat(168)) }),
    ] {
        let platform = platform_with_keys(json!({ "keys": [key] }));
        assert!(crate::support::verifier(oidc_core::verify::backend::AwsLc, platform, &cx).is_err());
    }
}

/// Section 3.6: nothing is decompressed. `zip` is for encryption (RFC 7516) and means nothing here.
#[tokio::test]
async fn section_3_6_nothing_is_decompressed() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid(), "zip": "DEF" }).to_string();
    let deflated = [0xab, 0x56, 0x4a, 0x54, 0xb2, 0x32, 0xac, 0x05, 0x00];
    let token = registry.issuer.sign_bytes(header.as_bytes(), &deflated);
    assert_eq!(registry.reason_of(&token).await, Reason::Claims(InvalidClaims::Syntax));
}

/// Section 3.7: UTF-8 and nothing else.
#[tokio::test]
async fn section_3_7_other_encodings_are_refused() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    let utf_16: Vec<u8> = registry.claims().to_string().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let token = registry.issuer.sign_bytes(header.as_bytes(), &utf_16);
    assert_eq!(registry.reason_of(&token).await, Reason::Claims(InvalidClaims::Syntax));
}

/// Section 3.8: the key belongs to the issuer, and the subject to the issuer: another issuer's key signs nothing.
#[tokio::test]
async fn section_3_8_the_keys_are_the_issuers() {
    let registry = Registry::new();
    let other = FakeIssuer::new("https://other.example");
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() });
    assert_eq!(registry.reason_of(&other.sign_as(&header, &registry.claims())).await, Reason::Signature);
    assert_eq!(registry.reason_of(&other.sign(&registry.claims())).await, Reason::UnknownKey);
}

/// Section 3.9: the audience is required and validated.
#[tokio::test]
async fn section_3_9_the_audience_is_validated() {
    let registry = Registry::new();
    let token = registry.issuer.sign(&without(registry.claims(), "aud"));
    assert!(matches!(registry.reason_of(&token).await, Reason::Audience { .. }));
    assert!(matches!(
        registry.reason_with("aud", json!(format!("{AUDIENCE}/"))).await,
        Reason::Audience { .. }
    ));
}

/// Section 3.10: claims received are not trusted: `kid` is only compared, `jku` and `x5u` are not fetched.
#[tokio::test]
async fn section_3_10_nothing_in_a_token_makes_a_request_to_where_it_says() {
    let registry = Registry::new();
    let header = json!({
        "alg": "RS256", "kid": "https://evil.example/key", "jku": "https://evil.example/jku", "x5u": "http://169.254.169.254/",
    });
    let claims = with(registry.claims(), "jwks_uri", json!("https://evil.example/jwks"));
    assert_eq!(registry.reason_of(&registry.issuer.sign_as(&header, &claims)).await, Reason::UnknownKey);
    assert!(registry.http.requests().iter().all(|request| request.url.as_str().starts_with(ISSUER)));
}

/// Section 3.11: explicit typing: a token that says that it is something else is something else.
#[tokio::test]
async fn section_3_11_tokens_of_another_type_are_refused() {
    let registry = Registry::new();
    for typ in ["at+jwt", "application/at+jwt", "secevent+jwt", "dpop+jwt", "JWS", "jwt;x", ""] {
        let header = json!({ "alg": "RS256", "kid": registry.issuer.kid(), "typ": typ });
        let token = registry.issuer.sign_as(&header, &registry.claims());
        assert_eq!(registry.reason_of(&token).await, Reason::Type, "{typ}");
    }
}

/// Section 3.12: rules for different kinds of tokens exclude each other: without the platform's claims, no token.
#[tokio::test]
async fn section_3_12_a_token_of_another_kind_lacks_the_platforms_claims() {
    let registry = Registry::new();
    let token = registry.issuer.sign(&without(registry.claims(), "repository"));
    assert_eq!(registry.reason_of(&token).await, Reason::MissingClaim("repository"));
}
