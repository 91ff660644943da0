//! Publishers and publish tokens in the transaction that publishes: activated, and asked for once more.

use oidc_core::Timestamp;
use oidc_exchange::server::{Package, PackageOwner, StoreError, TrustStore as _};
use oidc_exchange::sql::Transaction;

use super::authorize::Principal;

/// Checks that the principal's trusted publisher, if it has one, is a regular one of the package, and keeps it so until the
/// transaction ends. One that creates the package becomes so, and the package's other pending publishers end.
pub(super) async fn activate(
    transaction: &Transaction,
    package: &Package,
    by: &Principal,
    is_new: bool,
) -> Result<bool, StoreError> {
    let publisher = match by {
        Principal::TrustedPublisher { publisher, .. } => Some(publisher.as_str()),
        _ => None,
    };
    let is_created = match publisher {
        Some(publisher) if is_new => transaction.package_created_by(package, publisher).await?.is_some(),
        None if is_new => {
            transaction.package_created(package).await?;
            true
        }
        _ => true,
    };
    if !is_created {
        return Ok(false);
    }
    match publisher {
        // One for a prefix creates no package, and there are no other owners than the operator.
        Some(publisher) => transaction.is_active_of(package, &[PackageOwner::Operator], publisher).await,
        None => Ok(true),
    }
}

/// Checks that the principal's publish token, if it has one, is valid at this time, and keeps it so until the transaction ends:
/// the last question before the commit, since an upload takes as long as its sender likes.
pub(super) async fn is_granted(
    transaction: &Transaction,
    package: &Package,
    by: &Principal,
    now: Timestamp,
) -> Result<bool, StoreError> {
    match by {
        Principal::TrustedPublisher { publisher, token: Some(token), .. } => {
            transaction.is_granted(token, package, publisher, now).await
        }
        Principal::TrustedPublisher { token: None, .. } => Ok(false),
        Principal::Anonymous | Principal::Admin => Ok(true),
    }
}

/// The same of a publish, which proves the publisher.
pub(super) async fn published(
    transaction: &Transaction,
    package: &Package,
    by: &Principal,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !is_granted(transaction, package, by, now).await? {
        return Ok(false);
    }
    match by {
        Principal::TrustedPublisher { publisher, .. } => transaction.published(package, publisher, now).await,
        Principal::Anonymous | Principal::Admin => Ok(true),
    }
}
