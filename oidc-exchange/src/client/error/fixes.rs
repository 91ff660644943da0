//! Fixes of failed requests, by the way they failed.

use std::io;

use oidc_core::http::{HttpError, HttpErrorKind, Response, is_status_phrase};
use oidc_core::{HttpUrl, shown};

pub(in crate::client) const CHECK_SCHEME: &str =
    "write the registry's URL with the scheme that is spoken at its port";

pub(in crate::client) const CHECK_URL: &str =
    "check that the URL is the registry's and not that of a proxy or a web page";

/// The fix where a registry can't be reached, to which `HttpError::diagnosis` adds a proxy that may be missing.
pub(in crate::client) const CHECK_WAY: &str = "check the registry's URL";

/// The problem where a registry's host refuses the connection.
pub(in crate::client) fn nothing_listens(url: &HttpUrl, error: &HttpError) -> Option<String> {
    let is_refused = matches!(error.kind(), HttpErrorKind::Connect(_)) && is_refused(error);
    is_refused
        .then(|| format!("nothing listens at {}: is the registry running?", shown(&url.host_and_port())))
}

/// Returns `true` if a connection was refused. An `io::Error` does not return the error that it wraps as its
/// `source`, so a plain walk along the chain would miss it.
fn is_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
        || io.and_then(io::Error::get_ref).is_some_and(|wrapped| is_refused(wrapped))
        || error.source().is_some_and(is_refused)
}

/// Returns `true` if a message tells no more than the status. npmjs answers `package not found` for every
/// claim that differs, and web servers name the path that does not exist.
fn is_generic(message: &str) -> bool {
    let message = message.trim_end_matches('.').to_ascii_lowercase();
    message.starts_with("oidc token exchange error")
        || is_status_phrase(&message)
        || STATUS_WORDS.contains(&&*message)
        || OF_PATHS.iter().any(|part| message.contains(part))
}

/// Further messages that are a status in words.
const STATUS_WORDS: &[&str] = &["an html page", "an xml document", "package not found"];

/// Parts of messages about a path that does not exist.
const OF_PATHS: &[&str] =
    &["page not found", "cannot post", "no route", "no such endpoint", "resource not found"];

/// The fix. A registry's own reason needs no addition.
pub(super) fn advice(answer: &Response, message: Option<&str>) -> Option<&'static str> {
    let has_reason = message.is_some_and(|message| !is_generic(message));
    if answer.is_from_elsewhere() {
        return Some(if answer.status == 407 { PROXY } else { CHECK_URL });
    }
    match answer.status {
        408 | 425 | 429 => Some(by_status(answer.status)),
        400..=499 if has_reason => None,
        status => Some(by_status(status)),
    }
}

/// The fix where the proxy on the way may have answered in the registry's place.
pub(in crate::client) fn of_proxy(url: &HttpUrl, answer: &Response) -> Option<String> {
    let proxy = answer.suspected_proxy()?;
    let credentials = proxy.credentials_advice();
    let change = match answer.status {
        407 => &credentials,
        _ if answer.is_transient() => {
            "try again later; if it goes on, look at the proxy, which may have answered in the registry's place"
        }
        _ => {
            "check that the URL is the registry's; if the page is the proxy's, have it let the request through"
        }
    };
    Some(format!("{change}, or name `{}` in `no_proxy`", shown(url.host())))
}

/// The proxy that may have answered, in parentheses.
pub(in crate::client) fn by_proxy(answer: &Response) -> String {
    answer.suspected_proxy().map_or_else(String::new, |proxy| format!(" ({proxy})"))
}

/// The fix where a proxy that is not known asks for credentials.
pub(in crate::client) const PROXY: &str =
    "give the proxy its credentials, or name the registry's host in `no_proxy`";

/// The fix where a registry tells no audience.
pub(super) fn without_audience(answer: &Response) -> &'static str {
    match answer.status {
        403 | 407 | 511 if answer.is_from_elsewhere() => CHECK_URL,
        403 => "the registry has trusted publishing switched off; use another credential",
        404 => {
            "the registry does not seem to take trusted publishes; check its URL, or use another credential"
        }
        status => by_status(status),
    }
}

pub(super) fn by_status(status: u16) -> &'static str {
    match status {
        300..=399 => {
            "redirects are not followed with an identity token; use the URL that the registry itself has"
        }
        400 => "the registry could not read the request; check that it speaks this protocol",
        401 => "the registry did not accept the identity token; look at its issuer, audience and age",
        403 => "a rule of the trusted publisher differs; compare each of its fields with this job",
        404 => {
            "the registry knows no trusted publisher of this package for this token, or not this path; compare the package's \
             trusted publisher with this job letter by letter (repository, workflow file, environment; registries differ in \
             whether case matters), and check the registry's URL"
        }
        408 | 425 | 429 | 500..=599 => "try again later",
        _ => "the registry gives no reason; check that its URL is right, and that it speaks this protocol",
    }
}
