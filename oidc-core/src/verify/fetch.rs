//! Fetching an issuer's keys: the discovery document, then the JWK set, both within bounds and without
//! redirects.

use std::time::Duration;

use serde::Deserialize;

use super::backend::Backend;
use super::error::KeyFault;
use super::jwks::{InvalidJwks, KeySet};
use crate::context::Context;
use crate::http::{HttpError, HttpErrorKind, Request, Response};
use crate::provider::Issuer;
use crate::text::shown;
use crate::url::{HttpUrl, InvalidUrl};

/// The deadline of each of the two requests.
const DEADLINE: Duration = Duration::from_secs(5);
/// The limit on a discovery document, in bytes. GitHub's has 1.2 kB, GitLab's 2 kB.
const MAX_DISCOVERY: usize = 64 * 1024;
/// The limit on a JWK set, in bytes. GitHub's has 8 kB, with certificates.
const MAX_JWKS: usize = 256 * 1024;

/// The members of a discovery document that matter here (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// An issuer's keys as they were fetched.
#[derive(Debug)]
pub(super) struct FetchedKeys {
    pub(super) keys: KeySet,
    /// The time for which they are fresh: the shorter `max-age` of the two documents, if either has one.
    pub(super) max_age: Option<Duration>,
}

/// Fetches the keys of an issuer.
pub(super) async fn fetch(
    cx: &Context,
    issuer: &Issuer,
    backend: &dyn Backend,
) -> Result<FetchedKeys, FetchError> {
    // The keys serve later tokens too, so the fetch has a time of its own.
    let cx = &cx.new_operation();
    let base = HttpUrl::parse(issuer.url())?;
    let document = get(cx, base.below(".well-known/openid-configuration"), MAX_DISCOVERY).await?;
    let discovery: Discovery = document.json().ok_or(FetchError::Discovery)?;
    // OpenID Connect Discovery 1.0, section 4.3 requires it: the document could be another issuer's.
    if discovery.issuer != **issuer.url() {
        return Err(FetchError::Issuer(shown(&discovery.issuer).to_string()));
    }
    let keys = HttpUrl::parse(&discovery.jwks_uri)?;
    let place = keys.host_and_port();
    // A discovery document must not choose the host of the keys freely: only the operator may name further
    // hosts.
    if place != base.host_and_port() && !issuer.key_hosts.contains(&place) {
        return Err(FetchError::KeyHost(shown(&place).to_string()));
    }
    let jwks = get(cx, keys, MAX_JWKS).await?;
    let max_age = [max_age(&document), max_age(&jwks)].into_iter().flatten().min();
    Ok(FetchedKeys { keys: KeySet::parse(&jwks.body, backend, issuer.url())?, max_age })
}

/// The time for which an answer is fresh by its `Cache-Control` and `Age` (RFC 9111, section 4.2); zero for
/// `no-cache` and `no-store`.
fn max_age(answer: &Response) -> Option<Duration> {
    let directives =
        answer.header("cache-control")?.split(',').map(|directive| directive.trim().to_ascii_lowercase());
    let mut max_age = None;
    for directive in directives {
        if matches!(directive.as_str(), "no-cache" | "no-store") {
            return Some(Duration::ZERO);
        }
        let seconds =
            directive.strip_prefix("max-age=").and_then(|seconds| seconds.trim_matches('"').parse().ok());
        max_age = max_age.or(seconds.map(Duration::from_secs));
    }
    max_age.map(|max_age| max_age.saturating_sub(age(answer)))
}

/// The time for which an answer was in caches (RFC 9111, section 5.1).
fn age(answer: &Response) -> Duration {
    let seconds = answer.header("age").and_then(|age| age.trim().parse().ok());
    seconds.map_or(Duration::ZERO, Duration::from_secs)
}

async fn get(cx: &Context, url: HttpUrl, max_body: usize) -> Result<Response, FetchError> {
    let request = Request::get(url.clone()).header("accept", "application/json");
    let answer = cx.send(request.max_body(max_body).deadline(DEADLINE)).await?;
    if answer.status != 200 {
        return Err(FetchError::Status { url, status: answer.status });
    }
    Ok(answer)
}

impl FetchError {
    /// The fault that callers who need the keys are told.
    pub(super) fn fault(&self) -> KeyFault {
        match self {
            Self::Http(error) if !matches!(error.kind(), HttpErrorKind::TooLarge(_)) => KeyFault::Unreachable,
            Self::Status { status: 408 | 425 | 429 | 500..=599, .. } => KeyFault::Unreachable,
            _ => KeyFault::Invalid,
        }
    }
}

impl From<HttpError> for FetchError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl From<InvalidUrl> for FetchError {
    fn from(error: InvalidUrl) -> Self {
        Self::Url(error)
    }
}

/// An error of fetching an issuer's keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{}", .0.to_text())]
    Http(HttpError),
    #[error("{url} answered with status {status}, expected 200")]
    Status { url: HttpUrl, status: u16 },
    #[error("the discovery document is not a JSON object with `issuer` and `jwks_uri`")]
    Discovery,
    #[error("the discovery document is that of another issuer (`{0}`)")]
    Issuer(String),
    #[error("the discovery document's `jwks_uri`: {0}")]
    Url(InvalidUrl),
    #[error(
        "the keys are at `{0}`, which is neither the issuer's host and port nor among its `key_hosts`; add it there if the \
         issuer's keys belong there"
    )]
    KeyHost(String),
    #[error(transparent)]
    Keys(#[from] InvalidJwks),
}
