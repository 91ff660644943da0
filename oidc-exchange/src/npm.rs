//! The parts of npm's protocol that both ends need: names, paths, audiences.
//!
//! Sources: npm's API documentation (`oidc.yaml`), and npm's own client, `lib/utils/oidc.js`.

use std::fmt;

use oidc_core::{Audience, HttpUrl, InvalidAudience, shown};
use percent_encoding::percent_decode_str;

/// The path of the exchange below a registry's URL. A package's escaped name follows.
pub const EXCHANGE_PATH: &str = "/-/npm/v1/oidc/token/exchange/package/";

/// The variable that npm's clients look for an identity token in, before they ask the platform for one.
pub const TOKEN_VARIABLE: &str = "NPM_ID_TOKEN";

/// Returns `true` if a token is the placeholder that `actions/setup-node` puts into `NODE_AUTH_TOKEN` where
/// nobody set a token: `XXXXX-XXXXX-XXXXX-XXXXX`. npm sends it like any other token.
pub fn is_placeholder(token: &str) -> bool {
    token.contains("X-X") && token.bytes().all(|byte| matches!(byte, b'X' | b'-'))
}

/// The longest package name, in characters.
const MAX_NAME: usize = 214;

/// The audience of a registry: `npm:` and its host.
///
/// npm, pnpm and lerna leave the port out, and yarn includes it; a registry accepts both.
///
/// # Errors
///
/// When the audience would be too long.
///
/// ```
/// use oidc_core::HttpUrl;
/// use oidc_exchange::npm::{Port, audience};
///
/// let registry = HttpUrl::parse("https://registry.example:8443/npm/")?;
/// assert_eq!(audience(&registry, Port::LeftOut)?.as_str(), "npm:registry.example");
/// assert_eq!(audience(&registry, Port::PutIn)?.as_str(), "npm:registry.example:8443");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn audience(registry: &HttpUrl, port: Port) -> Result<Audience, InvalidAudience> {
    match port {
        Port::LeftOut => Audience::new(format!("npm:{}", registry.host())),
        Port::PutIn => Audience::new(format!("npm:{}", registry.host_and_port())),
    }
}

/// The treatment of the registry's port in the audience.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Port {
    /// The port is left out, as npm, pnpm and lerna do.
    #[default]
    LeftOut,
    /// The port is included, as yarn does.
    PutIn,
}

/// A package's name: `widget` or `@acme/widget`.
///
/// The rules are npm's for new packages (docs.npmjs.com, package.json, `name`); upper-case letters are
/// allowed too, since old packages have them. In a URL, only the slash after the scope needs an escape.
///
/// ```
/// use oidc_exchange::npm::PackageName;
///
/// let name = PackageName::parse("@acme/widget")?;
/// assert_eq!(name.as_str(), "@acme/widget");
/// assert!(PackageName::parse("@acme/widget/more").is_err());
/// # Ok::<(), oidc_exchange::npm::InvalidPackageName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PackageName(String);

impl PackageName {
    /// Reads a name in plain text.
    ///
    /// # Errors
    ///
    /// When it is longer than 214 characters, or not one or two names of letters, digits, `-`, `.`, `_` and
    /// `~`.
    pub fn parse(text: &str) -> Result<Self, InvalidPackageName> {
        let is_name = match text.strip_prefix('@').map(|scoped| scoped.split_once('/')) {
            Some(Some((scope, name))) => is_part(scope) && is_part(name),
            Some(None) => false,
            None => is_part(text),
        };
        if text.len() > MAX_NAME || !is_name {
            return Err(InvalidPackageName(text.chars().take(MAX_NAME).collect()));
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads a name in a path: `@acme%2fwidget`, `@acme%2Fwidget`, `%40acme%2Fwidget`, or `@acme/widget`,
    /// which a proxy unescaped into two segments. It is decoded once.
    ///
    /// # Errors
    ///
    /// When the decoded text is not a name.
    pub fn from_path(escaped: &str) -> Result<Self, InvalidPackageName> {
        let name = percent_decode_str(escaped).decode_utf8();
        Self::parse(&name.map_err(|_| InvalidPackageName(escaped.chars().take(MAX_NAME).collect()))?)
    }

    /// Returns the plain text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as npm writes it into a path: the slash as `%2f`, the `@` unescaped.
    pub fn escaped(&self) -> String {
        self.0.replace('/', "%2f")
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for PackageName {
    type Err = InvalidPackageName;

    fn from_str(text: &str) -> Result<Self, InvalidPackageName> {
        Self::parse(text)
    }
}

fn is_part(part: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    !part.is_empty() && part.chars().all(allowed) && !part.starts_with(['.', '_']) && part != "-"
}

/// A text that is not a package's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not a package name of npm: expected `name` or `@scope/name` of letters, digits, `-`, `.`, `_`, `~`",
    shown(.0)
)]
pub struct InvalidPackageName(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_out_of_every_spelling_of_a_path() {
        for path in ["@acme%2fwidget", "@acme%2Fwidget", "%40acme%2Fwidget", "%40acme/widget", "@acme/widget"]
        {
            assert_eq!(PackageName::from_path(path).unwrap().as_str(), "@acme/widget", "{path}");
        }
        assert_eq!(PackageName::from_path("widget").unwrap().escaped(), "widget");
        assert_eq!(PackageName::parse("@acme/widget").unwrap().escaped(), "@acme%2fwidget");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(215);
        for path in [
            "",
            "@",
            "@acme",
            "@acme/",
            "@/widget",
            "@acme/a/b",
            "acme/widget",
            "..",
            "%2e%2e",
            "@acme%2f..",
            "@acme%2f%2e%2e%2fx",
            "%2540acme%252fwidget",
            "_x",
            ".x",
            "-",
            "a%00",
            "a%0a",
            "%ff",
            "wïdget",
            "a b",
            "a?b",
            "a%3fb",
            "a\\b",
            "widget/",
            &long,
        ] {
            assert!(PackageName::from_path(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_placeholder_is_no_token_and_a_token_is_no_placeholder() {
        assert!(is_placeholder("XXXXX-XXXXX-XXXXX-XXXXX") && is_placeholder("XXXXXX-XXXXXX"));
        for token in ["", "-", "XXXXX", "npm_XXXXX-XXXXX", "xxxxx-xxxxx", "XXXXX-XXXXX "] {
            assert!(!is_placeholder(token), "{token}");
        }
    }

    #[test]
    fn an_audience_names_the_host() {
        let registry = HttpUrl::parse("http://localhost:4873/npm/").unwrap();
        assert_eq!(audience(&registry, Port::LeftOut).unwrap().as_str(), "npm:localhost");
        assert_eq!(audience(&registry, Port::PutIn).unwrap().as_str(), "npm:localhost:4873");
    }
}
