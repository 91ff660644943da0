//! The registry's tables, in the database of the library's stores.
//!
//! Each ecosystem keeps its statements beside its code and its tables under its own prefix (`npm_`). The library's own
//! tables live in the same database under `oidc_`, and the library's connections and transactions are used for both.

use oidc_exchange::server::StoreError;
use oidc_exchange::sql::{self, SqlOptions, SqlStore};
use sqlx::{AssertSqlSafe, Executor as _};

use super::{audit, blobs, choices, hosting, npm, provenance};

/// The tables of every ecosystem, created when they are missing. `BYTES` stands for the database's own binary type.
const SCHEMAS: &[&[&str]] =
    &[blobs::SCHEMA, npm::SCHEMA, hosting::SCHEMA, provenance::SCHEMA, audit::SCHEMA, choices::SCHEMA];

/// PostgreSQL's `CREATE TABLE IF NOT EXISTS` fails where another process creates the same table at this moment. The number
/// says that it is this registry's tables.
const LOCK_SCHEMA: &str = "SELECT pg_advisory_xact_lock(7209061735212)";

/// Connections of this process: what the changes of four ecosystems take at most, and eight for exchanges and reads.
const MAX_CONNECTIONS: u32 = 16;

/// The database could not be opened or prepared; the source says why.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The library's part of it.
    #[error(transparent)]
    Open(#[from] sql::OpenError),
    /// The registry's tables.
    #[error("cannot create the registry's tables")]
    Tables(#[from] StoreError),
}

/// Opens the database at `url` (`sqlite:registry.db`, created when missing, or `postgres://…`) and creates the tables
/// it lacks.
///
/// # Errors
///
/// The URL names no known kind of database, or the database can't be reached or written.
pub async fn open(url: &str) -> Result<SqlStore, OpenError> {
    let store = SqlOptions::new(url).max_connections(MAX_CONNECTIONS).open().await?;
    sql::retry(|| create_tables(&store)).await?;
    Ok(store)
}

async fn create_tables(store: &SqlStore) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let connection = transaction.connection();
    let is_sqlite = connection.backend_name() == "SQLite";
    if !is_sqlite {
        connection.execute(LOCK_SCHEMA).await?;
    }
    audit::upgrade(connection, is_sqlite).await?;
    for statement in SCHEMAS.iter().copied().flatten() {
        let statement = statement.replace("BYTES", if is_sqlite { "BLOB" } else { "BYTEA" });
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    transaction.commit().await
}
