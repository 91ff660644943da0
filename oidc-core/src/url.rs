mod invalid;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use url::Position;

use self::invalid::origin_of;
pub use self::invalid::{ForeignUrl, InvalidUrl, InvalidUrlKind};

use crate::text::shown;

/// The length above which a URL is refused.
const MAX_URL_BYTES: usize = 8 * 1024;

/// The URL of a server that a token may be sent to or requested from: `https`, or `http` on this machine.
///
/// It has a host, and no user name, password or fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl {
    /// The URL as the URL standard writes it.
    text: Cow<'static, str>,
    /// The ends and beginnings of the parts in the text: scheme, host, path.
    scheme_end: usize,
    host_start: usize,
    host_end: usize,
    path_start: usize,
    path_end: usize,
}

impl HttpUrl {
    /// A URL that is a constant of a program, such as that of a public registry.
    ///
    /// It must be written in the normal form of the URL standard: `https`, a host name in lower case, no
    /// port, and a path of letters, digits, `-`, `_` and single slashes.
    ///
    /// # Panics
    ///
    /// When the text is anything else. In a constant or in a `const` block, this is an error of compilation.
    ///
    /// ```
    /// # use oidc_core::HttpUrl;
    /// const REGISTRY: HttpUrl = HttpUrl::constant("https://registry.example/npm/");
    /// assert_eq!(REGISTRY, HttpUrl::parse("https://registry.example/npm/").unwrap());
    /// ```
    ///
    /// ```compile_fail
    /// # use oidc_core::HttpUrl;
    /// const REGISTRY: HttpUrl = HttpUrl::constant("http://registry.example/");
    /// ```
    pub const fn constant(text: &'static str) -> Self {
        let scheme_end = "https".len();
        let host_start = "https://".len();
        let mut rest = match text.as_bytes() {
            [b'h', b't', b't', b'p', b's', b':', b'/', b'/', rest @ ..] => rest,
            _ => &[],
        };
        let mut before = b'.';
        while let [byte @ (b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'), tail @ ..] = rest {
            assert!(*byte != b'.' || before != b'.', "a constant URL's host has no empty label");
            before = *byte;
            rest = tail;
        }
        // A host that ends with a digit could be parsed as an IP address.
        assert!(
            before.is_ascii_lowercase(),
            "a constant URL is `https://`, a host's name in lower case, and a path"
        );
        let path_start = text.len() - rest.len();
        assert!(matches!(rest, [b'/', ..]), "a constant URL has a path, `/` at least, and no port");
        while let [byte, tail @ ..] = rest {
            let is_char = byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
            assert!(is_char, "a constant URL's path is of letters, digits, `-`, `_` and slashes");
            let is_empty_segment = matches!((byte, tail), (b'/', [b'/', ..]));
            assert!(!is_empty_segment, "a constant URL's path has no empty segment");
            rest = tail;
        }
        let (host_end, path_end) = (path_start, text.len());
        Self { text: Cow::Borrowed(text), scheme_end, host_start, host_end, path_start, path_end }
    }

    fn of(url: &url::Url) -> Self {
        let until = |position| url[..position].len();
        Self {
            scheme_end: until(Position::AfterScheme),
            host_start: until(Position::BeforeHost),
            host_end: until(Position::AfterHost),
            path_start: until(Position::BeforePath),
            path_end: until(Position::AfterPath),
            text: Cow::Owned(url.as_str().to_owned()),
        }
    }

    /// Returns this URL with a change.
    fn changed(&self, change: impl FnOnce(&mut url::Url)) -> Self {
        match url::Url::parse(&self.text) {
            Ok(mut url) => {
                change(&mut url);
                Self::of(&url)
            }
            // The text was made from a parsed URL, so it can be parsed again.
            Err(_) => self.clone(),
        }
    }

    fn part(&self, from: usize, to: usize) -> &str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn scheme(&self) -> &str {
        self.part(0, self.scheme_end)
    }

    fn parsed_host(&self) -> Option<url::Host> {
        url::Host::parse(self.host()).ok()
    }

    /// Reads a URL (the WHATWG URL standard).
    ///
    /// # Errors
    ///
    /// When the text is not a URL, is longer than 8 KiB, has a scheme other than `https` (or `http` with a
    /// loopback host), or holds a user name, a password or a fragment.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        Self::read(text, Self::is_loopback)
    }

    /// Reads the URL of a registry as [`parse`](Self::parse) does, and allows plain `http` with any host: for
    /// a registry within a network that its user trusts.
    ///
    /// The identity token and the publish token cross that network unencrypted, and any machine that answers
    /// at that address gets them. Call it only for a URL that the user wrote, and only where the user asked
    /// for it (`--allow-insecure-host` or similar). Never call it for a URL that a server named:
    /// [`own`](Self::own) and everything that reads an answer refuse plain http to other machines.
    ///
    /// # Errors
    ///
    /// As those of [`parse`](Self::parse), except for plain http.
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

    /// Reads the URL of a cloud machine's metadata server as [`parse`](Self::parse) does, and allows plain
    /// `http` with a link-local address (RFC 3927), which no router forwards. A host name is not allowed,
    /// since a resolver could direct it elsewhere.
    ///
    /// # Errors
    ///
    /// As those of [`parse`](Self::parse), except for plain http with such an address.
    pub fn link_local(text: &str) -> Result<Self, InvalidUrl> {
        let is_link_local = |url: &Self| matches!(url.parsed_host(), Some(url::Host::Ipv4(address)) if address.is_link_local());
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
        let url = Self::of(&url);
        match url.scheme() {
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

    /// Returns the URL's text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns `true` if the URL names this machine: `localhost`, `127.0.0.0/8` or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        match self.parsed_host() {
            Some(url::Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
            Some(url::Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    /// Returns the host, in lower case, without the port.
    pub fn host(&self) -> &str {
        self.part(self.host_start, self.host_end)
    }

    /// Returns the host, with the port where the URL names one that is not its scheme's default.
    pub fn host_and_port(&self) -> String {
        self.part(self.host_start, self.path_start).to_owned()
    }

    /// Returns the path, which starts with a slash.
    pub fn path(&self) -> &str {
        self.part(self.path_start, self.path_end)
    }

    /// Returns `true` if scheme, host and port are the same.
    pub fn same_origin(&self, other: &Self) -> bool {
        // Both texts are in the normal form of the URL standard, so equal origins have equal texts.
        self.part(0, self.path_start) == other.part(0, other.path_start)
    }

    /// Returns scheme, host and port, without a slash at the end: `https://registry.example`.
    pub fn origin(&self) -> String {
        self.part(0, self.path_start).to_owned()
    }

    /// Reads a URL that the server of this URL named, and that a token may be sent to only on the same
    /// server: with the same scheme, host and port, in the same spelling.
    ///
    /// Another spelling of the same origin (a trailing dot, a number in place of an address, percent-escapes,
    /// a user name before an `@`, a backslash) is refused as well, since another URL parser could read it
    /// differently.
    ///
    /// # Errors
    ///
    /// When the URL has another origin, or is no URL.
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
            _ => Err(ForeignUrl::new(origin_of(text, &expected), expected)),
        }
    }

    /// Appends `path` to this URL's path, with one slash between them, and removes the query. Percent-escapes
    /// in `path` stay as they are.
    ///
    /// ```
    /// # use oidc_core::HttpUrl;
    /// let registry = HttpUrl::parse("https://registry.example/npm").unwrap();
    /// assert_eq!(registry.below("-/ping").as_str(), "https://registry.example/npm/-/ping");
    /// ```
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        self.changed(|url| {
            url.set_path(&format!("{}/{}", self.path().trim_end_matches('/'), path.trim_start_matches('/')));
            url.set_query(None);
        })
    }

    /// Returns this URL with the path `/` and without the query.
    #[must_use]
    pub fn at_root(&self) -> Self {
        self.changed(|url| {
            url.set_path("/");
            url.set_query(None);
        })
    }

    /// Appends a query parameter, percent-encoded.
    #[must_use]
    pub fn with_query(&self, name: &str, value: &str) -> Self {
        self.changed(|url| {
            url.query_pairs_mut().append_pair(name, value);
        })
    }
}

impl fmt::Display for HttpUrl {
    /// Writes the URL without its query, which may hold values that don't belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), shown(&self.host_and_port()), shown(self.path()))
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

#[cfg(test)]
mod tests;
