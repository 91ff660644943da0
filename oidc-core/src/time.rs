use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The difference that is tolerated between the clocks of an issuer and of a registry. It widens `exp`, `nbf`
/// and `iat` alike, and replay records are kept this much longer than `exp`. Both use one constant, since a
/// record that ended before the acceptance window ends would allow a replay.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// A point in time: whole seconds since 1970-01-01T00:00:00Z, as JWT's `NumericDate` (RFC 7519, section 2). It is
/// serialized as that number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last second of the year 9999. Later times are not plausible and are refused when parsed.
    pub const MAX: Self = Self(253_402_300_799);

    /// A point in time, in whole seconds since the epoch, at most [`Timestamp::MAX`].
    pub const fn from_secs(seconds: u64) -> Self {
        if seconds > Self::MAX.0 { Self::MAX } else { Self(seconds) }
    }

    /// Returns the whole seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// Returns the whole seconds since the epoch as a signed number, for databases and date libraries.
    pub const fn as_signed_secs(self) -> i64 {
        self.0.cast_signed()
    }

    /// Returns this point in time plus `duration`, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self::from_secs(self.0.saturating_add(duration.as_secs()))
    }

    /// Returns this point in time minus `duration`, at least the epoch.
    #[must_use]
    pub const fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }

    /// Returns the time from `earlier` to this point; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self::from_secs)
    }
}

impl fmt::Display for Timestamp {
    /// Writes the time in UTC in the form of RFC 3339: `2023-11-14T22:13:20Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        jiff::Timestamp::from_second(self.as_signed_secs()).unwrap_or(jiff::Timestamp::MAX).fmt(f)
    }
}

/// A length of time in words, in the unit that fits best: `40 seconds`, `5 minutes`, `3 days`.
///
/// ```
/// # use std::time::Duration;
/// assert_eq!(oidc_core::in_words(Duration::from_secs(250)).to_string(), "4 minutes");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct InWords(Duration);

/// Shows a length of time to a person; see [`InWords`].
pub fn in_words(duration: Duration) -> InWords {
    InWords(duration)
}

impl fmt::Display for InWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (unit, name) = match seconds {
            0..120 => (1, "second"),
            120..7200 => (60, "minute"),
            7200..172_800 => (3600, "hour"),
            _ => (86_400, "day"),
        };
        let number = seconds / unit;
        write!(f, "{number} {name}{}", if number == 1 { "" } else { "s" })
    }
}

/// The clock and the timer, as a value that is passed in.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the time of day, which may be set back or forward.
    fn now(&self) -> Timestamp;

    /// Returns the time since some fixed point, which never goes back. For ages and cool-downs.
    fn monotonic(&self) -> Duration;

    /// Returns after `duration`. For back-off.
    ///
    /// `async fn sleep(&self, duration: Duration)`
    async fn sleep(&self, duration: Duration);

    /// Returns `false` for a clock whose [`Clock::sleep`] returns at once although no time passed. With such
    /// a clock nothing is tried again, since the tries would follow each other without a pause.
    fn has_timer(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_as_a_person_and_a_program_read_it() {
        assert_eq!(Timestamp::from_secs(1_700_000_000).to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(Timestamp::default().to_string(), "1970-01-01T00:00:00Z");
        assert!(Timestamp::MAX.to_string().starts_with("9999-12-30T22:00:00"));
    }

    #[test]
    fn a_length_of_time_is_told_in_one_unit() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (7_199, "119 minutes"),
            (7_200, "2 hours"),
            (172_799, "47 hours"),
            (172_800, "2 days"),
            (u64::MAX, "213503982334601 days"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)).to_string(), words);
        }
    }
}
