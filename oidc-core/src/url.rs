use std::fmt;
use std::net::IpAddr;

use crate::text::shown;

/// A URL longer than this is refused.
const MAX_URL_BYTES: usize = 8 * 1024;

/// An address that a token may be sent to or asked from: `https`, or `http` on this very machine.
///
/// It has a host, and neither user name, password nor fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl(url::Url);

impl HttpUrl {
    /// Reads a URL (the WHATWG URL standard).
    ///
    /// # Errors
    ///
    /// When it isn't a URL, is longer than 8 KiB, has another scheme than `https` (or `http` with a loopback
    /// host), or holds a user name, a password or a fragment.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        Self::read(text, Self::is_loopback)
    }

    /// Reads the URL of a cloud machine's metadata server: as [`parse`](Self::parse) does, and plain `http` with a
    /// link-local address too (RFC 3927), which no router passes on. Never with a name, which a resolver could send
    /// elsewhere.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn link_local(text: &str) -> Result<Self, InvalidUrl> {
        let is_link_local =
            |url: &Self| matches!(url.0.host(), Some(url::Host::Ipv4(address)) if address.is_link_local());
        Self::read(text, |url| url.is_loopback() || is_link_local(url))
    }

    fn read(text: &str, may_be_plain: impl FnOnce(&Self) -> bool) -> Result<Self, InvalidUrl> {
        let invalid = |why| InvalidUrl::new(text, why);
        if text.len() > MAX_URL_BYTES {
            return Err(invalid("it is longer than 8 KiB"));
        }
        let url = url::Url::parse(text).map_err(|_| invalid("it is not a URL; expected `https://host/…`"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("it holds a user name or a password; remove them"));
        }
        if url.fragment().is_some() {
            return Err(invalid("it has a fragment (`#…`); remove it"));
        }
        let url = Self(url);
        match url.0.scheme() {
            "https" => Ok(url),
            "http" if may_be_plain(&url) => Ok(url),
            "http" => Err(invalid("plain http would show the token to the network; use https")),
            _ => Err(invalid("expected the scheme https")),
        }
    }

    /// The URL's text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it names this very machine: `localhost`, `127.0.0.0/8` or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(url::Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
            Some(url::Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }

    /// The host, lower-cased, without the port.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The host with the port where the URL names one that is not its scheme's default.
    pub fn host_and_port(&self) -> String {
        match self.0.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        }
    }

    /// The path, which starts with a slash.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// Whether scheme, host and port are the same.
    pub fn same_origin(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }

    /// This URL with `path` below its own path, whether that ends in a slash or not, and without its query.
    /// Percent-escapes in `path` stay as they are.
    ///
    /// ```
    /// # use oidc_core::HttpUrl;
    /// let registry = HttpUrl::parse("https://registry.example/npm").unwrap();
    /// assert_eq!(registry.below("-/ping").as_str(), "https://registry.example/npm/-/ping");
    /// ```
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{}", self.path().trim_end_matches('/'), path.trim_start_matches('/')));
        url.set_query(None);
        Self(url)
    }

    /// This URL's host, without path and query.
    #[must_use]
    pub fn at_root(&self) -> Self {
        let mut url = self.0.clone();
        url.set_path("/");
        url.set_query(None);
        Self(url)
    }

    /// This URL with one more query parameter, percent-encoded, after those that it has.
    #[must_use]
    pub fn with_query(&self, name: &str, value: &str) -> Self {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair(name, value);
        Self(url)
    }

    #[cfg(feature = "system")]
    pub(crate) fn into_inner(self) -> url::Url {
        self.0
    }
}

impl fmt::Display for HttpUrl {
    /// Writes the URL without its query, which may hold what a log should not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.0.scheme(), shown(&self.host_and_port()), shown(self.path()))
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for HttpUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        Self::parse(text)
    }
}

/// A text is not a URL that a token may be sent to.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the URL `{url}` can't be used: {why}")]
pub struct InvalidUrl {
    url: String,
    why: &'static str,
}

impl InvalidUrl {
    /// An error for a text that is no such URL, or not of the form that its place asks for.
    pub fn new(url: &str, why: &'static str) -> Self {
        Self { url: without_secrets(url), why }
    }

    /// The text, without what may be secret in it and fit to be shown.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// The text up to its query, with what stands before an `@` left out.
fn without_secrets(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let shown_part = match text.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    };
    shown(&shown_part).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_are_taken() {
        for text in [
            "https://registry.example",
            "https://registry.example:8443/npm/",
            "http://localhost:4873/",
            "http://a.localhost",
            "http://127.0.0.1:1",
            "http://127.8.9.1",
            "http://[::1]:1",
        ] {
            HttpUrl::parse(text).unwrap();
        }
    }

    #[test]
    fn anything_else_is_refused_without_showing_secrets() {
        for text in [
            "",
            "registry.example",
            "http://registry.example",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://0.0.0.0",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "https://user:hunter2@registry.example",
            "https://hunter2@registry.example",
            "https://registry.example/#f",
            "https://",
            "ftp://registry.example/?token=hunter2",
        ] {
            let error = HttpUrl::parse(text).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(HttpUrl::parse(&format!("https://a/{}", "x".repeat(9000))).is_err());
    }

    #[test]
    fn a_metadata_server_is_at_a_link_local_address_and_nowhere_else() {
        for text in ["http://169.254.169.254/x", "http://127.0.0.1:9001", "https://metadata.example"] {
            HttpUrl::link_local(text).unwrap();
        }
        assert!(HttpUrl::parse("http://169.254.169.254").is_err());
        for text in
            ["http://metadata.google.internal", "http://169.253.169.254", "http://u:p@169.254.169.254"]
        {
            assert!(HttpUrl::link_local(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_goes_below_with_and_without_trailing_slash() {
        for base in ["https://r.example/npm", "https://r.example/npm/", "https://r.example/npm?x=1"] {
            let url = HttpUrl::parse(base).unwrap().below("-/x/@acme%2fwidget");
            assert_eq!(url.as_str(), "https://r.example/npm/-/x/@acme%2fwidget");
        }
        assert_eq!(HttpUrl::parse("https://r.example").unwrap().below("/a").as_str(), "https://r.example/a");
    }

    #[test]
    fn a_query_is_appended_and_encoded() {
        let url = HttpUrl::parse("https://r.example/t?api-version=2.0").unwrap();
        let url = url.with_query("audience", "npm:r.example&x=1");
        assert_eq!(url.as_str(), "https://r.example/t?api-version=2.0&audience=npm%3Ar.example%26x%3D1");
        assert_eq!(url.to_string(), "https://r.example/t");
    }

    #[test]
    fn ports_and_origins() {
        let url = HttpUrl::parse("https://R.example:443/a").unwrap();
        assert_eq!(url.host_and_port(), "r.example");
        assert!(url.same_origin(&HttpUrl::parse("https://r.example/b").unwrap()));
        assert!(!url.same_origin(&HttpUrl::parse("https://r.example:8443/b").unwrap()));
        assert!(!url.same_origin(&HttpUrl::parse("https://r.example./b").unwrap()));
        assert_eq!(HttpUrl::parse("http://localhost:4873").unwrap().host_and_port(), "localhost:4873");
    }
}
