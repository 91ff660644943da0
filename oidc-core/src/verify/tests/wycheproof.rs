//! Project Wycheproof's vectors for JWS and JWK (`json_web_signature_test.json`, `json_web_key_test.json`; Apache
//! License 2.0, <https://github.com/C2SP/wycheproof>), those for RS256 and ES256, and those of other algorithms that a
//! verifier of these must refuse.
//!
//! Their payload is `foo` or nothing, which is no JWT; hence they are held against what lies below the verifier.

#![allow(clippy::string_slice, reason = "ASCII constants")]

use serde_json::{Value, json};

use super::super::backend::{AwsLc, Backend, RustCrypto};
use super::super::jwks::KeySet;
use super::super::token::{
    Compact, Header, MAX_HEADER_BYTES, MAX_SIGNATURE_BYTES, buffer, decode, decode_into,
};

const RSA_N: &str = "kqGboBfAWttWPCA-0cGRgsY6SaYoIARt0B_PkaEcIq9HPYNdu9n6UuWHuuTHrjF_ZoQW97r5HaAorNvrMEGTGdxCHZdEtkHvNVVmrtxTBLiQCbCozXhFoIrVcr3qUBrdGnNn_M3jJi7Wg7p_-x62nS5gNG875oyheRkutHsQXikFZwsN3q_TsPNOVlCiHy8mxzaFTUQGm-X8UYexFyAivlDSjgDJLAZSWfxd7k9Gxuwa3AUfQqQcVcegmgKGCaErQ3qQbh1x7WB6iopE3_-GZ8HMAVtR9AmrVscqYsnjhaCehfAI0iKKs8zXr8tISc0ORbaalrkk03H1ZrsEnDKEWQ";
const RSA_HEADER: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImtpZC1yc2Etc2lnbiJ9";
const RSA_OTHER_KID: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6IlhpZC1yc2Etc2lnbiJ9";
const RSA_SIGNATURE: &str = "HUwxI1-cZrZgcuOgBQ7G7NE-GrqK79l6GV1KT4DKXnSMFwC8pfZCzE7pmLE7mYpLCIvzC87yuOjuhT0uW5oe6aaAEtR978cm-q8dfly45flqMrd_ifhi9GCsMlyi8dpQ42Ou1etZljFZuWjfyk8CN1c5DaHRwhqjScAPIFp6xmzKIRUJ_xdQfUSfSlujLaixtScU518EoNP4oo1v7E8RAz6ZO4g2N4Xqs8OvSxYydcoTEg42QnLHe9JnXgI37Q5gSwinwaPsG3Ry56UYiLoL8mCUa74S51y02VsIgVmmGWgaXjM-i_lCiKQDBiBnvWlka4XhVuvd6ZWibM9cbCPtPg";

const EC_X: &str = "04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY";
const EC_Y: &str = "UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgmw";
const EC_HEADER: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtpZC1lYy1zaWduIn0";
const EC_OTHER_KID: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6IlhpZC1lYy1zaWduIn0";
const EC_SIGNATURE: &str =
    "5cA0OHyMP7ezamUd5c9kV-FrGxdx4hbGXOdplQkutrqWrte5P-pAvsE3Ve6xSyU3YDQwUHjVVOtvcrEbbnZ8yA";

const PAYLOAD: &str = "Zm9v";
const OTHER_PAYLOAD: &str = "WG9v";

fn rsa_key() -> Value {
    json!({ "alg": "RS256", "use": "sig", "n": RSA_N, "e": "AQAB", "kid": "kid-rsa-sign", "kty": "RSA" })
}

fn ec_key() -> Value {
    json!({ "alg": "ES256", "use": "sig", "x": EC_X, "y": EC_Y, "crv": "P-256", "kid": "kid-ec-sign", "kty": "EC" })
}

fn with(mut key: Value, name: &str, value: &str) -> Value {
    key[name] = json!(value);
    key
}

/// Whether the back end accepts a JWS with a set of keys.
fn accepts(backend: &dyn Backend, keys: &[Value], jws: &str) -> Option<bool> {
    let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), backend, "wycheproof").ok()?;
    let parts = Compact::parse(jws).ok()?;
    let (mut header, mut signature) = (buffer::<MAX_HEADER_BYTES>(), buffer::<MAX_SIGNATURE_BYTES>());
    let header = Header::parse(decode_into(parts.header, &mut header).ok()?).ok()?;
    let signature = decode_into(parts.signature, &mut signature).ok()?;
    decode(parts.payload).ok()?;
    let key = set.get(&header.kid, header.algorithm)?;
    Some(key.verify(parts.signed, signature))
}

fn check(keys: &[Value], jws: &str, is_valid: bool, comment: &str) {
    for backend in [&AwsLc as &dyn Backend, &RustCrypto] {
        assert_eq!(accepts(backend, keys, jws).unwrap_or(false), is_valid, "{comment} ({backend:?})");
    }
}

fn check_signature(key: &Value, header: &str, other_kid: &str, signature: &str) {
    let keys = [key.clone()];
    let modified_signature = format!("X{}", &signature[1..]);
    let jws = |parts: &[&str]| parts.join(".");
    check(&keys, &jws(&[header, PAYLOAD, signature]), true, "acceptsValid");
    for (jws, comment) in [
        (jws(&[header, PAYLOAD, &modified_signature]), "rejectsModifiedSignature"),
        (jws(&[header, PAYLOAD, ""]), "rejectsMissingSignature"),
        (jws(&[header, PAYLOAD]), "rejectsMissingSignatureAndSeparator"),
        (jws(&[header, OTHER_PAYLOAD, signature]), "rejectsModifiedPayload"),
        (jws(&[header, "", signature]), "rejectsMissingPayload"),
        (jws(&[header, signature]), "rejectsMissingPayloadAndSeparator"),
        (jws(&[other_kid, PAYLOAD, signature]), "rejectsModifiedHeader"),
        (jws(&["", PAYLOAD, signature]), "rejectsMissingHeader"),
        (jws(&[PAYLOAD, signature]), "rejectsMissingHeaderAndSeparator"),
        (jws(&["", PAYLOAD, ""]), "rejectsMissingHeaderAndSignature"),
        (PAYLOAD.to_owned(), "rejectsMissingHeaderSignatureAndSeparators"),
        (String::new(), "rejectsEmptyString"),
        (jws(&[header, PAYLOAD, signature, ""]), "rejectsExtraEmptyComponent"),
        (jws(&[header, PAYLOAD, signature, "foo"]), "rejectsExtraComponent"),
        (
            json!({ "payload": PAYLOAD, "signatures": [{ "protected": header, "signature": signature }] })
                .to_string(),
            "rejectsValidJsonSerialization",
        ),
    ] {
        check(&keys, &jws, false, comment);
    }
}

#[test]
fn signatures_by_rs256_are_judged_as_by_wycheproof() {
    check_signature(&rsa_key(), RSA_HEADER, RSA_OTHER_KID, RSA_SIGNATURE);
}

#[test]
fn signatures_by_es256_are_judged_as_by_wycheproof() {
    check_signature(&ec_key(), EC_HEADER, EC_OTHER_KID, EC_SIGNATURE);
    for (jws, comment) in [
        (
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImtpZC1lYy1zaWduIn0.Zm9v.TgWtz2FIRukBQ_mA5sgHa0Ybtgn7bl-YBPAi7Z0XdHU",
            "rejectsSymmetryConfusionAttacks_aesKeyFromEcVerificationKeyBytes",
        ),
        (
            "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtpZC1lYy1zaWduIiwiandrIjp7Imt0eSI6IkVDIiwia2lkIjoia2lkLWVjLXNpZ24iLCJ1c2UiOiJzaWciLCJhbGciOiJFUzI1NiIsIngiOiJNZG5UWkRJaERKYmZBU2RGcWFtY3BPMkNoOUdOS0sybTBNUWxoNDAyU3BvIiwieSI6Ijdhdko0bHFfV3l4LW5MUERCUTJZcHl0dUh5TWlvMDdCVXl2bDNqYUMtMVkiLCJjcnYiOiJQLTI1NiJ9fQ.Zm9v.4jmsollQD8ZxvySzXYnIEYA4fwaZi2ZbC0aI1J4LYmW2Bn31NhKdjms2N6o51Dff5-InWXQF9m45VtTexl6yjg",
            "rejectsAttackerProvidedEmbeddedJwk",
        ),
    ] {
        check(&[ec_key()], jws, false, comment);
    }
}

#[test]
fn keys_for_rs256_are_judged_as_by_wycheproof() {
    let jws = [RSA_HEADER, PAYLOAD, RSA_SIGNATURE].join(".");
    check(&[rsa_key()], &jws, true, "acceptsValid");
    check(&[with(with(rsa_key(), "alg", "RSA1_5"), "use", "enc")], &jws, false, "rejectsWrongUse");

    let small = "rJBIp6T1YK-RtPyvYqFFlcucqewSAA_IReSFchE8qyiQrbARqRlXWkB2DR8j_pJQnIpYELbQWZC5Cd0PTGAU8rMbar2AW6zpmBbi7aQf17lUBdt8XI9M9rq7FPVQ1dDdUXm1SVH_9qqWhvMPR422SbfHBEzCAtzK0ANDRo6qz78";
    let key = with(with(rsa_key(), "n", small), "kid", "RS256_1024");
    let jws = "eyJhbGciOiJSUzI1NiIsImtpZCI6IlJTMjU2XzEwMjQifQ..AFuv9BiuEQP1Nmidc5xFw0qIT1d0NmgqakVKmJ-mMJNzg_J1L6nNXxMrSXCS6sfGIgXc44-vk8StVf7eIKjxozqzZ3Z2jT8AX_vp6_1WOje9jSPYEwf-3OgmD2QcyV14jXVTx9s0M8WKoYIo4_zA4qGiViE18khwGd9uqsjrJVA";
    check(&[key], jws, false, "rejects1024bitRsaKey");
}

/// The two whose key alone says enough: with it no token is accepted at all.
#[test]
fn weak_keys_for_rs256_are_no_keys() {
    let roca = "AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09yBFuW79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl1S9OhwAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ-QYyE";
    for (key, comment) in [
        (with(rsa_key(), "n", roca), "rejectsKeyWithRocaVulnerability"),
        (with(rsa_key(), "e", "AQ"), "rejectsPublicExponent1"),
    ] {
        for backend in [&AwsLc as &dyn Backend, &RustCrypto] {
            let set = json!({ "keys": [key] }).to_string();
            assert!(KeySet::parse(set.as_bytes(), backend, "wycheproof").is_err(), "{comment}");
        }
    }
}

#[test]
fn keys_for_es256_are_judged_as_by_wycheproof() {
    let jws = [EC_HEADER, PAYLOAD, EC_SIGNATURE].join(".");
    for (key, comment) in [
        (with(ec_key(), "alg", "ES521"), "mismatchedAlgAndCurve"),
        (with(ec_key(), "alg", "ES224"), "mismatchedAlgAndCurve"),
        (with(ec_key(), "use", "enc"), "rejectsModifiedKey, invalid_use"),
        (
            with(ec_key(), "y", "UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgnw"),
            "rejectsModifiedKey, invalid_point",
        ),
        (with(ec_key(), "crv", "P-384"), "rejectsModifiedKey, wrong_curve"),
        (with(ec_key(), "kty", "RSA"), "rejectsModifiedKey, wrong_kty"),
    ] {
        check(&[key], &jws, false, comment);
    }
    check(&[ec_key()], &jws, true, "the same with the key as it is");
}

/// A set with public and secret keys, and one with a name twice: no secret key is ever a key here.
#[test]
fn keys_of_symmetric_algorithms_are_no_keys() {
    let jws =
        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImtpZC1hZXMtc2lnbiJ9.Zm9v.TD37p4c_0jmreSrBSDmE0F3mYSPtkZ3WrSyI5wb_KTg";
    let secret = json!({
        "alg": "HS256", "use": "sig", "kid": "kid-aes-sign", "kty": "oct",
        "k": "-ebuDNsVZ2iJtoZ-akfXTSCt4UO2cruLCsbWlBinggE",
    });
    check(&[secret.clone(), ec_key()], jws, false, "rejectsValid, jws_mixedSymmetryKeyset");
    check(&[secret.clone(), secret], jws, false, "rejectsDuplicateKid");
}
