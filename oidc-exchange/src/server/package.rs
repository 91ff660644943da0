//! Packages, and prefixes of their names.

mod name;

use std::fmt;

use oidc_core::shown;
use serde::{Deserialize, Serialize};

pub use self::name::InvalidPackage;

/// The separators of the parts of a name, of all ecosystems together.
const SEPARATORS: [char; 4] = ['-', '_', '.', '/'];
/// The largest number of separators in a prefix, which limits the number of prefixes that are looked up for a name.
const MAX_SEPARATORS: usize = 32;
/// The limit on a prefix, in bytes: that of npm's names, which are the longest.
const MAX_PREFIX: usize = 214;

/// A package of one of the registry's ecosystems, or all packages whose names begin with a [prefix](Package::prefix).
///
/// A prefix never equals a package, even one with the same name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(try_from = "Unchecked")]
pub struct Package {
    /// The protocol of its publishes, such as `npm`.
    pub ecosystem: String,
    /// Its name, normalized as the protocol does; for a prefix, the beginning of the names. A store that keeps it in a
    /// column keeps [`is_prefix`](Self::is_prefix) beside it, or a prefix becomes the package of that name.
    pub name: String,
    #[serde(rename = "prefix", skip_serializing_if = "std::ops::Not::not")]
    is_prefix: bool,
}

impl Package {
    /// A package of an ecosystem and a name, which is normalized by the rule of the ecosystems `npm`, `pypi`, `cargo` and
    /// `rubygems`, so that every spelling of a name is the same package. A name of another ecosystem must be normalized
    /// already. [`Package::check`] refuses a name that no package of its ecosystem can have; here it stays as it is.
    ///
    /// ```
    /// use oidc_exchange::server::Package;
    ///
    /// assert_eq!(Package::new("pypi", "My_Package"), Package::new("pypi", "my-package"));
    /// assert_eq!(Package::new("cargo", "my_crate").name, "my-crate");
    /// assert_ne!(Package::new("npm", "My-Package"), Package::new("npm", "my-package"));
    /// ```
    pub fn new(ecosystem: impl Into<String>, name: impl Into<String>) -> Self {
        let (ecosystem, name) = (ecosystem.into(), name.into());
        let name = name::normalized(&ecosystem, &name).unwrap_or(name);
        Self::stored(ecosystem, name)
    }

    /// A package whose name is normalized.
    pub(crate) fn stored(ecosystem: String, name: String) -> Self {
        Self { ecosystem, name, is_prefix: false }
    }

    /// Checks that a package of the ecosystem can have the name. Of an ecosystem other than `npm`, `pypi`, `cargo` and
    /// `rubygems`, every name of 1 to 255 visible characters can be one.
    ///
    /// ```
    /// use oidc_exchange::server::Package;
    ///
    /// assert!(Package::new("npm", "@acme/widget").check().is_ok());
    /// let error = Package::new("npm", "acme/widget").check().unwrap_err();
    /// assert!(error.to_string().contains("`acme/widget`"));
    /// ```
    ///
    /// # Errors
    ///
    /// When the ecosystem has no such names, with their rule.
    pub fn check(&self) -> Result<(), InvalidPackage> {
        // A prefix was checked when it was made.
        if self.is_prefix { Ok(()) } else { name::normalized(&self.ecosystem, &self.name).map(drop) }
    }

    /// All packages of an ecosystem whose names begin with `prefix` and go on after it.
    ///
    /// `prefix` ends with a separator (`-`, `_`, `.` or `/`): `acme-` is for `acme-widget`, and neither for `acme`
    /// nor for `acmeevil`. An npm scope ends with its slash. A single letter before the separator is enough, since a
    /// prefix's publishers are for the packages of their own account, however short it is. The prefix is normalized by the rule of the
    /// ecosystems `npm`, `pypi`, `cargo` and `rubygems`; a prefix of another ecosystem must be normalized already.
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
    /// When the prefix does not end with a separator, or no name of the ecosystem begins with it.
    pub fn prefix(ecosystem: impl Into<String>, prefix: &str) -> Result<Self, InvalidPrefix> {
        let ecosystem = ecosystem.into();
        let invalid = || InvalidPrefix(prefix.chars().take(MAX_PREFIX).collect());
        let name = normalized(&ecosystem, prefix).filter(|name| is_prefix(name)).ok_or_else(invalid)?;
        Ok(Self { ecosystem, name, is_prefix: true })
    }

    /// Returns `true` if this is a prefix of packages' names.
    pub fn is_prefix(&self) -> bool {
        self.is_prefix
    }

    /// Returns `true` if this is a prefix of the other package's name.
    pub fn covers(&self, package: &Self) -> bool {
        let rest = package.name.strip_prefix(&*self.name);
        self.is_prefix
            && !package.is_prefix
            && self.ecosystem == package.ecosystem
            && rest.is_some_and(|rest| !rest.is_empty())
    }

    /// Returns `true` if some package belongs to both: they are equal, or one is a prefix that covers the other or
    /// is the beginning of the other prefix.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let both = self.is_prefix && other.is_prefix && self.ecosystem == other.ecosystem;
        let begins = self.name.starts_with(&*other.name) || other.name.starts_with(&*self.name);
        self == other || self.covers(other) || other.covers(self) || both && begins
    }

    /// Returns the prefixes that cover the package, at most 32, the shortest first.
    pub(crate) fn prefixes(&self) -> Vec<Self> {
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

    /// Returns the name for people: that of a prefix ends with `*`.
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

/// Returns the ends of a name's prefixes. The name continues after each of them, and no prefix ends within the
/// scope of an npm name.
fn ends(name: &str) -> impl Iterator<Item = usize> {
    let scope = if name.starts_with('@') { name.find('/').unwrap_or(name.len()) } else { 1 };
    let ends = name.match_indices(SEPARATORS).filter(move |(at, _)| *at >= scope).map(|(at, _)| at + 1);
    ends.filter(|end| *end < name.len()).take(MAX_SEPARATORS)
}

/// Returns `true` if a normalized text is one of the prefixes of the names that begin with it.
fn is_prefix(text: &str) -> bool {
    let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '@');
    let is_shown = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*');
    begins && is_shown && text.len() <= MAX_PREFIX && ends(&format!("{text}a")).last() == Some(text.len())
}

/// Returns a prefix, normalized as the ecosystem's names; `None` where no name begins with it.
fn normalized(ecosystem: &str, prefix: &str) -> Option<String> {
    // Limited before a letter is appended, which makes the prefix a name that the ecosystem's rules apply to.
    let name = (prefix.len() <= MAX_PREFIX).then(|| format!("{prefix}a"))?;
    let mut name = name::normalized(ecosystem, &name).ok()?;
    name.pop();
    Some(name)
}

/// A package that is read and not yet checked.
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

/// A text that is not a prefix of packages' names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not a prefix of packages' names: expected the beginning of a name up to a separator (`-`, `_`, `.` or `/`), such as \
     `acme-`; an npm scope with its slash, such as `@acme/`",
    shown(.0)
)]
pub struct InvalidPrefix(String);

#[cfg(test)]
mod tests;
