//! Grants on SQLite that share a transaction, and so the time in which the disk makes it durable.
//!
//! Whoever comes while others write waits and is granted together with all who wait; whoever comes alone is granted at
//! once. Each grant has its own savepoint and its own outcome, and none is answered before the commit.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{AnyConnection, Executor as _};
use tokio::sync::oneshot;

use super::super::database::Database;
use super::texts;
use super::values::Values;

/// The number of grants in one transaction: other writers wait meanwhile.
const MAX_TOGETHER: usize = 32;

/// The rows of a grant: see [texts].
type Rows = Vec<Option<String>>;
type Outcome = Result<Rows, Arc<sqlx::Error>>;
type Waiter = (Values, oneshot::Sender<Outcome>);

/// The grants that wait for the writer's turn.
#[derive(Clone, Default)]
pub(in crate::sql) struct Batches(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    grants: VecDeque<Waiter>,
    /// `true` while a server is there.
    is_served: bool,
}

impl Batches {
    /// Redeems a grant, together with those that wait. It may be redeemed even if the future is dropped.
    pub(super) async fn redeem(&self, database: &Database, values: Values) -> Outcome {
        let (answer, outcome) = oneshot::channel();
        if self.add(values, answer) {
            // A task of its own: the caller may disconnect, and the others' grants must not end with its request.
            let server = Server { batches: self.clone(), database: database.clone(), is_done: false };
            tokio::spawn(server.serve());
        }
        outcome.await.unwrap_or_else(|_| Err(Arc::new(sqlx::Error::WorkerCrashed)))
    }

    /// Adds a grant. Returns `true` where no server is there, which the caller has to start.
    fn add(&self, values: Values, answer: oneshot::Sender<Outcome>) -> bool {
        let mut waiting = self.lock();
        waiting.grants.push_back((values, answer));
        !std::mem::replace(&mut waiting.is_served, true)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").finish_non_exhaustive()
    }
}

/// The task that redeems what waits, and ends when nothing does.
struct Server {
    batches: Batches,
    database: Database,
    is_done: bool,
}

impl Server {
    async fn serve(mut self) {
        while self.is_needed() {
            let turn = self.database.turn().await;
            let (values, answers): (Vec<_>, Vec<_>) = self.next().into_iter().unzip();
            let outcomes = redeem_all(&self.database, &values).await;
            drop(turn);
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // A caller that has disconnected needs no answer.
                let _ = answer.send(outcome);
            }
        }
    }

    /// Returns `false` where no grant waits. The next one gets another server.
    fn is_needed(&mut self) -> bool {
        let mut waiting = self.batches.lock();
        waiting.is_served = !waiting.grants.is_empty();
        self.is_done = !waiting.is_served;
        waiting.is_served
    }

    /// Returns the grants of the next transaction. Those that nobody waits for any more are left out.
    fn next(&self) -> Vec<Waiter> {
        let mut waiting = self.batches.lock();
        let number = waiting.grants.len().min(MAX_TOGETHER);
        waiting.grants.drain(..number).filter(|(_, answer)| !answer.is_closed()).collect()
    }
}

impl Drop for Server {
    /// A runtime that ends drops its tasks: whoever waits gets an error, and the next grant gets another server.
    fn drop(&mut self) {
        if !self.is_done {
            *self.batches.lock() = Waiting::default();
        }
    }
}

async fn redeem_all(database: &Database, grants: &[Values]) -> Vec<Outcome> {
    if grants.len() > 1 {
        match together(database, grants).await {
            Ok(outcomes) => return outcomes,
            // One of them may be the reason, which then fails alone.
            Err(error) => {
                tracing::warn!(%error, grants = grants.len(), "grants that shared a transaction are redeemed one by one");
            }
        }
    }
    let mut outcomes = Vec::new();
    for values in grants {
        outcomes.push(alone(database, values).await.map_err(Arc::new));
    }
    outcomes
}

/// Redeems one grant in a transaction of its own.
async fn alone(database: &Database, values: &Values) -> Result<Rows, sqlx::Error> {
    let mut connection = database.writer().await?;
    let mut open = connection.open();
    let redeemed = values.bind(&values.sequence().alone).fetch_all(open.used()).await;
    if redeemed.is_err() {
        open.used().execute("ROLLBACK").await?;
    }
    open.end();
    connection.keep();
    redeemed
}

/// Redeems grants in one transaction. Its error is none of a single grant's, and then nothing was granted.
async fn together(database: &Database, grants: &[Values]) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut connection = database.writer().await?;
    let mut open = connection.open();
    let redeemed = within(open.used(), grants).await;
    if redeemed.is_err() {
        open.used().execute("ROLLBACK").await?;
    }
    open.end();
    connection.keep();
    redeemed
}

async fn within(connection: &mut AnyConnection, grants: &[Values]) -> Result<Vec<Outcome>, sqlx::Error> {
    connection.execute("BEGIN IMMEDIATE").await?;
    let mut outcomes = Vec::new();
    for values in grants {
        let redeemed = values.bind(&values.sequence().among_others).fetch_all(&mut *connection).await;
        if redeemed.is_err() {
            connection.execute(texts::UNDO).await?;
        }
        outcomes.push(redeemed.map_err(Arc::new));
    }
    connection.execute("COMMIT").await?;
    Ok(outcomes)
}
