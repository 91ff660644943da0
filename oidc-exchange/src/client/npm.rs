use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp as Jiff;
use oidc_core::http::Request;
use oidc_core::{Audience, Context, Diagnosis, HttpUrl, IdToken, InvalidUrl, Secret, Subject, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{ExchangeError, ExchangeErrorKind, PublishToken, Registry};
use crate::npm::{self, PackageName, Port, TOKEN_VARIABLE};

/// The public registry.
const PUBLIC: &str = "https://registry.npmjs.org/";

/// A publish token may have this many bytes.
const MAX_PUBLISH_TOKEN: usize = 8 * 1024;

/// The answer to an exchange holds little more than the token.
const MAX_ANSWER: usize = 64 * 1024;

/// How long an exchange may take. Longer than other requests, since it is not tried again and the registry may
/// have to fetch the issuer's keys first.
const DEADLINE: Duration = Duration::from_secs(30);

/// An npm registry.
///
/// It may live below a path prefix, with or without a trailing slash; the exchange is asked for below the same
/// prefix. (npm itself drops the prefix and yarn keeps it; see [`Npm::without_prefix`].)
#[derive(Clone, Debug)]
pub struct Npm {
    url: HttpUrl,
    exchange_root: HttpUrl,
    port: Port,
}

impl Npm {
    /// The registry at this URL.
    ///
    /// # Errors
    ///
    /// When the URL is not https (http on loopback), or holds credentials.
    pub fn at(url: &str) -> Result<Self, InvalidUrl> {
        let url = HttpUrl::parse(url)?;
        Ok(Self { exchange_root: url.clone(), url, port: Port::default() })
    }

    /// The public registry.
    ///
    /// # Errors
    ///
    /// Never: the URL is a constant of the protocol.
    pub fn public() -> Result<Self, InvalidUrl> {
        Self::at(PUBLIC)
    }

    /// With the port in the audience or without it, which is the default.
    #[must_use]
    pub fn with_port(mut self, port: Port) -> Self {
        self.port = port;
        self
    }

    /// With the exchange at the host's root although the registry has a path prefix, where npm itself asks.
    #[must_use]
    pub fn without_prefix(mut self) -> Self {
        self.exchange_root = self.url.at_root();
        self
    }

    /// The registry's URL.
    pub fn url(&self) -> &HttpUrl {
        &self.url
    }
}

#[async_trait]
impl Registry for Npm {
    type Package = PackageName;

    fn token_variables(&self) -> &[&str] {
        &[TOKEN_VARIABLE]
    }

    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        npm::audience(&self.url, self.port).map_err(|error| {
            let subject = Subject::Url(self.url.to_string());
            let diagnosis = Diagnosis::new("registry-url", subject, error.to_string());
            ExchangeError::new(ExchangeErrorKind::InvalidRequest, diagnosis)
        })
    }

    async fn exchange(
        &self,
        token: &IdToken,
        package: PackageName,
        cx: &Context,
    ) -> Result<PublishToken<PackageName>, ExchangeError> {
        let url = self.exchange_root.below(&format!("{}{}", npm::EXCHANGE_PATH, package.escaped()));
        let request = Request::post(url.clone())
            .header("accept", "application/json")
            .bearer(token.secret())
            .max_body(MAX_ANSWER)
            .deadline(DEADLINE);
        let answer = cx.http().send(request).await.map_err(|error| ExchangeError::no_answer(&url, error))?;
        if !answer.is_success() {
            return Err(ExchangeError::rejected(&url, &package, &answer, token));
        }
        let invalid = |what| ExchangeError::invalid_answer(&url, what);
        let exchanged: Exchanged = answer
            .json()
            .ok_or_else(|| invalid("the registry's answer to the exchange is not what npm's is"))?;
        let expires_at = exchanged.expires_at();
        let secret = exchanged.token.map(Secret::new);
        let secret =
            secret.ok_or_else(|| invalid("the registry's answer to the exchange holds no `token`"))?;
        if !is_token(&secret) {
            return Err(invalid("the `token` in the registry's answer is not one"));
        }
        Ok(PublishToken::new(secret, package, expires_at))
    }
}

/// Whether a text can stand in a header and in a variable.
fn is_token(secret: &Secret) -> bool {
    let text = secret.expose();
    !text.is_empty() && text.len() <= MAX_PUBLISH_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The answer to an exchange. Other members exist, and none but the token is needed.
#[derive(Deserialize)]
struct Exchanged {
    token: Option<String>,
    expires: Option<Value>,
}

impl Exchanged {
    fn expires_at(&self) -> Option<Timestamp> {
        let time: Jiff = self.expires.as_ref()?.as_str()?.parse().ok()?;
        u64::try_from(time.as_second()).ok().map(Timestamp::from_secs)
    }
}
