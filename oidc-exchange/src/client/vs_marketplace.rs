use async_trait::async_trait;
use oidc_core::{Audience, ComparedWorkflow, Context, HttpUrl, InvalidAudience, RegistryRules};
use serde::Deserialize;
use serde_json::json;

use super::demand::TrustedPlatform;
use super::diagnose::{Diagnose, ProtocolFacts};
use super::error::ExchangeError;
use super::links;
use super::protocol::Protocol;
use super::registry::{ExchangeRequest, Registry};
use super::scope::Scope;
use super::static_credentials::{CredentialFile, StaticCredentials};
use super::token::PublishToken;
use super::wire::{self, ExchangeCall};

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

impl VsMarketplace {
    fn own_audience(&self) -> Result<Audience, InvalidAudience> {
        Audience::new(self.url.host())
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Registry for VsMarketplace {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::identity_only(&self.url, scope)
    }

    /// Returns the registry's host.
    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        wire::derived(&self.url, self.own_audience())
    }

    fn is_own_audience(&self, audience: &Audience) -> bool {
        self.own_audience().is_ok_and(|own| own == *audience)
    }

    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        let call = ExchangeCall::new(self, self.url.at_root().below(TOKEN_PATH), request, cx)?;
        let body = json!({ "publisherName": self.publisher });
        let exchanged: Exchanged = call.ask(call.with_bearer(&body)).await?;
        call.granted("credential", exchanged.credential, None)
    }
}

impl Diagnose for VsMarketplace {
    fn facts(&self) -> &'static ProtocolFacts {
        &FACTS
    }
}

/// The answer to an exchange.
#[derive(Deserialize)]
struct Exchanged {
    credential: Option<String>,
}
