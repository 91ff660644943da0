//! The time that an operation may take, and how often a request is sent again.

use std::time::Duration;

use crate::context::{Command, CommandError, CommandOutput, Context};
use crate::http::{HttpError, HttpErrorKind, Request, Response};

/// The time that an operation may take over all its requests, waits and commands, and how often a request is tried.
///
/// An operation is what an application calls: to get a publish token, to ask a platform for an identity token, to fetch an
/// issuer's keys. The deadline is one budget for the whole of it: each request and each command gets what is left of it, or
/// its own shorter bound ([`Request::deadline`], [`Command::deadline`]).
///
/// Only requests that may be repeated are tried again: those that ask a platform for an identity token. An exchange never
/// is, since the registry may have used the identity token up although its answer was lost.
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

    /// With this time for a whole operation, at most [`OperationPolicy::MAX_DEADLINE`].
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.min(Self::MAX_DEADLINE);
        self
    }

    /// With this number of tries, between 1, which is no second try, and [`OperationPolicy::MAX_TRIES`].
    #[must_use]
    pub fn with_tries(mut self, tries: u32) -> Self {
        self.tries = tries.clamp(1, Self::MAX_TRIES);
        self
    }

    /// With these waits: the `first` before the second try, each further one four times as long, none longer than `longest`. A
    /// server's `Retry-After` is granted up to `longest` too.
    #[must_use]
    pub fn with_waits(mut self, first: Duration, longest: Duration) -> Self {
        self.longest_wait = longest.min(Self::MAX_DEADLINE);
        self.first_wait = first.min(self.longest_wait);
        self
    }

    /// The time for a whole operation.
    pub const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The number of tries.
    pub const fn tries(&self) -> u32 {
        self.tries
    }

    /// The wait before the second try.
    pub const fn first_wait(&self) -> Duration {
        self.first_wait
    }

    /// The longest wait between two tries.
    pub const fn longest_wait(&self) -> Duration {
        self.longest_wait
    }

    /// The wait after so many tries.
    fn wait_after(&self, tries: u32) -> Duration {
        let factor = 4_u32.saturating_pow(tries.saturating_sub(1));
        self.first_wait.saturating_mul(factor).min(self.longest_wait)
    }
}

/// The policy of a context, and when its operation ends by its clock, where one has begun.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Operation {
    pub(crate) policy: OperationPolicy,
    ends_at: Option<Duration>,
}

impl Context {
    /// A context whose operation has begun: from now on, the time of [`Context::policy`] runs, over all that is done with the
    /// returned context and its clones. An operation that has begun before goes on.
    ///
    /// The entry points of these crates begin one by themselves. An application that calls several of them as one operation
    /// begins it here.
    #[must_use]
    pub fn operation(&self) -> Self {
        let mut begun = self.clone();
        let ends_at = || self.clock().monotonic().saturating_add(self.policy().deadline);
        begun.operation.ends_at.get_or_insert_with(ends_at);
        begun
    }

    /// A context whose operation begins now, whatever has begun before. For what outlives an operation, such as a key cache.
    #[cfg(feature = "verify")]
    pub(crate) fn new_operation(&self) -> Self {
        let mut context = self.clone();
        context.operation.ends_at = None;
        context.operation()
    }

    /// The time that is left of the operation; the whole of it where none has begun.
    pub fn time_left(&self) -> Duration {
        match self.operation.ends_at {
            Some(end) => end.saturating_sub(self.clock().monotonic()),
            None => self.policy().deadline,
        }
    }

    /// Sends a request once, within what is left of the operation's time.
    ///
    /// # Errors
    ///
    /// When no complete answer came within the request's bounds, or the operation's time was over before
    /// ([`HttpErrorKind::OutOfTime`]).
    pub async fn send(&self, mut request: Request) -> Result<Response, HttpError> {
        let left = self.time_left();
        if left.is_zero() {
            return Err(HttpError::new(&request, HttpErrorKind::OutOfTime(self.policy().deadline)));
        }
        request.deadline = request.deadline.min(left);
        self.http().send(request).await
    }

    /// Sends a request, and again where that may help ([`HttpError::is_transient`], [`Response::is_transient`]), as
    /// [`Context::policy`] says. For requests that may be repeated. The result is that of the last try.
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
            let wait = cx.shortened(policy.wait_after(tries)).max(asked.min(policy.longest_wait));
            if tries >= policy.tries || !cx.clock().has_timer() || wait >= cx.time_left() {
                return result;
            }
            cx.clock().sleep(wait).await;
            tries += 1;
        }
    }

    /// Runs a command within what is left of the operation's time.
    ///
    /// # Errors
    ///
    /// As [`Commands::run`](crate::Commands::run).
    pub async fn run(&self, mut command: Command) -> Result<CommandOutput, CommandError> {
        let left = self.time_left();
        if left.is_zero() {
            let deadline = self.policy().deadline;
            return Err(CommandError::OutOfTime { program: command.program, deadline });
        }
        command.deadline = command.deadline.min(left);
        self.commands().run(command).await
    }

    /// A wait less a random part of up to a half, so that jobs that failed together don't come back together.
    fn shortened(&self, wait: Duration) -> Duration {
        let mut random = [0];
        // Without randomness the whole wait is as good.
        let part = match self.random().fill(&mut random) {
            Ok(()) => u32::from(random[0]),
            Err(_) => 0,
        };
        wait.saturating_sub(wait.saturating_mul(part) / (2 * 256))
    }
}

/// The wait that a server asks for before another try; `None` where another try doesn't help.
fn asked_wait(result: &Result<Response, HttpError>) -> Option<Duration> {
    match result {
        Ok(response) => response.is_transient().then(|| {
            let seconds = response.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
            Duration::from_secs(seconds.unwrap_or(0))
        }),
        Err(error) => error.is_transient().then_some(Duration::ZERO),
    }
}
