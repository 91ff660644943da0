//! Publishers as they are configured.

use async_trait::async_trait;

use super::database::failed;
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
        let mut write = self.database.write().await.map_err(failed)?;
        if !insert(write.connection(), publisher).await.map_err(failed)? {
            return Ok(Stored::Exists);
        }
        write.commit().await.map_err(failed)?;
        Ok(Stored::Done)
    }

    async fn replace(&self, id: &str, publisher: &PublisherRecord) -> Result<Stored, StoreError> {
        let mut write = self.database.write().await.map_err(failed)?;
        if !delete(&mut write, &publisher.package, id).await.map_err(failed)? {
            return Ok(Stored::Missing);
        }
        if !insert(write.connection(), publisher).await.map_err(failed)? {
            return Ok(Stored::Exists);
        }
        write.commit().await.map_err(failed)?;
        Ok(Stored::Done)
    }

    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError> {
        let mut write = self.database.write().await.map_err(failed)?;
        let removed = delete(&mut write, package, id).await.map_err(failed)?;
        write.commit().await.map_err(failed)?;
        Ok(removed)
    }

    async fn package_created(&self, package: &Package, by: Option<&str>) -> Result<bool, StoreError> {
        let mut write = self.database.write().await.map_err(failed)?;
        for (statement, has_to_change) in [(MAKE_REGULAR, by.is_some()), (END_PENDING, false)] {
            let query = sqlx::query(statement).bind(&package.ecosystem).bind(&package.name);
            let done =
                query.bind(by.unwrap_or_default()).execute(write.connection()).await.map_err(failed)?;
            if has_to_change && done.rows_affected() != 1 {
                return Ok(false);
            }
        }
        write.commit().await.map_err(failed)?;
        Ok(true)
    }
}

async fn delete(
    write: &mut super::database::Write,
    package: &Package,
    id: &str,
) -> Result<bool, sqlx::Error> {
    let statement = "DELETE FROM oidc_publisher WHERE id = $1 AND ecosystem = $2 AND package = $3";
    let query = sqlx::query(statement).bind(id).bind(&package.ecosystem).bind(&package.name);
    Ok(query.execute(write.connection()).await?.rows_affected() > 0)
}
