use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::commands::{Command, CommandError, CommandOutput, Commands};
use crate::environment::Environment;
use crate::http::{HttpClient, HttpError, HttpErrorKind, Request, Response};
use crate::policy::{Operation, OperationPolicy};
use crate::secret::Secret;
use crate::text::shown;
use crate::time::{Clock, Timestamp};
use crate::token::{Audience, IdToken, InvalidIdToken};

/// The outside world, as a value: environment variables, HTTP, commands, files, clock and randomness.
///
/// Nothing in these crates reads process globals. The code that makes a `Context` decides what is visible
/// through it, so every test runs in memory and in parallel. Cloning is cheap.
///
/// [`Context::default`] is an empty world: no variables, nothing that can be reached, and a clock that stands
/// still, with which nothing is tried again ([`Clock::has_timer`]). [`Context::blocking`] is the real world
/// without a runtime. Feature `tokio` adds `Context::tokio()`, the real world on tokio with an HTTP client of
/// the application's own. Feature `system` adds `Context::system()`, with this crate's HTTP client.
#[derive(Clone, Debug)]
pub struct Context {
    environment: Environment,
    http: Arc<dyn HttpClient>,
    commands: Arc<dyn Commands>,
    files: Arc<dyn Files>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    opaque_tokens: bool,
    fixed_audience: Option<Audience>,
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
            fixed_audience: None,
            operation: Operation::default(),
        }
    }
}

impl Context {
    /// Replaces the environment.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Replaces the HTTP client.
    #[must_use]
    pub fn with_http(mut self, http: impl HttpClient + 'static) -> Self {
        self.http = Arc::new(http);
        self
    }

    /// Replaces the commands.
    #[must_use]
    pub fn with_commands(mut self, commands: impl Commands + 'static) -> Self {
        self.commands = Arc::new(commands);
        self
    }

    /// Replaces the files.
    #[must_use]
    pub fn with_files(mut self, files: impl Files + 'static) -> Self {
        self.files = Arc::new(files);
        self
    }

    /// Replaces the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Replaces the source of randomness.
    #[must_use]
    pub fn with_random(mut self, random: impl Random + 'static) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Replaces the bounds of an operation: its time and its attempts.
    #[must_use]
    pub fn with_policy(mut self, policy: OperationPolicy) -> Self {
        self.operation.policy = policy;
        self
    }

    /// Accepts identity tokens that are no JWTs, whose audience can't be read. By default the token source
    /// reports them as an error, which tells a maintainer sooner what is wrong. A JWT for another audience
    /// remains an error.
    #[must_use]
    pub fn with_opaque_tokens(mut self) -> Self {
        self.opaque_tokens = true;
        self
    }

    /// Accepts identity tokens for this audience too, beside those for the registry's own audience: for a registry
    /// that accepts the audience that a platform gives to all its jobs (`Issuer::with_fixed_audience`). By default
    /// such a token is an error, since each service to which it is presented can use it at all others.
    ///
    /// ```
    /// use oidc_core::{Audience, Context};
    ///
    /// let context = Context::default().with_fixed_audience(Audience::new("api://AzureADTokenExchange")?);
    /// # Ok::<(), oidc_core::InvalidAudience>(())
    /// ```
    #[must_use]
    pub fn with_fixed_audience(mut self, audience: Audience) -> Self {
        self.fixed_audience = Some(audience);
        self
    }

    /// Makes the identity token that a platform gave for `audience`, for implementations of
    /// [`TokenSource`](crate::TokenSource): by [`IdToken::opaque`] with [`Context::with_opaque_tokens`], and
    /// by [`IdToken::new`] otherwise; then, with [`Context::with_fixed_audience`], by
    /// [`IdToken::with_fixed_audience`].
    ///
    /// # Errors
    ///
    /// As those of [`IdToken::opaque`] and [`IdToken::new`].
    pub fn id_token(&self, text: impl Into<String>, audience: &Audience) -> Result<IdToken, InvalidIdToken> {
        let text = Secret::new(text);
        let given = if self.opaque_tokens {
            IdToken::opaque(text.expose(), audience.clone())
        } else {
            IdToken::new(text.expose(), audience.clone())
        };
        match (given, &self.fixed_audience) {
            (Err(error @ InvalidIdToken::Audience { .. }), Some(fixed)) => {
                IdToken::with_fixed_audience(text.expose(), fixed.clone(), audience.clone())
                    .map_err(|_| error)
            }
            (given, _) => given,
        }
    }

    /// Returns the environment variables.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns the bounds of an operation: its time and its attempts.
    pub fn policy(&self) -> &OperationPolicy {
        &self.operation.policy
    }

    /// Returns the HTTP client. [`Context::send`] keeps to the operation's time as well.
    pub fn http(&self) -> &dyn HttpClient {
        &*self.http
    }

    /// Returns the commands of this machine. [`Context::run`] keeps to the operation's time as well.
    pub fn commands(&self) -> &dyn Commands {
        &*self.commands
    }

    /// Returns the files of this machine.
    pub fn files(&self) -> &dyn Files {
        &*self.files
    }

    /// Returns the clock and timer.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Returns the source of randomness.
    pub fn random(&self) -> &dyn Random {
        &*self.random
    }
}

/// Reads files of this machine.
pub trait Files: fmt::Debug + Send + Sync {
    /// Reads a whole file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// When the file does not exist, can't be read, or is longer than `limit`.
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, FileError>;
}

/// An error of reading a file.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the file `{}` can't be read: {reason}", shown(path))]
pub struct FileError {
    path: String,
    reason: String,
    is_too_large: bool,
}

impl FileError {
    /// An error for a file.
    pub fn new(path: &Path, reason: impl Into<String>) -> Self {
        Self { path: path.to_string_lossy().into_owned(), reason: reason.into(), is_too_large: false }
    }

    /// The error of a file that is longer than was asked for.
    pub fn too_large(path: &Path, limit: usize) -> Self {
        Self { is_too_large: true, ..Self::new(path, format!("it is longer than {limit} bytes")) }
    }

    /// Returns `true` if the file is there, and longer than was asked for.
    pub fn is_too_large(&self) -> bool {
        self.is_too_large
    }
}

/// A source of random bytes fit for secrets.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    ///
    /// When the platform gives no random bytes; then no secret may be made.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError>;
}

/// The platform gave no random bytes.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no random bytes could be had: {0}")]
#[expect(clippy::exhaustive_structs, reason = "an application's own source of randomness makes it of a text")]
pub struct RandomError(pub String);

/// The empty world: nothing that is asked of it exists.
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
        Err(RandomError("this context has no source of it, which `Context::with_random` adds".to_owned()))
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
