use std::fmt;
use std::io;
use std::time::Duration;

use oidc_core::Secret;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::{AnyConnection, AnyPool, Connection as _, Executor as _};

use super::SqlStore;
use super::database::Database;
use super::open_error::OpenError;
use super::target::Target;
use super::{redeem, schema};

/// The settings of every SQLite connection: wait for another process's write, survive power loss, enforce
/// references.
const SQLITE_PRAGMAS: &str =
    "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

/// The options for opening a database: its URL, the pool of connections, the schema.
///
/// ```
/// use std::time::Duration;
///
/// use oidc_exchange::sql::{OpenError, SqlOptions, SqlStore};
///
/// // With a role that may create tables, once for each release, before its first process starts.
/// async fn migrate(url: &str) -> Result<(), OpenError> {
///     SqlOptions::new(url).schema("trusted_publishing").migrate().await
/// }
///
/// // With a role that may only read and write rows.
/// async fn serve(url: &str) -> Result<SqlStore, OpenError> {
///     let options = SqlOptions::new(url).schema("trusted_publishing");
///     options.max_connections(16).acquire_timeout(Duration::from_secs(5)).connect().await
/// }
/// ```
///
/// # URLs
///
/// - `sqlite:registry.db`, or with an absolute path `sqlite:///var/lib/registry.db`. Several processes of one
///   machine may use one file.
/// - `sqlite::memory:` for tests: only [`open`](Self::open) makes such a database, and it ends with the
///   store. While a [`Transaction`](super::Transaction) is open, all others wait, including readers.
/// - `postgres://user:password@host/database`. `sslmode` decides about TLS: only `verify-full` checks the
///   server's identity, by the roots in the file `sslrootcert` or, without it, by those of the feature: the
///   system's with `postgres-ring`, Mozilla's with `postgres-aws-lc`. The default, `prefer`, accepts any
///   server, and connections without TLS. With `postgres` alone there is no TLS, and a server on another
///   machine is refused unless the URL says `sslmode=disable`. With `verify-ca`, an application that builds rustls with
///   two providers installs one (`CryptoProvider::install_default`) before it opens a database: sqlx panics otherwise.
///
/// # Roles
///
/// On PostgreSQL the role that serves needs `USAGE` on the schema, `SELECT` on `oidc_migration`, and
/// `SELECT`, `INSERT`, `UPDATE` and `DELETE` on the other tables whose names begin with `oidc_`. Only
/// [`migrate`](Self::migrate), and [`open`](Self::open) where the tables are out of date, need to create
/// tables.
///
/// # Upgrade and rollback
///
/// Run [`migrate`](Self::migrate) first, then start the new processes. Processes of the previous release
/// continue to work with the newer tables, and can be started again. A process refuses tables that are older
/// than it needs ([`OpenError::OutOfDate`]).
#[derive(Clone)]
pub struct SqlOptions {
    url: Secret,
    max_connections: u32,
    acquire_timeout: Duration,
    connect_timeout: Duration,
    schema: Option<String>,
}

impl SqlOptions {
    /// The database at this URL, with 8 connections, 30 seconds to wait for a free connection, 5 seconds for
    /// the server to answer, and the schema that the URL or the server names.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url.into()),
            max_connections: 8,
            acquire_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            schema: None,
        }
    }

    /// Replaces the number of connections of this process. With 0, no database is opened ([`OpenError::Options`]).
    #[must_use]
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections;
        self
    }

    /// Replaces the time to wait for a free connection, after which a request fails.
    #[must_use]
    pub fn acquire_timeout(mut self, time: Duration) -> Self {
        self.acquire_timeout = time;
        self
    }

    /// Replaces the time for the server to answer at the start.
    #[must_use]
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }

    /// Sets the PostgreSQL schema of the tables. It becomes the `search_path` of every connection, also for
    /// the application's statements. The name has lower-case letters, digits and `_`.
    /// [`migrate`](Self::migrate) creates the schema where it is missing.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// Creates missing tables and brings the others up to date; a missing file is created as well. Additions
    /// of a newer release stay. Several processes may do it at the same time.
    ///
    /// # Errors
    ///
    /// When the options can't be used, the database can't be reached, or the role may not change the tables.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let target = self.target()?;
        if target.is_memory {
            return Err(OpenError::memory());
        }
        let pool = self.pool(&target, true).await?;
        let migrated = self.bring_up_to_date(&pool, &target).await;
        pool.close().await;
        migrated
    }

    /// Opens a database whose tables are up to date, without changing them or needing the right to. Tables of
    /// a newer release count as up to date.
    ///
    /// # Errors
    ///
    /// When the options can't be used, the database can't be reached, or its tables are older than this release needs.
    pub async fn connect(&self) -> Result<SqlStore, OpenError> {
        let target = self.target()?;
        if target.is_memory {
            return Err(OpenError::memory());
        }
        let pool = self.pool(&target, false).await?;
        match schema::check(&pool, target.is_sqlite).await {
            Ok(()) => Ok(SqlStore::over(Database::new(pool, target.is_sqlite))),
            Err(error) => {
                pool.close().await;
                Err(error)
            }
        }
    }

    /// Brings the tables up to date and opens the database: for a registry of one process, with the rights of
    /// the tables' owner.
    ///
    /// # Errors
    ///
    /// As those of [`migrate`](Self::migrate) and [`connect`](Self::connect).
    pub async fn open(&self) -> Result<SqlStore, OpenError> {
        let target = self.target()?;
        let anchor = if target.is_memory { Some(anchor(&target.options).await?) } else { None };
        let pool = self.pool(&target, true).await?;
        match self.bring_up_to_date(&pool, &target).await {
            Ok(()) => Ok(SqlStore::over(Database::new(pool, target.is_sqlite).anchored(anchor))),
            Err(error) => {
                // The lock of an unfinished migration ends with its connection.
                pool.close().await;
                Err(error)
            }
        }
    }

    /// Runs the missing migrations. Where none are missing it changes nothing, which needs no rights.
    async fn bring_up_to_date(&self, pool: &AnyPool, target: &Target) -> Result<(), OpenError> {
        match schema::check(pool, target.is_sqlite).await {
            Err(OpenError::OutOfDate { .. }) => schema::migrate(pool, self.schema.as_deref()).await,
            checked => checked,
        }
    }

    fn target(&self) -> Result<Target, OpenError> {
        if self.max_connections == 0 {
            return Err(OpenError::options("`max_connections` is 0; expected 1 or more"));
        }
        Target::new(self.url.expose(), self.schema.as_deref())
    }

    /// Opens a pool, with one connection that was tested.
    async fn pool(&self, target: &Target, may_create: bool) -> Result<AnyPool, OpenError> {
        install_default_drivers();
        let mut options = target.options.clone();
        let url = &mut options.database_url;
        let says_mode = url.query_pairs().any(|(key, _)| key == "mode");
        if target.is_sqlite && may_create && !target.is_memory && !says_mode {
            url.query_pairs_mut().append_pair("mode", "rwc");
        }
        if !target.is_sqlite {
            is_there(&options, self.connect_timeout).await.map_err(OpenError::connect)?;
        }
        let (is_sqlite, schema) = (target.is_sqlite, self.schema.clone());
        // SQLite's connections to one database in memory don't wait for each other but fail.
        let connections = if target.is_memory { 1 } else { self.max_connections };
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(self.acquire_timeout)
            .after_connect(move |connection, _| Box::pin(tune(connection, is_sqlite, schema.clone())));
        let pool = pool.connect_with(options).await.map_err(OpenError::connect)?;
        if is_sqlite {
            // The mode is stored in the file. It is set before a second connection exists, since the busy
            // timeout does not cover the switch.
            pool.execute("PRAGMA journal_mode = WAL").await.map_err(OpenError::connect)?;
        }
        Ok(pool)
    }
}

impl fmt::Debug for SqlOptions {
    /// Leaves out the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlOptions")
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// Opens a connection that is never used and so never lost: a database in memory exists as long as a
/// connection to it.
async fn anchor(options: &AnyConnectOptions) -> Result<AnyPool, OpenError> {
    install_default_drivers();
    let pool =
        AnyPoolOptions::new().max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
    pool.connect_with(options.clone()).await.map_err(OpenError::connect)
}

async fn tune(
    connection: &mut AnyConnection,
    is_sqlite: bool,
    schema: Option<String>,
) -> Result<(), sqlx::Error> {
    if is_sqlite {
        connection.execute(SQLITE_PRAGMAS).await?;
        connection.execute(redeem::sqlite::VIEW).await?;
    }
    if let Some(schema) = schema {
        let query = sqlx::query("SELECT set_config('search_path', $1, false)").bind(schema);
        query.execute(connection).await?;
    }
    Ok(())
}

/// Checks that a server answers. A pool would retry for a long time where none listens, and lose the reason.
#[expect(
    clippy::disallowed_methods,
    reason = "opening a store has no `Context`, and its pool's own timers are the runtime's"
)]
async fn is_there(options: &AnyConnectOptions, time: Duration) -> Result<(), sqlx::Error> {
    let connect = AnyConnection::connect_with(options);
    let late =
        |_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", time.as_secs_f64()));
    tokio::time::timeout(time, connect).await.map_err(late)??.close().await
}

#[cfg(test)]
mod tests;
