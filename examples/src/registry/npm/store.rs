//! Packages, versions, tarballs and tags in the database.

use std::collections::BTreeMap;

use oidc_core::Timestamp;
use serde_json::{Map, Value};

use super::access::Principal;
use super::document::Publication;
use super::name::{PackageName, Tag, Version};
use super::rows;
use crate::registry::database::{Database, Write};
use crate::registry::settlement::Settlement;

/// npm's tables. Instants are seconds since 1970; `public` is 0 or 1; `published_by` is a [`Principal`] as JSON.
pub(in crate::registry) const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS npm_package (
        name TEXT PRIMARY KEY,
        public BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        modified_at BIGINT NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS npm_version (
        package TEXT NOT NULL REFERENCES npm_package (name),
        version TEXT NOT NULL,
        manifest TEXT NOT NULL,
        integrity TEXT NOT NULL,
        shasum TEXT NOT NULL,
        published_at BIGINT NOT NULL,
        published_by TEXT NOT NULL,
        PRIMARY KEY (package, version)
    )",
    "CREATE TABLE IF NOT EXISTS npm_tarball (
        package TEXT NOT NULL,
        version TEXT NOT NULL,
        content BYTES NOT NULL,
        PRIMARY KEY (package, version),
        FOREIGN KEY (package, version) REFERENCES npm_version (package, version)
    )",
    "CREATE TABLE IF NOT EXISTS npm_dist_tag (
        package TEXT NOT NULL,
        tag TEXT NOT NULL,
        version TEXT NOT NULL,
        PRIMARY KEY (package, tag),
        FOREIGN KEY (package, version) REFERENCES npm_version (package, version)
    )",
];

/// A database operation that failed. The source says why, for the log.
#[derive(Debug, thiserror::Error)]
#[error("the database refused")]
pub struct StoreError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self(error.into())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.into())
    }
}

/// A package with all that is published of it.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) public: bool,
    pub(super) created_at: Timestamp,
    pub(super) modified_at: Timestamp,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) versions: Vec<StoredVersion>,
}

/// A published version, without its tarball.
#[derive(Debug)]
pub(super) struct StoredVersion {
    pub(super) version: String,
    pub(super) manifest: Map<String, Value>,
    pub(super) integrity: String,
    pub(super) shasum: String,
    pub(super) published_at: Timestamp,
    pub(super) published_by: Principal,
}

/// What became of a publish.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Published {
    /// The version is stored, durably.
    Done,
    /// The package doesn't exist, and the principal may not create it.
    NoPackage,
    /// The version was there before.
    VersionExists,
    /// The trusted publisher is gone, or was to create a package that exists by other means.
    NotTrusted,
}

/// What became of a change of a tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tagged {
    /// The tag is set or removed, durably.
    Done,
    /// There is no such version or tag.
    Missing,
    /// The trusted publisher is gone or pending.
    NotTrusted,
}

/// The queries, over the shared database.
#[derive(Debug, Clone)]
pub(super) struct Store {
    database: Database,
    settlement: Option<Settlement>,
}

impl Store {
    pub(super) fn new(database: Database) -> Self {
        Self { database, settlement: None }
    }

    pub(super) fn with_settlement(self, settlement: Settlement) -> Self {
        Self { settlement: Some(settlement), ..self }
    }

    /// Adds the package unless it is there; `false` if it was. Where it is added, its pending publishers end.
    pub(super) async fn register(
        &self,
        name: &PackageName,
        public: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut write = self.database.write().await?;
        let added = rows::add_package(write.connection(), name, public, now).await?;
        self.settle(&mut write, name, &Principal::Admin, added).await?;
        write.commit().await?;
        Ok(added)
    }

    /// Whether the package is public, if it exists.
    pub(super) async fn visibility(&self, name: &PackageName) -> Result<Option<bool>, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT public FROM npm_package WHERE name = $1")
            .bind(name.as_str())
            .fetch_optional(self.database.pool())
            .await?;
        Ok(row.map(|(public,)| public != 0))
    }

    /// The package with its tags and versions. Tags are read first, so the version of each is among the versions.
    pub(super) async fn package(&self, name: &PackageName) -> Result<Option<Package>, StoreError> {
        let mut connection = self.database.pool().acquire().await?;
        let row: Option<(i64, i64, i64)> =
            sqlx::query_as("SELECT public, created_at, modified_at FROM npm_package WHERE name = $1")
                .bind(name.as_str())
                .fetch_optional(&mut *connection)
                .await?;
        let Some((public, created_at, modified_at)) = row else { return Ok(None) };
        Ok(Some(Package {
            public: public != 0,
            created_at: rows::instant(created_at),
            modified_at: rows::instant(modified_at),
            tags: rows::tags(&mut connection, name).await?,
            versions: rows::versions(&mut connection, name).await?,
        }))
    }

    /// Who published a version, if it is there.
    pub(super) async fn published_by(
        &self,
        name: &PackageName,
        version: &Version,
    ) -> Result<Option<Principal>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT published_by FROM npm_version WHERE package = $1 AND version = $2")
                .bind(name.as_str())
                .bind(version.as_str())
                .fetch_optional(self.database.pool())
                .await?;
        Ok(row.map(|(principal,)| serde_json::from_str(&principal)).transpose()?)
    }

    /// The bytes of a version's tarball.
    pub(super) async fn tarball(
        &self,
        name: &PackageName,
        version: &Version,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT content FROM npm_tarball WHERE package = $1 AND version = $2")
                .bind(name.as_str())
                .bind(version.as_str())
                .fetch_optional(self.database.pool())
                .await?;
        Ok(row.map(|(content,)| content))
    }

    /// Stores a version with its tarball and tags: all of it, durably, or nothing.
    pub(super) async fn publish(
        &self,
        publication: Publication,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Published, StoreError> {
        let mut write = self.database.write().await?;
        let name = &publication.name;
        let is_new =
            by.may_create() && rows::add_package(write.connection(), name, publication.public, now).await?;
        if !rows::touch(write.connection(), name, now).await? {
            return Ok(Published::NoPackage);
        }
        if !self.settle(&mut write, name, by, is_new).await? {
            return Ok(Published::NotTrusted);
        }
        let connection = write.connection();
        if !rows::add_version(connection, &publication, by, now).await? {
            return Ok(Published::VersionExists);
        }
        for tag in &publication.tags {
            rows::set_tag(connection, name, tag, &publication.version).await?;
        }
        rows::add_latest(connection, name, &publication.version).await?;
        rows::add_tarball(connection, publication).await?;
        write.commit().await?;
        Ok(Published::Done)
    }

    /// See [`Settlement::settle`].
    async fn settle(
        &self,
        write: &mut Write,
        name: &PackageName,
        by: &Principal,
        is_new: bool,
    ) -> Result<bool, StoreError> {
        let Some(settlement) = &self.settlement else { return Ok(true) };
        Ok(settlement.settle(write, "npm", name.as_str(), by, is_new).await?)
    }

    /// Points `tag` to `version`.
    pub(super) async fn set_tag(
        &self,
        name: &PackageName,
        tag: &Tag,
        version: &Version,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Tagged, StoreError> {
        let mut write = self.database.write().await?;
        if !self.settle(&mut write, name, by, false).await? {
            return Ok(Tagged::NotTrusted);
        }
        let connection = write.connection();
        if !rows::has_version(connection, name, version).await? {
            return Ok(Tagged::Missing);
        }
        rows::set_tag(connection, name, tag, version).await?;
        rows::touch(connection, name, now).await?;
        write.commit().await?;
        Ok(Tagged::Done)
    }

    /// Removes `tag`.
    pub(super) async fn remove_tag(
        &self,
        name: &PackageName,
        tag: &Tag,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Tagged, StoreError> {
        let mut write = self.database.write().await?;
        if !self.settle(&mut write, name, by, false).await? {
            return Ok(Tagged::NotTrusted);
        }
        let connection = write.connection();
        let removed = sqlx::query("DELETE FROM npm_dist_tag WHERE package = $1 AND tag = $2")
            .bind(name.as_str())
            .bind(tag.as_str())
            .execute(&mut *connection)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(Tagged::Missing);
        }
        rows::touch(connection, name, now).await?;
        write.commit().await?;
        Ok(Tagged::Done)
    }
}
