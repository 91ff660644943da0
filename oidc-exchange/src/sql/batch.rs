//! Requests of one kind that share a round trip to the database, and so the time in which the disk makes a commit durable.
//!
//! Whoever comes while others are served waits and is served together with all who wait; whoever comes alone is served at
//! once, and in its own task where others need not wait for it. Each request has its own answer.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedMutexGuard, oneshot};

use super::database::Database;

/// The number of requests in one round trip: other writers wait meanwhile.
pub(super) const MAX_TOGETHER: usize = 32;

/// A kind of request.
pub(super) trait Shared: Send + Sized + 'static {
    type Answer: Send + 'static;

    /// The number of round trips of one process at a time. With many at a time none would have a second request.
    fn servers(database: &Database) -> usize;

    /// Waits for the turn of the only writer, where the round trip needs it.
    fn turn(database: &Database) -> impl Future<Output = Option<OwnedMutexGuard<()>>> + Send;

    /// Returns `true` if a request may be in the round trip of the others.
    fn may_join(&self, others: &[Self], database: &Database) -> bool;

    /// Serves requests, at most [`MAX_TOGETHER`], and returns the answers in their order.
    fn serve(database: &Database, requests: Vec<Self>) -> impl Future<Output = Vec<Self::Answer>> + Send;

    /// The answer to a request whose task has ended without one, such as with the runtime.
    fn unserved() -> Self::Answer;
}

/// The requests that wait for a round trip.
pub(super) struct Batches<R: Shared>(Arc<Mutex<Waiting<R>>>);

struct Waiting<R: Shared> {
    requests: VecDeque<(R, oneshot::Sender<R::Answer>)>,
    servers: usize,
}

impl<R: Shared> Waiting<R> {
    /// Returns the requests of the next round trip, with those that wait for the answers. Requests that nobody waits for any
    /// more are left out.
    fn next(&mut self, database: &Database) -> (Vec<R>, Vec<oneshot::Sender<R::Answer>>) {
        let (mut requests, mut answers) = (Vec::new(), Vec::new());
        while requests.len() < MAX_TOGETHER
            && let Some((request, answer)) = self.requests.pop_front()
        {
            if answer.is_closed() {
                continue;
            }
            if !request.may_join(&requests, database) {
                self.requests.push_front((request, answer));
                break;
            }
            requests.push(request);
            answers.push(answer);
        }
        (requests, answers)
    }

    /// Gives a server's place up. What waits and has no server is answered with an error.
    fn leave(&mut self) {
        self.servers = self.servers.saturating_sub(1);
        if self.servers == 0 {
            self.requests.clear();
        }
    }
}

impl<R: Shared> Batches<R> {
    /// Serves a request, together with those that wait. It may be served even if the future is dropped.
    pub(super) async fn serve(&self, database: &Database, request: R) -> R::Answer {
        if let Some(_alone) = self.alone(R::servers(database)) {
            return R::serve(database, vec![request]).await.pop().unwrap_or_else(R::unserved);
        }
        let (answer, served) = oneshot::channel();
        if self.add(request, answer, R::servers(database)) {
            // A task of its own: the caller may disconnect, and the others must not end with its request.
            let server = Server { batches: self.clone(), database: database.clone(), is_done: false };
            tokio::spawn(server.serve());
        }
        served.await.unwrap_or_else(|_| R::unserved())
    }

    /// Takes a server's place for a caller that comes alone and serves its own request: a task costs a change of
    /// threads and one back. Whoever comes meanwhile gets a server of its own and never waits for this caller, whose
    /// future may be polled late or never.
    fn alone(&self, servers: usize) -> Option<Alone<'_, R>> {
        let mut waiting = self.lock();
        let is_free = waiting.servers == 0 && servers > 1;
        waiting.servers += usize::from(is_free);
        is_free.then(|| Alone(self))
    }

    /// Adds a request. Returns `true` where it needs one more server, which the caller has to start.
    fn add(&self, request: R, answer: oneshot::Sender<R::Answer>, servers: usize) -> bool {
        let mut waiting = self.lock();
        waiting.requests.push_back((request, answer));
        let is_needed = waiting.servers < servers;
        waiting.servers += usize::from(is_needed);
        is_needed
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Shared> Clone for Batches<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: Shared> Default for Batches<R> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Waiting { requests: VecDeque::new(), servers: 0 })))
    }
}

impl<R: Shared> fmt::Debug for Batches<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").finish_non_exhaustive()
    }
}

/// The place of a caller that serves its own request.
struct Alone<'a, R: Shared>(&'a Batches<R>);

impl<R: Shared> Drop for Alone<'_, R> {
    fn drop(&mut self) {
        self.0.lock().leave();
    }
}

/// A task that serves what waits, and ends when nothing does.
struct Server<R: Shared> {
    batches: Batches<R>,
    database: Database,
    is_done: bool,
}

impl<R: Shared> Server<R> {
    async fn serve(mut self) {
        // Whoever is about to ask gets a place in the first round trip.
        tokio::task::yield_now().await;
        while self.is_needed() {
            let turn = R::turn(&self.database).await;
            let (requests, waiting) = self.batches.lock().next(&self.database);
            let answers = R::serve(&self.database, requests).await;
            drop(turn);
            for (waiting, answer) in waiting.into_iter().zip(answers) {
                // A caller that has disconnected needs no answer.
                let _ = waiting.send(answer);
            }
        }
    }

    /// Returns `false` where no request waits. The next one gets another server.
    fn is_needed(&mut self) -> bool {
        let mut waiting = self.batches.lock();
        self.is_done = waiting.requests.is_empty();
        waiting.servers -= usize::from(self.is_done);
        !self.is_done
    }
}

impl<R: Shared> Drop for Server<R> {
    /// A runtime that ends drops its tasks: whoever waits gets an error, and the next request gets another server.
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        self.batches.lock().leave();
    }
}
