use std::future::Future;
use std::str::FromStr;

use super::failure::Failure;
use super::token::PublishToken;

/// The degree to which a publish relies on trusted publishing.
///
/// ```
/// use oidc_exchange::client::Mode;
///
/// let mode: Mode = "always".parse()?;
/// assert_eq!(mode, Mode::Always);
/// assert_eq!(Mode::default(), Mode::Automatic);
/// # Ok::<(), oidc_exchange::client::InvalidMode>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Try trusted publishing, and fall back to a static credential if it fails.
    #[default]
    Automatic,
    /// Use trusted publishing, and fail if it fails.
    Always,
    /// Don't use trusted publishing.
    Never,
}

impl Mode {
    /// Runs an attempt, if the mode allows it. In [`Mode::Never`] the future is dropped before it begins.
    ///
    /// # Errors
    ///
    /// In [`Mode::Always`], when the attempt fails. In [`Mode::Automatic`] a failure is
    /// [`Outcome::Fallback`].
    ///
    /// ```no_run
    /// # use oidc_core::{Context, ProviderSet};
    /// use oidc_exchange::client::{CratesIo, Mode, Outcome, PublishRequest};
    ///
    /// # async fn publish(mode: Mode, providers: ProviderSet, cx: Context) -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = CratesIo::at("https://registry.example/")?;
    /// let attempt = oidc_exchange::publish_token(&registry, PublishRequest::identity(), &providers, &cx);
    /// match mode.outcome(attempt).await? {
    ///     Outcome::Token(token) => println!("publishing with {:?}", token.secret()),
    ///     Outcome::Fallback(why) => println!("publishing with the static token, since {why}"),
    ///     _ => println!("publishing with the static token"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn outcome<T>(
        self,
        attempt: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Outcome<T>, Failure> {
        if self == Self::Never {
            return Ok(Outcome::Disabled);
        }
        match attempt.await {
            Ok(token) => Ok(Outcome::Token(token)),
            Err(failure) if self == Self::Automatic => Ok(Outcome::Fallback(failure)),
            Err(failure) => Err(failure),
        }
    }
}

impl FromStr for Mode {
    type Err = InvalidMode;

    fn from_str(text: &str) -> Result<Self, InvalidMode> {
        match text {
            "automatic" => Ok(Self::Automatic),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(InvalidMode),
        }
    }
}

/// A text that is not the name of a [`Mode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `automatic`, `always` or `never`")]
#[non_exhaustive]
pub struct InvalidMode;

/// The outcome of an attempt to publish by identity; see [`Mode::outcome`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<T = PublishToken> {
    /// A publish token.
    Token(T),
    /// No publish token, with the reason ([`Mode::Automatic`]): use the static credential, and tell the user
    /// the reason.
    Fallback(Failure),
    /// Nothing was tried ([`Mode::Never`]).
    Disabled,
}
