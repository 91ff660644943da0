//! The part of the rows that a call works on.

use std::collections::BTreeMap;

use oidc_core::Timestamp;
use serde::de::DeserializeOwned;

use super::need::Need;
use super::row::{self, PURGED, Row, Table};
use super::{RowTransaction, Rows};
use crate::memory::{MemoryStore, State};
use crate::server::{PublisherRecord, StoreError, TokenRecord};

/// A store in memory with the rows that a call needs, and the transaction in which they were read.
pub(super) struct Loaded {
    transaction: Box<dyn RowTransaction>,
    read: BTreeMap<(Table, String), Vec<u8>>,
    publishers: BTreeMap<String, Publisher>,
    state: State,
}

/// A publisher as it was read, and the key of its row.
struct Publisher {
    key: String,
    record: PublisherRecord,
}

impl Loaded {
    /// Begins a transaction, and reads the rows.
    pub(super) async fn of(rows: &dyn Rows, need: &Need) -> Result<(MemoryStore, Changes), StoreError> {
        let transaction = rows.begin().await?;
        let mut loaded = Self {
            transaction,
            read: BTreeMap::new(),
            publishers: BTreeMap::new(),
            state: State::unlimited(),
        };
        loaded.tokens(need).await?;
        loaded.publishers(need).await?;
        loaded.tokens_of_publishers(need).await?;
        loaded.uses(need).await?;
        let Self { transaction, read, publishers, mut state } = loaded;
        // In the order in which the store in memory keeps them.
        state.publishers.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Ok((MemoryStore::with(state), Changes { transaction, read, publishers }))
    }

    async fn publishers(&mut self, need: &Need) -> Result<(), StoreError> {
        let mut marks: Vec<(String, usize)> = need.latest.iter().cloned().collect();
        marks.extend(need.publishers.iter().map(|mark| (mark.clone(), usize::MAX)));
        if need.token.is_some() {
            let granted = self.state.tokens.values().flat_map(|token| &token.packages);
            marks.extend(granted.map(|granted| (row::of_id(&granted.publisher), usize::MAX)));
        }
        for (mark, limit) in marks {
            for row in self.transaction.marked(Table::Publishers, &mark, limit).await? {
                self.publisher(row)?;
            }
        }
        if let Some(time) = need.ended {
            for row in self.transaction.until(Table::Publishers, time, usize::MAX).await? {
                self.publisher(row)?;
            }
        }
        Ok(())
    }

    fn publisher(&mut self, row: Row) -> Result<(), StoreError> {
        let record: PublisherRecord = parsed(&row)?;
        let key = row.key.clone();
        if self.keep(Table::Publishers, row) {
            self.publishers.insert(record.id.clone(), Publisher { key, record: record.clone() });
            self.state.publishers.push(record);
        }
        Ok(())
    }

    async fn tokens(&mut self, need: &Need) -> Result<(), StoreError> {
        if let Some(hash) = &need.token
            && let Some(row) = self.transaction.get(Table::Tokens, &row::key(hash.as_bytes())).await?
        {
            self.token(row)?;
        }
        if let Some((time, limit)) = need.expired {
            for row in self.transaction.until(Table::Tokens, time, limit).await? {
                self.token(row)?;
            }
        }
        Ok(())
    }

    async fn tokens_of_publishers(&mut self, need: &Need) -> Result<(), StoreError> {
        let Some(packages) = &need.tokens else { return Ok(()) };
        let by = self.state.publishers.iter().map(|record| row::by_publisher(&record.id));
        let marks: Vec<String> = by.chain(packages.iter().map(row::of_package)).collect();
        for mark in marks {
            for row in self.transaction.marked(Table::Tokens, &mark, usize::MAX).await? {
                self.token(row)?;
            }
        }
        Ok(())
    }

    fn token(&mut self, row: Row) -> Result<(), StoreError> {
        let (hash, record): (_, TokenRecord) = (row::hash(&row.key)?, parsed(&row)?);
        if self.keep(Table::Tokens, row) {
            self.state.tokens.insert(hash, record);
        }
        Ok(())
    }

    async fn uses(&mut self, need: &Need) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        if let Some(hash) = &need.uses {
            rows.extend(self.transaction.get(Table::Uses, &row::key(hash)).await?);
        }
        if let Some((time, limit)) = need.expired {
            rows.extend(self.transaction.until(Table::Uses, time, limit).await?);
        }
        for row in rows {
            self.state.replay.insert(row::hash(&row.key)?, parsed(&row)?);
            self.keep(Table::Uses, row);
        }
        if (need.uses.is_some() || need.expired.is_some())
            && let Some(row) = self.transaction.get(Table::Uses, PURGED).await?
        {
            self.state.purged_until = parsed(&row)?;
            self.keep(Table::Uses, row);
        }
        Ok(())
    }

    /// Remembers a row as it was read. Returns `false` if it was read before.
    fn keep(&mut self, table: Table, row: Row) -> bool {
        self.read.insert((table, row.key), row.value).is_none()
    }
}

/// The transaction, and the rows as they were read.
pub(super) struct Changes {
    transaction: Box<dyn RowTransaction>,
    read: BTreeMap<(Table, String), Vec<u8>>,
    publishers: BTreeMap<String, Publisher>,
}

impl Changes {
    /// Stores what a call changed. Returns `false` where another transaction was in the way.
    pub(super) async fn commit(mut self, store: &MemoryStore) -> Result<bool, StoreError> {
        let written = self.written(&store.state())?;
        for (table, row) in written {
            self.transaction.put(table, row).await?;
        }
        for (table, key) in self.read.keys() {
            self.transaction.delete(*table, key).await?;
        }
        self.transaction.commit().await
    }

    /// The rows that the call changed. Only the rows that it deleted are left among those that were read.
    fn written(&mut self, state: &State) -> Result<Vec<(Table, Row)>, StoreError> {
        let mut written = Vec::new();
        for record in &state.publishers {
            if self.is_as_read(record) {
                continue;
            }
            let row = row::of_publisher(record)?;
            self.note(&mut written, Table::Publishers, row, |row| row::mark_publisher(row, record));
        }
        for (hash, record) in &state.tokens {
            let row = row::of_token(hash, record)?;
            self.note(&mut written, Table::Tokens, row, |row| row::mark_token(row, record));
        }
        for (hash, uses) in &state.replay {
            self.note(&mut written, Table::Uses, row::of_uses(hash, uses)?, |_| {});
        }
        if state.purged_until > Timestamp::default() {
            self.note(&mut written, Table::Uses, row::of_purged(state.purged_until)?, |_| {});
        }
        Ok(written)
    }

    /// Returns `true` if a publisher is as it was read: most are, and need not become rows again to be compared.
    fn is_as_read(&mut self, record: &PublisherRecord) -> bool {
        let read = self.publishers.remove(&record.id).filter(|read| read.record == *record);
        read.is_some_and(|Publisher { key, .. }| self.read.remove(&(Table::Publishers, key)).is_some())
    }

    /// Notes a row that was not read as it is.
    fn note(
        &mut self,
        written: &mut Vec<(Table, Row)>,
        table: Table,
        mut row: Row,
        mark: impl FnOnce(&mut Row),
    ) {
        let read = self.read.remove(&(table, row.key.clone()));
        if read.as_ref() != Some(&row.value) {
            mark(&mut row);
            written.push((table, row));
        }
    }
}

fn parsed<T: DeserializeOwned>(row: &Row) -> Result<T, StoreError> {
    serde_json::from_slice(&row.value).map_err(StoreError::new)
}
