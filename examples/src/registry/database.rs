//! The registry's one database: opened, tuned, and given its tables.
//!
//! Each ecosystem keeps its statements beside its code and its tables under its own prefix (`npm_`). The library's own
//! tables live in the same database under `oidc_`.

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Executor as _, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{audit, blobs, hosting, npm};

/// The tables of every ecosystem, created when they are missing. `BYTES` stands for the database's own binary type.
const SCHEMAS: &[&[&str]] = &[blobs::SCHEMA, npm::SCHEMA, hosting::SCHEMA, audit::SCHEMA];

/// What every SQLite connection is told: wait for another process's write, survive power loss, keep references whole.
const SQLITE_PRAGMAS: &str =
    "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

/// PostgreSQL's `CREATE TABLE IF NOT EXISTS` fails where another process creates the same table at this moment. The number
/// says that it is this registry's tables.
const LOCK_SCHEMA: &str = "SELECT pg_advisory_xact_lock(7209061735212)";

/// Connections held by one process.
const MAX_CONNECTIONS: u32 = 8;

/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// The database could not be opened or prepared; the source says why.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the database")]
pub struct OpenError(#[from] sqlx::Error);

/// A handle on the registry's database. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Database {
    pool: AnyPool,
    dialect: Dialect,
    turn: Arc<Mutex<()>>,
}

impl Database {
    /// Opens the database at `url` (`sqlite:registry.db`, created when missing, or `postgres://…`) and creates the tables
    /// it lacks.
    ///
    /// # Errors
    ///
    /// The URL names no known kind of database, or the database can't be reached or written.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        install_default_drivers();
        let mut options: AnyConnectOptions = url.parse()?;
        let dialect = Dialect::of(&options);
        dialect.prepare(&mut options);
        let pool = AnyPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| Box::pin(dialect.tune(connection)))
            .connect_with(options)
            .await?;
        let database = Self { pool, dialect, turn: Arc::default() };
        database.create_tables().await?;
        Ok(database)
    }

    /// The pool, for reads.
    #[must_use]
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a transaction that may write, after the writes that asked before it.
    ///
    /// # Errors
    ///
    /// No connection came free, or the database refused.
    pub async fn write(&self) -> Result<Write, sqlx::Error> {
        let turn = match self.dialect {
            Dialect::Sqlite => Some(Arc::clone(&self.turn).lock_owned().await),
            Dialect::Postgres => None,
        };
        let transaction = self.pool.begin_with(self.dialect.begin()).await?;
        Ok(Write { transaction, turn })
    }

    async fn create_tables(&self) -> Result<(), sqlx::Error> {
        if self.dialect == Dialect::Sqlite {
            // Kept in the file, and set before a second connection exists: switching isn't covered by the busy timeout.
            self.pool.execute("PRAGMA journal_mode = WAL").await?;
        }
        let mut write = self.write().await?;
        if self.dialect == Dialect::Postgres {
            write.connection().execute(LOCK_SCHEMA).await?;
        }
        for statement in SCHEMAS.iter().copied().flatten() {
            let statement = statement.replace("BYTES", self.dialect.bytes());
            write.connection().execute(AssertSqlSafe(statement)).await?;
        }
        write.commit().await
    }
}

/// A transaction that may write. Dropped without [`Write::commit`], it leaves no trace.
#[derive(Debug)]
pub struct Write {
    transaction: Transaction<'static, Any>,
    // Writers of one process queue here, first come first served. SQLite's own waiting is a poll without an order, in
    // which one of many writers can lose until its time is up.
    turn: Option<OwnedMutexGuard<()>>,
}

impl Write {
    /// The connection that the transaction's statements run on.
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// What a `SELECT` ends in whose row nobody else is to change before this transaction ends.
    #[must_use]
    pub fn for_share(&self) -> &'static str {
        // On SQLite whoever writes is alone.
        if self.turn.is_some() { "" } else { " FOR SHARE" }
    }

    /// Makes the transaction durable.
    ///
    /// # Errors
    ///
    /// The database refused; then nothing was written.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }
}

/// Where the databases differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    fn of(options: &AnyConnectOptions) -> Self {
        if options.database_url.scheme() == "sqlite" { Self::Sqlite } else { Self::Postgres }
    }

    fn prepare(self, options: &mut AnyConnectOptions) {
        let url = &mut options.database_url;
        if self == Self::Sqlite && !url.query_pairs().any(|(key, _)| key == "mode") {
            url.query_pairs_mut().append_pair("mode", "rwc");
        }
    }

    async fn tune(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        if self == Self::Sqlite {
            connection.execute(SQLITE_PRAGMAS).await?;
        }
        Ok(())
    }

    /// SQLite takes the write lock at once, since a read lock that turns into one fails instead of waiting. On PostgreSQL
    /// each statement sees what was committed before it, whatever the server's default.
    fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    fn bytes(self) -> &'static str {
        match self {
            Self::Sqlite => "BLOB",
            Self::Postgres => "BYTEA",
        }
    }
}
