//! Packages, versions, tarballs and tags in the database.

use std::collections::BTreeMap;
use std::ops::Range;

use axum::response::Response;
use oidc_core::{Context, Timestamp};
use oidc_exchange::server::{Package, StoreError};
use oidc_exchange::sql::{SqlStore, retry};
use oidc_provenance::Refusal;
use serde_json::Value;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use super::access::Principal;
use super::document::Publication;
use super::name::{PackageName, Tag, Version};
use super::packument::Form;
use super::provenance::Vouched;
use super::rows;
use crate::activation::{activate, is_granted, published};
use crate::blobs;
use crate::provenance;
use crate::turns::Turns;

/// npm's tables. Instants are seconds since 1970; `public` is 0 or 1; `published_by` is a [`Principal`] as JSON. Versions are
/// counted from 0 (`position`); `manifest`, `abbreviated` and `about` are [`Texts`](super::manifest::Texts), and `size` is how
/// many bytes the longer two have. The tarball of a version is the blob `PACKAGE@VERSION`, and so is its provenance called.
/// `signatures` and `predicate_type` are what a [`Vouched`] has.
pub(crate) const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS npm_package (
        name TEXT PRIMARY KEY,
        public BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        modified_at BIGINT NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS npm_version (
        package TEXT NOT NULL REFERENCES npm_package (name),
        version TEXT NOT NULL,
        position BIGINT NOT NULL,
        manifest TEXT NOT NULL,
        abbreviated TEXT NOT NULL,
        about TEXT NOT NULL,
        size BIGINT NOT NULL,
        integrity TEXT NOT NULL,
        shasum TEXT NOT NULL,
        published_at BIGINT NOT NULL,
        published_by TEXT NOT NULL,
        PRIMARY KEY (package, version),
        UNIQUE (package, position)
    )",
    "CREATE TABLE IF NOT EXISTS npm_dist (
        package TEXT NOT NULL,
        version TEXT NOT NULL,
        signatures TEXT NOT NULL,
        predicate_type TEXT NOT NULL,
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

/// The ecosystem, as it is called in the tables that several share.
const NPM: &str = "npm";
/// The most versions of a package.
const MAX_VERSIONS: i64 = 10_000;
/// The most bytes of manifests that are served of a package.
const MAX_SERVED: i64 = 32 << 20;
/// The most tags of a package.
const MAX_TAGS: i64 = 500;

/// A package with its tags.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) public: bool,
    pub(super) created_at: Timestamp,
    pub(super) modified_at: Timestamp,
    pub(super) tags: BTreeMap<String, String>,
    /// The position of each version, and how many bytes are served of it.
    pub(super) sizes: Vec<(i64, i64)>,
}

/// A published version, without its tarball.
#[derive(Debug)]
pub(super) struct StoredVersion {
    pub(super) version: String,
    /// Members of a JSON object, as one of the forms has them.
    pub(super) manifest: String,
    pub(super) integrity: String,
    pub(super) shasum: String,
    /// The registry's signatures as JSON; empty without any.
    pub(super) signatures: String,
    /// The type of the provenance; empty without any.
    pub(super) predicate_type: String,
}

impl FromRow<'_, AnyRow> for StoredVersion {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            version: row.try_get("version")?,
            manifest: row.try_get("manifest")?,
            integrity: row.try_get("integrity")?,
            shasum: row.try_get("shasum")?,
            signatures: row.try_get("signatures")?,
            predicate_type: row.try_get("predicate_type")?,
        })
    }
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
    /// The package has as much as is served of one.
    Full(&'static str),
    /// The trusted publisher is gone, or was to create a package that exists by other means.
    NotTrusted,
    /// The publish token is no longer valid.
    TokenEnded,
    /// The version lacks provenance.
    Unproven(Refusal),
}

/// What became of a change of a tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tagged {
    /// The tag is set or removed, durably.
    Done,
    /// There is no such version or tag.
    Missing,
    /// The package has as many tags as one may have.
    TooMany,
    /// The trusted publisher is gone or pending.
    NotTrusted,
    /// The publish token is no longer valid.
    TokenEnded,
}

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

    /// Adds the package unless it is there; `false` if it was. Where it is added, its pending publishers end.
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

    /// Whether the package is public, if it exists.
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
        let statement = match form {
            Form::Full => {
                "SELECT version, manifest, integrity, shasum, COALESCE(signatures, '') AS signatures,
                     COALESCE(predicate_type, '') AS predicate_type
                 FROM npm_version LEFT JOIN npm_dist USING (package, version)
                 WHERE package = $1 AND position >= $2 AND position < $3 ORDER BY position"
            }
            Form::Abbreviated => {
                "SELECT version, abbreviated AS manifest, integrity, shasum, COALESCE(signatures, '') AS signatures,
                     COALESCE(predicate_type, '') AS predicate_type
                 FROM npm_version LEFT JOIN npm_dist USING (package, version)
                 WHERE package = $1 AND position >= $2 AND position < $3 ORDER BY position"
            }
        };
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
        let statement = match form {
            Form::Full => {
                "SELECT version, substr(manifest, CAST($3 AS INTEGER), CAST($4 AS INTEGER)) AS manifest,
                     integrity, shasum, COALESCE(signatures, '') AS signatures,
                     COALESCE(predicate_type, '') AS predicate_type
                 FROM npm_version LEFT JOIN npm_dist USING (package, version)
                 WHERE package = $1 AND position = $2"
            }
            Form::Abbreviated => {
                "SELECT version, substr(abbreviated, CAST($3 AS INTEGER), CAST($4 AS INTEGER)) AS manifest,
                     integrity, shasum, COALESCE(signatures, '') AS signatures,
                     COALESCE(predicate_type, '') AS predicate_type
                 FROM npm_version LEFT JOIN npm_dist USING (package, version)
                 WHERE package = $1 AND position = $2"
            }
        };
        let query = sqlx::query_as(statement).bind(name.as_str()).bind(position);
        let query = query.bind(from.saturating_add(1)).bind(characters);
        Ok(query.fetch_optional(self.database.pool()).await?)
    }

    /// What a version says of its package.
    pub(super) async fn about(
        &self,
        name: &PackageName,
        version: &str,
    ) -> Result<Option<String>, StoreError> {
        let statement = "SELECT about FROM npm_version WHERE package = $1 AND version = $2";
        let query = sqlx::query_scalar(statement).bind(name.as_str()).bind(version);
        Ok(query.fetch_optional(self.database.pool()).await?)
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
        row.map(|(principal,)| serde_json::from_str(&principal)).transpose().map_err(StoreError::new)
    }

    /// An answer that is a version's tarball.
    pub(super) async fn tarball(
        &self,
        name: &PackageName,
        version: &Version,
    ) -> Result<Option<Response>, StoreError> {
        Ok(blobs::answer(&self.database, NPM, &rows::blob(name, version.as_str())).await?)
    }

    /// The attestations of a version as clients are told of them, if it has any.
    pub(super) async fn attestations(
        &self,
        name: &PackageName,
        version: &Version,
    ) -> Result<Option<String>, StoreError> {
        let file = rows::blob(name, version.as_str());
        Ok(provenance::document(&self.database, NPM, &file).await?)
    }

    /// The keys that the registry signs with or signed with, as clients are told of them, if it ever had one.
    pub(super) async fn keys(&self) -> Result<Option<Value>, StoreError> {
        provenance::listed(&self.database).await
    }

    /// Stores a version with its tarball, tags and provenance: all of it, durably, or nothing.
    pub(super) async fn publish(
        &self,
        publication: &Publication,
        vouched: &Vouched,
        by: &Principal,
        cx: &Context,
    ) -> Result<Published, StoreError> {
        let _turn = self.turns.take().await;
        retry(|| self.publish_once(publication, vouched, by, cx)).await
    }

    async fn publish_once(
        &self,
        publication: &Publication,
        vouched: &Vouched,
        by: &Principal,
        cx: &Context,
    ) -> Result<Published, StoreError> {
        let mut write = self.database.begin().await?;
        let (name, now) = (&publication.name, cx.clock().now());
        let is_new =
            by.may_create() && rows::add_package(write.connection(), name, publication.public, now).await?;
        let by = &by.creating(is_new);
        if !rows::touch(write.connection(), name, now).await? {
            return Ok(Published::NoPackage);
        }
        if !activate(&write, &package(name), by, is_new).await? {
            return Ok(Published::NotTrusted);
        }
        let connection = write.connection();
        if rows::has_version(connection, name, &publication.version).await? {
            return Ok(Published::VersionExists);
        }
        if let Err(refusal) = vouched.check(self.had_provenance(connection, name).await?) {
            return Ok(Published::Unproven(refusal));
        }
        let (versions, served) = rows::served(connection, name).await?;
        let size = rows::size(publication);
        if versions >= MAX_VERSIONS {
            return Ok(Published::Full("10,000 versions"));
        }
        if served.saturating_add(size) > MAX_SERVED {
            return Ok(Published::Full("32 MB of manifests"));
        }
        rows::add_version(connection, publication, versions, by, now).await?;
        for tag in &publication.tags {
            rows::set_tag(connection, name, tag, &publication.version).await?;
        }
        rows::add_latest(connection, name, &publication.version).await?;
        if rows::count_tags(connection, name).await? > MAX_TAGS {
            return Ok(Published::Full("500 tags"));
        }
        let file = rows::blob(name, publication.version.as_str());
        blobs::add(connection, NPM, &file, &publication.tarball).await?;
        rows::add_dist(connection, publication, vouched).await?;
        if let Some(stored) = vouched.stored() {
            provenance::add(connection, NPM, &file, &stored).await?;
        }
        if !published(&write, &package(name), by, cx.clock().now()).await? {
            return Ok(Published::TokenEnded);
        }
        write.commit().await?;
        Ok(Published::Done)
    }

    /// Whether the version that was published last has provenance of a publisher's.
    async fn had_provenance(
        &self,
        connection: &mut AnyConnection,
        name: &PackageName,
    ) -> Result<bool, StoreError> {
        let Some(version) = rows::last_version(connection, name).await? else { return Ok(false) };
        let statement = "SELECT predicate_type FROM npm_dist WHERE package = $1 AND version = $2";
        let query = sqlx::query_scalar::<_, String>(statement).bind(name.as_str()).bind(version);
        Ok(query.fetch_optional(connection).await?.is_some_and(|predicate| !predicate.is_empty()))
    }

    /// Points `tag` to `version`.
    pub(super) async fn set_tag(
        &self,
        name: &PackageName,
        tag: &Tag,
        version: &Version,
        by: &Principal,
        cx: &Context,
    ) -> Result<Tagged, StoreError> {
        let _turn = self.turns.take().await;
        retry(|| self.set_tag_once(name, tag, version, by, cx)).await
    }

    async fn set_tag_once(
        &self,
        name: &PackageName,
        tag: &Tag,
        version: &Version,
        by: &Principal,
        cx: &Context,
    ) -> Result<Tagged, StoreError> {
        let mut write = self.database.begin().await?;
        if !activate(&write, &package(name), by, false).await? {
            return Ok(Tagged::NotTrusted);
        }
        let connection = write.connection();
        if !rows::has_version(connection, name, version).await? {
            return Ok(Tagged::Missing);
        }
        rows::touch(connection, name, cx.clock().now()).await?;
        rows::set_tag(connection, name, tag, version).await?;
        if rows::count_tags(connection, name).await? > MAX_TAGS {
            return Ok(Tagged::TooMany);
        }
        if !is_granted(&write, &package(name), by, cx.clock().now()).await? {
            return Ok(Tagged::TokenEnded);
        }
        write.commit().await?;
        Ok(Tagged::Done)
    }

    /// Removes `tag`.
    pub(super) async fn remove_tag(
        &self,
        name: &PackageName,
        tag: &Tag,
        by: &Principal,
        cx: &Context,
    ) -> Result<Tagged, StoreError> {
        let _turn = self.turns.take().await;
        retry(|| self.remove_tag_once(name, tag, by, cx)).await
    }

    async fn remove_tag_once(
        &self,
        name: &PackageName,
        tag: &Tag,
        by: &Principal,
        cx: &Context,
    ) -> Result<Tagged, StoreError> {
        let mut write = self.database.begin().await?;
        if !activate(&write, &package(name), by, false).await? {
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
        rows::touch(connection, name, cx.clock().now()).await?;
        if !is_granted(&write, &package(name), by, cx.clock().now()).await? {
            return Ok(Tagged::TokenEnded);
        }
        write.commit().await?;
        Ok(Tagged::Done)
    }
}

/// A package as the publishers' store knows it.
fn package(name: &PackageName) -> Package {
    Package::new("npm", name.as_str())
}
