//! A real package's provenance, verified, and the signatures in it alone.

use std::path::PathBuf;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, EcdsaVerificationAlgorithm, ParsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oidc_provenance::{Artifact, PUBLIC_TRUSTED_ROOT, Policy, SignerRules, Verifier};
use oidc_providers::{GitHub, GitHubPublisher};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::SignedCertificateTimestampList;

/// A file that comes with the crate that verifies.
const FILE: &str = "sigstore-verify-0.15.1/test_data/bundles/sigstore.js@2.0.0-provenance.sigstore.json";

/// A registry that verifies the provenance of version 2.0.0 of the package `sigstore`, with every rule of npm's.
pub struct Scene {
    verifier: Verifier,
    signer: SignerRules,
    repository: Value,
    artifact: Artifact,
    bundle: Vec<u8>,
}

impl std::fmt::Debug for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scene").field("artifact", &self.artifact).finish_non_exhaustive()
    }
}

impl Default for Scene {
    fn default() -> Self {
        let bundle = std::fs::read(file()).expect("the file");
        let json: Value = serde_json::from_slice(&bundle).expect("JSON");
        let statement: Value = serde_json::from_slice(&bytes(&json, "/dsseEnvelope/payload")).expect("JSON");
        let digest = statement.pointer("/subject/0/digest/sha512").and_then(Value::as_str).expect("a digest");
        let digest: Vec<u8> = (0..digest.len())
            .step_by(2)
            .map(|place| u8::from_str_radix(digest.get(place..place + 2).expect("hex"), 16).expect("hex"))
            .collect();
        let publisher =
            GitHubPublisher::new("sigstore/sigstore-js", "release.yml").repository_id("495574555");
        let signer =
            SignerRules::new(&GitHub::public(), &publisher.into()).expect("a table").expect("a publisher");
        Self {
            verifier: Verifier::new(PUBLIC_TRUSTED_ROOT).expect("a trusted root"),
            signer,
            repository: json!("git+https://github.com/sigstore/sigstore-js.git"),
            artifact: Artifact::npm_with_digest("sigstore", "2.0.0", digest.try_into().expect("64 bytes")),
            bundle,
        }
    }
}

impl Scene {
    /// Everything that a registry does at a publish.
    pub fn verify(&self) -> bool {
        let policy =
            Policy::new(&self.signer).repository(Some(&self.repository)).public_source().hosted_runner();
        self.verifier.verify(&self.bundle, &self.artifact, &policy).is_ok()
    }
}

/// The signatures in the bundle, with parsed keys: the certificate's, that of its timestamp, the log's promise and
/// checkpoint, and that of the envelope.
#[derive(Debug)]
pub struct RawSignatures(Vec<(ParsedPublicKey, Vec<u8>, Vec<u8>)>);

impl Default for RawSignatures {
    fn default() -> Self {
        let json: Value = serde_json::from_slice(&std::fs::read(file()).expect("the file")).expect("JSON");
        let root: Value = serde_json::from_str(PUBLIC_TRUSTED_ROOT).expect("JSON");
        let leaf = bytes(&json, "/verificationMaterial/x509CertificateChain/certificates/0/rawBytes");
        let leaf = Certificate::from_der(&leaf).expect("a certificate");
        let log = bytes(&root, "/tlogs/0/publicKey/rawBytes");
        let job = leaf.tbs_certificate.subject_public_key_info.to_der().expect("a key");
        let mut signatures = vec![
            certificate(&root, &leaf),
            timestamp(&root, &leaf),
            check(
                &ECDSA_P256_SHA256_ASN1,
                &job,
                envelope(&json),
                bytes(&json, "/dsseEnvelope/signatures/0/sig"),
            ),
            check(
                &ECDSA_P256_SHA256_ASN1,
                &log,
                promise(&json),
                bytes(&json, &entry("/inclusionPromise/signedEntryTimestamp")),
            ),
        ];
        if let Some(note) =
            json.pointer(&entry("/inclusionProof/checkpoint/envelope")).and_then(Value::as_str)
        {
            let (text, signature) = note.split_once("\n\n").expect("a note");
            let signature = signature.trim().rsplit(' ').next().expect("a signature");
            let signature = STANDARD.decode(signature).expect("base64");
            let signature = signature.get(4..).expect("a hint before the signature").to_vec();
            signatures.push(check(
                &ECDSA_P256_SHA256_ASN1,
                &log,
                format!("{text}\n").into_bytes(),
                signature,
            ));
        }
        Self(signatures)
    }
}

impl RawSignatures {
    /// Returns `true` if all hold.
    pub fn verify(&self) -> bool {
        self.0.iter().all(|(key, message, signature)| key.verify_sig(message, signature).is_ok())
    }
}

fn file() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home =
        home.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cargo"));
    let registries = std::fs::read_dir(home.join("registry/src")).expect("cargo's sources");
    let mut files = registries.map(|registry| registry.expect("a folder").path().join(FILE));
    files.find(|file| file.exists()).expect("the sources of sigstore-verify")
}

fn entry(rest: &str) -> String {
    format!("/verificationMaterial/tlogEntries/0{rest}")
}

fn bytes(json: &Value, pointer: &str) -> Vec<u8> {
    STANDARD.decode(json.pointer(pointer).and_then(Value::as_str).expect(pointer)).expect("base64")
}

fn check(
    algorithm: &'static EcdsaVerificationAlgorithm,
    key: &[u8],
    message: Vec<u8>,
    signature: Vec<u8>,
) -> (ParsedPublicKey, Vec<u8>, Vec<u8>) {
    let key = ParsedPublicKey::new(algorithm, key).expect("a key");
    assert!(key.verify_sig(&message, &signature).is_ok(), "a signature does not hold");
    (key, message, signature)
}

/// The certificate of the authority that issued the leaf: the first of the second authority's chain.
fn issuer(root: &Value) -> Certificate {
    let issuer = bytes(root, "/certificateAuthorities/1/certChain/certificates/0/rawBytes");
    Certificate::from_der(&issuer).expect("a certificate")
}

fn certificate(root: &Value, leaf: &Certificate) -> (ParsedPublicKey, Vec<u8>, Vec<u8>) {
    let key = issuer(root).tbs_certificate.subject_public_key_info.to_der().expect("a key");
    let message = leaf.tbs_certificate.to_der().expect("a certificate");
    check(&ECDSA_P384_SHA384_ASN1, &key, message, leaf.signature.raw_bytes().to_vec())
}

/// The signature of the certificate transparency log (RFC 6962, section 3.2).
fn timestamp(root: &Value, leaf: &Certificate) -> (ParsedPublicKey, Vec<u8>, Vec<u8>) {
    let (_, list) =
        leaf.tbs_certificate.get::<SignedCertificateTimestampList>().expect("a list").expect("a list");
    let sct = list.parse_timestamps().expect("timestamps").remove(0).parse_timestamp().expect("a timestamp");
    let mut body = leaf.tbs_certificate.clone();
    if let Some(extensions) = &mut body.extensions {
        extensions.retain(|extension| extension.extn_id.to_string() != "1.3.6.1.4.1.11129.2.4.2");
    }
    let body = body.to_der().expect("a certificate");
    let issuer = issuer(root).tbs_certificate.subject_public_key_info.to_der().expect("a key");
    let length = u32::try_from(body.len()).expect("short").to_be_bytes();
    let message = [
        &[0, 0][..],
        &sct.timestamp.to_be_bytes(),
        &[0, 1],
        &Sha256::digest(issuer),
        length.get(1..).expect("four bytes"),
        &body,
        &[0, 0],
    ]
    .concat();
    let logs = root.pointer("/ctlogs").and_then(Value::as_array).expect("logs");
    let is_own = |log: &&Value| bytes(log, "/logId/keyId") == sct.log_id.key_id;
    let log = bytes(logs.iter().find(is_own).expect("the log"), "/publicKey/rawBytes");
    check(&ECDSA_P256_SHA256_ASN1, &log, message, sct.signature.signature.as_slice().to_vec())
}

fn envelope(json: &Value) -> Vec<u8> {
    let payload = bytes(json, "/dsseEnvelope/payload");
    let kind = json.pointer("/dsseEnvelope/payloadType").and_then(Value::as_str).expect("a type");
    [format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).as_bytes(), &payload].concat()
}

fn promise(json: &Value) -> Vec<u8> {
    let text = |rest: &str| json.pointer(&entry(rest)).and_then(Value::as_str).expect("a text");
    let id: String = bytes(json, &entry("/logId/keyId")).iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        r#"{{"body":"{}","integratedTime":{},"logID":"{id}","logIndex":{}}}"#,
        text("/canonicalizedBody"),
        text("/integratedTime"),
        text("/logIndex")
    )
    .into_bytes()
}
