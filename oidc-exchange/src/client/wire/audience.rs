//! The audience of a registry, derived or asked for.

use oidc_core::{Audience, Context, HttpUrl, InvalidAudience};
use serde::Deserialize;

use super::{JSON, asking, read};
use crate::client::audience::checked;
use crate::client::error::ExchangeError;

/// Returns the audience of the registry at `url` that its protocol derives.
pub(in crate::client) fn derived(
    url: &HttpUrl,
    audience: Result<Audience, InvalidAudience>,
) -> Result<Audience, ExchangeError> {
    audience.map_err(|error| ExchangeError::invalid_url(url, &error))
}

/// Asks for the audience at `url`, one of the registry's own addresses: `{"audience": …}`. An audience that
/// belongs to another party is an error.
pub(in crate::client) async fn audience(
    registry: &HttpUrl,
    url: HttpUrl,
    cx: &Context,
) -> Result<Audience, ExchangeError> {
    audience_as(JSON, registry, url, cx).await
}

/// As [`audience`], for a protocol with a media type of its own.
pub(in crate::client) async fn audience_as(
    accept: &'static str,
    registry: &HttpUrl,
    url: HttpUrl,
    cx: &Context,
) -> Result<Audience, ExchangeError> {
    let request = asking(url.clone(), accept);
    let answer = cx.send(request).await.map_err(|error| ExchangeError::no_reply(&url, error))?;
    if !answer.is_success() {
        return Err(ExchangeError::no_audience(&url, &answer));
    }
    let answered: AudienceAnswer = read(&url, &answer, "the registry's answer tells no `audience`")?;
    let audience = Audience::new(answered.audience).map_err(|_| {
        ExchangeError::invalid_answer(&url, "the `audience` that the registry tells is not one")
    })?;
    checked(registry, &url, audience)
}

#[derive(Deserialize)]
struct AudienceAnswer {
    audience: String,
}
