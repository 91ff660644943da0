//! The registry's own attestation of a publish: what npm's registry makes for each version, signed with the registry's key and
//! entered in a transparency log.

use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use oidc_core::HttpUrl;
use oidc_core::http::{Method, Request};
use oidc_provenance::{Artifact, BUNDLE_TYPE, PAYLOAD_TYPE};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Kept, Provenance, RegistryKey};
use crate::failure::Failure;

/// The type of the predicate, as npm's clients know it.
pub(crate) const PUBLISH: &str = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";
/// The deadline for the log.
const DEADLINE: Duration = Duration::from_secs(15);
/// The limit on its answer, in bytes.
const MAX_ANSWER: usize = 256 << 10;

/// A version that is about to be published.
pub(crate) struct Version<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) artifact: &'a Artifact,
    /// The URL of this registry.
    pub(crate) registry: &'a str,
}

impl Provenance {
    /// Attests a publish, and returns the bundle; `None` where the registry has no key or no log.
    pub(crate) async fn attest(&self, version: &Version<'_>) -> Result<Option<Value>, Failure> {
        let Some(kept) = &self.kept else { return Ok(None) };
        let (Some(key), Some(log)) = (&kept.key, &kept.log) else { return Ok(None) };
        kept.attest(version, key, log).await.map(Some).map_err(|why| {
            tracing::error!(%why, %log, "a publish can't be entered in the transparency log");
            let message = "the transparency log in which this registry enters each publish can't be used now, and nothing was \
                           published; try again later";
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, message)
        })
    }
}

impl Kept {
    async fn attest(&self, version: &Version<'_>, key: &RegistryKey, log: &HttpUrl) -> Result<Value, String> {
        let statement = statement(version);
        let message = format!("DSSEv1 {} {PAYLOAD_TYPE} {} {statement}", PAYLOAD_TYPE.len(), statement.len());
        let sig = key.sign(message.as_bytes()).ok_or("the registry's key can't sign")?;
        let payload = STANDARD.encode(&statement);
        let signatures = json!([{ "keyid": key.id(), "sig": sig }]);
        let envelope = json!({ "payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": signatures });
        let entry = self.enter(&envelope, key, log).await?;
        Ok(json!({
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": {
                "publicKey": { "hint": key.id() },
                "tlogEntries": [entry],
                "timestampVerificationData": {},
            },
            "dsseEnvelope": envelope,
        }))
    }

    /// Enters an envelope in the log, and returns the entry as bundles have it.
    async fn enter(&self, envelope: &Value, key: &RegistryKey, log: &HttpUrl) -> Result<Value, String> {
        let proposed = json!({
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": { "proposedContent": {
                "envelope": envelope.to_string(),
                "verifiers": [STANDARD.encode(key.public_pem())],
            } },
        });
        let request = Request::new(Method::Post, log.below("/api/v1/log/entries"))
            .body("application/json", proposed.to_string())
            .max_body(MAX_ANSWER)
            .deadline(DEADLINE);
        let answer = self.cx.http().send(request).await.map_err(|error| error.to_string())?;
        if answer.status != 201 {
            return Err(format!("it answered {}", answer.status));
        }
        let entries: Map<String, Value> =
            serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
        let entry = entries.into_iter().next().ok_or("it answered without an entry")?.1;
        let entry: Entry = serde_json::from_value(entry).map_err(|error| error.to_string())?;
        entry.in_bundle().ok_or_else(|| "it answered with something else than an entry".to_owned())
    }
}

/// The statement that is attested: this registry published these bytes as this version.
fn statement(version: &Version<'_>) -> String {
    let digest = version.artifact.digest();
    json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "subject": [{ "name": version.artifact.name(), "digest": { digest.algorithm(): digest.hex() } }],
        "predicateType": PUBLISH,
        "predicate": { "name": version.name, "version": version.version, "registry": version.registry },
    })
    .to_string()
}

/// An entry as the log answers with it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    body: String,
    integrated_time: u64,
    #[serde(rename = "logID")]
    log_id: String,
    log_index: u64,
    verification: Verification,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    signed_entry_timestamp: String,
    inclusion_proof: InclusionProof,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InclusionProof {
    log_index: u64,
    root_hash: String,
    tree_size: u64,
    hashes: Vec<String>,
    checkpoint: String,
}

impl Entry {
    fn in_bundle(&self) -> Option<Value> {
        let proof = &self.verification.inclusion_proof;
        let bytes = |hex: &String| Some(STANDARD.encode(HEXLOWER.decode(hex.as_bytes()).ok()?));
        Some(json!({
            "logIndex": self.log_index.to_string(),
            "logId": { "keyId": bytes(&self.log_id)? },
            "kindVersion": { "kind": "dsse", "version": "0.0.1" },
            "integratedTime": self.integrated_time.to_string(),
            "inclusionPromise": { "signedEntryTimestamp": self.verification.signed_entry_timestamp },
            "inclusionProof": {
                "logIndex": proof.log_index.to_string(),
                "rootHash": bytes(&proof.root_hash)?,
                "treeSize": proof.tree_size.to_string(),
                "hashes": proof.hashes.iter().map(bytes).collect::<Option<Vec<_>>>()?,
                "checkpoint": { "envelope": proof.checkpoint },
            },
            "canonicalizedBody": self.body,
        }))
    }
}
