//! The server's stores in memory, for a registry without a database.
//!
//! [`MemoryStore`] passes the same conformance suite as every other store. It is for one process. Each exchange
//! reads every publisher, so it is for hundreds of publishers and not for a public registry.
//!
//! | | [`MemoryStore::open`] | [`MemoryStore::started_at`] |
//! |---|---|---|
//! | keeps its state | in a [`Document`] of the application's, which is a trait of two methods | in memory alone |
//! | its publishers | are configured once | are configured at each start, such as from a file |
//! | a restart | loses nothing | see "What a restart loses" |
//!
//! # The document
//!
//! Each change is saved before it has an effect and before the caller is answered: where the document can't be
//! saved, an exchange fails, nothing is used up, and no token is made. Requests that change nothing save nothing.
//! The document is written as a whole, with about 500 bytes for each publisher, 400 for each publish token and 100
//! for each use of an identity token. Expired records leave it with
//! [`Exchange::purge`](crate::server::Exchange::purge). Changes wait for each other, so an exchange takes as long
//! as a save, times the number of changes before it.
//!
//! # When it is full
//!
//! A full store **refuses**: it does not store another publisher, and an exchange fails without using
//! anything up. The reason is logged. The store first purges expired records, but never a publish token or
//! replay record before it expires. Only exchanges that a publisher accepts take up room, so strangers can't
//! fill the store.
//!
//! A job gets as many identity tokens as it asks for, and each exchange of one takes up room until the tokens expire.
//! Therefore each account has a [share](MemoryLimits::shares) of the store: an account that has taken up its share is
//! refused, and all others are served as before. An exchange that publishers of several accounts accept needs room in
//! the share of one of them, so that a stranger's publisher for somebody's repository keeps nobody from publishing. Who
//! can open many accounts can fill the store; where that is so, use a database. The operator's own publishers have no
//! share and may fill the store.
//!
//! # What a restart loses
//!
//! A store that was opened with a document has everything after a restart. A store without one has lost:
//!
//! - **Replay records.** A used identity token must not become usable again, so the store refuses every token
//!   that may have been issued before it started. Because of the verifier's leeway, these include tokens that
//!   are issued in the first 30 seconds after the start. A job that is refused asks its platform for a new
//!   token; where the platform gives one token for each job, the job has to be run again. The time of the start is
//!   taken at its word: where the clock was set back before a restart, a token that was used in the time by which it
//!   was set back becomes usable again.
//! - **Publish tokens**: all are lost.
//! - **Publishers**, unless they are configured again, and **the ids that they learned**. Configure the ids,
//!   such as `repository_id`; otherwise the next owner of a repository's name is accepted after a restart.
//!
//! The same holds where there is no document any more.
//!
//! A store that was opened with an older document than the last one, such as a backup, has forgotten what happened since: an
//! identity token that was used since then is usable again, and a publish token that was revoked since then is valid
//! again, each until it expires. Restore a document only when the tokens of that time have expired.
//!
//! Two processes must not have separate stores, nor the same document at the same time, since an identity token
//! could be used once with each.
//!
//! # In tests
//!
//! A job of `oidc_core::testing::FakePlatform` gets its token at the time at which the registry's clock stands still, and a store that
//! starts at that time refuses it. `MemoryStore::for_tests` (feature `testing`) accepts tokens of any age, and so does a store that was opened with
//! `Timestamp::default()` as the time of its start.

mod document;
mod limits;
mod publishers;
mod room;
mod state;
mod stores;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oidc_core::Timestamp;

pub use self::document::Document;
use self::document::Saved;
pub use self::limits::{Full, MemoryLimits};
pub(crate) use self::state::{State, Uses};
use crate::server::StoreError;

/// All three stores in memory, within [limits](MemoryLimits), and in a [`Document`] where it was opened with one.
/// Clones share the records; other processes don't.
///
/// ```
/// use oidc_core::{Context, ProviderSet};
/// use oidc_core::verify::Verifier;
/// use oidc_exchange::memory::{Document, MemoryLimits, MemoryStore};
/// use oidc_exchange::server::{Exchange, StoreError, Trust};
///
/// # async fn example(
/// #     cx: Context,
/// #     providers: ProviderSet,
/// #     verifier: Verifier,
/// #     document: impl Document + 'static,
/// # ) -> Result<(), StoreError> {
/// let store = MemoryStore::open(document, MemoryLimits::default(), cx.clock().now()).await?;
/// let trust = Trust::new(providers, store.clone(), &cx);
/// let exchange = Exchange::builder(verifier, store).build();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Locked by a writer from reading the state until its change is saved.
    saved: Option<tokio::sync::Mutex<Saved>>,
}

impl MemoryStore {
    /// An empty store of a process that starts now, with [`MemoryLimits::default`]. Identity tokens that may
    /// have been issued before `now` are refused, since another process may have accepted them.
    pub fn started_at(now: Timestamp) -> Self {
        Self::with_limits(now, MemoryLimits::default())
    }

    /// An empty store like that of [`started_at`](Self::started_at), with other limits.
    pub fn with_limits(now: Timestamp, limits: MemoryLimits) -> Self {
        Self::of(State { limits, started_at: now, ..State::default() }, None)
    }

    /// A store whose state the application keeps in a document. Where there is no document yet, it begins like
    /// [`started_at`](Self::started_at): identity tokens that may have been issued before `now` are refused as used. A service takes
    /// `now` from its clock. A test, and a `Harness` of the conformance suite, takes
    /// `Timestamp::default()`.
    ///
    /// # Errors
    ///
    /// When the document can't be read, or is not one of a store.
    pub async fn open(
        document: impl Document + 'static,
        limits: MemoryLimits,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let (saved, state) = Saved::load(Box::new(document)).await?;
        let state = state.unwrap_or_else(|| State { started_at: now, ..State::default() });
        Ok(Self::of(State { limits, ..state }, Some(saved)))
    }

    fn of(state: State, saved: Option<Saved>) -> Self {
        Self(Arc::new(Shared { state: Mutex::new(state), saved: saved.map(tokio::sync::Mutex::new) }))
    }

    /// A store of this state alone.
    pub(crate) fn with(state: State) -> Self {
        Self::of(state, None)
    }

    /// Returns the state.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.lock()
    }

    /// An empty store for tests, which accepts tokens of any age.
    #[cfg(feature = "testing")]
    pub fn for_tests() -> Self {
        Self::started_at(Timestamp::default())
    }

    /// Returns the numbers of publish tokens and of replay records.
    pub fn records(&self) -> (usize, usize) {
        let state = self.lock();
        (state.tokens.len(), state.replay.len())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state. A change that fails, or can't be saved, has no effect.
    async fn write<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut saved = match &self.0.saved {
            Some(saved) => saved.lock().await,
            None => return change(&mut self.lock()),
        };
        let mut state = self.lock().clone();
        let outcome = change(&mut state)?;
        saved.save(&state).await?;
        *self.lock() = state;
        Ok(outcome)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
