use async_trait::async_trait;
use oidc_core::{Audience, ComparedWorkflow, Context, HttpUrl, IdToken, RegistryRules};
use serde::Deserialize;
use serde_json::json;

use super::doctor::{OldFile, OldWay};
use super::wire::{self, Call};
use super::{Everything, ExchangeError, Granted, Protocol, Registry, TrustedPlatform, links};

/// The public registry.
const PUBLIC: &str = "https://marketplace.visualstudio.com/";

/// Where publish tokens are made.
const TOKEN_PATH: &str = "/_apis/gallery/token";

/// Where vsce keeps tokens, by its documentation. Not of the collected facts, and uncertain.
static OLD_WAY: OldWay = OldWay {
    ecosystem: "vs-marketplace",
    variables: &["VSCE_PAT"],
    variables_around: None,
    files: &[OldFile::marked(".vsce", "", &["\"pat\""])],
    public: PUBLIC,
    link: links::VS_MARKETPLACE,
    last_step: "revoke the personal access token in Azure DevOps",
};

/// Uncertain: nothing is known of what the Marketplace compares where one workflow calls another.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Uncertain);

pub(super) static PROTOCOL: Protocol = Protocol::new(&OLD_WAY, RULES)
    .token_variables(&["VS_MARKETPLACE_ID_TOKEN"])
    .platforms(&[TrustedPlatform::public("github")]);

/// The Visual Studio Marketplace.
///
/// A token is for one publisher's extensions and is used as a personal access token. Nothing of it can be run here: the
/// protocol is that of vsce's `src/oidc.ts`, held against recorded answers.
#[derive(Clone, Debug)]
pub struct VsMarketplace {
    url: HttpUrl,
    publisher: String,
}

wire::at_url!(VsMarketplace, PUBLIC, publisher: impl Into<String>, "`publisher` is whose extensions are published.");

#[async_trait]
impl Registry for VsMarketplace {
    type Package = Everything;

    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    /// The registry's host.
    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        wire::derived(&self.url, Audience::new(self.url.host()))
    }

    async fn exchange(&self, token: &IdToken, package: Everything, cx: &Context) -> Granted<Everything> {
        let call = Call::new(self, self.url.at_root().below(TOKEN_PATH), token, package, cx);
        let body = json!({ "publisherName": self.publisher });
        let exchanged: Exchanged = call.ask(call.with_bearer(&body)).await?;
        call.granted("credential", exchanged.credential, None)
    }
}

/// The answer to an exchange.
#[derive(Deserialize)]
struct Exchanged {
    credential: Option<String>,
}
