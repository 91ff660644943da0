//! The publish token that a request carries.

use data_encoding::BASE64_NOPAD;
use http::HeaderMap;
use oidc_core::Secret;
use oidc_core::http::authorization;

use super::minter::MAX_PUBLISH_TOKEN_BYTES;

/// Returns the publish token that a request carries in `Authorization`, as the ecosystems' clients send it: a bearer token,
/// the password of basic authentication (RFC 7617, section 2), or the whole value. `None` for a request with no token, with
/// another scheme or with several headers. [`Exchange::find_in`](super::Exchange::find_in) finds the token's rights as well.
///
/// | client | `Authorization` |
/// |---|---|
/// | npm | `Bearer TOKEN` |
/// | cargo, gem | `TOKEN` |
/// | twine, uv | `Basic`, with the token as the password |
///
/// ```
/// use http::{HeaderMap, header::AUTHORIZATION};
/// use oidc_exchange::server::presented_token;
///
/// let headers = HeaderMap::from_iter([(AUTHORIZATION, "Basic X190b2tlbl9fOnRwdWJfMQ==".parse()?)]);
/// assert_eq!(presented_token(&headers).unwrap().expose(), "tpub_1");
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
pub fn presented_token(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, token) = authorization(headers)?;
    if scheme.is_empty() || scheme.eq_ignore_ascii_case("bearer") {
        return Some(token.into());
    }
    // Base64 is longer than what it encodes by a third, and the user's name takes some more.
    if !scheme.eq_ignore_ascii_case("basic") || token.len() > 2 * MAX_PUBLISH_TOKEN_BYTES {
        return None;
    }
    // Some clients leave the padding out.
    let pair = BASE64_NOPAD.decode(token.trim_end_matches('=').as_bytes()).ok()?;
    String::from_utf8(pair).ok()?.split_once(':').map(|(_, password)| password.into())
}
