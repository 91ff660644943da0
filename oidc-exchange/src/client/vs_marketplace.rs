use oidc_core::{Audience, ComparedWorkflow, HttpUrl, RegistryRules};

use super::declared::{AudienceSource, Declared, Expiry, Posted};
use super::demand::TrustedPlatform;
use super::diagnose::ProtocolFacts;
use super::error::ExchangeError;
use super::links;
use super::protocol::Protocol;
use super::scope::Scope;
use super::static_credentials::{CredentialFile, StaticCredentials};
use super::wire;

/// The public registry.
const PUBLIC: &str = "https://marketplace.visualstudio.com/";

/// The path that makes publish tokens.
const TOKEN_PATH: &str = "/_apis/gallery/token";

/// The static credentials of vsce, by its documentation. They are not among the collected facts, and
/// uncertain.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "vs-marketplace",
    &["VSCE_PAT"],
    &[CredentialFile::marked(".vsce", "", &["\"pat\""])],
    "revoke the personal access token in Azure DevOps",
);

/// Uncertain: it is not known which workflow the Marketplace compares where one calls another.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Uncertain);

pub(super) static PROTOCOL: Protocol = Protocol::new().token_variables(&["VS_MARKETPLACE_ID_TOKEN"]);

pub(super) static FACTS: ProtocolFacts =
    ProtocolFacts::new(PUBLIC, links::VS_MARKETPLACE, RULES, STATIC_CREDENTIALS)
        .platforms(&[TrustedPlatform::public("github")]);

/// The Visual Studio Marketplace.
///
/// A token is for one publisher's extensions and is used like a personal access token. The protocol is that
/// of vsce's `src/oidc.ts`, tested with recorded answers; no such registry can be run here.
#[derive(Clone, Debug)]
pub struct VsMarketplace {
    url: HttpUrl,
    publisher: String,
}

wire::at_url!(VsMarketplace, PUBLIC, publisher: impl Into<String>, "`publisher` is the owner of the extensions.");

impl Declared for VsMarketplace {
    const PROTOCOL: &'static Protocol = &PROTOCOL;
    const FACTS: &'static ProtocolFacts = &FACTS;

    fn location(&self) -> &HttpUrl {
        &self.url
    }

    /// The audience is the registry's host.
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::Derived(Audience::new(self.url.host()))
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let url = self.url.at_root().below(TOKEN_PATH);
        let posted = Posted::json(url, "", "credential", Expiry::Untold).with_bearer();
        Ok(Some(posted.with("publisherName", &self.publisher)))
    }
}
