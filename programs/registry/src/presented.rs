//! The token that a request carries.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use oidc_core::holds_identity_token;
use oidc_core::http::authorization;
use oidc_exchange::server::presented_token;

use crate::failure::Failure;

/// Reads the token, however the client sends it.
pub(super) fn of(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    if !headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let publish_token = || presented_token(headers).map(|token| token.expose().to_owned());
    misplaced(headers).or_else(publish_token).map(Some).ok_or_else(no_token)
}

/// Reads a bearer token, or an identity token that is sent in another way, whose sender is to be told that it is none.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    if !headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let (scheme, token) = authorization(headers).ok_or_else(no_token)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(token.to_owned()));
    }
    let refused = || Failure::new(StatusCode::UNAUTHORIZED, "only bearer tokens are accepted");
    misplaced(headers).map(Some).ok_or_else(refused)
}

/// The whole value of a header that should hold a publish token and holds the identity token of a CI job, in whatever way.
fn misplaced(headers: &HeaderMap) -> Option<String> {
    // Of several headers none is read.
    authorization(headers)?;
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    holds_identity_token(value).then(|| value.to_owned())
}

fn no_token() -> Failure {
    Failure::new(StatusCode::UNAUTHORIZED, "the `Authorization` header holds no token")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    const IDENTITY: &str =
        "e30.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoidmF1bHQiLCJleHAiOjF9.c2ln";

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    #[test]
    fn an_identity_token_is_known_however_it_is_sent() {
        for value in [
            IDENTITY.to_owned(),
            format!("Bearer {IDENTITY}"),
            format!("token {IDENTITY}"),
            format!("githuboidc {IDENTITY}"),
            format!("githuboidc:{IDENTITY}"),
            format!("Bearer token={IDENTITY}, realm=\"x\""),
            format!("ApiKey acme:{IDENTITY}"),
            format!("Bearer {}", STANDARD.encode(IDENTITY)),
            format!("Token {}", URL_SAFE.encode(IDENTITY)),
            STANDARD.encode(IDENTITY),
            basic(&format!("__token__:{IDENTITY}")),
            basic(&format!("__token__:{}", STANDARD.encode(IDENTITY))),
            basic(&format!("{IDENTITY}:")),
            basic(&format!("{IDENTITY}:x-oauth-basic")),
            basic(IDENTITY),
            basic(&format!("acme:{IDENTITY}\n")),
            basic(&format!("acme:{IDENTITY}")).trim_end_matches('=').to_owned(),
        ] {
            let headers = headers(&value);
            assert_eq!(of(&headers).unwrap(), Some(value.clone()), "{value}");
            assert!(bearer(&headers).unwrap().is_some_and(|sent| value.ends_with(&sent)), "{value}");
        }
    }

    #[test]
    fn a_publish_token_is_read_where_clients_send_it() {
        for (value, token, of_npm) in [
            ("tpub_1", Some("tpub_1"), None),
            ("bearer tpub_1", Some("tpub_1"), Some("tpub_1")),
            (&basic("__token__:tpub_1"), Some("tpub_1"), None),
            (&basic("tpub_1:"), Some(""), None),
            (&basic("tpub_1"), None, None),
            ("token tpub_1", None, None),
            ("Basic !", None, None),
        ] {
            assert_eq!(of(&headers(value)).ok().flatten().as_deref(), token, "{value}");
            assert_eq!(bearer(&headers(value)).ok().flatten().as_deref(), of_npm, "{value}");
        }
        let mut both = headers("Bearer tpub_1");
        both.append(AUTHORIZATION, "Bearer tpub_2".parse().unwrap());
        assert!(of(&both).is_err() && bearer(&both).is_err(), "another reader could read the other");
        assert!(of(&HeaderMap::new()).unwrap().is_none() && bearer(&HeaderMap::new()).unwrap().is_none());
    }
}
