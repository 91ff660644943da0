use async_trait::async_trait;
use oidc_core::{Audience, Context, HttpUrl, IdToken};
use serde::Deserialize;
use serde_json::Value;

use super::doctor::{OldWay, RUBYGEMS};
use super::wire::{self, Call};
use super::{Everything, ExchangeError, PublishToken, Registry};
use crate::rubygems::{self, EXCHANGE_PATH, TOKEN_VARIABLE};

/// The public registry.
const PUBLIC: &str = "https://rubygems.org/";

/// A registry of gems that speaks RubyGems' protocol.
///
/// A token is for every gem that trusts the job's identity. It lives 15 minutes and can't be ended before.
#[derive(Clone, Debug)]
pub struct RubyGems {
    url: HttpUrl,
}

wire::at_url!(RubyGems, PUBLIC);

#[async_trait]
impl Registry for RubyGems {
    type Package = Everything;

    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn old_way(&self) -> &'static OldWay {
        &RUBYGEMS
    }

    fn token_variables(&self) -> &[&str] {
        &[TOKEN_VARIABLE]
    }

    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        wire::derived(&self.url, rubygems::audience(&self.url))
    }

    async fn exchange(
        &self,
        token: &IdToken,
        package: Everything,
        cx: &Context,
    ) -> Result<PublishToken<Everything>, ExchangeError> {
        let call = Call::new(self.url.below(EXCHANGE_PATH), token, &package, cx);
        let exchanged: Exchanged = call.ask(call.with_member("jwt")).await?;
        let secret = call.secret("rubygems_api_key", exchanged.rubygems_api_key)?;
        Ok(PublishToken::new(secret, package, wire::time(exchanged.expires_at.as_ref())))
    }
}

/// The answer to an exchange.
#[derive(Deserialize)]
struct Exchanged {
    rubygems_api_key: Option<String>,
    expires_at: Option<Value>,
}
