//! RFC 7517, JSON Web Key, with RFC 7518, section 6, for the numbers.

use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock, SigningAlgorithm};
use oidc_core::verify::backend::AwsLc;
use oidc_core::{Algorithm, verify::Reason};
use serde_json::{Value, json};

use crate::support::{ISSUER, NOW, Profiled, claims, context, platform_with_keys, verifier, with, without};

fn is_usable(keys: &Value) -> bool {
    let every = &[Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
    let platform = platform_with_keys(keys.clone()).algorithms(every);
    verifier(AwsLc, platform, &context(FakeHttp::new(), &ManualClock::at(NOW))).is_ok()
}

fn key(algorithm: SigningAlgorithm) -> Value {
    FakeIssuer::with_algorithms(ISSUER, &[algorithm]).jwks()["keys"][0].clone()
}

fn set_of(key: &Value) -> Value {
    json!({ "keys": [key] })
}

/// Section 4: members that are not understood are ignored, and names are unique.
#[test]
fn section_4_unknown_members_are_ignored() {
    assert!(is_usable(&set_of(&with(key(SigningAlgorithm::Rs256), "made-up", json!({ "a": [1] })))));
}

/// Section 4.1: `kty` is required and case-sensitive.
#[test]
fn section_4_1_the_key_type_is_required() {
    let rsa = key(SigningAlgorithm::Rs256);
    assert!(!is_usable(&set_of(&without(rsa.clone(), "kty"))));
    for kty in ["rsa", "EC", "oct", "OKP", "", "made-up"] {
        assert!(!is_usable(&set_of(&with(rsa.clone(), "kty", json!(kty)))), "{kty}");
    }
}

/// Section 4.2: a key whose `use` is not `sig` checks no signature.
#[test]
fn section_4_2_a_key_for_encryption_checks_no_signature() {
    let rsa = key(SigningAlgorithm::Rs256);
    for (usage, is_taken) in [("sig", true), ("enc", false), ("SIG", false), ("", false)] {
        assert_eq!(is_usable(&set_of(&with(rsa.clone(), "use", json!(usage)))), is_taken, "{usage}");
    }
    assert!(is_usable(&set_of(&without(rsa, "use"))));
}

/// Section 4.3: `key_ops` must allow `verify` where it is there.
#[test]
fn section_4_3_the_operations_must_include_verify() {
    let rsa = key(SigningAlgorithm::Rs256);
    for (operations, is_taken) in [
        (json!(["verify"]), true),
        (json!(["sign"]), false),
        (json!(["wrapKey", "verify", "made-up"]), true),
        (json!([]), false),
        (json!("verify"), false),
    ] {
        assert_eq!(
            is_usable(&set_of(&with(rsa.clone(), "key_ops", operations.clone()))),
            is_taken,
            "{operations}"
        );
    }
}

/// Section 4.4: a key's `alg` is the only one it is used with.
#[test]
fn section_4_4_a_key_is_used_with_its_own_algorithm_only() {
    let rsa = key(SigningAlgorithm::Rs256);
    for alg in ["RS384", "RS512", "PS256", "ES256", "RSA-OAEP", "none"] {
        assert!(!is_usable(&set_of(&with(rsa.clone(), "alg", json!(alg)))), "{alg}");
    }
}

/// Section 4.5: a set may hold two keys of one name where their types differ; each is found by its algorithm.
#[test]
fn section_4_5_a_name_may_be_shared_by_keys_of_different_types() {
    let every = &[SigningAlgorithm::Rs256, SigningAlgorithm::Es256];
    let issuer = FakeIssuer::with_algorithms(ISSUER, every);
    let keys: Vec<Value> = issuer.jwks()["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| with(key.clone(), "kid", json!("shared")))
        .collect();
    let platform =
        platform_with_keys(json!({ "keys": keys })).algorithms(&[Algorithm::Rs256, Algorithm::Es256]);
    let verifier = verifier(AwsLc, platform, &context(FakeHttp::new(), &ManualClock::at(NOW))).unwrap();
    assert_eq!(verifier.key_status()[0].keys, 2);
    let sign = |alg| issuer.sign_as(&json!({ "alg": alg, "kid": "shared" }), &claims(NOW));
    verifier.verify_cached(&sign("RS256")).unwrap();
    let refused = verifier.verify_cached(&sign("ES256")).unwrap_err();
    assert_eq!(*refused.reason(), Reason::Signature);
}

/// Sections 4.6 to 4.9: certificates may be there and mean nothing here.
#[test]
fn section_4_6_certificates_are_ignored() {
    let mut rsa = key(SigningAlgorithm::Rs256);
    rsa["x5c"] = json!(["MIIB"]);
    rsa["x5t"] = json!("abc");
    rsa["x5u"] = json!("https://other.example/x5u");
    assert!(is_usable(&set_of(&rsa)));
}

/// Section 5: a set has `keys`; keys that are not understood, lack a member, or have values out of range are ignored.
#[test]
fn section_5_a_set_is_read_key_by_key() {
    let good = key(SigningAlgorithm::Rs256);
    let bad = [
        json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "a", "pub": "AA" }),
        json!({ "kty": "RSA", "kid": "b", "e": "AQAB" }),
        json!({ "kty": "RSA", "kid": "c", "n": "AQAB", "e": "AQAB" }),
        json!({ "kid": "d" }),
        json!("not even an object"),
    ];
    for bad in bad {
        assert!(!is_usable(&json!({ "keys": [bad] })));
        assert!(is_usable(&json!({ "keys": [bad, good] })), "{bad}");
        assert!(is_usable(&json!({ "keys": [good, bad], "other": true })), "{bad}");
    }
    assert!(!is_usable(&json!({ "keys": [] })));
    assert!(!is_usable(&json!({ "Keys": [good] })));
    assert!(!is_usable(&json!([good])));
}

/// RFC 7518, section 6.3.1: the modulus is a `Base64urlUInt` without leading zero bytes; padding is refused.
#[test]
fn rfc_7518_section_6_3_1_numbers_have_one_spelling() {
    let rsa = key(SigningAlgorithm::Rs256);
    let n = rsa["n"].as_str().unwrap().to_owned();
    for n in [format!("AA{n}"), format!("{n}=="), format!("{n}\n"), n.replace(['-', '_'], "+")] {
        if n != *rsa["n"].as_str().unwrap() {
            assert!(!is_usable(&set_of(&with(rsa.clone(), "n", json!(n)))), "{n}");
        }
    }
}

/// RFC 7518, section 6.2.1: the coordinates have the curve's full length and are of a point on it.
#[test]
fn rfc_7518_section_6_2_1_coordinates_are_a_point() {
    let ec = key(SigningAlgorithm::Es256);
    let (x, y) = (ec["x"].clone(), ec["y"].clone());
    assert!(is_usable(&set_of(&ec)));
    for (name, value) in [("x", y), ("y", x), ("x", json!("AA")), ("y", json!(""))] {
        assert!(!is_usable(&set_of(&with(ec.clone(), name, value))), "{name}");
    }
}

/// RFC 8037, section 2: an Ed25519 key has 32 bytes.
#[test]
fn rfc_8037_section_2_an_ed25519_key_has_32_bytes() {
    let okp = key(SigningAlgorithm::EdDsa);
    assert!(is_usable(&set_of(&okp)));
    assert!(!is_usable(&set_of(&with(okp.clone(), "crv", json!("X25519")))));
    assert!(!is_usable(&set_of(&with(okp, "x", json!("AAAA")))));
}
