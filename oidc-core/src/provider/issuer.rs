use std::sync::Arc;
use std::time::Duration;

use crate::token::Audience;
use crate::url::{HttpUrl, InvalidUrl};

/// An issuer of identity tokens, as configured. A token can only select among the configured issuers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Issuer {
    url: Arc<str>,
    /// The hosts, in addition to the issuer's own, that its keys may be fetched from, each with its port
    /// where that is not the default of `https`, as `keys.example` or `keys.example:8443`. Another port of
    /// the issuer's host counts as another host here.
    pub key_hosts: Vec<String>,
    /// The keys themselves (a JWK set, RFC 7517, section 5), for registries that can't reach the issuer.
    pub keys: Option<serde_json::Value>,
    /// A bound on the tokens' lifetime, `exp - iat`, that replaces the profile's.
    pub max_lifetime: Option<Duration>,
    /// The claims that a token must have to be verified. They replace those that the platform's table
    /// requires.
    pub required_claims: Option<Vec<String>>,
    /// The audience of this issuer's tokens in place of the registry's own; see
    /// [`Issuer::with_fixed_audience`].
    pub fixed_audience: Option<Audience>,
}

impl Issuer {
    /// An issuer with this URL, which is compared with `iss` byte by byte.
    ///
    /// # Errors
    ///
    /// When the URL is not https (http is allowed on loopback), or has a query (OpenID Connect Discovery 1.0,
    /// section 3).
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        HttpUrl::parse(url)?;
        if url.contains('?') {
            return Err(InvalidUrl::new(url, "an issuer has no query"));
        }
        Ok(Self::constant(url))
    }

    /// An issuer whose URL is a constant of a platform. The URL is not checked.
    pub fn constant(url: &str) -> Self {
        Self {
            url: url.into(),
            key_hosts: Vec::new(),
            keys: None,
            max_lifetime: None,
            required_claims: None,
            fixed_audience: None,
        }
    }

    /// Returns the URL, as configured.
    pub fn url(&self) -> &Arc<str> {
        &self.url
    }

    /// Adds a host that the keys may be fetched from; see [`Issuer::key_hosts`].
    #[must_use]
    pub fn with_key_host(mut self, host: impl Into<String>) -> Self {
        self.key_hosts.push(host.into());
        self
    }

    /// Uses the keys of this JWK set (RFC 7517, section 5) and never fetches any. Unusable keys in the set are
    /// skipped; [`Verifier::new`](crate::verify::Verifier::new) fails if no key is usable with one of the
    /// platform's algorithms.
    #[must_use]
    pub fn with_keys(mut self, jwks: serde_json::Value) -> Self {
        self.keys = Some(jwks);
        self
    }

    /// Replaces the platform's bound on the tokens' lifetime, `exp - iat`.
    #[must_use]
    pub fn with_max_lifetime(mut self, limit: Duration) -> Self {
        self.max_lifetime = Some(limit);
        self
    }

    /// Replaces the claims that a token must have to be verified, which are otherwise those of the platform's
    /// table: fewer where an issuer's tokens lack some of them, more where the registry reads others itself.
    /// Claims that every token needs (`iss`, `aud`, `exp`, `iat`, and `jti` where the platform has it) stay
    /// required. Every claim that a publisher's rules read stays required when that publisher is matched.
    ///
    /// No verifier can be made with a name that the platform's table lacks.
    ///
    /// ```
    /// use oidc_core::Issuer;
    ///
    /// let read_elsewhere = Issuer::new("https://issuer.example")?.requiring([]);
    /// let with_subject = Issuer::new("https://issuer.example")?.requiring(["sub"]);
    /// # Ok::<(), oidc_core::InvalidUrl>(())
    /// ```
    #[must_use]
    pub fn requiring<'c>(mut self, claims: impl IntoIterator<Item = &'c str>) -> Self {
        self.required_claims = Some(claims.into_iter().map(str::to_owned).collect());
        self
    }

    /// Accepts tokens of this issuer for another audience than the registry's, and no longer for the
    /// registry's own: for platforms whose jobs can't choose the audience, such as Azure Pipelines. Other
    /// issuers' tokens for that audience stay refused.
    ///
    /// Such a token does not say which service it was made for. Every service that a job presents it to can
    /// publish with it here until it is used or expires, and the job can publish here with a token that it got
    /// for anything else. So it is off by default, and a registry needs a record of used tokens and publishers
    /// that are known by immutable ids.
    ///
    /// ```
    /// use oidc_core::{Audience, Issuer};
    ///
    /// let organization = Issuer::new("https://vstoken.dev.azure.com/11111111-1111-4111-8111-111111111111")?;
    /// let organization = organization.with_fixed_audience(Audience::new("api://AzureADTokenExchange")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_fixed_audience(mut self, audience: Audience) -> Self {
        self.fixed_audience = Some(audience);
        self
    }

    /// Adds the key hosts of `other`, and replaces the other settings by those that `other` has.
    #[cfg(feature = "verify")]
    pub(super) fn with_settings_of(mut self, other: &Self) -> Self {
        self.key_hosts.extend(other.key_hosts.iter().cloned());
        self.keys = other.keys.clone().or(self.keys);
        self.max_lifetime = other.max_lifetime.or(self.max_lifetime);
        self.required_claims = other.required_claims.clone().or(self.required_claims);
        self.fixed_audience = other.fixed_audience.clone().or(self.fixed_audience);
        self
    }
}
