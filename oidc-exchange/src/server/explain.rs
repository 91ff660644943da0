//! The subject of a refusal, as data.

use oidc_core::verify::{Reason, VerifyError};
use oidc_core::{Diagnosis, HttpUrl, Target, shown};

use super::refusal_kind::RefusalKind;
use super::wording::Wording;
use crate::codes;

/// The diagnosis of a refused token: the code of the reason, the subject, and the fix.
pub(super) fn of_token(error: &VerifyError, fix: Option<&str>) -> Diagnosis {
    let claim = |name: &str| Target::Claim(name.to_owned());
    let (code, subject) = match error.reason() {
        Reason::TooLarge => (codes::TOKEN_TOO_LARGE, Target::Token),
        Reason::Shape => (codes::TOKEN_SHAPE, Target::Token),
        Reason::Header => (codes::TOKEN_HEADER, Target::Token),
        Reason::Algorithm => (codes::TOKEN_ALGORITHM, Target::Token),
        Reason::NoKeyId => (codes::TOKEN_NO_KEY_ID, Target::Key),
        Reason::Critical => (codes::TOKEN_CRITICAL, Target::Token),
        Reason::Type => (codes::TOKEN_TYPE, Target::Token),
        Reason::Claims(_) => (codes::TOKEN_CLAIMS, Target::Token),
        Reason::Issuer => (oidc_core::codes::ISSUER, claim("iss")),
        Reason::Audience { .. } | Reason::AudienceRule { .. } => (oidc_core::codes::AUDIENCE, claim("aud")),
        Reason::Expired { .. } => (codes::TOKEN_EXPIRED, claim("exp")),
        Reason::NotYetValid { .. } => (codes::TOKEN_NOT_YET_VALID, Target::Clock),
        Reason::Lifetime { .. } => (codes::TOKEN_LIFETIME, claim("exp")),
        Reason::UnknownKey => (codes::TOKEN_UNKNOWN_KEY, Target::Key),
        Reason::DuplicateKey { .. } => (codes::TOKEN_DUPLICATE_KEY, Target::Key),
        Reason::KeysUnavailable { .. } => (codes::KEYS_UNAVAILABLE, Target::Key),
        Reason::Signature => (codes::TOKEN_SIGNATURE, Target::Key),
        Reason::MissingClaim(name) => (oidc_core::codes::CLAIM_MISSING, claim(name)),
        Reason::InvalidClaim(name) => (codes::CLAIM_INVALID, claim(name)),
        _ => (codes::INVALID_TOKEN, Target::Token),
    };
    let diagnosis = Diagnosis::new(code, subject, error.problem());
    match fix {
        Some(fix) => diagnosis.fix(fix),
        None => diagnosis,
    }
}

/// The fix for an audience of another registry, where the URL of this registry is known.
pub(super) fn audience_of(public_url: &HttpUrl) -> String {
    format!(
        "clients derive it from the registry's URL, and this registry's is `{public_url}`: use that one, or have \
         its operator change it; where the job asks for the audience itself, let it ask for that one"
    )
}

/// The issuers that the registry trusts, for its operator, with a hint for an issuer that tests use.
pub(super) fn trusted(error: &VerifyError, issuers: &[String], wording: &Wording) -> String {
    let issuers: Vec<String> = issuers.iter().map(|issuer| format!("`{}`", shown(issuer))).collect();
    let trusted = format!("trusted: {}", issuers.join(", "));
    let found = error.claims().and_then(|claims| claims.read_unverified().text("iss"));
    let local = found.filter(|iss| HttpUrl::parse(iss).is_ok_and(|url| url.is_loopback()));
    let Some(iss) = local else { return trusted };
    let hint =
        wording.issuer_hint.map_or_else(String::new, |hint| format!(": {}", hint(&shown(&iss).to_string())));
    format!("{trusted}; an issuer on loopback is trusted where it is configured as a platform's own{hint}")
}

/// The diagnosis of a refusal that has no more precise code than that of its kind.
pub(super) fn of_kind(kind: RefusalKind, message: &str) -> Diagnosis {
    let subject = match kind {
        RefusalKind::AlreadyUsed => Target::Claim("jti".to_owned()),
        RefusalKind::NotTrusted | RefusalKind::RuleDiffers => Target::Field("publisher".to_owned()),
        _ => Target::Token,
    };
    Diagnosis::new(kind.as_str(), subject, message)
}
