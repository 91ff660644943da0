//! Grants that share a transaction, and so the time in which the disk makes it durable.
//!
//! Whoever comes while others write waits and is granted together with all who wait; whoever comes alone is granted at
//! once. Each grant has its own outcome, and none is answered before the commit: on SQLite each has its own savepoint, on
//! PostgreSQL all are one statement.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::super::database::Database;
use super::outcome::Outcome;
use super::values::Values;
use super::{postgres, sqlite};

/// The number of grants in one transaction: other writers wait meanwhile.
const MAX_TOGETHER: usize = 32;
/// The number of transactions of one process on PostgreSQL at a time: one waits for the disk while another is executed. With
/// many at a time none would have a second grant. SQLite has one writer.
const MAX_SERVERS: usize = 2;

type Waiter = (Values, oneshot::Sender<Outcome>);

/// The grants that wait for a transaction.
#[derive(Clone, Default)]
pub(in crate::sql) struct Batches(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    grants: VecDeque<Waiter>,
    servers: usize,
}

impl Waiting {
    /// Returns the grants of the next transaction. Those that nobody waits for any more are left out. If `is_distinct`, none has
    /// the replay key of another.
    fn next(&mut self, is_distinct: bool) -> Vec<Waiter> {
        let (mut next, mut keys) = (Vec::new(), HashSet::new());
        while next.len() < MAX_TOGETHER
            && let Some((values, answer)) = self.grants.pop_front()
        {
            if answer.is_closed() {
                continue;
            }
            if is_distinct && !keys.insert(values.replay_key().to_owned()) {
                self.grants.push_front((values, answer));
                break;
            }
            next.push((values, answer));
        }
        next
    }
}

impl Batches {
    /// Redeems a grant, together with those that wait. It may be redeemed even if the future is dropped.
    pub(super) async fn redeem(&self, database: &Database, values: Values) -> Outcome {
        let (answer, outcome) = oneshot::channel();
        let servers = if database.is_sqlite() { 1 } else { MAX_SERVERS };
        if self.add(values, answer, servers) {
            // A task of its own: the caller may disconnect, and the others' grants must not end with its request.
            let server = Server { batches: self.clone(), database: database.clone(), is_done: false };
            tokio::spawn(server.serve());
        }
        outcome.await.unwrap_or_else(|_| Err(Arc::new(sqlx::Error::WorkerCrashed)))
    }

    /// Adds a grant. Returns `true` where it needs one more server, which the caller has to start.
    fn add(&self, values: Values, answer: oneshot::Sender<Outcome>, servers: usize) -> bool {
        let mut waiting = self.lock();
        waiting.grants.push_back((values, answer));
        let is_needed = waiting.servers < servers;
        waiting.servers += usize::from(is_needed);
        is_needed
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

/// A task that redeems what waits, and ends when nothing does.
struct Server {
    batches: Batches,
    database: Database,
    is_done: bool,
}

impl Server {
    async fn serve(mut self) {
        // Whoever is about to ask gets a place in the first transaction.
        tokio::task::yield_now().await;
        while self.is_needed() {
            if self.database.is_sqlite() {
                let turn = self.database.turn().await;
                let (values, answers) = self.next();
                let outcomes = sqlite::redeem_all(&self.database, &values).await;
                drop(turn);
                tell(answers, outcomes);
            } else {
                let (values, answers) = self.next();
                tell(answers, postgres::redeem_all(&self.database, &values).await);
            }
        }
    }

    /// Returns `false` where no grant waits. The next one gets another server.
    fn is_needed(&mut self) -> bool {
        let mut waiting = self.batches.lock();
        self.is_done = waiting.grants.is_empty();
        waiting.servers -= usize::from(self.is_done);
        !self.is_done
    }

    fn next(&self) -> (Vec<Values>, Vec<oneshot::Sender<Outcome>>) {
        // A statement on PostgreSQL can change a row only once.
        let is_distinct = !self.database.is_sqlite();
        self.batches.lock().next(is_distinct).into_iter().unzip()
    }
}

fn tell(answers: Vec<oneshot::Sender<Outcome>>, outcomes: Vec<Outcome>) {
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // A caller that has disconnected needs no answer.
        let _ = answer.send(outcome);
    }
}

impl Drop for Server {
    /// A runtime that ends drops its tasks: whoever waits gets an error, and the next grant gets another server.
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let mut waiting = self.batches.lock();
        waiting.servers = waiting.servers.saturating_sub(1);
        if waiting.servers == 0 {
            waiting.grants.clear();
        }
    }
}
