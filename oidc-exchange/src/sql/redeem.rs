//! Redeeming a grant: record the use of the identity token, learn ids, store the publish token.
//!
//! A publisher learns its ids once, in a [transaction](learning) of several statements. All later grants are
//! [one round trip](texts): a statement on PostgreSQL, a sequence on SQLite, in a [batch] where several come at a time.

mod batch;
mod learning;
mod texts;
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
    let run = serde_json::to_string(grant.run()).map_err(StoreError::new)?;
    if grant.packages().iter().any(|by| !by.learned.is_empty()) {
        return retry(|| learning::redeem(database, grant, &run)).await.map_err(failed);
    }
    let granted = if database.is_sqlite() {
        let values = Values::for_sqlite(grant, run).map_err(StoreError::new)?;
        batches.redeem(database, values).await.map_err(StoreError::new)?
    } else {
        let values = Values::for_postgres(grant, run).map_err(StoreError::new)?;
        retry(|| at_once(database, &values)).await.map_err(failed)?
    };
    Ok(outcome(granted, grant))
}

/// Redeems a grant in one statement, which is a transaction of its own.
async fn at_once(database: &Database, values: &Values) -> Result<Vec<Option<String>>, sqlx::Error> {
    let mut connection = database.connection().await?;
    let granted = values.bind(texts::POSTGRES).fetch_all(connection.used()).await?;
    connection.keep();
    Ok(granted)
}

/// The outcome that the rows of one of the [texts] stand for.
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
