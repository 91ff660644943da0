//! The time that an operation may take, and the number of times that a request is sent.

use std::time::Duration;

use crate::bounds::OutOfBounds;
use crate::http::{HttpSetting, Origin};

/// The time that an operation may take over all its requests, waits and commands, and the number of tries of
/// a request.
///
/// An operation is a call of the application: getting a publish token, asking a platform for an identity
/// token, fetching an issuer's keys. The deadline is one budget for the whole operation: each request and
/// each command gets the time that is left, or its own shorter bound ([`Request::deadline`](crate::http::Request::deadline),
/// [`Command::deadline`](crate::Command::deadline)).
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
/// let policy = OperationPolicy::default().with_deadline(Duration::from_secs(20))?.with_tries(2)?;
/// let cx = Context::default().with_policy(policy);
/// assert_eq!(cx.policy().deadline(), Duration::from_secs(20));
/// # Ok::<(), oidc_core::OutOfBounds>(())
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

    /// The greatest number of tries of a request.
    pub const MAX_TRIES: u32 = 10;

    /// Replaces the time for a whole operation.
    ///
    /// # Errors
    ///
    /// When it is longer than [`OperationPolicy::MAX_DEADLINE`].
    pub fn with_deadline(self, deadline: Duration) -> Result<Self, OutOfBounds> {
        let most = Self::MAX_DEADLINE;
        let deadline = OutOfBounds::time("deadline of an operation", deadline, Duration::ZERO, most)?;
        Ok(Self { deadline, ..self })
    }

    /// Replaces the number of tries. With 1 there is no second try.
    ///
    /// # Errors
    ///
    /// When it is 0, or greater than [`OperationPolicy::MAX_TRIES`].
    pub fn with_tries(self, tries: u32) -> Result<Self, OutOfBounds> {
        Ok(Self { tries: OutOfBounds::number("number of tries", tries, 1, Self::MAX_TRIES)?, ..self })
    }

    /// Replaces the waits: `first` is the wait before the second try, each further wait is four times as
    /// long, and none is longer than `longest`. A server's `Retry-After` is respected up to `longest` too.
    ///
    /// # Errors
    ///
    /// When `longest` is longer than [`OperationPolicy::MAX_DEADLINE`], or `first` longer than `longest`.
    pub fn with_waits(self, first: Duration, longest: Duration) -> Result<Self, OutOfBounds> {
        let (least, most) = (Duration::ZERO, Self::MAX_DEADLINE);
        let longest_wait = OutOfBounds::time("longest wait between two tries", longest, least, most)?;
        let first_wait = OutOfBounds::time("wait before the second try", first, least, longest)?;
        Ok(Self { first_wait, longest_wait, ..self })
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

    /// Returns the deadline, the tries and the waits, each with its origin.
    ///
    /// ```
    /// use oidc_core::OperationPolicy;
    ///
    /// let settings = OperationPolicy::default().with_tries(2)?.in_use();
    /// let told: Vec<String> = settings.iter().map(ToString::to_string).collect();
    /// assert_eq!(told[0], "deadline of an operation `60 s`, by default");
    /// assert_eq!(told[1], "tries of a request `2`, from the application");
    /// # Ok::<(), oidc_core::OutOfBounds>(())
    /// ```
    pub fn in_use(&self) -> Vec<HttpSetting> {
        let default = Self::default();
        let setting = |name, value, is_default| {
            let origin = if is_default { Origin::Default } else { Origin::Application };
            HttpSetting { name, value, origin }
        };
        let seconds = |time: Duration| format!("{} s", time.as_secs_f32());
        let waits =
            |policy: &Self| format!("{} to {}", seconds(policy.first_wait), seconds(policy.longest_wait));
        vec![
            setting("deadline of an operation", seconds(self.deadline), self.deadline == default.deadline),
            setting("tries of a request", self.tries.to_string(), self.tries == default.tries),
            setting("waits between tries", waits(self), waits(self) == waits(&default)),
        ]
    }

    /// The wait after this many tries.
    pub(crate) fn wait_after(&self, tries: u32) -> Duration {
        let factor = 4_u32.saturating_pow(tries.saturating_sub(1));
        self.first_wait.saturating_mul(factor).min(self.longest_wait)
    }
}

/// The policy of a context, and the end of its operation by its clock, where an operation has begun.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Operation {
    pub(crate) policy: OperationPolicy,
    pub(crate) ends_at: Option<Duration>,
}
