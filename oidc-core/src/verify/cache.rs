//! The keys of one issuer: read without waiting, and one fetch at a time.

mod guard;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use tokio::sync::watch;

pub(super) use self::guard::has_background;
use self::guard::{Fetch, FetchGuard};
use super::backend::{Backend, VerifyingKey};
use super::error::KeyFault;
use super::fetch::{FetchError, FetchedKeys, fetch};
use super::jwks::{InvalidJwks, KeySet};
use super::key_policy::KeyPolicy;
use super::status::KeyStatus;
use super::times::{COOL_DOWN, MAX_BACK_OFF};
use crate::context::Context;
use crate::provider::{Algorithm, Issuer};
use crate::text::shown;

/// The keys of one issuer.
pub(super) struct KeyCache {
    issuer: Issuer,
    backend: Arc<dyn Backend>,
    cx: Context,
    keys: ArcSwapOption<Fetched>,
    /// The number of key sets so far. It is increased after the set is in place.
    generation: AtomicU64,
    schedule: Mutex<Schedule>,
    /// The time of the monotonic clock, in milliseconds, before which no fetch may begin: a copy that is read
    /// without a lock.
    not_before: AtomicU64,
    fetches: AtomicU64,
    failures: AtomicU64,
}

/// Keys, and the time at which they were fetched.
struct Fetched {
    keys: KeySet,
    /// `None` for keys from the configuration, which do not age.
    at: Option<Duration>,
    /// The time for which the issuer says that they are fresh.
    max_age: Option<Duration>,
}

/// The keys that were current when they were asked for.
pub(super) struct Current {
    fetched: Guard<Option<Arc<Fetched>>>,
    /// The keys are old enough to be fetched again.
    pub(super) is_due: bool,
}

impl Current {
    /// Returns the key of this name for this algorithm.
    pub(super) fn get(&self, kid: &str, algorithm: Algorithm) -> Option<&dyn VerifyingKey> {
        self.fetched()?.keys.get(kid, algorithm)
    }

    /// Returns `true` if the issuer has several keys of this name for this algorithm.
    pub(super) fn is_duplicate(&self, kid: &str, algorithm: Algorithm) -> bool {
        self.fetched().is_some_and(|fetched| fetched.keys.is_duplicate(kid, algorithm))
    }

    fn fetched(&self) -> Option<&Fetched> {
        self.fetched.as_deref()
    }
}

#[derive(Default)]
struct Schedule {
    in_flight: Option<watch::Receiver<()>>,
    not_before: Duration,
    /// The time at which a fetch last found the key that a token asked for.
    last_success: Option<Duration>,
    failures_in_a_row: u32,
    /// The fault of the last failed fetch.
    fault: Option<KeyFault>,
}

/// The key that a token asks for, if a token caused the fetch.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
}

impl KeyCache {
    /// A cache that fetches when it is first asked, or that holds the issuer's configured keys.
    pub(super) fn new(
        issuer: Issuer,
        algorithms: &[Algorithm],
        backend: Arc<dyn Backend>,
        cx: Context,
    ) -> Result<Self, InvalidJwks> {
        let keys = match &issuer.keys {
            Some(json) => {
                let keys = KeySet::parse(json.to_string().as_bytes(), &*backend, issuer.url())?;
                if !keys.serves(algorithms) {
                    return Err(InvalidJwks::NoKey);
                }
                Some(Arc::new(Fetched { keys, at: None, max_age: None }))
            }
            None => None,
        };
        Ok(Self {
            issuer,
            backend,
            cx,
            keys: ArcSwapOption::new(keys),
            generation: AtomicU64::new(0),
            schedule: Mutex::default(),
            not_before: AtomicU64::new(0),
            fetches: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        })
    }

    /// Returns the current keys without waiting. `None` where there are none, or they are too old to be used.
    pub(super) fn current(&self, policy: &KeyPolicy) -> Option<Current> {
        let mut current = Current { fetched: self.keys.load(), is_due: false };
        let fetched = current.fetched()?;
        let Some(at) = fetched.at else { return Some(current) };
        let age = self.now().saturating_sub(at);
        if age >= policy.max_age() {
            return None;
        }
        current.is_due = age >= policy.refresh_age(fetched.max_age);
        Some(current)
    }

    /// Returns a number that changes with the keys. Read it before the keys.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Fetches the keys, or waits for a fetch that is under way if the caller `joins` it. Returns at once during the
    /// cool-down, and where the keys are newer than the generation that the caller saw. On a tokio runtime the fetch
    /// continues if the caller is dropped.
    pub(super) async fn refresh(
        self: &Arc<Self>,
        seen: u64,
        joins: bool,
        wanted: impl FnOnce() -> Option<Wanted>,
    ) {
        if let Some(mut done) = self.begin(seen, joins, wanted).await {
            // An error means that the sender was dropped; either way the fetch has ended.
            let _ended = done.changed().await;
        }
    }

    /// Returns the time from now after which a fetch may help.
    pub(super) fn retry_after(&self) -> Duration {
        self.not_before().saturating_sub(self.now()).max(Duration::from_secs(1))
    }

    /// Returns the fault of the last fetch, if it failed. An unknown key may then be one that could not be
    /// fetched.
    pub(super) fn fault(&self) -> Option<KeyFault> {
        let schedule = self.lock();
        // A fetch that never ended properly left no fault of its own.
        (schedule.failures_in_a_row > 0).then(|| schedule.fault.unwrap_or(KeyFault::Unreachable))
    }

    /// Drops the fetched keys, so that the next token fetches them at once. Configured keys stay.
    pub(super) fn forget(&self) {
        if self.issuer.keys.is_some() {
            return;
        }
        let mut schedule = self.lock();
        self.keys.store(None);
        self.generation.fetch_add(1, Ordering::Release);
        // A fetch that is under way stays known, so that no second one begins beside it.
        *schedule = Schedule { in_flight: schedule.in_flight.take(), ..Schedule::default() };
        self.postpone(&mut schedule, self.now());
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

    /// Begins a fetch that nobody waits for, unless that would have to wait for the lock.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn refresh_in_background(self: &Arc<Self>) {
        if self.now() < self.not_before() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let Ok(schedule) = self.schedule.try_lock() else { return };
        if let Some(Fetch::Begun(guard)) = self.join_or_begin(schedule) {
            runtime.spawn(guard.run(None));
        }
    }

    /// Does nothing, since no runtime takes a fetch that may not be `Send`.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn refresh_in_background(self: &Arc<Self>) {}

    /// Returns `true` if a caller that waits gets newer keys than the known ones, unless the fetch fails.
    pub(super) fn can_refresh(&self) -> bool {
        self.now() >= self.not_before() || has_background() && self.lock().in_flight.is_some()
    }

    /// Joins the fetch that is under way or begins one, unless it is too early. Returns the receiver that is
    /// notified at the end.
    async fn begin(
        self: &Arc<Self>,
        seen: u64,
        joins: bool,
        wanted: impl FnOnce() -> Option<Wanted>,
    ) -> Option<watch::Receiver<()>> {
        let guard = {
            let schedule = self.lock();
            if self.generation() != seen {
                return None;
            }
            match self.join_or_begin(schedule)? {
                Fetch::Joined(done) => return joins.then_some(done),
                Fetch::Begun(guard) => guard,
            }
        };
        let done = guard.done.subscribe();
        let wanted = wanted();
        // A runtime takes only what is `Send`, and on wasm32 nothing has to be.
        #[cfg(not(target_arch = "wasm32"))]
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(guard.run(wanted));
            return Some(done);
        }
        guard.run(wanted).await;
        Some(done)
    }

    fn join_or_begin(self: &Arc<Self>, mut schedule: MutexGuard<'_, Schedule>) -> Option<Fetch> {
        if self.issuer.keys.is_some() {
            return None;
        }
        if let Some(in_flight) = &schedule.in_flight {
            return Some(Fetch::Joined(in_flight.clone()));
        }
        let now = self.now();
        if now < schedule.not_before {
            return None;
        }
        let (done, in_flight) = watch::channel(());
        schedule.in_flight = Some(in_flight);
        // Counted as a failure until it succeeds, so that a fetch that panics or is aborted counts as one.
        self.fail(&mut schedule, now);
        Some(Fetch::Begun(FetchGuard { cache: Arc::clone(self), done }))
    }

    async fn fetch(&self, wanted: Option<Wanted>) {
        self.fetches.fetch_add(1, Ordering::Relaxed);
        match fetch(&self.cx, &self.issuer, &*self.backend).await {
            Ok(fetched) => self.succeeded(fetched, wanted.as_ref()),
            Err(error) => self.failed(&error),
        }
    }

    fn succeeded(&self, fetched: FetchedKeys, wanted: Option<&Wanted>) {
        let FetchedKeys { keys, max_age } = fetched;
        let is_in_vain = wanted.is_some_and(|wanted| keys.get(&wanted.kid, wanted.algorithm).is_none());
        tracing::debug!(
            issuer = %shown(self.issuer.url()), keys = keys.len(), is_in_vain, "fetched the issuer's keys"
        );
        let now = self.now();
        // The keys come first: a reader that sees the new generation then sees the new keys too.
        self.keys.store(Some(Arc::new(Fetched { keys, at: Some(now), max_age })));
        self.generation.fetch_add(1, Ordering::Release);
        let mut schedule = self.lock();
        schedule.failures_in_a_row = 0;
        let is_again = schedule.last_success.is_some_and(|before| now < before + COOL_DOWN);
        if wanted.is_some() && !is_in_vain {
            schedule.last_success = Some(now);
        }
        let cools_down = is_in_vain || (wanted.is_some() && is_again);
        self.postpone(&mut schedule, if cools_down { now + COOL_DOWN } else { now });
    }

    fn failed(&self, error: &FetchError) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let mut schedule = self.lock();
        // The failure was counted when the fetch began. It is counted again instead, so that the wait begins
        // now.
        schedule.failures_in_a_row = schedule.failures_in_a_row.saturating_sub(1);
        schedule.fault = Some(error.fault());
        self.fail(&mut schedule, self.now());
        drop(schedule);
        let retry_after_s = self.retry_after().as_secs();
        tracing::warn!(
            issuer = %shown(self.issuer.url()), %error, retry_after_s, "the issuer's keys can't be fetched"
        );
    }

    /// Counts a failure and postpones the next fetch.
    fn fail(&self, schedule: &mut Schedule, now: Duration) {
        let back_off = self.back_off(schedule.failures_in_a_row);
        schedule.failures_in_a_row = schedule.failures_in_a_row.saturating_add(1);
        self.postpone(schedule, now + back_off);
    }

    /// The cool-down, doubled for each earlier failure, plus up to a quarter at random so that instances
    /// spread out.
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

    fn not_before(&self) -> Duration {
        Duration::from_millis(self.not_before.load(Ordering::Relaxed))
    }

    fn now(&self) -> Duration {
        self.cx.clock().monotonic()
    }

    fn lock(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyCache").field(&self.status()).finish()
    }
}
