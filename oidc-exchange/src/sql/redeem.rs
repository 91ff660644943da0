//! Redeeming a grant: record the use of the identity token, learn ids, store the publish token.
//!
//! A publisher learns its ids once, in a [transaction](learning) of several statements. All later grants are
//! one round trip: a statement on [PostgreSQL](postgres), a sequence on [SQLite](sqlite), in a [batch] where several come at a
//! time.

mod batch;
mod learning;
mod outcome;
mod postgres;
mod sqlite;
mod values;

use std::collections::HashSet;

pub(super) use self::batch::Batches;
use self::values::Values;
use super::database::{Database, failed, retry};
use crate::server::{Grant, Redeemed, StoreError};

/// Implements [`PublisherStore::redeem`](crate::server::PublisherStore::redeem).
pub(super) async fn redeem(
    database: &Database,
    batches: &Batches,
    grant: &Grant,
) -> Result<Redeemed, StoreError> {
    if grant.packages().iter().any(|by| !by.learned.is_empty()) {
        return retry(|| learning::redeem(database, grant)).await.map_err(failed);
    }
    let values = Values::new(grant).map_err(StoreError::new)?;
    let granted = if database.is_sqlite() || values.is_of_one() {
        batches.redeem(database, values).await.map_err(StoreError::new)?
    } else {
        postgres::alone(database, &values).await.map_err(failed)?
    };
    Ok(outcome(granted, grant))
}

/// The outcome that the rows of a grant stand for.
fn outcome(rows: Vec<Option<String>>, grant: &Grant) -> Redeemed {
    let is_used_up = rows.iter().any(Option::is_none);
    let granted: HashSet<String> = rows.into_iter().flatten().collect();
    if granted.is_empty() {
        return if is_used_up { Redeemed::AlreadyUsed } else { Redeemed::Superseded };
    }
    let left_out = grant.packages().iter().map(|by| &by.publisher).filter(|id| !granted.contains(*id));
    let left_out: Vec<String> = left_out.cloned().collect();
    if left_out.is_empty() { Redeemed::Granted } else { Redeemed::Partly(left_out) }
}
