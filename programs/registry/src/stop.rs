//! The end of a publish's transaction.

use oidc_exchange::server::StoreError;
use oidc_exchange::sql::Transaction;

/// The end of a publish before its commit. Each store's outcome converts to [`Stop::Refused`].
pub(crate) enum Stop<Outcome> {
    /// The publish is refused.
    Refused(Outcome),
    /// The store failed.
    Failed(StoreError),
}

impl<Outcome> From<StoreError> for Stop<Outcome> {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl<Outcome> From<sqlx::Error> for Stop<Outcome> {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Commits what was written. Drops the transaction, which rolls it back, where the publish ended before.
pub(crate) async fn finish<Outcome>(
    write: Transaction,
    written: Result<Outcome, Stop<Outcome>>,
) -> Result<Outcome, StoreError> {
    match written {
        Ok(done) => {
            write.commit().await?;
            Ok(done)
        }
        Err(Stop::Refused(refused)) => Ok(refused),
        Err(Stop::Failed(error)) => Err(error),
    }
}
