//! The checks of a token's claims: the claims that the platform requires, the times, and the replay id.

use std::time::Duration;

use super::error::Reason;
use crate::claims::{ClaimValue, Claims, Registered};
use crate::proof::ReplayId;
use crate::provider::{ClaimRule, ClaimType, ClaimUse, Issuer, Profile, ReplaySource};
use crate::time::Timestamp;

/// The limit on the length of a `jti`, in bytes. GitHub's and GitLab's are UUIDs.
const MAX_JTI_BYTES: usize = 256;

/// The claims that must be present and that no other check of the verifier covers: those that the operator
/// names for the issuer, or else those of the platform's table.
///
/// # Errors
///
/// With a name that the platform's table lacks.
pub(super) fn required(profile: &Profile, issuer: &Issuer) -> Result<Vec<ClaimRule>, String> {
    let is_checked = |name| {
        matches!(name, "iss" | "aud" | "exp" | "iat") || name == "jti" && profile.replay == ReplaySource::Jti
    };
    let rules: Vec<ClaimRule> = match &issuer.required_claims {
        Some(names) => {
            let rule = |name: &String| profile.rule(name).copied().ok_or_else(|| name.clone());
            names.iter().map(rule).collect::<Result<_, _>>()?
        }
        None => {
            let is_required = |rule: &&ClaimRule| rule.usage == ClaimUse::Required;
            profile.claims.iter().filter(is_required).copied().collect()
        }
    };
    Ok(rules.into_iter().filter(|rule| !is_checked(rule.name)).collect())
}

/// Checks that a required claim is present and of its type. An empty text counts as missing, unless the rule
/// allows it.
pub(super) fn check(rule: &ClaimRule, claims: &Claims) -> Result<(), Reason> {
    let Some(value) = claims.get(rule.name).filter(|value| !value.is_null()) else {
        return Err(Reason::MissingClaim(rule.name));
    };
    let fits = match rule.claim_type {
        ClaimType::Flag => value.as_bool().is_some(),
        ClaimType::Text | ClaimType::TextOrEmpty => value.is_text(),
        ClaimType::Registered => true,
    };
    if !fits {
        return Err(Reason::InvalidClaim(rule.name));
    }
    if rule.claim_type == ClaimType::Text && value.is_empty() {
        return Err(Reason::MissingClaim(rule.name));
    }
    Ok(())
}

/// A point in time, and the tolerated difference between the clocks of the registry and the platform.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    pub(super) leeway: Duration,
}

/// Returns the token's `iat` and `exp`, if the token is valid at that moment by them, and its lifetime is at
/// most `limit`.
pub(super) fn times(
    claims: &Registered<'_>,
    at: Moment,
    limit: Duration,
) -> Result<(Timestamp, Timestamp), Reason> {
    let Moment { now, leeway } = at;
    let expires_at = time("exp", claims.exp.as_ref())?;
    let issued_at = time("iat", claims.iat.as_ref())?;
    if now >= expires_at.plus(leeway) {
        return Err(Reason::Expired { expired_at: expires_at, now });
    }
    has_begun("iat", issued_at, at)?;
    if expires_at < issued_at {
        return Err(Reason::InvalidClaim("exp"));
    }
    if expires_at.since(issued_at) > limit {
        return Err(Reason::Lifetime { limit });
    }
    Ok((issued_at, expires_at))
}

/// Checks that the time of `nbf` has come, if the token has one.
pub(super) fn not_before(claims: &Registered<'_>, at: Moment) -> Result<(), Reason> {
    if claims.nbf.is_none() { Ok(()) } else { has_begun("nbf", time("nbf", claims.nbf.as_ref())?, at) }
}

fn has_begun(claim: &'static str, valid_from: Timestamp, at: Moment) -> Result<(), Reason> {
    let Moment { now, leeway } = at;
    if valid_from > now.plus(leeway) { Err(Reason::NotYetValid { claim, valid_from, now }) } else { Ok(()) }
}

fn time(name: &'static str, value: Option<&ClaimValue<'_>>) -> Result<Timestamp, Reason> {
    value.ok_or(Reason::MissingClaim(name))?.as_time().ok_or(Reason::InvalidClaim(name))
}

/// The id by which the token's use is recorded.
pub(super) fn replay_id(replay: ReplaySource, claims: &Claims, signed: &[u8]) -> Result<ReplayId, Reason> {
    match replay {
        ReplaySource::Digest => {
            use sha2::{Digest as _, Sha256};
            Ok(ReplayId::Digest(Sha256::digest(signed).into()))
        }
        ReplaySource::Jti => {
            let jti = claims.get("jti").ok_or(Reason::MissingClaim("jti"))?;
            let text = jti.as_text().filter(|text| !text.is_empty() && text.len() <= MAX_JTI_BYTES);
            Ok(ReplayId::Jti(text.ok_or(Reason::InvalidClaim("jti"))?.into_owned()))
        }
    }
}
