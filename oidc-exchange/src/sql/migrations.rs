//! The migrations, in the order in which they run.
//!
//! They are listed here and not read by `sqlx::migrate!`, since sqlx's macros would build every database driver once more, for the
//! compiler's own use.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// The migrations: version, description and statements.
const MIGRATIONS: [(i64, &str, &str); 10] = [
    (1, "stores", include_str!("migrations/1_stores.sql")),
    (2, "latest", include_str!("migrations/2_latest.sql")),
    (3, "purged", include_str!("migrations/3_purged.sql")),
    (4, "ids", include_str!("migrations/4_ids.sql")),
    (5, "regular first", include_str!("migrations/5_regular_first.sql")),
    (6, "accounts", include_str!("migrations/6_accounts.sql")),
    (7, "lapse", include_str!("migrations/7_lapse.sql")),
    (8, "package turn", include_str!("migrations/8_package_turn.sql")),
    (9, "prefixes", include_str!("migrations/9_prefixes.sql")),
    (10, "token of one", include_str!("migrations/10_token_of_one.sql")),
];

/// The migrations, which sqlx has not run yet.
pub(super) fn migrator() -> Migrator {
    let migration = |(version, description, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.into_iter().map(migration).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_under_its_name() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql/migrations");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let found: Vec<_> =
            files.map(|file| (file.clone(), std::fs::read_to_string(file).unwrap())).collect();
        let listed = MIGRATIONS.map(|(version, description, sql)| {
            let name = format!("{version}_{}.sql", description.replace(' ', "_"));
            (std::path::Path::new(folder).join(name), sql.to_owned())
        });
        for migration in &listed {
            assert!(
                found.contains(migration),
                "{} is not a file with these statements",
                migration.0.display()
            );
        }
        assert_eq!(found.len(), listed.len());
    }

    #[test]
    fn a_migration_keeps_the_checksum_that_databases_have() {
        let migrator = migrator();
        let first: String =
            migrator.migrations[0].checksum.iter().map(|byte| format!("{byte:02x}")).collect();
        let recorded = "d76a02ffb18818786c12540def59c7e0c04e3db93d5fbb349ba36cd88bb3eaef28cf5832ee7ed3ee87e1a5ae63115f81";
        assert_eq!(first, recorded);
    }
}
