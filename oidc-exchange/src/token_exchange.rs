//! The parts of OAuth 2.0 token exchange (RFC 8693) that both ends need: names of types, and the path of an
//! authorization server's metadata (RFC 8414).

use oidc_core::HttpUrl;

/// The grant of a token exchange.
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The type of an OpenID Connect ID token, which a job's identity token is.
pub const ID_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:id_token";

/// The type of any JWT. A client may send an identity token with this type too.
pub const JWT_TYPE: &str = "urn:ietf:params:oauth:token-type:jwt";

/// The type of a publish token.
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The path that an authorization server's metadata begin with. The path of the issuer follows.
pub const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// The path of the token endpoint below an issuer, where this crate serves one.
pub const TOKEN_PATH: &str = "/oauth/token";

/// The URL of an issuer's metadata: the well-known path stands between the host and the issuer's own path
/// (RFC 8414, section 3.1).
///
/// ```
/// use oidc_core::HttpUrl;
/// use oidc_exchange::token_exchange::metadata_url;
///
/// let issuer = HttpUrl::parse("https://registry.example/tenant/")?;
/// let metadata = metadata_url(&issuer);
/// assert_eq!(metadata.as_str(), "https://registry.example/.well-known/oauth-authorization-server/tenant");
/// # Ok::<(), oidc_core::InvalidUrl>(())
/// ```
pub fn metadata_url(issuer: &HttpUrl) -> HttpUrl {
    let path = issuer.path().trim_end_matches('/');
    issuer.at_root().below(&format!("{METADATA_PATH}{path}"))
}

/// The issuer of the authorization server at a URL: the URL without a slash at its end.
pub fn issuer(url: &HttpUrl) -> &str {
    url.as_str().trim_end_matches('/')
}
