use std::fmt;

use async_trait::async_trait;
use oidc_core::{
    Ambient, Audience, Context, Detection, HttpUrl, IdToken, ProviderSet, SourceError, TokenSource,
};

use super::audience;
use super::error::ExchangeError;
use super::protocol::Protocol;
use super::scope::Scope;
use super::token::PublishToken;

/// A registry, from the view of a publish tool.
///
/// A tool whose user chooses the registry holds a `Box<dyn Registry>`:
///
/// ```
/// use oidc_exchange::client::{CratesIo, Npm, Registry};
///
/// fn registry(protocol: &str, url: &str) -> Result<Box<dyn Registry>, Box<dyn std::error::Error>> {
///     Ok(match protocol {
///         "npm" => Box::new(Npm::at(url)?),
///         "crates-io" => Box::new(CratesIo::at(url)?),
///         _ => return Err("this registry is not supported".into()),
///     })
/// }
/// assert_eq!(registry("npm", "https://registry.example/")?.url().host(), "registry.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`publish_token`](super::publish_token) does all steps from a job to a publish token.
///
/// The answers of a registry are hostile. None of them makes a method panic, and every message about them is one
/// line, bounded, with a stable code, and without a token. `client::testing::conformance` (feature `testing`) is a
/// suite that checks a registry against this documentation.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Registry: fmt::Debug + Send + Sync {
    /// Returns the registry's URL, as it was given.
    fn url(&self) -> &HttpUrl;

    /// Returns the protocol of the registry.
    fn protocol(&self) -> &'static Protocol;

    /// Checks that the registry has tokens for this scope, and that the package's name is valid. Nothing is
    /// sent, neither here nor by an exchange whose scope does not pass.
    ///
    /// # Errors
    ///
    /// When the registry has no such tokens (see [`ExchangeError::unsupported_scope`]), or the name is not
    /// valid.
    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError>;

    /// Finds the source of the job's identity tokens for this registry, offline; `None` where the job runs on
    /// none of the platforms. A variable of [`Protocol::token_variables`] that is set takes precedence; see
    /// [`Ambient::find`].
    ///
    /// # Errors
    ///
    /// When the job runs on a platform that gives it no tokens.
    ///
    /// ```
    /// use oidc_core::{Context, ProviderSet};
    /// use oidc_exchange::client::{Npm, Registry as _};
    ///
    /// let registry = Npm::at("https://registry.example/")?;
    /// let cx = Context::default().with_environment([("NPM_ID_TOKEN", "…")].into_iter().collect());
    /// let source = registry.source(&ProviderSet::default(), &cx)?;
    /// assert_eq!(source.map(|source| source.provider().to_owned()).as_deref(), Some("variable"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn source(
        &self,
        providers: &ProviderSet,
        cx: &Context,
    ) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        let mut detection = Detection::new(cx);
        detection.token_variables.extend(self.protocol().token_variables);
        Ambient::find(providers, detection)
    }

    /// Returns the audience that an identity token for this registry must have, one of its
    /// [own](Registry::is_own_audience). Where the registry has to be asked, the request changes nothing there.
    ///
    /// `async fn audience(&self, cx: &Context) -> Result<Audience, ExchangeError>`
    ///
    /// # Errors
    ///
    /// When the registry has to be asked and gives no usable answer.
    async fn audience(&self, cx: &Context) -> Result<Audience, ExchangeError>;

    /// Returns `true` if an identity token with this audience may be sent to this registry: the token
    /// proves the job's identity to this registry and to nobody else. [`ExchangeRequest::check_audience`] calls it.
    ///
    /// By default, this is any audience that is not known to belong to another party and names no host other
    /// than the registry's. More can't be decided where a registry chooses its audience itself. A registry
    /// whose audience is derived from its URL compares with that.
    fn is_own_audience(&self, audience: &Audience) -> bool {
        audience::may_be_own(self.url(), audience)
    }

    /// Exchanges an identity token for a publish token, which is for the scope that was asked for.
    ///
    /// `async fn exchange(&self, request: &ExchangeRequest<'_>, cx: &Context) -> Result<PublishToken, ExchangeError>`
    ///
    /// One request to the registry's own origin contains the identity token, in a header or in its body. It is not
    /// repeated: the registry may have used up the identity token even though its answer was lost. Only after an
    /// answer that says that the token was not used ([`Protocol::unused`]) the same request is sent again. A redirect
    /// is not followed. [`ExchangeCall`](super::ExchangeCall) does all of this.
    ///
    /// # Errors
    ///
    /// When the registry has no tokens for the scope, refuses, can't be reached, or gives no usable answer;
    /// also when the identity token is for another party's audience, and then nothing is sent. A text that a
    /// header, a terminal or a CI runner's log would read as more than a token is an error of the kind
    /// [`InvalidToken`](super::ExchangeErrorKind::InvalidToken). The error contains no token.
    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError>;

    /// Asks the registry once to revoke a publish token before it expires. Returns `Ok(false)` where the protocol
    /// can't revoke tokens, and then nothing is sent. A token of another registry is not sent
    /// ([`PublishToken::is_of`]).
    ///
    /// `async fn revoke(&self, token: &PublishToken, cx: &Context) -> Result<bool, ExchangeError>`
    ///
    /// # Errors
    ///
    /// When the registry can't be reached or refuses, and when the token is another registry's. The error doesn't repeat it.
    async fn revoke(&self, _token: &PublishToken, _cx: &Context) -> Result<bool, ExchangeError> {
        Ok(false)
    }
}

/// An identity token, and the scope of the publish token to exchange it for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExchangeRequest<'a> {
    /// The job's identity token, made for the registry's audience.
    pub token: &'a IdToken,
    /// The scope of the publish token.
    pub scope: Scope,
}

impl<'a> ExchangeRequest<'a> {
    /// A request for a publish token that is valid for `scope`.
    pub fn new(token: &'a IdToken, scope: Scope) -> Self {
        Self { token, scope }
    }

    /// Checks that the identity token is for `registry`. An implementation of [`Registry::exchange`] must
    /// call it before it sends anything: with a token for another party's audience, the registry's operator
    /// could act as the job there.
    ///
    /// Of a token that is no JWT, the audience that it was requested for is compared, since its own can't be read.
    ///
    /// # Errors
    ///
    /// When the token is for another audience.
    pub fn check_audience(&self, registry: &dyn Registry) -> Result<(), ExchangeError> {
        match registry.is_own_audience(self.token.audience()) {
            true => Ok(()),
            false => Err(ExchangeError::other_audience(registry.url(), self.token.audience())),
        }
    }
}
