//! The choices of an administrator for a package on its pages, in addition to the configuration file.

use oidc_exchange::server::{Package, StoreError};
use oidc_exchange::sql::{SqlStore, retry};
use sqlx::AnyConnection;

/// The tables.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS registry_choice (
        ecosystem TEXT NOT NULL,
        package TEXT NOT NULL,
        trusted_only BIGINT NOT NULL,
        PRIMARY KEY (ecosystem, package)
    )",
    "CREATE TABLE IF NOT EXISTS registry_provenance_choice (
        ecosystem TEXT NOT NULL,
        package TEXT NOT NULL,
        required BIGINT NOT NULL,
        PRIMARY KEY (ecosystem, package)
    )",
];

/// A choice that is made for a package or not: the table and the column that keep it.
#[derive(Clone, Copy, Debug)]
enum Choice {
    TrustedOnly,
    ProvenanceRequired,
}

impl Choice {
    const fn select(self) -> &'static str {
        match self {
            Self::TrustedOnly => {
                "SELECT trusted_only FROM registry_choice WHERE ecosystem = $1 AND package = $2"
            }
            Self::ProvenanceRequired => {
                "SELECT required FROM registry_provenance_choice WHERE ecosystem = $1 AND package = $2"
            }
        }
    }

    const fn save(self) -> &'static str {
        match self {
            Self::TrustedOnly => {
                "INSERT INTO registry_choice (ecosystem, package, trusted_only) VALUES ($1, $2, $3)
                 ON CONFLICT (ecosystem, package) DO UPDATE SET trusted_only = excluded.trusted_only"
            }
            Self::ProvenanceRequired => {
                "INSERT INTO registry_provenance_choice (ecosystem, package, required) VALUES ($1, $2, $3)
                 ON CONFLICT (ecosystem, package) DO UPDATE SET required = excluded.required"
            }
        }
    }
}

/// Reads in a transaction the choice that only the package's trusted publishers publish it.
pub(super) async fn is_trusted_only(
    connection: &mut AnyConnection,
    package: &Package,
) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar(Choice::TrustedOnly.select()).bind(&package.ecosystem).bind(&package.name);
    let made: Option<i64> = query.fetch_optional(connection).await?;
    Ok(made == Some(1))
}

/// The choices for all packages. Clones share the database.
#[derive(Clone, Debug)]
pub(super) struct Choices(SqlStore);

impl Choices {
    pub(super) fn new(database: SqlStore) -> Self {
        Self(database)
    }

    /// Reads the choice that only the package's trusted publishers publish it.
    pub(super) async fn trusted_only(&self, ecosystem: &str, package: &str) -> Result<bool, StoreError> {
        self.is_made(Choice::TrustedOnly, (ecosystem, package)).await
    }

    pub(super) async fn set_trusted_only(
        &self,
        ecosystem: &str,
        package: &str,
        is_set: bool,
    ) -> Result<(), StoreError> {
        retry(|| self.set_once(Choice::TrustedOnly, (ecosystem, package), is_set)).await
    }

    /// Reads the choice that every version of the package needs provenance.
    pub(super) async fn provenance_required(
        &self,
        ecosystem: &str,
        package: &str,
    ) -> Result<bool, StoreError> {
        self.is_made(Choice::ProvenanceRequired, (ecosystem, package)).await
    }

    pub(super) async fn set_provenance_required(
        &self,
        ecosystem: &str,
        package: &str,
        is_set: bool,
    ) -> Result<(), StoreError> {
        retry(|| self.set_once(Choice::ProvenanceRequired, (ecosystem, package), is_set)).await
    }

    async fn is_made(&self, choice: Choice, (ecosystem, package): (&str, &str)) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar(choice.select()).bind(ecosystem).bind(package);
        let made: Option<i64> = query.fetch_optional(self.0.pool()).await?;
        Ok(made == Some(1))
    }

    async fn set_once(
        &self,
        choice: Choice,
        (ecosystem, package): (&str, &str),
        is_set: bool,
    ) -> Result<(), StoreError> {
        let mut write = self.0.begin().await?;
        let query = sqlx::query(choice.save()).bind(ecosystem).bind(package).bind(i64::from(is_set));
        query.execute(write.connection()).await?;
        write.commit().await
    }
}
