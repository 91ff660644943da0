//! Publishers: who is found, who is stored, what is redeemed.

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use oidc_core::{Identity, Timestamp};
use sqlx::any::AnyRow;
use sqlx::error::DatabaseError;
use sqlx::{AnyConnection, Row as _};

use super::SqlStore;
use crate::server::{
    Grant, GrantedBy, Package, PublisherRecord, PublisherStore, Redeemed, StoreError, TrustStore,
};

/// At most this many publishers of one identity are looked at.
const MAX_CANDIDATES: i64 = 1000;

const COLUMNS: &str = "SELECT p.id, p.ecosystem, p.package, p.provider, p.issuer, p.identity_key, p.config, p.pending, \
     p.created_at, p.origin, l.claim, l.value FROM oidc_publisher p LEFT JOIN oidc_learned_id l ON l.publisher = p.id";

#[async_trait]
impl PublisherStore for SqlStore {
    async fn candidates(
        &self,
        identity: &Identity,
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let one = "p.identity_key = $1 AND p.issuer = $2 AND p.ecosystem = $3 AND p.package = $4";
        let any = "p.identity_key = $1 AND p.issuer = $2 AND p.ecosystem = $3";
        let which = if package.is_some() { one } else { any };
        let statement = format!("{COLUMNS} WHERE {which} ORDER BY p.created_at, p.id LIMIT {MAX_CANDIDATES}");
        let query = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(&identity.key)
            .bind(&identity.issuer)
            .bind(ecosystem);
        let query = if let Some(package) = package { query.bind(package) } else { query };
        records(&query.fetch_all(self.database.pool()).await?)
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        let mut write = self.database.write().await?;
        if !burn(write.connection(), grant).await? {
            return Ok(Redeemed::AlreadyUsed);
        }
        let run = serde_json::to_string(grant.run()).map_err(StoreError::new)?;
        let token = HEXLOWER.encode(grant.token().as_bytes());
        let statement = "INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run) \
             VALUES ($1, $2, $3, $4, $5, $6)";
        sqlx::query(statement)
            .bind(&token)
            .bind(grant.created_at().as_signed_secs())
            .bind(grant.expires_at().as_signed_secs())
            .bind(grant.provider())
            .bind(grant.issuer())
            .bind(run)
            .execute(&mut *write.connection())
            .await?;
        for granted in grant.packages() {
            if !let_in(write.connection(), &token, granted).await? {
                return Ok(Redeemed::Superseded);
            }
        }
        write.commit().await?;
        Ok(Redeemed::Granted)
    }
}

/// Counts one use of the identity token, unless it was used as often as it may be.
async fn burn(connection: &mut AnyConnection, grant: &Grant) -> Result<bool, sqlx::Error> {
    let statement = "INSERT INTO oidc_replay (key, uses, remember_until) VALUES ($1, 1, $2) \
         ON CONFLICT (key) DO UPDATE SET uses = oidc_replay.uses + 1 WHERE oidc_replay.uses < $3";
    let done = sqlx::query(statement)
        .bind(HEXLOWER.encode(grant.replay_key()))
        .bind(grant.remember_until().as_signed_secs())
        .bind(i64::from(grant.max_uses()))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets the token publish one package, and its publisher learn. `false` where the publisher is gone or has learned
/// something else.
async fn let_in(
    connection: &mut AnyConnection,
    token: &str,
    granted: &GrantedBy,
) -> Result<bool, sqlx::Error> {
    let statement = "INSERT INTO oidc_token_package (token, ecosystem, package, publisher, may_create) \
         SELECT $1, ecosystem, package, id, $2 FROM oidc_publisher WHERE id = $3 AND ecosystem = $4 AND package = $5";
    let inserted = sqlx::query(statement)
        .bind(token)
        .bind(i64::from(granted.may_create))
        .bind(&granted.publisher)
        .bind(&granted.package.ecosystem)
        .bind(&granted.package.name)
        .execute(&mut *connection)
        .await;
    match inserted {
        Ok(done) if done.rows_affected() == 1 => {}
        Ok(_) => return Ok(false),
        // Another process removed the publisher between the look and the reference to it.
        Err(error) if error.as_database_error().is_some_and(DatabaseError::is_foreign_key_violation) => {
            return Ok(false);
        }
        Err(error) => return Err(error),
    }
    for pin in &granted.learned {
        let statement = "INSERT INTO oidc_learned_id (publisher, claim, value) VALUES ($1, $2, $3) \
             ON CONFLICT (publisher, claim) DO NOTHING";
        let query = sqlx::query(statement).bind(&granted.publisher).bind(pin.claim).bind(&pin.value);
        query.execute(&mut *connection).await?;
        let statement = "SELECT value FROM oidc_learned_id WHERE publisher = $1 AND claim = $2";
        let query = sqlx::query(statement).bind(&granted.publisher).bind(pin.claim);
        let learned: String = query.fetch_one(&mut *connection).await?.try_get("value")?;
        if learned != pin.value {
            return Ok(false);
        }
    }
    Ok(true)
}

#[async_trait]
impl TrustStore for SqlStore {
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        let statement =
            format!("{COLUMNS} WHERE p.package = $1 AND p.ecosystem = $2 ORDER BY p.created_at, p.id");
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(&package.name).bind(&package.ecosystem);
        records(&query.fetch_all(self.database.pool()).await?)
    }

    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        let statement = format!("{COLUMNS} WHERE p.origin = $1 ORDER BY p.created_at, p.id");
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(origin);
        records(&query.fetch_all(self.database.pool()).await?)
    }

    async fn add(&self, publisher: &PublisherRecord) -> Result<(), StoreError> {
        let mut write = self.database.write().await?;
        let statement = "INSERT INTO oidc_publisher (id, ecosystem, package, provider, issuer, identity_key, config, \
             pending, created_at, origin) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        sqlx::query(statement)
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
            .execute(write.connection())
            .await?;
        Ok(write.commit().await?)
    }

    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError> {
        let mut write = self.database.write().await?;
        let statement = "DELETE FROM oidc_publisher WHERE id = $1 AND ecosystem = $2 AND package = $3";
        let query = sqlx::query(statement).bind(id).bind(&package.ecosystem).bind(&package.name);
        let removed = query.execute(write.connection()).await?.rows_affected() > 0;
        write.commit().await?;
        Ok(removed)
    }
}

/// Rows of [`COLUMNS`], one for each learned id, as records.
fn records(rows: &[AnyRow]) -> Result<Vec<PublisherRecord>, StoreError> {
    let mut records: Vec<PublisherRecord> = Vec::new();
    for row in rows {
        let id: String = row.try_get("id")?;
        if records.last().is_none_or(|last| last.id != id) {
            records.push(record(id, row)?);
        }
        let claim: Option<String> = row.try_get("claim")?;
        if let (Some(record), Some(claim)) = (records.last_mut(), claim) {
            record.learned.insert(claim, row.try_get("value")?);
        }
    }
    Ok(records)
}

fn record(id: String, row: &AnyRow) -> Result<PublisherRecord, StoreError> {
    let text = |column| row.try_get::<String, _>(column);
    let config = serde_json::from_str(&text("config")?).map_err(StoreError::new)?;
    let created_at: i64 = row.try_get("created_at")?;
    let pending: i64 = row.try_get("pending")?;
    let package = Package::new(text("ecosystem")?, text("package")?);
    let identity = Identity::new(text("issuer")?, text("identity_key")?);
    let created_at = Timestamp::from_secs(u64::try_from(created_at).unwrap_or_default());
    let mut record = PublisherRecord::new(id, package, text("provider")?, identity, config, created_at);
    record.pending = pending != 0;
    record.origin = text("origin")?;
    Ok(record)
}
