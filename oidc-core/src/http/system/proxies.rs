use hyper::header::HeaderValue;
use hyper::http::uri::Authority;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::http::settings::{HttpSettings, InvalidHttpSettings, invalid, no_proxy_url};

pub(super) fn user_agent(settings: &HttpSettings) -> Result<HeaderValue, InvalidHttpSettings> {
    HeaderValue::from_str(&settings.user_agent).map_err(|error| invalid("user_agent", &error))
}

/// Reads the proxy and its exceptions.
pub(super) fn proxies(settings: &HttpSettings) -> Result<Option<Matcher>, InvalidHttpSettings> {
    let Some(url) = &settings.https_proxy else { return Ok(None) };
    // The matcher silently ignores a proxy URL that it can't use, so a request for any host tells whether it
    // was understood.
    let matcher = |no_proxy: &str| Matcher::builder().https(url.expose()).no(no_proxy).build();
    let any = hyper::Uri::from_static("https://host.invalid");
    let is_usable = |proxy: Intercept| matches!(proxy.uri().scheme_str(), Some("http" | "https"));
    if matcher("").intercept(&any).is_some_and(is_usable) {
        return Ok(Some(matcher(settings.no_proxy.as_deref().unwrap_or_default())));
    }
    Err(no_proxy_url(settings))
}

/// A proxy's host and port.
pub(super) fn address(proxy: &Intercept) -> String {
    let uri = proxy.uri();
    let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
    match (uri.port(), uri.scheme_str()) {
        (Some(_), _) => authority.to_owned(),
        (None, Some("https")) => format!("{authority}:443"),
        (None, _) => format!("{authority}:80"),
    }
}
