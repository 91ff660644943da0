//! What a refusal is about, as data.

use oidc_core::verify::{Reason, VerifyError};
use oidc_core::{Diagnosis, Subject};

use super::refusal::RefusalKind;

/// A refused token: the stable name of the reason, and what was looked at.
pub(super) fn of_token(error: &VerifyError) -> Diagnosis {
    let claim = |name: &str| Subject::Claim(name.to_owned());
    let (code, subject) = match error.reason() {
        Reason::TooLarge => ("token-too-large", Subject::Token),
        Reason::Shape => ("token-shape", Subject::Token),
        Reason::Header => ("token-header", Subject::Token),
        Reason::Algorithm => ("token-algorithm", Subject::Token),
        Reason::NoKeyId => ("token-no-key-id", Subject::Key),
        Reason::Critical => ("token-critical", Subject::Token),
        Reason::Type => ("token-type", Subject::Token),
        Reason::Claims(_) => ("token-claims", Subject::Token),
        Reason::Issuer => ("issuer", claim("iss")),
        Reason::Audience { .. } => ("audience", claim("aud")),
        Reason::Expired { .. } => ("token-expired", claim("exp")),
        Reason::NotYetValid { .. } => ("token-not-yet-valid", Subject::Clock),
        Reason::Lifetime { .. } => ("token-lifetime", claim("exp")),
        Reason::UnknownKey => ("token-unknown-key", Subject::Key),
        Reason::KeysUnavailable { .. } => ("keys-unavailable", Subject::Key),
        Reason::Signature => ("token-signature", Subject::Key),
        Reason::MissingClaim(name) => ("claim-missing", claim(name)),
        Reason::InvalidClaim(name) => ("claim-invalid", claim(name)),
        _ => ("invalid-token", Subject::Token),
    };
    Diagnosis::new(code, subject, error.to_string())
}

/// A refusal that has no more precise name than its kind.
pub(super) fn of_kind(kind: RefusalKind, message: &str) -> Diagnosis {
    let subject = match kind {
        RefusalKind::AlreadyUsed => Subject::Claim("jti".to_owned()),
        RefusalKind::NotTrusted | RefusalKind::RuleDiffers => Subject::Field("publisher".to_owned()),
        RefusalKind::KeysUnavailable { .. } => Subject::Key,
        _ => Subject::Token,
    };
    Diagnosis::new(kind.as_str(), subject, message)
}
