#![no_main]
//! Provenance, as a publish might send it: a bundle, one of PyPI's attestations, or a statement.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oidc_provenance::{Artifact, Bundle, Statement, Verifier};

/// A trusted root that the seeds are signed for.
static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(include_str!("../trusted_root.json")).unwrap());

fuzz_target!(|data: &[u8]| {
    let artifact = Artifact::npm("@acme/widget", "1.0.0", b"the bytes of the tarball");
    match VERIFIER.authenticate(data, &artifact) {
        Ok(attestation) => assert!(attestation.identity().starts_with("https://")),
        Err(refusal) => assert!(!refusal.to_string().chars().any(char::is_control), "{refusal}"),
    }
    if let Ok(bundle) = Bundle::from_pep_740(data) {
        assert!(bundle.to_pep_740().is_ok());
    }
    if let Ok(statement) = Statement::parse(data) {
        assert!(Statement::parse(statement.to_json().as_bytes()).is_ok_and(|again| again == statement));
    }
});
