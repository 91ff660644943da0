use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::claims::{Claims, InvalidClaims};
use crate::text::shown;
use crate::time::{Timestamp, in_words};
use crate::token::{Audience, MAX_TOKEN_BYTES};
use crate::trust::Unverified;

/// A token is refused: why, and what it said of itself as far as it could be read.
///
/// `Display` is safe to answer to the caller: it holds nothing but the caller's own claims, escaped, and the
/// registry's public audiences.
#[derive(Debug)]
pub struct VerifyError {
    reason: Reason,
    said: Option<Said>,
    is_signed: bool,
}

/// What a refused token said of itself. It is read when somebody wants to know: most refusals are of no interest.
struct Said {
    json: String,
    claims: OnceLock<Box<Unverified<Claims>>>,
}

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Longer than [`MAX_TOKEN_BYTES`]. Nothing of it was read.
    TooLarge,
    /// Not three parts in strict base64url with dots between them (RFC 7515, section 7.1).
    Shape,
    /// The header is not a JSON object with unique members (RFC 7515, section 4).
    Header,
    /// The header's `alg` is not one of the platform's profile.
    Algorithm,
    /// The header has no `kid`.
    NoKeyId,
    /// The header has `crit`: it demands something that this verifier doesn't know (RFC 7515, section 4.1.11).
    Critical,
    /// The header's `typ` says that this is something else than a JWT (RFC 8725, section 3.11).
    Type,
    /// The payload can't be read.
    Claims(InvalidClaims),
    /// The token's `iss` is none of the configured issuers.
    Issuer,
    /// The token's `aud` is not ours alone.
    Audience {
        /// What it may be.
        expected: Arc<[Audience]>,
    },
    /// The token's `aud` is none that the application's rule accepts.
    AudienceRule {
        /// What the rule accepts, in the application's words.
        expected: Arc<str>,
    },
    /// It is over.
    Expired {
        /// The token's `exp`.
        expired_at: Timestamp,
        /// The registry's clock.
        now: Timestamp,
    },
    /// It has not begun: `nbf` or `iat` lies in the future.
    NotYetValid {
        /// `iat`, or `nbf` where `iat` has passed.
        claim: &'static str,
        /// What the token has there.
        valid_from: Timestamp,
        /// The registry's clock.
        now: Timestamp,
    },
    /// It is made for longer than its issuer's tokens may be.
    Lifetime {
        /// What it may be.
        limit: Duration,
    },
    /// Among the issuer's keys, fetched or configured, none of the header's `kid` fits its algorithm.
    UnknownKey,
    /// The issuer's keys can't be had now.
    KeysUnavailable {
        /// When asking again may help.
        retry_after: Duration,
        /// What is wrong with them.
        fault: KeyFault,
    },
    /// The signature is not the issuer's.
    Signature,
    /// A claim that the platform always sends is missing.
    MissingClaim(&'static str),
    /// A claim has a type or a value that it can't have.
    InvalidClaim(&'static str),
}

/// What keeps a registry from an issuer's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyFault {
    /// The issuer can't be reached, or does not answer in time.
    Unreachable,
    /// The issuer answers, and not with a discovery document and keys that can be used.
    Invalid,
}

impl VerifyError {
    pub(crate) fn new(reason: Reason) -> Self {
        Self { reason, said: None, is_signed: false }
    }

    /// With the token's payload, whose claims can be read at least up to those that the refusal is about.
    pub(crate) fn of_claims(reason: Reason, json: String, is_signed: bool) -> Self {
        Self { reason, said: Some(Said { json, claims: OnceLock::new() }), is_signed }
    }

    pub(crate) fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }

    /// Why.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// What the token said of itself, as far as it can be read. Nothing has checked it.
    pub fn claims(&self) -> Option<&Unverified<Claims>> {
        self.said.as_ref().map(Said::claims)
    }

    /// The issuer, where the token has its signature: it was refused for what its own issuer says in it.
    pub fn signer(&self) -> Option<Cow<'_, str>> {
        if self.is_signed { self.claims()?.read_unverified().text("iss") } else { None }
    }

    /// What is wrong, without [`VerifyError::fix`].
    pub fn problem(&self) -> String {
        Problem(self).to_string()
    }

    /// What to do about it, where the fault is not in the token itself.
    pub fn fix(&self) -> Option<&'static str> {
        match self.reason {
            Reason::Issuer => Some(
                "the registry's operator configures which issuers it trusts: ask for this one, or publish from a platform that it \
                 trusts",
            ),
            Reason::Audience { .. } | Reason::AudienceRule { .. } => Some(
                "clients derive it from the registry's URL: name the registry by the URL that it has itself, or ask the \
                 platform for that audience",
            ),
            _ => None,
        }
    }

    /// The claim that the refusal is about, as the token has it.
    fn found(&self, claim: &str) -> String {
        let claims = self.claims().map(Unverified::read_unverified);
        match claims.and_then(|claims| claims.get(claim)) {
            Some(value) => value.to_string(),
            None => "missing".to_owned(),
        }
    }
}

impl Said {
    fn claims(&self) -> &Unverified<Claims> {
        let read = || Box::new(Unverified::new(Claims::as_far_as_legible(self.json.clone())));
        self.claims.get_or_init(read)
    }
}

impl fmt::Debug for Said {
    /// Shows what [`Claims`] shows of themselves: names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.claims().fmt(f)
    }
}

impl std::error::Error for VerifyError {}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Problem(self))?;
        self.fix().map_or(Ok(()), |fix| write!(f, "; {fix}"))
    }
}

/// What is wrong, and nothing else.
struct Problem<'a>(&'a VerifyError);

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        match &error.reason {
            Reason::TooLarge => write!(f, "the identity token is longer than {MAX_TOKEN_BYTES} bytes"),
            Reason::Shape => f.write_str(
                "the identity token is not a JWT: expected three base64url parts with dots between them",
            ),
            Reason::Header => {
                f.write_str("the identity token's header is not a JSON object with unique members")
            }
            Reason::Algorithm => f.write_str(
                "the identity token's header names a signature algorithm that its platform does not use",
            ),
            Reason::NoKeyId => f.write_str("the identity token's header names no key (`kid` is missing)"),
            Reason::Critical => f.write_str("the identity token's header demands an extension (`crit`)"),
            Reason::Type => f.write_str("the identity token's header says that it is not a JWT (`typ`)"),
            Reason::Claims(why) => write!(f, "the identity token's claims can't be read: {why}"),
            Reason::Issuer => write!(
                f,
                "claim `iss` is {}, which is no issuer that this registry trusts",
                error.found("iss")
            ),
            Reason::Audience { expected } => {
                write!(f, "claim `aud` is {}, expected ", error.found("aud"))?;
                for (index, audience) in expected.iter().enumerate() {
                    let or = if index == 0 { "" } else { " or " };
                    write!(f, "{or}`{}`", shown(audience.as_str()))?;
                }
                f.write_str(" alone")
            }
            Reason::AudienceRule { expected } => {
                write!(f, "claim `aud` is {}, expected {expected} alone", error.found("aud"))
            }
            Reason::Expired { expired_at, now } => write!(
                f,
                "the identity token has expired {} ago: claim `exp` is {expired_at}; ask the platform for a new one, and \
                 exchange it soon after",
                in_words(now.since(*expired_at))
            ),
            Reason::NotYetValid { claim, valid_from, now } => write!(
                f,
                "the identity token is not valid yet: claim `{claim}` is {valid_from}, which is in {} by the \
                 registry's clock ({now}); compare the clocks",
                in_words(valid_from.since(*now))
            ),
            Reason::Lifetime { limit } => write!(
                f,
                "the identity token is made for longer than the {} that tokens of its issuer may live here (`exp` minus `iat`)",
                in_words(*limit)
            ),
            Reason::UnknownKey => write!(
                f,
                "the identity token is signed with a key (`kid`) that is not among those of its issuer {}",
                error.found("iss")
            ),
            Reason::KeysUnavailable { retry_after, fault } => write!(
                f,
                "{} the issuer {}; try again in {}",
                match fault {
                    KeyFault::Unreachable => "the registry can't fetch the keys of",
                    KeyFault::Invalid => "the registry can't use what it fetched as the keys of",
                },
                error.found("iss"),
                in_words(*retry_after)
            ),
            Reason::Signature => {
                write!(f, "the identity token's signature is not that of its issuer {}", error.found("iss"))
            }
            Reason::MissingClaim(claim) => write!(
                f,
                "claim `{claim}` is missing from the identity token; every token of this platform should have it: look for \
                 an update of the platform"
            ),
            Reason::InvalidClaim(claim) => write!(
                f,
                "claim `{claim}` is {}, which it can't be; look for an update of the platform",
                error.found(claim)
            ),
        }
    }
}
