//! The keys of one issuer: read without waiting, fetched by one at a time.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use super::backend::Backend;
use super::fetch::fetch;
use super::jwks::{InvalidJwks, KeySet};
use crate::context::Context;
use crate::provider::Issuer;
use crate::text::shown;

/// Keys of this age are fetched again in the background while they go on being used.
pub const REFRESH_AFTER: Duration = Duration::from_secs(10 * 60);
/// Keys of this age are used no more, even if their issuer can't be reached. A withdrawn key is gone by then.
pub const MAX_AGE: Duration = Duration::from_secs(4 * 3600);
/// Between two fetches lies at least this much time, whether they went well or not, and whoever asks.
pub const COOL_DOWN: Duration = Duration::from_secs(30);
/// While an issuer is down, the time between two fetches doubles up to this.
pub const MAX_BACK_OFF: Duration = Duration::from_secs(8 * 60);

/// The keys of one issuer.
pub(super) struct KeyCache {
    issuer: Issuer,
    backend: Arc<dyn Backend>,
    cx: Context,
    keys: ArcSwapOption<Fetched>,
    schedule: Mutex<Schedule>,
    /// Milliseconds of the monotonic clock before which no fetch may begin; a copy that readers see lock-free.
    not_before: AtomicU64,
    fetches: AtomicU64,
    failures: AtomicU64,
}

/// Keys, and when they were had.
struct Fetched {
    keys: KeySet,
    /// `None` for keys from the configuration, which do not age.
    at: Option<Duration>,
}

#[derive(Default)]
struct Schedule {
    in_flight: Option<watch::Receiver<()>>,
    not_before: Duration,
    failures_in_a_row: u32,
}

impl KeyCache {
    /// A cache that fetches when it is first asked, or that holds the issuer's configured keys.
    pub(super) fn new(issuer: Issuer, backend: Arc<dyn Backend>, cx: Context) -> Result<Self, InvalidJwks> {
        let keys = match &issuer.keys {
            Some(json) => {
                let keys = KeySet::parse(json.to_string().as_bytes(), &*backend, issuer.url())?;
                Some(Arc::new(Fetched { keys, at: None }))
            }
            None => None,
        };
        Ok(Self {
            issuer,
            backend,
            cx,
            keys: ArcSwapOption::new(keys),
            schedule: Mutex::default(),
            not_before: AtomicU64::new(0),
            fetches: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        })
    }

    /// Hands the present keys to `read`; without waiting for anything. `None` where there are none, or only ones
    /// too old to be used.
    pub(super) fn read<T>(self: &Arc<Self>, read: impl FnOnce(&KeySet) -> T) -> Option<T> {
        let fetched = self.keys.load();
        let fetched = fetched.as_deref()?;
        let Some(at) = fetched.at else { return Some(read(&fetched.keys)) };
        let age = self.now().saturating_sub(at);
        if age >= MAX_AGE {
            return None;
        }
        if age >= REFRESH_AFTER {
            self.refresh_in_background();
        }
        Some(read(&fetched.keys))
    }

    /// Fetches the keys, or waits for a fetch that is under way, or returns at once during the cool-down. The
    /// fetch goes on if the caller goes away.
    pub(super) async fn refresh(self: &Arc<Self>) {
        let Some(mut done) = self.begin() else { return };
        // An error means that the fetch ended; either way there is nothing more to wait for.
        let _ended = done.changed().await;
    }

    /// When a fetch may help, from now.
    pub(super) fn retry_after(&self) -> Duration {
        let not_before = Duration::from_millis(self.not_before.load(Ordering::Relaxed));
        not_before.saturating_sub(self.now()).max(Duration::from_secs(1))
    }

    /// Whether the last fetch failed, so that an unknown key may be one that could not be fetched.
    pub(super) fn is_failing(&self) -> bool {
        self.lock().failures_in_a_row > 0
    }

    pub(super) fn status(&self) -> KeyStatus {
        let fetched = self.keys.load();
        let fetched = fetched.as_deref();
        KeyStatus {
            issuer: self.issuer.url().to_string(),
            keys: fetched.map_or(0, |fetched| fetched.keys.len()),
            age: fetched.and_then(|fetched| fetched.at).map(|at| self.now().saturating_sub(at)),
            fetches: self.fetches.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }

    fn refresh_in_background(self: &Arc<Self>) {
        let not_before = Duration::from_millis(self.not_before.load(Ordering::Relaxed));
        if self.now() >= not_before && tokio::runtime::Handle::try_current().is_ok() {
            self.begin();
        }
    }

    /// Begins a fetch unless one is under way or it is too early. Gives the end to wait for.
    fn begin(self: &Arc<Self>) -> Option<watch::Receiver<()>> {
        if self.issuer.keys.is_some() {
            return None;
        }
        let mut schedule = self.lock();
        if let Some(in_flight) = &schedule.in_flight {
            return Some(in_flight.clone());
        }
        let now = self.now();
        if now < schedule.not_before {
            return None;
        }
        let (done, in_flight) = watch::channel(());
        schedule.in_flight = Some(in_flight.clone());
        self.postpone(&mut schedule, now + COOL_DOWN);
        drop(schedule);
        let cache = Arc::clone(self);
        tokio::spawn(async move {
            // Ends the flight however the task ends, so that a panic below never blocks later fetches.
            let _landing = Landing { cache: &cache, _done: done };
            cache.fetch().await;
        });
        Some(in_flight)
    }

    async fn fetch(&self) {
        self.fetches.fetch_add(1, Ordering::Relaxed);
        let result = fetch(&self.cx, &self.issuer, &*self.backend).await;
        let now = self.now();
        let mut schedule = self.lock();
        match result {
            Ok(keys) => {
                tracing::debug!(issuer = %shown(self.issuer.url()), keys = keys.len(), "fetched the issuer's keys");
                schedule.failures_in_a_row = 0;
                self.postpone(&mut schedule, now + COOL_DOWN);
                self.keys.store(Some(Arc::new(Fetched { keys, at: Some(now) })));
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                let back_off = self.back_off(schedule.failures_in_a_row);
                schedule.failures_in_a_row = schedule.failures_in_a_row.saturating_add(1);
                self.postpone(&mut schedule, now + back_off);
                tracing::warn!(
                    issuer = %shown(self.issuer.url()), %error, retry_after_s = back_off.as_secs(),
                    "the issuer's keys can't be fetched"
                );
            }
        }
    }

    /// The cool-down, doubled for each failure before, with up to a quarter more so that instances spread out.
    fn back_off(&self, failures: u32) -> Duration {
        let doubled = COOL_DOWN.saturating_mul(1 << failures.min(8)).min(MAX_BACK_OFF);
        let mut random = [0; 1];
        let jitter = if self.cx.random().fill(&mut random).is_ok() { u32::from(random[0]) } else { 0 };
        doubled + doubled * jitter / (4 * 256)
    }

    fn postpone(&self, schedule: &mut Schedule, not_before: Duration) {
        schedule.not_before = not_before;
        let millis = u64::try_from(not_before.as_millis()).unwrap_or(u64::MAX);
        self.not_before.store(millis, Ordering::Relaxed);
    }

    fn now(&self) -> Duration {
        self.cx.clock().monotonic()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyCache").field(&self.status()).finish()
    }
}

struct Landing<'a> {
    cache: &'a KeyCache,
    /// Dropping it wakes everyone who waits.
    _done: watch::Sender<()>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.cache.lock().in_flight = None;
    }
}

/// How it stands with an issuer's keys, for metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyStatus {
    /// The issuer.
    pub issuer: String,
    /// How many usable keys there are.
    pub keys: usize,
    /// How old they are; `None` where there are none or they come from the configuration.
    pub age: Option<Duration>,
    /// How often they were fetched since the start, failures included.
    pub fetches: u64,
    /// How often that failed.
    pub failures: u64,
}
