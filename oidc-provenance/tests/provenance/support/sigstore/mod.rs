//! A Sigstore instance of one key each, made in memory: an authority, a certificate transparency log and a
//! transparency log, whose every answer a test can spoil. The tests of a registry include this folder too.

pub(crate) mod certificate;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oidc_provenance::PAYLOAD_TYPE;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::EncodePublicKey as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::der::{Encode as _, EncodePem as _, pem::LineEnding};

pub(crate) use self::certificate::{Sct, Template};

/// The time at which everything is signed, in seconds since the epoch: 2026-01-01.
pub(crate) const NOW: u64 = 1_767_225_600;

/// The beginning of the validity of keys and authorities.
const BEGINNING: &str = "2025-01-01T00:00:00Z";

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn unbase64(text: &Value) -> Vec<u8> {
    STANDARD.decode(text.as_str().unwrap()).unwrap()
}

pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key that is the same in every run.
pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

pub(crate) fn spki(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_public_key_der().unwrap().into_vec()
}

pub(crate) fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: DerSignature = key.sign(message);
    signature.as_bytes().to_vec()
}

/// An instance of Sigstore.
pub(crate) struct Sigstore {
    pub(crate) authority: SigningKey,
    pub(crate) root: Certificate,
    pub(crate) certificate_log: SigningKey,
    pub(crate) log: SigningKey,
}

/// A bundle to be made.
pub(crate) struct Signing {
    pub(crate) template: Template,
    pub(crate) payload_type: &'static str,
    pub(crate) statement: String,
    pub(crate) integrated: u64,
}

impl Signing {
    pub(crate) fn new(template: Template, statement: impl Into<String>) -> Self {
        Self { template, payload_type: PAYLOAD_TYPE, statement: statement.into(), integrated: NOW }
    }
}

impl Sigstore {
    /// An instance with keys of its own for each number.
    pub(crate) fn new(number: u8) -> Self {
        let key = |offset| key(number * 8 + offset);
        let authority = key(1);
        let root = certificate::root(&authority, &format!("CN=authority {number}"));
        Self { root, authority, certificate_log: key(2), log: key(3) }
    }

    pub(crate) fn trusted_root(&self) -> String {
        let log = |key: &SigningKey, url: &str| {
            json!([{
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": base64(spki(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": { "start": BEGINNING },
                },
                "logId": { "keyId": base64(sha256(spki(key))) },
            }])
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": log(&self.log, "https://log.example"),
            "ctlogs": log(&self.certificate_log, "https://certificates.example"),
            "certificateAuthorities": [{
                "subject": { "organization": "example", "commonName": "authority" },
                "uri": "https://authority.example",
                "certChain": { "certificates": [{ "rawBytes": base64(self.root.to_der().unwrap()) }] },
                "validFor": { "start": BEGINNING },
            }],
            "timestampAuthorities": [],
        })
        .to_string()
    }

    /// Signs a statement as `npm publish --provenance` does.
    pub(crate) fn sign(&self, signing: &Signing) -> Value {
        let job = key(200);
        let certificate = signing.template.issue(self, &job);
        let der = certificate.to_der().unwrap();
        let payload = signing.statement.as_bytes();
        let signature = sign(&job, &pae(signing.payload_type, payload));
        let entry = self.entry(&certificate, payload, &signature, signing.integrated);
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": base64(der) },
                "tlogEntries": [entry],
                "timestampVerificationData": {},
            },
            "dsseEnvelope": {
                "payload": base64(payload),
                "payloadType": signing.payload_type,
                "signatures": [{ "sig": base64(signature) }],
            },
        })
    }

    fn entry(&self, certificate: &Certificate, payload: &[u8], signature: &[u8], time: u64) -> Value {
        let pem = certificate.to_pem(LineEnding::LF).unwrap();
        let body = json!({
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": { "algorithm": "sha256", "value": hex(sha256(b"envelope")) },
                "payloadHash": { "algorithm": "sha256", "value": hex(sha256(payload)) },
                "signatures": [{ "signature": base64(signature), "verifier": base64(pem) }],
            },
        });
        self.logged(&body.to_string(), ("dsse", "0.0.1"), time)
    }

    /// The log's answer for the second entry of a log of two.
    pub(crate) fn logged(&self, body: &str, kind: (&str, &str), time: u64) -> Value {
        let leaf = |body: &[u8]| sha256([&[0], body].concat());
        let (other, own) = (leaf(b"the first entry"), leaf(body.as_bytes()));
        let root = sha256([&[1][..], &other, &own].concat());
        let id = sha256(spki(&self.log));
        // Members in the order of RFC 8785.
        let promise = format!(
            r#"{{"body":"{}","integratedTime":{time},"logID":"{}","logIndex":1}}"#,
            base64(body),
            hex(id)
        );
        let note = format!("log.example - 1\n2\n{}\n", base64(root));
        let signed = [&id[..4], &sign(&self.log, note.as_bytes())].concat();
        json!({
            "logIndex": "1",
            "logId": { "keyId": base64(id) },
            "kindVersion": { "kind": kind.0, "version": kind.1 },
            "integratedTime": time.to_string(),
            "inclusionPromise": { "signedEntryTimestamp": base64(sign(&self.log, promise.as_bytes())) },
            "inclusionProof": {
                "logIndex": "1",
                "rootHash": base64(root),
                "treeSize": "2",
                "hashes": [base64(other)],
                "checkpoint": { "envelope": format!("{note}\n\u{2014} log.example {}\n", base64(signed)) },
            },
            "canonicalizedBody": base64(body),
        })
    }
}

/// The bytes that the signature of an envelope is over.
pub(crate) fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}
