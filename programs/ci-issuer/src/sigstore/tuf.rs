//! A repository of The Update Framework: one key for all roles, consistent snapshots.

use std::collections::BTreeMap;
use std::time::Duration;

use data_encoding::HEXLOWER;
use jiff::Timestamp as Date;
use oidc_core::Timestamp;
use olpc_cjson::CanonicalFormatter;
use serde::Serialize as _;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::SigstoreError;
use super::key::SigningKey;

/// The specification that the metadata follows.
const SPECIFICATION: &str = "1.0.31";
/// The validity of the metadata.
const VALID: Duration = Duration::from_secs(365 * 24 * 3600);

/// A repository and the files that it serves.
pub(super) struct Repository {
    key: SigningKey,
    key_id: String,
    expires: String,
    version: u64,
    targets: BTreeMap<String, Vec<u8>>,
    root: Vec<u8>,
    /// By path, without a slash before it.
    served: BTreeMap<String, Vec<u8>>,
}

impl Repository {
    pub(super) fn new(now: Timestamp) -> Result<Self, SigstoreError> {
        let key = SigningKey::generate()?;
        let key_id = HEXLOWER.encode(&Sha256::digest(canonical(&public(&key))?));
        let expires = rfc_3339(now.plus(VALID))?;
        let (targets, served, root) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut repository = Self { key, key_id, expires, version: 0, targets, root, served };
        repository.root = repository.signed_root()?;
        repository.publish(BTreeMap::new())?;
        Ok(repository)
    }

    /// The trusted root of the repository, which a client has to have beforehand.
    pub(super) fn root(&self) -> &[u8] {
        &self.root
    }

    /// A file that the repository serves.
    pub(super) fn file(&self, path: &str) -> Option<&[u8]> {
        self.served.get(path).map(Vec::as_slice)
    }

    /// Adds targets, or replaces those of the same name, in a new version of the metadata.
    pub(super) fn publish(&mut self, targets: BTreeMap<String, Vec<u8>>) -> Result<(), SigstoreError> {
        self.targets.extend(targets);
        self.version = self.version.saturating_add(1);
        let version = self.version;
        let mut listed = Map::new();
        let mut served = BTreeMap::from([("1.root.json".to_owned(), self.root.clone())]);
        for (name, content) in &self.targets {
            let digest = HEXLOWER.encode(&Sha256::digest(content));
            served.insert(hashed_path(name, &digest), content.clone());
            listed.insert(name.clone(), json!({ "hashes": { "sha256": digest }, "length": content.len() }));
        }
        let meta = |name: &str| vec![("meta", json!({ name: { "version": version } }))];
        let targets = self.signed("targets", version, vec![("targets", listed.into())])?;
        served.insert(format!("{version}.targets.json"), targets);
        let snapshot = self.signed("snapshot", version, meta("targets.json"))?;
        served.insert(format!("{version}.snapshot.json"), snapshot);
        let timestamp = self.signed("timestamp", version, meta("snapshot.json"))?;
        served.insert("timestamp.json".to_owned(), timestamp);
        self.served = served;
        Ok(())
    }

    fn signed_root(&self) -> Result<Vec<u8>, SigstoreError> {
        let role = json!({ "keyids": [self.key_id], "threshold": 1 });
        let members = vec![
            ("consistent_snapshot", json!(true)),
            ("keys", json!({ &self.key_id: public(&self.key) })),
            ("roles", json!({ "root": role, "snapshot": role, "targets": role, "timestamp": role })),
        ];
        self.signed("root", 1, members)
    }

    /// The metadata of a role, with its signature.
    fn signed(&self, role: &str, version: u64, members: Members) -> Result<Vec<u8>, SigstoreError> {
        let common = [
            ("_type", json!(role)),
            ("expires", json!(self.expires)),
            ("spec_version", json!(SPECIFICATION)),
            ("version", json!(version)),
        ];
        let members: Value =
            members.into_iter().chain(common).map(|(name, value)| (name.to_owned(), value)).collect();
        let signature = HEXLOWER.encode(&self.key.sign(&canonical(&members)?)?);
        let signatures = json!([{ "keyid": self.key_id, "sig": signature }]);
        Ok(json!({ "signatures": signatures, "signed": members }).to_string().into_bytes())
    }
}

/// Members of a role's metadata, beside those of every role.
type Members = Vec<(&'static str, Value)>;

/// The path of a target, with its digest before the file's name.
fn hashed_path(name: &str, digest: &str) -> String {
    match name.rsplit_once('/') {
        Some((folder, file)) => format!("targets/{folder}/{digest}.{file}"),
        None => format!("targets/{digest}.{name}"),
    }
}

fn public(key: &SigningKey) -> Value {
    json!({
        "keytype": "ecdsa",
        "keyval": { "public": key.public_pem() },
        "scheme": "ecdsa-sha2-nistp256",
    })
}

/// The form of JSON that signatures are made over.
fn canonical(value: &Value) -> Result<Vec<u8>, SigstoreError> {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, CanonicalFormatter::new());
    value.serialize(&mut serializer).map_err(|error| SigstoreError::Encoding(error.to_string()))?;
    Ok(out)
}

/// A time in the form that TUF and Sigstore write.
pub(super) fn rfc_3339(at: Timestamp) -> Result<String, SigstoreError> {
    let date = Date::from_second(at.as_signed_secs()).map_err(|_| SigstoreError::Time)?;
    Ok(date.to_string())
}
