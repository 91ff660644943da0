//! The JSON form of a bundle, read into the library's types.
//!
//! The library's own reader copies members before it knows which they are, and searches Base64 for the alphabet of URLs before it
//! decodes it. A bundle is Base64 for the most part, so that reading cost more than anything else around the signatures. Members
//! that are small are read by the library's types.

use jiff::Timestamp;
use sigstore_verify::types::bundle::{CertificateContent, CheckpointData, VerificationMaterialContent};
use sigstore_verify::types::{
    Bundle, CanonicalizedBody, DerCertificate, DsseEnvelope, DsseSignature, InclusionPromise, InclusionProof,
    KeyId, KindVersion, LogId, LogIndex, LogKeyId, MediaType, MessageSignature, PayloadBytes,
    PublicKeyIdentifier, SignatureBytes, SignatureContent, SignedTimestamp, TimestampVerificationData,
    TransparencyLogEntry, VerificationMaterial, X509Certificate,
};

use super::base64::{Bytes, Hash};
use crate::bundle::BOUNDS;
use crate::json;

/// Reads a bundle within its bounds. The error is a clause for the end of a message.
pub(super) fn read(json: &[u8]) -> Result<Bundle, String> {
    let document: Document = json::read(json, BOUNDS)?;
    let material = document.verification_material.material()?;
    let content = match (document.dsse_envelope, document.message_signature) {
        (Some(envelope), None) => SignatureContent::DsseEnvelope(envelope.envelope()?),
        (None, Some(signature)) => SignatureContent::MessageSignature(signature),
        _ => return Err("expected one of `dsseEnvelope`, `messageSignature`".to_owned()),
    };
    Ok(Bundle::new(document.media_type, material, content))
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    /// Bundles that name no type are of the first format.
    #[serde(default = "first_format")]
    media_type: MediaType,
    verification_material: Material,
    dsse_envelope: Option<Envelope>,
    message_signature: Option<MessageSignature>,
}

fn first_format() -> MediaType {
    MediaType::Bundle0_1
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material {
    certificate: Option<Certificate>,
    x509_certificate_chain: Option<Chain>,
    public_key: Option<PublicKeyIdentifier>,
    #[serde(default)]
    tlog_entries: Vec<Entry>,
    timestamp_verification_data: Option<TimestampVerificationData>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    raw_bytes: Bytes,
}

#[derive(serde::Deserialize)]
struct Chain {
    certificates: Vec<Certificate>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    log_index: LogIndex,
    log_id: Log,
    kind_version: KindVersion,
    /// Seconds since the epoch, in the form of an index.
    integrated_time: Option<LogIndex>,
    inclusion_promise: Option<Promise>,
    inclusion_proof: Option<Proof>,
    canonicalized_body: Bytes,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    key_id: Bytes,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Promise {
    signed_entry_timestamp: Bytes,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    #[serde(default)]
    log_index: LogIndex,
    root_hash: Hash,
    /// A number of entries, in the form of an index.
    tree_size: LogIndex,
    #[serde(default)]
    hashes: Vec<Hash>,
    #[serde(default)]
    checkpoint: CheckpointData,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload_type: String,
    payload: Bytes,
    signatures: Vec<Signature>,
}

#[derive(serde::Deserialize)]
struct Signature {
    sig: Bytes,
    #[serde(default)]
    keyid: KeyId,
}

impl Material {
    fn material(self) -> Result<VerificationMaterial, String> {
        let content = match (self.certificate, self.x509_certificate_chain, self.public_key) {
            (Some(certificate), None, None) => {
                VerificationMaterialContent::Certificate(CertificateContent::new(certificate.der()))
            }
            (None, Some(chain), None) => {
                let certificates = chain.certificates.into_iter();
                let certificates = certificates.map(|one| X509Certificate::new(one.der())).collect();
                VerificationMaterialContent::X509CertificateChain { certificates }
            }
            (None, None, Some(key)) => VerificationMaterialContent::PublicKey(key),
            _ => {
                return Err("expected one of `certificate`, `x509CertificateChain`, `publicKey`".to_owned());
            }
        };
        let entries = self.tlog_entries.into_iter().map(Entry::entry).collect::<Result<_, _>>()?;
        let timestamps = self.timestamp_verification_data.unwrap_or_default();
        let material = VerificationMaterial::new(content).with_tlog_entries(entries);
        Ok(material.with_timestamp_verification_data(timestamps))
    }
}

impl Certificate {
    fn der(self) -> DerCertificate {
        DerCertificate::new(self.raw_bytes.0)
    }
}

impl Entry {
    fn entry(self) -> Result<TransparencyLogEntry, String> {
        let body = CanonicalizedBody::new(self.canonicalized_body.0);
        let log = LogId::new(LogKeyId::new(self.log_id.key_id.0));
        let mut entry = TransparencyLogEntry::new(self.log_index, log, self.kind_version, body);
        // Protobuf's JSON leaves out a time of zero, which is none.
        if let Some(seconds) = self.integrated_time.filter(|seconds| seconds.get() != 0) {
            let time = Timestamp::from_second(seconds.as_i64()).map_err(|error| error.to_string())?;
            entry.integrated_time = Some(time);
        }
        let promise = |promise: Promise| SignedTimestamp::new(promise.signed_entry_timestamp.0);
        entry.inclusion_promise = self.inclusion_promise.map(promise).map(InclusionPromise::new);
        entry.inclusion_proof = self.inclusion_proof.map(Proof::proof);
        Ok(entry)
    }
}

impl Proof {
    fn proof(self) -> InclusionProof {
        let hashes = self.hashes.into_iter().map(|hash| hash.0).collect();
        InclusionProof::new(self.log_index, self.root_hash.0, self.tree_size.get(), hashes, self.checkpoint)
    }
}

impl Envelope {
    fn envelope(self) -> Result<DsseEnvelope, String> {
        let count = self.signatures.len();
        let Ok([signature]) = <[Signature; 1]>::try_from(self.signatures) else {
            return Err(format!("the envelope has {count} signatures, expected one"));
        };
        let signature = DsseSignature::new(SignatureBytes::new(signature.sig.0), signature.keyid);
        Ok(DsseEnvelope::new(self.payload_type, PayloadBytes::new(self.payload.0), signature))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn bundle() -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": "MIIC" },
                "tlogEntries": [{
                    "logIndex": "7",
                    "logId": { "keyId": "AAAA" },
                    "kindVersion": { "kind": "dsse", "version": "0.0.1" },
                    "integratedTime": "1767225600",
                    "inclusionPromise": { "signedEntryTimestamp": "MEUC" },
                    "inclusionProof": {
                        "logIndex": "7",
                        "rootHash": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                        "treeSize": "8",
                        "hashes": ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
                    },
                    "canonicalizedBody": "e30=",
                }],
                "timestampVerificationData": { "rfc3161Timestamps": [{ "signedTimestamp": "MAA=" }] },
            },
            "dsseEnvelope": {
                "payload": "e30=",
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{ "sig": "MEUC", "keyid": "a key" }],
            },
        })
    }

    /// Sets a member, or removes it where the value is missing.
    fn with(at: &str, name: &str, value: Option<Value>) -> String {
        let mut bundle = bundle();
        let members = bundle.pointer_mut(at).and_then(Value::as_object_mut).unwrap();
        match value {
            Some(value) => members.insert(name.to_owned(), value),
            None => members.remove(name),
        };
        bundle.to_string()
    }

    const ROOT: &str = "";
    const MATERIAL: &str = "/verificationMaterial";
    const ENTRY: &str = "/verificationMaterial/tlogEntries/0";
    const PROOF: &str = "/verificationMaterial/tlogEntries/0/inclusionProof";
    const ENVELOPE: &str = "/dsseEnvelope";

    #[test]
    fn a_bundle_is_what_the_librarys_reader_makes_of_it() {
        let chain = json!({ "certificates": [{ "rawBytes": "MIIC" }, { "rawBytes": "MIID" }] });
        let mut chained = bundle();
        let material = chained.pointer_mut(MATERIAL).and_then(Value::as_object_mut).unwrap();
        material.remove("certificate");
        material.insert("x509CertificateChain".to_owned(), chain);
        let mut plain = bundle();
        let members = plain.as_object_mut().unwrap();
        members.remove("dsseEnvelope");
        members.insert("messageSignature".to_owned(), json!({ "signature": "MEUC" }));
        for json in [
            bundle().to_string(),
            chained.to_string(),
            plain.to_string(),
            with(ROOT, "mediaType", None),
            with(ROOT, "mediaType", Some(json!("application/vnd.dev.sigstore.bundle+json;version=0.2"))),
            with(ROOT, "unknown", Some(json!({ "a": [1, null] }))),
            with(MATERIAL, "tlogEntries", None),
            with(MATERIAL, "tlogEntries", Some(json!([]))),
            with(MATERIAL, "timestampVerificationData", None),
            with(MATERIAL, "timestampVerificationData", Some(Value::Null)),
            with(MATERIAL, "timestampVerificationData", Some(json!({}))),
            with(ENTRY, "logIndex", None),
            with(ENTRY, "logIndex", Some(json!(7))),
            with(ENTRY, "integratedTime", None),
            with(ENTRY, "integratedTime", Some(json!("0"))),
            with(ENTRY, "integratedTime", Some(json!(1_767_225_600))),
            with(ENTRY, "inclusionPromise", Some(Value::Null)),
            with(ENTRY, "inclusionProof", Some(Value::Null)),
            with(ENTRY, "logId", Some(json!({ "keyId": "-_-_" }))),
            with(PROOF, "logIndex", None),
            with(PROOF, "hashes", None),
            with(PROOF, "treeSize", Some(json!(8))),
            with(PROOF, "rootHash", Some(json!("0a".repeat(32)))),
            with(PROOF, "rootHash", Some(json!(format!("{}8", "-_".repeat(21))))),
            with(
                PROOF,
                "checkpoint",
                Some(
                    json!({ "envelope": "log\n8\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u{2014} log AAAAAAAA\n" }),
                ),
            ),
            with(ENTRY, "canonicalizedBody", Some(json!("e30"))),
            with(ENVELOPE, "payload", Some(json!("-_-_"))),
            with(ENVELOPE, "payload", Some(json!("+/+/"))),
            with(ENVELOPE, "payload", Some(json!("\u{0}"))).replace("\\u0000", "\\u0065\\u0033\\u0030="),
            with(ENVELOPE, "signatures", Some(json!([{ "sig": "MEUC" }]))),
        ] {
            assert_eq!(read(json.as_bytes()).unwrap(), Bundle::from_json(&json).unwrap(), "{json}");
        }
    }

    #[test]
    fn what_the_librarys_reader_refuses_is_refused() {
        for json in [
            "{}".to_owned(),
            "[]".to_owned(),
            with(ROOT, "mediaType", Some(Value::Null)),
            with(ROOT, "mediaType", Some(json!("application/json"))),
            with(ROOT, "verificationMaterial", None),
            with(ROOT, "dsseEnvelope", None),
            with(MATERIAL, "certificate", None),
            with(MATERIAL, "certificate", Some(json!({}))),
            with(MATERIAL, "tlogEntries", Some(Value::Null)),
            with(ENTRY, "logId", None),
            with(PROOF, "rootHash", Some(json!(""))),
            with(PROOF, "rootHash", Some(json!(format!("{}B=", "A".repeat(42))))),
            with(PROOF, "rootHash", Some(json!("A".repeat(44)))),
            with(PROOF, "rootHash", Some(json!([]))),
            with(PROOF, "treeSize", None),
            with(PROOF, "treeSize", Some(json!("-1"))),
            with(PROOF, "hashes", Some(Value::Null)),
            with(PROOF, "hashes", Some(json!(["AAAA"]))),
            with(ENTRY, "kindVersion", Some(json!({ "kind": "alpine", "version": "0.0.1" }))),
            with(ENTRY, "logIndex", Some(json!("-1"))),
            with(ENTRY, "integratedTime", Some(json!("253402300800"))),
            with(ENTRY, "integratedTime", Some(json!(1.5))),
            with(ENTRY, "canonicalizedBody", None),
            with(ENTRY, "canonicalizedBody", Some(json!("e30=="))),
            with(ENTRY, "canonicalizedBody", Some(json!("e3 0="))),
            with(ENTRY, "canonicalizedBody", Some(json!("e31="))),
            with(ENTRY, "canonicalizedBody", Some(json!("e30=e30="))),
            with(ENVELOPE, "payload", Some(json!("-_+/"))),
            with(ENVELOPE, "payload", Some(json!(["e30="]))),
            with(ENVELOPE, "payloadType", None),
            with(ENVELOPE, "signatures", Some(json!([]))),
            with(ENVELOPE, "signatures", Some(json!([{ "sig": "MEUC" }, { "sig": "MEUC" }]))),
        ] {
            assert!(Bundle::from_json(&json).is_err(), "{json}");
            assert!(read(json.as_bytes()).is_err(), "{json}");
        }
    }
}
