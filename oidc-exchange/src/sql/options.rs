use std::error::Error;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use oidc_core::Secret;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::{AnyConnection, AnyPool, Connection as _, Executor as _};

use super::SqlStore;
use super::database::Database;
use super::schema;

/// What every connection to SQLite is told: wait for another process's write, survive power loss, keep references whole.
const SQLITE_PRAGMAS: &str =
    "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
/// Tells one database in memory from another.
static IN_MEMORY: AtomicU64 = AtomicU64::new(0);
/// Longer names are cut by PostgreSQL.
const MAX_SCHEMA: usize = 63;

/// How a database is opened: its URL, the pool of connections, the schema.
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
/// // With one that may only read and write rows.
/// async fn serve(url: &str) -> Result<SqlStore, OpenError> {
///     let options = SqlOptions::new(url).schema("trusted_publishing");
///     options.max_connections(16).acquire_timeout(Duration::from_secs(5)).connect().await
/// }
/// ```
///
/// # URLs
///
/// - `sqlite:registry.db`, or with an absolute path `sqlite:///var/lib/registry.db`. Several processes of one machine may use one
///   file.
/// - `sqlite::memory:` for tests: only [`open`](Self::open) makes one, which ends with the store, and whoever has a
///   [`Transaction`](super::Transaction) keeps everybody else waiting, readers included.
/// - `postgres://user:password@host/database`. It speaks TLS as `sslmode` says: only `verify-full` asks who it is that answers, by
///   the system's roots or the one in the file `sslrootcert`; the default, `prefer`, believes anybody and does without TLS too.
///
/// # Roles
///
/// On PostgreSQL the role that serves needs `USAGE` on the schema, `SELECT` on `oidc_migration`, and `SELECT`, `INSERT`, `UPDATE` and
/// `DELETE` on the other tables that begin with `oidc_`. Only [`migrate`](Self::migrate), and [`open`](Self::open) where there is
/// something to bring up to date, need to create tables.
///
/// # Upgrade and roll-back
///
/// First [`migrate`](Self::migrate), then the new processes: those of the release before go on working beside the newer tables, and
/// can be started again. A process refuses tables that are older than it needs ([`OpenError::OutOfDate`]).
#[derive(Clone)]
pub struct SqlOptions {
    url: Secret,
    max_connections: u32,
    acquire_timeout: Duration,
    connect_timeout: Duration,
    schema: Option<String>,
}

impl SqlOptions {
    /// The database at this URL, with 8 connections, 30 seconds to wait for one, 5 seconds for a server to answer, and the schema
    /// that the URL or the server says.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url.into()),
            max_connections: 8,
            acquire_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            schema: None,
        }
    }

    /// With at most so many connections of this process, at least one.
    #[must_use]
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// With this time to wait for a free connection, after which a request fails.
    #[must_use]
    pub fn acquire_timeout(mut self, time: Duration) -> Self {
        self.acquire_timeout = time;
        self
    }

    /// With this time for a server to answer at the start.
    #[must_use]
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }

    /// With this schema of PostgreSQL for the tables: the `search_path` of every connection, the application's statements
    /// included. A name of lower-case letters, digits and `_`. [`migrate`](Self::migrate) creates it where it is missing.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// Creates the tables that are missing and brings the others up to date; a file is created as well. What a newer release added is
    /// left alone. Several processes may do it at once.
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

    /// Opens a database whose tables are up to date, and changes none: it needs no right to. Tables of a newer release are up to
    /// date too.
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
            Ok(()) => Ok(SqlStore { database: Database::new(pool, target.is_sqlite) }),
            Err(error) => {
                pool.close().await;
                Err(error)
            }
        }
    }

    /// Does both: for a registry that is one process, with the rights of the tables' owner.
    ///
    /// # Errors
    ///
    /// As [`migrate`](Self::migrate) and [`connect`](Self::connect).
    pub async fn open(&self) -> Result<SqlStore, OpenError> {
        let target = self.target()?;
        let anchor = if target.is_memory { Some(anchor(&target.options).await?) } else { None };
        let pool = self.pool(&target, true).await?;
        match self.bring_up_to_date(&pool, &target).await {
            Ok(()) => Ok(SqlStore { database: Database::new(pool, target.is_sqlite).anchored(anchor) }),
            Err(error) => {
                // An unfinished migration's lock ends with its connection.
                pool.close().await;
                Err(error)
            }
        }
    }

    /// Changes nothing where all is up to date, which needs no right to.
    async fn bring_up_to_date(&self, pool: &AnyPool, target: &Target) -> Result<(), OpenError> {
        match schema::check(pool, target.is_sqlite).await {
            Err(OpenError::OutOfDate { .. }) => schema::migrate(pool, self.schema.as_deref()).await,
            checked => checked,
        }
    }

    fn target(&self) -> Result<Target, OpenError> {
        let mut options: AnyConnectOptions = self.url.expose().parse().map_err(|_| {
            OpenError::options("it is no URL; expected `sqlite:FILE` or `postgres://USER@HOST/DATABASE`")
        })?;
        let scheme = options.database_url.scheme();
        let is_sqlite = match scheme {
            "sqlite" if cfg!(feature = "sqlite") => true,
            "postgres" | "postgresql" if cfg!(feature = "postgres") => false,
            "sqlite" | "postgres" | "postgresql" => {
                return Err(OpenError::options(format!(
                    "this program was built without `{scheme}` databases; enable that feature of `oidc-exchange`"
                )));
            }
            _ => {
                return Err(OpenError::options(format!(
                    "there is no store for `{scheme}`; expected `sqlite` or `postgres`"
                )));
            }
        };
        if let Some(name) = &self.schema {
            if is_sqlite {
                return Err(OpenError::options("SQLite has no schemas; leave the schema out"));
            }
            let is_name = name.len() <= MAX_SCHEMA
                && name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !is_name {
                return Err(OpenError::options(
                    "the schema's name can't be used; expected lower-case letters, digits and `_`, at most 63",
                ));
            }
        }
        let url = &options.database_url;
        let is_memory = is_sqlite
            && (url.path() == ":memory:"
                || url.query_pairs().any(|(key, value)| key == "mode" && value == "memory"));
        if is_memory && !url.path().starts_with("file:") {
            // SQLite shares a database in memory between connections by such a name alone.
            let number = IN_MEMORY.fetch_add(1, Ordering::Relaxed);
            options = format!("sqlite:file:oidc-in-memory-{number}?mode=memory")
                .parse()
                .map_err(OpenError::connect)?;
        }
        Ok(Target { options, is_sqlite, is_memory })
    }

    /// A pool with one connection that works.
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
        // SQLite's connections to one database in memory don't wait for each other, they fail.
        let connections = if target.is_memory { 1 } else { self.max_connections };
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(self.acquire_timeout)
            .after_connect(move |connection, _| Box::pin(tune(connection, is_sqlite, schema.clone())));
        let pool = pool.connect_with(options).await.map_err(OpenError::connect)?;
        if is_sqlite {
            // Kept in the file, and set before a second connection exists: switching isn't covered by the busy timeout.
            pool.execute("PRAGMA journal_mode = WAL").await.map_err(OpenError::connect)?;
        }
        Ok(pool)
    }
}

impl fmt::Debug for SqlOptions {
    /// Leaves the URL out, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlOptions")
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// A connection that is never used, and so never lost: a database in memory is there as long as a connection to it.
async fn anchor(options: &AnyConnectOptions) -> Result<AnyPool, OpenError> {
    install_default_drivers();
    let pool =
        AnyPoolOptions::new().max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
    pool.connect_with(options.clone()).await.map_err(OpenError::connect)
}

/// A URL that was understood.
struct Target {
    options: AnyConnectOptions,
    is_sqlite: bool,
    is_memory: bool,
}

async fn tune(
    connection: &mut AnyConnection,
    is_sqlite: bool,
    schema: Option<String>,
) -> Result<(), sqlx::Error> {
    if is_sqlite {
        connection.execute(SQLITE_PRAGMAS).await?;
    }
    if let Some(schema) = schema {
        let query = sqlx::query("SELECT set_config('search_path', $1, false)").bind(schema);
        query.execute(connection).await?;
    }
    Ok(())
}

/// Whether a server answers. A pool would try again and again where none listens, and then not say why.
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

/// The database could not be opened or brought up to date.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL or another option can't be used.
    #[error("the database's options can't be used: {reason}")]
    Options {
        /// Why, without the URL.
        reason: String,
    },
    /// The database can't be reached, or refuses. The source says why.
    #[error("the database can't be opened")]
    Connect(#[source] Box<dyn Error + Send + Sync>),
    /// The tables are older than this release needs, or missing.
    #[error(
        "the tables are at version {found}, and this program needs version {needed}: bring them up to date \
         (`SqlOptions::migrate`), with a role that may create tables"
    )]
    OutOfDate {
        /// Their version; 0 where there are none.
        found: i64,
        /// The version that is needed.
        needed: i64,
    },
    /// The tables can't be brought up to date. The source says why.
    #[error("the database's tables can't be brought up to date")]
    Migrate(#[source] Box<dyn Error + Send + Sync>),
}

impl OpenError {
    fn options(reason: impl Into<String>) -> Self {
        Self::Options { reason: reason.into() }
    }

    fn memory() -> Self {
        Self::options(
            "a database in memory ends with the store that made it; only `SqlOptions::open` makes one",
        )
    }

    pub(super) fn connect(error: sqlx::Error) -> Self {
        Self::Connect(error.into())
    }
}

#[cfg(test)]
mod tests;
