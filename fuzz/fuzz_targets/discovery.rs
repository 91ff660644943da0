#![no_main]
//! A discovery document as the issuer, or somebody in its place, might answer.

use fuzz::{answered_with, ready};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (issuer, verifier, http) = answered_with(Some(data), None);
    ready(verifier.warm_up());
    let host = issuer.url().trim_start_matches("https://");
    for request in http.requests() {
        assert_eq!(request.url.host(), host, "nobody else is asked");
        assert!(request.url.as_str().starts_with("https://"));
    }
});
