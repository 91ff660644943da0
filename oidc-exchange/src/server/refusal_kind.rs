use std::time::Duration;

use crate::codes;

/// The kind of a refusal. Each protocol has its own status for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The request does not follow the protocol.
    Malformed,
    /// The request holds no identity token.
    NoToken,
    /// The identity token does not prove anything: it is no token, has another audience, has expired, or is
    /// forged.
    InvalidToken,
    /// The identity token was used before.
    AlreadyUsed,
    /// No publisher of the package has the identity, or the package does not exist.
    NotTrusted,
    /// The identity has a publisher of the package, and one of its rules differs.
    RuleDiffers,
    /// The issuer's keys are not available now.
    KeysUnavailable {
        /// The time after which another try may succeed.
        retry_after: Duration,
    },
    /// The registry itself failed.
    Internal,
}

impl RefusalKind {
    /// A stable name for events and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => codes::MALFORMED,
            Self::NoToken => codes::NO_TOKEN,
            Self::InvalidToken => codes::INVALID_TOKEN,
            Self::AlreadyUsed => codes::ALREADY_USED,
            Self::NotTrusted => codes::NOT_TRUSTED,
            Self::RuleDiffers => codes::RULE_DIFFERS,
            Self::KeysUnavailable { .. } => codes::KEYS_UNAVAILABLE,
            Self::Internal => codes::INTERNAL,
        }
    }
}
