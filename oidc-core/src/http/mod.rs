//! HTTP as a seam: one request, one answer, with its bounds in the request.
//!
//! No type of an HTTP library stands in a public signature. Feature `system` brings an implementation on hyper, and
//! feature `ureq` one that blocks. For any other client, feature `http` converts requests and responses from and to the `http` crate's types, so that an adapter
//! takes a dozen lines.

#[cfg(feature = "ureq")]
mod blocking;
#[cfg(feature = "http")]
mod convert;
mod error;
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
use crate::text::shown;
use crate::url::HttpUrl;

#[cfg(feature = "ureq")]
pub use self::blocking::BlockingHttp;
pub use self::error::{CertificateFault, HttpError, HttpErrorKind, Proxy, ProxyFault, Step, Way};
#[cfg(any(feature = "system", feature = "ureq"))]
pub use self::settings::{HttpSetting, HttpSettings, InvalidHttpSettings, Origin};
#[cfg(feature = "system")]
pub use self::system::SystemHttp;

/// How long a request may take, from its first byte to the answer's last, unless it says otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// How many bytes an answer's body may have, unless the request says otherwise.
pub const DEFAULT_MAX_BODY: usize = 256 * 1024;

/// A server's message is shown up to this many characters.
const MAX_MESSAGE: usize = 2048;

/// Sends requests. Open for other HTTP libraries, and for fakes.
///
/// An implementation never follows a redirect, stops after [`Request::deadline`], refuses a body longer than
/// [`Request::max_body`], and keeps the values of [`HeaderValue::Secret`] and every body out of its logs.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait HttpClient: fmt::Debug + Send + Sync {
    /// Sends one request, once, and reads the answer, whatever its status.
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
    /// May be seen.
    Plain(String),
    /// Must not be seen.
    Secret(Secret),
}

impl HeaderValue {
    /// The text as it goes over the wire.
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
    /// Where to.
    pub url: HttpUrl,
    /// Names in lower case, with values.
    pub headers: Vec<(&'static str, HeaderValue)>,
    /// What is sent; empty for none. It may hold a secret and is never shown.
    pub body: Vec<u8>,
    /// The answer's body may have this many bytes.
    pub max_body: usize,
    /// The whole exchange may take this long.
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

    /// With a header that may be seen.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, HeaderValue::Plain(value.into())));
        self
    }

    /// With `Authorization: Bearer …` (RFC 6750, section 2.1).
    #[must_use]
    pub fn bearer(mut self, token: &Secret) -> Self {
        let value = Secret::new(format!("Bearer {}", token.expose()));
        self.headers.push(("authorization", HeaderValue::Secret(value)));
        self
    }

    /// With a body and its `Content-Type`.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut request = self.header("content-type", content_type);
        request.body = body.into();
        request
    }

    /// With another bound on the answer's size, in bytes.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// With another bound on the time that the exchange takes.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
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
    /// Names in lower case, with those values that are text.
    pub headers: Vec<(String, String)>,
    /// The body, within the request's bound.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer from its parts.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers, body: body.into() }
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the status says that the same request may go through a little later. 511 asks for a log-in to the network, which no
    /// wait brings.
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..=510 | 512..=599)
    }

    /// Whether the body is a web page.
    pub fn is_html(&self) -> bool {
        let body = self.body.trim_ascii_start();
        let is_page =
            |start: &[u8]| body.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
        is_page(b"<!doctype") || is_page(b"<html")
    }

    /// Whether a refusal is somebody else's than that of a service that speaks JSON: a proxy's, a log-in's or a web site's.
    pub fn is_from_elsewhere(&self) -> bool {
        matches!(self.status, 407 | 511) || (400..=499).contains(&self.status) && self.is_html()
    }

    /// The first header of this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body, read as JSON; `None` where it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {} ({} bytes)", self.status, self.body.len())
    }
}

/// What a server says in a body that is not what was expected: a `message`, `error`, `detail`, `title`,
/// `errors[].detail`/`description` or `body.message` of a JSON object, or the beginning of a text. Fit to be shown.
pub fn message_of(response: &Response) -> Option<String> {
    message(response).map(|message| fit(&message))
}

/// [`message_of`], unless that repeats the secret that the server was asked with.
pub fn message_without(response: &Response, secret: &Secret) -> Option<String> {
    // Looked for in the whole message, before it is escaped and cut.
    message(response).filter(|message| !secret.is_in(message)).map(|message| fit(&message))
}

fn fit(message: &str) -> String {
    shown(message).up_to(MAX_MESSAGE).to_string()
}

fn message(response: &Response) -> Option<String> {
    let text = std::str::from_utf8(&response.body).ok()?;
    let message = match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => json_message(&value)?,
        Err(_) if text.trim_start().starts_with('<') => "an HTML page".to_owned(),
        Err(_) => text.trim().to_owned(),
    };
    Some(message).filter(|message| !message.is_empty())
}

fn json_message(value: &serde_json::Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    if let Some(errors) = value.get("errors").and_then(serde_json::Value::as_array) {
        let all: Vec<String> = errors.iter().take(8).filter_map(json_message).collect();
        if !all.is_empty() {
            return Some(all.join("; "));
        }
    }
    let text = |value: &serde_json::Value| {
        let names = ["message", "detail", "description", "error_description", "error", "title"];
        names.iter().find_map(|name| value.get(name)?.as_str()).map(str::to_owned)
    };
    text(value).or_else(|| value.get("body").and_then(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> Option<String> {
        message_of(&Response::new(400, Vec::new(), body))
    }

    #[test]
    fn a_refusal_is_found_in_every_registry_shape() {
        for body in [
            r#"{"message":"why"}"#,
            r#"{"error":"why"}"#,
            r#"{"errors":[{"code":"x","description":"why"}],"message":"Token request failed"}"#,
            r#"{"errors":[{"detail":"why"}]}"#,
            r#"{"errors":["why"]}"#,
            r#"{"body":{"message":"why"}}"#,
            r#"{"statusCode":403,"body":{"message":"why","error":"Forbidden"}}"#,
            r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"why"}"#,
            r#"{"title":"why","status":403}"#,
            "why\n",
            r#""why""#,
        ] {
            assert_eq!(message(body).as_deref(), Some("why"), "{body}");
        }
        assert_eq!(message("<html>").as_deref(), Some("an HTML page"));
        assert_eq!(message(""), None);
        assert_eq!(message("{}"), None);
        assert_eq!(message("{\"message\":\"a\\u001b[0m\"}").as_deref(), Some("a\\u{1b}[0m"));
    }

    #[test]
    fn debug_shows_no_secret() {
        let url = HttpUrl::parse("https://r.example/t?key=hunter2").unwrap();
        let request = Request::post(url).bearer(&Secret::new("hunter2")).body("text/plain", "hunter2");
        assert!(!format!("{request:?} {:?}", request.headers).contains("hunter2"));
        assert!(!format!("{:?}", Response::new(200, Vec::new(), "hunter2")).contains("hunter2"));
    }
}
