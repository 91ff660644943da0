//! The checks of a publish in the transaction that stores it.

use oidc_core::Timestamp;

use super::Transaction;
use crate::server::{Package, PackageOwner, StoreError, TokenRecord, TrustStore as _};

/// A publish that [`Transaction::authorize`] allows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Authorized {
    /// The id of the publisher.
    pub publisher: String,
    /// The owner of the package where the publish creates it, and `None` where the package exists. The application
    /// stores the package as that owner's, in the same transaction.
    pub creates: Option<PackageOwner>,
}

impl Transaction {
    /// Allows the bearer of a publish token to publish a package, and records the publish. It is everything that the
    /// transaction of a publish asks: [`package_created_by`](crate::server::TrustStore::package_created_by) where the
    /// publisher is pending, [`is_active_of`](Self::is_active_of), [`is_granted`](Self::is_granted) and
    /// [`published`](crate::server::TrustStore::published). Publisher and token stay valid until the transaction
    /// ends: others that remove or revoke them wait.
    ///
    /// `record` is from [`Exchange::find`](crate::server::Exchange::find): the store is asked about the token of such a record,
    /// unless the token is [self-contained](crate::server::NewToken::SelfContained). `owners` are the owners of the
    /// package, read in this transaction from rows that it locks. Pass none where the package does not exist, or where publishers for
    /// [prefixes](Package::prefix) are not offered.
    ///
    /// Returns `None` where the token may not publish the package, or has expired at `now`. Then drop the transaction.
    /// A token that was made while its publisher was pending publishes further files into the package that it created.
    #[cfg_attr(feature = "sqlx", doc = "```")]
    #[cfg_attr(not(feature = "sqlx"), doc = "```ignore")]
    /// use oidc_core::Timestamp;
    /// use oidc_exchange::server::{Package, StoreError, TokenRecord};
    /// use oidc_exchange::sql::SqlStore;
    ///
    /// /// Stores a version and, if it is the first, the package; `false` if the token may not, or the version exists.
    /// async fn publish(
    ///     store: &SqlStore,
    ///     record: &TokenRecord,
    ///     name: &str,
    ///     version: &str,
    ///     now: Timestamp,
    /// ) -> Result<bool, StoreError> {
    ///     let mut tx = store.begin().await?;
    ///     let package = Package::new("npm", name);
    ///     let Some(authorized) = tx.authorize(record, &package, &[], now).await? else {
    ///         return Ok(false);
    ///     };
    ///     if let Some(owner) = authorized.creates {
    ///         let insert = sqlx::query("INSERT INTO package (name, owner) VALUES ($1, $2)");
    ///         insert.bind(name).bind(owner.name()).execute(tx.connection()).await?;
    ///     }
    ///     let insert = "INSERT INTO version (package, version) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    ///     let insert = sqlx::query(insert).bind(name).bind(version).execute(tx.connection()).await?;
    ///     // Without this, a second publish of a version would look like a success.
    ///     if insert.rows_affected() == 0 {
    ///         return Ok(false);
    ///     }
    ///     tx.commit().await?;
    ///     Ok(true)
    /// }
    /// ```
    ///
    /// Here `?` converts a `sqlx::Error` to a [`StoreError`], which is a failure of the registry.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn authorize(
        &self,
        record: &TokenRecord,
        package: &Package,
        owners: &[PackageOwner],
        now: Timestamp,
    ) -> Result<Option<Authorized>, StoreError> {
        if record.has_expired(now) {
            return Ok(None);
        }
        let Some(granted) = record.for_package_of(package, owners) else { return Ok(None) };
        let publisher = granted.publisher.as_str();
        let mut creates = None;
        if granted.may_create {
            creates = self.package_created_by(package, publisher).await?;
        }
        // A pending publisher may do nothing to a package that exists. One that is regular by now created it.
        if creates.is_some() && !owners.is_empty() {
            return Ok(None);
        }
        if !self.is_active_of(package, owners, publisher).await? {
            return Ok(None);
        }
        if let Some(token) = record.hash()
            && !self.is_granted(token, package, publisher, now).await?
        {
            return Ok(None);
        }
        let is_published = self.published(package, publisher, now).await?;
        Ok(is_published.then(|| Authorized { publisher: publisher.to_owned(), creates }))
    }
}
