//! Requests and commands within the bounds of an operation.

use std::time::Duration;

use crate::commands::{Command, CommandError, CommandOutput};
use crate::context::Context;
use crate::http::{HttpError, HttpErrorKind, Request, Response};

impl Context {
    /// Returns a context whose operation has begun: from now on, the time of [`Context::policy`] runs for
    /// everything that is done with the returned context and its clones. An operation that has begun before
    /// continues.
    ///
    /// The entry points of these crates begin an operation themselves. An application that calls several of
    /// them as one operation begins it here.
    #[must_use]
    pub fn operation(&self) -> Self {
        let mut begun = self.clone();
        let ends_at = || self.clock().monotonic().saturating_add(self.policy().deadline());
        begun.operation.ends_at.get_or_insert_with(ends_at);
        begun
    }

    /// Returns a context whose operation begins now, even if one has begun before. For values that outlive an
    /// operation, such as a key cache.
    #[cfg(feature = "verify")]
    pub(crate) fn new_operation(&self) -> Self {
        let mut context = self.clone();
        context.operation.ends_at = None;
        context.operation()
    }

    /// Returns the time that is left of the operation; the whole time where none has begun.
    pub fn time_left(&self) -> Duration {
        match self.operation.ends_at {
            Some(end) => end.saturating_sub(self.clock().monotonic()),
            None => self.policy().deadline(),
        }
    }

    /// Sends a request once, within the time that is left of the operation.
    ///
    /// # Errors
    ///
    /// When no complete answer came within the request's bounds, or the operation's time was over before the
    /// request was sent ([`HttpErrorKind::OutOfTime`]).
    pub async fn send(&self, mut request: Request) -> Result<Response, HttpError> {
        let left = self.time_left();
        if left.is_zero() {
            return Err(HttpError::new(&request, HttpErrorKind::OutOfTime(self.policy().deadline())));
        }
        request.deadline = request.deadline.min(left);
        self.http().send(request).await
    }

    /// Sends a request, and sends it again where that may help ([`HttpError::is_transient`],
    /// [`Response::is_transient`]), within the bounds of [`Context::policy`]. Only for requests that may be
    /// repeated. The result is that of the last try.
    ///
    /// # Errors
    ///
    /// As [`Context::send`].
    pub async fn send_with_retries(&self, request: Request) -> Result<Response, HttpError> {
        let cx = self.operation();
        let mut tries = 1;
        loop {
            let result = cx.send(request.clone()).await;
            let Some(asked) = asked_wait(&result) else { return result };
            let policy = cx.policy();
            // Only the policy's own wait is shortened: the server asked for at least its `Retry-After`.
            let wait = cx.shortened(policy.wait_after(tries)).max(asked.min(policy.longest_wait()));
            // A try that could not begin in time would only replace this result by `OutOfTime`.
            if tries >= policy.tries() || !cx.clock().has_timer() || wait >= cx.time_left() {
                return result;
            }
            cx.clock().sleep(wait).await;
            tries += 1;
        }
    }

    /// Runs a command within the time that is left of the operation.
    ///
    /// # Errors
    ///
    /// As those of [`Commands::run`](crate::Commands::run), and when the operation's time was over before the
    /// command was started ([`CommandError::OutOfTime`]).
    pub async fn run(&self, mut command: Command) -> Result<CommandOutput, CommandError> {
        let left = self.time_left();
        if left.is_zero() {
            let deadline = self.policy().deadline();
            return Err(CommandError::OutOfTime { program: command.program, deadline });
        }
        command.deadline = command.deadline.min(left);
        self.commands().run(command).await
    }

    /// Shortens a wait by a random part of up to a half, so that jobs that failed at the same time don't try
    /// again at the same time.
    fn shortened(&self, wait: Duration) -> Duration {
        let mut random = [0];
        // Without randomness, the whole wait is used.
        let part = match self.random().fill(&mut random) {
            Ok(()) => u32::from(random[0]),
            Err(_) => 0,
        };
        wait.saturating_sub(wait.saturating_mul(part) / (2 * 256))
    }
}

/// The wait that a server asks for before another try; `None` where another try does not help.
fn asked_wait(result: &Result<Response, HttpError>) -> Option<Duration> {
    match result {
        Ok(response) => response.is_transient().then(|| {
            let seconds = response.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
            Duration::from_secs(seconds.unwrap_or(0))
        }),
        Err(error) => error.is_transient().then_some(Duration::ZERO),
    }
}
