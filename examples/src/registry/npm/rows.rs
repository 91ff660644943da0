//! The single statements that the store's transactions are made of.

use std::collections::BTreeMap;

use oidc_core::Timestamp;
use sqlx::AnyConnection;

use super::access::Principal;
use super::document::Publication;
use super::name::{PackageName, Tag, Version};
use super::store::{StoreError, StoredVersion};

pub(super) async fn add_package(
    connection: &mut AnyConnection,
    name: &PackageName,
    public: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let added = sqlx::query(
        "INSERT INTO npm_package (name, public, created_at, modified_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(name.as_str())
    .bind(i64::from(public))
    .bind(now.as_signed_secs())
    .bind(now.as_signed_secs())
    .execute(connection)
    .await?;
    Ok(added.rows_affected() > 0)
}

/// Notes that the package changed; `false` if it doesn't exist.
pub(super) async fn touch(
    connection: &mut AnyConnection,
    name: &PackageName,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let touched = sqlx::query("UPDATE npm_package SET modified_at = $1 WHERE name = $2")
        .bind(now.as_signed_secs())
        .bind(name.as_str())
        .execute(connection)
        .await?;
    Ok(touched.rows_affected() > 0)
}

/// Adds the version, without its tarball; `false` if it was there.
pub(super) async fn add_version(
    connection: &mut AnyConnection,
    publication: &Publication,
    by: &Principal,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let added = sqlx::query(
        "INSERT INTO npm_version (package, version, manifest, integrity, shasum, published_at, published_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(publication.name.as_str())
    .bind(publication.version.as_str())
    .bind(serde_json::to_string(&publication.manifest)?)
    .bind(publication.integrity.as_str())
    .bind(publication.shasum.as_str())
    .bind(now.as_signed_secs())
    .bind(serde_json::to_string(by)?)
    .execute(connection)
    .await?;
    Ok(added.rows_affected() > 0)
}

pub(super) async fn add_tarball(
    connection: &mut AnyConnection,
    publication: Publication,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO npm_tarball (package, version, content) VALUES ($1, $2, $3)")
        .bind(publication.name.as_str())
        .bind(publication.version.as_str())
        .bind(publication.tarball)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn has_version(
    connection: &mut AnyConnection,
    name: &PackageName,
    version: &Version,
) -> Result<bool, StoreError> {
    let row: Option<(String,)> =
        sqlx::query_as("SELECT version FROM npm_version WHERE package = $1 AND version = $2")
            .bind(name.as_str())
            .bind(version.as_str())
            .fetch_optional(connection)
            .await?;
    Ok(row.is_some())
}

pub(super) async fn set_tag(
    connection: &mut AnyConnection,
    name: &PackageName,
    tag: &Tag,
    version: &Version,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO npm_dist_tag (package, tag, version) VALUES ($1, $2, $3)
         ON CONFLICT (package, tag) DO UPDATE SET version = excluded.version",
    )
    .bind(name.as_str())
    .bind(tag.as_str())
    .bind(version.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives the package's first version the tag `latest`, whatever tag it was published with, as npmjs does: clients
/// can't read a package without it.
pub(super) async fn add_latest(
    connection: &mut AnyConnection,
    name: &PackageName,
    version: &Version,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO npm_dist_tag (package, tag, version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(name.as_str())
    .bind(Tag::LATEST)
    .bind(version.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn tags(
    connection: &mut AnyConnection,
    name: &PackageName,
) -> Result<BTreeMap<String, String>, StoreError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT tag, version FROM npm_dist_tag WHERE package = $1")
            .bind(name.as_str())
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().collect())
}

pub(super) async fn versions(
    connection: &mut AnyConnection,
    name: &PackageName,
) -> Result<Vec<StoredVersion>, StoreError> {
    let rows: Vec<(String, String, String, String, i64, String)> = sqlx::query_as(
        "SELECT version, manifest, integrity, shasum, published_at, published_by
         FROM npm_version WHERE package = $1 ORDER BY published_at, version",
    )
    .bind(name.as_str())
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(stored_version).collect()
}

fn stored_version(
    (version, manifest, integrity, shasum, published_at, published_by): (
        String,
        String,
        String,
        String,
        i64,
        String,
    ),
) -> Result<StoredVersion, StoreError> {
    Ok(StoredVersion {
        version,
        manifest: serde_json::from_str(&manifest)?,
        integrity,
        shasum,
        published_at: instant(published_at),
        published_by: serde_json::from_str(&published_by)?,
    })
}

/// The instant that a column holds.
pub(super) fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_secs(u64::try_from(seconds).unwrap_or_default())
}
