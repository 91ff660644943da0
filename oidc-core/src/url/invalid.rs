use crate::text::shown;

/// A text that is not a URL that a token may be sent to.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the URL `{url}` can't be used: {why}")]
pub struct InvalidUrl {
    url: String,
    kind: InvalidUrlKind,
    why: &'static str,
}

/// The reason why a text is not a URL that a token may be sent to.
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
    /// It is plain http to a host that is not this machine; see [`HttpUrl::allowing_plain_http`](crate::HttpUrl::allowing_plain_http).
    PlainHttp,
    /// Its scheme is neither https nor http.
    Scheme,
    /// It is a URL, and not of the form that this use requires.
    Form,
}

impl InvalidUrl {
    /// An error of a URL that is not of the form that its use requires ([`InvalidUrlKind::Form`]).
    pub fn new(url: &str, why: &'static str) -> Self {
        Self::of_kind(url, InvalidUrlKind::Form, why)
    }

    pub(super) fn of_kind(url: &str, kind: InvalidUrlKind, why: &'static str) -> Self {
        Self { url: without_secrets(url, &['?', '#']), kind, why }
    }

    /// Returns the reason, for a program: a tool may skip trusted publishing where the user's URL holds
    /// credentials, and stop where it is not a URL at all.
    pub fn kind(&self) -> InvalidUrlKind {
        self.kind
    }

    /// Returns the text, fit to be shown and without parts that may be secret.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A URL of another origin, named by a server that may name only its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it leads to `{found}`, and a token goes to `{expected}` alone")]
pub struct ForeignUrl {
    found: String,
    expected: String,
}

impl ForeignUrl {
    pub(super) fn new(found: String, expected: String) -> Self {
        Self { found, expected }
    }

    /// Returns the URL's origin, or the written text where it is no URL or another spelling of the expected
    /// origin. Fit to be shown.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// Returns the only origin that was allowed.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

/// The origin of a URL. The written text where it has no origin, or is another spelling of `expected`.
pub(super) fn origin_of(text: &str, expected: &str) -> String {
    let origin = url::Url::parse(text).ok().map(|url| url.origin());
    let origin = origin.filter(url::Origin::is_tuple).map(|origin| origin.ascii_serialization());
    match origin {
        Some(origin) if origin != expected => shown(&origin).to_string(),
        _ => without_secrets(text, &['?']),
    }
}

/// The text up to one of the characters in `ends`, with everything before an `@` left out.
fn without_secrets(text: &str, ends: &[char]) -> String {
    let (before, after) = text.find(ends).map_or((text, ""), |at| text.split_at(at));
    // The `?` or `#` may be part of a password, whose rest follows.
    if after.contains('@') {
        let scheme = before.split_once("//").map_or("", |(scheme, _)| scheme);
        return shown(&format!("{scheme}//…")).to_string();
    }
    without_user(before)
}

/// The text, fit to be shown, without everything before an `@`.
fn without_user(text: &str) -> String {
    let shown_part = match text.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    };
    shown(&shown_part).to_string()
}
