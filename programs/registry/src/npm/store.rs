//! Packages, versions, tarballs and tags in the database.

mod publish;
mod tags;

use std::collections::BTreeMap;
use std::ops::Range;

use axum::response::Response;
use oidc_core::Timestamp;
use oidc_exchange::server::{Package, StoreError};
use oidc_exchange::sql::SqlStore;
use serde_json::Value;

use super::access::Principal;
use super::name::{PackageName, Version};
use super::rows;
use super::stored::{Form, Outline, StoredVersion};
use crate::activation::activate;
use crate::blobs;
use crate::provenance;
use crate::turns::Turns;

/// The ecosystem's name in tables that several ecosystems share.
const NPM: &str = "npm";

/// The queries, over the shared database.
#[derive(Debug, Clone)]
pub(super) struct Store {
    database: SqlStore,
    turns: Turns,
}

impl Store {
    pub(super) fn new(database: SqlStore) -> Self {
        Self { database, turns: Turns::new() }
    }

    /// Adds the package unless it exists; returns `false` if it did. The pending publishers of an added package end.
    pub(super) async fn register(
        &self,
        name: &PackageName,
        public: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut write = self.database.begin().await?;
        let added = rows::add_package(write.connection(), name, public, now).await?;
        activate(&write, &package(name), &Principal::Admin, added).await?;
        write.commit().await?;
        Ok(added)
    }

    /// The visibility of the package, if it exists: `true` if it is public.
    pub(super) async fn visibility(&self, name: &PackageName) -> Result<Option<bool>, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT public FROM npm_package WHERE name = $1")
            .bind(name.as_str())
            .fetch_optional(self.database.pool())
            .await?;
        Ok(row.map(|(public,)| public != 0))
    }

    /// The package with its tags and the places of its versions. Tags are read first, so the version of each is among the
    /// versions.
    pub(super) async fn outline(&self, name: &PackageName) -> Result<Option<Outline>, StoreError> {
        let mut connection = self.database.pool().acquire().await?;
        let row: Option<(i64, i64, i64)> =
            sqlx::query_as("SELECT public, created_at, modified_at FROM npm_package WHERE name = $1")
                .bind(name.as_str())
                .fetch_optional(&mut *connection)
                .await?;
        let Some((public, created_at, modified_at)) = row else { return Ok(None) };
        Ok(Some(Outline {
            public: public != 0,
            created_at: rows::instant(created_at),
            modified_at: rows::instant(modified_at),
            tags: rows::tags(&mut connection, name).await?,
            sizes: rows::sizes(&mut connection, name).await?,
        }))
    }

    /// The versions at these positions, and when each was published.
    pub(super) async fn dates(
        &self,
        name: &PackageName,
        positions: Range<i64>,
    ) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let statement = "SELECT version, published_at FROM npm_version
             WHERE package = $1 AND position >= $2 AND position < $3 ORDER BY position";
        let query = sqlx::query_as(statement).bind(name.as_str()).bind(positions.start).bind(positions.end);
        let rows: Vec<(String, i64)> = query.fetch_all(self.database.pool()).await?;
        Ok(rows.into_iter().map(|(version, at)| (version, rows::instant(at))).collect())
    }

    /// The tags of a package.
    pub(super) async fn tags(&self, name: &PackageName) -> Result<BTreeMap<String, String>, StoreError> {
        rows::tags(&mut *self.database.pool().acquire().await?, name).await
    }

    /// The versions at these positions, in a form.
    pub(super) async fn versions(
        &self,
        name: &PackageName,
        form: Form,
        positions: Range<i64>,
    ) -> Result<Vec<StoredVersion>, StoreError> {
        let statement = rows::versions_in(form);
        let query = sqlx::query_as(statement).bind(name.as_str()).bind(positions.start).bind(positions.end);
        Ok(query.fetch_all(self.database.pool()).await?)
    }

    /// The version at a position, with as many characters of its manifest as given, from one of them on.
    pub(super) async fn part(
        &self,
        name: &PackageName,
        form: Form,
        position: i64,
        (from, characters): (i64, i64),
    ) -> Result<Option<StoredVersion>, StoreError> {
        let statement = rows::part_in(form);
        let query = sqlx::query_as(statement).bind(name.as_str()).bind(position);
        let query = query.bind(from.saturating_add(1)).bind(characters);
        Ok(query.fetch_optional(self.database.pool()).await?)
    }

    /// The members about the package that a version has.
    pub(super) async fn about(
        &self,
        name: &PackageName,
        version: &str,
    ) -> Result<Option<String>, StoreError> {
        let statement = "SELECT about FROM npm_version WHERE package = $1 AND version = $2";
        let query = sqlx::query_scalar(statement).bind(name.as_str()).bind(version);
        Ok(query.fetch_optional(self.database.pool()).await?)
    }

    /// The principal that published a version, if the version exists.
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
        row.map(|(principal,)| serde_json::from_str(&principal)).transpose().map_err(StoreError::new)
    }

    /// An answer with a version's tarball.
    pub(super) async fn tarball(
        &self,
        name: &PackageName,
        version: &Version,
    ) -> Result<Option<Response>, StoreError> {
        Ok(blobs::answer(&self.database, NPM, &rows::blob(name, version.as_str())).await?)
    }

    /// The document with a version's attestations that clients read, if it has any.
    pub(super) async fn attestations(
        &self,
        name: &PackageName,
        version: &Version,
    ) -> Result<Option<String>, StoreError> {
        let file = rows::blob(name, version.as_str());
        Ok(provenance::document(&self.database, NPM, &file).await?)
    }

    /// The document with the keys that the registry signs with or signed with, if it ever had one.
    pub(super) async fn keys(&self) -> Result<Option<Value>, StoreError> {
        provenance::listed(&self.database).await
    }
}

/// A package as the publishers' store knows it.
fn package(name: &PackageName) -> Package {
    Package::new(NPM, name.as_str())
}
