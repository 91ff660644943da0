use super::row::{
    self, Audience, AudienceSource, ComparedWorkflow, ExchangeError, Expiry, HttpUrl, Posted, Protocol,
    ProtocolFacts, RegistryRules, Row, Scope, TrustedPlatform, links, tools,
};

/// The public registry.
const PUBLIC: &str = "https://marketplace.visualstudio.com/";

/// The path that makes publish tokens.
const TOKEN_PATH: &str = "/_apis/gallery/token";

/// Uncertain: it is not known which workflow the Marketplace compares where one calls another.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Uncertain);

pub(super) static PROTOCOL: Protocol = Protocol::new().token_variables(&["VS_MARKETPLACE_ID_TOKEN"]);

pub(super) static FACTS: ProtocolFacts =
    ProtocolFacts::new(PUBLIC, links::VS_MARKETPLACE, RULES, tools::VSCE)
        .platforms(&[TrustedPlatform::public("github")]);

/// The Visual Studio Marketplace.
///
/// A token is for one publisher's extensions and is used like a personal access token. The protocol is that
/// of vsce's `src/oidc.ts`, tested with recorded answers; no such registry can be run here. Uncertain: the
/// endpoint is reported to have answered 404 in August 2026, and how long a token lives is not known.
#[derive(Clone, Debug)]
pub struct VsMarketplace {
    url: HttpUrl,
    publisher: String,
}

row::registry!(VsMarketplace, PUBLIC, publisher: impl Into<String>, "`publisher` is the owner of the extensions.");

impl Row for VsMarketplace {
    /// The audience is the registry's host.
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::Derived(Audience::new(self.url.host()))
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let url = self.url.at_root().below(TOKEN_PATH);
        let posted = Posted::bearer(url, "credential", Expiry::Untold);
        Ok(Some(posted.with("publisherName", &*self.publisher)))
    }
}
