use async_trait::async_trait;
use oidc_core::{Audience, ComparedCase, ComparedWorkflow, Context, HttpUrl, InvalidAudience, RegistryRules};
use serde::Deserialize;
use serde_json::Value;

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
use crate::rubygems::{self, EXCHANGE_PATH, TOKEN_VARIABLE};

/// The public registry.
const PUBLIC: &str = "https://rubygems.org/";

/// The static credentials of gem.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "rubygems",
    &["GEM_HOST_API_KEY", "RUBYGEMS_API_KEY"],
    &[CredentialFile::new("credentials", &["api_key"]).below_home(".gem/")],
    "delete the API key on rubygems.org, under the profile's settings",
);

/// The rules of rubygems.org, by its source: it looks up the called workflow's repository and file, and
/// compares case-sensitively.
const RULES: RegistryRules =
    RegistryRules::comparing(ComparedWorkflow::CalledAnywhere).case(ComparedCase::Exact);

pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&[TOKEN_VARIABLE]).lifetime_in_minutes(15);

pub(super) static FACTS: ProtocolFacts =
    ProtocolFacts::new(PUBLIC, links::RUBYGEMS, RULES, STATIC_CREDENTIALS)
        .url_variables(&["RUBYGEMS_HOST"])
        .platforms(&[TrustedPlatform::public("github")]);

/// A registry of gems that speaks RubyGems' protocol.
///
/// A token is for every gem that trusts the job's identity. It lives 15 minutes and can't be revoked.
#[derive(Clone, Debug)]
pub struct RubyGems {
    url: HttpUrl,
}

wire::at_url!(RubyGems, PUBLIC);

impl RubyGems {
    fn own_audience(&self) -> Result<Audience, InvalidAudience> {
        rubygems::audience(&self.url)
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Registry for RubyGems {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::identity_only(&self.url, scope)
    }

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
        let call = ExchangeCall::new(self, self.url.below(EXCHANGE_PATH), request, cx)?;
        let exchanged: Exchanged = call.ask(call.with_member("jwt")).await?;
        let expires_at = wire::time(exchanged.expires_at.as_ref());
        let gem = exchanged.gem_name();
        let token = call.granted("rubygems_api_key", exchanged.rubygems_api_key, expires_at)?;
        Ok(match gem {
            Some(gem) => token.limited_to([gem]),
            None => token,
        })
    }
}

impl Diagnose for RubyGems {
    fn facts(&self) -> &'static ProtocolFacts {
        &FACTS
    }
}

/// The answer to an exchange.
#[derive(Deserialize)]
struct Exchanged {
    rubygems_api_key: Option<String>,
    expires_at: Option<Value>,
    gem: Option<Value>,
}

impl Exchanged {
    /// Returns the name of the only gem that the key is for, if there is one (rubygems.org's
    /// `api_key.rubygem`).
    fn gem_name(&self) -> Option<String> {
        let gem = self.gem.as_ref()?;
        gem.get("name").unwrap_or(gem).as_str().map(str::to_owned)
    }
}
