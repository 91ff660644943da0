//! The application's storage of the store's state.

use async_trait::async_trait;

use super::state::State;
use crate::server::StoreError;

/// One document in a storage of the application's: a file, a value of a key-value store, or an object of a blob
/// store. [`MemoryStore::open`](super::MemoryStore::open) keeps the whole state of the store in it.
///
/// The document is JSON. It contains no secret: publish tokens are in it as SHA-256 hashes and identity tokens as
/// digests. Whoever can write to it can publish.
///
/// One process at a time may use a document, since each of two could accept the same identity token. For a file, take a lock before
/// [`MemoryStore::open`](super::MemoryStore::open), such as with `std::fs::File::try_lock`, and keep it until the process ends.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Arc, Mutex};
///
/// use oidc_exchange::memory::Document;
/// use oidc_exchange::server::StoreError;
///
/// /// One value of a key-value store.
/// struct Value(Arc<Mutex<HashMap<String, Vec<u8>>>>);
///
/// #[async_trait::async_trait]
/// impl Document for Value {
///     async fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
///         let values = self.0.lock().map_err(|_| StoreError::new("the values are unusable"))?;
///         Ok(values.get("trusted-publishing").cloned())
///     }
///
///     async fn save(&self, document: &[u8]) -> Result<(), StoreError> {
///         let mut values = self.0.lock().map_err(|_| StoreError::new("the values are unusable"))?;
///         values.insert("trusted-publishing".to_owned(), document.to_vec());
///         Ok(())
///     }
/// }
/// ```
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Document: Send + Sync {
    /// Returns the document; `None` where none was saved yet. It is called once, when the store is opened.
    ///
    /// `async fn load(&self) -> Result<Option<Vec<u8>>, StoreError>`
    ///
    /// # Errors
    ///
    /// When the document can't be read. A document that may exist must not be reported as `None`.
    async fn load(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Replaces the document as a whole, and returns when it is durable: after a crash, [`load`](Self::load)
    /// returns this document or the one before it. Calls don't overlap. A call that failed, or whose future was
    /// dropped, must not take effect after a later call:
    ///
    /// `async fn save(&self, document: &[u8]) -> Result<(), StoreError>`
    ///
    /// | input and output | consequence |
    /// |---|---|
    /// | in `save` itself, blocking and without an `await` | it ends before the future can be dropped, so nothing is to be done. It holds up a thread of the runtime |
    /// | in a task or thread that `save` starts, such as by `spawn_blocking` | it continues after the future is dropped. Number the calls, and skip one that comes after a later one |
    /// | a request to another service | it may arrive after the future is dropped. Send it with a condition on the version that it replaces |
    ///
    /// `own_store.rs` among the repository's examples numbers its calls.
    ///
    /// # Errors
    ///
    /// When the document may not be durable. The change that the store was about to make is then not made.
    async fn save(&self, document: &[u8]) -> Result<(), StoreError>;
}

/// A document and its contents.
pub(super) struct Saved {
    document: Box<dyn Document>,
    /// The last contents that were saved; empty where they are unknown.
    text: Vec<u8>,
}

impl Saved {
    /// Reads the state; `None` where there is no document yet.
    pub(super) async fn load(document: Box<dyn Document>) -> Result<(Self, Option<State>), StoreError> {
        let text = document.load().await?;
        let state = text.as_deref().map(serde_json::from_slice).transpose().map_err(StoreError::new)?;
        Ok((Self { document, text: text.unwrap_or_default() }, state))
    }

    /// Saves the state, unless the document has it already: requests of strangers change nothing and must not
    /// cause writes.
    pub(super) async fn save(&mut self, state: &State) -> Result<(), StoreError> {
        let text = serde_json::to_vec(state).map_err(StoreError::new)?;
        if text == self.text {
            return Ok(());
        }
        // The contents are unknown until the call returns, also where this future is dropped before.
        self.text.clear();
        self.document.save(&text).await?;
        self.text = text;
        Ok(())
    }
}
