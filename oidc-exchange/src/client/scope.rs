use std::fmt;

use oidc_core::shown;

use crate::npm::PackageName;

/// The packages that a publish token is valid for.
///
/// A registry's own constructor, such as [`Npm::scope`](super::Npm::scope), makes the scope of a package and
/// checks its name. A registry refuses a scope that it has no tokens for before anything is sent.
///
/// ```
/// use oidc_exchange::client::{Npm, Scope};
///
/// let scope = Npm::scope("@acme/widget")?;
/// assert_eq!(scope, Scope::Package("@acme/widget".to_owned()));
/// assert!(Npm::scope("@acme/").is_err());
/// # Ok::<(), oidc_exchange::npm::InvalidPackageName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// One package, by its name at the registry.
    Package(String),
    /// Every package whose publisher trusts the job's identity.
    Identity,
}

impl Scope {
    /// Returns the package's name, where the scope is one package.
    pub fn package(&self) -> Option<&str> {
        match self {
            Self::Package(name) => Some(name),
            Self::Identity => None,
        }
    }
}

impl fmt::Display for Scope {
    /// Writes the scope as a part of a sentence: a package's name in quotes, fit to be shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package(name) => write!(f, "`{}`", shown(name)),
            Self::Identity => f.write_str("every package of the identity"),
        }
    }
}

impl From<PackageName> for Scope {
    fn from(name: PackageName) -> Self {
        Self::Package(name.to_string())
    }
}
