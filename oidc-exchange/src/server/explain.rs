//! What a refusal is about, as data.

use oidc_core::verify::{Reason, VerifyError};
use oidc_core::{Diagnosis, HttpUrl, Subject, shown};

use super::refusal::RefusalKind;
use super::wording::Wording;

/// A refused token: the stable name of the reason, what was looked at, and what to do.
pub(super) fn of_token(error: &VerifyError, fix: Option<&str>) -> Diagnosis {
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
        Reason::Audience { .. } | Reason::AudienceRule { .. } => ("audience", claim("aud")),
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
    let diagnosis = Diagnosis::new(code, subject, error.problem());
    match fix {
        Some(fix) => diagnosis.fix(fix),
        None => diagnosis,
    }
}

/// What to do about another registry's audience, where this one's URL is known.
pub(super) fn audience_of(public_url: &HttpUrl) -> String {
    format!(
        "clients derive it from the registry's URL, and this registry's is `{public_url}`: use that one, or have \
         its operator change it; where the job asks for the audience itself, let it ask for that one"
    )
}

/// The issuers that the registry trusts, for its operator, and how it would trust one that tests use.
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

/// A refusal that has no more precise name than its kind.
pub(super) fn of_kind(kind: RefusalKind, message: &str) -> Diagnosis {
    let subject = match kind {
        RefusalKind::AlreadyUsed => Subject::Claim("jti".to_owned()),
        RefusalKind::NotTrusted | RefusalKind::RuleDiffers => Subject::Field("publisher".to_owned()),
        _ => Subject::Token,
    };
    Diagnosis::new(kind.as_str(), subject, message)
}
