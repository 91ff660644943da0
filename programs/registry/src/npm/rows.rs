//! The single statements that the store's transactions are made of.

use std::collections::BTreeMap;

use oidc_core::Timestamp;
use oidc_exchange::server::StoreError;
use sqlx::AnyConnection;

use super::access::Principal;
use super::document::Publication;
use super::manifest::{Texts, npm_user};
use super::name::{PackageName, Tag, Version};
use super::provenance::Vouched;
use super::stored::Form;

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

/// The number of a package's versions, and the size of their manifests in bytes.
pub(super) async fn served(
    connection: &mut AnyConnection,
    name: &PackageName,
) -> Result<(i64, i64), StoreError> {
    let statement =
        "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM npm_version WHERE package = $1";
    Ok(sqlx::query_as(statement).bind(name.as_str()).fetch_one(connection).await?)
}

/// The size of a version's manifest, in bytes.
pub(super) fn size(publication: &Publication) -> i64 {
    let Texts { full, about, .. } = &publication.manifest;
    i64::try_from(full.len().saturating_add(about.len())).unwrap_or(i64::MAX)
}

/// The name of a tarball's blob.
pub(super) fn blob(name: &PackageName, version: &str) -> String {
    format!("{name}@{version}")
}

/// The statement that reads versions at some positions, in a form.
pub(super) fn versions_in(form: Form) -> &'static str {
    match form {
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
    }
}

/// The statement that reads the version at a position with a part of its manifest, in a form.
pub(super) fn part_in(form: Form) -> &'static str {
    match form {
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
    }
}

/// Adds the version, which was not there, without its tarball.
pub(super) async fn add_version(
    connection: &mut AnyConnection,
    publication: &Publication,
    position: i64,
    by: &Principal,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Texts { full, abbreviated, about } = &publication.manifest;
    let manifest = match npm_user(by) {
        Some(publisher) => format!("{full},{publisher}"),
        None => full.clone(),
    };
    sqlx::query(
        "INSERT INTO npm_version (package, version, position, manifest, abbreviated, about, size, integrity, shasum,
             published_at, published_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(publication.name.as_str())
    .bind(publication.version.as_str())
    .bind(position)
    .bind(manifest)
    .bind(abbreviated.as_str())
    .bind(about.as_str())
    .bind(size(publication))
    .bind(publication.integrity.as_str())
    .bind(publication.shasum.as_str())
    .bind(now.as_signed_secs())
    .bind(serde_json::to_string(by).map_err(StoreError::new)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// The version that was published last.
pub(super) async fn last_version(
    connection: &mut AnyConnection,
    name: &PackageName,
) -> Result<Option<String>, StoreError> {
    let statement = "SELECT version FROM npm_version WHERE package = $1 ORDER BY position DESC LIMIT 1";
    Ok(sqlx::query_scalar(statement).bind(name.as_str()).fetch_optional(connection).await?)
}

/// Adds the members that the registry adds to a version's `dist`.
pub(super) async fn add_dist(
    connection: &mut AnyConnection,
    publication: &Publication,
    vouched: &Vouched,
) -> Result<(), StoreError> {
    let statement =
        "INSERT INTO npm_dist (package, version, signatures, predicate_type) VALUES ($1, $2, $3, $4)";
    let query = sqlx::query(statement).bind(publication.name.as_str()).bind(publication.version.as_str());
    query.bind(&vouched.signatures).bind(&vouched.predicate_type).execute(connection).await?;
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

/// Removes a tag; returns `false` if the package has no such tag.
pub(super) async fn remove_tag(
    connection: &mut AnyConnection,
    name: &PackageName,
    tag: &Tag,
) -> Result<bool, StoreError> {
    let query = sqlx::query("DELETE FROM npm_dist_tag WHERE package = $1 AND tag = $2");
    let removed = query.bind(name.as_str()).bind(tag.as_str()).execute(connection).await?;
    Ok(removed.rows_affected() > 0)
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

pub(super) async fn count_tags(
    connection: &mut AnyConnection,
    name: &PackageName,
) -> Result<i64, StoreError> {
    let statement = "SELECT COUNT(*) FROM npm_dist_tag WHERE package = $1";
    Ok(sqlx::query_scalar(statement).bind(name.as_str()).fetch_one(connection).await?)
}

pub(super) async fn sizes(
    connection: &mut AnyConnection,
    name: &PackageName,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let statement = "SELECT position, size FROM npm_version WHERE package = $1 ORDER BY position";
    Ok(sqlx::query_as(statement).bind(name.as_str()).fetch_all(connection).await?)
}

/// The instant that a column holds.
pub(super) fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_secs(u64::try_from(seconds).unwrap_or_default())
}
