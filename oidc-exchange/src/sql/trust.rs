//! Publishers as they are configured.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::database::{Write, failed};
use super::rows::{insert, records, select};
use super::{END_PENDING, MAKE_REGULAR, SqlStore};
use crate::server::{Package, PublisherRecord, StoreError, Stored, TrustStore};

#[async_trait]
impl TrustStore for SqlStore {
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        let statement = sqlx::AssertSqlSafe(select("p.package = $1 AND p.ecosystem = $2"));
        let query = sqlx::query(statement).bind(&package.name).bind(&package.ecosystem);
        records(&query.fetch_all(self.database.pool()).await.map_err(failed)?)
    }

    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        let query = sqlx::query(sqlx::AssertSqlSafe(select("p.origin = $1"))).bind(origin);
        records(&query.fetch_all(self.database.pool()).await.map_err(failed)?)
    }

    async fn add(&self, publisher: &PublisherRecord) -> Result<Stored, StoreError> {
        Ok(self.database.attempt(|| self.add_once(publisher)).await.map_err(failed)?)
    }

    async fn replace(
        &self,
        old: &PublisherRecord,
        publisher: &PublisherRecord,
    ) -> Result<Stored, StoreError> {
        Ok(self.database.attempt(|| self.replace_once(old, publisher)).await.map_err(failed)?)
    }

    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError> {
        Ok(self.database.attempt(|| self.remove_once(package, id)).await.map_err(failed)?)
    }

    async fn package_created(&self, package: &Package, by: Option<&str>) -> Result<bool, StoreError> {
        Ok(self.database.attempt(|| self.settle_once(package, by)).await.map_err(failed)?)
    }
}

impl SqlStore {
    async fn add_once(&self, publisher: &PublisherRecord) -> Result<Stored, sqlx::Error> {
        let mut write = self.database.write().await?;
        if !insert(write.connection(), publisher).await? {
            return Ok(Stored::Exists);
        }
        write.commit().await?;
        Ok(Stored::Done)
    }

    async fn replace_once(
        &self,
        old: &PublisherRecord,
        publisher: &PublisherRecord,
    ) -> Result<Stored, sqlx::Error> {
        let mut write = self.database.write().await?;
        if !is_still(&mut write, old).await? || !delete(&mut write, &old.package, &old.id).await? {
            return Ok(Stored::Missing);
        }
        if !insert(write.connection(), publisher).await? {
            return Ok(Stored::Exists);
        }
        write.commit().await?;
        Ok(Stored::Done)
    }

    async fn remove_once(&self, package: &Package, id: &str) -> Result<bool, sqlx::Error> {
        let mut write = self.database.write().await?;
        let removed = delete(&mut write, package, id).await?;
        write.commit().await?;
        Ok(removed)
    }

    async fn settle_once(&self, package: &Package, by: Option<&str>) -> Result<bool, sqlx::Error> {
        let mut write = self.database.write().await?;
        for (statement, has_to_change) in [(MAKE_REGULAR, by.is_some()), (END_PENDING, false)] {
            let query = sqlx::query(statement).bind(&package.ecosystem).bind(&package.name);
            let done = query.bind(by.unwrap_or_default()).execute(write.connection()).await?;
            if has_to_change && done.rows_affected() != 1 {
                return Ok(false);
            }
        }
        write.commit().await?;
        Ok(true)
    }
}

/// Whether a publisher is still what it was, and stays so until the transaction ends.
async fn is_still(write: &mut Write, seen: &PublisherRecord) -> Result<bool, sqlx::Error> {
    let statement = format!(
        "SELECT pending FROM oidc_publisher WHERE id = $1 AND ecosystem = $2 AND package = $3{}",
        write.for_update()
    );
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(&seen.id);
    let query = query.bind(&seen.package.ecosystem).bind(&seen.package.name);
    let pending: Option<i64> = query.fetch_optional(write.connection()).await?;
    let query = sqlx::query_as("SELECT claim, value FROM oidc_learned_id WHERE publisher = $1");
    let learned: Vec<(String, String)> = query.bind(&seen.id).fetch_all(write.connection()).await?;
    Ok(pending == Some(i64::from(seen.pending)) && BTreeMap::from_iter(learned) == seen.learned)
}

async fn delete(write: &mut Write, package: &Package, id: &str) -> Result<bool, sqlx::Error> {
    let statement = "DELETE FROM oidc_publisher WHERE id = $1 AND ecosystem = $2 AND package = $3";
    let query = sqlx::query(statement).bind(id).bind(&package.ecosystem).bind(&package.name);
    Ok(query.execute(write.connection()).await?.rows_affected() > 0)
}
