//! An exchange by one `POST`, described by data: the place of the identity token in the request, the further members, and
//! the members of the answer.

use std::time::Duration;

use oidc_core::http::Request;
use oidc_core::{Context, HttpUrl, Timestamp, Unverified};
use serde_json::{Map, Value};

use super::error::ExchangeError;
use super::oauth_metadata;
use super::registry::{ExchangeRequest, Registry};
use super::token::PublishToken;
use super::wire::{self, ExchangeCall};

/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// The separator between a publish token's two parts.
const SEPARATOR: char = ':';

/// The expiry of a publish token, as an answer tells it. Where it does not, the protocol's documentation does.
#[derive(Clone, Copy)]
pub(super) enum Expiry {
    /// The answer does not tell it.
    Untold,
    /// A member with a number of seconds from now.
    In(&'static str),
    /// A member with a time, in RFC 3339 or in seconds since the epoch.
    At(&'static str),
    /// A member with a time in RFC 3339.
    Time(&'static str),
    /// A member with a time in seconds since the epoch.
    Epoch(&'static str),
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

/// The place of the publish token in the answer.
#[derive(Clone, Copy)]
enum Answer {
    /// A member of a JSON object.
    Member(&'static str),
    /// Two members, a key and a secret, which are one publish token with a `:` between them.
    Pair(&'static str, &'static str),
    /// The whole answer.
    Text,
}

/// An exchange by one `POST`, described by data.
pub(super) struct Posted {
    endpoint: Endpoint,
    is_form: bool,
    /// The member of the body that holds the identity token; `None` where it is a bearer token.
    place: Option<&'static str>,
    members: Vec<(&'static str, Value)>,
    media_type: &'static str,
    answer: Answer,
    expiry: Expiry,
    longest: Option<Duration>,
    only_package: Option<&'static str>,
    is_of_oauth: bool,
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
        Self {
            endpoint: endpoint.into(),
            is_form: false,
            place: Some(place),
            members: Vec::new(),
            media_type: wire::JSON,
            answer: Answer::Member(token),
            expiry,
            longest: None,
            only_package: None,
            is_of_oauth: false,
        }
    }

    /// As [`Posted::json`], with the identity token as a bearer token.
    pub(super) fn bearer(endpoint: impl Into<Endpoint>, token: &'static str, expiry: Expiry) -> Self {
        Self { place: None, ..Self::json(endpoint, "", token, expiry) }
    }

    /// Puts the members into a form.
    pub(super) fn in_form(self) -> Self {
        Self { is_form: true, ..self }
    }

    /// Adds a member to the body.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// Takes the whole answer for the publish token.
    pub(super) fn answered_by_text(self) -> Self {
        Self { answer: Answer::Text, ..self }
    }

    /// Makes the publish token of two members of the answer, a key and a secret.
    pub(super) fn answered_by_pair(self, key: &'static str, secret: &'static str) -> Self {
        Self { answer: Answer::Pair(key, secret), ..self }
    }

    /// Asks for an answer of the protocol's own media type.
    pub(super) fn accepting(self, media_type: &'static str) -> Self {
        Self { media_type, ..self }
    }

    /// Sets the longest lifetime that the protocol allows; a later end is an error of the registry.
    pub(super) fn living_at_most(self, lifetime: Duration) -> Self {
        Self { longest: Some(lifetime), ..self }
    }

    /// Names the member of the answer with the only package that the token is for, where there is one: its name, or an object
    /// with its `name`.
    pub(super) fn limited_by(self, member: &'static str) -> Self {
        Self { only_package: Some(member), ..self }
    }

    /// Reads the answer by OAuth's rules: `token_type` is the type of an access token. Other protocols have types of their own,
    /// such as npm's `oidc`.
    pub(super) fn of_oauth(self) -> Self {
        Self { is_of_oauth: true, ..self }
    }

    /// Exchanges the identity token of a request, whose scope and audience were checked.
    pub(super) async fn send(
        self,
        registry: &dyn Registry,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        let url = match &self.endpoint {
            Endpoint::At(url) => url.clone(),
            Endpoint::Discovered => oauth_metadata::token_endpoint(registry.url(), cx).await?,
        };
        let call = ExchangeCall::new(registry, url.clone(), request, cx)?.accepting(self.media_type);
        let mut answer = self.ask(&call).await?;
        if self.is_of_oauth {
            is_bearer(&url, &answer)?;
        }
        let (name, token) = self.token(&url, &mut answer, &call)?;
        let told = self.expires_at(&answer, token.as_deref(), &call);
        let latest = self.longest.map(|lifetime| call.asked_at().plus(lifetime));
        let expires_at = told.map(|told| latest.map_or(told, |latest| told.min(latest)));
        let token = call.granted(&name, token, expires_at)?;
        Ok(match self.only_package.and_then(|member| named(answer.get(member)?)) {
            Some(package) => token.limited_to([package]),
            None => token,
        })
    }

    /// Sends the request and reads the answer, of which a text is the only member.
    async fn ask(&self, call: &ExchangeCall<'_>) -> Result<Map<String, Value>, ExchangeError> {
        let request = self.request(call);
        let Answer::Text = self.answer else { return call.ask(request).await };
        let answer = call.send(request).await?;
        let text = String::from_utf8(answer.body).map_or(Value::Null, |text| text.trim().into());
        Ok(Map::from_iter([(TEXT.to_owned(), text)]))
    }

    fn request(&self, call: &ExchangeCall<'_>) -> Request {
        let token = self.place.map(|place| (place, Value::from(call.token().expose())));
        let all = token.into_iter().chain(self.members.iter().cloned());
        if self.is_form {
            let texts = all.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(texts).finish();
            return call.request().body(FORM, form);
        }
        let body: Map<String, Value> = all.map(|(name, value)| (name.to_owned(), value)).collect();
        let request = match self.place {
            Some(_) => call.request(),
            None => call.request().bearer(call.token()),
        };
        if body.is_empty() { request } else { request.body(wire::JSON, Value::from(body).to_string()) }
    }

    /// Takes the publish token out of the answer, with the name that a message calls it by.
    fn token(
        &self,
        url: &HttpUrl,
        answer: &mut Map<String, Value>,
        call: &ExchangeCall<'_>,
    ) -> Result<(String, Option<String>), ExchangeError> {
        let mut text = |name: &str| match answer.remove(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err(ExchangeError::invalid_answer(url, wire::UNLIKE_PROTOCOL)),
        };
        match self.answer {
            Answer::Member(name) => Ok((name.to_owned(), text(name)?)),
            Answer::Text => Ok((TEXT.to_owned(), text(TEXT)?)),
            Answer::Pair(key, secret) => {
                // The parts are used separately, in the signature of a request and in variables.
                let first = call.part(key, text(key)?, Some(SEPARATOR))?;
                let second = call.part(secret, text(secret)?, None)?;
                // The quotes in the name complete those that messages put around it.
                let both = format!("{}{SEPARATOR}{}", first.expose(), second.expose());
                Ok((format!("{key}` and `{secret}"), Some(both)))
            }
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
            Expiry::Time(name) => wire::time(answer.get(name)),
            Expiry::Epoch(name) => answer.get(name)?.as_u64().map(Timestamp::from_secs),
            Expiry::OfToken => Unverified::of_token(token?).ok()?.read_unverified().time("exp"),
        }
    }
}

/// The name of a publish token that is the whole answer.
const TEXT: &str = "token";

/// Checks the type of a publish token: one whose type is not understood is not used (RFC 6749, section 7.1). `N_A` is the
/// type of a token that is none of OAuth's access tokens (RFC 8693, section 2.2.1).
fn is_bearer(url: &HttpUrl, answer: &Map<String, Value>) -> Result<(), ExchangeError> {
    let is_plain = |kind: &str| kind.eq_ignore_ascii_case("bearer") || kind.eq_ignore_ascii_case("n_a");
    match answer.get("token_type").and_then(Value::as_str) {
        Some(kind) if !is_plain(kind) => {
            let what = format!(
                "the publish token is of the type `{}`, and not a bearer token",
                oidc_core::shown(kind)
            );
            Err(ExchangeError::invalid_answer(url, &what))
        }
        _ => Ok(()),
    }
}

/// Returns the name of a package: a text, or the member `name` of an object.
fn named(package: &Value) -> Option<String> {
    package.get("name").unwrap_or(package).as_str().map(str::to_owned)
}
