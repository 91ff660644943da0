//! Opening a database.

use std::io;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::{AnyConnection, Connection as _, Executor as _};

use super::database::Database;

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

/// The database could not be opened or brought up to date.
#[derive(Debug, thiserror::Error)]
#[error("the database can't be opened: {reason}")]
pub struct OpenError {
    reason: String,
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
        Ok(Self::new(pool, is_sqlite))
    }
}

#[cfg(test)]
mod tests;
