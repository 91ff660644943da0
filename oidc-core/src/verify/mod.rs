//! The registry's verifier: it turns a token from outside into [`Verified`] claims, or into a typed reason
//! for refusing it.
//!
//! The checks run from cheap to expensive: size, shape, header, issuer and its algorithms, key, audience,
//! times and lifetime, `nbf`, signature, claims. The claims that every token has are checked as soon as they
//! are read; if they are refused, the rest of the token is not read.
//!
//! Unverified content can only cause a refusal. There is no switch that turns verification off: algorithms
//! come from the platform's profile, `kid` is required, `crit` is refused, and keys that a token names are
//! never followed.

mod audience;
pub mod backend;
mod cache;
mod claims;
mod error;
mod fetch;
mod headers;
mod jwks;
mod roca;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use self::audience::Audiences;
use self::backend::Backend;
pub use self::cache::{
    COOL_DOWN, KeyStatus, MAX_AGE, MAX_BACK_OFF, MAX_REFRESH_AFTER, MIN_REFRESH_AFTER, REFRESH_AFTER,
};
use self::cache::{Current, KeyCache, Wanted};
use self::claims::Moment;
pub use self::error::{KeyFault, Reason, VerifyError};
use self::headers::KnownHeaders;
use self::token::{Compact, Header, MAX_HEADER_BYTES, MAX_SIGNATURE_BYTES, buffer, decode, decode_into};
use crate::claims::{ClaimValue, Claims, InvalidClaims, Reader, Registered, Unread};
use crate::context::Context;
use crate::provider::{ClaimRule, Provider, ProviderSet};
use crate::text::shown;
use crate::time::{LEEWAY, Timestamp, in_words};
use crate::token::Audience;
use crate::trust::{Proof, Verified};

/// The longest leeway that a verifier can have.
pub const MAX_LEEWAY: Duration = Duration::from_secs(5 * 60);

/// Verifies identity tokens of the configured issuers for the registry's audiences.
///
/// Cloning is cheap, and clones share their keys. With a cached key, verification neither waits nor locks.
///
/// | an issuer's keys | time |
/// |---|---|
/// | are fetched again in the background | 10 minutes after the last fetch ([`REFRESH_AFTER`]), or after the issuer's `max-age`, within 1 minute and 1 hour |
/// | are used no more, even where the issuer can't be reached | 4 hours after the last fetch ([`MAX_AGE`]) |
/// | are fetched at once | for a key that is not among them, once in 30 seconds ([`COOL_DOWN`]) for all callers together |
/// | are not fetched | for 30 seconds after a failure, twice as long after each further one, up to 8 minutes ([`MAX_BACK_OFF`]) |
/// | are forgotten | when [`Verifier::forget_keys`] is called |
///
/// Keys are fetched by tokio tasks. Outside of a tokio runtime, which may be missing on wasm32, a token that
/// lacks its key fetches the keys itself. Then known keys are not refreshed until they are [`MAX_AGE`] old or
/// an unknown key is asked for, and dropping the caller's future ends the fetch, which counts as failed.
#[derive(Clone, Debug)]
pub struct Verifier(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    audiences: Audiences,
    issuers: Arc<BTreeMap<Arc<str>, Trusted>>,
    headers: Arc<KnownHeaders>,
    leeway: Duration,
    cx: Context,
}

/// An issuer that tokens may come from.
#[derive(Debug)]
struct Trusted {
    provider: Arc<dyn Provider>,
    issuer: Arc<str>,
    max_lifetime: Duration,
    /// The audience that takes the place of the registry's own, where the platform fixes it.
    fixed_audience: Option<Audiences>,
    /// The platform's claim rules that no other check covers.
    required: Vec<ClaimRule>,
    keys: Arc<KeyCache>,
}

impl Verifier {
    /// A verifier for tokens that are from the providers' issuers and for one of `audiences` alone.
    ///
    /// `backend` verifies the signatures: `backend::AwsLc`, or `backend::RustCrypto` where there is no C
    /// compiler. Keys are fetched through the context, when they are first needed or by
    /// [`Verifier::warm_up`].
    ///
    /// # Errors
    ///
    /// When there is no audience or no issuer, two providers have the same issuer, there are settings for an
    /// issuer that no provider has or for claims that its platform does not have, or configured keys are
    /// unusable.
    pub fn new(
        backend: impl Backend + 'static,
        audiences: impl IntoIterator<Item = Audience>,
        providers: &ProviderSet,
        cx: &Context,
    ) -> Result<Self, InvalidVerifier> {
        let backend: Arc<dyn Backend> = Arc::new(backend);
        let audiences: Arc<[Audience]> = audiences.into_iter().collect();
        let mut issuers = BTreeMap::new();
        for provider in providers.iter() {
            for issuer in &provider.profile().issuers {
                let issuer = providers.configured(issuer);
                let url = Arc::clone(issuer.url());
                let unusable = |_| InvalidVerifier::Keys(shown(&url).to_string());
                let algorithms = provider.profile().algorithms;
                let keys = KeyCache::new(issuer.clone(), algorithms, Arc::clone(&backend), cx.clone());
                let required = claims::required(provider.profile(), &issuer).map_err(|claim| {
                    InvalidVerifier::UnknownClaim {
                        issuer: shown(&url).to_string(),
                        claim: shown(&claim).to_string(),
                    }
                })?;
                let trusted = Trusted {
                    provider: Arc::clone(provider),
                    issuer: Arc::clone(&url),
                    max_lifetime: issuer.max_lifetime.unwrap_or(provider.profile().max_lifetime),
                    fixed_audience: issuer
                        .fixed_audience
                        .map(|audience| Audiences::Constant([audience].into())),
                    required,
                    keys: Arc::new(keys.map_err(unusable)?),
                };
                if issuers.insert(Arc::clone(&url), trusted).is_some() {
                    return Err(InvalidVerifier::TwoProviders(shown(&url).to_string()));
                }
            }
        }
        if let Some(issuer) = providers.without_platform() {
            return Err(InvalidVerifier::NoPlatform(shown(issuer.url()).to_string()));
        }
        if audiences.is_empty() {
            return Err(InvalidVerifier::NoAudience);
        }
        if issuers.is_empty() {
            return Err(InvalidVerifier::NoIssuer);
        }
        let (issuers, headers) = (Arc::new(issuers), Arc::default());
        let audiences = Audiences::Constant(audiences);
        Ok(Self(Arc::new(Inner { audiences, issuers, headers, leeway: LEEWAY, cx: cx.clone() })))
    }

    /// A verifier for other audiences with the issuers and keys of this one. Where one host serves several
    /// registries, a token for one registry is then refused by the others, and keys are fetched once.
    ///
    /// # Errors
    ///
    /// When there is no audience.
    pub fn for_audiences(
        &self,
        audiences: impl IntoIterator<Item = Audience>,
    ) -> Result<Self, InvalidVerifier> {
        let audiences: Arc<[Audience]> = audiences.into_iter().collect();
        if audiences.is_empty() {
            return Err(InvalidVerifier::NoAudience);
        }
        Ok(Self(Arc::new(Inner { audiences: Audiences::Constant(audiences), ..Inner::clone(&self.0) })))
    }

    /// A verifier with the issuers and keys of this one for audiences that are not constants, such as an
    /// audience that contains a permission or the hash of an upload. `accepts` gets the token's only audience
    /// before the signature is checked, so it must only compare. `expected` describes the accepted audiences
    /// in a refusal's message.
    ///
    /// A token with no audience or with several is refused before `accepts` is called, so no rule can accept
    /// every token by mistake.
    ///
    /// ```
    /// # use oidc_core::verify::Verifier;
    /// # fn example(verifier: &Verifier) -> Verifier {
    /// verifier.for_audience_rule("`pkg:NAME` for a package of this registry", |audience| {
    ///     audience.strip_prefix("pkg:").is_some_and(|name| !name.is_empty())
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn for_audience_rule(
        &self,
        expected: impl Into<String>,
        accepts: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let audiences = Audiences::rule(expected.into(), accepts);
        Self(Arc::new(Inner { audiences, ..Inner::clone(&self.0) }))
    }

    /// A verifier with the issuers and keys of this one that tolerates a difference of `leeway` between its
    /// clock and a platform's, instead of [`LEEWAY`]: a token is accepted this much before `iat` and `nbf`
    /// and after `exp`. [`Verified::accepted_until`], until which the token's use is recorded, changes with
    /// it.
    ///
    /// # Errors
    ///
    /// When `leeway` is longer than [`MAX_LEEWAY`].
    pub fn with_leeway(&self, leeway: Duration) -> Result<Self, InvalidVerifier> {
        if leeway > MAX_LEEWAY {
            return Err(InvalidVerifier::Leeway(leeway));
        }
        Ok(Self(Arc::new(Inner { leeway, ..Inner::clone(&self.0) })))
    }

    /// Verifies a token in compact form. Fetches the issuer's keys if the token's key is not among the known
    /// ones, limited by [`COOL_DOWN`] for all callers together.
    ///
    /// # Errors
    ///
    /// With the first check that fails. Where the key is not available now, with [`Reason::KeysUnavailable`],
    /// unless the token would be refused with any key for its audience, `exp`, `iat` or lifetime.
    pub async fn verify(&self, token: &str) -> Result<Verified<Claims>, VerifyError> {
        self.verify_with(token, None).await
    }

    /// Verifies a token as [`Verifier::verify`] does, at a time that the caller chooses: for a token that was
    /// presented earlier, and for tests with recorded tokens. Keys still age by the clock.
    ///
    /// # Errors
    ///
    /// As those of [`Verifier::verify`].
    pub async fn verify_at(&self, token: &str, at: Timestamp) -> Result<Verified<Claims>, VerifyError> {
        self.verify_with(token, Some(at)).await
    }

    async fn verify_with(&self, token: &str, at: Option<Timestamp>) -> Result<Verified<Claims>, VerifyError> {
        let (missing, error) = match self.check(token, at) {
            Ok(verified) => return Ok(verified),
            Err(Refusal { error, missing: Some(missing) }) => (missing, error),
            Err(Refusal { error, .. }) => return Err(error),
        };
        let keys = &missing.trusted.keys;
        keys.refresh(missing.generation, || wanted(token)).await;
        // There are new keys, fetched for this token or for another: the token is checked once more, and not
        // again after that.
        if keys.generation() != missing.generation {
            return self.check(token, at).map_err(|refusal| refusal.error);
        }
        let Some(fault) = keys.fault() else { return Err(error) };
        // Asking the caller to try again is pointless if the token is refused with any key.
        let claims = error.claims().map(|claims| Registered::of(claims.read_unverified()));
        let permanent = claims.and_then(|claims| self.check_use(missing.trusted, &claims, at).err());
        let unavailable = || Reason::KeysUnavailable { retry_after: keys.retry_after(), fault };
        Err(error.because(permanent.unwrap_or_else(unavailable)))
    }

    /// Verifies a token with the known keys, without waiting.
    ///
    /// # Errors
    ///
    /// With the first check that fails; also with [`Reason::UnknownKey`] where no keys were fetched yet.
    pub fn verify_cached(&self, token: &str) -> Result<Verified<Claims>, VerifyError> {
        self.check(token, None).map_err(|refusal| refusal.error)
    }

    /// Drops the fetched keys of an issuer, by its exact URL, so that a key that the issuer withdrew is
    /// refused at once and not only after [`MAX_AGE`]. The next token fetches the keys again. Configured keys
    /// stay. Returns `false` if the issuer is not configured.
    pub fn forget_keys(&self, issuer: &str) -> bool {
        let trusted = self.0.issuers.get(issuer);
        if let Some(trusted) = trusted {
            trusted.keys.forget();
        }
        trusted.is_some()
    }

    /// Fetches the keys of all issuers at the same time. Failures are logged and leave the verifier usable:
    /// the next token tries again.
    pub async fn warm_up(&self) {
        let keys = self.0.issuers.values().map(|trusted| &trusted.keys);
        let mut refreshes: Vec<_> =
            keys.map(|keys| Box::pin(keys.refresh(keys.generation(), || None))).collect();
        std::future::poll_fn(|cx| {
            refreshes.retain_mut(|refresh| refresh.as_mut().poll(cx).is_pending());
            if refreshes.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Returns the state of each issuer's keys, for metrics.
    pub fn key_status(&self) -> Vec<KeyStatus> {
        self.0.issuers.values().map(|trusted| trusted.keys.status()).collect()
    }

    /// Returns the platform that made this token.
    pub fn provider_of(&self, verified: &Verified<Claims>) -> Option<&Arc<dyn Provider>> {
        self.0.issuers.get(verified.issuer()).map(|trusted| &trusted.provider)
    }

    /// Returns the context that the verifier was made with.
    pub fn context(&self) -> &Context {
        &self.0.cx
    }

    /// Returns the audiences that a token may be for; none where a rule decides
    /// ([`Verifier::for_audience_rule`]).
    pub fn audiences(&self) -> &[Audience] {
        self.0.audiences.constants()
    }

    fn check(&self, token: &str, at: Option<Timestamp>) -> Result<Verified<Claims>, Refusal<'_>> {
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
        let (registered, plausible) = match reader.read(|claims| self.glance(&header, claims, at)) {
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
    ) -> Result<Plausible<'_>, Implausible<'_>> {
        let issuer = claims.iss.as_ref().and_then(ClaimValue::as_text).ok_or(Reason::Issuer)?;
        let trusted = self.0.issuers.get(&*issuer).ok_or(Reason::Issuer)?;
        if !trusted.provider.profile().algorithms.contains(&header.algorithm) {
            return Err(Reason::Algorithm.into());
        }
        // Read before the keys, so that a fetch that ends in between counts as newer than them.
        let generation = trusted.keys.generation();
        let keys = trusted.keys.current();
        let Some(keys) = keys.filter(|keys| keys.get(&header.kid, header.algorithm).is_some()) else {
            return Err(Implausible {
                reason: Reason::UnknownKey,
                missing: Some(Missing { trusted, generation }),
            });
        };
        let (moment, (issued_at, expires_at)) = self.check_use(trusted, claims, at)?;
        Ok(Plausible { trusted, keys, moment, issued_at, expires_at })
    }

    /// Checks audience, `exp`, `iat` and lifetime. Returns the moment of the check, and the token's `iat` and
    /// `exp`.
    fn check_use(
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

/// The reason to refuse an unverified token, and the issuer whose keys may be too old to decide.
struct Implausible<'v> {
    reason: Reason,
    missing: Option<Missing<'v>>,
}

/// An issuer whose known keys lack the token's key, and the generation of those keys.
struct Missing<'v> {
    trusted: &'v Trusted,
    generation: u64,
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

struct Refusal<'v> {
    error: VerifyError,
    missing: Option<Missing<'v>>,
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

/// An error of making a verifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidVerifier {
    /// No audience, with which every token would be for somebody else.
    #[error("a verifier needs at least one audience")]
    NoAudience,
    /// No issuer, with which no token could be accepted.
    #[error("a verifier needs at least one issuer")]
    NoIssuer,
    /// Two providers for one issuer.
    #[error("the issuer `{0}` is configured twice")]
    TwoProviders(String),
    /// Settings for an issuer that no platform has.
    #[error(
        "there are settings for the issuer `{0}`, which no configured platform has: compare its URL byte by byte"
    )]
    NoPlatform(String),
    /// A required claim that the issuer's platform is not known to have.
    #[error("claim `{claim}` is required of the issuer `{issuer}`, whose platform is not known to have it")]
    UnknownClaim {
        /// The issuer.
        issuer: String,
        /// The claim.
        claim: String,
    },
    /// The leeway is longer than [`MAX_LEEWAY`].
    #[error("a leeway of {} is too long: expected {} at most", in_words(*.0), in_words(MAX_LEEWAY))]
    Leeway(Duration),
    /// The configured keys of an issuer are not a JWK set with a key for one of its platform's algorithms.
    #[error(
        "the keys configured for the issuer `{0}` hold no usable key: expected a JWK set with one for its platform's algorithm"
    )]
    Keys(String),
}
