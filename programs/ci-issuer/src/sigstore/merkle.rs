//! The Merkle tree of a log (RFC 6962, section 2.1), over the hash functions of `sigstore-merkle`. That crate checks proofs;
//! these functions make them.

use sigstore_merkle::hash_children;
use sigstore_types::Sha256Hash;

/// The root hash of a tree of these leaf hashes; `None` without leaves, since no checkpoint of an empty log is ever asked for.
pub(super) fn root(leaves: &[Sha256Hash]) -> Option<Sha256Hash> {
    match leaves {
        [] => None,
        [leaf] => Some(*leaf),
        _ => {
            let (left, right) = leaves.split_at_checked(split(leaves.len()))?;
            Some(hash_children(&root(left)?, &root(right)?))
        }
    }
}

/// The hashes that lead from the leaf at `index` to the root, the lowest first.
pub(super) fn proof(leaves: &[Sha256Hash], index: usize) -> Option<Vec<Sha256Hash>> {
    if leaves.len() < 2 {
        return (index < leaves.len()).then(Vec::new);
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at_checked(at)?;
    let (mut path, sibling) = match index.checked_sub(at) {
        Some(index) => (proof(right, index)?, root(left)?),
        None => (proof(left, index)?, root(right)?),
    };
    path.push(sibling);
    Some(path)
}

/// The largest power of two below a number of leaves, which is at least two.
fn split(leaves: usize) -> usize {
    leaves.div_ceil(2).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use sigstore_merkle::{hash_leaf, verify_inclusion_proof};

    use super::*;

    #[test]
    fn every_leaf_of_every_small_tree_is_proven_to_the_verifier_of_the_crate() {
        let leaves: Vec<Sha256Hash> = (0..40_u8).map(|leaf| hash_leaf(&[leaf])).collect();
        for size in 1..=leaves.len() {
            let tree = &leaves[..size];
            let root = root(tree).unwrap();
            for (index, leaf) in tree.iter().enumerate() {
                let path = proof(tree, index).unwrap();
                verify_inclusion_proof(leaf, index as u64, size as u64, &path, &root).unwrap();
            }
            assert!(proof(tree, size).is_none());
        }
    }
}
