use std::fmt;

use async_trait::async_trait;

use crate::context::Context;
use crate::diagnosis::Diagnosis;
use crate::http::HttpError;
use crate::token::{Audience, IdToken, InvalidIdToken};

/// A source of a job's identity tokens. [`Ambient::find`](crate::Ambient::find) or a platform's own
/// constructor makes it.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// The platform's [name](crate::Provider::id), such as `github`.
    fn provider(&self) -> &str;

    /// Gets a token for this audience.
    ///
    /// `async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError>`
    ///
    /// The platform's answer is read within a bound, and a redirect is not followed. An answer that is no success
    /// contains no token.
    ///
    /// # Errors
    ///
    /// When the platform gives no token, or a token for another audience. The error repeats no token, and nothing
    /// that the platform was asked with.
    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError>;

    /// Returns `true` if each call asks for a new token. Otherwise the platform made the token before the job
    /// began, and a token that was used up can't be replaced.
    fn is_renewable(&self) -> bool {
        false
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl<T: TokenSource + ?Sized> TokenSource for Box<T> {
    fn provider(&self) -> &str {
        (**self).provider()
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        (**self).token(audience).await
    }

    fn is_renewable(&self) -> bool {
        (**self).is_renewable()
    }
}

/// The input of a platform's detection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Detection<'a> {
    /// The outside world.
    pub context: &'a Context,
    /// The variables that the registry or the user names as holders of an identity token, such as
    /// `NPM_ID_TOKEN` for npm. The first that is set is used.
    pub token_variables: Vec<&'a str>,
}

impl<'a> Detection<'a> {
    /// A detection without named variables.
    pub fn new(context: &'a Context) -> Self {
        Self { context, token_variables: Vec::new() }
    }

    /// Adds a variable that may hold an identity token.
    #[must_use]
    pub fn token_variable(mut self, name: &'a str) -> Self {
        self.token_variables.push(name);
        self
    }
}

impl<'a> From<&'a Context> for Detection<'a> {
    fn from(context: &'a Context) -> Self {
        Self::new(context)
    }
}

/// The kind of a failure to get an identity token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// The job runs on no platform of the set.
    NotDetected,
    /// The job runs on a platform that gives tokens only to jobs whose configuration asks for them, and this
    /// job's does not, such as on GitHub without `id-token: write`.
    NotPermitted,
    /// The platform gave the job no token for the registry: the job's configuration asks for none, such as on
    /// GitLab without `id_tokens`, or the program that issues tokens is not installed.
    Missing,
    /// The platform gave no usable answer, even when it was asked again.
    Unavailable,
    /// The platform refused.
    Rejected,
    /// The platform's answer holds no token.
    NoToken,
    /// The text that the platform gave is no identity token for the audience.
    InvalidToken,
}

/// An error of getting an identity token. It never holds a secret.
///
/// [`SourceError::diagnosis`] is the whole explanation. `Display` writes its line without the text of the
/// underlying error, which is available through `source()`.
///
/// ```
/// use std::error::Error as _;
///
/// use oidc_core::{
///     Diagnosis, FileError, InvalidIdToken, SourceError, SourceErrorKind, Target,
/// };
///
/// let problem = format!("the token can't be used: {}", InvalidIdToken::Text);
/// let diagnosis = Diagnosis::new("my-token", Target::Token, problem);
/// let error = SourceError::new(SourceErrorKind::InvalidToken, diagnosis).with_source(InvalidIdToken::Text);
/// assert_eq!(error.to_string(), "the token can't be used");
/// assert!(error.source().is_some_and(|below| below.is::<InvalidIdToken>()));
/// ```
#[derive(Debug)]
pub struct SourceError {
    kind: SourceErrorKind,
    diagnosis: Box<Diagnosis>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl SourceError {
    /// An error of a kind with its explanation.
    pub fn new(kind: SourceErrorKind, diagnosis: Diagnosis) -> Self {
        Self { kind, diagnosis: Box::new(diagnosis), source: None }
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind of failure.
    pub fn kind(&self) -> SourceErrorKind {
        self.kind
    }

    /// Replaces the explanation.
    #[must_use]
    pub fn with_diagnosis(mut self, diagnosis: Diagnosis) -> Self {
        self.diagnosis = Box::new(diagnosis);
        self
    }

    /// Returns the explanation: the problem and the fix.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// Returns `true` if a token was found, and it is for another audience than the requested one.
    pub(crate) fn is_for_another(&self) -> bool {
        let invalid = self.source.as_deref().and_then(|source| source.downcast_ref());
        matches!(invalid, Some(InvalidIdToken::Audience { .. }))
    }

    /// Returns the HTTP error, if no complete answer came (proxy, certificate, deadline).
    pub fn http(&self) -> Option<&HttpError> {
        let mut below = std::error::Error::source(self);
        std::iter::from_fn(|| {
            let error = below?;
            below = error.source();
            Some(error)
        })
        .find_map(|error| error.downcast_ref())
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnosis.above(std::error::Error::source(self)).fmt(f)
    }
}
