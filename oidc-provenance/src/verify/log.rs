//! The proof that an entry is in its transparency log.
//!
//! `sigstore-verify` checks the log's promise to prove the time of the signature, and once more with the rest of the entry. A
//! signature check costs more than all else that is done with an entry, so where the promise proves the time, the rest of the
//! entry is checked here: with the functions of the same family of crates, in the same order.

use sigstore_verify::crypto::{Checkpoint, Keyring};
use sigstore_verify::types::bundle::InclusionProof;
use sigstore_verify::types::{KindVersion, TransparencyLogEntry};

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

/// Checks that the log signed the root of the proof.
fn check_checkpoint(
    entry: &TransparencyLogEntry,
    proof: &InclusionProof,
    keys: &Keyring,
) -> Result<(), Refusal> {
    let checkpoint = proof.checkpoint.checkpoint().ok_or_else(|| entry_refused("it has no checkpoint"))?;
    if *checkpoint.root_hash() != proof.root_hash {
        return Err(entry_refused("its checkpoint is of another tree than its proof"));
    }
    if is_signed(entry, checkpoint, keys) {
        return Ok(());
    }
    Err(entry_refused("no log in the trusted root signed its checkpoint"))
}

/// Returns `true` if a log signed the checkpoint whose key was good at the time of the entry. Hints of keys are short, and
/// witnesses sign as well, so every signature is tried whose hint is a log's.
fn is_signed(entry: &TransparencyLogEntry, checkpoint: &Checkpoint, keys: &Keyring) -> bool {
    let Some(time) = entry.integrated_time else { return false };
    let message = checkpoint.signed_data();
    checkpoint.signatures().iter().any(|signature| {
        let mut logs = keys.keys_by_hint(&signature.key_id, time);
        logs.any(|key| key.verify(message, &signature.signature).is_ok())
    })
}
