//! The owners of packages: there are no accounts here, so that every package that exists is the operator's.

use async_trait::async_trait;
use oidc_exchange::server::{Package, PackageOwner, PackageOwners, StoreError};
use oidc_exchange::sql::SqlStore;

/// npm's packages. The exchanges of the other ecosystems name none.
#[derive(Clone, Debug)]
pub(super) struct NpmOwners(pub(super) SqlStore);

#[async_trait]
impl PackageOwners for NpmOwners {
    async fn owners(&self, package: &Package) -> Result<Vec<PackageOwner>, StoreError> {
        let query = sqlx::query_scalar("SELECT COUNT(*) FROM npm_package WHERE name = $1");
        let packages: i64 = query.bind(&package.name).fetch_one(self.0.pool()).await?;
        Ok(if packages > 0 { vec![PackageOwner::Operator] } else { Vec::new() })
    }
}
