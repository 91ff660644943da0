//! Publishers: who is found, and what is redeemed.

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use oidc_core::Identity;
use sqlx::error::DatabaseError;
use sqlx::{AnyConnection, Row as _};

use super::SqlStore;
use super::database::failed;
use super::rows::{COLUMNS, records};
use crate::server::{
    Grant, GrantedBy, MAX_CANDIDATES, MAX_LATEST, Package, PublisherRecord, PublisherStore, Redeemed,
    StoreError, TrustStore,
};

#[async_trait]
impl PublisherStore for SqlStore {
    async fn of_package(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        TrustStore::list(self, package).await
    }

    async fn of_ecosystem(&self, ecosystem: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM (SELECT * FROM oidc_publisher WHERE ecosystem = $1 \
             ORDER BY created_at DESC, id DESC LIMIT {MAX_LATEST}) p \
             LEFT JOIN oidc_learned_id l ON l.publisher = p.id ORDER BY p.created_at DESC, p.id DESC"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(ecosystem);
        records(&query.fetch_all(self.database.pool()).await.map_err(failed)?)
    }

    async fn candidates(
        &self,
        identities: &[Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        // PostgreSQL's texts hold no NUL, hence no publisher is found by one, and asking would be an error.
        let identities: Vec<&Identity> =
            identities.iter().filter(|identity| !identity.key.contains('\0')).collect();
        let mut found = Vec::new();
        for of_issuer in identities.chunk_by(|one, other| one.issuer == other.issuer) {
            found.extend(self.candidates_of(of_issuer, ecosystem, package).await?);
        }
        Ok(found)
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        let run = serde_json::to_string(grant.run()).map_err(StoreError::new)?;
        Ok(self.database.attempt(|| self.redeem_once(grant, &run)).await.map_err(failed)?)
    }
}

impl SqlStore {
    /// The publishers of identities of one issuer; at least one identity.
    async fn candidates_of(
        &self,
        identities: &[&Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let Some(issuer) = identities.first().map(|identity| &identity.issuer) else { return Ok(Vec::new()) };
        let first = if package.is_some() { 4 } else { 3 };
        let of_one = if package.is_some() { " AND package = $3" } else { "" };
        let keys: Vec<String> = (first..).map(|number| format!("${number}")).take(identities.len()).collect();
        let statement = format!(
            "SELECT {COLUMNS} FROM (SELECT *, \
             ROW_NUMBER() OVER (PARTITION BY identity_key ORDER BY created_at, id) AS turn FROM oidc_publisher \
             WHERE identity_key IN ({}) AND issuer = $1 AND ecosystem = $2{of_one} \
             ORDER BY turn, created_at, id LIMIT {MAX_CANDIDATES}) p \
             LEFT JOIN oidc_learned_id l ON l.publisher = p.id ORDER BY p.created_at, p.id",
            keys.join(", ")
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(issuer).bind(ecosystem);
        let query = if let Some(package) = package { query.bind(package) } else { query };
        let query = identities.iter().fold(query, |query, identity| query.bind(&identity.key));
        records(&query.fetch_all(self.database.pool()).await.map_err(failed)?)
    }

    async fn redeem_once(&self, grant: &Grant, run: &str) -> Result<Redeemed, sqlx::Error> {
        let mut write = self.database.write().await?;
        if !burn(write.connection(), grant).await? {
            return Ok(Redeemed::AlreadyUsed);
        }
        let token = HEXLOWER.encode(grant.token().as_bytes());
        mint(write.connection(), grant, &token, run).await?;
        for granted in grant.packages() {
            if !let_in(write.connection(), &token, granted).await? {
                return Ok(Redeemed::Superseded);
            }
        }
        write.commit().await?;
        Ok(Redeemed::Granted)
    }
}

/// Counts one use of the identity token, unless it was used as often as it may be, or its uses may have been forgotten: by a
/// clock that was ahead of this one.
async fn burn(connection: &mut AnyConnection, grant: &Grant) -> Result<bool, sqlx::Error> {
    let statement = "INSERT INTO oidc_replay (key, uses, remember_until) \
         SELECT $1, 1, $2 FROM oidc_purged WHERE id = 1 AND until_at < $2 \
         ON CONFLICT (key) DO UPDATE SET uses = oidc_replay.uses + 1 WHERE oidc_replay.uses < $3";
    let done = sqlx::query(statement)
        .bind(HEXLOWER.encode(grant.replay_key()))
        .bind(grant.remember_until().as_signed_secs())
        .bind(i64::from(grant.max_uses()))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores the publish token, which is for no package yet.
async fn mint(
    connection: &mut AnyConnection,
    grant: &Grant,
    token: &str,
    run: &str,
) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run) \
         VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(statement)
        .bind(token)
        .bind(grant.created_at().as_signed_secs())
        .bind(grant.expires_at().as_signed_secs())
        .bind(grant.provider())
        .bind(grant.issuer())
        .bind(run)
        .execute(connection)
        .await?;
    Ok(())
}

/// Lets the token publish one package, and its publisher learn. `false` where the publisher is gone or has learned
/// something else.
async fn let_in(
    connection: &mut AnyConnection,
    token: &str,
    granted: &GrantedBy,
) -> Result<bool, sqlx::Error> {
    let statement = "INSERT INTO oidc_token_package (token, ecosystem, package, publisher) \
         SELECT $1, ecosystem, package, id FROM oidc_publisher WHERE id = $2 AND ecosystem = $3 AND package = $4";
    let inserted = sqlx::query(statement)
        .bind(token)
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
