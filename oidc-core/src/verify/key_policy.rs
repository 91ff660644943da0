//! The ages at which an issuer's keys are fetched again, and at which they are no longer used.

use std::time::Duration;

use super::times::{MAX_AGE, MAX_REFRESH_AFTER, MIN_REFRESH_AFTER, REFRESH_AFTER};
use crate::bounds::OutOfBounds;

/// The ages at which a verifier fetches an issuer's keys again and stops using them, for
/// [`Verifier::with_key_policy`](super::Verifier::with_key_policy).
///
/// ```
/// use std::time::Duration;
///
/// use oidc_core::OutOfBounds;
/// use oidc_core::verify::{KeyPolicy, Verifier};
///
/// # fn example(verifier: &Verifier) -> Result<Verifier, OutOfBounds> {
/// // In a function whose process is frozen between its requests: a withdrawn key is accepted for one hour at most.
/// let policy = KeyPolicy::default().with_refresh_before_use().with_max_age(Duration::from_secs(3600))?;
/// Ok(verifier.with_key_policy(policy))
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPolicy {
    refresh_after: Duration,
    longest_refresh_after: Duration,
    max_age: Duration,
    is_before_use: bool,
}

impl Default for KeyPolicy {
    /// In the background, after [`REFRESH_AFTER`] or the issuer's `max-age` up to [`MAX_REFRESH_AFTER`]; used up to
    /// [`MAX_AGE`].
    fn default() -> Self {
        Self {
            refresh_after: REFRESH_AFTER,
            longest_refresh_after: MAX_REFRESH_AFTER,
            max_age: MAX_AGE,
            is_before_use: false,
        }
    }
}

impl KeyPolicy {
    /// Replaces the age at which keys are fetched again: `default` where the issuer's `Cache-Control` says nothing, and
    /// at most `longest`, whatever it says.
    ///
    /// # Errors
    ///
    /// When `longest` is not between [`MIN_REFRESH_AFTER`] and [`MAX_REFRESH_AFTER`], or `default` not between
    /// [`MIN_REFRESH_AFTER`] and `longest`.
    pub fn with_refresh_after(self, default: Duration, longest: Duration) -> Result<Self, OutOfBounds> {
        let least = MIN_REFRESH_AFTER;
        let longest_refresh_after =
            OutOfBounds::time("longest age before a refresh of keys", longest, least, MAX_REFRESH_AFTER)?;
        let refresh_after = OutOfBounds::time("age before a refresh of keys", default, least, longest)?;
        Ok(Self { refresh_after, longest_refresh_after, ..self })
    }

    /// Replaces the age at which keys are no longer used, even where the issuer can't be reached: the longest time for
    /// which a withdrawn key is accepted.
    ///
    /// # Errors
    ///
    /// When it is not between [`MIN_REFRESH_AFTER`] and [`MAX_AGE`].
    pub fn with_max_age(self, max_age: Duration) -> Result<Self, OutOfBounds> {
        let max_age = OutOfBounds::time("greatest age of keys", max_age, MIN_REFRESH_AFTER, MAX_AGE)?;
        Ok(Self { max_age, ..self })
    }

    /// Makes a token whose issuer's keys are due for a refresh wait for the new keys, instead of refreshing them in
    /// the background. For processes that are frozen between requests, whose background tasks get no time, and for
    /// services in which no token may be accepted by keys that are due. Where the refresh fails, the old keys are
    /// used until their greatest age, and further tokens do not wait for [`COOL_DOWN`](super::COOL_DOWN) and its
    /// multiples.
    #[must_use]
    pub fn with_refresh_before_use(mut self) -> Self {
        self.is_before_use = true;
        self
    }

    /// Returns the age at which keys are fetched again where the issuer's `Cache-Control` says nothing.
    pub const fn refresh_after(&self) -> Duration {
        self.refresh_after
    }

    /// Returns the greatest age at which keys are fetched again.
    pub const fn longest_refresh_after(&self) -> Duration {
        self.longest_refresh_after
    }

    /// Returns the age at which keys are no longer used.
    pub const fn max_age(&self) -> Duration {
        self.max_age
    }

    /// Returns `true` if tokens wait for the refresh of keys that are due.
    pub const fn is_before_use(&self) -> bool {
        self.is_before_use
    }

    /// The age at which keys are fetched again that came with this `max-age`.
    pub(super) fn refresh_age(&self, max_age: Option<Duration>) -> Duration {
        max_age.map_or(self.refresh_after, |age| age.clamp(MIN_REFRESH_AFTER, self.longest_refresh_after))
    }
}
