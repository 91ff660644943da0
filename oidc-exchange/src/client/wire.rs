//! The common part of all registries' exchanges: one request to the registry's own address, sent once, and a
//! bounded answer.

mod audience;

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp as Jiff;
use oidc_core::http::{Request, Response};
use oidc_core::{Context, HttpUrl, IdToken, Secret, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) use self::audience::{audience, audience_as, derived};
use super::error::ExchangeError;
use super::protocol::Protocol;
use super::registry::{ExchangeRequest, Registry};
use super::scope::Scope;
use super::token::PublishToken;

/// The limit on a publish token, in bytes.
const MAX_PUBLISH_TOKEN: usize = 8 * 1024;

/// The limit on an answer to an exchange, in bytes: it contains little more than the token.
const MAX_ANSWER: usize = 64 * 1024;

/// The deadline of an exchange. It is longer than that of other requests, since an exchange is not repeated
/// and the registry may have to fetch the issuer's keys first.
const DEADLINE: Duration = Duration::from_secs(30);

/// The problem of an answer to an exchange that can't be read.
pub(super) const UNLIKE_PROTOCOL: &str =
    "the registry's answer to the exchange is not what its protocol says";

/// The media type that is requested, unless a protocol has its own.
pub(super) const JSON: &str = "application/json";

/// One exchange of an identity token at one address, for implementations of [`Registry::exchange`].
///
/// It checks the scope and the audience, bounds the request's time and the answer's size, sends the request
/// once, and turns a refusal into an error with the registry's reason. It accepts no text as a publish token
/// that a header or a runner's log would misinterpret.
///
/// ```
/// # use oidc_core::{Context, HttpUrl};
/// use oidc_exchange::client::{ExchangeCall, ExchangeError, ExchangeRequest, PublishToken, Registry};
///
/// #[derive(serde::Deserialize)]
/// struct Answer {
///     token: Option<String>,
/// }
///
/// async fn exchange(
///     registry: &dyn Registry,
///     request: &ExchangeRequest<'_>,
///     cx: &Context,
/// ) -> Result<PublishToken, ExchangeError> {
///     let call = ExchangeCall::new(registry, registry.url().below("/tokens"), request, cx)?;
///     let answer: Answer = call.ask(call.request().bearer(call.token())).await?;
///     call.granted("token", answer.token, None)
/// }
/// ```
#[derive(Debug)]
pub struct ExchangeCall<'a> {
    url: HttpUrl,
    token: &'a IdToken,
    scope: &'a Scope,
    cx: &'a Context,
    accept: &'static str,
    protocol: &'static Protocol,
    asked_at: Timestamp,
}

impl<'a> ExchangeCall<'a> {
    /// An exchange with a registry at `url`, one of the registry's own addresses.
    ///
    /// # Errors
    ///
    /// When the registry has no tokens for the scope, or the identity token is for another audience.
    pub fn new(
        registry: &dyn Registry,
        url: HttpUrl,
        request: &'a ExchangeRequest<'_>,
        cx: &'a Context,
    ) -> Result<Self, ExchangeError> {
        registry.check_scope(&request.scope)?;
        request.check_audience(registry)?;
        let ExchangeRequest { token, scope } = request;
        let protocol = registry.protocol();
        Ok(Self { url, token, scope, cx, accept: JSON, protocol, asked_at: cx.clock().now() })
    }

    /// Sets the protocol's own media type for answers.
    pub(super) fn accepting(self, media_type: &'static str) -> Self {
        Self { accept: media_type, ..self }
    }

    /// Returns the time of the request, or of its preparation.
    pub(super) fn asked_at(&self) -> Timestamp {
        self.asked_at
    }

    /// Returns the identity token, to be put where the protocol needs it.
    pub fn token(&self) -> &Secret {
        self.token.secret()
    }

    /// Makes a `POST` request with the bounds of an exchange, still without the token.
    pub fn request(&self) -> Request {
        Request::post(self.url.clone()).header("accept", self.accept).max_body(MAX_ANSWER).deadline(DEADLINE)
    }

    /// Sends a request once, and again only after an answer that says that the identity token was not used
    /// ([`Protocol::unused`]).
    pub(super) async fn send(&self, request: Request) -> Result<Response, ExchangeError> {
        let mut waits = self.protocol.unused.map_or(&[][..], |unused| unused.waits).iter();
        loop {
            // Not tried again without an answer, since the registry may have counted the use of the identity
            // token before the answer was lost.
            let answer = self.cx.send(request.clone()).await;
            let answer = answer.map_err(|error| ExchangeError::no_answer(&self.url, error))?;
            if answer.is_success() {
                return Ok(answer);
            }
            let is_unused = self.protocol.unused.is_some_and(|unused| unused.status == answer.status);
            let wait = waits.next().filter(|wait| is_unused && self.may_wait(**wait));
            let Some(wait) = wait else {
                let known = self.protocol.known_refusals;
                return Err(ExchangeError::rejected(&self.url, self.scope, &answer, self.token, known));
            };
            self.cx.clock().sleep(*wait).await;
        }
    }

    fn may_wait(&self, wait: Duration) -> bool {
        self.cx.clock().has_timer() && wait < self.cx.time_left()
    }

    /// Sends a request as an exchange is sent, and reads the answer as JSON.
    ///
    /// # Errors
    ///
    /// When the registry refuses, can't be reached, or gives another answer.
    pub async fn ask<T: DeserializeOwned>(&self, request: Request) -> Result<T, ExchangeError> {
        let answer = self.send(request).await?;
        read(&self.url, &answer, UNLIKE_PROTOCOL)
    }

    /// Makes a publish token from the answer's member `name`. It expires at the time that the answer tells,
    /// or else by the protocol's documentation.
    ///
    /// # Errors
    ///
    /// When the answer has no such member, or a text that can't be a token.
    pub fn granted(
        self,
        name: &str,
        token: Option<String>,
        told: Option<Timestamp>,
    ) -> Result<PublishToken, ExchangeError> {
        let secret = self.secret(name, token)?;
        // The lifetime counts from before the request, so that the assumed end is never after the real one.
        let ends = told.or_else(|| Some(self.asked_at.plus(self.protocol.lifetime?)));
        Ok(PublishToken::new(secret, self.scope.clone(), ends).from(&self.url))
    }

    /// Reads a part of a publish token, under the same conditions as a whole one. It must not contain the
    /// `separator` between the parts.
    pub(super) fn part(
        &self,
        name: &str,
        part: Option<String>,
        separator: Option<char>,
    ) -> Result<Secret, ExchangeError> {
        let part = self.secret(name, part)?;
        match separator.filter(|separator| part.expose().contains(*separator)) {
            None => Ok(part),
            Some(separator) => {
                let what = format!(
                    "the `{name}` in the registry's answer is no part of a publish token: it holds a `{separator}`; it is not used"
                );
                Err(ExchangeError::invalid_token(&self.url, &what))
            }
        }
    }

    fn secret(&self, name: &str, token: Option<String>) -> Result<Secret, ExchangeError> {
        let Some(secret) = token.map(Secret::new) else {
            let what = format!("the registry's answer to the exchange holds no `{name}`");
            return Err(ExchangeError::no_token(&self.url, &what));
        };
        match unusable(&secret, self.token()) {
            Some(why) => {
                let what = format!(
                    "the `{name}` in the registry's answer is no publish token: {why}; it is not used"
                );
                Err(ExchangeError::invalid_token(&self.url, &what))
            }
            None => Ok(secret),
        }
    }
}

/// The reason why a text can't be a publish token. A token is put into a header, into a variable and into a
/// job's log, which a runner reads before the token is masked.
fn unusable(secret: &Secret, identity: &Secret) -> Option<String> {
    let text = secret.expose();
    if text.is_empty() {
        Some("it is empty".to_owned())
    } else if text.len() > MAX_PUBLISH_TOKEN {
        Some(format!("it has {} bytes, more than the {MAX_PUBLISH_TOKEN} that one may have", text.len()))
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Some("it holds a control character, a space or a character beyond ASCII".to_owned())
    } else if is_runner_command(text) {
        Some("it is written as a command to a CI runner (`::…` or `##…[…`)".to_owned())
    } else if text == identity.expose() {
        Some("it is the identity token of the request".to_owned())
    } else {
        None
    }
}

/// Returns `true` if a line of a job's output with this text would be a command: GitHub's `::command::` at
/// the beginning and `##[command]` anywhere (actions/runner, `ActionCommand.cs`), and in the same form
/// `##vso[…]` of Azure Pipelines and `##teamcity[…]`.
fn is_runner_command(text: &str) -> bool {
    let mut brackets = text.split('[');
    // The text after the last bracket begins no command.
    let _rest = brackets.next_back();
    let begins = |before: &str| before.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).ends_with("##");
    text.starts_with("::") || brackets.any(begins)
}

/// A time in RFC 3339, as most registries write it; `None` for anything else.
pub(super) fn time(value: Option<&Value>) -> Option<Timestamp> {
    let time: Jiff = value?.as_str()?.parse().ok()?;
    u64::try_from(time.as_second()).ok().map(Timestamp::from_secs)
}

/// Makes a request for public information of a registry.
pub(super) fn asking(url: HttpUrl, accept: &'static str) -> Request {
    Request::get(url).header("accept", accept).max_body(MAX_ANSWER)
}

/// Reads a registry's answer as JSON. `otherwise` is the problem of an answer that is something else.
pub(super) fn read<T: DeserializeOwned>(
    url: &HttpUrl,
    answer: &Response,
    otherwise: &str,
) -> Result<T, ExchangeError> {
    if answer.is_html() {
        return Err(ExchangeError::elsewhere(url, answer));
    }
    answer.json().ok_or_else(|| ExchangeError::invalid_answer(url, otherwise))
}

/// Sends the request that revokes a publish token.
pub(super) async fn end(request: Request, token: &PublishToken, cx: &Context) -> Result<bool, ExchangeError> {
    let url = request.url.clone();
    // A registry that was configured anew in between would learn another registry's token.
    if !token.is_of(&url) {
        return Err(ExchangeError::of_other_registry(&url));
    }
    let request = request.header("accept", JSON).max_body(MAX_ANSWER);
    let answer = cx.send(request).await.map_err(|error| ExchangeError::no_end(&url, error))?;
    if answer.is_success() {
        return Ok(true);
    }
    Err(ExchangeError::not_revoked(&url, &answer, token.secret()))
}

/// Returns the identity token itself as the publish token, where a registry has no exchange.
pub(super) fn itself(
    registry: &dyn Registry,
    request: &ExchangeRequest<'_>,
) -> Result<PublishToken, ExchangeError> {
    registry.check_scope(&request.scope)?;
    request.check_audience(registry)?;
    let claims = request.token.claims().ok();
    let expires_at = claims.and_then(|claims| claims.read_unverified().time("exp"));
    Ok(PublishToken::new(request.token.secret().clone(), request.scope.clone(), expires_at))
}

/// Checks a scope at a registry whose tokens are for every package of the identity.
pub(super) fn identity_only(registry: &HttpUrl, scope: &Scope) -> Result<(), ExchangeError> {
    match scope {
        Scope::Identity => Ok(()),
        Scope::Package(_) => {
            Err(ExchangeError::unsupported_scope(registry, scope, &Scope::Identity.to_string()))
        }
    }
}

/// Returns the package of a scope, at a registry whose tokens are for one package.
pub(super) fn package<T: FromStr<Err: Display>>(
    registry: &HttpUrl,
    scope: &Scope,
) -> Result<T, ExchangeError> {
    match scope {
        Scope::Package(name) => {
            name.parse().map_err(|error: T::Err| ExchangeError::invalid_package(registry, &error))
        }
        Scope::Identity => Err(ExchangeError::unsupported_scope(registry, scope, "one package, by its name")),
    }
}
