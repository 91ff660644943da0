use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::environment::Environment;
use crate::http::{HttpClient, HttpError, HttpErrorKind, Request, Response};
use crate::operation::{Operation, OperationPolicy};
use crate::text::shown;
use crate::time::{Clock, Timestamp};
use crate::token::{Audience, IdToken, InvalidIdToken};

/// The outside world, as a value: environment variables, HTTP, commands, files, clock and randomness.
///
/// Nothing in these crates reads process globals; whoever holds a `Context` decides what there is to see, so
/// every test runs in memory and in parallel. Cloning is cheap.
///
/// [`Context::default`] is an empty world: no variables, nothing that can be reached, and a clock that stands still, with
/// which nothing is tried again ([`Clock::has_timer`]). [`Context::blocking`] is the real world without a runtime.
/// Feature `tokio` brings `Context::tokio()`, the real world on tokio with an HTTP client of the application's own, and feature
/// `system` brings `Context::system()`, with an HTTP client of this crate's.
#[derive(Clone, Debug)]
pub struct Context {
    environment: Environment,
    http: Arc<dyn HttpClient>,
    commands: Arc<dyn Commands>,
    files: Arc<dyn Files>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    opaque_tokens: bool,
    pub(crate) operation: Operation,
}

impl Default for Context {
    fn default() -> Self {
        let nothing = Arc::new(Nothing);
        Self {
            environment: Environment::default(),
            http: nothing.clone(),
            commands: nothing.clone(),
            files: nothing.clone(),
            clock: nothing.clone(),
            random: nothing,
            opaque_tokens: false,
            operation: Operation::default(),
        }
    }
}

impl Context {
    /// With this environment instead.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// With this HTTP client instead.
    #[must_use]
    pub fn with_http(mut self, http: impl HttpClient + 'static) -> Self {
        self.http = Arc::new(http);
        self
    }

    /// With these commands instead.
    #[must_use]
    pub fn with_commands(mut self, commands: impl Commands + 'static) -> Self {
        self.commands = Arc::new(commands);
        self
    }

    /// With these files instead.
    #[must_use]
    pub fn with_files(mut self, files: impl Files + 'static) -> Self {
        self.files = Arc::new(files);
        self
    }

    /// With this clock instead.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// With this source of randomness instead.
    #[must_use]
    pub fn with_random(mut self, random: impl Random + 'static) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// With this time for an operation, and these tries.
    #[must_use]
    pub fn with_policy(mut self, policy: OperationPolicy) -> Self {
        self.operation.policy = policy;
        self
    }

    /// With identity tokens handed on that are no JWTs, whose audience can't be read. Without it they are an error of the
    /// source, which tells a maintainer sooner what is wrong. A JWT for another audience stays one.
    #[must_use]
    pub fn with_opaque_tokens(mut self) -> Self {
        self.opaque_tokens = true;
        self
    }

    /// The identity token that a platform gave for `audience`, for implementations of
    /// [`TokenSource`](crate::TokenSource): with [`Context::with_opaque_tokens`] by [`IdToken::opaque`], else by
    /// [`IdToken::new`].
    ///
    /// # Errors
    ///
    /// As those two.
    pub fn id_token(&self, text: impl Into<String>, audience: &Audience) -> Result<IdToken, InvalidIdToken> {
        if self.opaque_tokens {
            IdToken::opaque(text, audience.clone())
        } else {
            IdToken::new(text, audience.clone())
        }
    }

    /// The environment variables.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The time for an operation, and the tries.
    pub fn policy(&self) -> &OperationPolicy {
        &self.operation.policy
    }

    /// The HTTP client. [`Context::send`] keeps to the operation's time beside it.
    pub fn http(&self) -> &dyn HttpClient {
        &*self.http
    }

    /// The commands of this machine. [`Context::run`] keeps to the operation's time beside it.
    pub fn commands(&self) -> &dyn Commands {
        &*self.commands
    }

    /// The files of this machine.
    pub fn files(&self) -> &dyn Files {
        &*self.files
    }

    /// The clock and timer.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The source of randomness.
    pub fn random(&self) -> &dyn Random {
        &*self.random
    }
}

/// Runs commands of this machine, such as a CI agent's.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Commands: fmt::Debug + Send + Sync {
    /// Runs one command to its end, without blocking, and kills it at its deadline.
    ///
    /// # Errors
    ///
    /// When it can't be started, takes longer than its deadline, or prints more than it may.
    async fn run(&self, command: Command) -> Result<CommandOutput, CommandError>;
}

/// A command, with its bounds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Command {
    /// The program's name, found by the platform's search path.
    pub program: String,
    /// Its arguments, passed as they are and never through a shell.
    pub arguments: Vec<String>,
    /// Its output may have this many bytes.
    pub max_output: usize,
    /// It may run this long.
    pub deadline: Duration,
}

impl Command {
    /// A command with the default bounds: 64 KiB and 30 s.
    pub fn new(program: impl Into<String>, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            max_output: 64 * 1024,
            deadline: Duration::from_secs(30),
        }
    }
}

/// What a command left behind. Its output may be a secret and is never shown.
#[derive(Clone)]
#[non_exhaustive]
pub struct CommandOutput {
    /// The exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
}

impl CommandOutput {
    /// An outcome from its parts.
    pub fn new(status: Option<i32>, stdout: impl Into<Vec<u8>>) -> Self {
        Self { status, stdout: stdout.into() }
    }
}

impl fmt::Debug for CommandOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {:?} ({} bytes)", self.status, self.stdout.len())
    }
}

/// A command did not come to its end.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It is not there or may not be run.
    #[error("the command `{}` can't be started: {reason}", shown(program))]
    Start {
        /// The program.
        program: String,
        /// Why, fit to be shown.
        reason: String,
    },
    /// Its deadline passed.
    #[error("the command `{}` took longer than {} s", shown(program), deadline.as_secs())]
    Timeout {
        /// The program.
        program: String,
        /// How long it had.
        deadline: Duration,
    },
    /// The operation's time was over before it was started ([`OperationPolicy::deadline`]).
    #[error("the command `{}` was not run: the {} s for the whole operation are over", shown(program), deadline.as_secs_f32())]
    OutOfTime {
        /// The program.
        program: String,
        /// The time for the operation.
        deadline: Duration,
    },
    /// It printed more than it may.
    #[error("the command `{}` printed more than {limit} bytes", shown(program))]
    TooLarge {
        /// The program.
        program: String,
        /// How much it may print, in bytes.
        limit: usize,
    },
}

/// Reads files of this machine.
pub trait Files: fmt::Debug + Send + Sync {
    /// Reads a whole file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// When it isn't there, can't be read, or is longer.
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, FileError>;
}

/// A file could not be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the file `{}` can't be read: {reason}", shown(path))]
pub struct FileError {
    path: String,
    reason: String,
}

impl FileError {
    /// An error for a file.
    pub fn new(path: &Path, reason: impl Into<String>) -> Self {
        Self { path: path.to_string_lossy().into_owned(), reason: reason.into() }
    }
}

/// A source of random bytes fit for secrets.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    ///
    /// When the platform has none to give; then no secret may be made.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError>;
}

/// The platform gave no random bytes.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no random bytes could be had: {0}")]
pub struct RandomError(pub String);

/// The empty world: whatever is asked of it is not there.
#[derive(Debug)]
struct Nothing;

const NOTHING: &str = "this context has none";

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl HttpClient for Nothing {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        Err(HttpError::new(&request, HttpErrorKind::Request(NOTHING.to_owned())))
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Commands for Nothing {
    async fn run(&self, command: Command) -> Result<CommandOutput, CommandError> {
        Err(CommandError::Start { program: command.program, reason: NOTHING.to_owned() })
    }
}

impl Files for Nothing {
    fn read(&self, path: &Path, _limit: usize) -> Result<Vec<u8>, FileError> {
        Err(FileError::new(path, NOTHING))
    }
}

impl Random for Nothing {
    fn fill(&self, _buffer: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError(NOTHING.to_owned()))
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Clock for Nothing {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _duration: Duration) {}

    fn has_timer(&self) -> bool {
        false
    }
}
