use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::{Any, AnyConnection, AnyPool, Connection as _, Executor as _, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::server::StoreError;

/// Where it is kept which migrations ran; not sqlx's default name, which the application may use itself.
const MIGRATIONS_TABLE: &str = "oidc_migration";

/// Connections held by one process.
const MAX_CONNECTIONS: u32 = 8;
/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the database has to answer at the start.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What every connection to SQLite is told: wait for another process's write, survive power loss, keep references whole.
const SQLITE_PRAGMAS: &str =
    "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
/// How often a transaction is tried that PostgreSQL gave up for another's sake.
const ATTEMPTS: usize = 5;
/// PostgreSQL's codes for that: a serialization failure, a deadlock.
const GIVEN_UP: &[&str] = &["40001", "40P01"];

/// The database could not be opened or brought up to date.
#[derive(Debug, thiserror::Error)]
#[error("the database can't be opened: {reason}")]
pub struct OpenError {
    reason: String,
}

/// What a store's caller gets of an error of sqlx, whose types stay out of the public API.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    StoreError::new(error)
}

/// Whether a server answers. A pool would try again and again where none listens, and then not say why.
#[expect(
    clippy::disallowed_methods,
    reason = "opening a store has no `Context`, and its pool's own timers are the runtime's"
)]
async fn is_there(options: &AnyConnectOptions) -> Result<(), sqlx::Error> {
    let connect = AnyConnection::connect_with(options);
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no answer within 5 s");
    tokio::time::timeout(CONNECT_TIMEOUT, connect).await.map_err(late)??.close().await
}

/// A pool of connections, and the turn of those who write.
#[derive(Clone, Debug)]
pub(super) struct Database {
    pool: AnyPool,
    is_sqlite: bool,
    turn: Arc<Mutex<()>>,
}

impl Database {
    pub(super) async fn open(url: &str) -> Result<Self, OpenError> {
        Self::connect(url).await.map_err(|error| OpenError { reason: error.to_string() })
    }

    async fn connect(url: &str) -> Result<Self, sqlx::Error> {
        install_default_drivers();
        let mut options: AnyConnectOptions = url.parse()?;
        let is_sqlite = options.database_url.scheme() == "sqlite";
        if is_sqlite && !options.database_url.query_pairs().any(|(key, _)| key == "mode") {
            options.database_url.query_pairs_mut().append_pair("mode", "rwc");
        }
        if !is_sqlite {
            is_there(&options).await?;
        }
        let pool = AnyPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if is_sqlite {
                        connection.execute(SQLITE_PRAGMAS).await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options)
            .await?;
        if is_sqlite {
            pool.execute("PRAGMA journal_mode = WAL").await?;
        }
        let mut migrations = sqlx::migrate!("src/sql/migrations");
        migrations.dangerous_set_table_name(MIGRATIONS_TABLE);
        migrations.run(&pool).await?;
        Ok(Self { pool, is_sqlite, turn: Arc::default() })
    }

    /// The pool, for reads.
    pub(super) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Runs a whole transaction, again where PostgreSQL gave it up for another's sake.
    pub(super) async fn attempt<T, F>(&self, transaction: impl Fn() -> F) -> Result<T, sqlx::Error>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        let mut attempt = 1;
        loop {
            match transaction().await {
                Err(error) if attempt < ATTEMPTS && is_given_up(&error) => attempt += 1,
                outcome => return outcome,
            }
        }
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

fn is_given_up(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| GIVEN_UP.contains(&&*code))
}

/// A transaction that may write. Dropped without [`Write::commit`], it leaves no trace.
pub(super) struct Write {
    transaction: Transaction<'static, Any>,
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
