//! An issuer's keys over the network: discovery, then the JWK set, both within bounds and without redirects.

use std::time::Duration;

use serde::Deserialize;

use super::backend::Backend;
use super::jwks::{InvalidJwks, KeySet};
use crate::context::Context;
use crate::http::{HttpError, Request, Response};
use crate::provider::Issuer;
use crate::text::shown;
use crate::url::{HttpUrl, InvalidUrl};

/// Each of the two requests may take this long.
const DEADLINE: Duration = Duration::from_secs(5);
/// A discovery document may have this many bytes. GitHub's has 1.2 kB, GitLab's 2 kB.
const MAX_DISCOVERY: usize = 64 * 1024;
/// A JWK set may have this many bytes. GitHub's has 8 kB, with certificates.
const MAX_JWKS: usize = 256 * 1024;

/// The members of a discovery document that matter here (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// Fetches the keys of an issuer.
pub(super) async fn fetch(
    cx: &Context,
    issuer: &Issuer,
    backend: &dyn Backend,
) -> Result<KeySet, FetchError> {
    let base = HttpUrl::parse(issuer.url())?;
    let document = get(cx, base.below(".well-known/openid-configuration"), MAX_DISCOVERY).await?;
    let discovery: Discovery = document.json().ok_or(FetchError::Discovery)?;
    if discovery.issuer != **issuer.url() {
        return Err(FetchError::Issuer(shown(&discovery.issuer).to_string()));
    }
    let keys = HttpUrl::parse(&discovery.jwks_uri)?;
    let is_allowed = keys.host() == base.host() || issuer.key_hosts.iter().any(|host| host == keys.host());
    if !is_allowed {
        return Err(FetchError::KeyHost(shown(keys.host()).to_string()));
    }
    let jwks = get(cx, keys, MAX_JWKS).await?;
    Ok(KeySet::parse(&jwks.body, backend, issuer.url())?)
}

async fn get(cx: &Context, url: HttpUrl, max_body: usize) -> Result<Response, FetchError> {
    let request = Request::get(url.clone()).header("accept", "application/json");
    let answer = cx.http().send(request.max_body(max_body).deadline(DEADLINE)).await?;
    if answer.status != 200 {
        return Err(FetchError::Status { url, status: answer.status });
    }
    Ok(answer)
}

/// An issuer's keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("{url} answered with status {status}, expected 200")]
    Status { url: HttpUrl, status: u16 },
    #[error("the discovery document is not a JSON object with `issuer` and `jwks_uri`")]
    Discovery,
    #[error("the discovery document is that of another issuer (`{0}`)")]
    Issuer(String),
    #[error("the discovery document's `jwks_uri`: {0}")]
    Url(#[from] InvalidUrl),
    #[error("the keys are at the host `{0}`, which is neither the issuer's nor one that its profile allows")]
    KeyHost(String),
    #[error(transparent)]
    Keys(#[from] InvalidJwks),
}
