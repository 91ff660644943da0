//! The answer to a grant.

use std::sync::Arc;

/// The rows of a grant: the ids of the publishers that are still there. A row without an id says that the identity token was
/// used as often as allowed, or that its uses may have been purged; no row says that no publisher is left.
pub(super) type Rows = Vec<Option<String>>;
/// The rows of a grant, or the failure of the transaction that several grants share.
pub(super) type Outcome = Result<Rows, Arc<sqlx::Error>>;
