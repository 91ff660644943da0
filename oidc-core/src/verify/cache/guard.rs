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
