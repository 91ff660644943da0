//! Finding publishers, and redeeming grants.

use async_trait::async_trait;
use oidc_core::{Identity, ImmutableId};

use super::SqlStore;
use super::candidates::candidates;
use super::database::failed;
use super::prefixes::{learned, of_prefixes};
use super::proof::is_proven;
use super::redeem::redeem;
use super::rows::{COLUMNS, JOINS, records};
use crate::server::{
    Candidates, Grant, MAX_LATEST, MAX_OF_ID, MAX_OF_PACKAGE, Package, PackageOwner, PublisherRecord,
    PublisherStore, Redeemed, StoreError,
};

#[async_trait]
impl PublisherStore for SqlStore {
    async fn of_package(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        if package.is_prefix() || has_no_name(Some(&package.name)) {
            return Ok(Vec::new());
        }
        let statement = format!(
            "SELECT {COLUMNS} FROM (SELECT * FROM oidc_publisher WHERE package = $1 AND ecosystem = $2 \
             ORDER BY identity_key, issuer, pending, package_turn, created_at, id LIMIT {MAX_OF_PACKAGE}) p {JOINS} \
             ORDER BY p.created_at, p.id"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(&package.name).bind(&package.ecosystem);
        records(&self.database.read(query).await.map_err(failed)?)
    }

    async fn of_immutable_id(
        &self,
        issuer: &str,
        id: &ImmutableId,
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        // PostgreSQL's texts can't contain NUL: no publisher has such an id, and asking for it would be an
        // error.
        if id.value.contains('\0') || has_no_name(package) {
            return Ok(Vec::new());
        }
        let of_one = if package.is_some() { " AND package = $5" } else { "" };
        let statement = format!(
            "SELECT {COLUMNS} FROM (SELECT publisher, worth FROM oidc_publisher_id \
             WHERE value = $1 AND claim = $2 AND issuer = $3 AND ecosystem = $4{of_one} \
             ORDER BY worth, created_at, publisher LIMIT {MAX_OF_ID}) i JOIN oidc_publisher p ON p.id = i.publisher {JOINS} \
             ORDER BY i.worth, p.created_at, p.id"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement));
        let query = query.bind(&id.value).bind(id.claim).bind(issuer).bind(ecosystem);
        let query = if let Some(package) = package { query.bind(package) } else { query };
        records(&self.database.read(query).await.map_err(failed)?)
    }

    async fn of_ecosystem(&self, ecosystem: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM (SELECT * FROM oidc_publisher WHERE ecosystem = $1 \
             ORDER BY created_at DESC, id DESC LIMIT {MAX_LATEST}) p {JOINS} ORDER BY p.created_at DESC, p.id DESC"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(ecosystem);
        records(&self.database.read(query).await.map_err(failed)?)
    }

    async fn is_proven(
        &self,
        account: &str,
        identity: &Identity,
        id: &ImmutableId,
    ) -> Result<bool, StoreError> {
        is_proven(&self.database, account, identity, id).await.map_err(failed)
    }

    async fn learned(
        &self,
        identities: &[Identity],
        owners: &[PackageOwner],
        ecosystem: &str,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        learned(self.database.pool(), identities, owners, ecosystem).await
    }

    async fn candidates(
        &self,
        identities: &[Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Candidates, StoreError> {
        if has_no_name(package) {
            return Ok(Candidates::default());
        }
        candidates(&self.database, &self.look_ups, identities, ecosystem, package).await
    }

    async fn of_prefixes(
        &self,
        identities: &[Identity],
        owners: &[PackageOwner],
        prefixes: &[Package],
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        of_prefixes(&self.database, identities, owners, prefixes).await
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        redeem(&self.database, &self.grants, grant).await
    }
}

/// Returns `true` if a package without a name is asked for, which has no publishers. The column of publishers for
/// prefixes is empty.
fn has_no_name(package: Option<&str>) -> bool {
    package == Some("")
}
