//! One pool of connections and one queue of writers for a database.

use std::error::Error;
use std::sync::Arc;

use sqlx::{Any, AnyConnection, AnyPool};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::server::StoreError;

/// How often a transaction is tried that PostgreSQL gave up for another's sake.
const ATTEMPTS: usize = 5;
/// PostgreSQL's codes for that: a serialization failure, a deadlock.
const GIVEN_UP: &[&str] = &["40001", "40P01"];

/// What a store's caller gets of an error of sqlx, whose types stay out of the public API.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    StoreError::new(error)
}

/// An error of one of the application's own statements.
#[cfg(feature = "sqlx")]
impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::new(error)
    }
}

/// A pool of connections, and the turn of those who write.
#[derive(Clone, Debug)]
pub(super) struct Database {
    pool: AnyPool,
    is_sqlite: bool,
    turn: Arc<Mutex<()>>,
    /// What a database in memory is kept by.
    _anchor: Option<AnyPool>,
}

impl Database {
    pub(super) fn new(pool: AnyPool, is_sqlite: bool) -> Self {
        Self { pool, is_sqlite, turn: Arc::default(), _anchor: None }
    }

    pub(super) fn anchored(self, anchor: Option<AnyPool>) -> Self {
        Self { _anchor: anchor, ..self }
    }

    /// The pool, for reads.
    pub(super) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a transaction that may write.
    ///
    /// On SQLite it takes the write lock at once, since a read lock that turns into one fails instead of waiting; and
    /// the writers of one process queue in order, since SQLite's own waiting is a poll in which one may lose for ever.
    pub(super) async fn write(&self) -> Result<Write, sqlx::Error> {
        if !self.is_sqlite {
            // What is counted and compared relies on seeing what was committed meanwhile, whatever the server's default.
            let transaction = self.pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
            return Ok(Write { transaction, turn: None });
        }
        let turn = Some(Arc::clone(&self.turn).lock_owned().await);
        Ok(Write { transaction: self.pool.begin_with("BEGIN IMMEDIATE").await?, turn })
    }
}

/// Runs a whole transaction, and again, up to five times, where PostgreSQL gave it up for another's sake: after a deadlock or a
/// serialization failure, however deep `transaction`'s error has it among its sources.
///
/// ```
/// # use oidc_exchange::server::{Package, StoreError, TrustStore as _};
/// # use oidc_exchange::sql::{self, SqlStore};
/// # async fn example(store: &SqlStore) -> Result<(), StoreError> {
/// sql::retry(|| async {
///     let transaction = store.begin().await?;
///     transaction.package_created(&Package::new("npm", "widget"), None).await?;
///     transaction.commit().await
/// })
/// .await
/// # }
/// ```
///
/// # Errors
///
/// What `transaction` returns at last.
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

/// A transaction that may write. Dropped without [`Write::commit`], it leaves no trace.
pub(super) struct Write {
    transaction: sqlx::Transaction<'static, Any>,
    /// On SQLite, where whoever writes is alone.
    turn: Option<OwnedMutexGuard<()>>,
}

impl Write {
    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// What a `SELECT` ends in whose row nobody else is to change or refer to before this transaction ends.
    pub(super) fn for_update(&self) -> &'static str {
        if self.turn.is_some() { "" } else { " FOR UPDATE" }
    }

    /// What a `SELECT` ends in whose row nobody else is to change before this transaction ends.
    pub(super) fn for_share(&self) -> &'static str {
        if self.turn.is_some() { "" } else { " FOR SHARE" }
    }

    /// What a `SELECT` ends in whose row is to be there until this transaction ends, for others to refer to as well.
    pub(super) fn for_reference(&self) -> &'static str {
        if self.turn.is_some() { "" } else { " FOR KEY SHARE" }
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }
}

#[cfg(test)]
mod tests;
