use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::time::{Clock, Timestamp};

/// A clock that stands still until it is moved. Sleeping moves it and returns at once. Clones share the time.
///
/// ```
/// use oidc_core::Clock as _;
/// use oidc_core::testing::ManualClock;
/// use std::time::Duration;
///
/// let clock = ManualClock::at(1_700_000_000);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().to_string(), "2023-11-14T22:14:20Z");
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    start: u64,
    elapsed_millis: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that shows `seconds` since the epoch.
    pub fn at(seconds: u64) -> Self {
        Self { start: seconds, elapsed_millis: Arc::default() }
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.elapsed_millis.fetch_add(millis, Ordering::SeqCst);
    }

    /// Returns the time by which the clock was moved, by hand and by sleeping.
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed_millis.load(Ordering::SeqCst))
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.start).plus(self.elapsed())
    }

    fn monotonic(&self) -> Duration {
        self.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }
}
