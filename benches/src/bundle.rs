//! Real provenance, verified, and the signatures in it alone.

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

/// A bundle among the files of the crates that verify.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    file: &'static str,
    /// The repository and the workflow of the publisher whose it is.
    publisher: Option<(&'static str, &'static str)>,
}

impl Sample {
    /// The provenance of version 2.0.0 of the package `sigstore`, as npm made it in 2023: format 0.1, and an entry that repeats the
    /// statement and the certificate.
    pub const NPM: Self = Self {
        file: "sigstore-verify-0.15.1/test_data/bundles/sigstore.js@2.0.0-provenance.sigstore.json",
        publisher: Some(("sigstore/sigstore-js", "release.yml")),
    };

    /// A bundle in the form that tools write today: format 0.3, and an entry with digests. A test job signed another repository's
    /// statement, so that it is authenticated alone: no policy accepts it.
    pub const TODAY: Self =
        Self { file: "sigstore-bundle-0.15.1/tests/fixtures/happy-path.json", publisher: None };

    fn read(self) -> Vec<u8> {
        std::fs::read(file(self.file)).expect("the file")
    }
}

/// A registry that verifies a bundle, with every rule of npm's where its publisher is known.
pub struct Scene {
    verifier: Verifier,
    signer: Option<(SignerRules, Value)>,
    artifact: Artifact,
    bundle: Vec<u8>,
}

impl std::fmt::Debug for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scene").field("artifact", &self.artifact).finish_non_exhaustive()
    }
}

impl Scene {
    /// A registry that receives the sample.
    pub fn new(sample: Sample) -> Self {
        let bundle = sample.read();
        let json: Value = serde_json::from_slice(&bundle).expect("JSON");
        let signer = sample.publisher.map(|(repository, workflow)| {
            let publisher = GitHubPublisher::new(repository, workflow).into();
            let rules =
                SignerRules::new(&GitHub::public(), &publisher).expect("a table").expect("a publisher");
            (rules, json!(format!("git+https://github.com/{repository}.git")))
        });
        Self {
            verifier: Verifier::new(PUBLIC_TRUSTED_ROOT).expect("a trusted root"),
            signer,
            artifact: artifact(&json),
            bundle,
        }
    }

    /// Everything that a registry does at a publish.
    pub fn verify(&self) -> bool {
        let Some((signer, repository)) = &self.signer else {
            return self.verifier.authenticate(&self.bundle, &self.artifact).is_ok();
        };
        let policy = Policy::new(signer).repository(Some(repository)).public_source().hosted_runner();
        self.verifier.verify(&self.bundle, &self.artifact, &policy).is_ok()
    }
}

/// The signatures in the bundle, with parsed keys: the certificate's, that of its timestamp, the log's promise and
/// checkpoint, and that of the envelope.
#[derive(Debug)]
pub struct RawSignatures(Vec<(ParsedPublicKey, Vec<u8>, Vec<u8>)>);

impl RawSignatures {
    /// Those of a sample.
    pub fn new(sample: Sample) -> Self {
        let json: Value = serde_json::from_slice(&sample.read()).expect("JSON");
        let root: Value = serde_json::from_str(PUBLIC_TRUSTED_ROOT).expect("JSON");
        let one = "/verificationMaterial/certificate/rawBytes";
        let first = "/verificationMaterial/x509CertificateChain/certificates/0/rawBytes";
        let leaf = bytes(&json, if json.pointer(one).is_some() { one } else { first });
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

    /// Returns `true` if all hold.
    pub fn verify(&self) -> bool {
        self.0.iter().all(|(key, message, signature)| key.verify_sig(message, signature).is_ok())
    }
}

/// The file that the statement in a bundle is about.
fn artifact(bundle: &Value) -> Artifact {
    let statement: Value =
        serde_json::from_slice(&bytes(bundle, "/dsseEnvelope/payload")).expect("a statement");
    let subject = statement.pointer("/subject/0").expect("a subject");
    let name = subject.get("name").and_then(Value::as_str).expect("a name");
    let hex = |algorithm: &str| subject.pointer(&format!("/digest/{algorithm}")).and_then(Value::as_str);
    match (hex("sha512"), hex("sha256")) {
        (Some(sha512), _) => {
            let (name, version) = name.trim_start_matches("pkg:npm/").rsplit_once('@').expect("a version");
            Artifact::npm_with_digest(name, version, digest(sha512))
        }
        (None, sha256) => Artifact::file_with_digest(name, digest(sha256.expect("a digest"))),
    }
}

fn digest<const N: usize>(hex: &str) -> [u8; N] {
    let byte = |place| u8::from_str_radix(hex.get(place..place + 2).expect("hex"), 16).expect("hex");
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    bytes.try_into().expect("the algorithm's length")
}

fn file(name: &str) -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home =
        home.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cargo"));
    let registries = std::fs::read_dir(home.join("registry/src")).expect("cargo's sources");
    let mut files = registries.map(|registry| registry.expect("a folder").path().join(name));
    files.find(|file| file.exists()).expect("the sources of the crates that verify")
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
