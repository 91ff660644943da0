use ::http::HeaderMap;
use ::http::header::AUTHORIZATION;

/// Returns the scheme and the credentials of a request's `Authorization` header. The scheme is empty where the value is
/// one word, as cargo sends its tokens. `None` for a request without the header or with several, and for a value that is
/// no visible ASCII text.
///
/// ```
/// use http::{HeaderMap, header::AUTHORIZATION};
///
/// let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer eyJ".parse()?)]);
/// assert_eq!(oidc_core::http::authorization(&headers), Some(("Bearer", "eyJ")));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
pub fn authorization(headers: &HeaderMap) -> Option<(&str, &str)> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    // Of several, another reader of the request could choose another one.
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?.trim();
    let (scheme, credentials) = value.split_once(' ').unwrap_or(("", value));
    Some((scheme, credentials.trim()))
}
