use std::sync::Arc;
use std::time::Duration;

use crate::url::{HttpUrl, InvalidUrl};

/// One issuer of identity tokens, as it is configured. A token only selects among these.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Issuer {
    url: Arc<str>,
    /// Hosts beside the issuer's own that its keys may be fetched from, each with its port where that isn't the default of
    /// `https`, as `keys.example` or `keys.example:8443`. Another port of the issuer's host is another host here.
    pub key_hosts: Vec<String>,
    /// The keys themselves (a JWK set, RFC 7517 section 5), for registries that can't reach the issuer.
    pub keys: Option<serde_json::Value>,
    /// Another bound on the tokens' lifetime, `exp - iat`, than the profile's.
    pub max_lifetime: Option<Duration>,
    /// The claims that a token must have to be verified, instead of those that the platform's table requires.
    pub required_claims: Option<Vec<String>>,
}

impl Issuer {
    /// An issuer by its URL, which is compared with `iss` byte by byte.
    ///
    /// # Errors
    ///
    /// When it is not https (http on loopback), or has a query (OpenID Connect Discovery 1.0, section 3).
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        HttpUrl::parse(url)?;
        if url.contains('?') {
            return Err(InvalidUrl::new(url, "an issuer has no query"));
        }
        Ok(Self::constant(url))
    }

    /// An issuer that is a constant of a platform.
    pub fn constant(url: &str) -> Self {
        Self { url: url.into(), key_hosts: Vec::new(), keys: None, max_lifetime: None, required_claims: None }
    }

    /// The URL, as configured.
    pub fn url(&self) -> &Arc<str> {
        &self.url
    }

    /// With one more host that its keys may be fetched from; see [`Issuer::key_hosts`].
    #[must_use]
    pub fn with_key_host(mut self, host: impl Into<String>) -> Self {
        self.key_hosts.push(host.into());
        self
    }

    /// With keys that are configured (a JWK set, RFC 7517 section 5), and never fetched. Those that can't be used are passed
    /// over; a verifier can't be made of a set without one for the platform's algorithms.
    #[must_use]
    pub fn with_keys(mut self, jwks: serde_json::Value) -> Self {
        self.keys = Some(jwks);
        self
    }

    /// With another bound on the tokens' lifetime, `exp - iat`, than the platform's.
    #[must_use]
    pub fn with_max_lifetime(mut self, limit: Duration) -> Self {
        self.max_lifetime = Some(limit);
        self
    }

    /// With the claims that a token must have to be verified, instead of those that the platform's table requires: fewer where
    /// an issuer's tokens lack some of them, more where the registry reads others itself. What every token needs (`iss`,
    /// `aud`, `exp`, `iat`, and `jti` where the platform has it) stays required, and so does, when it is matched, every
    /// claim that a publisher's rules read.
    ///
    /// A verifier can't be made with a name that the platform's table lacks.
    #[must_use]
    pub fn requiring(mut self, claims: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.required_claims = Some(claims.into_iter().map(Into::into).collect());
        self
    }

    /// This issuer as far as `other` doesn't say otherwise.
    #[cfg(feature = "verify")]
    pub(super) fn with_settings_of(mut self, other: &Self) -> Self {
        self.key_hosts.extend(other.key_hosts.iter().cloned());
        self.keys = other.keys.clone().or(self.keys);
        self.max_lifetime = other.max_lifetime.or(self.max_lifetime);
        self.required_claims = other.required_claims.clone().or(self.required_claims);
        self
    }
}
