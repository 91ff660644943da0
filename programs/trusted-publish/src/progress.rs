//! Progress on standard error, while the program waits for an answer or tries again.

use std::io::Write;
use std::pin::pin;
use std::time::Duration;

use async_trait::async_trait;
use oidc_core::{Clock, Context, Timestamp, in_words};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The time without an answer after which the program says that it still waits, again and again.
const QUIET: Duration = Duration::from_secs(10);

/// The shortest wait before another try that is reported. Shorter ones leave a failure one line.
const NOTICED: Duration = Duration::from_secs(3);

/// The waits of a context's clock, which are reported while they last.
pub(super) struct Progress(UnboundedReceiver<Duration>);

/// Returns the context with a clock whose waits before another try are reported by the [`Progress`].
pub(super) fn watched(cx: &Context) -> (Context, Progress) {
    let (waits, received) = unbounded_channel();
    let clock = WatchedClock { cx: cx.clone(), waits };
    (cx.clone().with_clock(clock), Progress(received))
}

impl Progress {
    /// Does the work, and meanwhile says on `err` what it waits for. A closed `err` does not stop the work.
    // A person waits by the wall clock, whatever clock the work goes by.
    #[allow(clippy::disallowed_methods)]
    pub(super) async fn report_during<T>(mut self, work: impl Future<Output = T>, err: &mut impl Write) -> T {
        let (mut work, mut waited) = (pin!(work), Duration::ZERO);
        loop {
            let message = tokio::select! {
                biased;
                outcome = &mut work => return outcome,
                Some(wait) = self.0.recv() => format!("no usable answer yet; trying again in {}", in_words(wait)),
                () = tokio::time::sleep(QUIET) => {
                    waited = waited.saturating_add(QUIET);
                    format!("still waiting for an answer, {} so far", in_words(waited))
                }
            };
            let _told = writeln!(err, "trusted-publish: {message}");
        }
    }
}

/// A clock that sends its waits to a [`Progress`].
#[derive(Debug)]
struct WatchedClock {
    cx: Context,
    waits: UnboundedSender<Duration>,
}

#[async_trait]
impl Clock for WatchedClock {
    fn now(&self) -> Timestamp {
        self.cx.clock().now()
    }

    fn monotonic(&self) -> Duration {
        self.cx.clock().monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        if duration >= NOTICED {
            // Where nobody listens any more, the wait is the same.
            let _heard = self.waits.send(duration);
        }
        self.cx.clock().sleep(duration).await;
    }

    fn has_timer(&self) -> bool {
        self.cx.clock().has_timer()
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use oidc_core::testing::ManualClock;

    use super::*;

    async fn reported<T>(work: impl AsyncFnOnce(Context) -> T) -> (T, String) {
        let (cx, progress) = watched(&Context::default().with_clock(ManualClock::at(1)));
        let mut err = Vec::new();
        let outcome = progress.report_during(work(cx), &mut err).await;
        (outcome, String::from_utf8(err).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_before_another_try_is_reported() {
        let (outcome, err) = reported(async |cx: Context| {
            cx.clock().sleep(Duration::from_secs(4)).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            7
        })
        .await;
        assert_eq!(
            (outcome, &*err),
            (7, "trusted-publish: no usable answer yet; trying again in 4 seconds\n")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_long_in_coming_is_reported_again_and_again() {
        let ((), err) = reported(async |_| tokio::time::sleep(Duration::from_secs(25)).await).await;
        let said: Vec<&str> = err.lines().collect();
        assert_eq!(
            said,
            [
                "trusted-publish: still waiting for an answer, 10 seconds so far",
                "trusted-publish: still waiting for an answer, 20 seconds so far"
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_reported_where_the_answer_comes_at_once() {
        assert_eq!(reported(async |_| 1).await, (1, String::new()));
    }
}
