//! The time that an operation may take, and the number of times that a request is sent.

use std::time::Duration;

use crate::context::{Command, CommandError, CommandOutput, Context};
use crate::http::{HttpError, HttpErrorKind, Request, Response};

/// The time that an operation may take over all its requests, waits and commands, and the number of tries of
/// a request.
///
/// An operation is a call of the application: getting a publish token, asking a platform for an identity
/// token, fetching an issuer's keys. The deadline is one budget for the whole operation: each request and
/// each command gets the time that is left, or its own shorter bound ([`Request::deadline`],
/// [`Command::deadline`]).
///
/// Only requests that may be repeated are tried again: those that ask a platform for an identity token. An
/// exchange is sent once, since the registry may have used up the identity token even though its answer was
/// lost.
///
/// ```
/// use std::time::Duration;
///
/// use oidc_core::{Context, OperationPolicy};
///
/// let policy = OperationPolicy::default().with_deadline(Duration::from_secs(20)).with_tries(2);
/// let cx = Context::default().with_policy(policy);
/// assert_eq!(cx.policy().deadline(), Duration::from_secs(20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationPolicy {
    deadline: Duration,
    tries: u32,
    first_wait: Duration,
    longest_wait: Duration,
}

impl Default for OperationPolicy {
    /// 60 s, and 4 tries with waits of 0.2 s, 0.8 s and 3.2 s between them.
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(60),
            tries: 4,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(10),
        }
    }
}

impl OperationPolicy {
    /// The longest deadline: 10 minutes.
    pub const MAX_DEADLINE: Duration = Duration::from_secs(600);

    /// The greatest number of tries.
    pub const MAX_TRIES: u32 = 10;

    /// Replaces the time for a whole operation, at most [`OperationPolicy::MAX_DEADLINE`].
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.min(Self::MAX_DEADLINE);
        self
    }

    /// Replaces the number of tries, between 1, which means no second try, and
    /// [`OperationPolicy::MAX_TRIES`].
    #[must_use]
    pub fn with_tries(mut self, tries: u32) -> Self {
        self.tries = tries.clamp(1, Self::MAX_TRIES);
        self
    }

    /// Replaces the waits: `first` is the wait before the second try, each further wait is four times as
    /// long, and none is longer than `longest`. A server's `Retry-After` is respected up to `longest` too.
    #[must_use]
    pub fn with_waits(mut self, first: Duration, longest: Duration) -> Self {
        self.longest_wait = longest.min(Self::MAX_DEADLINE);
        self.first_wait = first.min(self.longest_wait);
        self
    }

    /// Returns the time for a whole operation.
    pub const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Returns the number of tries.
    pub const fn tries(&self) -> u32 {
        self.tries
    }

    /// Returns the wait before the second try.
    pub const fn first_wait(&self) -> Duration {
        self.first_wait
    }

    /// Returns the longest wait between two tries.
    pub const fn longest_wait(&self) -> Duration {
        self.longest_wait
    }

    /// The wait after this many tries.
    fn wait_after(&self, tries: u32) -> Duration {
        let factor = 4_u32.saturating_pow(tries.saturating_sub(1));
        self.first_wait.saturating_mul(factor).min(self.longest_wait)
    }
}

/// The policy of a context, and the end of its operation by its clock, where an operation has begun.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Operation {
    pub(crate) policy: OperationPolicy,
    ends_at: Option<Duration>,
}

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
        let ends_at = || self.clock().monotonic().saturating_add(self.policy().deadline);
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
            None => self.policy().deadline,
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
            return Err(HttpError::new(&request, HttpErrorKind::OutOfTime(self.policy().deadline)));
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
            let wait = cx.shortened(policy.wait_after(tries)).max(asked.min(policy.longest_wait));
            // A try that could not begin in time would only replace this result by `OutOfTime`.
            if tries >= policy.tries || !cx.clock().has_timer() || wait >= cx.time_left() {
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
            let deadline = self.policy().deadline;
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
