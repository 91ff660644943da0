//! The checks of one token, from cheap to expensive.
//!
//! The claims that every token has are checked while they are read ([`Verifier::glance`] is called by the
//! reader): a refused token then costs no more than its first bytes, whatever follows them.

use std::sync::Arc;

use super::cache::{Current, Wanted, has_background};
use super::claims::{self, Moment};
use super::error::{Reason, VerifyError};
use super::token::{Compact, Header, MAX_HEADER_BYTES, MAX_SIGNATURE_BYTES, buffer, decode, decode_into};
use super::{Trusted, Verifier};
use crate::claims::{ClaimValue, Claims, InvalidClaims, Reader, Registered, Unread};
use crate::proof::{Proof, Verified};
use crate::time::Timestamp;

impl Verifier {
    /// Checks a token, and once more after a fetch where the known keys can't decide.
    pub(super) async fn verify_with(
        &self,
        token: &str,
        at: Option<Timestamp>,
    ) -> Result<Verified<Claims>, VerifyError> {
        let (missing, mut error) = match self.check(token, at, Due::Awaited) {
            Ok(verified) => return Ok(verified),
            Err(Refusal { error, missing: Some(missing) }) => (missing, error),
            Err(Refusal { error, .. }) => return Err(error),
        };
        let keys = &missing.trusted.keys;
        // A caller without a runtime can't wait for another thread's fetch, and the keys that are due serve it.
        let joins = !missing.is_due || has_background();
        keys.refresh(missing.generation, joins, || wanted(token)).await;
        // There are new keys, fetched for this token or for another, or the old ones still serve: the token is checked
        // once more, and not again after that.
        if missing.is_due || keys.generation() != missing.generation {
            match self.check(token, at, Due::Used) {
                Ok(verified) => return Ok(verified),
                Err(Refusal { error, missing: None }) => return Err(error),
                Err(refusal) => error = refusal.error,
            }
        }
        let Some(fault) = keys.fault() else { return Err(error) };
        // The issuer has the key, twice: that its keys can't be fetched again changes nothing.
        if matches!(error.reason(), Reason::DuplicateKey { .. }) {
            return Err(error);
        }
        // Asking the caller to try again is pointless if the token is refused with any key.
        let claims = error.claims().map(|claims| Registered::of(claims.read_unverified()));
        let permanent = claims.and_then(|claims| self.check_use(missing.trusted, &claims, at).err());
        let unavailable = || Reason::KeysUnavailable { retry_after: keys.retry_after(), fault };
        Err(error.because(permanent.unwrap_or_else(unavailable)))
    }

    /// Checks a token with the known keys.
    pub(super) fn check(
        &self,
        token: &str,
        at: Option<Timestamp>,
        due: Due,
    ) -> Result<Verified<Claims>, Refusal<'_>> {
        let parts = Compact::parse(token)?;
        let known = self.0.headers.load();
        let known = known.get(parts.header);
        let is_known = known.is_some();
        let mut header = buffer::<MAX_HEADER_BYTES>();
        let header = match known {
            Some(header) => header,
            None => Header::parse(decode_into(parts.header, &mut header)?)?,
        };
        let mut signature = buffer::<MAX_SIGNATURE_BYTES>();
        let signature = decode_into(parts.signature, &mut signature)?;
        let payload =
            String::from_utf8(decode(parts.payload)?).map_err(|_| Reason::Claims(InvalidClaims::Syntax))?;
        let mut reader = Reader::new(&payload);
        let (registered, plausible) = match reader.read(|claims| self.glance(&header, claims, at, due)) {
            Ok(read) => read,
            Err(Unread::Invalid(why)) => return Err(Reason::Claims(why).into()),
            Err(Unread::Refused(implausible)) => return Err(implausible.refusal(payload)),
        };
        if let Err(reason) = plausible.check_signature(&header, &registered, parts.signed, signature) {
            return Err(Implausible::from(reason).refusal(payload));
        }
        // Duplicate names of other claims are looked for only in a signed payload, since that takes an
        // allocation.
        let index = reader.index().map_err(Reason::Claims)?;
        let claims = Claims::of(payload, index);
        match plausible.prove(&claims, parts.signed) {
            Ok(proof) => {
                if !is_known {
                    // Only verified tokens fill the cache, so strangers can't.
                    self.0.headers.learn(parts.header, &header);
                }
                Ok(Verified::assertion(claims, proof))
            }
            Err(reason) => Err(Refusal {
                error: VerifyError::of_claims(reason, claims.into_json(), true),
                missing: None,
            }),
        }
    }

    /// The checks before the signature, as soon as the registered claims are read.
    fn glance(
        &self,
        header: &Header<'_>,
        claims: &Registered<'_>,
        at: Option<Timestamp>,
        due: Due,
    ) -> Result<Plausible<'_>, Implausible<'_>> {
        let issuer = claims.iss.as_ref().and_then(ClaimValue::as_text).ok_or(Reason::Issuer)?;
        let trusted = self.0.issuers.get(&*issuer).ok_or(Reason::Issuer)?;
        if !trusted.provider.profile().algorithms.contains(&header.algorithm) {
            return Err(Reason::Algorithm.into());
        }
        // Read before the keys, so that a fetch that ends in between counts as newer than them.
        let generation = trusted.keys.generation();
        let missing = |is_due| Some(Missing { trusted, generation, is_due });
        let keys = match trusted.keys.current(&self.0.key_policy) {
            Some(keys) if keys.get(&header.kid, header.algorithm).is_some() => keys,
            keys => {
                return Err(Implausible {
                    reason: without_key(header, keys.as_ref()),
                    missing: missing(false),
                });
            }
        };
        let (moment, (issued_at, expires_at)) = self.check_use(trusted, claims, at)?;
        if keys.is_due && self.is_awaited(due, trusted) {
            return Err(Implausible { reason: Reason::UnknownKey, missing: missing(true) });
        }
        Ok(Plausible { trusted, keys, moment, issued_at, expires_at })
    }

    /// Returns `true` if the token waits for the refresh of keys that are due: by the policy, or where nothing runs in
    /// the background. Otherwise begins the refresh there.
    fn is_awaited(&self, due: Due, trusted: &Trusted) -> bool {
        if matches!(due, Due::Awaited) && (self.0.key_policy.is_before_use() || !has_background()) {
            return trusted.keys.can_refresh();
        }
        trusted.keys.refresh_in_background();
        false
    }

    /// Checks audience, `exp`, `iat` and lifetime. Returns the moment of the check, and the token's `iat` and
    /// `exp`.
    pub(super) fn check_use(
        &self,
        trusted: &Trusted,
        claims: &Registered<'_>,
        at: Option<Timestamp>,
    ) -> Result<(Moment, (Timestamp, Timestamp)), Reason> {
        trusted.fixed_audience.as_ref().unwrap_or(&self.0.audiences).check(claims.aud.as_ref())?;
        let now = at.unwrap_or_else(|| self.0.cx.clock().now());
        let moment = Moment { now, leeway: self.0.leeway };
        Ok((moment, claims::times(claims, moment, trusted.max_lifetime)?))
    }
}

/// The reason to refuse a token whose key is not among the issuer's usable keys.
fn without_key(header: &Header<'_>, keys: Option<&Current>) -> Reason {
    if keys.is_some_and(|keys| keys.is_duplicate(&header.kid, header.algorithm)) {
        return Reason::DuplicateKey { kid: header.kid.clone().into_owned() };
    }
    Reason::UnknownKey
}

/// A token that passed all checks that need neither its signature nor the rest of its claims.
struct Plausible<'v> {
    trusted: &'v Trusted,
    /// The issuer's keys, which contain the token's key.
    keys: Current,
    moment: Moment,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

impl Plausible<'_> {
    /// Checks `nbf`, the last reason to refuse the token without its signature, and then the signature.
    fn check_signature(
        &self,
        header: &Header<'_>,
        claims: &Registered<'_>,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), Reason> {
        claims::not_before(claims, self.moment)?;
        let key = self.keys.get(&header.kid, header.algorithm);
        let holds = key.is_some_and(|key| key.verify(signed, signature));
        if holds { Ok(()) } else { Err(Reason::Signature) }
    }

    /// Checks the claims that the platform's tokens must have, after the signature.
    fn prove(&self, claims: &Claims, signed: &[u8]) -> Result<Proof, Reason> {
        let Self {
            trusted: Trusted { provider, issuer, required, .. }, moment, issued_at, expires_at, ..
        } = self;
        required.iter().try_for_each(|rule| claims::check(rule, claims))?;
        let replay = claims::replay_id(provider.profile().replay, claims, signed)?;
        let accepted_until = expires_at.plus(moment.leeway);
        let issuer = Arc::clone(issuer);
        let (issued_at, expires_at) = (*issued_at, *expires_at);
        Ok(Proof { provider: provider.id(), issuer, issued_at, expires_at, accepted_until, replay })
    }
}

/// The way with keys that are due for a refresh.
#[derive(Clone, Copy)]
pub(super) enum Due {
    /// The token may wait for the refresh.
    Awaited,
    /// They are used.
    Used,
}

/// The reason to refuse an unverified token, and the issuer whose keys may be too old to decide.
struct Implausible<'v> {
    reason: Reason,
    missing: Option<Missing<'v>>,
}

/// An issuer whose known keys lack the token's key or are due for a refresh, and the generation of those keys.
pub(super) struct Missing<'v> {
    trusted: &'v Trusted,
    generation: u64,
    is_due: bool,
}

impl<'v> Implausible<'v> {
    fn refusal(self, payload: String) -> Refusal<'v> {
        Refusal { error: VerifyError::of_claims(self.reason, payload, false), missing: self.missing }
    }
}

impl From<Reason> for Implausible<'_> {
    fn from(reason: Reason) -> Self {
        Self { reason, missing: None }
    }
}

/// A refused token, with the issuer whose keys may be too old to decide.
pub(super) struct Refusal<'v> {
    pub(super) error: VerifyError,
    pub(super) missing: Option<Missing<'v>>,
}

impl From<Reason> for Refusal<'_> {
    fn from(reason: Reason) -> Self {
        Self { error: VerifyError::new(reason), missing: None }
    }
}

/// The key that a token's header names.
fn wanted(token: &str) -> Option<Wanted> {
    let parts = Compact::parse(token).ok()?;
    let mut header = buffer::<MAX_HEADER_BYTES>();
    let header = Header::parse(decode_into(parts.header, &mut header).ok()?).ok()?;
    Some(Wanted { algorithm: header.algorithm, kid: header.kid.into_owned() })
}
