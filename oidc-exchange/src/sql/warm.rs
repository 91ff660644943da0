//! Connections that were used a moment ago, and that the next statement uses.
//!
//! The pool asks a connection whether it still works, before each use and after each use. For a statement that takes one round
//! trip, this makes three of it.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection as _};
use tokio::sync::oneshot;

/// The time after which a connection is asked whether it still works, before it is used again.
const FRESH: Duration = Duration::from_secs(1);
/// The time after which a connection goes back to the pool, which ends old ones.
const BORROWED: Duration = Duration::from_secs(60);

/// Connections of a pool that are kept from it for the next statement.
#[derive(Clone)]
pub(super) struct Warm(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// The number of connections that are kept, or were and are used. The others go back to the pool, for whoever waits there.
    owned: AtomicUsize,
    limit: usize,
}

/// A connection counts as one that is kept from the pool.
struct Owned(Weak<Inner>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(inner) = self.0.upgrade() {
            inner.owned.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[derive(Default)]
struct State {
    kept: Vec<Kept>,
    /// Those who found no connection here and wait for one, here and at the pool.
    waiting: VecDeque<oneshot::Sender<Kept>>,
}

impl State {
    /// Gives a connection to whoever has waited longest. Returns it where nobody waits.
    fn hand_over(&mut self, mut kept: Kept) -> Option<Kept> {
        while let Some(waiting) = self.waiting.pop_front() {
            match waiting.send(kept) {
                Ok(()) => return None,
                // The pool was quicker.
                Err(returned) => kept = returned,
            }
        }
        Some(kept)
    }
}

/// A connection that is kept.
struct Kept {
    connection: PoolConnection<Any>,
    owned: Owned,
    since: Instant,
    used_at: Instant,
}

impl Warm {
    /// At most so many connections.
    pub(super) fn of(limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or_default();
        Self(Arc::new(Inner { state: Mutex::default(), owned: AtomicUsize::default(), limit }))
    }

    /// Returns the connection that was used last, or one of the pool, or the first that is no longer used.
    pub(super) async fn connection(&self, pool: &AnyPool) -> Result<Connection, sqlx::Error> {
        loop {
            let Kept { mut connection, owned, since, used_at } = match self.take() {
                Ok(kept) => kept,
                Err(returned) => match either(pool, returned).await? {
                    Found::New(connection) => {
                        return Ok(Connection { connection, owned: None, since: now(), warm: self.clone() });
                    }
                    Found::Kept(kept) => kept,
                },
            };
            if now().duration_since(used_at) < FRESH || connection.ping().await.is_ok() {
                return Ok(Connection { connection, owned: Some(owned), since, warm: self.clone() });
            }
        }
    }

    /// Returns the connection that was used last, or else a receiver of the next that is no longer used.
    fn take(&self) -> Result<Kept, oneshot::Receiver<Kept>> {
        let mut state = self.0.lock();
        state.kept.pop().ok_or_else(|| {
            let (sender, receiver) = oneshot::channel();
            state.waiting.retain(|waiting| !waiting.is_closed());
            state.waiting.push_back(sender);
            receiver
        })
    }

    /// Counts one more connection as kept, unless there are as many as may be.
    fn own(&self) -> Option<Owned> {
        let more = |owned| (owned < self.0.limit).then_some(owned + 1);
        let counted = self.0.owned.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        counted.ok().map(|_| Owned(Arc::downgrade(&self.0)))
    }
}

/// A connection of the pool, or one that was kept.
enum Found {
    New(PoolConnection<Any>),
    Kept(Kept),
}

/// Waits for a connection of the pool or for one that somebody else no longer uses. Whoever waited for the pool alone might
/// wait while all connections that are not used are kept.
async fn either(pool: &AnyPool, mut returned: oneshot::Receiver<Kept>) -> Result<Found, sqlx::Error> {
    let may_connect = pool.size() < pool.options().get_max_connections();
    let mut acquired = Box::pin(pool.acquire());
    let mut may_return = true;
    let found = poll_fn(|cx| {
        if may_return && let Poll::Ready(kept) = Pin::new(&mut returned).poll(cx) {
            may_return = false;
            if let Ok(kept) = kept {
                return Poll::Ready(Ok(Found::Kept(kept)));
            }
        }
        acquired.as_mut().poll(cx).map(|acquired| acquired.map(Found::New))
    })
    .await?;
    if may_connect && matches!(found, Found::Kept(_)) {
        // The pool gets the connection that is being made.
        tokio::spawn(acquired);
    }
    Ok(found)
}

impl fmt::Debug for Warm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warm").field("limit", &self.0.limit).finish_non_exhaustive()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    /// The pool takes a connection back in a task, and a store may be dropped where no runtime is left to run it.
    fn drop(&mut self) {
        for kept in self.lock().kept.drain(..) {
            drop(kept.connection.detach());
        }
    }
}

/// A connection for one use. Unless it is [kept](Self::keep), it goes back to the pool, which asks whether it still works.
pub(super) struct Connection {
    connection: PoolConnection<Any>,
    owned: Option<Owned>,
    since: Instant,
    warm: Warm,
}

impl Connection {
    pub(super) fn used(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }

    /// Begins a transaction by a statement's text, of which the driver knows nothing.
    pub(super) fn open(&mut self) -> Open<'_> {
        Open { connection: &mut self.connection, is_open: true }
    }

    /// Keeps a connection whose last use ended well, for whoever waits for one or for the next use.
    pub(super) fn keep(self) {
        let Self { connection, owned, since, warm } = self;
        let used_at = now();
        // What is not kept goes back to the pool.
        if used_at.duration_since(since) < BORROWED
            && let Some(owned) = owned.or_else(|| warm.own())
        {
            let mut state = warm.0.lock();
            let left = state.hand_over(Kept { connection, owned, since, used_at });
            state.kept.extend(left);
        }
    }
}

/// A connection with a transaction that the driver does not know. Where it does not [end](Self::end), the connection is
/// closed, and with it the transaction.
pub(super) struct Open<'a> {
    connection: &'a mut PoolConnection<Any>,
    is_open: bool,
}

impl Open<'_> {
    pub(super) fn used(&mut self) -> &mut AnyConnection {
        self.connection
    }

    /// The transaction was committed or rolled back.
    pub(super) fn end(mut self) {
        self.is_open = false;
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.connection.close_on_drop();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the age of a connection is the pool's time, not that of a `Context`"
)]
fn now() -> Instant {
    Instant::now()
}
