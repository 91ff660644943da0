//! A fetch that is under way, whose end is noted whatever happens to it.

use std::sync::Arc;

use tokio::sync::watch;

use super::{KeyCache, Wanted};

/// Ends a fetch when it is dropped, even after a panic or an aborted task, so that later fetches are never
/// blocked.
pub(super) struct FetchGuard {
    pub(super) cache: Arc<KeyCache>,
    /// Dropping it wakes all who wait.
    pub(super) done: watch::Sender<()>,
}

/// The fetch that a caller waits for.
pub(super) enum Fetch {
    Joined(watch::Receiver<()>),
    Begun(FetchGuard),
}

impl FetchGuard {
    pub(super) async fn run(self, wanted: Option<Wanted>) {
        self.cache.fetch(wanted).await;
    }
}

impl Drop for FetchGuard {
    fn drop(&mut self) {
        self.cache.lock().in_flight = None;
    }
}

/// Returns `true` if a runtime takes fetches that nobody waits for.
#[cfg(not(target_arch = "wasm32"))]
pub(in crate::verify) fn has_background() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
}

/// Returns `false`, since no runtime takes a fetch that may not be `Send`.
#[cfg(target_arch = "wasm32")]
pub(in crate::verify) fn has_background() -> bool {
    false
}
