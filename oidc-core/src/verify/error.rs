use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::claims::{Claims, InvalidClaims};
use crate::proof::Unverified;
use crate::text::shown;
use crate::time::{Timestamp, in_words};
use crate::token::{Audience, MAX_TOKEN_BYTES};

/// The refusal of a token: the reason, and the token's claims as far as they could be read.
///
/// `Display` is safe to send to the caller: it contains only the caller's own claims, escaped, and the
/// verifier's public audiences.
#[derive(Debug)]
pub struct VerifyError {
    reason: Reason,
    said: Option<Said>,
    is_signed: bool,
}

/// The payload of a refused token. Its claims are parsed when they are first asked for, since most refusals
/// are never looked at.
struct Said {
    json: String,
    claims: OnceLock<Box<Unverified<Claims>>>,
}

/// The reason why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Longer than [`MAX_TOKEN_BYTES`]. No part of it was read.
    TooLarge,
    /// Not three parts in strict base64url, separated by dots (RFC 7515, section 7.1).
    Shape,
    /// The header is not a JSON object with unique members (RFC 7515, section 4).
    Header,
    /// The header's `alg` is not one of the platform's profile.
    Algorithm,
    /// The header has no `kid`.
    NoKeyId,
    /// The header has `crit`: it requires an extension that this verifier does not support (RFC 7515, section
    /// 4.1.11).
    Critical,
    /// The header's `typ` is not that of a JWT (RFC 8725, section 3.11).
    Type,
    /// The payload can't be read.
    Claims(InvalidClaims),
    /// The token's `iss` is not a configured issuer.
    Issuer,
    /// The token's `aud` is not one of the verifier's audiences alone.
    Audience {
        /// The accepted audiences.
        expected: Arc<[Audience]>,
    },
    /// The application's rule does not accept the token's `aud`.
    AudienceRule {
        /// The audiences that the rule accepts, in the application's words.
        expected: Arc<str>,
    },
    /// The token has expired.
    Expired {
        /// The token's `exp`.
        expired_at: Timestamp,
        /// The time by the verifier's clock.
        now: Timestamp,
    },
    /// The token is not valid yet: `nbf` or `iat` lies in the future.
    NotYetValid {
        /// `iat`, or `nbf` where `iat` has passed.
        claim: &'static str,
        /// The value of that claim.
        valid_from: Timestamp,
        /// The time by the verifier's clock.
        now: Timestamp,
    },
    /// The token's lifetime is longer than that allowed for its issuer.
    Lifetime {
        /// The longest lifetime.
        limit: Duration,
    },
    /// None of the issuer's keys, fetched or configured, has the header's `kid` and fits its algorithm.
    UnknownKey,
    /// Several of the issuer's keys, fetched or configured, have the header's `kid` and fit its algorithm. None of
    /// them is tried.
    DuplicateKey {
        /// The header's `kid`.
        kid: String,
    },
    /// The issuer's keys are not available now.
    KeysUnavailable {
        /// The time after which another try may succeed.
        retry_after: Duration,
        /// The reason why the keys are not available.
        fault: KeyFault,
    },
    /// The signature is not the issuer's.
    Signature,
    /// A claim that the platform always sends is missing.
    MissingClaim(&'static str),
    /// A claim has a type or a value that it can't have.
    InvalidClaim(&'static str),
}

/// The reason why an issuer's keys are not available.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyFault {
    /// The issuer can't be reached, or does not answer in time.
    Unreachable,
    /// The issuer's answer is not a discovery document or a set of keys that can be used.
    Invalid,
}

impl VerifyError {
    pub(crate) fn new(reason: Reason) -> Self {
        Self { reason, said: None, is_signed: false }
    }

    /// Adds the token's payload, whose claims can be read at least up to the claim that the refusal is about.
    pub(crate) fn of_claims(reason: Reason, json: String, is_signed: bool) -> Self {
        Self { reason, said: Some(Said { json, claims: OnceLock::new() }), is_signed }
    }

    pub(crate) fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }

    /// Returns the reason.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Returns the token's claims, as far as they can be read. They are not verified.
    pub fn claims(&self) -> Option<&Unverified<Claims>> {
        self.said.as_ref().map(Said::claims)
    }

    /// Returns the issuer, if the token's signature was verified: the token was then refused for its own
    /// claims.
    pub fn signer(&self) -> Option<Cow<'_, str>> {
        if self.is_signed { self.claims()?.read_unverified().text("iss") } else { None }
    }

    /// Returns the problem, without [`VerifyError::fix`].
    pub fn problem(&self) -> String {
        Problem(self).to_string()
    }

    /// Returns the fix, where the fault is not in the token itself.
    pub fn fix(&self) -> Option<&'static str> {
        match self.reason {
            Reason::Issuer => Some(
                "the operator of this service configures which issuers it trusts: ask for this one, or use a platform that it trusts",
            ),
            Reason::Audience { .. } | Reason::AudienceRule { .. } => Some(
                "ask the platform for a token with that audience; a client that derives it from a URL needs the URL that the service has \
                 itself",
            ),
            Reason::DuplicateKey { .. } => {
                Some("report it to the issuer's operator: each of its keys needs a `kid` of its own")
            }
            _ => None,
        }
    }

    /// The value of the claim that the refusal is about, from the token.
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
    /// Shows the same as [`Claims`] do: the names.
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

/// The problem alone.
struct Problem<'a>(&'a VerifyError);

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        let found = |claim: &str| error.found(claim);
        match &error.reason {
            Reason::TooLarge => write!(f, "the identity token is longer than {MAX_TOKEN_BYTES} bytes"),
            Reason::Claims(why) => write!(f, "the identity token's claims can't be read: {why}"),
            Reason::Issuer => {
                write!(f, "claim `iss` is {}, which is not a trusted issuer", found("iss"))
            }
            Reason::Audience { expected } => of_audience(f, &found("aud"), &alternatives(expected)),
            Reason::AudienceRule { expected } => of_audience(f, &found("aud"), expected),
            Reason::Expired { .. } | Reason::NotYetValid { .. } | Reason::Lifetime { .. } => {
                of_times(f, &error.reason)
            }
            Reason::UnknownKey
            | Reason::DuplicateKey { .. }
            | Reason::KeysUnavailable { .. }
            | Reason::Signature => of_key(f, &error.reason, &found("iss")),
            Reason::MissingClaim(claim) => write!(
                f,
                "claim `{claim}` is missing from the identity token; every token of this platform should have it: look for \
                 an update of the platform"
            ),
            Reason::InvalidClaim(claim) => write!(
                f,
                "claim `{claim}` is {}, which it can't be; look for an update of the platform",
                found(claim)
            ),
            Reason::Shape
            | Reason::Header
            | Reason::Algorithm
            | Reason::NoKeyId
            | Reason::Critical
            | Reason::Type => f.write_str(of_form(&error.reason)),
        }
    }
}

/// The problem of a token whose form or header is wrong.
fn of_form(reason: &Reason) -> &'static str {
    match reason {
        Reason::Header => "the identity token's header is not a JSON object with unique members",
        Reason::Algorithm => {
            "the identity token's header names a signature algorithm that its platform does not use"
        }
        Reason::NoKeyId => "the identity token's header names no key (`kid` is missing)",
        Reason::Critical => "the identity token's header demands an extension (`crit`)",
        Reason::Type => "the identity token's header says that it is not a JWT (`typ`)",
        _ => "the identity token is not a JWT: expected three base64url parts with dots between them",
    }
}

fn of_audience(f: &mut fmt::Formatter<'_>, found: &str, expected: &str) -> fmt::Result {
    write!(f, "claim `aud` is {found}, expected {expected} alone")
}

fn alternatives(audiences: &[Audience]) -> String {
    let all: Vec<String> = audiences.iter().map(|one| format!("`{}`", shown(one.as_str()))).collect();
    all.join(" or ")
}

fn of_times(f: &mut fmt::Formatter<'_>, reason: &Reason) -> fmt::Result {
    match reason {
        Reason::Expired { expired_at, now } => write!(
            f,
            "the identity token has expired {} ago: claim `exp` is {expired_at}; ask the platform for a new one, and \
             use it soon after",
            in_words(now.since(*expired_at))
        ),
        Reason::NotYetValid { claim, valid_from, now } => write!(
            f,
            "the identity token is not valid yet: claim `{claim}` is {valid_from}, which is in {} by the \
             verifier's clock ({now}); compare the clocks",
            in_words(valid_from.since(*now))
        ),
        Reason::Lifetime { limit } => write!(
            f,
            "the identity token is made for longer than the {} that tokens of its issuer may live here (`exp` minus `iat`)",
            in_words(*limit)
        ),
        _ => Ok(()),
    }
}

fn of_key(f: &mut fmt::Formatter<'_>, reason: &Reason, issuer: &str) -> fmt::Result {
    match reason {
        Reason::UnknownKey => write!(
            f,
            "the identity token is signed with a key (`kid`) that is not among those of its issuer {issuer}"
        ),
        Reason::DuplicateKey { kid } => write!(
            f,
            "the identity token is signed with the key `{}` (`kid`), and its issuer {issuer} has several keys of that name, none of \
             which is used",
            shown(kid)
        ),
        Reason::KeysUnavailable { retry_after, fault } => {
            let problem = match fault {
                KeyFault::Unreachable => "the verifier can't fetch the keys of",
                KeyFault::Invalid => "the verifier can't use what it fetched as the keys of",
            };
            write!(f, "{problem} the issuer {issuer}; try again in {}", in_words(*retry_after))
        }
        _ => write!(f, "the identity token's signature is not that of its issuer {issuer}"),
    }
}
