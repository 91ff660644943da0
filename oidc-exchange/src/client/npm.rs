use async_trait::async_trait;
use jiff::Timestamp as Jiff;
use oidc_core::http::Request;
use oidc_core::{
    Audience, Context, Diagnosis, HttpUrl, IdToken, InvalidUrl, ProviderSet, Secret, Subject, Timestamp,
};
use serde::Deserialize;

use super::{ExchangeError, ExchangeErrorKind, Failure, Mode, Outcome, PublishToken, Registry};
use crate::npm::{self, PackageName, Port, TOKEN_VARIABLE};

/// The public registry.
const PUBLIC: &str = "https://registry.npmjs.org/";

/// A publish token may have this many bytes.
const MAX_PUBLISH_TOKEN: usize = 8 * 1024;

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

    /// Finds out where the job runs, gets an identity token there and exchanges it for one that publishes
    /// `package`. Each package takes its own call.
    ///
    /// # Errors
    ///
    /// In [`Mode::Always`], whatever kept the token from us. In [`Mode::Automatic`] that is
    /// [`Outcome::Fallback`].
    pub async fn publish_token(
        &self,
        package: PackageName,
        mode: Mode,
        providers: &ProviderSet,
        cx: &Context,
    ) -> Result<Outcome<PackageName>, Failure> {
        super::publish_token(self, package, mode, providers, cx).await
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
        let at = url.to_string();
        let request = Request::post(url).header("accept", "application/json").bearer(token.secret());
        let answer = cx.http().send(request).await.map_err(|error| ExchangeError::unreachable(&at, error))?;
        if !answer.is_success() {
            return Err(ExchangeError::rejected(&at, package.as_str(), &answer));
        }
        let Some(exchanged) = answer.json::<Exchanged>() else {
            return Err(ExchangeError::invalid_answer(&at, "the registry's answer is not a JSON object with `token`"));
        };
        let secret = Secret::new(exchanged.token);
        let is_token = |text: &str| text.len() <= MAX_PUBLISH_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic());
        if secret.is_empty() || !is_token(secret.expose()) {
            return Err(ExchangeError::invalid_answer(&at, "the `token` in the registry's answer is not one"));
        }
        let expires_at = exchanged.expires.as_deref().and_then(point_in_time);
        Ok(PublishToken::new(secret, package, expires_at))
    }
}

/// The answer to an exchange. Other members exist; none is needed.
#[derive(Deserialize)]
struct Exchanged {
    token: String,
    expires: Option<String>,
}

fn point_in_time(text: &str) -> Option<Timestamp> {
    let seconds = text.parse::<Jiff>().ok()?.as_second();
    u64::try_from(seconds).ok().map(Timestamp::from_secs)
}
