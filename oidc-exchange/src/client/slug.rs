use std::fmt;
use std::str::FromStr;

use oidc_core::shown;

/// The longest name, in characters. The limit is this crate's.
const MAX_NAME: usize = 128;

/// A name that may stand in a registry's path: letters, digits, `-`, `_` and `.`, with a letter or a digit at the
/// beginning.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slug(String);

impl Slug {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.len() <= MAX_NAME
            && text.chars().all(allowed);
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidSlug::new(text, "a name")) }
    }
}

/// Two names that say whose packages are published, such as an organization and its service account on Cloudsmith:
/// `acme/ci`.
///
/// ```
/// use oidc_exchange::client::SlugPair;
///
/// let service: SlugPair = "acme/ci".parse()?;
/// assert_eq!((service.first(), service.second()), ("acme", "ci"));
/// assert!("acme".parse::<SlugPair>().is_err() && "acme/../ci".parse::<SlugPair>().is_err());
/// # Ok::<(), oidc_exchange::client::InvalidSlug>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SlugPair {
    first: Slug,
    second: Slug,
}

impl SlugPair {
    /// Returns the first name, such as an organization's.
    pub fn first(&self) -> &str {
        self.first.as_str()
    }

    /// Returns the second name, such as a service account's.
    pub fn second(&self) -> &str {
        self.second.as_str()
    }
}

impl FromStr for SlugPair {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        let invalid = || InvalidSlug::new(text, "two names with a `/` between them");
        let (first, second) = text.split_once('/').ok_or_else(invalid)?;
        Ok(Self {
            first: first.parse().map_err(|_| invalid())?,
            second: second.parse().map_err(|_| invalid())?,
        })
    }
}

impl fmt::Display for SlugPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first(), self.second())
    }
}

/// A text that is not a name, or not two names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not {expected}: a name has letters, digits, `-`, `_` and `.`, with a letter or a digit at the beginning",
    shown(.found)
)]
pub struct InvalidSlug {
    found: String,
    expected: &'static str,
}

impl InvalidSlug {
    fn new(found: &str, expected: &'static str) -> Self {
        Self { found: found.chars().take(MAX_NAME).collect(), expected }
    }
}
