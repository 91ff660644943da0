//! Packages, prefixes of their names, and whose a package is.

use std::fmt;

use async_trait::async_trait;
use oidc_core::shown;
use serde::{Deserialize, Serialize};

use super::store::StoreError;
use crate::crates_io::CrateName;
use crate::npm::PackageName;
use crate::pypi::ProjectName;
use crate::rubygems::GemName;

/// What separates the parts of a name, in every ecosystem together.
const SEPARATORS: [char; 4] = ['-', '_', '.', '/'];
/// A prefix has at most this many separators, so that a name has no more prefixes to look up.
const MAX_SEPARATORS: usize = 32;
/// The longest prefix, in bytes: npm's names are the longest.
const MAX_PREFIX: usize = 214;

/// A package of one of the registry's ecosystems, or all packages whose names begin with a [prefix](Package::prefix).
///
/// A prefix equals no package, whatever that is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(try_from = "Unchecked")]
pub struct Package {
    /// The protocol that it is published by, such as `npm`.
    pub ecosystem: String,
    /// Its name, as the protocol normalises it; of a prefix, the beginning of the names.
    pub name: String,
    #[serde(rename = "prefix", skip_serializing_if = "std::ops::Not::not")]
    is_prefix: bool,
}

impl Package {
    /// A package from its two parts.
    pub fn new(ecosystem: impl Into<String>, name: impl Into<String>) -> Self {
        Self { ecosystem: ecosystem.into(), name: name.into(), is_prefix: false }
    }

    /// All packages of an ecosystem whose names begin with `prefix` and go on after it.
    ///
    /// It ends at a separator (`-`, `_`, `.` or `/`), so that `acme-` is for `acme-widget` and neither for `acme` nor for
    /// `acmeevil`, and an npm scope ends with its slash. It is normalised by the rule of the ecosystem where that is `npm`, `pypi`,
    /// `cargo` or `rubygems`; one of another ecosystem has to be normalised already.
    ///
    /// ```
    /// use oidc_exchange::server::Package;
    ///
    /// let prefix = Package::prefix("pypi", "Acme_")?;
    /// assert_eq!(prefix.to_string(), "acme-* (pypi)");
    /// assert!(prefix.covers(&Package::new("pypi", "acme-widget")));
    /// assert!(!prefix.covers(&Package::new("pypi", "acme")));
    /// assert!(Package::prefix("npm", "@acme").is_err(), "`@acme-evil/widget` begins with it");
    /// # Ok::<(), oidc_exchange::server::InvalidPrefix>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it does not end at a separator, or no name of the ecosystem begins with it.
    pub fn prefix(ecosystem: impl Into<String>, prefix: &str) -> Result<Self, InvalidPrefix> {
        let ecosystem = ecosystem.into();
        let invalid = || InvalidPrefix(prefix.chars().take(MAX_PREFIX).collect());
        let name = normalized(&ecosystem, prefix).filter(|name| is_prefix(name)).ok_or_else(invalid)?;
        Ok(Self { ecosystem, name, is_prefix: true })
    }

    /// Whether it is a prefix of packages' names.
    pub fn is_prefix(&self) -> bool {
        self.is_prefix
    }

    /// Whether it is a prefix of the other one's name.
    pub fn covers(&self, package: &Self) -> bool {
        let rest = package.name.strip_prefix(&*self.name);
        self.is_prefix
            && !package.is_prefix
            && self.ecosystem == package.ecosystem
            && rest.is_some_and(|rest| !rest.is_empty())
    }

    /// Whether some package is of both: they are equal, or a prefix covers or begins the other one.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let both = self.is_prefix && other.is_prefix && self.ecosystem == other.ecosystem;
        let begins = self.name.starts_with(&*other.name) || other.name.starts_with(&*self.name);
        self == other || self.covers(other) || other.covers(self) || both && begins
    }

    /// The prefixes that cover it, the shortest first. There are at most 32.
    pub(super) fn prefixes(&self) -> Vec<Self> {
        let of = |prefix: &str| Self {
            ecosystem: self.ecosystem.clone(),
            name: prefix.to_owned(),
            is_prefix: true,
        };
        if self.is_prefix {
            Vec::new()
        } else {
            ends(&self.name).filter_map(|end| Some(of(self.name.get(..end)?))).collect()
        }
    }

    /// The name as people write it: that of a prefix ends with `*`.
    pub fn label(&self) -> String {
        if self.is_prefix { format!("{}*", self.name) } else { self.name.clone() }
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.is_prefix { "*" } else { "" };
        write!(f, "{}{star} ({})", shown(&self.name), self.ecosystem)
    }
}

/// The ends of a name's prefixes. The name goes on after each, and the scope of an npm name is whole.
fn ends(name: &str) -> impl Iterator<Item = usize> {
    let scope = if name.starts_with('@') { name.find('/').unwrap_or(name.len()) } else { 1 };
    let ends = name.match_indices(SEPARATORS).filter(move |(at, _)| *at >= scope).map(|(at, _)| at + 1);
    ends.filter(|end| *end < name.len()).take(MAX_SEPARATORS)
}

/// Whether a normalised text is one of the prefixes of the names that begin with it.
fn is_prefix(text: &str) -> bool {
    let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '@');
    let is_shown = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*');
    begins && is_shown && text.len() <= MAX_PREFIX && ends(&format!("{text}a")).last() == Some(text.len())
}

/// A prefix as the ecosystem normalises names; `None` where no name begins with it.
fn normalized(ecosystem: &str, prefix: &str) -> Option<String> {
    // Bounded before another letter is put behind it.
    let name = (prefix.len() <= MAX_PREFIX).then(|| format!("{prefix}a"))?;
    let mut name = match ecosystem {
        "npm" => PackageName::parse(&name).ok()?.as_str().to_owned(),
        "pypi" => ProjectName::parse(&name).ok()?.normalized(),
        "cargo" => CrateName::parse(&name).ok()?.canonical(),
        "rubygems" => GemName::parse(&name).ok()?.as_str().to_owned(),
        _ => name,
    };
    name.pop();
    Some(name)
}

/// A package as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    ecosystem: String,
    name: String,
    #[serde(default)]
    prefix: bool,
}

impl TryFrom<Unchecked> for Package {
    type Error = InvalidPrefix;

    fn try_from(read: Unchecked) -> Result<Self, Self::Error> {
        if read.prefix {
            Self::prefix(read.ecosystem, &read.name)
        } else {
            Ok(Self::new(read.ecosystem, read.name))
        }
    }
}

/// A text is not a prefix of packages' names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not a prefix of packages' names: expected the beginning of a name up to a separator (`-`, `_`, `.` or `/`), such as \
     `acme-`; an npm scope with its slash, such as `@acme/`",
    shown(.0)
)]
pub struct InvalidPrefix(String);

/// An owner of a package, or whose a publisher is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageOwner {
    /// The registry's operator: every package of a registry without accounts.
    Operator,
    /// An account, as [`PublisherRecord::account`](super::PublisherRecord::account) names it.
    Account(String),
}

impl PackageOwner {
    /// An account's name.
    pub fn account(name: impl Into<String>) -> Self {
        Self::Account(name.into())
    }

    /// The owner that a publisher's account stands for.
    pub(crate) fn of_publisher(account: Option<&str>) -> Self {
        account.map_or(Self::Operator, Self::account)
    }

    /// The account's name; none of the operator.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Operator => None,
            Self::Account(name) => Some(name),
        }
    }
}

/// Tells an [`Exchange`](super::Exchange) whose a package is, at an endpoint that names one: a publisher for a prefix of names lets
/// a job in for packages of its own account, and nobody but the application knows which those are.
///
/// ```
/// use oidc_exchange::server::{Package, PackageOwner, PackageOwners, StoreError};
///
/// /// A registry without accounts: all of its packages are the operator's.
/// #[derive(Debug)]
/// struct Names(Vec<String>);
///
/// #[async_trait::async_trait]
/// impl PackageOwners for Names {
///     async fn owners(&self, package: &Package) -> Result<Vec<PackageOwner>, StoreError> {
///         let is_there = self.0.contains(&package.name);
///         Ok(is_there.then_some(PackageOwner::Operator).into_iter().collect())
///     }
/// }
/// ```
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait PackageOwners: fmt::Debug + Send + Sync {
    /// The owners of a package; none where there is no such package. The first 32 are looked at.
    ///
    /// Every caller waits for it, so that it has to take the same time whether the package exists or not.
    ///
    /// # Errors
    ///
    /// When they can't be looked up.
    async fn owners(&self, package: &Package) -> Result<Vec<PackageOwner>, StoreError>;
}

#[cfg(test)]
mod tests;
