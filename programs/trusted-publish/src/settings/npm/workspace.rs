//! The folders of a workspace's members, where a command publishes one of them from another folder.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::destination::Destination;
use crate::manifest::{MAX_MEMBERS, npm_folders};

/// So many folders above the working directory may be the workspace's root.
const MAX_PARENTS: usize = 16;
/// A member may be a root in turn so many times.
const MAX_DEPTH: usize = 4;

/// The members of the workspaces that the working directory may be in.
pub(crate) fn folders(destination: &Destination<'_>) -> Vec<PathBuf> {
    let mut found: BTreeSet<PathBuf> = BTreeSet::new();
    let mut roots: Vec<PathBuf> = (0..MAX_PARENTS).map(|level| PathBuf::from("../".repeat(level))).collect();
    for _ in 0..MAX_DEPTH {
        let members = roots.iter().flat_map(|root| npm_folders(root, destination.cx));
        let new: BTreeSet<PathBuf> = members.filter(|member| !found.contains(member)).collect();
        found.extend(new.iter().cloned());
        roots = new.into_iter().collect();
        if found.len() > MAX_MEMBERS {
            roots.clear();
        }
    }
    if !roots.is_empty() || found.len() > MAX_MEMBERS {
        // npm and pnpm are asked themselves.
        destination.overlook(&["yarn", "bun"], format!(
            "the workspace has more than {MAX_MEMBERS} packages, or workspaces within more than {MAX_DEPTH} others, whose manifests are not read"
        ));
    }
    found.into_iter().collect()
}
