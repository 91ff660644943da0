use std::borrow::Cow;

use async_trait::async_trait;
use oidc_core::{Audience, ComparedWorkflow, Context, HttpUrl, InvalidAudience, RegistryRules};

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
const PUBLIC: &str = "https://prefix.dev/";

/// The public registry's host, which is also the audience of its sub-domains.
const HOST: &str = "prefix.dev";

/// The path that makes publish tokens, unless a server's operator chose another.
const MINT_PATH: &str = "/api/oidc/mint_token";

/// The static credentials of rattler-build and pixi, by their documentation. They are not among the collected
/// facts, and uncertain.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "prefix-dev",
    &["PREFIX_API_KEY"],
    &[CredentialFile::marked("credentials.json", ".rattler/", &["\"BearerToken\""])
        .at_variable("RATTLER_AUTH_FILE")],
    "delete the API key on prefix.dev, under the account's settings",
);

/// Uncertain: it is not known which workflow prefix.dev compares where one calls another.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Uncertain);

pub(super) static PROTOCOL: Protocol = Protocol::new().token_variables(&["PREFIX_DEV_ID_TOKEN"]);

pub(super) static FACTS: ProtocolFacts =
    ProtocolFacts::new(PUBLIC, links::PREFIX_DEV, RULES, STATIC_CREDENTIALS);

/// The channels of conda packages on prefix.dev.
///
/// The answer is the token's text and nothing else. A token is for the channels that trust the job's
/// identity. The protocol is that of rattler's source, tested with recorded answers; no such registry can be
/// run here.
#[derive(Clone, Debug)]
pub struct PrefixDev {
    url: HttpUrl,
    audience: Option<Audience>,
    mint_path: Cow<'static, str>,
}

wire::at_url!(PrefixDev, PUBLIC; audience: None, mint_path: Cow::Borrowed(MINT_PATH));

impl PrefixDev {
    /// Sets the audience, for a server whose operator chose another one. Tokens with any other audience are not
    /// sent to it.
    ///
    /// ```
    /// # use oidc_core::Audience;
    /// # use oidc_exchange::client::PrefixDev;
    /// let server = PrefixDev::at("https://conda.example/")?
    ///     .with_audience(Audience::new("prefix.dev")?)
    ///     .with_mint_path("/tokens/mint");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_audience(mut self, audience: Audience) -> Self {
        self.audience = Some(audience);
        self
    }

    /// Sets the path below the server's host, in place of `/api/oidc/mint_token`. No text of the path leads to
    /// another host.
    #[must_use]
    pub fn with_mint_path(mut self, path: impl Into<String>) -> Self {
        self.mint_path = Cow::Owned(path.into());
        self
    }

    fn own_audience(&self) -> Result<Audience, InvalidAudience> {
        if let Some(audience) = &self.audience {
            return Ok(audience.clone());
        }
        let host = self.url.host();
        let is_below = host.strip_suffix(HOST).is_some_and(|label| label.ends_with('.'));
        Audience::new(if is_below { HOST } else { host })
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Registry for PrefixDev {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::identity_only(&self.url, scope)
    }

    /// Returns the audience that was set, or else the host, and the public registry's host for its sub-domains.
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
        let call = ExchangeCall::new(self, self.url.at_root().below(&self.mint_path), request, cx)?;
        let answer = call.send(call.with_member("token")).await?;
        let text = String::from_utf8(answer.body).ok().map(|text| text.trim().to_owned());
        call.granted("token", text, None)
    }
}

impl Diagnose for PrefixDev {
    fn facts(&self) -> &'static ProtocolFacts {
        &FACTS
    }
}
