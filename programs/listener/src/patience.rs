//! The time that a peer is waited for while it moves bytes, or doesn't.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer as _};
use hyper_util::rt::TokioTimer;

/// A peer that moves this many bytes a second is waited for as long as it does.
const RATE: u32 = 8 << 10;

/// A budget of time, spent by waiting and earned by bytes.
///
/// One wait is never longer than the whole budget, and many short ones with few bytes between them use it up as well.
pub(super) struct Patience {
    whole: Duration,
    left: Duration,
    wait: Option<Wait>,
}

struct Wait {
    began: Instant,
    end: Pin<Box<dyn Sleep>>,
}

impl Patience {
    /// A budget that is whole.
    pub(super) fn new(whole: Duration) -> Self {
        Self { whole, left: whole, wait: None }
    }

    /// The peer moved this many bytes.
    pub(super) fn earn(&mut self, bytes: usize) {
        if let Some(wait) = self.wait.take() {
            self.left = self.left.saturating_sub(TokioTimer::new().now().duration_since(wait.began));
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.left = self.whole.min(self.left + Duration::from_secs(u64::from(bytes)) / RATE);
    }

    /// The peer moves nothing; ready where it was waited for long enough.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = TokioTimer::new();
        let left = self.left;
        let wait = self.wait.get_or_insert_with(|| {
            let began = timer.now();
            Wait { began, end: timer.sleep_until(began + left) }
        });
        ready!(wait.end.as_mut().poll(cx));
        self.left = Duration::ZERO;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const WHOLE: Duration = Duration::from_secs(30);

    /// The time that a peer is waited for that moves `bytes` each `every`, up to a day.
    async fn waited(bytes: usize, every: Duration) -> Duration {
        let timer = TokioTimer::new();
        let (mut patience, began) = (Patience::new(WHOLE), timer.now());
        while timer.now() - began < Duration::from_secs(24 * 3600) {
            tokio::select! {
                biased;
                () = poll_fn(|cx| patience.poll_end(cx)) => break,
                () = timer.sleep(every) => patience.earn(bytes),
            }
        }
        timer.now() - began
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_moves_nothing_is_waited_for_once() {
        assert!(waited(0, Duration::from_secs(3600)).await.abs_diff(WHOLE) < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_cut_off_and_a_slow_peer_is_not() {
        for (bytes, every) in [(1, 1), (1, 29), (1_000, 10), (64 << 20, 31)] {
            assert!(waited(bytes, Duration::from_secs(every)).await < WHOLE * 2, "{bytes} {every}");
        }
        for (bytes, every) in [(8 << 10, 1), (160 << 10, 20), (64 << 20, 29)] {
            assert!(waited(bytes, Duration::from_secs(every)).await > WHOLE * 100, "{bytes} {every}");
        }
    }
}
