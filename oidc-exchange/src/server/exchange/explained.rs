//! A record of the look-ups that explain refusals to the operator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oidc_core::Identity;
use tokio::sync::Semaphore;

/// The number of refusals that are explained at the same time.
const AT_ONCE: usize = 32;
/// The time for which the publishers of a package are not looked up again. Whoever asks for a package again and again would notice the
/// work in the time of the next answer.
const RECENTLY: Duration = Duration::from_secs(60);
/// The number of packages that are remembered.
const MAX_REMEMBERED: usize = 1_000;

/// The publishers of a package.
#[derive(Debug)]
pub(super) struct OfPackage {
    /// A description of them in one line.
    pub(super) text: String,
    /// The id and the identity of each.
    pub(super) publishers: Vec<(String, Identity)>,
}

/// An ecosystem, a package, and the platform of the token that was refused.
pub(super) type Key = (&'static str, String, &'static str);

/// The room for explanations, and the packages that were looked up recently.
#[derive(Debug)]
pub(super) struct Explained {
    pub(super) turns: Arc<Semaphore>,
    recent: Mutex<HashMap<Key, (Duration, Arc<OfPackage>)>>,
}

impl Default for Explained {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), recent: Mutex::default() }
    }
}

impl Explained {
    /// The publishers of a package, if they were looked up recently. `now` is a monotonic time.
    pub(super) fn recent(&self, key: &Key, now: Duration) -> Option<Arc<OfPackage>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, found) = recent.get(key)?;
        (now.saturating_sub(*at) < RECENTLY).then(|| Arc::clone(found))
    }

    pub(super) fn remember(&self, key: Key, now: Duration, found: Arc<OfPackage>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= MAX_REMEMBERED {
            recent.clear();
        }
        recent.insert(key, (now, found));
    }
}
