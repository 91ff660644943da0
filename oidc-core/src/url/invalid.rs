use crate::text::shown;

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
    /// It is plain http to a host that is not this machine; see [`HttpUrl::allowing_plain_http`](crate::HttpUrl::allowing_plain_http).
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

    pub(super) fn of_kind(url: &str, kind: InvalidUrlKind, why: &'static str) -> Self {
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
    pub(super) fn new(found: String, expected: String) -> Self {
        Self { found, expected }
    }

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
pub(super) fn origin_of(text: &str, expected: &str) -> String {
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
