//! The parts of crates.io's protocol that both ends need: names, paths, audiences.
//!
//! Sources: crates.io's `src/controllers/trustpub/tokens` and `crates-io-auth-action`.

use std::fmt;

use oidc_core::{Audience, HttpUrl, InvalidAudience, shown};

use crate::address::without_scheme;

/// The path of publish tokens below a registry's URL: `POST` makes a token, `DELETE` revokes it.
pub const TOKENS_PATH: &str = "/api/v1/trusted_publishing/tokens";

/// The variable that holds an identity token on platforms that make it before the job begins, by crates.io's
/// convention.
pub const TOKEN_VARIABLE: &str = "CRATES_IO_ID_TOKEN";

/// The longest crate name, in characters.
const MAX_NAME: usize = 64;

/// The audience of a registry: its URL without the scheme, as `crates-io-auth-action` asks for it, such as `crates.io`.
///
/// # Errors
///
/// When the audience would be too long.
///
/// ```
/// use oidc_core::HttpUrl;
///
/// let registry = HttpUrl::parse("https://crates.example/registry/")?;
/// let audience = oidc_exchange::crates_io::audience(&registry)?;
/// assert_eq!(audience.as_str(), "crates.example/registry");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn audience(registry: &HttpUrl) -> Result<Audience, InvalidAudience> {
    without_scheme(registry)
}

/// Names that stand for devices on Windows, where no file can be called so, whatever its extension. crates.io reserves them, and
/// cargo makes no such crate.
const DEVICES: [&str; 4] = ["aux", "con", "nul", "prn"];
/// Those that have a number from 1 to 9 behind them.
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// A crate's name: a letter, then letters, digits, `-` and `_`. None is a device's on Windows, such as `nul` and `com1`.
///
/// Names that differ in case, or in `-` and `_`, are the same crate; compare their [`CrateName::canonical`]
/// form.
///
/// ```
/// use oidc_exchange::crates_io::CrateName;
///
/// let (name, other) = (CrateName::parse("Acme_Widget")?, CrateName::parse("acme-widget")?);
/// assert_eq!(name.canonical(), other.canonical());
/// assert!(CrateName::parse("1widget").is_err());
/// # Ok::<(), oidc_exchange::crates_io::InvalidCrateName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrateName(String);

impl CrateName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// When it is longer than 64 characters, not of the form that crates.io requires, or a device's on Windows.
    pub fn parse(text: &str) -> Result<Self, InvalidCrateName> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.len() <= MAX_NAME
            && text.chars().all(allowed)
            && !is_device(&text.to_ascii_lowercase())
        {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidCrateName(text.chars().take(MAX_NAME).collect()))
    }

    /// Returns the name as its author writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form that is the same for all spellings of a crate: in lower case, with `-` for `_`.
    pub fn canonical(&self) -> String {
        self.0.to_ascii_lowercase().replace('_', "-")
    }
}

/// Returns `true` if a name in lower case is a device's on Windows.
fn is_device(name: &str) -> bool {
    let is_numbered =
        |device: &&str| matches!(name.strip_prefix(*device).map(str::as_bytes), Some([b'1'..=b'9']));
    DEVICES.contains(&name) || NUMBERED_DEVICES.iter().any(is_numbered)
}

impl fmt::Display for CrateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not a crate's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not a crate's name: expected a letter, then letters, digits, `-` and `_`, at most 64, and no name of a device on Windows, \
     such as `nul`",
    shown(.0)
)]
pub struct InvalidCrateName(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_crate_are_the_same() {
        for name in ["my-crate", "my_crate", "My_Crate", "MY-CRATE"] {
            assert_eq!(CrateName::parse(name).unwrap().canonical(), "my-crate", "{name}");
        }
    }

    #[test]
    fn what_is_longer_than_a_device_is_a_name() {
        for name in ["null", "con-x", "com", "com0", "com10", "lpt", "auxiliary"] {
            assert!(CrateName::parse(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(65);
        for name in [
            "", "1a", "-a", "_a", "a b", "a/b", "..", "a.b", "wïdget", "a%2fb", "a\0", "nul", "Con", "COM1",
            "lpt9", &long,
        ] {
            assert!(CrateName::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_audience_is_the_url_without_its_scheme() {
        for (url, expected) in [
            ("https://crates.io", "crates.io"),
            ("https://crates.io/", "crates.io"),
            ("http://127.0.0.1:4873/", "127.0.0.1:4873"),
            ("https://registry.example/cargo/", "registry.example/cargo"),
        ] {
            assert_eq!(audience(&HttpUrl::parse(url).unwrap()).unwrap().as_str(), expected);
        }
    }
}
