//! The packages and versions that pages show: a bounded number of rows by an index, whatever there is of them.

use axum::http::StatusCode;
use oidc_exchange::server::StoreError;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, FromRow, Row as _};

use super::Ui;
use super::refused::Refused;
use super::request::{Named, Visit};
use crate::config::Ecosystem;

/// The number of packages of a page.
pub(super) const PACKAGES: usize = 50;
/// The number of versions of a page.
pub(super) const VERSIONS: usize = 20;

/// Some rows, and whether there are more.
#[derive(Debug)]
pub(super) struct Rows<T> {
    pub(super) rows: Vec<T>,
    pub(super) has_more: bool,
}

impl<T> Rows<T> {
    /// The rows of a page, of a query for one row more.
    pub(super) fn of(mut rows: Vec<T>, page: usize) -> Self {
        let has_more = rows.len() > page;
        rows.truncate(page);
        Self { rows, has_more }
    }
}

/// The limit of a query for a page of rows: one more tells that there are more.
pub(super) fn limit(page: usize) -> i64 {
    i64::try_from(page).unwrap_or(i64::MAX).saturating_add(1)
}

/// A version, or where versions have several files, one of them.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) position: i64,
    pub(super) version: String,
    /// The file's name, where it is of interest.
    pub(super) file: String,
    /// The content's digest.
    pub(super) digest: String,
    /// Seconds since 1970.
    pub(super) published_at: i64,
    /// A principal, as JSON.
    pub(super) published_by: String,
}

impl FromRow<'_, AnyRow> for Version {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            position: row.try_get("position")?,
            version: row.try_get("version")?,
            file: row.try_get("file")?,
            digest: row.try_get("digest")?,
            published_at: row.try_get("published_at")?,
            published_by: row.try_get("published_by")?,
        })
    }
}

/// The existence of a package of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existence {
    Absent,
    /// There for whoever is logged in.
    Private,
    Public,
    /// No package, but the beginning of names.
    Prefix,
}

impl Ui {
    fn pool(&self) -> &AnyPool {
        self.0.store.pool()
    }

    /// Reads whether a package of this name exists, and who may see it.
    pub(super) async fn existence(&self, named: &Named) -> Result<Existence, StoreError> {
        if named.is_prefix() {
            return Ok(Existence::Prefix);
        }
        let public: Option<i64> = match named.ecosystem {
            Ecosystem::Npm => {
                let query = sqlx::query_scalar("SELECT public FROM npm_package WHERE name = $1");
                query.bind(&named.name).fetch_optional(self.pool()).await?
            }
            _ => hosted_exists(self.pool(), named).await?,
        };
        Ok(match public {
            None => Existence::Absent,
            Some(0) => Existence::Private,
            Some(_) => Existence::Public,
        })
    }

    /// Some packages of an ecosystem in the order of their names, behind `after`; private ones for whoever is logged in.
    pub(super) async fn packages(
        &self,
        ecosystem: Ecosystem,
        after: &str,
        with_private: bool,
    ) -> Result<Rows<String>, StoreError> {
        let query = match ecosystem {
            Ecosystem::Npm => sqlx::query_scalar(
                "SELECT name FROM npm_package WHERE name > $1 AND public >= $2 ORDER BY name LIMIT $3",
            )
            .bind(after)
            .bind(i64::from(!with_private)),
            other => sqlx::query_scalar(
                "SELECT name FROM hosted_package WHERE ecosystem = $1 AND name > $2 ORDER BY name LIMIT $3",
            )
            .bind(other.as_str())
            .bind(after),
        };
        Ok(Rows::of(query.bind(limit(PACKAGES)).fetch_all(self.pool()).await?, PACKAGES))
    }

    /// Some versions of a package, the latest first, from before `position`.
    pub(super) async fn versions(&self, named: &Named, before: i64) -> Result<Rows<Version>, StoreError> {
        let query = match named.ecosystem {
            Ecosystem::Npm => sqlx::query_as(
                "SELECT position, version, '' AS file, integrity AS digest, published_at, published_by
                 FROM npm_version WHERE package = $1 AND position < $2 ORDER BY position DESC LIMIT $3",
            )
            .bind(&named.name)
            .bind(before)
            .bind(limit(VERSIONS)),
            other => sqlx::query_as(
                "SELECT position, version, name AS file, sha256 AS digest, published_at, published_by
                 FROM hosted_file WHERE package = $1 AND position < $2 AND ecosystem = $4
                 ORDER BY position DESC LIMIT $3",
            )
            .bind(&named.name)
            .bind(before)
            .bind(limit(VERSIONS))
            .bind(other.as_str()),
        };
        Ok(Rows::of(query.fetch_all(self.pool()).await?, VERSIONS))
    }
}

impl Visit {
    /// Refuses what is about a package that is not there.
    pub(super) async fn existing(&self, named: &Named) -> Result<(), Refused> {
        match self.ui.existence(named).await.map_err(|error| self.failed(&error))? {
            Existence::Public | Existence::Private => Ok(()),
            Existence::Absent | Existence::Prefix => {
                let message = "this package is not in this registry";
                Err(self.refused(StatusCode::NOT_FOUND, "No such package", message))
            }
        }
    }
}

async fn hosted_exists(pool: &AnyPool, named: &Named) -> Result<Option<i64>, sqlx::Error> {
    let statement = "SELECT CAST(1 AS BIGINT) FROM hosted_package WHERE ecosystem = $1 AND name = $2";
    let query = sqlx::query_scalar(statement).bind(named.ecosystem.as_str()).bind(&named.name);
    query.fetch_optional(pool).await
}
