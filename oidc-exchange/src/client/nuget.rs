use async_trait::async_trait;
use oidc_core::{Audience, Context, HttpUrl, IdToken, InvalidUrl};
use serde::Deserialize;
use serde_json::{Value, json};

use super::doctor::OldWay;
use super::wire::{self, Call};
use super::{Everything, ExchangeError, PublishToken, Registry, links};

/// The public registry.
const PUBLIC: &str = "https://www.nuget.org/";

/// Where publish tokens are made.
const TOKEN_PATH: &str = "/api/v2/token";

static OLD_WAY: OldWay = OldWay {
    ecosystem: "nuget",
    variables: &["NUGET_API_KEY"],
    variables_around: None,
    files: &[],
    link: links::NUGET,
    last_step: "delete the API key on nuget.org, under the account's settings",
};

/// nuget.org's registry.
///
/// A policy belongs to an account and not to a package, so the exchange names the account that made it; a token is for
/// what that policy covers, and lives 15 to 20 minutes. Nothing of it can be run here: the protocol is that of
/// `NuGet/login` and `NuGetGallery`'s source, held against recorded answers.
#[derive(Clone, Debug)]
pub struct NuGet {
    url: HttpUrl,
    user: String,
}

impl NuGet {
    /// The registry at this URL, where `user` made the policy.
    ///
    /// # Errors
    ///
    /// When the URL is not https (http on loopback), or holds credentials.
    pub fn at(url: &str, user: impl Into<String>) -> Result<Self, InvalidUrl> {
        Ok(Self { url: HttpUrl::parse(url)?, user: user.into() })
    }

    /// The public registry.
    ///
    /// # Errors
    ///
    /// Never: the URL is a constant of the protocol.
    pub fn public(user: impl Into<String>) -> Result<Self, InvalidUrl> {
        Self::at(PUBLIC, user)
    }
}

#[async_trait]
impl Registry for NuGet {
    type Package = Everything;

    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn old_way(&self) -> &'static OldWay {
        &OLD_WAY
    }

    fn token_variables(&self) -> &[&str] {
        &["NUGET_ID_TOKEN"]
    }

    /// The registry's origin: `https://www.nuget.org`.
    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        wire::derived(&self.url, Audience::new(wire::origin(&self.url)))
    }

    async fn exchange(
        &self,
        token: &IdToken,
        package: Everything,
        cx: &Context,
    ) -> Result<PublishToken<Everything>, ExchangeError> {
        let call = Call::new(self.url.at_root().below(TOKEN_PATH), token, &package, cx);
        let body = json!({ "username": self.user, "tokenType": "ApiKey" }).to_string();
        let request = call.request().bearer(call.token()).body("application/json", body);
        let exchanged: Exchanged = call.ask(request).await?;
        let secret = call.secret("apiKey", exchanged.api_key)?;
        Ok(PublishToken::new(secret, package, wire::time(exchanged.expires.as_ref())))
    }
}

/// The answer to an exchange.
#[derive(Deserialize)]
struct Exchanged {
    #[serde(rename = "apiKey")]
    api_key: Option<String>,
    expires: Option<Value>,
}
