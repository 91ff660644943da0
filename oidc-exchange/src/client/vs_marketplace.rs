use async_trait::async_trait;
use oidc_core::{Audience, Context, HttpUrl, IdToken, InvalidUrl};
use serde::Deserialize;
use serde_json::json;

use super::doctor::OldWay;
use super::wire::{self, Call};
use super::{Everything, ExchangeError, PublishToken, Registry, links};

/// The public registry.
const PUBLIC: &str = "https://marketplace.visualstudio.com/";

/// Where publish tokens are made.
const TOKEN_PATH: &str = "/_apis/gallery/token";

static OLD_WAY: OldWay = OldWay {
    ecosystem: "vs-marketplace",
    variables: &["VSCE_PAT"],
    variables_around: None,
    files: &[],
    link: links::VS_MARKETPLACE,
    last_step: "revoke the personal access token in Azure DevOps",
};

/// The Visual Studio Marketplace.
///
/// A token is for one publisher's extensions and is used as a personal access token. Nothing of it can be run here: the
/// protocol is that of vsce's `src/oidc.ts`, held against recorded answers.
#[derive(Clone, Debug)]
pub struct VsMarketplace {
    url: HttpUrl,
    publisher: String,
}

impl VsMarketplace {
    /// The registry at this URL, for the extensions of `publisher`.
    ///
    /// # Errors
    ///
    /// When the URL is not https (http on loopback), or holds credentials.
    pub fn at(url: &str, publisher: impl Into<String>) -> Result<Self, InvalidUrl> {
        Ok(Self { url: HttpUrl::parse(url)?, publisher: publisher.into() })
    }

    /// The public registry.
    ///
    /// # Errors
    ///
    /// Never: the URL is a constant of the protocol.
    pub fn public(publisher: impl Into<String>) -> Result<Self, InvalidUrl> {
        Self::at(PUBLIC, publisher)
    }
}

#[async_trait]
impl Registry for VsMarketplace {
    type Package = Everything;

    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn old_way(&self) -> &'static OldWay {
        &OLD_WAY
    }

    fn token_variables(&self) -> &[&str] {
        &["VS_MARKETPLACE_ID_TOKEN"]
    }

    /// The registry's host.
    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        wire::derived(&self.url, Audience::new(self.url.host()))
    }

    async fn exchange(
        &self,
        token: &IdToken,
        package: Everything,
        cx: &Context,
    ) -> Result<PublishToken<Everything>, ExchangeError> {
        let call = Call::new(self.url.at_root().below(TOKEN_PATH), token, &package, cx);
        let body = json!({ "publisherName": self.publisher }).to_string();
        let request = call.request().bearer(call.token()).body("application/json", body);
        let exchanged: Exchanged = call.ask(request).await?;
        Ok(PublishToken::new(call.secret("credential", exchanged.credential)?, package, None))
    }
}

/// The answer to an exchange.
#[derive(Deserialize)]
struct Exchanged {
    credential: Option<String>,
}
