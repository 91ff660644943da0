//! Publishers as rows, and back.

use data_encoding::HEXLOWER;
use oidc_core::{Identity, Timestamp};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::database::failed;
use crate::server::{Package, PublisherRecord, StoreError};

/// What [`records`] reads of a publisher `p` and an id `l` that it learned.
pub(super) const COLUMNS: &str = "p.id, p.ecosystem, p.package, p.provider, p.issuer, p.identity_key, p.config, \
     p.pending, p.created_at, p.origin, l.claim, l.value";

/// Publishers, each as often as it has learned ids, together and oldest first.
pub(super) fn select(which: &str) -> String {
    format!(
        "SELECT {COLUMNS} FROM oidc_publisher p LEFT JOIN oidc_learned_id l ON l.publisher = p.id WHERE {which} \
         ORDER BY p.created_at, p.id"
    )
}

/// Rows of [`COLUMNS`] as records.
pub(super) fn records(rows: &[AnyRow]) -> Result<Vec<PublisherRecord>, StoreError> {
    let mut records: Vec<PublisherRecord> = Vec::new();
    for row in rows {
        let id: String = row.try_get("id").map_err(failed)?;
        if records.last().is_none_or(|last| last.id != id) {
            records.push(record(id, row)?);
        }
        let claim: Option<String> = row.try_get("claim").map_err(failed)?;
        if let (Some(record), Some(claim)) = (records.last_mut(), claim) {
            record.learned.insert(claim, row.try_get("value").map_err(failed)?);
        }
    }
    Ok(records)
}

fn record(id: String, row: &AnyRow) -> Result<PublisherRecord, StoreError> {
    let text = |column| row.try_get::<String, _>(column);
    let config = serde_json::from_str(&text("config").map_err(failed)?).map_err(StoreError::new)?;
    let created_at: i64 = row.try_get("created_at").map_err(failed)?;
    let pending: i64 = row.try_get("pending").map_err(failed)?;
    let package = Package::new(text("ecosystem").map_err(failed)?, text("package").map_err(failed)?);
    let identity = Identity::new(text("issuer").map_err(failed)?, text("identity_key").map_err(failed)?);
    let created_at = Timestamp::from_secs(u64::try_from(created_at).unwrap_or_default());
    let mut record =
        PublisherRecord::new(id, package, text("provider").map_err(failed)?, identity, config, created_at);
    record.pending = pending != 0;
    record.origin = text("origin").map_err(failed)?;
    Ok(record)
}

/// Stores a publisher with what it has learned; `false` where the package has an equal one.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    publisher: &PublisherRecord,
) -> Result<bool, sqlx::Error> {
    let statement = "INSERT INTO oidc_publisher (id, ecosystem, package, provider, issuer, identity_key, config, \
         pending, created_at, origin, digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (digest) DO NOTHING";
    let inserted = sqlx::query(statement)
        .bind(&publisher.id)
        .bind(&publisher.package.ecosystem)
        .bind(&publisher.package.name)
        .bind(&publisher.provider)
        .bind(&publisher.identity.issuer)
        .bind(&publisher.identity.key)
        .bind(publisher.config.to_string())
        .bind(i64::from(publisher.pending))
        .bind(publisher.created_at.as_signed_secs())
        .bind(&publisher.origin)
        .bind(digest(publisher))
        .execute(&mut *connection)
        .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    for (claim, value) in &publisher.learned {
        let statement = "INSERT INTO oidc_learned_id (publisher, claim, value) VALUES ($1, $2, $3)";
        let query = sqlx::query(statement).bind(&publisher.id).bind(claim).bind(value);
        query.execute(&mut *connection).await?;
    }
    for (claim, value) in publisher.texts() {
        let statement = "INSERT INTO oidc_publisher_id (publisher, claim, value, issuer, ecosystem, package, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)";
        sqlx::query(statement)
            .bind(&publisher.id)
            .bind(claim)
            .bind(value)
            .bind(&publisher.identity.issuer)
            .bind(&publisher.package.ecosystem)
            .bind(&publisher.package.name)
            .bind(publisher.created_at.as_signed_secs())
            .execute(&mut *connection)
            .await?;
    }
    Ok(true)
}

/// The same for publishers that are alike but for their ids, and for no others.
fn digest(publisher: &PublisherRecord) -> String {
    let mut hash = Sha256::new();
    let package = &publisher.package;
    let identity = &publisher.identity;
    for part in [&package.ecosystem, &package.name, &identity.issuer, &identity.key] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(sorted(&publisher.config).to_string());
    HEXLOWER.encode(&hash.finalize())
}

/// The value with its members in the order of their names, whatever order `serde_json` keeps.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            members.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect()
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
