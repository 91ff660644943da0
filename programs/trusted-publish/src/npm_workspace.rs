//! The folders of a workspace's members, where a command publishes one of them from another folder.

use std::path::PathBuf;

use oidc_core::Context;

use super::manifest::{MAX_PACKAGES, npm_folders};

/// So many folders above the working directory may be the workspace's root.
const MAX_PARENTS: usize = 16;
/// A member may be a root in turn so many times.
const MAX_DEPTH: usize = 4;

/// The members of the workspaces that the working directory may be in.
pub(super) fn folders(cx: &Context) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut roots: Vec<PathBuf> = (0..MAX_PARENTS).map(|level| PathBuf::from("../".repeat(level))).collect();
    for _ in 0..MAX_DEPTH {
        let members = roots.iter().flat_map(|root| npm_folders(root, cx)).take(MAX_PACKAGES);
        let new: Vec<PathBuf> = members.filter(|member| !found.contains(member)).collect();
        found.extend(new.iter().cloned());
        roots = new;
    }
    found
}
