//! Provenance in the database.

use oidc_core::Timestamp;
use oidc_exchange::server::StoreError;
use oidc_exchange::sql::{SqlStore, retry};
use sqlx::{AnyConnection, AssertSqlSafe};

/// The tables. `document` is what clients are told of a file, as JSON, and `origins` what its provenance proved. Instants are seconds since 1970.
pub(crate) const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS provenance (
        ecosystem TEXT NOT NULL,
        file TEXT NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (ecosystem, file)
    )",
    "CREATE TABLE IF NOT EXISTS provenance_origin (
        ecosystem TEXT NOT NULL,
        file TEXT NOT NULL,
        origins TEXT NOT NULL,
        PRIMARY KEY (ecosystem, file)
    )",
    "CREATE TABLE IF NOT EXISTS registry_key (
        keyid TEXT PRIMARY KEY,
        public TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT
    )",
];

/// A key that the registry has or had.
pub(super) struct Key {
    pub(super) keyid: String,
    /// A `SubjectPublicKeyInfo` in base64.
    pub(super) public: String,
    pub(super) expires_at: Option<i64>,
}

/// The provenance of a file, to be stored.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The answer to clients, as JSON.
    pub(crate) document: String,
    /// The origins that the publisher's attestations prove, as JSON; empty where there is the registry's own alone.
    pub(crate) origins: String,
}

/// Stores the provenance of a file, as a part of the transaction that publishes it.
pub(crate) async fn add(
    connection: &mut AnyConnection,
    ecosystem: &str,
    file: &str,
    stored: &Stored,
) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO provenance (ecosystem, file, document) VALUES ($1, $2, $3)";
    let query = sqlx::query(statement).bind(ecosystem).bind(file).bind(&stored.document);
    query.execute(&mut *connection).await?;
    if stored.origins.is_empty() {
        return Ok(());
    }
    let statement = "INSERT INTO provenance_origin (ecosystem, file, origins) VALUES ($1, $2, $3)";
    let query = sqlx::query(statement).bind(ecosystem).bind(file).bind(&stored.origins);
    query.execute(connection).await.map(|_| ())
}

/// The origins of those of these files that have any, as JSON.
pub(super) async fn origins(
    database: &SqlStore,
    ecosystem: &str,
    files: &[&str],
) -> Result<Vec<(String, String)>, sqlx::Error> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (2..files.len().saturating_add(2)).map(|place| format!("${place}")).collect();
    let statement = format!(
        "SELECT file, origins FROM provenance_origin WHERE ecosystem = $1 AND file IN ({})",
        places.join(", ")
    );
    let query = sqlx::query_as(AssertSqlSafe(statement)).bind(ecosystem);
    let query = files.iter().fold(query, |query, file| query.bind(*file));
    query.fetch_all(database.pool()).await
}

/// Returns `true` if a file has provenance.
pub(crate) async fn has(
    connection: &mut AnyConnection,
    ecosystem: &str,
    file: &str,
) -> Result<bool, sqlx::Error> {
    let statement = "SELECT file FROM provenance WHERE ecosystem = $1 AND file = $2";
    let query = sqlx::query_scalar::<_, String>(statement).bind(ecosystem).bind(file);
    Ok(query.fetch_optional(connection).await?.is_some())
}

/// The provenance of a file, if it has any.
pub(crate) async fn document(
    database: &SqlStore,
    ecosystem: &str,
    file: &str,
) -> Result<Option<String>, sqlx::Error> {
    // PostgreSQL takes no text with a NUL, so such a name is that of nothing.
    if file.contains('\0') {
        return Ok(None);
    }
    let statement = "SELECT document FROM provenance WHERE ecosystem = $1 AND file = $2";
    sqlx::query_scalar(statement).bind(ecosystem).bind(file).fetch_optional(database.pool()).await
}

/// Returns `true` if a key has not been replaced.
pub(crate) async fn is_in_use(connection: &mut AnyConnection, id: &str) -> Result<bool, sqlx::Error> {
    let statement = "SELECT keyid FROM registry_key WHERE keyid = $1 AND expires_at IS NULL";
    let query = sqlx::query_scalar::<_, String>(statement).bind(id);
    Ok(query.fetch_optional(connection).await?.is_some())
}

/// Makes a key the one in use; `false` where it was replaced before.
pub(super) async fn use_key(
    database: &SqlStore,
    id: &str,
    public: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    retry(|| use_key_once(database, id, public, now)).await
}

async fn use_key_once(
    database: &SqlStore,
    id: &str,
    public: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut write = database.begin().await?;
    let connection = write.connection();
    let add =
        "INSERT INTO registry_key (keyid, public, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let add = sqlx::query(add).bind(id).bind(public).bind(now.as_signed_secs());
    add.execute(&mut *connection).await?;
    let ended = "SELECT keyid FROM registry_key WHERE keyid = $1 AND expires_at IS NOT NULL";
    let ended = sqlx::query_scalar::<_, String>(ended).bind(id);
    if ended.fetch_optional(&mut *connection).await?.is_some() {
        return Ok(false);
    }
    // What was signed in this second was signed in time.
    let end = "UPDATE registry_key SET expires_at = $1 WHERE keyid <> $2 AND expires_at IS NULL";
    let end = sqlx::query(end).bind(now.as_signed_secs().saturating_add(1)).bind(id);
    end.execute(connection).await?;
    write.commit().await?;
    Ok(true)
}

/// All keys, the newest first.
pub(super) async fn keys(database: &SqlStore) -> Result<Vec<Key>, StoreError> {
    let statement = "SELECT keyid, public, expires_at FROM registry_key ORDER BY created_at DESC, keyid";
    let rows: Vec<(String, String, Option<i64>)> =
        sqlx::query_as(statement).fetch_all(database.pool()).await?;
    let key = |(keyid, public, expires_at)| Key { keyid, public, expires_at };
    Ok(rows.into_iter().map(key).collect())
}
