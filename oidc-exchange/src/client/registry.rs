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

/// A registry, as a publish tool sees it.
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
/// [`publish_token`](super::publish_token) does the whole way from a job to a publish token.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Registry: fmt::Debug + Send + Sync {
    /// The registry's URL, as it was given.
    fn url(&self) -> &HttpUrl;

    /// The protocol that it speaks.
    fn protocol(&self) -> &'static Protocol;

    /// Checks that the registry has tokens for this scope, and that the package's name is one. Nothing is sent.
    ///
    /// # Errors
    ///
    /// When it has none; see [`ExchangeError::unsupported_scope`].
    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError>;

    /// The source of the job's identity tokens for this registry, offline; `None` where the job runs on none of the platforms. A
    /// variable of [`Protocol::token_variables`] that is set wins; see [`Ambient::find`].
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

    /// The audience that an identity token for this registry must have.
    ///
    /// # Errors
    ///
    /// When the registry has to be asked and gives no usable answer.
    async fn audience(&self, cx: &Context) -> Result<Audience, ExchangeError>;

    /// Whether an identity token with this audience may be sent to this registry: whether it speaks for the job here, and nowhere
    /// else. [`ExchangeRequest::check_audience`] asks it.
    ///
    /// By default that is an audience that is not known to be another party's and names no other host than the registry's, which
    /// is all that can be told where a registry chooses its audience itself. A registry whose audience follows from its URL
    /// compares with that.
    fn is_own_audience(&self, audience: &Audience) -> bool {
        audience::may_be_own(self.url(), audience)
    }

    /// Exchanges an identity token for a publish token. Never tried twice: the registry may have used the
    /// identity token up although its answer was lost.
    ///
    /// # Errors
    ///
    /// When the registry has no tokens for the scope, refuses, can't be reached, or gives no usable answer, and when the identity
    /// token is for somebody else's audience, in which case nothing is sent.
    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError>;

    /// Asks the registry to end a publish token before it expires. `Ok(false)` where the protocol has no way to.
    ///
    /// # Errors
    ///
    /// When the registry can't be reached or refuses.
    async fn revoke(&self, _token: &PublishToken, _cx: &Context) -> Result<bool, ExchangeError> {
        Ok(false)
    }
}

/// An identity token, and what it is to be exchanged for.
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

    /// Checks that the identity token is for `registry`. An implementation of [`Registry::exchange`] does so before it sends
    /// anything: with a token for another party's audience, whoever runs the registry could speak for the job there.
    ///
    /// The audience of a token that is no JWT can't be read, and is not compared.
    ///
    /// # Errors
    ///
    /// When the token is for another audience.
    pub fn check_audience(&self, registry: &dyn Registry) -> Result<(), ExchangeError> {
        if self.token.claims().is_err() || registry.is_own_audience(self.token.audience()) {
            return Ok(());
        }
        Err(ExchangeError::other_audience(registry.url(), self.token.audience()))
    }
}
