//! Packages and their files in the database.

mod publish;
#[cfg(test)]
mod tests;

use std::ops::Range;

use axum::response::Response;
use oidc_core::Timestamp;
use oidc_exchange::server::{Package, StoreError};
use oidc_exchange::sql::SqlStore;
use sqlx::AnyConnection;

use super::upload::File;
use crate::activation::activate;
use crate::authorize::Principal;
use crate::blobs;
use crate::pieces::PIECE;
use crate::provenance;
use crate::turns::Turns;

/// The number of packages that are read together. As many of them are taken as fit into a piece of an answer.
const PACKAGES: i64 = 8;

/// The queries of one ecosystem, over the shared database.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pub(super) ecosystem: &'static str,
    pub(super) database: SqlStore,
    turns: Turns,
}

impl Store {
    pub(super) fn new(ecosystem: &'static str, database: SqlStore) -> Self {
        Self { ecosystem, database, turns: Turns::new() }
    }

    /// Adds a package without files, unless it exists. The pending publishers of an added package end.
    pub(super) async fn register(&self, package: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut write = self.database.begin().await?;
        let added = self.add_package(write.connection(), package, now).await?;
        activate(&write, &self.package(package), &Principal::Admin, added).await?;
        write.commit().await
    }

    fn package(&self, name: &str) -> Package {
        Package::new(self.ecosystem, name)
    }

    async fn add_package(
        &self,
        connection: &mut AnyConnection,
        package: &str,
        now: Timestamp,
    ) -> Result<bool, sqlx::Error> {
        let statement = "INSERT INTO hosted_package (ecosystem, name, folded, listed, created_at)
             VALUES ($1, $2, $3, '', $4) ON CONFLICT DO NOTHING";
        let query = sqlx::query(statement).bind(self.ecosystem).bind(package).bind(folded(package));
        Ok(query.bind(now.as_signed_secs()).execute(connection).await?.rows_affected() > 0)
    }

    /// Some packages that have files, in the order of their names, behind `name`, each with its index line. At least one is read,
    /// however long its line is.
    pub(super) async fn packages_after(&self, name: &str) -> Result<Vec<(String, String)>, sqlx::Error> {
        let query = sqlx::query_as(PACKAGES_AFTER).bind(self.ecosystem).bind(name).bind(PACKAGES).bind(PIECE);
        query.fetch_all(self.database.pool()).await
    }

    /// The positions of a package's files, oldest first, each with the file's size in an index.
    pub(super) async fn positions(&self, package: &str) -> Result<Vec<(i64, i64)>, sqlx::Error> {
        let statement = "SELECT position, size FROM hosted_file
             WHERE ecosystem = $1 AND package = $2 ORDER BY position";
        let query = sqlx::query_as(statement).bind(self.ecosystem).bind(text(package));
        query.fetch_all(self.database.pool()).await
    }

    /// The versions of a package's files at these positions, oldest first.
    pub(super) async fn versions(
        &self,
        package: &str,
        positions: Range<i64>,
    ) -> Result<Vec<String>, sqlx::Error> {
        let statement = "SELECT version FROM hosted_file
             WHERE ecosystem = $1 AND package = $2 AND position >= $3 AND position < $4 ORDER BY position";
        let query = sqlx::query_scalar(statement).bind(self.ecosystem).bind(text(package));
        query.bind(positions.start).bind(positions.end).fetch_all(self.database.pool()).await
    }

    /// A package's files at these positions, oldest first.
    pub(super) async fn files(&self, package: &str, positions: Range<i64>) -> Result<Vec<File>, sqlx::Error> {
        let mut connection = self.database.pool().acquire().await?;
        self.files_on(&mut connection, package, positions).await
    }

    async fn files_on(
        &self,
        connection: &mut AnyConnection,
        package: &str,
        positions: Range<i64>,
    ) -> Result<Vec<File>, sqlx::Error> {
        let statement = "SELECT name, sha256, metadata, published_at FROM hosted_file
             WHERE ecosystem = $1 AND package = $2 AND position >= $3 AND position < $4 ORDER BY position";
        let query = sqlx::query_as(statement).bind(self.ecosystem).bind(text(package));
        query.bind(positions.start).bind(positions.end).fetch_all(connection).await
    }

    /// An answer with a file's content, if the file exists.
    pub(super) async fn content(&self, name: &str) -> Result<Option<Response>, sqlx::Error> {
        match text(name) {
            Some(name) => blobs::answer(&self.database, self.ecosystem, name).await,
            None => Ok(None),
        }
    }

    /// A file's sidecar, if it has one.
    pub(super) async fn sidecar(&self, name: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
        let statement = "SELECT content FROM hosted_beside WHERE ecosystem = $1 AND name = $2";
        sqlx::query_scalar(statement)
            .bind(self.ecosystem)
            .bind(text(name))
            .fetch_optional(self.database.pool())
            .await
    }

    /// The principal that published a file, as JSON, if the file exists.
    pub(super) async fn published_by(&self, name: &str) -> Result<Option<String>, sqlx::Error> {
        let statement = "SELECT published_by FROM hosted_file WHERE ecosystem = $1 AND name = $2";
        sqlx::query_scalar(statement)
            .bind(self.ecosystem)
            .bind(text(name))
            .fetch_optional(self.database.pool())
            .await
    }

    /// The document about a file's provenance that clients read, if the file has provenance.
    pub(super) async fn provenance(&self, name: &str) -> Result<Option<String>, sqlx::Error> {
        provenance::document(&self.database, self.ecosystem, name).await
    }
}

/// The limit changes nothing but the plan: without it, SQLite (3.51) joins the tables, and looks for each package among the files of
/// all packages behind the first name.
const PACKAGES_AFTER: &str = "SELECT name, listed FROM (
         SELECT name, listed, SUM(LENGTH(listed)) OVER (ORDER BY name) AS total FROM (
             SELECT name, listed FROM hosted_package
             WHERE ecosystem = $1 AND name > $2
                 AND EXISTS (SELECT 1 FROM hosted_file
                     WHERE hosted_file.ecosystem = hosted_package.ecosystem
                         AND hosted_file.package = hosted_package.name LIMIT 1)
             ORDER BY name LIMIT $3
         ) AS next
     ) AS summed
     WHERE total <= $4 OR total = LENGTH(listed) ORDER BY name";

/// A name from outside, to be looked up. PostgreSQL takes no text with a NUL, so a name with one is never found.
fn text(name: &str) -> Option<&str> {
    (!name.contains('\0')).then_some(name)
}

/// A package's name without the difference of case.
fn folded(package: &str) -> String {
    package.to_ascii_lowercase()
}
