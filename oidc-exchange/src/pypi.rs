//! The parts of PyPI's protocol that both ends need: names, paths.
//!
//! Sources: warehouse's `warehouse/oidc` (the endpoints and their answers), uv's `uv-publish` (the requests
//! of a client), packaging.python.org ("Names and normalization").

use std::fmt;

use oidc_core::shown;

/// The path of a registry's audience, at the root of its host.
pub const AUDIENCE_PATH: &str = "/_/oidc/audience";

/// The path that makes publish tokens, at a registry's root.
pub const MINT_PATH: &str = "/_/oidc/mint-token";

/// The earlier path of [`MINT_PATH`], which accepts tokens of every platform as well. maturin still uses it.
pub const LEGACY_MINT_PATH: &str = "/_/oidc/github/mint-token";

/// The path that revokes publish tokens, at a registry's root.
pub const BURN_PATH: &str = "/_/oidc/burn-token";

/// The variable that holds an identity token on platforms that make it before the job begins. It is named
/// after the audience of the public index.
pub const TOKEN_VARIABLE: &str = "PYPI_ID_TOKEN";

/// The longest project name, in characters. The limit is this crate's; the specification has none.
const MAX_NAME: usize = 128;

/// A project's name: letters, digits, `.`, `-` and `_`, with a letter or a digit at both ends.
///
/// Names that differ in case, or in runs of `.`, `-` and `_`, are the same project; compare their
/// [`ProjectName::normalized`] form.
///
/// ```
/// use oidc_exchange::pypi::ProjectName;
///
/// let (name, other) = (ProjectName::parse("Acme.Widget")?, ProjectName::parse("acme--widget")?);
/// assert_eq!(name.normalized(), other.normalized());
/// assert!(ProjectName::parse("-widget").is_err());
/// # Ok::<(), oidc_exchange::pypi::InvalidProjectName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProjectName(String);

impl ProjectName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// When it is longer than 128 characters or not of the form that the specification requires.
    pub fn parse(text: &str) -> Result<Self, InvalidProjectName> {
        let is_end = |c: char| c.is_ascii_alphanumeric();
        let allowed = |c: char| is_end(c) || is_separator(c);
        if text.starts_with(is_end)
            && text.ends_with(is_end)
            && text.len() <= MAX_NAME
            && text.chars().all(allowed)
        {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidProjectName(text.chars().take(MAX_NAME).collect()))
    }

    /// Returns the name as its author writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form that is the same for all spellings of a project: in lower case, with one `-` for each
    /// run of `.`, `-` and `_` (PEP 503).
    pub fn normalized(&self) -> String {
        let parts: Vec<&str> = self.0.split(is_separator).filter(|part| !part.is_empty()).collect();
        parts.join("-").to_ascii_lowercase()
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, '.' | '-' | '_')
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not a project's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not a project's name: expected letters, digits, `.`, `-` and `_`, with a letter or a digit at both ends",
    shown(.0)
)]
pub struct InvalidProjectName(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_project_are_the_same() {
        for name in ["Friendly-Bard", "friendly.bard", "FRIENDLY_BARD", "friendly--bard", "FrIeNdLy-._.-bArD"]
        {
            assert_eq!(ProjectName::parse(name).unwrap().normalized(), "friendly-bard", "{name}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(129);
        for name in ["", "-a", "a-", ".", "..", "_", "a b", "a/b", "wïdget", "a%2fb", "a\0", "a\n", &long] {
            assert!(ProjectName::parse(name).is_err(), "{name}");
        }
    }
}
