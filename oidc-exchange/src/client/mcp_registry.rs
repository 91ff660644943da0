use super::row::{
    self, Audience, AudienceSource, ComparedWorkflow, ExchangeError, Expiry, HttpUrl, Posted, Protocol,
    ProtocolFacts, RegistryRules, Row, Scope, TrustedPlatform, links, tools,
};

/// The public registry.
const PUBLIC: &str = "https://registry.modelcontextprotocol.io/";

/// The path that makes registry tokens.
const TOKEN_PATH: &str = "/v0/auth/github-oidc";

pub(super) static PROTOCOL: Protocol = Protocol::new().token_variables(&["MCP_REGISTRY_ID_TOKEN"]);

/// The rules by the registry's source: it compares the repository's owner alone.
pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(
    PUBLIC,
    links::MCP_REGISTRY,
    RegistryRules::comparing(ComparedWorkflow::Neither),
    tools::MCP_PUBLISHER,
)
.platforms(&[TrustedPlatform::public("github")]);

/// A registry of servers of the Model Context Protocol.
///
/// A token is for every server below `io.github.OWNER/`, with the owner of the job's repository. Uncertain: the audience
/// is a setting of the registry's operator; clients use the registry's URL, and so does this one unless another is set.
/// The protocol is that of the registry's source, tested with recorded answers.
#[derive(Clone, Debug)]
pub struct McpRegistry {
    url: HttpUrl,
    audience: Option<Audience>,
}

row::registry!(McpRegistry, PUBLIC; audience: None);
row::with_audience!(McpRegistry);

impl Row for McpRegistry {
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::set_or_url(self.audience.as_ref(), &self.url)
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let url = self.url.below(TOKEN_PATH);
        Ok(Some(Posted::json(url, "oidc_token", "registry_token", Expiry::At("expires_at"))))
    }
}
