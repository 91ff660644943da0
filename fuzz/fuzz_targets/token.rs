#![no_main]
//! A token as it came, and the same bytes as the header and as the payload of a token that is really signed.

use fuzz::{AUDIENCE, github};
use libfuzzer_sys::fuzz_target;
use oidc_core::{Claims, Unverified};
use serde_json::value::RawValue;
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    let registry = github();
    if let Ok(text) = std::str::from_utf8(data) {
        // Nothing of a stranger's is accepted, and every refusal can be shown.
        let error = registry.verify(text).expect_err("nobody signed it");
        let shown = error.to_string();
        assert!(!shown.chars().any(char::is_control), "{shown}");
    }
    let header = json!({ "alg": "EdDSA", "kid": registry.issuer.kid() }).to_string();
    check(data, &registry.issuer.sign_bytes(header.as_bytes(), data));
    let _refused = registry.verify(&registry.issuer.sign_bytes(data, b"{}"));
    parse(data);
});

/// Whoever is accepted is for us, from the issuer that we trust, and read as anybody would read it.
fn check(payload: &[u8], token: &str) {
    let registry = github();
    match registry.verify(token) {
        Ok(verified) => {
            assert!(verified.get("aud").expect("an audience").is_exactly(AUDIENCE));
            assert_eq!(verified.text("iss").expect("an issuer"), registry.issuer.url());
            same(&verified, payload);
        }
        Err(error) => {
            let _shown = error.to_string();
            if let Some(claims) = error.claims().map(Unverified::read_unverified) {
                legible(claims, payload);
            }
        }
    }
}

/// Checks that the claims that are reported for a refused token are those of its payload. In malformed JSON they are the members
/// before the fault, and of a name that stands twice the first.
fn legible(claims: &Claims, payload: &[u8]) {
    if Claims::parse(payload).is_ok() {
        return same(claims, payload);
    }
    let payload = std::str::from_utf8(payload).expect("it was read");
    for (name, value) in claims.iter() {
        assert_eq!(claims.get(name).expect("every name is found").raw(), value.raw(), "each name once");
        let _value: &RawValue = serde_json::from_str(value.raw()).expect("JSON");
        assert!(payload.contains(value.raw()));
    }
}

fn parse(payload: &[u8]) {
    if let Ok(claims) = Claims::parse(payload) {
        same(&claims, payload);
    }
}

/// The index and a tree of values say the same.
fn same(claims: &Claims, payload: &[u8]) {
    // A number beyond a double's range is JSON, but no tree has a place for it.
    let Ok(tree) = serde_json::from_slice::<Value>(payload) else { return };
    let tree = tree.as_object().expect("an object");
    assert_eq!(claims.iter().count(), tree.len(), "each name once");
    for (name, value) in tree {
        let found = claims.get(name).expect("every name is found");
        assert_eq!(found.as_text().as_deref(), value.as_str());
        assert_eq!(found.as_bool(), value.as_bool());
        assert_eq!(found.as_u64(), value.as_u64());
        assert_eq!(found.is_null(), value.is_null());
        let _time = found.as_time();
        let again: Value = serde_json::from_str(found.raw()).expect("JSON");
        assert_eq!(again, *value);
    }
}
