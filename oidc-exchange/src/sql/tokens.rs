//! Finding, revoking and purging publish tokens.

use std::time::Duration;

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use oidc_core::Timestamp;
use sqlx::{Executor as _, Row as _};

use super::SqlStore;
use super::database::{failed, retry};
use super::rows::package;
use crate::server::{GrantedPackage, PackageOwner, StoreError, TokenHash, TokenRecord, TokenStore};

#[async_trait]
impl TokenStore for SqlStore {
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        // A grant of a publisher for a prefix is for the whole prefix or for one package. `pending` is asked of the
        // publisher and not stored with the token: another publish may have created the package meanwhile.
        let statement = "SELECT t.expires_at, t.provider, t.issuer, t.run, t.ecosystem, t.package, '' AS prefix, t.publisher, q.pending, \
             NULL AS owner FROM oidc_token t JOIN oidc_publisher q ON q.id = t.publisher WHERE t.hash = $1 AND t.expires_at > $2 \
             UNION ALL SELECT t.expires_at, t.provider, t.issuer, t.run, g.ecosystem, g.package, '' AS prefix, g.publisher, q.pending, \
             NULL AS owner FROM oidc_token t JOIN oidc_token_package g ON g.token = t.hash JOIN oidc_publisher q \
             ON q.id = g.publisher WHERE t.hash = $1 AND t.expires_at > $2 \
             UNION ALL SELECT t.expires_at, t.provider, t.issuer, t.run, g.ecosystem, g.package, \
             CASE g.package WHEN '' THEN q.prefix ELSE '' END AS prefix, g.publisher, 0 AS pending, q.account AS owner \
             FROM oidc_token t JOIN oidc_token_prefix g ON g.token = t.hash JOIN oidc_publisher q ON q.id = g.publisher \
             WHERE t.hash = $1 AND t.expires_at > $2 ORDER BY 5, 6, 7, 8";
        let query = sqlx::query(statement).bind(HEXLOWER.encode(token.as_bytes())).bind(now.as_signed_secs());
        let rows = self.database.read(query).await.map_err(failed)?;
        let Some(first) = rows.first() else { return Ok(None) };
        let packages = rows.iter().map(|row| {
            let prefix: String = row.try_get("prefix")?;
            let package = package(row.try_get("ecosystem")?, row.try_get("package")?, &prefix)?;
            let pending: i64 = row.try_get("pending")?;
            let owner: Option<String> = row.try_get("owner")?;
            let owner =
                owner.map(|name| PackageOwner::of_publisher(Some(&*name).filter(|name| !name.is_empty())));
            Ok(GrantedPackage::new(package, row.try_get("publisher")?, pending != 0).only_of(owner))
        });
        let packages: Result<Vec<_>, sqlx::Error> = packages.collect();
        let expires_at: i64 = first.try_get("expires_at").map_err(failed)?;
        let expires_at = Timestamp::from_secs(u64::try_from(expires_at).unwrap_or_default());
        let run = serde_json::from_str(&first.try_get::<String, _>("run").map_err(failed)?)
            .map_err(StoreError::new)?;
        Ok(Some(TokenRecord::new(
            packages.map_err(failed)?,
            expires_at,
            first.try_get("provider").map_err(failed)?,
            first.try_get("issuer").map_err(failed)?,
            run,
        )))
    }

    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError> {
        let token = HEXLOWER.encode(token.as_bytes());
        retry(|| self.revoke_once(&token)).await.map_err(failed)
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        retry(|| self.purge_once(now, limit)).await.map_err(failed)
    }

    /// On SQLite a batch has the turn of the only writer, for which grants wait. On PostgreSQL it shares the processor and the
    /// disk with them.
    fn purge_pause(&self, batch: Duration) -> Duration {
        batch.saturating_mul(if self.database.is_sqlite() { 150 } else { 8 })
    }
}

impl SqlStore {
    async fn revoke_once(&self, token: &str) -> Result<(), sqlx::Error> {
        let mut write = self.database.write().await?;
        let query = sqlx::query("DELETE FROM oidc_token WHERE hash = $1").bind(token);
        query.execute(write.connection()).await?;
        write.commit().await
    }

    async fn purge_once(&self, now: Timestamp, limit: u32) -> Result<u64, sqlx::Error> {
        let mut write = self.database.write().await?;
        if !self.database.is_sqlite() {
            // Grants would wait while the disk makes the purge durable. One that is lost with the machine is lost whole, and
            // made again.
            write.connection().execute("SET LOCAL synchronous_commit = off").await?;
        }
        let tokens = "DELETE FROM oidc_token WHERE hash IN \
             (SELECT hash FROM oidc_token WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
        let query = sqlx::query(tokens).bind(now.as_signed_secs()).bind(i64::from(limit));
        let mut purged = query.execute(write.connection()).await?.rows_affected();
        let uses = "DELETE FROM oidc_replay WHERE key IN \
             (SELECT key FROM oidc_replay WHERE remember_until <= $1 ORDER BY remember_until LIMIT $2) \
             RETURNING remember_until";
        let query = sqlx::query_scalar(uses).bind(now.as_signed_secs()).bind(i64::from(limit));
        let forgotten: Vec<i64> = query.fetch_all(write.connection()).await?;
        purged += forgotten.len() as u64;
        // `burn` refuses every grant that would be remembered no longer than this, since its record may be
        // gone.
        if let Some(latest) = forgotten.into_iter().max() {
            let statement = "UPDATE oidc_purged SET until_at = $1 WHERE id = 1 AND until_at < $1";
            sqlx::query(statement).bind(latest).execute(write.connection()).await?;
        }
        write.commit().await?;
        Ok(purged)
    }
}
