//! The transparency log.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use oidc_core::Timestamp;
use serde_json::{Value, json};
use sigstore_merkle::hash_leaf;
use sigstore_types::Sha256Hash;

use super::key::SigningKey;
use super::{SigstoreError, merkle};

/// The number that a log's entries have in their ids, and that stands in its checkpoints.
const TREE: u64 = 0x5ca1_ab1e;

/// The index of the first entry over all of the log's trees. It is no index in the tree of proofs, as in the public log, and not
/// 0, which protobuf's JSON leaves out.
const FIRST: usize = 1_000;

/// A transparency log (Rekor), in memory.
pub(super) struct Log {
    /// The key that the trusted root names.
    pub(super) key: SigningKey,
    /// The key that signs, where that is another one.
    pub(super) wrong_key: Option<SigningKey>,
    /// The name in checkpoints: the host and the port of the log's URL.
    pub(super) origin: String,
    pub(super) entries: Mutex<Vec<Entry>>,
}

/// An entry of the log.
#[derive(Clone)]
pub(super) struct Entry {
    body: Vec<u8>,
    integrated: Timestamp,
    hash: Sha256Hash,
}

impl Entry {
    fn id(&self) -> String {
        format!("{TREE:016x}{}", self.hash.to_hex())
    }
}

/// A proposed entry that is in the log now.
pub(super) struct Added {
    pub(super) id: String,
    /// False where an equivalent entry was there before.
    pub(super) is_new: bool,
    /// The entry as the log answers with it.
    pub(super) shown: Value,
}

impl Log {
    /// Adds an entry by version 1 of the interface, unless it is there.
    pub(super) fn add(&self, body: Vec<u8>, now: Timestamp) -> Result<Added, SigstoreError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Entry { hash: hash_leaf(&body), body, integrated: now };
        let id = entry.id();
        let (index, is_new) = placed(&mut entries, entry);
        Ok(Added { id, is_new, shown: self.shown(&entries, index)? })
    }

    /// Adds an entry by version 2 of the interface, unless it is there, and returns it as bundles have it. It tells no time.
    pub(super) fn add_tiled(&self, body: Vec<u8>, now: Timestamp) -> Result<Value, SigstoreError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Entry { hash: hash_leaf(&body), body, integrated: now };
        let (index, _) = placed(&mut entries, entry);
        let Proven { entry, root, path } = proven(&entries, index)?;
        let number = index.to_string();
        Ok(json!({
            "logIndex": number,
            "logId": { "keyId": STANDARD.encode(self.key.id()) },
            "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" },
            "inclusionProof": {
                "logIndex": number,
                "rootHash": root.to_base64(),
                "treeSize": entries.len().to_string(),
                "hashes": path.iter().map(Sha256Hash::to_base64).collect::<Vec<_>>(),
                "checkpoint": { "envelope": self.checkpoint(entries.len(), &root)? },
            },
            "canonicalizedBody": STANDARD.encode(&entry.body),
        }))
    }

    /// The entry of an id.
    pub(super) fn entry(&self, id: &str) -> Result<Option<Value>, SigstoreError> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // An id may stand there without the tree's.
        let is_asked = |entry: &Entry| entry.id() == id || entry.hash.to_hex() == id;
        entries.iter().position(is_asked).map(|index| self.shown(&entries, index)).transpose()
    }

    /// The entry of an index over all of the log's trees.
    pub(super) fn numbered_entry(&self, index: usize) -> Result<Option<Value>, SigstoreError> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let index = index.checked_sub(FIRST).filter(|index| *index < entries.len());
        index.map(|index| self.shown(&entries, index)).transpose()
    }

    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// An entry, its proof of inclusion, the checkpoint of the whole log, and the promise that it stays.
    fn shown(&self, entries: &[Entry], index: usize) -> Result<Value, SigstoreError> {
        let Proven { entry, root, path } = proven(entries, index)?;
        let body = STANDARD.encode(&entry.body);
        let (integrated, index_of_all) = (entry.integrated.as_secs(), FIRST.saturating_add(index));
        let log_id = HEXLOWER.encode(&self.key.id());
        let promised =
            json!({ "body": body, "integratedTime": integrated, "logID": log_id, "logIndex": index_of_all });
        // The members are sorted and the texts are ASCII: this is RFC 8785's form.
        let promise = self.sign(promised.to_string().as_bytes())?;
        let proof = json!({
            "logIndex": index,
            "rootHash": root.to_hex(),
            "treeSize": entries.len(),
            "hashes": path.iter().map(Sha256Hash::to_hex).collect::<Vec<_>>(),
            "checkpoint": self.checkpoint(entries.len(), &root)?,
        });
        Ok(json!({ entry.id(): {
            "body": body,
            "integratedTime": integrated,
            "logID": log_id,
            "logIndex": index_of_all,
            "verification": { "signedEntryTimestamp": STANDARD.encode(promise), "inclusionProof": proof },
        } }))
    }

    /// A signed note about the log's size and root hash.
    fn checkpoint(&self, size: usize, root: &Sha256Hash) -> Result<String, SigstoreError> {
        let note = format!("{} - {TREE}\n{size}\n{}\n", self.origin, root.to_base64());
        let signature = self.sign(note.as_bytes())?;
        let [a, b, c, d, ..] = self.key.id();
        let signature = STANDARD.encode([&[a, b, c, d][..], &signature].concat());
        Ok(format!("{note}\n\u{2014} {} {signature}\n", self.origin))
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigstoreError> {
        self.wrong_key.as_ref().unwrap_or(&self.key).sign(message)
    }
}

/// The index of an entry in the log, and whether it was added.
fn placed(entries: &mut Vec<Entry>, entry: Entry) -> (usize, bool) {
    if let Some(known) = entries.iter().position(|other| other.hash == entry.hash) {
        return (known, false);
    }
    entries.push(entry);
    (entries.len().saturating_sub(1), true)
}

/// An entry, the root hash of the whole log, and the hashes that lead to it.
struct Proven<'a> {
    entry: &'a Entry,
    root: Sha256Hash,
    path: Vec<Sha256Hash>,
}

fn proven(entries: &[Entry], index: usize) -> Result<Proven<'_>, SigstoreError> {
    let hashes: Vec<Sha256Hash> = entries.iter().map(|entry| entry.hash).collect();
    match (entries.get(index), merkle::root(&hashes), merkle::proof(&hashes, index)) {
        (Some(entry), Some(root), Some(path)) => Ok(Proven { entry, root, path }),
        _ => Err(SigstoreError::Encoding(format!("the log has no entry {index}"))),
    }
}
