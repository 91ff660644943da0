//! The parts of RubyGems' protocol that both ends need: names, paths, audiences.
//!
//! Sources: rubygems.org's `app/controllers/api/v1/oidc` and `rubygems/configure-rubygems-credentials`.

use std::fmt;

use oidc_core::{Audience, HttpUrl, InvalidAudience, shown};

use crate::address::without_scheme;

/// The path that makes publish tokens, below a registry's URL.
pub const EXCHANGE_PATH: &str = "/api/v1/oidc/trusted_publisher/exchange_token";

/// The variable that holds an identity token on platforms that make it before the job begins. It is named
/// after the audience of the public registry.
pub const TOKEN_VARIABLE: &str = "RUBYGEMS_ORG_ID_TOKEN";

/// The longest gem name, in characters. The limit is this crate's; RubyGems' database has a similar one.
const MAX_NAME: usize = 128;

/// The audience of a registry: its URL without the scheme, which for the public one is its host, `rubygems.org`.
///
/// # Errors
///
/// When the audience would be too long.
///
/// ```
/// use oidc_core::HttpUrl;
///
/// let registry = HttpUrl::parse("https://gems.example/")?;
/// assert_eq!(oidc_exchange::rubygems::audience(&registry)?.as_str(), "gems.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn audience(registry: &HttpUrl) -> Result<Audience, InvalidAudience> {
    without_scheme(registry)
}

/// A gem's name: letters, digits, `.`, `-` and `_`, at least one letter, and none of `.`, `-`, `_` at the
/// beginning. Names are compared exactly.
///
/// ```
/// use oidc_exchange::rubygems::GemName;
///
/// assert_eq!(GemName::parse("acme-widget")?.as_str(), "acme-widget");
/// assert!(GemName::parse(".widget").is_err() && GemName::parse("123").is_err());
/// # Ok::<(), oidc_exchange::rubygems::InvalidGemName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GemName(String);

impl GemName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// When it is longer than 128 characters or not of the form that `Gem::Specification` requires.
    pub fn parse(text: &str) -> Result<Self, InvalidGemName> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if text.len() <= MAX_NAME
            && text.chars().all(allowed)
            && text.contains(|c: char| c.is_ascii_alphabetic())
            && !text.starts_with(['.', '-', '_'])
        {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidGemName(text.chars().take(MAX_NAME).collect()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not a gem's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a gem's name: expected letters, digits, `.`, `-` and `_`, with a letter among them", shown(.0))]
pub struct InvalidGemName(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_a_specification() {
        for name in ["widget", "Widget_2", "a.b-c", "2a"] {
            assert_eq!(GemName::parse(name).unwrap().as_str(), name);
        }
        let long = "a".repeat(129);
        for name in ["", "1", ".a", "-a", "_a", "a b", "a/b", "wïdget", "a%2fb", "a\0", &long] {
            assert!(GemName::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_audience_is_the_url_without_its_scheme() {
        for (url, expected) in [
            ("https://rubygems.org", "rubygems.org"),
            ("http://127.0.0.1:4873/rubygems/", "127.0.0.1:4873/rubygems"),
        ] {
            assert_eq!(audience(&HttpUrl::parse(url).unwrap()).unwrap().as_str(), expected);
        }
    }
}
