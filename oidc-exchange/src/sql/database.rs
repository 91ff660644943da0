//! One pool of connections and one queue of writers for each database.

use std::error::Error;
use std::sync::Arc;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AnyPool};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::warm::{Connection, Warm};
use crate::server::StoreError;

/// The number of tries of a transaction that PostgreSQL aborts in favour of another.
const ATTEMPTS: usize = 5;
/// PostgreSQL's codes for an aborted transaction: a serialization failure, a deadlock.
const GIVEN_UP: &[&str] = &["40001", "40P01"];

/// Converts an error of sqlx for a store's caller. The types of sqlx stay out of the public API.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    StoreError::new(error)
}

/// Converts an error of one of the application's own statements.
#[cfg(feature = "sqlx")]
impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::new(error)
    }
}

#[cfg(feature = "sqlx")]
impl From<sqlx::Error> for crate::server::TrustError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A pool of connections, and the lock that writers hold.
#[derive(Clone, Debug)]
pub(super) struct Database {
    pool: AnyPool,
    readers: Warm,
    /// SQLite drops a connection's pages when another one has written; the writer's stay while it is always the same one.
    writer: Warm,
    is_sqlite: bool,
    turn: Arc<Mutex<()>>,
    /// The pool that keeps a database in memory alive.
    _anchor: Option<AnyPool>,
}

impl Database {
    pub(super) fn new(pool: AnyPool, is_sqlite: bool) -> Self {
        // The pool has some left, or whoever asks the pool would wait for ever.
        let kept = pool.options().get_max_connections() * 3 / 4;
        let writers = if is_sqlite { kept.min(1) } else { 0 };
        let (readers, writer) = (Warm::of(kept - writers), Warm::of(writers));
        Self { pool, readers, writer, is_sqlite, turn: Arc::default(), _anchor: None }
    }

    pub(super) fn anchored(self, anchor: Option<AnyPool>) -> Self {
        Self { _anchor: anchor, ..self }
    }

    pub(super) fn is_sqlite(&self) -> bool {
        self.is_sqlite
    }

    /// Returns the pool, for reads.
    pub(super) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Returns a connection for a statement that is a transaction of its own.
    pub(super) async fn connection(&self) -> Result<Connection, sqlx::Error> {
        self.readers.connection(&self.pool).await
    }

    /// Returns the connection of the only writer on SQLite, who must have the [turn](Self::turn).
    pub(super) async fn writer(&self) -> Result<Connection, sqlx::Error> {
        self.writer.connection(&self.pool).await
    }

    /// Reads rows, on a connection that is in no transaction.
    pub(super) async fn read(&self, query: Query<'_, Any, AnyArguments>) -> Result<Vec<AnyRow>, sqlx::Error> {
        let mut connection = self.connection().await?;
        let rows = query.fetch_all(connection.used()).await?;
        connection.keep();
        Ok(rows)
    }

    /// Waits for the turn of the only writer on SQLite.
    ///
    /// The writers of one process queue in order, since SQLite waits by polling, in which a writer may starve and
    /// which fails when its time is over.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Begins a transaction that may write.
    ///
    /// On SQLite it takes the write lock at once, since upgrading a read lock fails instead of waiting.
    pub(super) async fn write(&self) -> Result<Write, sqlx::Error> {
        if !self.is_sqlite {
            // Counting and comparing rely on seeing the rows that others committed meanwhile, whatever the
            // server's default is.
            let transaction = self.pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
            return Ok(Write { transaction, turn: None });
        }
        let turn = Some(self.turn().await);
        Ok(Write { transaction: self.pool.begin_with("BEGIN IMMEDIATE").await?, turn })
    }
}

/// Runs a whole transaction, and again where PostgreSQL aborted it after a deadlock or a serialization failure, five
/// times at most. `transaction`'s error may have the database's error anywhere in its
/// chain of sources.
///
/// ```
/// # use oidc_exchange::server::{Package, StoreError, TrustStore as _};
/// # use oidc_exchange::sql::{self, SqlStore};
/// # async fn example(store: &SqlStore) -> Result<(), StoreError> {
/// sql::retry(|| async {
///     let transaction = store.begin().await?;
///     transaction.package_created(&Package::new("npm", "widget")).await?;
///     transaction.commit().await
/// })
/// .await
/// # }
/// ```
///
/// # Errors
///
/// The error of the last run.
pub async fn retry<T, E, F>(transaction: impl Fn() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Error + 'static,
{
    let mut attempt = 1;
    loop {
        match transaction().await {
            Err(error) if attempt < ATTEMPTS && is_given_up(&error) => attempt += 1,
            outcome => return outcome,
        }
    }
}

fn is_given_up(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(sqlx::Error::Database(error)) = error.downcast_ref() {
            return error.code().is_some_and(|code| GIVEN_UP.contains(&&*code));
        }
        next = error.source();
    }
    false
}

/// A transaction that may write. Dropping it without [`Write::commit`] rolls it back.
pub(super) struct Write {
    transaction: sqlx::Transaction<'static, Any>,
    /// The turn of the only writer, on SQLite.
    turn: Option<OwnedMutexGuard<()>>,
}

impl Write {
    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// The end of a `SELECT` that locks its row against changes and references by others until this
    /// transaction ends.
    pub(super) fn for_update(&self) -> &'static str {
        if self.turn.is_some() { "" } else { " FOR UPDATE" }
    }

    /// The end of a `SELECT` that locks its row against changes by others until this transaction ends.
    pub(super) fn for_share(&self) -> &'static str {
        if self.turn.is_some() { "" } else { " FOR SHARE" }
    }

    /// The condition that a value is one of those that a statement selects. An index finds them, whatever the planner
    /// of PostgreSQL expects.
    pub(super) fn is_one_of(&self, selected: &str) -> String {
        if self.turn.is_some() { format!("IN ({selected})") } else { format!("= ANY (ARRAY({selected}))") }
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }
}

#[cfg(test)]
mod tests;
