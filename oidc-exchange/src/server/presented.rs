//! The publish token that a request carries.

use data_encoding::BASE64;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use oidc_core::Secret;

use super::minter::MAX_PUBLISH_TOKEN_BYTES;

/// The token in `Authorization`: a bearer token, the password of basic authentication (RFC 7617, section 2), or the whole value.
pub(super) fn presented(headers: &HeaderMap) -> Option<Secret> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?.trim();
    let Some((scheme, token)) = value.split_once(' ') else { return Some(value.into()) };
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(token.into());
    }
    // Base64 is longer than what it encodes by a third, and the user's name takes some more.
    if !scheme.eq_ignore_ascii_case("basic") || token.len() > 2 * MAX_PUBLISH_TOKEN_BYTES {
        return None;
    }
    let pair = String::from_utf8(BASE64.decode(token.as_bytes()).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.into())
}
