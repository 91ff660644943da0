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

    /// Reads the URL of a registry as [`parse`](Self::parse) does, and plain `http` with any host too: for a registry within a
    /// network that its user trusts.
    ///
    /// Identity token and publish token cross that network in the clear, and whoever answers at that address gets them. Call it
    /// only for a URL that the user wrote, and only where the user asked for it (`--allow-insecure-host` or the like). Never
    /// call it for a URL that a server named: [`own`](Self::own) and everything that reads an answer stay with https.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), plain http excepted.
    ///
    /// ```
    /// # use oidc_core::{HttpUrl, InvalidUrlKind};
    /// let url = "http://registry.lan/npm/";
    /// assert_eq!(HttpUrl::parse(url).unwrap_err().kind(), InvalidUrlKind::PlainHttp);
    /// assert_eq!(HttpUrl::allowing_plain_http(url).unwrap().host(), "registry.lan");
    /// ```
    pub fn allowing_plain_http(text: &str) -> Result<Self, InvalidUrl> {
        Self::read(text, |_| true)
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
        let invalid = |kind, why| InvalidUrl::of_kind(text, kind, why);
        if text.len() > MAX_URL_BYTES {
            return Err(invalid(InvalidUrlKind::TooLong, "it is longer than 8 KiB"));
        }
        let url = url::Url::parse(text)
            .map_err(|_| invalid(InvalidUrlKind::Syntax, "it is not a URL; expected `https://host/…`"))?;
        if !url.username().is_empty() || url.password().is_some() {
            let why = "it holds a user name or a password; remove them";
            return Err(invalid(InvalidUrlKind::Credentials, why));
        }
        if url.fragment().is_some() {
            return Err(invalid(InvalidUrlKind::Fragment, "it has a fragment (`#…`); remove it"));
        }
        let url = Self(url);
        match url.0.scheme() {
            "https" => Ok(url),
            "http" if may_be_plain(&url) => Ok(url),
            "http" => {
                let why = "plain http would show the token to the network; use https";
                Err(invalid(InvalidUrlKind::PlainHttp, why))
            }
            _ => {
                let why = "expected the scheme https, or http for a loopback address";
                Err(invalid(InvalidUrlKind::Scheme, why))
            }
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
            Some(url::Host::Domain(name)) => name == "localhost",
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

    /// Scheme, host and port, without a slash at the end: `https://registry.example`.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.0.scheme(), self.host_and_port())
    }

    /// Reads a URL that the server at this one hands out, and that a token may be sent to only if it leads back there: to
    /// the same scheme, host and port, written as they are written here.
    ///
    /// Another spelling of the same place (a trailing dot, a number for an address, percent-escapes, a user name before an
    /// `@`, a backslash) is refused as well: nothing that reads it otherwise is let near a token.
    ///
    /// # Errors
    ///
    /// When it leads anywhere else, or is no URL.
    ///
    /// ```
    /// # use oidc_core::HttpUrl;
    /// let registry = HttpUrl::parse("https://registry.example/legacy/").unwrap();
    /// assert!(registry.own("https://registry.example/mint").is_ok());
    /// let error = registry.own("https://registry.example@evil.example/mint").unwrap_err();
    /// assert_eq!((error.found(), error.expected()), ("https://evil.example", "https://registry.example"));
    /// ```
    pub fn own(&self, text: &str) -> Result<Self, ForeignUrl> {
        let expected = self.origin();
        let written = text.get(..expected.len()).is_some_and(|start| start.eq_ignore_ascii_case(&expected));
        let rest = text.get(expected.len()..).unwrap_or_default();
        let is_whole = rest.is_empty() || rest.starts_with(['/', '?']);
        match Self::parse(text) {
            Ok(url) if written && is_whole && url.same_origin(self) => Ok(url),
            _ => Err(ForeignUrl { found: origin_of(text, &expected), expected }),
        }
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
    kind: InvalidUrlKind,
    why: &'static str,
}

/// The reason for which a text is not a URL that a token may be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidUrlKind {
    /// It is longer than 8 KiB.
    TooLong,
    /// It is not a URL.
    Syntax,
    /// It holds a user name or a password.
    Credentials,
    /// It has a fragment.
    Fragment,
    /// It is plain http to a host that is not this machine; see [`HttpUrl::allowing_plain_http`].
    PlainHttp,
    /// Its scheme is neither https nor http.
    Scheme,
    /// It is a URL, and not of the form that its place asks for.
    Form,
}

impl InvalidUrl {
    /// An error for a URL that is not of the form that its place asks for ([`InvalidUrlKind::Form`]).
    pub fn new(url: &str, why: &'static str) -> Self {
        Self::of_kind(url, InvalidUrlKind::Form, why)
    }

    fn of_kind(url: &str, kind: InvalidUrlKind, why: &'static str) -> Self {
        Self { url: without_secrets(url, &['?', '#']), kind, why }
    }

    /// The reason, for a program: a tool may skip trusted publishing where the user's URL holds credentials, and stop where it
    /// is not a URL at all.
    pub fn kind(&self) -> InvalidUrlKind {
        self.kind
    }

    /// The text, without what may be secret in it and fit to be shown.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A URL that a server hands out leads elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it leads to `{found}`, and a token goes to `{expected}` alone")]
pub struct ForeignUrl {
    found: String,
    expected: String,
}

impl ForeignUrl {
    /// Where it leads: its origin, or what is written there where that is no URL or another spelling of the origin that is
    /// expected. Fit to be shown.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// The only origin that it may have.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

/// A URL's origin. What has none, or is written otherwise than `expected` and means the same, stands as it is.
fn origin_of(text: &str, expected: &str) -> String {
    let origin = url::Url::parse(text).ok().map(|url| url.origin());
    let origin = origin.filter(url::Origin::is_tuple).map(|origin| origin.ascii_serialization());
    match origin {
        Some(origin) if origin != expected => shown(&origin).to_string(),
        _ => without_secrets(text, &['?']),
    }
}

/// The text up to one of these characters, with what stands before an `@` left out.
fn without_secrets(text: &str, ends: &[char]) -> String {
    let (before, after) = text.find(ends).map_or((text, ""), |at| text.split_at(at));
    // What follows may be the rest of a password.
    if after.contains('@') {
        let scheme = before.split_once("//").map_or("", |(scheme, _)| scheme);
        return shown(&format!("{scheme}//…")).to_string();
    }
    without_user(before)
}

/// The text, fit to be shown, without what stands before an `@`.
fn without_user(text: &str) -> String {
    let shown_part = match text.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    };
    shown(&shown_part).to_string()
}

#[cfg(test)]
mod tests;
