//! What an administrator chose for a package on its pages, beside what the configuration file says.

use oidc_exchange::server::StoreError;
use oidc_exchange::sql::{SqlStore, retry};

/// The table.
pub(super) const SCHEMA: &[&str] = &["CREATE TABLE IF NOT EXISTS registry_choice (
        ecosystem TEXT NOT NULL,
        package TEXT NOT NULL,
        trusted_only BIGINT NOT NULL,
        PRIMARY KEY (ecosystem, package)
    )"];

/// The choices for all packages. Clones share the database.
#[derive(Clone, Debug)]
pub(super) struct Choices(SqlStore);

impl Choices {
    pub(super) fn new(database: SqlStore) -> Self {
        Self(database)
    }

    /// Whether the package's trusted publishers alone publish it.
    pub(super) async fn trusted_only(&self, ecosystem: &str, package: &str) -> Result<bool, StoreError> {
        let statement = "SELECT trusted_only FROM registry_choice WHERE ecosystem = $1 AND package = $2";
        let query = sqlx::query_scalar(statement).bind(ecosystem).bind(package);
        let chosen: Option<i64> = query.fetch_optional(self.0.pool()).await?;
        Ok(chosen == Some(1))
    }

    pub(super) async fn set_trusted_only(
        &self,
        ecosystem: &str,
        package: &str,
        is_set: bool,
    ) -> Result<(), StoreError> {
        retry(|| self.set_once(ecosystem, package, is_set)).await
    }

    async fn set_once(&self, ecosystem: &str, package: &str, is_set: bool) -> Result<(), StoreError> {
        let mut write = self.0.begin().await?;
        let statement = "INSERT INTO registry_choice (ecosystem, package, trusted_only) VALUES ($1, $2, $3)
             ON CONFLICT (ecosystem, package) DO UPDATE SET trusted_only = excluded.trusted_only";
        let query = sqlx::query(statement).bind(ecosystem).bind(package).bind(i64::from(is_set));
        query.execute(write.connection()).await?;
        write.commit().await
    }
}
