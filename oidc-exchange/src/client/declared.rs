//! Registries whose protocol is described by data: the place of the identity token in the request, the
//! further members, and the members of the answer.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{Audience, Context, HttpUrl, InvalidAudience, Timestamp, Unverified};
use serde_json::{Map, Value};

use super::diagnose::{Diagnose, ProtocolFacts};
use super::error::ExchangeError;
use super::oauth_metadata;
use super::protocol::Protocol;
use super::registry::{ExchangeRequest, Registry};
use super::scope::Scope;
use super::token::PublishToken;
use super::wire::{self, ExchangeCall};

/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// A registry that is described by data. It is a [`Registry`], and can be diagnosed.
pub(super) trait Declared: fmt::Debug + Send + Sync {
    /// The part of the protocol that an exchange needs.
    const PROTOCOL: &'static Protocol;
    /// The facts that a diagnosis needs.
    const FACTS: &'static ProtocolFacts;

    /// Returns the registry's URL, as it was given.
    fn location(&self) -> &HttpUrl;

    /// Checks that there are tokens for a scope. By default, tokens are for every package of the identity.
    fn accept_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::identity_only(self.location(), scope)
    }

    /// Returns the registry's audience, or the place where the registry tells it.
    fn audience_source(&self) -> AudienceSource;

    /// Describes the exchange for a scope; `None` where the registry takes the identity token itself.
    fn exchange_for(&self, scope: &Scope) -> Result<Option<Posted>, ExchangeError>;
}

/// The origin of a registry's audience.
pub(super) enum AudienceSource {
    /// It is set, or follows from the registry's URL.
    Derived(Result<Audience, InvalidAudience>),
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

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl<T: Declared> Registry for T {
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
        match self.audience_source() {
            AudienceSource::Derived(audience) => wire::derived(self.location(), audience),
            AudienceSource::Told(url) => wire::audience(self.location(), url, cx).await,
        }
    }

    fn is_own_audience(&self, audience: &Audience) -> bool {
        match self.audience_source() {
            AudienceSource::Derived(own) => own.is_ok_and(|own| own == *audience),
            AudienceSource::Told(_) => super::audience::may_be_own(self.location(), audience),
        }
    }

    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        self.accept_scope(&request.scope)?;
        match self.exchange_for(&request.scope)? {
            Some(posted) => posted.send(self, request, cx).await,
            None => wire::itself(self, request),
        }
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl<T: Declared> Diagnose for T {
    fn facts(&self) -> &'static ProtocolFacts {
        Self::FACTS
    }
}

/// The expiry of a publish token, as an answer tells it. Where it does not, the protocol's documentation does.
#[derive(Clone, Copy)]
pub(super) enum Expiry {
    /// The answer does not tell it.
    Untold,
    /// A member with a number of seconds from now.
    In(&'static str),
    /// A member with a time, in RFC 3339 or in seconds since the epoch.
    At(&'static str),
    /// The publish token is a JWT, whose `exp` tells it.
    OfToken,
}

/// The address of an exchange.
pub(super) enum Endpoint {
    /// This one.
    At(HttpUrl),
    /// The one that the metadata of the registry's authorization server tells (RFC 8414).
    Discovered,
}

impl From<HttpUrl> for Endpoint {
    fn from(url: HttpUrl) -> Self {
        Self::At(url)
    }
}

/// An exchange by one `POST`, described by data.
pub(super) struct Posted {
    endpoint: Endpoint,
    is_form: bool,
    /// The member of the body that holds the identity token; `None` where it is a bearer token.
    place: Option<&'static str>,
    members: Vec<(&'static str, String)>,
    token: &'static str,
    expiry: Expiry,
}

impl Posted {
    /// An exchange at an endpoint of the registry's own, with the identity token in the member `place` of a
    /// JSON object. The answer's member `token` holds the publish token.
    pub(super) fn json(
        endpoint: impl Into<Endpoint>,
        place: &'static str,
        token: &'static str,
        expiry: Expiry,
    ) -> Self {
        let (endpoint, place) = (endpoint.into(), Some(place));
        Self { endpoint, is_form: false, place, members: Vec::new(), token, expiry }
    }

    /// Puts the members into a form.
    pub(super) fn in_form(self) -> Self {
        Self { is_form: true, ..self }
    }

    /// Sends the identity token as a bearer token.
    pub(super) fn with_bearer(self) -> Self {
        Self { place: None, ..self }
    }

    /// Adds a member to the body.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// Exchanges the identity token of a request.
    pub(super) async fn send(
        self,
        registry: &dyn Registry,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        let cx = &cx.operation();
        // Nothing is sent, not even a question, for a token that may not be exchanged here.
        registry.check_scope(&request.scope)?;
        request.check_audience(registry)?;
        let url = match &self.endpoint {
            Endpoint::At(url) => url.clone(),
            Endpoint::Discovered => oauth_metadata::token_endpoint(registry.url(), cx).await?,
        };
        let call = ExchangeCall::new(registry, url.clone(), request, cx)?;
        let mut answer: Map<String, Value> = call.ask(self.request(&call)).await?;
        // RFC 6749, section 7.1: a token whose type is not understood is not used.
        let kind = answer.get("token_type").and_then(Value::as_str);
        if let Some(kind) = kind.filter(|kind| !is_plain(kind)) {
            let what = format!(
                "the publish token is of the type `{}`, and not a bearer token",
                oidc_core::shown(kind)
            );
            return Err(ExchangeError::invalid_answer(&url, &what));
        }
        let token = match answer.remove(self.token) {
            Some(Value::String(token)) => Some(token),
            _ => None,
        };
        let expires_at = self.expires_at(&answer, token.as_deref(), &call);
        call.granted(self.token, token, expires_at)
    }

    fn request(&self, call: &ExchangeCall<'_>) -> Request {
        let members = || self.members.iter().map(|(name, value)| (*name, value.as_str()));
        let token = self.place.map(|place| (place, call.token().expose()));
        let all = token.into_iter().chain(members());
        if self.is_form {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
            return call.request().body(FORM, form);
        }
        let body: Map<String, Value> = all.map(|(name, value)| (name.to_owned(), value.into())).collect();
        match self.place {
            Some(_) => call.request().body(wire::JSON, Value::from(body).to_string()),
            None => call.with_bearer(&Value::from(body)),
        }
    }

    fn expires_at(
        &self,
        answer: &Map<String, Value>,
        token: Option<&str>,
        call: &ExchangeCall<'_>,
    ) -> Option<Timestamp> {
        match self.expiry {
            Expiry::Untold => None,
            Expiry::In(name) => {
                let seconds = answer.get(name)?.as_u64()?;
                Some(call.asked_at().plus(Duration::from_secs(seconds)))
            }
            Expiry::At(name) => {
                let told = answer.get(name)?;
                wire::time(Some(told)).or_else(|| told.as_u64().map(Timestamp::from_secs))
            }
            Expiry::OfToken => Unverified::of_token(token?).ok()?.read_unverified().time("exp"),
        }
    }
}

/// Returns `true` for a token that is used as it is. `N_A` is the type of a token that is none of OAuth's
/// access tokens (RFC 8693, section 2.2.1).
fn is_plain(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("bearer") || kind.eq_ignore_ascii_case("n_a")
}
