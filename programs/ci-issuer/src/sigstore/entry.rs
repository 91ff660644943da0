//! The entries that the transparency log takes, checked and brought into the form in which it stores them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::key::PublicKey;

/// A proposed entry (Rekor v1).
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum ProposedEntry {
    /// A DSSE envelope.
    Dsse {
        #[serde(rename = "apiVersion")]
        version: String,
        spec: DsseSpec,
    },
    /// The digest of a file, and its signature.
    HashedRekord {
        #[serde(rename = "apiVersion")]
        version: String,
        spec: Value,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DsseSpec {
    proposed_content: ProposedContent,
}

#[derive(Deserialize)]
struct ProposedContent {
    envelope: String,
    verifiers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload_type: String,
    payload: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

impl ProposedEntry {
    /// The entry as it is stored, in canonical JSON.
    ///
    /// # Errors
    ///
    /// With the reason why the log does not take it.
    pub(super) fn canonical(&self) -> Result<Vec<u8>, &'static str> {
        let (version, kind, spec) = match self {
            Self::Dsse { version, spec } => (version, "dsse", dsse(&spec.proposed_content)?),
            Self::HashedRekord { version, spec } => (version, "hashedrekord", hashed(spec)?),
        };
        if version != "0.0.1" {
            return Err("the version of the entry's type is unknown");
        }
        // The members of a map are sorted, and the texts are ASCII: this is RFC 8785's form.
        Ok(json!({ "apiVersion": version, "kind": kind, "spec": spec }).to_string().into_bytes())
    }
}

/// A proposed entry (Rekor v2): the digest of what is signed, and its signature.
#[derive(Deserialize)]
pub(super) struct TiledEntry {
    #[serde(rename = "hashedRekordRequestV002")]
    request: TiledRequest,
}

#[derive(Deserialize)]
struct TiledRequest {
    digest: String,
    signature: TiledSignature,
}

#[derive(Deserialize)]
struct TiledSignature {
    content: String,
    verifier: Value,
}

impl TiledEntry {
    /// The entry as it is stored, in canonical JSON.
    ///
    /// # Errors
    ///
    /// With the reason why the log does not take it.
    pub(super) fn canonical(&self) -> Result<Vec<u8>, &'static str> {
        let TiledRequest { digest, signature } = &self.request;
        let is_digest = STANDARD.decode(digest).is_ok_and(|digest| digest.len() == 32);
        let key = signature.verifier.pointer("/x509Certificate/rawBytes").and_then(Value::as_str);
        let key = key.and_then(|der| PublicKey::from_certificate(&STANDARD.decode(der).ok()?));
        if !is_digest || key.is_none() || STANDARD.decode(&signature.content).is_err() {
            return Err("the entry has no digest, no signature or no certificate");
        }
        let content = json!({
            "data": { "algorithm": "SHA2_256", "digest": digest },
            "signature": { "content": signature.content, "verifier": signature.verifier },
        });
        let entry = json!({
            "apiVersion": "0.0.2", "kind": "hashedrekord", "spec": { "hashedRekordV002": content },
        });
        Ok(entry.to_string().into_bytes())
    }
}

fn dsse(proposed: &ProposedContent) -> Result<Value, &'static str> {
    let envelope: Envelope =
        serde_json::from_str(&proposed.envelope).map_err(|_| "the envelope is no DSSE envelope")?;
    let payload = STANDARD.decode(&envelope.payload).map_err(|_| "the payload is no Base64")?;
    let ([signature], [verifier]) = (envelope.signatures.as_slice(), proposed.verifiers.as_slice()) else {
        return Err("expected one signature and one verifier");
    };
    if !is_signed_by(verifier, &pae(&envelope.payload_type, &payload), &signature.sig) {
        return Err("the verifier's key did not make the signature");
    }
    let verifier = with_line_feeds(verifier).ok_or("the verifier is no PEM")?;
    let digest = |content: &[u8]| json!({ "algorithm": "sha256", "value": hex(content) });
    Ok(json!({
        "envelopeHash": digest(proposed.envelope.as_bytes()),
        "payloadHash": digest(&payload),
        "signatures": [{ "signature": signature.sig, "verifier": verifier }],
    }))
}

/// The digest's signature is not checked, since that takes the file; the other members have to be there.
fn hashed(spec: &Value) -> Result<Value, &'static str> {
    let member = |path: &str| spec.pointer(path).and_then(Value::as_str);
    let (Some(digest), Some(signature), Some(key)) =
        (member("/data/hash/value"), member("/signature/content"), member("/signature/publicKey/content"))
    else {
        return Err("the entry has no digest, no signature or no public key");
    };
    Ok(json!({
        "data": { "hash": { "algorithm": "sha256", "value": digest } },
        "signature": { "content": signature, "publicKey": { "content": key } },
    }))
}

fn is_signed_by(verifier: &str, message: &[u8], signature: &str) -> bool {
    let key = STANDARD.decode(verifier).ok().and_then(|pem| PublicKey::from_pem(&pem));
    let signature = STANDARD.decode(signature).ok();
    key.zip(signature).is_some_and(|(key, signature)| key.verifies(message, &signature))
}

/// A verifier, PEM in base64, with the line ends that the public log stores whatever its client sent: Python's verifier compares
/// the text.
fn with_line_feeds(verifier: &str) -> Option<String> {
    let pem = String::from_utf8(STANDARD.decode(verifier).ok()?).ok()?;
    Some(STANDARD.encode(format!("{}\n", pem.replace("\r\n", "\n").trim_end())))
}

/// DSSE's pre-authentication encoding.
fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

fn hex(content: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_stored_with_line_feeds_and_one_at_its_end() {
        for sent in ["a\r\nb\r\n", "a\nb\n", "a\nb"] {
            assert_eq!(with_line_feeds(&STANDARD.encode(sent)), Some(STANDARD.encode("a\nb\n")));
        }
    }
}
