use oidc_core::http::HttpError;
use oidc_core::{Diagnosis, SourceError, SourceErrorKind};

use super::error::{ExchangeError, ExchangeErrorKind};

/// The reason why there is no publish token.
///
/// `Display` and `source()` are those of the contained error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The job got no identity token.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The registry gave no publish token for it.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

/// The kind of a [`Failure`], the same for every platform and registry.
///
/// [`SourceErrorKind`] and [`ExchangeErrorKind`] tell more.
///
/// ```
/// use oidc_exchange::client::FailureKind;
///
/// /// The exit status of a publish tool.
/// fn status(kind: FailureKind) -> u8 {
///     match kind {
///         FailureKind::NotDetected | FailureKind::NotRequested => 0, // publish with a static token
///         FailureKind::NoAnswer => 75,                               // try again later
///         _ => 1,
///     }
/// }
/// assert_eq!(status(FailureKind::NoAnswer), 75);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The job runs on no platform that gives identity tokens.
    NotDetected,
    /// The job runs on such a platform, and its configuration requests no identity token.
    NotRequested,
    /// No complete answer came, from the platform or from the registry.
    NoAnswer,
    /// The platform or the registry refused.
    Refused,
    /// The answer does not follow the registry's protocol.
    InvalidAnswer,
    /// The answer contains no token.
    NoToken,
    /// The text that the answer contains as a token can't be used as one.
    InvalidToken,
    /// The registry accepts no trusted publishes, or has no tokens for the requested scope.
    Unsupported,
    /// The registry's URL, the package or the identity token can't be used. No exchange was sent.
    InvalidRequest,
}

impl Failure {
    /// Returns the kind of failure.
    ///
    /// ```
    /// use oidc_core::{Ambient, Context, ProviderSet};
    /// use oidc_exchange::client::{Failure, FailureKind};
    ///
    /// let error = Ambient::detect(&ProviderSet::default(), &Context::default()).unwrap_err();
    /// assert_eq!(Failure::from(error).kind(), FailureKind::NotDetected);
    /// ```
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Source(error) => match error.kind() {
                SourceErrorKind::NotDetected => FailureKind::NotDetected,
                SourceErrorKind::NotPermitted | SourceErrorKind::Missing => FailureKind::NotRequested,
                SourceErrorKind::Rejected => FailureKind::Refused,
                SourceErrorKind::NoToken => FailureKind::NoToken,
                SourceErrorKind::InvalidToken => FailureKind::InvalidToken,
                _ => FailureKind::NoAnswer,
            },
            Self::Exchange(error) => match error.kind() {
                ExchangeErrorKind::Unreachable => FailureKind::NoAnswer,
                ExchangeErrorKind::Rejected { .. } => FailureKind::Refused,
                ExchangeErrorKind::InvalidAnswer => FailureKind::InvalidAnswer,
                ExchangeErrorKind::NoToken => FailureKind::NoToken,
                ExchangeErrorKind::InvalidToken => FailureKind::InvalidToken,
                ExchangeErrorKind::Unsupported => FailureKind::Unsupported,
                ExchangeErrorKind::InvalidRequest => FailureKind::InvalidRequest,
            },
        }
    }

    /// Returns the HTTP error, if no complete answer came (proxy, certificate, deadline).
    pub fn http(&self) -> Option<&HttpError> {
        match self {
            Self::Source(error) => error.http(),
            Self::Exchange(error) => error.http(),
        }
    }

    /// Returns the explanation: the problem and the fix.
    pub fn diagnosis(&self) -> &Diagnosis {
        match self {
            Self::Source(error) => error.diagnosis(),
            Self::Exchange(error) => error.diagnosis(),
        }
    }
}
