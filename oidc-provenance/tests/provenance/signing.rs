//! Signing, with the services in memory and a caller without an async runtime.

use std::sync::Arc;

use oidc_core::OperationPolicy;
use oidc_core::blocking::complete;
use oidc_provenance::{Bundle, Logged, Policy, SignError, Statement, Verifier, codes, sign};
use serde_json::{Value, json};
use x509_cert::der::Decode as _;

use crate::support::Sigstore;
use crate::support::job::{self, artifact};
use crate::support::services::{AUTHORITY, Fault, LOG, Platforms, services, world};

/// Signs with a fault, and counts the requests to the authority and to the log.
fn signed(fault: Fault) -> (Result<Bundle, SignError>, [usize; 2]) {
    let (cx, http) = world(Arc::new(Sigstore::new(1)), fault);
    let statement = Statement::npm(&artifact(), &cx).unwrap();
    let result = complete(sign(&statement, &Platforms, &services(), &cx)).unwrap();
    let count = |url: &str| http.requests().iter().filter(|request| request.url.as_str() == url).count();
    (result, [count(AUTHORITY), count(LOG)])
}

fn verify(bundle: &Bundle) {
    let signer = job::signer(&json!({}));
    let policy = Policy::new(&signer).public_source().hosted_runner();
    let verifier = Verifier::new(&Sigstore::new(1).trusted_root()).unwrap();
    verifier.verify(bundle.as_str().as_bytes(), &artifact(), &policy).unwrap();
}

#[test]
fn a_job_signs_and_a_registry_accepts() {
    let (bundle, requests) = signed(Fault::None);
    let bundle = bundle.unwrap();
    verify(&bundle);
    assert_eq!(requests, [1, 1]);
    // What npm sends and other verifiers read.
    let json: Value = serde_json::from_str(bundle.as_str()).unwrap();
    assert_eq!(json["mediaType"], oidc_provenance::BUNDLE_TYPE);
    assert_eq!(json["dsseEnvelope"]["payloadType"], "application/vnd.in-toto+json");
    assert!(json["dsseEnvelope"]["signatures"][0].get("keyid").is_none());
    assert!(json["verificationMaterial"]["certificate"]["rawBytes"].is_string());
}

#[test]
fn an_entry_that_an_earlier_try_wrote_is_taken() {
    let (bundle, requests) = signed(Fault::AnswerLost);
    verify(&bundle.unwrap());
    assert_eq!(requests, [1, 2]);
}

#[test]
fn an_authority_that_is_busy_is_asked_again() {
    let (bundle, requests) = signed(Fault::AuthorityBusy);
    verify(&bundle.unwrap());
    assert_eq!(requests, [2, 1]);
}

#[test]
fn a_log_that_is_busy_is_asked_again() {
    let (bundle, requests) = signed(Fault::LogBusy);
    verify(&bundle.unwrap());
    assert_eq!(requests, [1, 2]);
}

#[test]
fn a_failure_says_whether_the_log_was_written() {
    for (fault, code, logged, log_requests) in [
        (Fault::AuthorityRefuses, codes::PROVENANCE_AUTHORITY, Logged::No, 0),
        (Fault::OtherKey, codes::PROVENANCE_AUTHORITY, Logged::No, 0),
        (Fault::DetachedSct, codes::PROVENANCE_AUTHORITY, Logged::No, 0),
        (Fault::LogRefuses, codes::PROVENANCE_LOGGING, Logged::No, 1),
        (Fault::LogUnreachable, codes::PROVENANCE_LOGGING, Logged::No, 4),
        (Fault::LogDown, codes::PROVENANCE_LOGGING, Logged::Perhaps, 4),
        (Fault::ElsewhereLost, codes::PROVENANCE_LOGGING, Logged::Yes, 2),
        (Fault::OtherEntry, codes::PROVENANCE_LOGGING, Logged::Yes, 1),
        (Fault::NoProof, codes::PROVENANCE_LOGGING, Logged::Yes, 1),
    ] {
        let (result, requests) = signed(fault);
        let error = result.expect_err(&format!("{fault:?}"));
        assert_eq!((error.diagnosis().code, error.logged()), (code, logged), "{fault:?}: {error}");
        assert_eq!(requests[1], log_requests, "{fault:?}");
    }
}

#[test]
fn the_authoritys_own_words_reach_the_user_and_no_secret_does() {
    let (result, _) = signed(Fault::AuthorityRefuses);
    let error = result.unwrap_err();
    assert!(error.to_string().contains("There was an error processing the identity token"), "{error}");
    assert!(!format!("{error:?}").contains("eyJ"));
}

#[test]
fn the_deadline_is_for_everything_together() {
    let (cx, http) = world(Arc::new(Sigstore::new(1)), Fault::LogDown);
    let policy = OperationPolicy::default().with_deadline(std::time::Duration::from_secs(1)).unwrap();
    let cx = cx.with_policy(policy);
    let statement = Statement::npm(&artifact(), &cx).unwrap();
    let error = complete(sign(&statement, &Platforms, &services(), &cx)).unwrap().unwrap_err();
    assert_eq!(error.logged(), Logged::Perhaps);
    // Of the four tries, the third wait would be longer than the time that is left.
    assert_eq!(http.requests().iter().filter(|request| request.url.as_str() == LOG).count(), 2);
}

#[test]
fn a_timestamp_authority_that_fails_leaves_nothing_in_the_log() {
    use crate::support::services::ParseUrl as _;
    let (cx, http) = world(Arc::new(Sigstore::new(1)), Fault::None);
    let statement = Statement::npm(&artifact(), &cx).unwrap();
    let services = services().with_timestamps("https://timestamp.example/api/v1/timestamp".parse_url());
    let error = complete(sign(&statement, &Platforms, &services, &cx)).unwrap().unwrap_err();
    assert_eq!((error.diagnosis().code, error.logged()), (codes::PROVENANCE_TIMESTAMPING, Logged::No));
    let last = http.requests().pop().unwrap();
    assert_eq!(last.url.as_str(), "https://timestamp.example/api/v1/timestamp");
    let request = x509_tsp::TimeStampReq::from_der(&last.body).unwrap();
    assert!(request.cert_req && request.nonce.is_some());
    assert_eq!(request.message_imprint.hashed_message.as_bytes().len(), 32);
    assert!(http.requests().iter().all(|request| request.url.as_str() != LOG));
}
