//! Changes of packages that their publishers follow.

use super::{Trust, TrustError};
use crate::server::package::Package;
use crate::server::package_owner::PackageOwner;

impl Trust {
    /// Records that a publish of a package succeeded by one of its publishers, which is
    /// [proven](crate::server::PublisherRecord::proven) from now on: see
    /// [`TrustStore::published`](crate::server::TrustStore::published). Returns `false` where the package has
    /// no such publisher. A registry whose packages are in the stores' database calls `published` of the
    /// transaction that stores the publish instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn published(&self, package: &Package, by: &str) -> Result<bool, TrustError> {
        Ok(self.store.published(package, by, self.cx.clock().now()).await?)
    }

    /// Records that a package was created by a token of the pending publisher `by`, and returns the package's
    /// owner: see [`TrustStore::package_created_by`](crate::server::TrustStore::package_created_by). A
    /// registry whose packages are in the stores' database does it in the transaction that creates the
    /// package instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_created_by(
        &self,
        package: &Package,
        by: &str,
    ) -> Result<Option<PackageOwner>, TrustError> {
        Ok(self.store.package_created_by(package, by).await?)
    }

    /// Records that a package was created by other means: see
    /// [`TrustStore::package_created`](crate::server::TrustStore::package_created). A registry whose packages
    /// are in the stores' database does it in the transaction that creates the package instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_created(&self, package: &Package) -> Result<(), TrustError> {
        Ok(self.store.package_created(package).await?)
    }

    /// Records that a package was removed, and removes its publishers and tokens: see
    /// [`TrustStore::package_removed`](crate::server::TrustStore::package_removed). A registry whose packages
    /// are in the stores' database does it in the transaction that removes the package instead.
    ///
    /// Self-contained publish tokens of a [`Minter`](crate::server::Minter) can't be revoked: where such a token
    /// publishes, ask for its publisher, as `sql::Transaction::is_active` does.
    ///
    /// ```
    /// # use oidc_exchange::server::{Package, PackageOwner, Trust, TrustError};
    /// # async fn example(trust: &Trust) -> Result<(), TrustError> {
    /// // The owner deleted the package. The next owner of the name `widget` starts without publishers.
    /// trust.package_removed(&Package::new("npm", "widget")).await?;
    /// // Renamed: its publishers go along.
    /// trust.package_renamed(&Package::new("npm", "gadget"), "gizmo").await?;
    /// // Handed over to another account, which keeps no publisher of the former owner's.
    /// let owner = PackageOwner::account("user:42");
    /// trust.package_transferred(&Package::new("npm", "gizmo"), &owner, &[]).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_removed(&self, package: &Package) -> Result<(), TrustError> {
        Ok(self.store.package_removed(package).await?)
    }

    /// Records that a package was renamed to `name`, which is [normalized](Package::new): see
    /// [`TrustStore::package_renamed`](crate::server::TrustStore::package_renamed). A registry whose packages
    /// are in the stores' database does it in the transaction that renames the package instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), TrustError> {
        Ok(self.store.package_renamed(package, name).await?)
    }

    /// Records that a package was transferred to `owner`, who keeps the publishers with the ids `kept` and no
    /// others: see [`TrustStore::package_transferred`](crate::server::TrustStore::package_transferred). A
    /// registry whose packages are in the stores' database does it in the transaction that transfers the
    /// package instead.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn package_transferred(
        &self,
        package: &Package,
        owner: &PackageOwner,
        kept: &[&str],
    ) -> Result<(), TrustError> {
        Ok(self.store.package_transferred(package, owner, kept).await?)
    }
}
