//! The proof that an entry is in its transparency log.
//!
//! `sigstore-verify` checks the log's promise to prove the time of the signature, and once more with the rest of the entry. A
//! signature check costs more than all else that is done with an entry, so where the promise proves the time, the rest of the
//! entry is checked here: with the functions of the same family of crates, in the same order.

use sigstore_verify::crypto::{Checkpoint, Keyring};
use sigstore_verify::types::bundle::InclusionProof;
use sigstore_verify::types::{KindVersion, Sha256Hash, TransparencyLogEntry};

use super::refused::entry_refused;
use crate::refusal::Refusal;

/// Returns `true` if the entry is one of a log of version 1, whose promise covers the time and is checked with it.
pub(super) fn promises_its_time(entry: &TransparencyLogEntry) -> bool {
    let is_first_version = matches!(
        entry.kind_version,
        KindVersion::HashedRekordV001 | KindVersion::DsseV001 | KindVersion::IntotoV002
    );
    is_first_version && entry.inclusion_promise.is_some() && entry.integrated_time.is_some()
}

/// Checks the proof of inclusion and the checkpoint of an entry that [`promises_its_time`]. An entry of a bundle of the first
/// format may have neither: its promise stands for them.
pub(super) fn check(entry: &TransparencyLogEntry, keys: &Keyring) -> Result<(), Refusal> {
    let Some(proof) = &entry.inclusion_proof else { return Ok(()) };
    let leaf = sigstore_merkle::hash_leaf(entry.canonicalized_body.as_bytes());
    let index = proof.log_index.get();
    sigstore_merkle::verify_inclusion_proof(&leaf, index, proof.tree_size, &proof.hashes, &proof.root_hash)
        .map_err(|error| entry_refused(&error.to_string()))?;
    check_checkpoint(entry, proof, keys)
}

/// Checks that the log that has the entry signed the tree of the proof.
fn check_checkpoint(
    entry: &TransparencyLogEntry,
    proof: &InclusionProof,
    keys: &Keyring,
) -> Result<(), Refusal> {
    let checkpoint = proof.checkpoint.checkpoint().ok_or_else(|| entry_refused("it has no checkpoint"))?;
    if *checkpoint.root_hash() != proof.root_hash || checkpoint.tree_size() != proof.tree_size {
        return Err(entry_refused("its checkpoint is of another tree than its proof"));
    }
    if is_signed(entry, checkpoint, keys) {
        return Ok(());
    }
    Err(entry_refused("its log did not sign its checkpoint"))
}

/// Returns `true` if the entry's log signed the checkpoint, with a key that was good at the time of the entry. Hints of keys are
/// short, and witnesses sign as well, so every signature is tried that has the key's hint.
fn is_signed(entry: &TransparencyLogEntry, checkpoint: &Checkpoint, keys: &Keyring) -> bool {
    let (Ok(id), Some(time)) = (Sha256Hash::try_from(entry.log_id.key_id.as_bytes()), entry.integrated_time)
    else {
        return false;
    };
    let Some(key) = keys.key_at(&id, time) else { return false };
    let mut signatures = checkpoint.signatures().iter();
    signatures.any(|signature| {
        id.as_bytes().starts_with(signature.key_id.as_bytes())
            && key.verify(checkpoint.signed_data(), &signature.signature).is_ok()
    })
}
