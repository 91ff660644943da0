//! The server's stores over rows of the application's: in a key-value store or a database that [`sql`](crate::sql) does not
//! know, for several processes.
//!
//! [`RowStore`] is all three stores, made of one trait with a method that begins a [`RowTransaction`], which reads and writes
//! rows: it decides nothing, and knows neither publishers nor tokens. A store whose whole state fits into one document is
//! shorter: see [`memory::Document`](crate::memory::Document).
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use oidc_core::Timestamp;
//! use oidc_exchange::rows::{Row, RowStore, RowTransaction, Rows, Table};
//! use oidc_exchange::server::StoreError;
//! use tokio::sync::{Mutex, OwnedMutexGuard};
//!
//! type Tables = BTreeMap<(Table, String), Row>;
//!
//! /// Rows in memory. Transactions take turns, so that each is serializable.
//! #[derive(Clone, Debug, Default)]
//! struct InMemory(Arc<Mutex<Tables>>);
//!
//! /// A copy of the rows, which takes the place of the others when it is committed.
//! struct Changes(OwnedMutexGuard<Tables>, Tables);
//!
//! #[async_trait]
//! impl Rows for InMemory {
//!     async fn begin(&self) -> Result<Box<dyn RowTransaction>, StoreError> {
//!         let rows = Arc::clone(&self.0).lock_owned().await;
//!         let copy = rows.clone();
//!         Ok(Box::new(Changes(rows, copy)))
//!     }
//! }
//!
//! #[async_trait]
//! impl RowTransaction for Changes {
//!     async fn get(&mut self, table: Table, key: &str) -> Result<Option<Row>, StoreError> {
//!         Ok(self.1.get(&(table, key.to_owned())).cloned())
//!     }
//!
//!     async fn marked(&mut self, table: Table, mark: &str, limit: usize) -> Result<Vec<Row>, StoreError> {
//!         let rows = self.1.iter().rev().filter(|((of, _), row)| *of == table && row.marks.iter().any(|own| own == mark));
//!         Ok(rows.map(|(_, row)| row.clone()).take(limit).collect())
//!     }
//!
//!     async fn until(&mut self, table: Table, time: Timestamp, limit: usize) -> Result<Vec<Row>, StoreError> {
//!         let rows = self.1.iter().filter(|((of, _), row)| *of == table && row.until.is_some_and(|until| until <= time));
//!         Ok(rows.map(|(_, row)| row.clone()).take(limit).collect())
//!     }
//!
//!     async fn put(&mut self, table: Table, row: Row) -> Result<(), StoreError> {
//!         self.1.insert((table, row.key.clone()), row);
//!         Ok(())
//!     }
//!
//!     async fn delete(&mut self, table: Table, key: &str) -> Result<(), StoreError> {
//!         self.1.remove(&(table, key.to_owned()));
//!         Ok(())
//!     }
//!
//!     async fn commit(mut self: Box<Self>) -> Result<bool, StoreError> {
//!         *self.0 = self.1;
//!         Ok(true)
//!     }
//! }
//!
//! let store = RowStore::new(InMemory::default());
//! # let _ = store;
//! ```
//!
//! # What it costs
//!
//! An exchange reads the publishers of the token's identity, and writes two rows. The number of publishers that name one
//! identity is not bounded, since accounts may name each other's repositories: in a public registry, strangers could make a
//! repository's exchanges slow. Adding a publisher reads those of its account, at most
//! [`TrustLimits::per_account`](crate::server::TrustLimits::per_account). Use [`sql`](crate::sql) for a public registry, or
//! implement the three traits, whose documentation says what has to be bounded.
//!
//! A later version may add members to the values, and an earlier one refuses these: replace all processes at once.

mod loaded;
mod need;
mod row;
mod stores;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use oidc_core::Timestamp;

pub use self::row::{Row, Table};
use crate::server::StoreError;

/// Rows in a storage of the application's. The module's documentation has an example.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Rows: fmt::Debug + Send + Sync {
    /// Begins a transaction that is serializable: its effect is as if transactions ran one after the other, in all processes
    /// together, reads included. Otherwise, an identity token could be used twice. A transaction that is dropped has no
    /// effect.
    ///
    /// `async fn begin(&self) -> Result<Box<dyn RowTransaction>, StoreError>`
    ///
    /// # Errors
    ///
    /// When the storage can't be reached.
    async fn begin(&self) -> Result<Box<dyn RowTransaction>, StoreError>;
}

/// Reads and writes rows. A key and a mark are visible ASCII characters, at most 128, and are compared byte by byte.
///
/// All reads of a transaction come before its first write. One that only reads is dropped without a commit, and nothing more
/// is asked of one after an error.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait RowTransaction: Send {
    /// Returns the row with this key.
    ///
    /// `async fn get(&mut self, table: Table, key: &str) -> Result<Option<Row>, StoreError>`
    ///
    /// # Errors
    ///
    /// When the storage can't be reached, or another transaction is in the way.
    async fn get(&mut self, table: Table, key: &str) -> Result<Option<Row>, StoreError>;

    /// Returns at most `limit` of the rows that have this [mark](Row::marks): those with the greatest keys, the greatest
    /// first.
    ///
    /// `async fn marked(&mut self, table: Table, mark: &str, limit: usize) -> Result<Vec<Row>, StoreError>`
    ///
    /// # Errors
    ///
    /// As those of [`get`](Self::get).
    async fn marked(&mut self, table: Table, mark: &str, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Returns at most `limit` of the rows whose [time](Row::until) is this or earlier, in any order. A row without a time
    /// is never returned.
    ///
    /// `async fn until(&mut self, table: Table, time: Timestamp, limit: usize) -> Result<Vec<Row>, StoreError>`
    ///
    /// # Errors
    ///
    /// As those of [`get`](Self::get).
    async fn until(&mut self, table: Table, time: Timestamp, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Stores a row, in the place of the one with its key.
    ///
    /// `async fn put(&mut self, table: Table, row: Row) -> Result<(), StoreError>`
    ///
    /// # Errors
    ///
    /// As those of [`get`](Self::get).
    async fn put(&mut self, table: Table, row: Row) -> Result<(), StoreError>;

    /// Deletes the row with this key, if there is one.
    ///
    /// `async fn delete(&mut self, table: Table, key: &str) -> Result<(), StoreError>`
    ///
    /// # Errors
    ///
    /// As those of [`get`](Self::get).
    async fn delete(&mut self, table: Table, key: &str) -> Result<(), StoreError>;

    /// Makes all changes durable, and returns `true`. Returns `false` where nothing is changed since another transaction
    /// was in the way, and this one may be tried again.
    ///
    /// `async fn commit(self: Box<Self>) -> Result<bool, StoreError>`
    ///
    /// # Errors
    ///
    /// When the storage can't be reached. The changes have then all their effect or none.
    async fn commit(self: Box<Self>) -> Result<bool, StoreError>;
}

/// All three stores over [rows of the application's](Rows). Clones share them. Uses of identity tokens are remembered in the
/// rows, so that tokens from before a process started are accepted, unlike by a [`MemoryStore`](crate::memory::MemoryStore).
#[derive(Clone, Debug)]
pub struct RowStore(Arc<dyn Rows>);

impl RowStore {
    /// A store over these rows.
    pub fn new(rows: impl Rows + 'static) -> Self {
        Self(Arc::new(rows))
    }
}
