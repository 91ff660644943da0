//! The owners of packages and of publishers.

use std::fmt;
use std::future::Future;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::package::Package;
use super::store_error::StoreError;

/// An owner of a package or of a publisher.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "a further kind of owner decides who may publish, so that no `match` may pass over it"
)]
pub enum PackageOwner {
    /// The registry's operator, who owns every package of a registry without accounts.
    Operator,
    /// An account, by the name in [`PublisherRecord::account`](super::PublisherRecord::account).
    Account(String),
}

impl PackageOwner {
    /// The account of this name.
    pub fn account(name: impl Into<String>) -> Self {
        Self::Account(name.into())
    }

    /// The owner that a publisher's account denotes.
    pub(crate) fn of_publisher(account: Option<&str>) -> Self {
        account.map_or(Self::Operator, Self::account)
    }

    /// Returns the account's name; `None` for the operator.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Operator => None,
            Self::Account(name) => Some(name),
        }
    }
}

/// Returns the owners of a package to an [`Exchange`](super::Exchange), at endpoints that name a package. A
/// publisher for a prefix of names accepts a job for packages of its own account only, and only the application
/// knows the owners of packages. [`ExchangeBuilder::owners_by`](super::ExchangeBuilder::owners_by) takes a function in its
/// place.
///
/// ```
/// use oidc_exchange::server::{Package, PackageOwner, PackageOwners, StoreError};
///
/// /// A registry without accounts: all of its packages are the operator's.
/// #[derive(Debug)]
/// struct Names(Vec<String>);
///
/// #[async_trait::async_trait]
/// impl PackageOwners for Names {
///     async fn owners(&self, package: &Package) -> Result<Vec<PackageOwner>, StoreError> {
///         let is_there = self.0.contains(&package.name);
///         Ok(is_there.then_some(PackageOwner::Operator).into_iter().collect())
///     }
/// }
/// ```
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait PackageOwners: fmt::Debug + Send + Sync {
    /// Returns the owners of a package; none where there is no such package. The exchange uses the first 32.
    ///
    /// `async fn owners(&self, package: &Package) -> Result<Vec<PackageOwner>, StoreError>`
    ///
    /// Every caller waits for the result, so it must take the same time whether the package exists or not.
    ///
    /// # Errors
    ///
    /// When the owners can't be looked up.
    async fn owners(&self, package: &Package) -> Result<Vec<PackageOwner>, StoreError>;
}

/// The owners that a function returns.
pub(super) struct OwnersBy<F>(pub(super) F);

impl<F> fmt::Debug for OwnersBy<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnersBy").finish_non_exhaustive()
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl<F, O> PackageOwners for OwnersBy<F>
where
    F: Fn(Package) -> O + Send + Sync,
    O: Future<Output = Result<Vec<PackageOwner>, StoreError>> + Send,
{
    async fn owners(&self, package: &Package) -> Result<Vec<PackageOwner>, StoreError> {
        (self.0)(package.clone()).await
    }
}
