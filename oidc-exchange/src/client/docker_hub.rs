use super::oauth::grant;
use super::row::{
    self, AudienceSource, ComparedWorkflow, ExchangeError, HttpUrl, Posted, Protocol, ProtocolFacts,
    RegistryRules, Row, Scope, links, tools,
};

/// The host that makes the public registry's tokens.
const PUBLIC: &str = "https://identity.docker.com/";

/// The lifetime that is asked for, in seconds: Docker Hub allows 300 to 3600.
const LIFETIME: &str = "900";

pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&["DOCKERHUB_ID_TOKEN"]).lifetime_in_minutes(15);

/// A connection's rules compare `sub`, by patterns.
pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(
    PUBLIC,
    links::DOCKER_HUB,
    RegistryRules::comparing(ComparedWorkflow::Neither),
    tools::DOCKER,
);

/// Docker Hub, by OAuth 2.0 token exchange for an OIDC connection of an organization.
///
/// The token is the password of `docker login`, with the organization as the user's name. It is for the repositories
/// of the connection's rules and lives 15 minutes. The protocol is that of `docker/oidc-action`'s source, tested with
/// recorded answers; no such registry can be run here.
#[derive(Clone, Debug)]
pub struct DockerHub {
    url: HttpUrl,
    connection: String,
}

row::registry!(DockerHub, PUBLIC, connection: impl Into<String>, "`connection` is the id of the OIDC connection, a UUID.");

impl Row for DockerHub {
    /// The audience is the host that makes the tokens: `https://identity.docker.com`.
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::set_or_url(None, &self.url)
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let grant = grant(self.url.below("/oauth/token")).in_form();
        Ok(Some(grant.with("connection_id", &*self.connection).with("expires_in", LIFETIME)))
    }
}
