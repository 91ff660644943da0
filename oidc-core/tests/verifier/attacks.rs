//! Attacks that were found elsewhere, played against this verifier.

use oidc_core::testing::{FakeIssuer, SigningAlgorithm};
use oidc_core::verify::Reason;
use oidc_core::{Algorithm, InvalidClaims};
use serde_json::{Value, json};

use crate::support::{AUDIENCE, ISSUER, NOW, Profiled, Registry, claims, offline, platform_with_keys, with};

/// A token made with a key of the attacker's, whose header offers that key in every way there is.
#[tokio::test]
async fn keys_that_a_token_brings_along_are_never_followed() {
    let registry = Registry::new();
    let attacker = FakeIssuer::new("https://evil.example");
    let jwk = attacker.jwks()["keys"][0].clone();
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/.well-known/jwks")),
        ("x5u", json!("https://evil.example/certificate.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("abc")),
        ("x5t#S256", json!("abc")),
    ] {
        for kid in [registry.issuer.kid(), attacker.kid()] {
            let header = with(json!({ "alg": "RS256", "kid": kid }), name, value.clone());
            let reason = registry.reason_of(&attacker.sign_as(&header, &registry.claims())).await;
            assert!(matches!(reason, Reason::Signature | Reason::UnknownKey), "{name}: {reason:?}");
        }
    }
    let hosts = registry.http.requests();
    assert!(hosts.iter().all(|request| request.url.host() == "issuer.example"), "{hosts:?}");
}

/// RSA's public key as HMAC's secret; here no symmetric algorithm exists.
#[tokio::test]
async fn a_public_key_is_nobodys_secret() {
    let registry = Registry::new();
    for alg in ["HS256", "HS384", "HS512", "dir", "A128KW"] {
        let header = json!({ "alg": alg, "kid": registry.issuer.kid() });
        let token = registry.issuer.sign_as(&header, &registry.claims());
        assert_eq!(registry.reason_of(&token).await, Reason::Algorithm, "{alg}");
    }
}

#[test]
fn a_key_of_one_algorithm_checks_no_signature_of_another() {
    let every: &[SigningAlgorithm] =
        &[SigningAlgorithm::Rs256, SigningAlgorithm::Es256, SigningAlgorithm::Es384, SigningAlgorithm::EdDsa];
    let issuer = FakeIssuer::with_algorithms(ISSUER, every);
    let platform = platform_with_keys(issuer.jwks()).algorithms(&[
        Algorithm::Rs256,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::EdDsa,
    ]);
    let kids: Vec<Value> =
        issuer.jwks()["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect();
    for verifier in offline(&platform) {
        for signer in every {
            let token = issuer.sign_with(*signer, &claims(NOW));
            verifier.verify_cached(&token).unwrap();
        }
        for alg in ["RS256", "ES256", "ES384", "EdDSA"] {
            for kid in &kids {
                let token = issuer.sign_as(&json!({ "alg": alg, "kid": kid }), &claims(NOW));
                let is_true = alg == "RS256" && *kid == kids[0];
                assert_eq!(verifier.verify_cached(&token).is_ok(), is_true, "{alg} {kid}");
            }
        }
    }
}

/// CVE-2022-21449 and its kin: zeros, the curve's order and other numbers that are no signature.
#[test]
fn numbers_that_are_no_signature_are_none() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let order: Vec<u8> = vec![
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let order_384: Vec<u8> = [
        [0xff; 24].as_slice(),
        &[0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2],
        &[0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73],
    ]
    .concat();
    for (algorithm, order) in [
        (SigningAlgorithm::Es256, order.clone()),
        (SigningAlgorithm::Es384, order_384),
        (SigningAlgorithm::EdDsa, order),
    ] {
        let zero = vec![0; order.len()];
        let one = [&zero[1..], &[1]].concat();
        let pairs =
            [(&zero, &zero), (&one, &zero), (&zero, &one), (&one, &one), (&order, &order), (&order, &one)];
        let issuer = FakeIssuer::with_algorithms(ISSUER, &[algorithm]);
        let platform = platform_with_keys(issuer.jwks()).algorithms(&[
            Algorithm::Es256,
            Algorithm::Es384,
            Algorithm::EdDsa,
        ]);
        let token = issuer.sign(&claims(NOW));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for verifier in offline(&platform) {
            for (r, s) in pairs {
                let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([&r[..], s].concat()));
                assert_eq!(*verifier.verify_cached(&forged).unwrap_err().reason(), Reason::Signature);
            }
            for length in [1, 32, 63, 65, 70, 72, 95, 97, 102, 104, 128] {
                let resized: Vec<u8> = raw.iter().copied().chain([0; 128]).take(length).collect();
                let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(resized));
                assert_eq!(
                    *verifier.verify_cached(&forged).unwrap_err().reason(),
                    Reason::Signature,
                    "{length}"
                );
            }
        }
    }
}

/// Two readers of one token must not see two tokens.
#[tokio::test]
async fn members_written_twice_in_any_spelling_are_refused() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    let claims = registry.claims().to_string();
    for (second, is_duplicate) in [
        (r#""repository":"evil/widget""#, true),
        (r#""repositor\u0079":"evil/widget""#, true),
        (r#""\u0072\u0065\u0070\u006f\u0073\u0069\u0074\u006f\u0072\u0079":"evil/widget""#, true),
        (r#""aud":"elsewhere""#, true),
        (r#""\u0061ud":"elsewhere""#, true),
        (r#""Repository":"evil/widget""#, false),
        (r#""repository\u0000":"evil/widget""#, false),
        (r#""":1"#, false),
    ] {
        let payload = claims.replacen('{', &format!("{{{second},"), 1);
        let token = registry.issuer.sign_bytes(header.as_bytes(), payload.as_bytes());
        match registry.verifier.verify(&token).await {
            Ok(verified) => {
                assert!(!is_duplicate, "{second}");
                assert_eq!(verified.text("repository").unwrap(), "acme/widget");
            }
            Err(error) => {
                assert!(is_duplicate, "{second}: {error}");
                assert_eq!(*error.reason(), Reason::Claims(InvalidClaims::Duplicate));
            }
        }
    }
}

/// Names that share a place in the index are still told apart.
#[test]
fn names_that_are_alike_are_told_apart() {
    let names: Vec<String> = (0..250).map(|n| format!("12345678{n:03}12345678")).collect();
    let members: Vec<String> = names.iter().map(|name| format!("\"{name}\":\"{name}\"")).collect();
    let claims = oidc_core::Claims::parse(format!("{{{}}}", members.join(","))).unwrap();
    for name in &names {
        assert_eq!(claims.text(name).unwrap(), name.as_str());
    }
    assert!(claims.get("1234567825012345678").is_none());
    assert!(claims.get("").is_none());
    assert_eq!(claims.iter().count(), 250);
}

/// A small text that costs much: depth, width, long numbers, many escapes.
#[tokio::test]
async fn small_tokens_cost_little() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    let room = 11_000;
    for payload in [
        format!("{{\"a\":{}{}}}", "[".repeat(room / 2), "]".repeat(room / 2)),
        format!("{{\"a\":{}1{}}}", "{\"a\":".repeat(room / 6), "}".repeat(room / 6)),
        format!("{{\"exp\":{}}}", "9".repeat(room)),
        format!("{{\"exp\":1.{}e-5}}", "9".repeat(room)),
        format!("{{\"iss\":\"{}\"}}", "\\u0061".repeat(room / 6)),
        format!("{{\"a\":[{}]}}", "{},".repeat(room / 4) + "{}"),
        format!("{{{}}}", (0..1000).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",")),
    ] {
        let token = registry.issuer.sign_bytes(header.as_bytes(), payload.as_bytes());
        let reason = registry.reason_of(&token).await;
        assert!(matches!(reason, Reason::Claims(_) | Reason::Issuer), "{reason:?}");
    }
    let deep_header =
        format!("{{\"alg\":\"RS256\",\"kid\":\"k\",\"x\":{}{}}}", "[".repeat(400), "]".repeat(400));
    let token = registry.issuer.sign_bytes(deep_header.as_bytes(), b"{}");
    let reason = registry.reason_of(&token).await;
    assert!(matches!(reason, Reason::Header | Reason::Issuer), "{reason:?}");
}

#[tokio::test]
async fn an_encrypted_token_and_an_unsigned_one_are_not_tokens() {
    let registry = Registry::new();
    let token = registry.token();
    let parts: Vec<&str> = token.split('.').collect();
    let five = format!("{}.{}.{}.{}.{}", parts[0], parts[1], parts[1], parts[1], parts[2]);
    assert_eq!(registry.reason_of(&five).await, Reason::Shape);
    let unsigned = registry.issuer.sign_as(&json!({ "alg": "none", "kid": "k" }), &registry.claims());
    let unsigned = unsigned.rsplit_once('.').unwrap().0.to_owned() + ".";
    assert_eq!(registry.reason_of(&unsigned).await, Reason::Shape);
}

/// A name that reads like another issuer's key, path or query changes nothing: it is compared and never used.
#[tokio::test]
async fn a_key_id_is_only_ever_compared() {
    let registry = Registry::new();
    for kid in ["../../etc/passwd", "' OR 1=1 --", "https://evil.example", "\u{0}", "$(id)", &"k".repeat(600)]
    {
        let token = registry.issuer.sign_as(&json!({ "alg": "RS256", "kid": kid }), &registry.claims());
        assert_eq!(registry.reason_of(&token).await, Reason::UnknownKey, "{kid}");
    }
    assert!(registry.http.requests().iter().all(|request| request.url.as_str().starts_with(ISSUER)));
}

#[tokio::test]
async fn an_audience_with_a_prefix_or_a_suffix_of_ours_is_not_ours() {
    let registry = Registry::new();
    for aud in [format!("{AUDIENCE}.evil.example"), format!("x{AUDIENCE}"), AUDIENCE[..10].to_owned()] {
        let reason = registry.reason_with("aud", json!(aud)).await;
        assert!(matches!(reason, Reason::Audience { .. }), "{aud}");
    }
}
