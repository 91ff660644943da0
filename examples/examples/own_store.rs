//! A store of one's own: all state of the server in one file, by a trait of two methods. A value of a key-value store or an
//! object of a blob store takes the same two methods. `tests/examples/own_store.rs` runs the suite that every store has to
//! pass.
//!
//! `cargo run --example own_store -- trust.json npm:registry.example` serves npm's exchange over it at `127.0.0.1:8080`.

use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context};
use oidc_exchange::memory::{Document, MemoryLimits, MemoryStore};
use oidc_exchange::server::{self, Exchange, StoreError};

/// A file that one process has at a time.
pub(crate) struct File(Arc<Place>);

struct Place {
    path: PathBuf,
    /// The number of saves that began.
    begun: AtomicU64,
    /// The last save that was written.
    written: Mutex<u64>,
    /// Locked until the process ends, since two processes could each accept one identity token.
    _lock: fs::File,
}

impl File {
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let lock = fs::File::create(path.with_added_extension("lock"))?;
        lock.try_lock()?;
        let (begun, written) = (AtomicU64::new(0), Mutex::new(0));
        Ok(Self(Arc::new(Place { path, begun, written, _lock: lock })))
    }
}

impl Place {
    /// Replaces the file in one step, after its new contents are on the disk.
    fn write(&self, save: u64, document: &[u8]) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        // A save whose request went away may come after a later one.
        if *written > save {
            return Ok(());
        }
        let new = self.path.with_added_extension("new");
        let mut file = fs::File::create(&new)?;
        file.write_all(document)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or_else(|| ".".as_ref()))?.sync_all()?;
        *written = save;
        Ok(())
    }
}

#[async_trait]
impl Document for File {
    async fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(&self.0.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some).map_err(StoreError::new),
        }
    }

    async fn save(&self, document: &[u8]) -> Result<(), StoreError> {
        let (place, document) = (Arc::clone(&self.0), document.to_vec());
        let save = place.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let written = tokio::task::spawn_blocking(move || place.write(save, &document)).await;
        written.map_err(StoreError::new)?.map_err(StoreError::new)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = File::open(arguments.next().ok_or("which file?")?.into())?;
    let audience = Audience::new(arguments.next().ok_or("which audience?")?)?;
    let cx = Context::system()?;
    let verifier = Verifier::new(AwsLc, [audience], &oidc_providers::all(), &cx)?;
    let store = MemoryStore::open(file, MemoryLimits::default(), cx.clock().now()).await?;
    let npm = server::npm(Exchange::builder(verifier, store).build());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, axum::Router::new().nest_service("/-/npm/v1/oidc", npm)).await?)
}
