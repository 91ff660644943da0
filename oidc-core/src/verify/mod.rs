//! The verifier: it turns a token from outside into [`Verified`] claims, or into a typed reason for refusing it. A
//! service that only checks tokens puts a [`Gate`] before it, which admits the jobs that the service names.
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
mod check;
mod claims;
mod error;
mod fetch;
mod gate;
mod headers;
mod invalid;
mod jwks;
mod key_policy;
mod roca;
mod status;
#[cfg(test)]
mod tests;
mod times;
mod token;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use self::audience::Audiences;
use self::backend::Backend;
use self::cache::KeyCache;
use self::check::Due;
pub use self::error::{KeyFault, Reason, VerifyError};
pub use self::gate::{Gate, GateError, InvalidGate};
use self::headers::KnownHeaders;
pub use self::invalid::InvalidVerifier;
pub use self::key_policy::KeyPolicy;
pub use self::status::KeyStatus;
pub use self::times::{
    COOL_DOWN, MAX_AGE, MAX_BACK_OFF, MAX_REFRESH_AFTER, MIN_REFRESH_AFTER, REFRESH_AFTER,
};

use crate::bounds::OutOfBounds;
use crate::claims::Claims;
use crate::context::Context;
use crate::proof::Verified;
use crate::provider::{ClaimRule, Issuer, Provider, ProviderSet};
use crate::text::shown;
use crate::time::{LEEWAY, Timestamp};
use crate::token::Audience;

/// The longest leeway that a verifier can have.
pub const MAX_LEEWAY: Duration = Duration::from_secs(5 * 60);

/// Verifies identity tokens of the configured issuers for certain audiences. Whether a verified job may do anything is decided by
/// a [`Publisher`](crate::Publisher), or by a [`Gate`] of several.
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
/// [`Verifier::with_key_policy`] changes the first two, and can have tokens wait for keys that are due.
///
/// Keys are fetched by tokio tasks. Outside of a tokio runtime, which may be missing on wasm32, nothing runs in the
/// background: a token that lacks its key, or finds its issuer's keys due, fetches them itself. Dropping the
/// caller's future then ends the fetch, which counts as failed.
#[derive(Clone, Debug)]
pub struct Verifier(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    audiences: Audiences,
    issuers: Arc<BTreeMap<Arc<str>, Trusted>>,
    headers: Arc<KnownHeaders>,
    leeway: Duration,
    key_policy: KeyPolicy,
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

impl Trusted {
    fn new(
        provider: &Arc<dyn Provider>,
        issuer: &Issuer,
        backend: &Arc<dyn Backend>,
        cx: &Context,
    ) -> Result<Self, InvalidVerifier> {
        let profile = provider.profile();
        let url = || shown(issuer.url()).to_string();
        let keys = KeyCache::new(issuer.clone(), profile.algorithms, Arc::clone(backend), cx.clone());
        let required = claims::required(profile, issuer).map_err(|claim| InvalidVerifier::UnknownClaim {
            issuer: url(),
            claim: shown(&claim).to_string(),
        })?;
        Ok(Self {
            provider: Arc::clone(provider),
            issuer: Arc::clone(issuer.url()),
            max_lifetime: issuer.max_lifetime.unwrap_or(profile.max_lifetime),
            fixed_audience: issuer
                .fixed_audience
                .clone()
                .map(|audience| Audiences::Constant([audience].into())),
            required,
            keys: Arc::new(keys.map_err(|_| InvalidVerifier::Keys(url()))?),
        })
    }
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
                let trusted = Trusted::new(provider, &providers.configured(issuer), &backend, cx)?;
                let url = Arc::clone(&trusted.issuer);
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
        let (leeway, key_policy, cx) = (LEEWAY, KeyPolicy::default(), cx.clone());
        Ok(Self(Arc::new(Inner { audiences, issuers, headers, leeway, key_policy, cx })))
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
        let leeway = OutOfBounds::time("leeway", leeway, Duration::ZERO, MAX_LEEWAY)?;
        Ok(Self(Arc::new(Inner { leeway, ..Inner::clone(&self.0) })))
    }

    /// A verifier with the issuers and keys of this one that fetches the keys again, and stops using them, at other
    /// ages.
    #[must_use]
    pub fn with_key_policy(&self, key_policy: KeyPolicy) -> Self {
        Self(Arc::new(Inner { key_policy, ..Inner::clone(&self.0) }))
    }

    /// Verifies a token in compact form. Fetches the issuer's keys if the token's key is not among the known
    /// ones, limited by [`COOL_DOWN`] for all callers together.
    ///
    /// # Errors
    ///
    /// With the first check that fails. Where the key is not available now, with [`Reason::KeysUnavailable`],
    /// unless the token would be refused with any key for its audience, `exp`, `iat` or lifetime.
    ///
    /// A service answers [`Reason::KeysUnavailable`] with 503 and its `retry_after` as `Retry-After`, since the token may be good and
    /// can be presented again. Every other reason lies in the token, and is answered with 401 or the status of the service's protocol.
    ///
    /// ```
    /// use oidc_core::verify::{Reason, VerifyError};
    ///
    /// fn status(error: &VerifyError) -> u16 {
    ///     match error.reason() {
    ///         Reason::KeysUnavailable { .. } => 503,
    ///         _ => 401,
    ///     }
    /// }
    /// ```
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

    /// Verifies a token with the known keys, without waiting.
    ///
    /// # Errors
    ///
    /// With the first check that fails; also with [`Reason::UnknownKey`] where no keys were fetched yet.
    pub fn verify_cached(&self, token: &str) -> Result<Verified<Claims>, VerifyError> {
        self.check(token, None, Due::Used).map_err(|refusal| refusal.error)
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
            keys.map(|keys| Box::pin(keys.refresh(keys.generation(), true, || None))).collect();
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

    /// The platforms whose tokens may be accepted.
    fn platforms(&self) -> ProviderSet {
        self.0.issuers.values().map(|trusted| Arc::clone(&trusted.provider)).collect()
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
}
