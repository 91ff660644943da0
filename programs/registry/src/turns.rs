//! Turns, by which few of many requests do something expensive at a time.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

/// The number of turns at a time, such as those of changes of an ecosystem's packages.
const AT_A_TIME: usize = 2;

/// The turns of those who do something that not everybody may do at once. On PostgreSQL whoever changes a package waits for
/// others who do, with a connection; without turns, many uploads into one package would take all of them.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_A_TIME)))
    }

    /// Waits for a turn, which lasts until it is dropped.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes it.
        self.0.acquire().await.ok()
    }
}
