use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

/// How far the clocks of an issuer and of a registry may differ. It widens `exp`, `nbf` and `iat` alike, and
/// replay records are kept this much longer than `exp`: one constant for both, since a record that ends
/// before the acceptance window does is a window for replay.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// A point in time: whole seconds since 1970-01-01T00:00:00Z, as JWT's `NumericDate` (RFC 7519, section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last second of the year 9999. Later times are not plausible and are refused when parsed.
    pub const MAX: Self = Self(253_402_300_799);

    /// A point in time from whole seconds since the epoch, at most [`Timestamp::MAX`].
    pub const fn from_secs(seconds: u64) -> Self {
        if seconds > Self::MAX.0 { Self::MAX } else { Self(seconds) }
    }

    /// Whole seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// The same as a signed number, as databases and date libraries want it.
    pub const fn as_signed_secs(self) -> i64 {
        self.0.cast_signed()
    }

    /// This point in time plus `duration`, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self::from_secs(self.0.saturating_add(duration.as_secs()))
    }

    /// This point in time minus `duration`, at least the epoch.
    #[must_use]
    pub const fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Timestamp {
    /// Writes the whole seconds since the epoch.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The clock and the timer, as a value that is passed in.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time of day, which may be set back or forth.
    fn now(&self) -> Timestamp;

    /// Time since some fixed point, which never goes back. For ages and cool-downs.
    fn monotonic(&self) -> Duration;

    /// Returns after `duration`. For back-off.
    async fn sleep(&self, duration: Duration);
}
