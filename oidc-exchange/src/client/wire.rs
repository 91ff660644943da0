//! What the exchanges of all registries have in common: one request to the registry's own address, sent once, and a
//! bounded look at its answer.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp as Jiff;
use oidc_core::http::{Request, Response};
use oidc_core::{
    Audience, Context, Diagnosis, HttpUrl, IdToken, InvalidAudience, Secret, Subject, Timestamp,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::is_html;
use super::{ExchangeError, ExchangeErrorKind, PublishToken};

/// A publish token may have this many bytes.
const MAX_PUBLISH_TOKEN: usize = 8 * 1024;

/// The answer to an exchange holds little more than the token.
const MAX_ANSWER: usize = 64 * 1024;

/// How long an exchange may take. Longer than other requests, since it is not tried again and the registry may
/// have to fetch the issuer's keys first.
const DEADLINE: Duration = Duration::from_secs(30);

/// One exchange of an identity token at one address.
pub(super) struct Call<'a> {
    url: HttpUrl,
    token: &'a IdToken,
    package: &'a (dyn fmt::Display + Sync),
    cx: &'a Context,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        url: HttpUrl,
        token: &'a IdToken,
        package: &'a (dyn fmt::Display + Sync),
        cx: &'a Context,
    ) -> Self {
        Self { url, token, package, cx }
    }

    /// The identity token, for where the protocol puts it.
    pub(super) fn token(&self) -> &Secret {
        self.token.secret()
    }

    /// The request, with an exchange's bounds and still without the token.
    pub(super) fn request(&self) -> Request {
        Request::post(self.url.clone())
            .header("accept", "application/json")
            .max_body(MAX_ANSWER)
            .deadline(DEADLINE)
    }

    /// The request with the identity token as the one member of a JSON object.
    pub(super) fn with_member(&self, name: &str) -> Request {
        let body = json!({ name: self.token().expose() }).to_string();
        self.request().body("application/json", body)
    }

    /// Sends a request, once.
    pub(super) async fn send(&self, request: Request) -> Result<Response, ExchangeError> {
        let answer = self.cx.http().send(request).await;
        let answer = answer.map_err(|error| ExchangeError::no_answer(&self.url, error))?;
        if answer.is_success() {
            return Ok(answer);
        }
        Err(ExchangeError::rejected(&self.url, self.package, &answer, self.token))
    }

    /// Sends a request, once, and reads the answer as JSON.
    pub(super) async fn ask<T: DeserializeOwned>(&self, request: Request) -> Result<T, ExchangeError> {
        let answer = self.send(request).await?;
        if is_html(&answer) {
            return Err(ExchangeError::elsewhere(&self.url, &answer));
        }
        answer.json().ok_or_else(|| {
            let what = "the registry's answer to the exchange is not what its protocol says";
            ExchangeError::invalid_answer(&self.url, what)
        })
    }

    /// The publish token that the answer holds in its member `name`.
    pub(super) fn secret(&self, name: &str, token: Option<String>) -> Result<Secret, ExchangeError> {
        let invalid = |what: String| ExchangeError::invalid_answer(&self.url, &what);
        let secret = token.map(Secret::new);
        let secret = secret
            .ok_or_else(|| invalid(format!("the registry's answer to the exchange holds no `{name}`")))?;
        if !is_token(&secret) {
            return Err(invalid(format!("the `{name}` in the registry's answer is not one")));
        }
        Ok(secret)
    }
}

/// The constructors of a registry that is known by its URL alone.
macro_rules! at_url {
    ($registry:ident, $public:ident) => {
        impl $registry {
            /// The registry at this URL, as its tools are told it.
            ///
            /// # Errors
            ///
            /// When the URL is not https (http on loopback), or holds credentials.
            pub fn at(url: &str) -> Result<Self, oidc_core::InvalidUrl> {
                Ok(Self { url: oidc_core::HttpUrl::parse(url)? })
            }

            /// The public registry.
            ///
            /// # Errors
            ///
            /// Never: the URL is a constant of the protocol.
            pub fn public() -> Result<Self, oidc_core::InvalidUrl> {
                Self::at($public)
            }
        }
    };
}

pub(super) use at_url;

/// Whether a text can stand in a header and in a variable.
fn is_token(secret: &Secret) -> bool {
    let text = secret.expose();
    !text.is_empty() && text.len() <= MAX_PUBLISH_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A time as most registries write it, RFC 3339; `None` for anything else.
pub(super) fn time(value: Option<&Value>) -> Option<Timestamp> {
    let time: Jiff = value?.as_str()?.parse().ok()?;
    u64::try_from(time.as_second()).ok().map(Timestamp::from_secs)
}

/// The audience of the registry at `url`, as its protocol derives it.
pub(super) fn derived(
    url: &HttpUrl,
    audience: Result<Audience, InvalidAudience>,
) -> Result<Audience, ExchangeError> {
    audience.map_err(|error| {
        let diagnosis = Diagnosis::new("registry-url", Subject::Url(url.to_string()), error.to_string());
        ExchangeError::new(ExchangeErrorKind::InvalidRequest, diagnosis)
    })
}

/// Scheme, host and port, without a slash at the end.
pub(super) fn origin(url: &HttpUrl) -> String {
    url.at_root().as_str().trim_end_matches('/').to_owned()
}

/// The audience as the registry tells it at `url`: `{"audience": …}`.
pub(super) async fn told(url: HttpUrl, cx: &Context) -> Result<Audience, ExchangeError> {
    let request = Request::get(url.clone()).header("accept", "application/json").max_body(MAX_ANSWER);
    let answer = cx.http().send(request).await.map_err(|error| ExchangeError::no_answer(&url, error))?;
    if !answer.is_success() {
        return Err(ExchangeError::no_audience(&url, &answer));
    }
    if is_html(&answer) {
        return Err(ExchangeError::elsewhere(&url, &answer));
    }
    let told: Told = answer
        .json()
        .ok_or_else(|| ExchangeError::invalid_answer(&url, "the registry's answer tells no `audience`"))?;
    Audience::new(told.audience)
        .map_err(|_| ExchangeError::invalid_answer(&url, "the `audience` that the registry tells is not one"))
}

#[derive(Deserialize)]
struct Told {
    audience: String,
}

/// Sends the request that ends a publish token.
pub(super) async fn end<P>(
    request: Request,
    token: &PublishToken<P>,
    cx: &Context,
) -> Result<bool, ExchangeError> {
    let url = request.url.clone();
    let request = request.header("accept", "application/json").max_body(MAX_ANSWER);
    let answer = cx.http().send(request).await.map_err(|error| ExchangeError::no_answer(&url, error))?;
    if answer.is_success() {
        return Ok(true);
    }
    Err(ExchangeError::not_revoked(&url, &answer, &token.secret))
}

/// The identity token itself as the publish token, where a registry has no exchange.
pub(super) fn itself<P: PartialEq + fmt::Display>(token: &IdToken, package: P) -> PublishToken<P> {
    let claims = token.claims().ok();
    let expires_at = claims.and_then(|claims| claims.read_unverified().time("exp"));
    PublishToken::new(token.secret().clone(), package, expires_at)
}
