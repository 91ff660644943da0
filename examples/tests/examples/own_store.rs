//! The example of one's own store, under the suite that every store has to pass.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)]
#[path = "../../examples/own_store.rs"]
mod example;

use std::error::Error as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use example::Deadlines;
use oidc_core::Context;
use oidc_core::testing::ManualClock;
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::StoreError;
use oidc_exchange::server::testing::conformance::{self, Harness};
use oidc_exchange::sql::SqlStore;

const LIMIT: Duration = Duration::from_secs(60);

struct InMemory;

#[async_trait::async_trait]
impl Harness for InMemory {
    type Store = Deadlines<MemoryStore>;

    async fn empty(&self) -> Self::Store {
        Deadlines { store: MemoryStore::for_tests(), limit: LIMIT, cx: Context::default() }
    }
}

#[tokio::test]
async fn a_store_around_one_in_memory_conforms() {
    conformance::all(&InMemory).await;
}

/// A database in a file of its own for each case.
struct InFiles {
    folder: tempfile::TempDir,
    made: AtomicUsize,
}

#[async_trait::async_trait]
impl Harness for InFiles {
    type Store = Deadlines<SqlStore>;

    async fn empty(&self) -> Self::Store {
        let name = format!("{}.db", self.made.fetch_add(1, Ordering::Relaxed));
        let url = format!("sqlite:{}", self.folder.path().join(name).display());
        Deadlines { store: SqlStore::open(&url).await.unwrap(), limit: LIMIT, cx: Context::system().unwrap() }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_around_a_database_conforms() {
    conformance::all(&InFiles { folder: tempfile::tempdir().unwrap(), made: AtomicUsize::new(0) }).await;
}

#[tokio::test]
async fn a_call_that_never_ends_fails() {
    let hanging =
        Deadlines { cx: Context::default().with_clock(ManualClock::at(0)), ..InMemory.empty().await };
    let answer = hanging.within(std::future::pending::<Result<(), StoreError>>()).await;
    assert!(answer.unwrap_err().source().unwrap().to_string().contains("in time"));
}
