use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{Audience, Context, ForeignUrl, HttpUrl, InvalidUrl, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::diagnose::{Diagnose, ProtocolFacts};
use super::error::ExchangeError;
use super::protocol::Protocol;
use super::pypi::{FACTS, Minted, PROTOCOL, Pypi};
use super::registry::{ExchangeRequest, Registry};
use super::scope::Scope;
use super::token::PublishToken;
use super::wire::{self, ExchangeCall};
use crate::pep_807::{DISCOVERY_PARAMETER, DISCOVERY_PATH, MAX_LIFETIME, MEDIA_TYPE, MULTI_USE};

/// An index of Python projects that is asked for its endpoints by the **draft** of PEP 807, and by PyPI's own
/// protocol where it does not know the draft.
///
/// It may change with the draft; see [`pep_807`](crate::pep_807). [`Pypi`] does not use the draft.
///
/// The index is asked again before the audience and before the exchange, and its answers may name no origin
/// (scheme, host and port) other than that of the upload URL; the draft itself requires only the same host.
/// Only an index that answers 404 to the discovery is asked by PyPI's protocol: any other failure is an
/// error.
///
/// The token is for several uploads, wherever the index supports such tokens.
#[derive(Clone, Debug)]
pub struct Pep807 {
    legacy: Pypi,
}

impl Pep807 {
    /// The index that takes uploads at this URL, as its tools are configured with it.
    ///
    /// # Errors
    ///
    /// When the URL is not https (http is allowed on loopback), or holds credentials.
    pub fn at(url: &str) -> Result<Self, InvalidUrl> {
        Ok(Self::from_url(HttpUrl::parse(url)?))
    }

    /// The index at a parsed URL. The endpoints that its answer names must be https or on this machine all
    /// the same.
    pub fn from_url(url: HttpUrl) -> Self {
        Self { legacy: Pypi::from_url(url) }
    }

    /// Finds the index's endpoints; `None` where it does not support the draft's protocol.
    async fn discover(&self, cx: &Context) -> Result<Option<Endpoints>, ExchangeError> {
        let url = self.url().at_root().below(DISCOVERY_PATH);
        let url = url.with_query(DISCOVERY_PARAMETER, self.url().path());
        let answer = cx.send(wire::asking(url.clone(), MEDIA_TYPE)).await;
        let answer = answer.map_err(|error| ExchangeError::no_reply(&url, error))?;
        // An index without PEP 807, which is asked by PyPI's own endpoints instead.
        if answer.status == 404 {
            return Ok(None);
        }
        if answer.status != 200 {
            return Err(ExchangeError::no_discovery(&url, &answer));
        }
        let otherwise = "the index's answer tells no `audience-endpoint` and `token-mint-endpoint`";
        let found: Discovered = wire::read(&url, &answer, otherwise)?;
        let own = |name: &str, text: &str| {
            self.url().own(text).map_err(|error: ForeignUrl| ExchangeError::foreign(&url, name, &error))
        };
        Ok(Some(Endpoints {
            audience: own("audience-endpoint", &found.audience_endpoint)?,
            mint: own("token-mint-endpoint", &found.token_mint_endpoint)?,
            names_multi_use: found.has_to_be_asked_for_multi_use(),
        }))
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Registry for Pep807 {
    fn url(&self) -> &HttpUrl {
        self.legacy.url()
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        self.legacy.check_scope(scope)
    }

    /// Asks the index for its audience. An audience that belongs to another party is an error.
    async fn audience(&self, cx: &Context) -> Result<Audience, ExchangeError> {
        let cx = &cx.operation();
        match self.discover(cx).await? {
            Some(endpoints) => wire::audience_as(MEDIA_TYPE, self.url(), endpoints.audience, cx).await,
            None => self.legacy.audience(cx).await,
        }
    }

    /// Exchanges the identity token. The publish token expires when the index says, but no later than the
    /// draft allows.
    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        let cx = &cx.operation();
        self.check_scope(&request.scope)?;
        request.check_audience(self)?;
        let Some(endpoints) = self.discover(cx).await? else {
            return self.legacy.exchange(request, cx).await;
        };
        let call = ExchangeCall::new(self, endpoints.mint, request, cx)?.accepting(MEDIA_TYPE);
        let features = endpoints.names_multi_use.then(|| json!([MULTI_USE]));
        let request = call.with_members("token", features.map(|features| ("features", features)));
        let minted: Minted = call.ask(request).await?;
        // The draft forbids longer lifetimes, so a later time is an error of the index.
        let latest = call.asked_at().plus(MAX_LIFETIME);
        let expires_at = minted.expires_at().map(|at: Timestamp| at.min(latest));
        call.granted("token", minted.token, expires_at)
    }

    /// Revokes the token as [`Pypi`] does. The draft can't revoke tokens, but an index with both protocols
    /// may.
    async fn revoke(&self, token: &PublishToken, cx: &Context) -> Result<bool, ExchangeError> {
        self.legacy.revoke(token, cx).await
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Diagnose for Pep807 {
    fn facts(&self) -> &'static ProtocolFacts {
        &FACTS
    }

    fn probe(&self) -> Request {
        self.legacy.probe()
    }

    fn is_there(&self, status: u16) -> bool {
        self.legacy.is_there(status)
    }
}

/// The endpoints of an index, all with its own origin.
struct Endpoints {
    audience: HttpUrl,
    mint: HttpUrl,
    names_multi_use: bool,
}

/// The answer to a discovery.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Discovered {
    audience_endpoint: String,
    token_mint_endpoint: String,
    #[serde(default)]
    features: Vec<String>,
    default_features: Option<Vec<String>>,
}

impl Discovered {
    /// Returns `true` if a token is valid for several uploads only where this is requested.
    fn has_to_be_asked_for_multi_use(&self) -> bool {
        let names_it = |features: &[String]| features.iter().any(|feature| feature == MULTI_USE);
        names_it(&self.features) && self.default_features.as_deref().is_some_and(|default| !names_it(default))
    }
}
