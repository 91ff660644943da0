//! The tables: checking that they are up to date, and migrating them.
//!
//! Each migration leaves a database with which the previous release still works, so that processes of both
//! run side by side and the older one can be started again. A change that would break the previous release (a
//! column that is removed, or a new one without a default) takes two releases: the first stops using it, the
//! second makes the change.

use std::collections::BTreeSet;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AnyPool, AssertSqlSafe};

use super::migrations::migrator;
use super::open_error::OpenError;

/// The table with the migrations that ran. It is not sqlx's default, which the application may use itself.
const MIGRATIONS_TABLE: &str = "oidc_migration";

fn migrations() -> Migrator {
    let mut migrations = migrator();
    migrations.dangerous_set_table_name(MIGRATIONS_TABLE);
    // A newer release may have run further migrations, which leave this release's tables usable.
    migrations.set_ignore_missing(true);
    migrations
}

/// Checks that all migrations of this release ran.
pub(super) async fn check(pool: &AnyPool, is_sqlite: bool) -> Result<(), OpenError> {
    let ran = ran(pool, is_sqlite).await.map_err(OpenError::connect)?;
    let migrations = migrations();
    let ours = || migrations.iter().map(|migration| migration.version);
    let Some(missing) = ours().find(|version| !ran.contains(version)) else { return Ok(()) };
    let found = ran.range(..missing).next_back().copied().unwrap_or_default();
    Err(OpenError::OutOfDate { found, needed: ours().max().unwrap_or_default() })
}

/// The versions of the migrations that ran.
async fn ran(pool: &AnyPool, is_sqlite: bool) -> Result<BTreeSet<i64>, sqlx::Error> {
    let tables = if is_sqlite {
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1"
    } else {
        "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass($1)"
    };
    let tables: i64 = sqlx::query_scalar(tables).bind(MIGRATIONS_TABLE).fetch_one(pool).await?;
    if tables == 0 {
        return Ok(BTreeSet::new());
    }
    let statement = AssertSqlSafe(format!("SELECT version FROM {MIGRATIONS_TABLE} WHERE success"));
    Ok(sqlx::query_scalar(statement).fetch_all(pool).await?.into_iter().collect())
}

/// Runs the missing migrations, in a schema that is created where it is missing.
pub(super) async fn migrate(pool: &AnyPool, schema: Option<&str>) -> Result<(), OpenError> {
    let failed = |error: MigrateError| OpenError::Migrate(error.into());
    let mut migrations = migrations();
    if let Some(schema) = schema {
        let query = sqlx::query_scalar("SELECT COUNT(*) FROM pg_namespace WHERE nspname = $1").bind(schema);
        let schemas: i64 = query.fetch_one(pool).await.map_err(OpenError::connect)?;
        if schemas == 0 {
            migrations.create_schema(format!("\"{schema}\""));
        }
    }
    migrations.run(pool).await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those before the rule was made.
    const BEFORE: i64 = 5;

    #[test]
    fn a_migration_leaves_what_the_release_before_uses() {
        for migration in migrations().iter().filter(|migration| migration.version > BEFORE) {
            let statements: String =
                migration.sql.as_str().lines().filter(|line| !line.trim().starts_with("--")).collect();
            for statement in statements.to_ascii_uppercase().split(';') {
                let removes = ["DROP TABLE", "DROP COLUMN", "RENAME", "SET NOT NULL", "ALTER COLUMN"];
                let found = removes.iter().find(|words| statement.contains(**words));
                assert_eq!(found, None, "migration {}: {statement}", migration.version);
                let is_required = statement.contains("ADD COLUMN") && statement.contains("NOT NULL");
                assert!(
                    !is_required || statement.contains("DEFAULT"),
                    "migration {}: the release before inserts without it: {statement}",
                    migration.version
                );
            }
        }
    }
}
