//! The store over rows of the application's: with transactions that take turns, and with those that are in each other's way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use oidc_core::Timestamp;
use oidc_exchange::rows::{Row, RowStore, RowTransaction, Rows, Table};
use oidc_exchange::server::testing::conformance::Harness;
use oidc_exchange::server::{Package, StoreError, TrustStore as _};
use tokio::sync::OwnedMutexGuard;

/// The rows, the keys of those with a mark, and the number of changes.
#[derive(Clone, Debug, Default)]
struct Tables {
    rows: BTreeMap<(Table, String), Row>,
    marked: BTreeMap<(Table, String), BTreeSet<String>>,
    changes: u64,
}

impl Tables {
    fn delete(&mut self, table: Table, key: &str) {
        let Some(row) = self.rows.remove(&(table, key.to_owned())) else { return };
        for mark in row.marks {
            self.marked.get_mut(&(table, mark)).unwrap().remove(key);
        }
    }

    fn put(&mut self, table: Table, row: Row) {
        self.delete(table, &row.key);
        for mark in &row.marks {
            self.marked.entry((table, mark.clone())).or_default().insert(row.key.clone());
        }
        self.rows.insert((table, row.key.clone()), row);
    }
}

#[derive(Debug, Default)]
struct Stored {
    tables: Mutex<Arc<Tables>>,
    turns: Arc<tokio::sync::Mutex<()>>,
    writes_fail: AtomicBool,
    commit_fails: AtomicBool,
    commits_in_the_way: AtomicUsize,
}

#[derive(Clone, Debug)]
struct InMemory {
    stored: Arc<Stored>,
    takes_turns: bool,
}

/// The rows as they were when the transaction began, and what it writes.
struct Transaction {
    stored: Arc<Stored>,
    tables: Arc<Tables>,
    written: Vec<(Table, Result<Row, String>)>,
    _turn: Option<OwnedMutexGuard<()>>,
}

#[async_trait]
impl Rows for InMemory {
    async fn begin(&self) -> Result<Box<dyn RowTransaction>, StoreError> {
        let turn = match self.takes_turns {
            true => Some(Arc::clone(&self.stored.turns).lock_owned().await),
            false => None,
        };
        let tables = Arc::clone(&self.stored.tables.lock().unwrap());
        // Others run between the reads of a transaction.
        tokio::task::yield_now().await;
        Ok(Box::new(Transaction {
            stored: Arc::clone(&self.stored),
            tables,
            written: Vec::new(),
            _turn: turn,
        }))
    }
}

impl Transaction {
    fn write(&mut self, table: Table, change: Result<Row, String>) -> Result<(), StoreError> {
        if self.stored.writes_fail.load(Ordering::SeqCst) {
            return Err(StoreError::new("the disk is full"));
        }
        self.written.push((table, change));
        Ok(())
    }

    /// A store reads before it writes, so that nothing written has to be read again.
    fn read(&self) -> &Tables {
        assert!(self.written.is_empty());
        &self.tables
    }
}

#[async_trait]
impl RowTransaction for Transaction {
    async fn get(&mut self, table: Table, key: &str) -> Result<Option<Row>, StoreError> {
        Ok(self.read().rows.get(&(table, key.to_owned())).cloned())
    }

    async fn marked(&mut self, table: Table, mark: &str, limit: usize) -> Result<Vec<Row>, StoreError> {
        let tables = self.read();
        let keys = tables.marked.get(&(table, mark.to_owned())).into_iter().flatten().rev();
        Ok(keys.take(limit).map(|key| tables.rows[&(table, key.clone())].clone()).collect())
    }

    async fn until(&mut self, table: Table, time: Timestamp, limit: usize) -> Result<Vec<Row>, StoreError> {
        let is_over = |row: &Row| row.until.is_some_and(|until| until <= time);
        let rows = self.read().rows.iter().filter(|((of, _), row)| *of == table && is_over(row));
        Ok(rows.map(|(_, row)| row.clone()).take(limit).collect())
    }

    async fn put(&mut self, table: Table, row: Row) -> Result<(), StoreError> {
        for text in row.marks.iter().chain([&row.key]) {
            assert!(text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic()), "{row:?}");
        }
        self.write(table, Ok(row))
    }

    async fn delete(&mut self, table: Table, key: &str) -> Result<(), StoreError> {
        self.write(table, Err(key.to_owned()))
    }

    async fn commit(self: Box<Self>) -> Result<bool, StoreError> {
        let Self { stored, tables, written, _turn } = *self;
        if stored.commit_fails.load(Ordering::SeqCst) {
            return Err(StoreError::new("the disk is gone"));
        }
        let mut current = stored.tables.lock().unwrap();
        if current.changes != tables.changes {
            stored.commits_in_the_way.fetch_add(1, Ordering::SeqCst);
            return Ok(false);
        }
        // Copied only where another transaction still reads them.
        drop(tables);
        let current = Arc::make_mut(&mut current);
        current.changes += u64::from(!written.is_empty());
        for (table, change) in written {
            match change {
                Ok(row) => current.put(table, row),
                Err(key) => current.delete(table, &key),
            }
        }
        Ok(true)
    }
}

/// An empty store over rows in memory.
pub(super) fn empty() -> RowStore {
    RowStore::new(InMemory { stored: Arc::default(), takes_turns: true })
}

/// Makes stores over rows in memory.
pub(crate) struct Memory {
    takes_turns: bool,
    made: Mutex<Option<Arc<Stored>>>,
}

impl Memory {
    pub(crate) fn taking_turns() -> Self {
        Self { takes_turns: true, made: Mutex::default() }
    }

    pub(crate) fn in_each_others_way() -> Self {
        Self { takes_turns: false, made: Mutex::default() }
    }
}

#[async_trait]
impl Harness for Memory {
    type Store = RowStore;

    async fn empty(&self) -> RowStore {
        let rows = InMemory { stored: Arc::default(), takes_turns: self.takes_turns };
        *self.made.lock().unwrap() = Some(Arc::clone(&rows.stored));
        RowStore::new(rows)
    }

    fn faults(&self) -> &[&str] {
        &["a write", "the commit"]
    }

    async fn break_at(&self, _: &RowStore, fault: &str) {
        let stored = self.made.lock().unwrap().clone().unwrap();
        let broken = if fault == "a write" { &stored.writes_fail } else { &stored.commit_fails };
        broken.store(true, Ordering::SeqCst);
    }

    async fn repair(&self, _: &RowStore) {
        let stored = self.made.lock().unwrap().clone().unwrap();
        stored.writes_fail.store(false, Ordering::SeqCst);
        stored.commit_fails.store(false, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_change_that_others_are_in_the_way_of_is_tried_again() {
    let rows = InMemory { stored: Arc::default(), takes_turns: false };
    let (store, package) = (RowStore::new(rows.clone()), Package::new("npm", "widget"));
    let both = tokio::join!(store.package_removed(&package), store.package_created(&package));
    assert!(both.0.is_ok() && both.1.is_ok(), "nothing changed, so nothing is in the way");
    let others = async {
        for _ in 0..3 {
            Arc::make_mut(&mut rows.stored.tables.lock().unwrap()).changes += 1;
            tokio::task::yield_now().await;
        }
    };
    let (changed, ()) = tokio::join!(store.package_removed(&package), others);
    changed.unwrap();
    assert!(rows.stored.commits_in_the_way.load(Ordering::SeqCst) > 0);
}
