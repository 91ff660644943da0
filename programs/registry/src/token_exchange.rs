//! OAuth 2.0 token exchange (RFC 8693): an authorization server for each ecosystem, beside the exchange of its own protocol.

use axum::Router;
use oidc_core::HttpUrl;
use oidc_exchange::server::TokenExchangeEndpoint;
use oidc_exchange::token_exchange::{TOKEN_PATH, metadata_url};

use super::StartError;
use super::config::Ecosystem;
use super::dependencies::Dependencies;
use super::ecosystems::TOKEN_EXCHANGE;

/// The authorization servers of all ecosystems.
#[derive(Clone, Debug)]
pub(super) struct TokenExchanges(Vec<(Ecosystem, TokenExchangeEndpoint)>);

impl TokenExchanges {
    pub(super) fn new(dependencies: &Dependencies<'_>) -> Result<Self, StartError> {
        let endpoint = |ecosystem: Ecosystem| Ok((ecosystem, dependencies.token_exchange(ecosystem)?));
        Ecosystem::ALL.into_iter().map(endpoint).collect::<Result<_, StartError>>().map(Self)
    }

    /// The token endpoints, below the registry's URL, and the metadata, at the host's root (RFC 8414, section 3.1).
    pub(super) fn routers(self, public_url: &HttpUrl) -> (Router, Router) {
        let mut tokens = Router::new();
        let mut metadata = Router::new();
        for (ecosystem, endpoint) in self.0 {
            let path = format!("{TOKEN_EXCHANGE}/{}{TOKEN_PATH}", ecosystem.as_str());
            tokens = tokens.route_service(&path, endpoint.clone());
            let url = metadata_url(&ecosystem.authorization_server(public_url));
            metadata = metadata.route_service(url.path(), endpoint);
        }
        (tokens, metadata)
    }
}
