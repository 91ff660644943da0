//! Registries as rows of data: a protocol, facts for a diagnosis, an audience, the form of the request and of its
//! answer. A file of a registry names these, and this module and [`posted`](super::posted) do the work.

mod constructors;

use std::fmt;

use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{Context, Diagnosis, InvalidAudience};

use super::registry::{ExchangeRequest, Registry};
use super::token::PublishToken;

// All that a row is made of.
pub(super) use self::constructors::{registry, scope_of, with_audience};
pub(super) use super::demand::{Demand, TrustedPlatform};
pub(super) use super::diagnose::{AdviceRequest, Diagnose, ProtocolFacts};
pub(super) use super::error::ExchangeError;
pub(super) use super::known::{KnownRefusal, USED};
pub(super) use super::posted::{Endpoint, Expiry, Posted};
pub(super) use super::protocol::Protocol;
pub(super) use super::scope::Scope;
pub(super) use super::static_credentials::StaticCredentials;
pub(super) use super::{links, tools, wire};
pub(super) use oidc_core::{Audience, ComparedCase, ComparedWorkflow, HttpUrl, RegistryRules};

/// The constants of a row, and its place. Implemented by [`registry!`].
pub(super) trait Placed: fmt::Debug + Send + Sync {
    /// The part of the protocol that an exchange needs.
    const PROTOCOL: &'static Protocol;
    /// The facts that a diagnosis needs.
    const FACTS: &'static ProtocolFacts;

    /// Returns the registry's URL, as it was given.
    fn location(&self) -> &HttpUrl;
}

/// A registry that is described by data. It is a [`Registry`], and can be diagnosed.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub(super) trait Row: Placed {
    /// Checks that there are tokens for a scope. By default, tokens are for every package of the identity.
    fn accept_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::identity_only(self.location(), scope)
    }

    /// Returns the registry's audience, or the place where the registry tells it.
    fn audience_source(&self) -> AudienceSource;

    /// Describes the exchange for a scope; `None` where the registry takes the identity token itself.
    fn exchange_for(&self, scope: &Scope) -> Result<Option<Posted>, ExchangeError>;

    /// Asks the registry for its endpoints, where its protocol has a discovery; `None` where the registry does not support it,
    /// and the other methods describe the exchange.
    async fn discovered(&self, _cx: &Context) -> Result<Option<Discovered>, ExchangeError> {
        Ok(None)
    }

    /// Returns the words by which a user of the application names the registry's owner, for the fix of a refusal that is about
    /// the owner.
    fn owner_setting(&self) -> Option<&str> {
        None
    }

    /// Makes the request that revokes a publish token; `None` where the protocol can't.
    fn revocation(&self, _token: &PublishToken) -> Option<Request> {
        None
    }

    /// Returns `true` if registries of this protocol may lack revocation, and answer it with 404.
    fn may_lack_revocation(&self) -> bool {
        false
    }

    /// Makes the request of [`Diagnose::probe`], to which a registry of this protocol does not answer 404; `None`
    /// where any answer to the registry's URL will do.
    fn probed(&self) -> Option<Request> {
        None
    }

    /// Returns the advice of [`Diagnose::advise`].
    fn advice(&self, _request: &AdviceRequest<'_>) -> Vec<Diagnosis> {
        Vec::new()
    }

    /// Returns the advice of [`Diagnose::advise_on_tools`].
    async fn advice_on_tools(&self, _request: &AdviceRequest<'_>, _cx: &Context) -> Vec<Diagnosis> {
        Vec::new()
    }
}

/// The endpoints that a registry told.
pub(super) struct Discovered {
    /// The place where it tells its audience.
    pub(super) audience: HttpUrl,
    /// The media type of that answer.
    pub(super) media_type: &'static str,
    /// The exchange.
    pub(super) exchange: Posted,
}

/// The origin of a registry's audience.
pub(super) enum AudienceSource {
    /// It is set, or follows from the registry's URL.
    Derived(Result<Audience, InvalidAudience>),
    /// It follows from the registry's URL in two forms. The first is used, unless it may go by the job's variable, and that
    /// holds a token for the second, which was made before this process began.
    EitherOf { own: [Result<Audience, InvalidAudience>; 2], by_variable: bool },
    /// The registry tells it at this URL of its own.
    Told(HttpUrl),
}

impl AudienceSource {
    /// An audience that was set, or else the registry's URL without a slash at its end.
    pub(super) fn set_or_url(set: Option<&Audience>, url: &HttpUrl) -> Self {
        let derived = || Audience::new(url.as_str().trim_end_matches('/'));
        Self::Derived(set.map_or_else(derived, |set| Ok(set.clone())))
    }
}

/// Returns `true` if a variable of the protocol holds a token for this audience.
fn is_prepared(protocol: &Protocol, audience: &Audience, cx: &Context) -> bool {
    let mut held = protocol.token_variables.iter().filter_map(|name| cx.environment().get(name));
    held.next().is_some_and(|token| oidc_core::IdToken::new(token, audience.clone()).is_ok())
}

/// Adds to a refusal that is about the registry's owner the way to name another one.
fn explained(row: &impl Row, refusal: ExchangeError) -> ExchangeError {
    match row.owner_setting() {
        Some(words) if refusal.known_refusal().is_some_and(KnownRefusal::is_about_owner) => {
            refusal.fixed_also_by(&format!("`{words}` names the account"))
        }
        _ => refusal,
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl<T: Row> Registry for T {
    fn url(&self) -> &HttpUrl {
        self.location()
    }

    fn protocol(&self) -> &'static Protocol {
        Self::PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        self.accept_scope(scope)
    }

    async fn audience(&self, cx: &Context) -> Result<Audience, ExchangeError> {
        let cx = &cx.operation();
        if let Some(Discovered { audience, media_type, .. }) = self.discovered(cx).await? {
            return wire::audience_as(media_type, self.location(), audience, cx).await;
        }
        match self.audience_source() {
            AudienceSource::Derived(audience) => wire::derived(self.location(), audience),
            AudienceSource::EitherOf { own: [first, second], by_variable } => match second {
                Ok(second) if by_variable && is_prepared(Self::PROTOCOL, &second, cx) => Ok(second),
                _ => wire::derived(self.location(), first),
            },
            AudienceSource::Told(url) => wire::audience(self.location(), url, cx).await,
        }
    }

    fn is_own_audience(&self, audience: &Audience) -> bool {
        match self.audience_source() {
            AudienceSource::Derived(own) => own.is_ok_and(|own| own == *audience),
            AudienceSource::EitherOf { own, .. } => own.iter().flatten().any(|own| own == audience),
            AudienceSource::Told(_) => super::audience::may_be_own(self.location(), audience),
        }
    }

    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        // Nothing is sent, not even a question, for a token that may not be exchanged here.
        self.accept_scope(&request.scope)?;
        request.check_audience(self)?;
        let cx = &cx.operation();
        let posted = match self.discovered(cx).await? {
            Some(found) => Some(found.exchange),
            None => self.exchange_for(&request.scope)?,
        };
        match posted {
            Some(posted) => posted.send(self, request, cx).await.map_err(|refusal| explained(self, refusal)),
            None => wire::itself(self, request),
        }
    }

    async fn revoke(&self, token: &PublishToken, cx: &Context) -> Result<bool, ExchangeError> {
        let Some(request) = self.revocation(token) else { return Ok(false) };
        match wire::end(request, token, cx).await {
            Err(error) if error.is_not_found() && self.may_lack_revocation() => Ok(false),
            ended => ended,
        }
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl<T: Row> Diagnose for T {
    fn facts(&self) -> &'static ProtocolFacts {
        Self::FACTS
    }

    fn probe(&self) -> Request {
        self.probed().unwrap_or_else(|| Request::get(self.location().clone()))
    }

    fn is_there(&self, status: u16) -> bool {
        status != 404 || self.probed().is_none()
    }

    fn advise(&self, request: &AdviceRequest<'_>) -> Vec<Diagnosis> {
        self.advice(request)
    }

    async fn advise_on_tools(&self, request: &AdviceRequest<'_>, cx: &Context) -> Vec<Diagnosis> {
        self.advice_on_tools(request, cx).await
    }
}
