//! The token that a request carries.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::failure::Failure;

/// Reads the token, however the client sends it: as a bearer token, as the password of basic authentication, or alone.
pub(super) fn of(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let unusable = || Failure::new(StatusCode::UNAUTHORIZED, "the `Authorization` header holds no token");
    let value = value.to_str().map_err(|_| unusable())?.trim();
    match value.split_once(' ') {
        None => Ok(Some(value.to_owned())),
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim().to_owned())),
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => {
            let pair = STANDARD.decode(pair.trim()).ok().and_then(|pair| String::from_utf8(pair).ok());
            let pair = pair.ok_or_else(unusable)?;
            Ok(pair.split_once(':').map(|(_, password)| password.to_owned()))
        }
        Some(_) => Err(unusable()),
    }
}
