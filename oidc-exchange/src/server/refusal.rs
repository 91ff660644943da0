use std::time::Duration;

use oidc_core::verify::{Reason, VerifyError};
use oidc_core::{Mismatch, RandomError, Timestamp, shown};

use super::store::{Package, StoreError};

/// An exchange is refused.
///
/// `Display` is safe for the caller: it holds the caller's own claims, escaped, and of the package's configuration
/// only what a token of the same repository may be told. `source()` is for the log.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    kind: RefusalKind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of refusal. Each protocol has its own status for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The request is not one of the protocol.
    Malformed,
    /// The request holds no identity token.
    NoToken,
    /// The identity token does not prove anything: not a token, not ours, expired, forged.
    InvalidToken,
    /// The identity token was used up.
    AlreadyUsed,
    /// The identity has nothing to do with the package, which may or may not exist.
    NotTrusted,
    /// The identity has a publisher of the package, one rule of which differs.
    RuleDiffers,
    /// The issuer's keys can't be had now.
    KeysUnavailable {
        /// When asking again may help.
        retry_after: Duration,
    },
    /// The registry itself failed.
    Internal,
}

impl RefusalKind {
    /// A stable name for events and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NoToken => "no-token",
            Self::InvalidToken => "invalid-token",
            Self::AlreadyUsed => "already-used",
            Self::NotTrusted => "not-trusted",
            Self::RuleDiffers => "rule-differs",
            Self::KeysUnavailable { .. } => "keys-unavailable",
            Self::Internal => "internal",
        }
    }
}

impl Refusal {
    /// What kind.
    pub fn kind(&self) -> RefusalKind {
        self.kind
    }

    pub(super) fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The request is not one of the protocol; `message` is fit to be shown.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(RefusalKind::Malformed, message)
    }

    pub(super) fn no_token(message: impl Into<String>) -> Self {
        Self::new(RefusalKind::NoToken, message)
    }

    pub(super) fn already_used(package: &str, max_uses: u32, expires_at: Timestamp) -> Self {
        let message = format!(
            "the identity token was already used for `{}`: it may be exchanged {} for a package, and a dry run or an \
             earlier step of the job counts; ask the platform for a new one (this one ends at {expires_at})",
            shown(package),
            if max_uses == 1 { "once".to_owned() } else { format!("{max_uses} times") },
        );
        Self::new(RefusalKind::AlreadyUsed, message)
    }

    /// Says only what the token itself carries, in the same words whether the package exists, has publishers or not.
    pub(super) fn not_trusted(package: &str, issuer: &str, key: &str) -> Self {
        let message = format!(
            "no trusted publisher of package `{}` is for `{}` of the issuer `{}`; compare the package's trusted \
             publisher with this repository, or configure one",
            shown(package),
            shown(key),
            shown(issuer),
        );
        Self::new(RefusalKind::NotTrusted, message)
    }

    /// The token proved the publisher's own repository, so it may be told what was expected.
    pub(super) fn rule_differs(package: &Package, mismatch: &Mismatch, others: usize) -> Self {
        let others = match others {
            0 => String::new(),
            1 => " (one more publisher of the package doesn't match either)".to_owned(),
            n => format!(" ({n} more publishers of the package don't match either)"),
        };
        let message = format!(
            "the trusted publisher of package `{}` does not match: {mismatch}{others}",
            shown(&package.name)
        );
        Self::new(RefusalKind::RuleDiffers, message)
    }

    /// The token is verified, but lacks what its platform is looked up by.
    pub(super) fn unidentified(mismatch: &Mismatch) -> Self {
        Self::new(RefusalKind::InvalidToken, mismatch.to_string())
    }

    pub(super) fn superseded() -> Self {
        let message = "the package's trusted publisher was changed during the exchange; try again";
        Self::new(RefusalKind::RuleDiffers, message)
    }

    pub(super) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let message = "the registry could not complete the exchange; nothing was used up, try again later";
        Self { kind: RefusalKind::Internal, message: message.to_owned(), source: Some(source.into()) }
    }
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        let kind = match error.reason() {
            Reason::KeysUnavailable { retry_after } => {
                RefusalKind::KeysUnavailable { retry_after: *retry_after }
            }
            _ => RefusalKind::InvalidToken,
        };
        Self { kind, message: error.to_string(), source: Some(Box::new(error)) }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<RandomError> for Refusal {
    fn from(error: RandomError) -> Self {
        Self::internal(error)
    }
}
