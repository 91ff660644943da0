//! The packages of npm's ecosystem that a command may publish, whichever one `--package` names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::workspace;
use crate::destination::{Destination, MAX_PARENTS};

/// yarn's word for a command in each member of a workspace.
const EACH: &str = "foreach";

/// UTF-8's byte order mark, which the tools pass over.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The settings for a publish, by their keys.
pub(crate) type PublishConfig = BTreeMap<String, Value>;

/// A manifest, as far as it decides where its package is published.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Manifest {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    private: Value,
    #[serde(default, rename = "publishConfig")]
    pub(crate) publish: PublishConfig,
    /// `true` if it is not the JSON that npm and yarn want; bun reads more.
    #[serde(skip)]
    pub(crate) is_unread: bool,
}

impl Manifest {
    fn read(path: &Path, destination: &Destination<'_>) -> Option<Self> {
        let bytes = destination.file(path)?;
        let value = serde_json::from_slice(bytes.strip_prefix(BOM).unwrap_or(&bytes));
        // Of several members with one name the last counts.
        let manifest = value.and_then(|value: Value| serde_json::from_value(value));
        Some(manifest.unwrap_or_else(|_| Self { is_unread: true, ..Self::default() }))
    }

    /// Returns `true` if it may be the package's that `--package` names.
    pub(crate) fn is_of_package(&self, destination: &Destination<'_>) -> bool {
        self.name.is_none() || self.name.as_deref() == destination.package
    }

    /// Returns `true` if it is a member of a workspace that the command chooses.
    fn is_chosen(&self, destination: &Destination<'_>) -> bool {
        let is_named = |argument: &str| argument == EACH || Some(argument) == self.name.as_deref();
        self.name.as_deref() == destination.package || destination.arguments().any(is_named)
    }

    /// The scope of the package, without its `@`.
    pub(crate) fn scope(&self) -> Option<&str> {
        scope_of(self.name.as_deref()?)
    }
}

/// The scope of a package's name, without its `@`.
pub(crate) fn scope_of(name: &str) -> Option<&str> {
    name.strip_prefix('@')?.split_once('/').map(|(scope, _)| scope)
}

/// The manifests of the packages that the command may publish: those nearest to the folders that it is run in or names, and those of
/// members of a workspace that it chooses. Of a program that may run any tool, only that of the package that is named.
pub(crate) fn manifests(destination: &Destination<'_>) -> Vec<Manifest> {
    let is_elsewhere = destination.values_of("--cwd").next().is_some();
    let folders = destination.folders().skip(usize::from(is_elsewhere));
    let near = folders.filter_map(|folder| nearest(&folder, destination));
    let publishes = destination.publishes();
    let near = near.filter(|manifest| publishes || manifest.is_of_package(destination));
    let members = workspace::folders(destination).into_iter();
    let members = members.filter_map(|folder| Manifest::read(&folder.join("package.json"), destination));
    let chosen = members.filter(|manifest| manifest.is_chosen(destination));
    near.chain(chosen).filter(|manifest| manifest.private != true).collect()
}

/// The manifest in a folder, or else in the nearest one above it.
fn nearest(folder: &Path, destination: &Destination<'_>) -> Option<Manifest> {
    let above = (1..MAX_PARENTS).map(|level| folder.join("../".repeat(level)));
    let mut folders = std::iter::once(PathBuf::from(folder)).chain(above);
    folders.find_map(|folder| Manifest::read(&folder.join("package.json"), destination))
}

/// The scopes of those packages, and of the one that is named, without their `@`.
pub(crate) fn scopes(destination: &Destination<'_>) -> BTreeSet<String> {
    let named = destination.package.and_then(scope_of).into_iter();
    let manifests = manifests(destination);
    let found = manifests.iter().filter_map(Manifest::scope);
    named.chain(found).map(str::to_owned).collect()
}
