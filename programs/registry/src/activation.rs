//! Publishers and publish tokens in the transaction that publishes: activated, and asked for once more.

use oidc_core::Timestamp;
use oidc_exchange::server::{Package, PackageOwner, StoreError, TrustStore as _};
use oidc_exchange::sql::Transaction;

use super::authorize::Principal;
use super::choices;

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

/// The reason for which a principal may no longer do what it was allowed when its request began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its publish token expired or was revoked.
    Token,
    /// It has a static token, and only trusted publishers change the package by now.
    TrustedOnly,
}

/// Checks that the principal may still change the package, and keeps a publish token valid until the transaction ends: the last
/// question before the commit, since an upload takes as long as its sender likes. Returns the reason where it may not.
pub(super) async fn ended(
    transaction: &mut Transaction,
    package: &Package,
    by: &Principal,
    now: Timestamp,
) -> Result<Option<Ended>, StoreError> {
    let (holds, reason) = match by {
        Principal::TrustedPublisher { publisher, token: Some(token), .. } => {
            (transaction.is_granted(token, package, publisher, now).await?, Ended::Token)
        }
        Principal::TrustedPublisher { token: None, .. } => (false, Ended::Token),
        Principal::Anonymous | Principal::Admin => {
            (!choices::is_trusted_only(transaction.connection(), package).await?, Ended::TrustedOnly)
        }
    };
    Ok((!holds).then_some(reason))
}

/// The same of a publish, which proves the publisher.
pub(super) async fn published(
    transaction: &mut Transaction,
    package: &Package,
    by: &Principal,
    now: Timestamp,
) -> Result<Option<Ended>, StoreError> {
    match (ended(transaction, package, by, now).await?, by) {
        (None, Principal::TrustedPublisher { publisher, .. }) => {
            let is_proven = transaction.published(package, publisher, now).await?;
            Ok((!is_proven).then_some(Ended::Token))
        }
        (ended, _) => Ok(ended),
    }
}
