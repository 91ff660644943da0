//! The comparison of the `Cargo.toml` in a `.crate` file, by which cargo builds, with the metadata that was sent with it, by which cargo
//! resolves.
//!
//! `cargo package` rewrites the manifest: nothing is inherited from a workspace, and paths are left out (the Cargo Book,
//! "cargo package"). So the two are compared as values: dependencies by kind and target, requirements by the versions that they accept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use semver::{Version, VersionReq};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::index::{Dependency, Features};

/// The size of a manifest, in bytes.
pub(super) const MAX_MANIFEST: u64 = 256 << 10;
/// The signs that begin tables, keys and values, or stand between them.
const SIGNS: &[u8] = b"[{.=,";
/// The number of these signs in a manifest. A small table takes a hundred times as much memory as its text, and no table or value has
/// fewer than one.
const MAX_SIGNS: usize = 20_000;
/// The URLs by which cargo names the public registry, of either of its indexes.
const PUBLIC: [&str; 2] = ["https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];

/// A manifest and the metadata that was sent with it differ.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidManifest {
    #[error("can't be read: {0}")]
    Toml(#[from] toml::de::Error),
    #[error("is not UTF-8")]
    NotText,
    #[error(
        "has {0} of the signs `[`, `{{`, `.`, `=` and `,`, expected at most {MAX_SIGNS}; leave out the tables that cargo does not read"
    )]
    Signs(usize),
    #[error("has the dependency `{name}` with the requirement `{requirement}`, which is none")]
    Requirement { name: String, requirement: String },
    #[error(
        "has the dependency `{0}`, which `cargo package` did not write so: it leaves out paths and what is inherited"
    )]
    NotPackaged(String),
    #[error(
        "has `{field}` {found}, and the metadata that was sent with it has {sent}; publish it with `cargo publish`"
    )]
    Differs { field: &'static str, found: String, sent: String },
}

/// The parts of a manifest that are compared.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Manifest {
    package: Package,
    #[serde(flatten)]
    dependencies: Sections,
    #[serde(default)]
    target: BTreeMap<String, Sections>,
    #[serde(default)]
    features: Features,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Package {
    name: String,
    version: String,
    links: Option<String>,
    rust_version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sections {
    #[serde(default)]
    dependencies: BTreeMap<String, Wanted>,
    #[serde(default, alias = "dev_dependencies")]
    dev_dependencies: BTreeMap<String, Wanted>,
    #[serde(default, alias = "build_dependencies")]
    build_dependencies: BTreeMap<String, Wanted>,
}

impl Sections {
    /// The dependencies of each kind.
    fn kinds(&self) -> [(&'static str, &BTreeMap<String, Wanted>); 3] {
        [("normal", &self.dependencies), ("dev", &self.dev_dependencies), ("build", &self.build_dependencies)]
    }
}

/// A dependency in a manifest.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Wanted {
    Short(String),
    Long(Box<Table>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Table {
    version: Option<String>,
    package: Option<String>,
    registry_index: Option<String>,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    optional: bool,
    #[serde(alias = "default_features")]
    default_features: Option<bool>,
    /// The first of the keys that `cargo package` leaves out.
    path: Option<IgnoredAny>,
    git: Option<IgnoredAny>,
    workspace: Option<IgnoredAny>,
    registry: Option<IgnoredAny>,
}

/// A dependency in the form that is the same for all its spellings.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    kind: String,
    target: Option<String>,
    /// The name that the manifest uses.
    name: String,
    package: String,
    requirement: String,
    registry: Registry,
    features: BTreeSet<String>,
    optional: bool,
    default_features: bool,
}

/// The registry that a dependency comes from.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Registry {
    Public,
    /// This registry, or the one with this URL.
    Other(Option<String>),
}

/// The metadata that was sent with a manifest.
pub(super) struct Sent<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) dependencies: &'a [Dependency],
    pub(super) features: &'a Features,
    pub(super) links: Option<&'a str>,
    pub(super) rust_version: Option<&'a str>,
}

/// Checks that a manifest agrees with the metadata that was sent with it.
pub(super) fn compare(manifest: &[u8], sent: &Sent<'_>) -> Result<(), InvalidManifest> {
    let text = str::from_utf8(manifest).map_err(|_| InvalidManifest::NotText)?;
    let signs = manifest.iter().filter(|byte| SIGNS.contains(byte)).count();
    if signs > MAX_SIGNS {
        return Err(InvalidManifest::Signs(signs));
    }
    let manifest: Manifest = toml::from_str(text)?;
    let package = &manifest.package;
    same("package.name", Some(&package.name), Some(sent.name))?;
    let version = Version::parse(&package.version).map(|version| version.to_string());
    same("package.version", Some(version.as_deref().unwrap_or(&package.version)), Some(sent.version))?;
    same("package.links", package.links.as_deref(), sent.links)?;
    same("package.rust-version", package.rust_version.as_deref(), sent.rust_version)?;
    let features = |features: &Features| -> BTreeSet<String> {
        features.iter().map(|(name, values)| format!("{name} = {values:?}")).collect()
    };
    differing("features", &features(&manifest.features), &features(sent.features))?;
    let sent = sent.dependencies.iter().map(Need::of_sent).collect::<Result<BTreeSet<_>, _>>()?;
    let mut found = needs(&manifest)?;
    // Where the metadata names no registry, it is the one that was published to, whose URL only the client knows.
    for need in &mut found {
        need.forget_url(&sent);
    }
    let found: BTreeSet<Need> = found.into_iter().collect();
    let texts = |needs: &BTreeSet<Need>, others: &BTreeSet<Need>| -> BTreeSet<String> {
        needs.difference(others).map(ToString::to_string).collect()
    };
    differing("dependencies", &texts(&found, &sent), &texts(&sent, &found))
}

fn same(field: &'static str, found: Option<&str>, sent: Option<&str>) -> Result<(), InvalidManifest> {
    let shown = |value: Option<&str>| value.map_or("missing".to_owned(), |value| format!("`{value:.100}`"));
    if found == sent {
        Ok(())
    } else {
        Err(InvalidManifest::Differs { field, found: shown(found), sent: shown(sent) })
    }
}

fn differing(
    field: &'static str,
    found: &BTreeSet<String>,
    sent: &BTreeSet<String>,
) -> Result<(), InvalidManifest> {
    let first = |these: &BTreeSet<String>, others: &BTreeSet<String>| {
        let only = these.difference(others).next();
        only.map_or("nothing of the kind".to_owned(), |text| format!("`{text:.300}`"))
    };
    if found == sent {
        Ok(())
    } else {
        Err(InvalidManifest::Differs { field, found: first(found, sent), sent: first(sent, found) })
    }
}

/// All dependencies of a manifest that cargo sends.
fn needs(manifest: &Manifest) -> Result<Vec<Need>, InvalidManifest> {
    let mut needs = Vec::new();
    let anywhere = (None, &manifest.dependencies);
    let targets = manifest.target.iter().map(|(target, sections)| (Some(target.as_str()), sections));
    for (target, sections) in std::iter::once(anywhere).chain(targets) {
        for (kind, wanted) in sections.kinds() {
            for (name, wanted) in wanted {
                needs.push(Need::of_manifest(kind, target, name, wanted)?);
            }
        }
    }
    Ok(needs)
}

impl Need {
    fn of_sent(dependency: &Dependency) -> Result<Self, InvalidManifest> {
        let name = dependency.explicit_name_in_toml.as_deref().unwrap_or(&dependency.name);
        Ok(Self {
            kind: dependency.kind.clone().unwrap_or_else(|| "normal".to_owned()),
            target: dependency.target.as_deref().map(condition),
            name: name.to_owned(),
            package: dependency.name.clone(),
            requirement: requirement(name, &dependency.version_req)?,
            registry: match dependency.registry.as_deref() {
                Some(url) => Registry::at(url),
                None => Registry::Other(None),
            },
            features: dependency.features.iter().cloned().collect(),
            optional: dependency.optional,
            default_features: dependency.default_features,
        })
    }

    fn of_manifest(
        kind: &str,
        target: Option<&str>,
        name: &str,
        wanted: &Wanted,
    ) -> Result<Self, InvalidManifest> {
        let mut need = Self::named(kind, target, name);
        match wanted {
            Wanted::Short(version) => need.requirement = requirement(name, version)?,
            Wanted::Long(table) => need.read(table)?,
        }
        Ok(need)
    }

    /// A dependency on the public crate of this name.
    fn named(kind: &str, target: Option<&str>, name: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            target: target.map(condition),
            name: name.to_owned(),
            package: name.to_owned(),
            requirement: String::new(),
            registry: Registry::Public,
            features: BTreeSet::new(),
            optional: false,
            default_features: true,
        }
    }

    /// Reads the long form of a dependency.
    fn read(&mut self, table: &Table) -> Result<(), InvalidManifest> {
        let is_packaged = table.path.is_none()
            && table.git.is_none()
            && table.workspace.is_none()
            && table.registry.is_none();
        if !is_packaged {
            return Err(InvalidManifest::NotPackaged(self.name.clone()));
        }
        self.requirement = requirement(&self.name, table.version.as_deref().unwrap_or("*"))?;
        self.package = table.package.clone().unwrap_or_else(|| self.name.clone());
        self.registry = table.registry_index.as_deref().map_or(Registry::Public, Registry::at);
        self.features = table.features.iter().cloned().collect();
        self.optional = table.optional;
        self.default_features = table.default_features.unwrap_or(true);
        Ok(())
    }

    /// Forgets the URL of a registry that the metadata doesn't name.
    fn forget_url(&mut self, sent: &BTreeSet<Self>) {
        if self.registry == Registry::Public {
            return;
        }
        let named = std::mem::replace(&mut self.registry, Registry::Other(None));
        if !sent.contains(self) {
            self.registry = named;
        }
    }
}

impl Registry {
    fn at(url: &str) -> Self {
        if PUBLIC.contains(&url) { Self::Public } else { Self::Other(Some(url.to_owned())) }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}", self.name, self.requirement, self.kind)?;
        if let Some(target) = &self.target {
            write!(f, " for {target}")?;
        }
        if self.package != self.name {
            write!(f, ", package {}", self.package)?;
        }
        write!(f, ", from {}", self.registry)?;
        if !self.features.is_empty() {
            write!(f, ", features {:?}", self.features)?;
        }
        let optional = if self.optional { ", optional" } else { "" };
        let default = if self.default_features { "" } else { ", without default features" };
        write!(f, "{optional}{default})")
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "crates.io",
            Self::Other(None) => "this registry",
            Self::Other(Some(url)) => url,
        })
    }
}

/// A requirement as cargo writes it: `1` is `^1`.
fn requirement(name: &str, text: &str) -> Result<String, InvalidManifest> {
    VersionReq::parse(text).map(|requirement| requirement.to_string()).map_err(|_| {
        InvalidManifest::Requirement { name: name.to_owned(), requirement: text.chars().take(100).collect() }
    })
}

/// A target without the spaces and last commas of its condition, which cargo sends as it would write them. What is in quotes
/// is another target where it has other spaces.
fn condition(target: &str) -> String {
    let outside = |text: &str| text.replace(char::is_whitespace, "").replace(",)", ")");
    let parts = target.split('"').enumerate();
    let parts = parts.map(|(index, part)| if index % 2 == 0 { outside(part) } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("\"")
}

#[cfg(test)]
mod tests;
