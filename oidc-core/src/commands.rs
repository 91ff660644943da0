//! Commands of this machine, with their bounds.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;

use crate::text::shown;

/// Runs commands of this machine, such as a CI agent's.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Commands: fmt::Debug + Send + Sync {
    /// Runs one command to its end, without blocking, and kills it at its deadline.
    ///
    /// `async fn run(&self, command: Command) -> Result<CommandOutput, CommandError>`
    ///
    /// # Errors
    ///
    /// When the command can't be started, takes longer than its deadline, or prints more than it may.
    async fn run(&self, command: Command) -> Result<CommandOutput, CommandError>;
}

/// A command, with its bounds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Command {
    /// The program's name, found through the platform's search path.
    pub program: String,
    /// The arguments, passed as they are and never through a shell.
    pub arguments: Vec<String>,
    /// The folder to run it in; `None` for the working directory.
    pub folder: Option<PathBuf>,
    /// Variables of its environment, in place of those that it would inherit.
    pub variables: Vec<(String, String)>,
    /// The limit on its output, in bytes.
    pub max_output: usize,
    /// The time that it may take.
    pub deadline: Duration,
}

impl Command {
    /// A command in the working directory, with the default bounds: 64 KiB and 30 s.
    pub fn new(program: impl Into<String>, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            folder: None,
            variables: Vec::new(),
            max_output: 64 * 1024,
            deadline: Duration::from_secs(30),
        }
    }
}

/// The outcome of a command. Its output may be a secret and is never shown.
#[derive(Clone)]
#[non_exhaustive]
pub struct CommandOutput {
    /// The exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
}

impl CommandOutput {
    /// An outcome of a status and an output.
    pub fn new(status: Option<i32>, stdout: impl Into<Vec<u8>>) -> Self {
        Self { status, stdout: stdout.into() }
    }
}

impl fmt::Debug for CommandOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {:?} ({} bytes)", self.status, self.stdout.len())
    }
}

/// An error of running a command.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The program does not exist or may not be run.
    #[error("the command `{}` can't be started: {reason}", shown(program))]
    Start {
        /// The program.
        program: String,
        /// The reason, fit to be shown.
        reason: String,
    },
    /// Its deadline passed.
    #[error("the command `{}` took longer than {} s", shown(program), deadline.as_secs())]
    Timeout {
        /// The program.
        program: String,
        /// The time that the command had.
        deadline: Duration,
    },
    /// The operation's time was over before the command was started ([`OperationPolicy::deadline`](crate::OperationPolicy::deadline)).
    #[error("the command `{}` was not run: the {} s for the whole operation are over", shown(program), deadline.as_secs_f32())]
    OutOfTime {
        /// The program.
        program: String,
        /// The time for the operation.
        deadline: Duration,
    },
    /// It printed more than its limit.
    #[error("the command `{}` printed more than {limit} bytes", shown(program))]
    TooLarge {
        /// The program.
        program: String,
        /// The limit, in bytes.
        limit: usize,
    },
}
