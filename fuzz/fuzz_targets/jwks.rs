#![no_main]
//! A JWK set as the issuer might answer.

use fuzz::{answered_with, ready};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (issuer, verifier, _) = answered_with(None, Some(data));
    ready(verifier.warm_up());
    let status = verifier.key_status();
    assert!(status.iter().all(|status| status.keys <= 64));
    let claims = serde_json::json!({ "iss": issuer.url() });
    // Only the issuer's own key verifies a token, and the fuzzer doesn't know it.
    assert!(verifier.verify_cached(&issuer.sign_unpublished(&claims)).is_err());
});
