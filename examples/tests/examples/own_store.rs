//! The example of one's own store, under the suite that every store has to pass.

#[allow(dead_code)]
#[path = "../../examples/own_store.rs"]
mod example;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use example::File;
use oidc_core::Timestamp;
use oidc_exchange::memory::{Document, MemoryLimits, MemoryStore};
use oidc_exchange::server::StoreError;
use oidc_exchange::server::testing::conformance::{self, Harness};
use tempfile::TempDir;

/// A file for each case, whose writing can be made to fail.
struct InFiles {
    folder: TempDir,
    made: AtomicUsize,
    is_broken: Arc<AtomicBool>,
}

impl InFiles {
    fn new() -> Self {
        let (made, is_broken) = (AtomicUsize::new(0), Arc::default());
        Self { folder: tempfile::tempdir().unwrap(), made, is_broken }
    }
}

struct Breakable(File, Arc<AtomicBool>);

#[async_trait]
impl Document for Breakable {
    async fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.load().await
    }

    async fn save(&self, document: &[u8]) -> Result<(), StoreError> {
        if self.1.load(Ordering::Relaxed) {
            return Err(StoreError::new("the disk is full"));
        }
        self.0.save(document).await
    }
}

#[async_trait]
impl Harness for InFiles {
    type Store = MemoryStore;

    async fn empty(&self) -> MemoryStore {
        let path = self.folder.path().join(self.made.fetch_add(1, Ordering::Relaxed).to_string());
        let file = Breakable(File::open(path).unwrap(), Arc::clone(&self.is_broken));
        MemoryStore::open(file, MemoryLimits::default(), Timestamp::default()).await.unwrap()
    }

    fn faults(&self) -> &[&str] {
        &["save"]
    }

    async fn break_at(&self, _: &MemoryStore, _: &str) {
        self.is_broken.store(true, Ordering::Relaxed);
    }

    async fn mend(&self, _: &MemoryStore) {
        self.is_broken.store(false, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_a_file_conforms() {
    conformance::all(&InFiles::new()).await;
}

#[tokio::test]
async fn two_processes_cannot_have_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let first = File::open(folder.path().join("trust.json")).unwrap();
    assert!(File::open(folder.path().join("trust.json")).is_err());
    drop(first);
    assert!(File::open(folder.path().join("trust.json")).is_ok());
}
