//! The registry's tables, in the database of the library's stores.
//!
//! Each ecosystem keeps its statements beside its code and its tables under its own prefix (`npm_`). The library's own
//! tables live in the same database under `oidc_`, and the library's connections and transactions are used for both.

use std::error::Error;

use data_encoding::HEXLOWER;
use oidc_exchange::server::StoreError;
use oidc_exchange::sql::{self, SqlOptions, SqlStore};
use sha2::{Digest as _, Sha256};
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

/// The releases whose tables are here, by the digest of the statements that create them. A release whose digest is listed
/// opens the database without the right to create tables, also after a newer one has added to it.
const RELEASES: &str = "CREATE TABLE IF NOT EXISTS registry_schema (digest TEXT PRIMARY KEY)";

/// An error of opening or preparing the database; the source is the reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The database can't be used.
    #[error(transparent)]
    Open(sql::OpenError),
    /// The database can't be read.
    #[error("the registry's tables can't be examined")]
    Examine(#[source] StoreError),
    /// The tables are missing or older, and the role may not change them.
    #[error(
        "the tables are not those of this release and can't be brought up to date; `registry migrate` does it, with a role \
         that may create tables"
    )]
    Migrate(#[source] Box<dyn Error + Send + Sync>),
}

impl From<sql::OpenError> for OpenError {
    fn from(error: sql::OpenError) -> Self {
        match error {
            sql::OpenError::Migrate(reason) => Self::Migrate(reason),
            error => Self::Open(error),
        }
    }
}

/// Opens the database at `url` (`sqlite:registry.db`, created when missing, or `postgres://…`) and brings its tables up to
/// date. Where they are up to date, a role suffices that may only read and write rows.
///
/// # Errors
///
/// When the URL names no known kind of database, the database can't be reached or written, or its tables are not those of
/// this release and the role may not change them.
pub async fn open(url: &str) -> Result<SqlStore, OpenError> {
    let store = SqlOptions::new(url).max_connections(MAX_CONNECTIONS).open().await?;
    let digest = digest();
    if !sql::retry(|| has_release(&store, &digest)).await.map_err(OpenError::Examine)? {
        sql::retry(|| create_tables(&store, &digest))
            .await
            .map_err(|error| OpenError::Migrate(error.into()))?;
    }
    Ok(store)
}

/// Returns the digest of the statements that create this release's tables.
fn digest() -> String {
    let mut digest = Sha256::new();
    for statement in SCHEMAS.iter().copied().flatten() {
        digest.update(statement);
    }
    HEXLOWER.encode(&digest.finalize())
}

async fn has_release(store: &SqlStore, digest: &str) -> Result<bool, StoreError> {
    let mut transaction = store.begin().await?;
    let connection = transaction.connection();
    let tables = match connection.backend_name() {
        "SQLite" => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'registry_schema'",
        _ => "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('registry_schema')",
    };
    if sqlx::query_scalar::<_, i64>(tables).fetch_one(&mut *connection).await? == 0 {
        return Ok(false);
    }
    let query = sqlx::query_scalar("SELECT COUNT(*) FROM registry_schema WHERE digest = $1").bind(digest);
    let found: i64 = query.fetch_one(connection).await?;
    Ok(found > 0)
}

async fn create_tables(store: &SqlStore, digest: &str) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let connection = transaction.connection();
    let is_sqlite = connection.backend_name() == "SQLite";
    if !is_sqlite {
        connection.execute(LOCK_SCHEMA).await?;
    }
    audit::upgrade(connection, is_sqlite).await?;
    for statement in SCHEMAS.iter().copied().flatten().chain([&RELEASES]) {
        let statement = statement.replace("BYTES", if is_sqlite { "BLOB" } else { "BYTEA" });
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    let release = "INSERT INTO registry_schema (digest) VALUES ($1) ON CONFLICT (digest) DO NOTHING";
    sqlx::query(release).bind(digest).execute(connection).await?;
    transaction.commit().await
}
