//! Redeeming a grant: record the use of the identity token, learn ids, store the publish token.
//!
//! A publisher learns its ids once, in a [transaction](learning) of several statements. All later grants are
//! one round trip, which grants that come at a time [share](super::batch): a statement on [PostgreSQL](postgres), a statement or a
//! sequence on [SQLite](sqlite). None is answered before the commit.

mod learning;
mod outcome;
mod postgres;
pub(super) mod sqlite;
mod values;

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;

use self::outcome::Outcome;
pub(super) use self::values::Values;
use super::batch::{Batches, Shared};
use super::database::{Database, failed, retry};
use crate::server::{Grant, Redeemed, StoreError};

/// Implements [`PublisherStore::redeem`](crate::server::PublisherStore::redeem).
pub(super) async fn redeem(
    database: &Database,
    batches: &Batches<Values>,
    grant: &Grant,
) -> Result<Redeemed, StoreError> {
    if grant.packages().iter().any(|by| !by.learned.is_empty()) {
        return retry(|| learning::redeem(database, grant)).await.map_err(failed);
    }
    let values = Values::new(grant).map_err(StoreError::new)?;
    let granted = if database.is_sqlite() || values.is_of_one() {
        batches.serve(database, values).await.map_err(StoreError::new)?
    } else {
        postgres::alone(database, &values).await.map_err(failed)?
    };
    Ok(outcome(granted, grant))
}

impl Shared for Values {
    type Answer = Outcome;

    /// On PostgreSQL one waits for the disk while another is executed. SQLite has one writer.
    fn servers(database: &Database) -> usize {
        if database.is_sqlite() { 1 } else { 2 }
    }

    async fn turn(database: &Database) -> Option<OwnedMutexGuard<()>> {
        if database.is_sqlite() { Some(database.turn().await) } else { None }
    }

    /// A statement on PostgreSQL can change a row only once, and its values are limited.
    fn may_join(&self, others: &[Self], database: &Database) -> bool {
        let is_other = |other: &Self| other.replay_key() != self.replay_key();
        database.is_sqlite() || self.fits_beside(others) && others.iter().all(is_other)
    }

    async fn serve(database: &Database, grants: Vec<Self>) -> Vec<Outcome> {
        if database.is_sqlite() {
            sqlite::redeem_all(database, &grants).await
        } else {
            postgres::redeem_all(database, &grants).await
        }
    }

    fn unserved() -> Outcome {
        Err(Arc::new(sqlx::Error::WorkerCrashed))
    }
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
