//! The example of one's own store, under the suite that every store has to pass.

#[allow(dead_code)]
#[path = "../../examples/own_store.rs"]
mod example;

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use example::File;
use oidc_core::Timestamp;
use oidc_exchange::memory::{MemoryLimits, MemoryStore};
use oidc_exchange::server::testing::conformance::{self, Harness};
use tempfile::TempDir;

/// A folder with a file for each case. Where the folder is missing, writing fails.
struct InFiles(TempDir, AtomicUsize);

#[async_trait]
impl Harness for InFiles {
    type Store = MemoryStore;

    async fn empty(&self) -> MemoryStore {
        fs::create_dir_all(self.0.path().join("stores")).unwrap();
        let path = self.0.path().join("stores").join(self.1.fetch_add(1, Ordering::Relaxed).to_string());
        MemoryStore::open(File::open(path).unwrap(), MemoryLimits::default(), Timestamp::default())
            .await
            .unwrap()
    }

    fn faults(&self) -> &[&str] {
        &["save"]
    }

    async fn break_at(&self, _: &MemoryStore, _: &str) {
        fs::rename(self.0.path().join("stores"), self.0.path().join("away")).unwrap();
    }

    async fn repair(&self, _: &MemoryStore) {
        fs::rename(self.0.path().join("away"), self.0.path().join("stores")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_a_file_conforms() {
    let files = || InFiles(tempfile::tempdir().unwrap(), AtomicUsize::new(0));
    let accounts = tokio::spawn(async move { conformance::accounts(&files()).await });
    conformance::quick(&files()).await;
    conformance::candidates(&files()).await;
    accounts.await.unwrap();
}

#[tokio::test]
async fn two_processes_cannot_have_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let first = File::open(folder.path().join("trust.json")).unwrap();
    assert!(File::open(folder.path().join("trust.json")).is_err());
    drop(first);
    assert!(File::open(folder.path().join("trust.json")).is_ok());
}
