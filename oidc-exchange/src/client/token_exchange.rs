use oidc_core::{Audience, ComparedWorkflow, ForeignUrl, HttpUrl, RegistryRules};

use super::declared::{AudienceSource, Declared, Endpoint, Expiry, Posted};
use super::diagnose::ProtocolFacts;
use super::error::ExchangeError;
use super::known::KnownRefusal;
use super::protocol::Protocol;
use super::scope::Scope;
use super::static_credentials::StaticCredentials;
use crate::token_exchange::{GRANT_TYPE, ID_TOKEN_TYPE};

/// Refusals with the codes of RFC 6749, section 5.2, and RFC 8693, section 2.2.2.
static KNOWN_REFUSALS: &[KnownRefusal] = &[
    KnownRefusal::of_token(
        "unsupported_grant_type",
        "use another credential: this server exchanges no tokens",
    ),
    KnownRefusal::of_token(
        "invalid_client",
        "name a client that the server knows as a public one, or ask its operator to exchange identity tokens without \
         authentication of the client",
    ),
];

pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&["TOKEN_EXCHANGE_ID_TOKEN"]).known_refusals(KNOWN_REFUSALS);

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(
    "",
    "",
    RegistryRules::comparing(ComparedWorkflow::Uncertain),
    StaticCredentials::new("token-exchange", &[], &[], "revoke the static token at the registry"),
);

/// A registry with OAuth 2.0 token exchange (RFC 8693), such as an in-house one.
///
/// The token endpoint is the one that the registry's metadata name (RFC 8414), at the registry's own origin, or the
/// one that is [set](TokenExchange::with_endpoint). The client does not authenticate. The audience of the identity
/// token is the registry's URL without a slash at its end, unless another one is set. A publish token is for every
/// package of the job's identity.
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

super::wire::at_own_url!(TokenExchange; audience: None, endpoint: None, client: None);
super::wire::with_audience!(TokenExchange);

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

impl Declared for TokenExchange {
    const PROTOCOL: &'static Protocol = &PROTOCOL;
    const FACTS: &'static ProtocolFacts = &FACTS;

    fn location(&self) -> &HttpUrl {
        &self.url
    }

    fn audience_source(&self) -> AudienceSource {
        AudienceSource::set_or_url(self.audience.as_ref(), &self.url)
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let endpoint = self.endpoint.clone().map_or(Endpoint::Discovered, Endpoint::At);
        let grant = grant(endpoint).in_form();
        Ok(Some(match &self.client {
            Some(client) => grant.with("client_id", client),
            None => grant,
        }))
    }
}

/// The members of a token exchange, which every row over RFC 8693 has.
pub(super) fn grant(endpoint: impl Into<Endpoint>) -> Posted {
    Posted::json(endpoint, "subject_token", "access_token", Expiry::In("expires_in"))
        .with("grant_type", GRANT_TYPE)
        .with("subject_token_type", ID_TOKEN_TYPE)
}
