use oidc_core::ForeignUrl;

use super::oauth::{self, grant};
use super::row::{
    self, Audience, AudienceSource, Endpoint, ExchangeError, HttpUrl, Posted, Protocol, ProtocolFacts, Row,
    Scope, StaticCredentials,
};

pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&["TOKEN_EXCHANGE_ID_TOKEN"]).known_refusals(oauth::REFUSALS);

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::without_public(StaticCredentials::new(
    "token-exchange",
    &[],
    &[],
    "revoke the static token at the registry",
));

/// A registry with OAuth 2.0 token exchange (RFC 8693), such as an in-house one.
///
/// The token endpoint is the one that the registry's metadata name (RFC 8414), at the registry's own origin, or the one that
/// is [set](TokenExchange::with_endpoint). The client does not authenticate. The audience of the identity token is the registry's
/// URL without a slash at its end, unless another one is set. A token is for every package of the job's identity.
///
/// ```
/// use oidc_core::{Audience, HttpUrl};
/// use oidc_exchange::client::{Registry as _, TokenExchange};
///
/// let registry = TokenExchange::at("https://registry.example/")?
///     .with_endpoint("https://registry.example/sts/token")?
///     .with_audience(Audience::new("packages")?);
/// assert!(registry.is_own_audience(&Audience::new("packages")?));
/// assert!(registry.with_endpoint("https://sts.example/token").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TokenExchange {
    url: HttpUrl,
    audience: Option<Audience>,
    endpoint: Option<HttpUrl>,
    client: Option<String>,
}

row::registry!(@own TokenExchange; audience: None, endpoint: None, client: None);
row::with_audience!(TokenExchange);

impl TokenExchange {
    /// Sets the name of this client, `client_id`, for servers that know their clients. It is a public client: it has no
    /// secret and does not authenticate (RFC 6749, section 3.2.1).
    #[must_use]
    pub fn with_client(mut self, id: impl Into<String>) -> Self {
        self.client = Some(id.into());
        self
    }

    /// Sets the token endpoint, so that the registry is not asked for it.
    ///
    /// # Errors
    ///
    /// When the endpoint has another origin than the registry.
    pub fn with_endpoint(mut self, url: &str) -> Result<Self, ForeignUrl> {
        self.endpoint = Some(self.url.own(url)?);
        Ok(self)
    }
}

impl Row for TokenExchange {
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::set_or_url(self.audience.as_ref(), &self.url)
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let endpoint = self.endpoint.clone().map_or(Endpoint::Discovered, Endpoint::At);
        let grant = grant(endpoint).in_form();
        Ok(Some(match &self.client {
            Some(client) => grant.with("client_id", &**client),
            None => grant,
        }))
    }
}
