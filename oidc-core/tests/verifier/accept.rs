use oidc_core::testing::{FakeHttp, FakeIssuer, SigningAlgorithm};
use oidc_core::verify::backend::AwsLc;
use oidc_core::verify::{InvalidVerifier, Verifier};
use oidc_core::{Algorithm, Audience, Issuer, ProviderSet, ReplaySource, Timestamp};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, ISSUER, NOW, Profiled, Registry, claims, context, offline, platform, platform_with,
    platform_with_keys, with, without,
};

#[tokio::test]
async fn a_token_of_a_configured_issuer_for_us_is_accepted_with_its_claims() {
    let registry = Registry::new();
    let verified = registry.verifier.verify(&registry.token()).await.unwrap();
    assert_eq!(verified.provider(), "fake");
    assert_eq!(verified.issuer(), ISSUER);
    assert_eq!(verified.expires_at(), Timestamp::from_secs(NOW + 300));
    assert_eq!(verified.text("repository").unwrap(), "acme/widget");
    assert_eq!(registry.verifier.provider_of(&verified).unwrap().id(), "fake");
}

#[test]
fn a_verifier_says_what_it_was_made_of() {
    let registry = Registry::new();
    assert_eq!(registry.verifier.audiences(), [Audience::new(AUDIENCE).unwrap()]);
    assert_eq!(registry.verifier.context().clock().now(), Timestamp::from_secs(NOW));
}

#[test]
fn each_algorithm_of_the_profile_is_accepted_by_both_back_ends() {
    for (algorithm, profile) in [
        (SigningAlgorithm::Rs256, &[Algorithm::Rs256][..]),
        (SigningAlgorithm::Es256, &[Algorithm::Es256]),
        (SigningAlgorithm::Es384, &[Algorithm::Es384]),
        (SigningAlgorithm::Es384, &[Algorithm::Rs256, Algorithm::Es384]),
        (SigningAlgorithm::EdDsa, &[Algorithm::EdDsa]),
        (SigningAlgorithm::EdDsa, &[Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa]),
    ] {
        let issuer = FakeIssuer::with_algorithms(ISSUER, &[algorithm]);
        let platform = platform_with_keys(issuer.jwks()).algorithms(profile);
        for verifier in offline(&platform) {
            verifier.verify_cached(&issuer.sign(&claims(NOW))).unwrap();
            let forged = verifier.verify_cached(&issuer.sign_impostor(&claims(NOW))).unwrap_err();
            assert_eq!(*forged.reason(), oidc_core::verify::Reason::Signature, "{algorithm:?}");
        }
    }
}

#[tokio::test]
async fn claims_that_nobody_knows_are_kept() {
    let registry = Registry::new();
    let token =
        registry.issuer.sign(&with(registry.claims(), "repository_property_x", json!([{"a": 1}, null])));
    let verified = registry.verifier.verify(&token).await.unwrap();
    assert_eq!(verified.get("repository_property_x").unwrap().raw(), r#"[{"a":1},null]"#);
}

#[tokio::test]
async fn an_audience_may_stand_in_an_array_of_one() {
    let registry = Registry::new();
    assert!(
        registry.accepts(&registry.issuer.sign(&with(registry.claims(), "aud", json!([AUDIENCE])))).await
    );
}

#[tokio::test]
async fn not_before_may_be_missing_and_times_may_have_fractions() {
    let registry = Registry::new();
    assert!(registry.accepts(&registry.issuer.sign(&without(registry.claims(), "nbf"))).await);
    let now = NOW as f64;
    let fractions = with(with(registry.claims(), "iat", json!(now + 0.5)), "exp", json!(now + 299.9));
    assert!(registry.accepts(&registry.issuer.sign(&fractions)).await);
}

#[tokio::test]
async fn the_clocks_may_differ_by_the_leeway_and_no_more() {
    for (name, value, is_accepted) in [
        ("exp", NOW - 29, true),
        ("exp", NOW - 30, false),
        ("nbf", NOW + 30, true),
        ("nbf", NOW + 31, false),
        ("iat", NOW + 30, true),
        ("iat", NOW + 31, false),
    ] {
        let registry = Registry::new();
        let claims = with(with(registry.claims(), "iat", json!(NOW - 200)), "nbf", json!(NOW - 200));
        let token = registry.issuer.sign(&with(claims, name, json!(value)));
        assert_eq!(
            registry.accepts(&token).await,
            is_accepted,
            "{name} {}",
            value.cast_signed() - NOW.cast_signed()
        );
    }
}

#[tokio::test]
async fn the_issuers_own_lifetime_goes_before_the_profiles() {
    let mut issuer = Issuer::new(ISSUER).unwrap();
    issuer.max_lifetime = Some(std::time::Duration::from_secs(24 * 3600));
    let registry = Registry::of(platform_with(issuer), SigningAlgorithm::Rs256);
    assert!(
        registry.accepts(&registry.issuer.sign(&with(registry.claims(), "exp", json!(NOW + 86_400)))).await
    );
    assert!(
        !registry.accepts(&registry.issuer.sign(&with(registry.claims(), "exp", json!(NOW + 86_401)))).await
    );
}

#[tokio::test]
async fn an_operators_settings_for_an_issuer_go_before_the_platforms() {
    let registry = Registry::new();
    let http = FakeHttp::new();
    let cx = context(http.clone(), &registry.clock);
    let audience = || [Audience::new(AUDIENCE).unwrap()];
    let settings = |jwks| Issuer::new(ISSUER).unwrap().with_keys(jwks);
    let day = std::time::Duration::from_secs(24 * 3600);
    let providers = ProviderSet::default()
        .with(platform())
        .with_settings(settings(json!({ "keys": [] })).with_max_lifetime(day))
        .with_settings(settings(registry.issuer.jwks()));
    let verifier = Verifier::new(AwsLc, audience(), &providers, &cx).unwrap();
    for (lifetime, is_accepted) in [(300, true), (86_400, true), (86_401, false)] {
        let token = registry.issuer.sign(&with(registry.claims(), "exp", json!(NOW + lifetime)));
        assert_eq!(verifier.verify(&token).await.is_ok(), is_accepted, "{lifetime}");
    }
    assert!(http.requests().is_empty());

    // Settings of another issuer would be for nobody, and say nothing of this one.
    let other = Issuer::new("https://issuer.example/").unwrap().with_keys(registry.issuer.jwks());
    let providers = ProviderSet::default().with(platform()).with_settings(other);
    let error = Verifier::new(AwsLc, audience(), &providers, &cx).unwrap_err();
    assert_eq!(error, InvalidVerifier::NoPlatform("https://issuer.example/".to_owned()));
}

#[tokio::test]
async fn the_header_may_leave_the_type_out_and_have_members_that_nobody_knows() {
    let registry = Registry::new();
    let kid = registry.issuer.kid();
    for header in [
        json!({ "alg": "RS256", "kid": kid }),
        json!({ "alg": "RS256", "kid": kid, "typ": "jwt" }),
        json!({ "alg": "RS256", "kid": kid, "typ": "application/jwt", "x5t": "abc", "new": { "a": [1] } }),
    ] {
        assert!(registry.accepts(&registry.issuer.sign_as(&header, &registry.claims())).await, "{header}");
    }
}

#[tokio::test]
async fn a_token_is_the_same_token_by_its_id_or_by_what_was_signed() {
    async fn key(registry: &Registry, claims: &Value, scope: &str) -> [u8; 32] {
        let token = registry.issuer.sign(claims);
        registry.verifier.verify(&token).await.unwrap().replay_key(scope)
    }
    let registry = Registry::new();
    let claims = registry.claims();
    let first = key(&registry, &claims, "").await;
    assert_eq!(first, key(&registry, &with(claims.clone(), "sub", json!("other")), "").await);
    assert_ne!(first, key(&registry, &with(claims.clone(), "jti", json!("id-2")), "").await);
    assert_ne!(first, key(&registry, &claims, "@acme/widget").await);

    let registry = Registry::of(platform().replay(ReplaySource::Digest), SigningAlgorithm::Rs256);
    let claims = without(claims, "jti");
    let first = key(&registry, &claims, "").await;
    assert_eq!(first, key(&registry, &claims, "").await);
    assert_ne!(first, key(&registry, &with(claims, "sub", json!("other")), "").await);
}

/// ECDSA signatures can be changed into other valid ones; the digest is of what was signed.
#[test]
fn another_signature_over_the_same_bytes_is_the_same_token() {
    let issuer = FakeIssuer::with_algorithms(ISSUER, &[SigningAlgorithm::Es256]);
    let platform =
        platform_with_keys(issuer.jwks()).algorithms(&[Algorithm::Es256]).replay(ReplaySource::Digest);
    let (one, two) = (issuer.sign(&claims(NOW)), issuer.sign(&claims(NOW)));
    assert_ne!(one, two, "ECDSA is randomised");
    for verifier in offline(&platform) {
        let key = |token| verifier.verify_cached(token).unwrap().replay_key("");
        assert_eq!(key(&one), key(&two));
    }
}
