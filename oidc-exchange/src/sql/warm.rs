//! Connections that were used a moment ago, and that the next statement uses.
//!
//! The pool asks a connection whether it still works, before each use and after each use. For a statement that takes one round
//! trip, this makes three of it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection as _};

/// The time after which a connection is asked whether it still works, before it is used again.
const FRESH: Duration = Duration::from_secs(1);
/// The time after which a connection goes back to the pool, which ends old ones.
const BORROWED: Duration = Duration::from_secs(60);

/// Connections of a pool that are kept from it for the next statement.
#[derive(Clone)]
pub(super) struct Warm(Arc<Inner>);

struct Inner {
    kept: Mutex<Vec<Kept>>,
    limit: usize,
}

/// A connection that is kept.
struct Kept {
    connection: PoolConnection<Any>,
    since: Instant,
    used_at: Instant,
}

impl Warm {
    /// At most so many connections.
    pub(super) fn of(limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or_default();
        Self(Arc::new(Inner { kept: Mutex::default(), limit }))
    }

    /// Returns the connection that was used last, or one of the pool.
    pub(super) async fn connection(&self, pool: &AnyPool) -> Result<Connection, sqlx::Error> {
        while let Some(Kept { mut connection, since, used_at }) = self.take() {
            if now().duration_since(used_at) < FRESH || connection.ping().await.is_ok() {
                return Ok(Connection { connection, since, warm: self.clone() });
            }
        }
        let connection = pool.acquire().await?;
        Ok(Connection { connection, since: now(), warm: self.clone() })
    }

    fn take(&self) -> Option<Kept> {
        self.0.lock().pop()
    }
}

impl fmt::Debug for Warm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warm").field("limit", &self.0.limit).finish_non_exhaustive()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    /// The pool takes a connection back in a task, and a store may be dropped where no runtime is left to run it.
    fn drop(&mut self) {
        for kept in self.lock().drain(..) {
            drop(kept.connection.detach());
        }
    }
}

/// A connection for one use. Unless it is [kept](Self::keep), it goes back to the pool, which asks whether it still works.
pub(super) struct Connection {
    connection: PoolConnection<Any>,
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

    /// Keeps a connection whose last use ended well.
    pub(super) fn keep(self) {
        let Self { connection, since, warm } = self;
        let mut kept = warm.0.lock();
        let used_at = now();
        if kept.len() < warm.0.limit && used_at.duration_since(since) < BORROWED {
            kept.push(Kept { connection, since, used_at });
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
