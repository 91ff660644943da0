//! The connections of a listener, and which of them makes room.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::rt::Timer as _;
use hyper_util::rt::TokioTimer;
use tokio::sync::Notify;

/// The pause before the next attempt to make room by closing a connection.
const RETRY: Duration = Duration::from_millis(20);

/// The connections, up to a number.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    members: Mutex<Members>,
    ticks: AtomicU64,
    left: Notify,
}

#[derive(Debug, Default)]
struct Members {
    standings: BTreeMap<u64, Arc<Standing>>,
    last: u64,
}

/// A connection's state, as far as it decides on who makes room.
#[derive(Debug, Default)]
struct Standing {
    /// The order in which bytes last moved.
    moved: AtomicU64,
    /// `true` while a request that may change something is being answered, so that nobody waits for the peer.
    is_busy: AtomicBool,
    is_leaving: AtomicBool,
    leave: Notify,
}

/// A connection among others. Dropping it makes room.
#[derive(Debug)]
pub(super) struct Member {
    id: u64,
    crowd: Arc<Crowd>,
    standing: Arc<Standing>,
}

impl Crowd {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), members: Mutex::default(), ticks: AtomicU64::new(0), left: Notify::new() }
    }

    /// Waits for room and takes it. The connection whose peer has been waited for longest is told to leave.
    pub(super) async fn admit(self: &Arc<Self>) -> Arc<Member> {
        loop {
            if let Some(member) = self.enter() {
                return Arc::new(member);
            }
            self.evict();
            tokio::select! {
                () = self.left.notified() => {}
                () = TokioTimer::new().sleep(RETRY) => {}
            }
        }
    }

    fn enter(self: &Arc<Self>) -> Option<Member> {
        let mut members = self.members();
        if members.standings.len() >= self.most {
            return None;
        }
        members.last += 1;
        let (id, standing) = (members.last, Arc::new(Standing::default()));
        members.standings.insert(id, Arc::clone(&standing));
        drop(members);
        let member = Member { id, crowd: Arc::clone(self), standing };
        member.moved();
        Some(member)
    }

    fn evict(&self) {
        let members = self.members();
        let standings = members.standings.values();
        // One at a time: a connection that was told to leave is about to.
        if standings.clone().any(|standing| standing.is_leaving.load(Ordering::Relaxed)) {
            return;
        }
        let waited_for = standings.filter(|standing| !standing.is_busy.load(Ordering::Relaxed));
        if let Some(standing) = waited_for.min_by_key(|standing| standing.moved.load(Ordering::Relaxed)) {
            standing.is_leaving.store(true, Ordering::Relaxed);
            standing.leave.notify_one();
        }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        // Nothing panics while it holds the lock.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    /// Bytes moved.
    pub(super) fn moved(&self) {
        let tick = self.crowd.ticks.fetch_add(1, Ordering::Relaxed);
        self.standing.moved.store(tick, Ordering::Relaxed);
    }

    /// A request that may change something is being answered, or no longer.
    pub(super) fn set_busy(&self, is_busy: bool) {
        self.standing.is_busy.store(is_busy, Ordering::Relaxed);
    }

    /// Ends when this connection is to make room.
    pub(super) async fn told_to_leave(&self) {
        self.standing.leave.notified().await;
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.crowd.members().standings.remove(&self.id);
        self.crowd.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_one_waited_for_longest_makes_room() {
        let crowd = Arc::new(Crowd::new(3));
        let [first, second, third] = [crowd.admit().await, crowd.admit().await, crowd.admit().await];
        first.set_busy(true);
        second.moved();
        let other = Arc::clone(&crowd);
        let fourth = tokio::spawn(async move { other.admit().await });
        third.told_to_leave().await;
        drop(third);
        let fourth = fourth.await.unwrap();
        let other = Arc::clone(&crowd);
        let fifth = tokio::spawn(async move { other.admit().await });
        second.told_to_leave().await;
        drop((second, fourth));
        drop(fifth.await.unwrap());
        assert_eq!(crowd.members().standings.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_being_answered_is_waited_for() {
        let crowd = Arc::new(Crowd::new(1));
        let first = crowd.admit().await;
        first.set_busy(true);
        let other = Arc::clone(&crowd);
        let second = tokio::spawn(async move { other.admit().await });
        TokioTimer::new().sleep(Duration::from_secs(60)).await;
        assert!(!second.is_finished() && !first.standing.is_leaving.load(Ordering::Relaxed));
        first.set_busy(false);
        first.told_to_leave().await;
        drop(first);
        second.await.unwrap();
    }
}
