//! The tables of the audit, and those of an earlier release.

use sqlx::AnyConnection;

/// The tables.
pub(crate) const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS registry_event (id TEXT PRIMARY KEY, at BIGINT NOT NULL, ecosystem TEXT NOT NULL, \
     package TEXT, event TEXT NOT NULL, granted BIGINT NOT NULL DEFAULT 0, publisher TEXT)",
    "CREATE INDEX IF NOT EXISTS registry_event_in_order ON registry_event (at, id)",
    // Each kind of list has an order that no other kind's index gives, so that none is read in place of its own.
    "CREATE INDEX IF NOT EXISTS registry_event_outcome_order ON registry_event (granted, (at - 0), id)",
    "CREATE INDEX IF NOT EXISTS registry_event_package_order ON registry_event (ecosystem, package, (at + 0), id)",
    "CREATE INDEX IF NOT EXISTS registry_event_package_outcome_order ON registry_event \
     (ecosystem, package, granted, (at + 0), id)",
    "DROP INDEX IF EXISTS registry_event_by_outcome",
    "DROP INDEX IF EXISTS registry_event_of_package",
    "DROP INDEX IF EXISTS registry_event_of_package_by_outcome",
    "CREATE INDEX IF NOT EXISTS registry_event_by_publisher ON registry_event (publisher, at, id)",
    "CREATE TABLE IF NOT EXISTS registry_refusals (outcome TEXT PRIMARY KEY, refusals BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS registry_not_kept (what TEXT PRIMARY KEY, events BIGINT NOT NULL)",
];

/// The table of the release before, brought to the columns of this one.
const UPGRADE: &[&str] = &[
    "ALTER TABLE registry_event ADD COLUMN granted BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE registry_event ADD COLUMN publisher TEXT",
    // Within a text the quotes would be escaped.
    "UPDATE registry_event SET granted = 1 WHERE event LIKE '%\"outcome\":\"granted\"%'",
    "DROP INDEX IF EXISTS registry_event_by_time",
];

/// Adds the columns that the table of an earlier release lacks. The indexes of [`SCHEMA`] need them.
pub(crate) async fn upgrade(connection: &mut AnyConnection, is_sqlite: bool) -> Result<(), sqlx::Error> {
    let columns = if is_sqlite {
        "SELECT name FROM pragma_table_info('registry_event')"
    } else {
        "SELECT CAST(column_name AS TEXT) FROM information_schema.columns \
         WHERE table_name = 'registry_event' AND table_schema = current_schema()"
    };
    let columns: Vec<String> = sqlx::query_scalar(columns).fetch_all(&mut *connection).await?;
    if columns.is_empty() || columns.iter().any(|column| column == "granted") {
        return Ok(());
    }
    for statement in UPGRADE.iter().copied() {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use oidc_exchange::sql::SqlStore;

    #[tokio::test]
    async fn the_table_of_the_release_before_is_brought_along() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("registry.db").display());
        let before = SqlStore::open(&url).await.unwrap();
        for statement in [
            "CREATE TABLE registry_event (id TEXT PRIMARY KEY, at BIGINT NOT NULL, ecosystem TEXT NOT NULL, package TEXT, \
             event TEXT NOT NULL)",
            "CREATE INDEX registry_event_by_time ON registry_event (at)",
            r#"INSERT INTO registry_event VALUES ('a', 1, 'npm', 'x', '{"outcome":"granted"}')"#,
            r#"INSERT INTO registry_event VALUES ('b', 2, 'npm', 'x', '{"outcome":"malformed","reason":"\"outcome\":\"granted\""}')"#,
        ] {
            sqlx::query(statement).execute(before.pool()).await.unwrap();
        }
        drop(before);
        for _ in 0..2 {
            let database = crate::database::open(&url).await.unwrap();
            let query = sqlx::query_as("SELECT id, granted FROM registry_event ORDER BY id");
            let rows: Vec<(String, i64)> = query.fetch_all(database.pool()).await.unwrap();
            assert_eq!(rows, [("a".to_owned(), 1), ("b".to_owned(), 0)]);
        }
    }
}
