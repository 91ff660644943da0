//! The times of the key cache.

use std::time::Duration;

/// The age at which keys are fetched again in the background while they stay in use. The issuer's
/// `Cache-Control` may set another age between [`MIN_REFRESH_AFTER`] and [`MAX_REFRESH_AFTER`].
pub const REFRESH_AFTER: Duration = Duration::from_secs(10 * 60);
/// The least time between two fetches in the background, whatever the issuer's `max-age` is.
pub const MIN_REFRESH_AFTER: Duration = Duration::from_secs(60);
/// The longest time until keys are fetched again in the background, whatever the issuer's `max-age` is.
pub const MAX_REFRESH_AFTER: Duration = Duration::from_secs(3600);
/// The age at which keys are no longer used, even if their issuer can't be reached. It bounds the time for
/// which a withdrawn key is accepted.
pub const MAX_AGE: Duration = Duration::from_secs(4 * 3600);
/// The time without another fetch after a fetch that failed, or that did not find the key that a token asked for. It
/// also applies after a fetch that found the key, if another fetch within this time before had found one: keys may
/// change twice in a row, but not with every token. Strangers can make a registry ask an issuer at most twice in this
/// time.
pub const COOL_DOWN: Duration = Duration::from_secs(30);
/// The longest time between two fetches while an issuer is down. The time doubles with each failure.
pub const MAX_BACK_OFF: Duration = Duration::from_secs(8 * 60);
