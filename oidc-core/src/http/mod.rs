//! The HTTP seam: one request with its bounds, and one answer.
//!
//! No type of an HTTP library stands in a public signature. Feature `system` adds an implementation on hyper,
//! and feature `ureq` one that blocks. For any other client, feature `http` converts requests and responses
//! from and to the types of the `http` crate, so that an adapter takes a dozen lines.

#[cfg(feature = "http")]
mod authorization;
#[cfg(feature = "ureq")]
mod blocking;
#[cfg(feature = "http")]
mod convert;
mod error;
mod error_kind;
#[cfg(any(feature = "system", feature = "ureq"))]
mod failure;
mod message;
mod setting;
#[cfg(any(feature = "system", feature = "ureq"))]
mod settings;
#[cfg(feature = "system")]
mod system;
#[cfg(any(feature = "system", feature = "ureq"))]
mod tls;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use crate::secret::Secret;
use crate::url::HttpUrl;

#[cfg(feature = "http")]
pub use self::authorization::authorization;
#[cfg(feature = "ureq")]
pub use self::blocking::BlockingHttp;
pub use self::error::{HttpError, Proxy, Way};
pub use self::error_kind::{CertificateFault, HttpErrorKind, ProxyFault, Step};
pub use self::message::{is_status_phrase, message_of, message_without};
pub use self::setting::{HttpSetting, Origin};
#[cfg(any(feature = "system", feature = "ureq"))]
pub use self::settings::{HttpSettings, InvalidHttpSettings};
#[cfg(feature = "system")]
pub use self::system::SystemHttp;

/// The default of [`Request::deadline`]: the time from a request's first byte to the answer's last.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// The byte order mark of UTF-8, which a web page may begin with.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The default of [`Request::max_body`]: the number of bytes that an answer's body may have.
pub const DEFAULT_MAX_BODY: usize = 256 * 1024;

/// Sends requests. Implement it for other HTTP libraries and for fakes.
///
/// An implementation never follows a redirect, stops after [`Request::deadline`], refuses a body longer than
/// [`Request::max_body`], and keeps the values of [`HeaderValue::Secret`] and every body out of its logs. It names the
/// application in `User-Agent`: some registries refuse a request without one, such as nuget.org.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait HttpClient: fmt::Debug + Send + Sync {
    /// Sends one request, once, and reads the answer, whatever its status.
    ///
    /// `async fn send(&self, request: Request) -> Result<Response, HttpError>`
    ///
    /// # Errors
    ///
    /// When no complete answer came within the request's bounds.
    async fn send(&self, request: Request) -> Result<Response, HttpError>;
}

/// The request methods that publishing protocols use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `DELETE`.
    Delete,
}

impl Method {
    /// The method's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A header's value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HeaderValue {
    /// A value that may be logged.
    Plain(String),
    /// A value that must never be shown.
    Secret(Secret),
}

impl HeaderValue {
    /// Returns the text as it goes over the wire.
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
}

/// A request, with its bounds.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: HttpUrl,
    /// The headers: names in lower case, with values.
    pub headers: Vec<(&'static str, HeaderValue)>,
    /// The body; empty for none. It may hold a secret and is never shown.
    pub body: Vec<u8>,
    /// The limit on the answer's body, in bytes.
    pub max_body: usize,
    /// The time that the request and its whole answer may take.
    pub deadline: Duration,
}

impl Request {
    /// A request without headers and body, with the default bounds.
    pub fn new(method: Method, url: HttpUrl) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            body: Vec::new(),
            max_body: DEFAULT_MAX_BODY,
            deadline: DEFAULT_DEADLINE,
        }
    }

    /// A `GET`.
    pub fn get(url: HttpUrl) -> Self {
        Self::new(Method::Get, url)
    }

    /// A `POST` with an empty body.
    pub fn post(url: HttpUrl) -> Self {
        Self::new(Method::Post, url)
    }

    /// Adds a header whose value may be logged.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, HeaderValue::Plain(value.into())));
        self
    }

    /// Adds `Authorization: Bearer …` (RFC 6750, section 2.1).
    #[must_use]
    pub fn bearer(mut self, token: &Secret) -> Self {
        let value = Secret::new(format!("Bearer {}", token.expose()));
        self.headers.push(("authorization", HeaderValue::Secret(value)));
        self
    }

    /// Adds a body and its `Content-Type`.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut request = self.header("content-type", content_type);
        request.body = body.into();
        request
    }

    /// Replaces the limit on the answer's body, in bytes.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Replaces the time that the exchange may take.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

impl Request {
    /// Adds a part of the answer's body to the parts before it, for a client that reads the body in parts.
    ///
    /// # Errors
    ///
    /// When the body is longer than [`Request::max_body`].
    ///
    /// ```
    /// # use oidc_core::{HttpUrl, http::{HttpErrorKind, Request}};
    /// let request = Request::get(HttpUrl::parse("https://registry.example/").unwrap()).max_body(3);
    /// let mut body = Vec::new();
    /// request.append(&mut body, b"abc").unwrap();
    /// let error = request.append(&mut body, b"d").unwrap_err();
    /// assert_eq!(error.kind(), &HttpErrorKind::TooLarge(3));
    /// ```
    pub fn append(&self, body: &mut Vec<u8>, part: &[u8]) -> Result<(), HttpError> {
        if body.len().saturating_add(part.len()) > self.max_body {
            return Err(HttpError::new(self, HttpErrorKind::TooLarge(self.max_body)));
        }
        body.extend_from_slice(part);
        Ok(())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.method.as_str(), self.url, self.body.len())
    }
}

/// An answer, whatever its status. Its body may hold a secret and is never shown by `Debug`.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers whose values are text, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, within the request's limit.
    pub body: Vec<u8>,
    /// The proxy that the request went through, if the client knows of one.
    pub proxy: Option<Proxy>,
}

impl Response {
    /// An answer of a status, headers and a body.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers, body: body.into(), proxy: None }
    }

    /// Returns `true` if the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns `true` if the status says that the same request may succeed a little later. 511 is not such a
    /// status: it asks for a log-in to the network, and waiting does not help.
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..=510 | 512..=599)
    }

    /// Returns `true` if the body is a web page.
    pub fn is_html(&self) -> bool {
        let body = self.body.strip_prefix(BOM).unwrap_or(&self.body).trim_ascii_start();
        let is_page =
            |start: &[u8]| body.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
        let is_said = || self.header("content-type").is_some_and(|kind| kind.contains("html"));
        is_page(b"<!doctype html") || is_page(b"<html") || is_page(b"<") && is_said()
    }

    /// Returns `true` if a refusal came from something other than a service that speaks JSON: a proxy, a
    /// log-in page or a web site.
    pub fn is_from_elsewhere(&self) -> bool {
        matches!(self.status, 407 | 511) || (400..=499).contains(&self.status) && self.is_html()
    }

    /// Returns the proxy that may have answered in the place of a service that speaks JSON: the request went
    /// through it, and the answer is a page or a server's fault, and no JSON, or has a status that only
    /// proxies and networks use (407, 511).
    ///
    /// ```
    /// # use oidc_core::http::{Proxy, Response};
    /// let mut answer = Response::new(502, Vec::new(), "<html>Bad Gateway</html>");
    /// assert_eq!(answer.suspected_proxy(), None);
    /// answer.proxy = Some(Proxy::new("proxy.example:3128", Some("HTTPS_PROXY")));
    /// assert_eq!(answer.suspected_proxy(), answer.proxy.as_ref());
    /// ```
    pub fn suspected_proxy(&self) -> Option<&Proxy> {
        let is_suspect = || self.is_html() || self.is_transient();
        let is_json = || self.json::<serde::de::IgnoredAny>().is_some();
        self.proxy.as_ref().filter(|_| matches!(self.status, 407 | 511) || is_suspect() && !is_json())
    }

    /// Returns the first header of this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Reads the body as JSON; `None` where it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {} ({} bytes)", self.status, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let url = HttpUrl::parse("https://r.example/t?key=hunter2").unwrap();
        let request = Request::post(url).bearer(&Secret::new("hunter2")).body("text/plain", "hunter2");
        assert!(!format!("{request:?} {:?}", request.headers).contains("hunter2"));
        assert!(!format!("{:?}", Response::new(200, Vec::new(), "hunter2")).contains("hunter2"));
    }
}
