//! Publishers: who is found.

use async_trait::async_trait;
use oidc_core::{Identity, Pin};

use super::SqlStore;
use super::database::{failed, retry};
use super::redeem::redeem;
use super::rows::{COLUMNS, records};
use crate::server::{
    Grant, MAX_CANDIDATES, MAX_LATEST, MAX_OF_ID, Package, PublisherRecord, PublisherStore, Redeemed,
    StoreError, TrustStore,
};

#[async_trait]
impl PublisherStore for SqlStore {
    async fn of_package(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        TrustStore::list(self, package).await
    }

    async fn of_immutable_id(
        &self,
        issuer: &str,
        id: &Pin,
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        if id.value.contains('\0') {
            return Ok(Vec::new());
        }
        let of_one = if package.is_some() { " AND package = $5" } else { "" };
        let statement = format!(
            "SELECT {COLUMNS} FROM (SELECT publisher FROM oidc_publisher_id \
             WHERE value = $1 AND claim = $2 AND issuer = $3 AND ecosystem = $4{of_one} \
             ORDER BY created_at, publisher LIMIT {MAX_OF_ID}) i JOIN oidc_publisher p ON p.id = i.publisher \
             LEFT JOIN oidc_learned_id l ON l.publisher = p.id ORDER BY p.created_at, p.id"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement));
        let query = query.bind(&id.value).bind(id.claim).bind(issuer).bind(ecosystem);
        let query = if let Some(package) = package { query.bind(package) } else { query };
        records(&query.fetch_all(self.database.pool()).await.map_err(failed)?)
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
        let mut identities: Vec<&Identity> =
            identities.iter().filter(|identity| !identity.key.contains('\0')).collect();
        identities.sort_unstable_by_key(|identity| (&identity.issuer, &identity.key));
        identities.dedup();
        self.first(identities, ecosystem, package).await
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        let run = serde_json::to_string(grant.run()).map_err(StoreError::new)?;
        retry(|| redeem(&self.database, grant, &run)).await.map_err(failed)
    }
}

impl SqlStore {
    /// The first publishers of each identity, as many as its share is: what some identities leave is the others'.
    async fn first(
        &self,
        identities: Vec<&Identity>,
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let mut found: Vec<PublisherRecord> = Vec::new();
        // Identities that may have more, each with how many of its publishers were found.
        let mut asked: Vec<(&Identity, usize)> =
            identities.into_iter().map(|identity| (identity, 0)).collect();
        while !asked.is_empty() && found.len() < MAX_CANDIDATES {
            let share = (MAX_CANDIDATES - found.len()).div_ceil(asked.len());
            let more = self.next(&asked, share, ecosystem, package).await?;
            asked.retain_mut(|(identity, count)| {
                let new = more.iter().filter(|record| record.identity == **identity).count();
                *count += new;
                new == share
            });
            found.extend(more);
        }
        found.truncate(MAX_CANDIDATES);
        found.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Ok(found)
    }

    /// The next publishers of each identity, at most `share` each.
    async fn next(
        &self,
        asked: &[(&Identity, usize)],
        share: usize,
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let (of_one, first) = if package.is_some() { (" AND package = $2", 3) } else { ("", 2) };
        let parts = asked.iter().enumerate().map(|(place, (_, count))| {
            let (key, issuer) = (first + 2 * place, first + 2 * place + 1);
            format!(
                "SELECT * FROM (SELECT * FROM oidc_publisher WHERE identity_key = ${key} AND issuer = ${issuer} \
                 AND ecosystem = $1{of_one} ORDER BY pending, created_at, id LIMIT {share} OFFSET {count}) AS of_{place}"
            )
        });
        let statement = format!(
            "SELECT {COLUMNS} FROM ({}) AS p LEFT JOIN oidc_learned_id l ON l.publisher = p.id \
             ORDER BY p.created_at, p.id",
            parts.collect::<Vec<_>>().join(" UNION ALL ")
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).persistent(asked.len() == 1).bind(ecosystem);
        let query = if let Some(package) = package { query.bind(package) } else { query };
        let query =
            asked.iter().fold(query, |query, (identity, _)| query.bind(&identity.key).bind(&identity.issuer));
        records(&query.fetch_all(self.database.pool()).await.map_err(failed)?)
    }
}
