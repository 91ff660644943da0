#![no_main]
//! A publisher's configuration, as a package's owner might send it, for every platform.

use fuzz::{github, gitlab};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(config) = serde_json::from_slice::<Value>(data) else { return };
    for registry in [github(), gitlab()] {
        match registry.provider.publisher(&config) {
            Ok(publisher) => {
                let identity = publisher.identity();
                assert_eq!(identity.issuer, registry.issuer.url());
                assert!(!identity.key.is_empty());
                assert!(!publisher.describe().chars().any(char::is_control));
            }
            Err(error) => assert!(!error.to_string().chars().any(char::is_control), "{error}"),
        }
    }
});
