//! The real outside world on a tokio runtime, except for HTTP.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::AsyncReadExt as _;

use super::{BlockingClock, SystemFiles};
use crate::commands::{Command, CommandError, CommandOutput, Commands};
use crate::context::{Context, Random, RandomError};
use crate::environment::Environment;
use crate::http::HttpClient;
use crate::time::{Clock, Timestamp};

impl Context {
    /// The real world on a tokio runtime, with an HTTP client of the application: this process's environment,
    /// this machine's commands, files, clock and randomness. It adds no TLS to the build.
    ///
    /// ```
    /// # use oidc_core::http::{HttpClient, HttpError, Request, Response};
    /// # #[derive(Debug)]
    /// # struct MyClient;
    /// # #[async_trait::async_trait]
    /// # impl HttpClient for MyClient {
    /// #     async fn send(&self, _: Request) -> Result<Response, HttpError> {
    /// #         Ok(Response::new(200, Vec::new(), ""))
    /// #     }
    /// # }
    /// let cx = oidc_core::Context::tokio(MyClient);
    /// ```
    pub fn tokio(http: impl HttpClient + 'static) -> Self {
        Self::default()
            .with_environment(Environment::system())
            .with_http(http)
            .with_commands(SystemCommands)
            .with_files(SystemFiles)
            .with_clock(SystemClock::new())
            .with_random(SystemRandom)
    }
}

/// The system's clock, with tokio's timer.
#[derive(Clone, Debug, Default)]
pub struct SystemClock(BlockingClock);

impl SystemClock {
    /// A clock whose monotonic time begins now.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    #[allow(clippy::disallowed_methods, reason = "the timer that everything else takes from `Context`")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[derive(Debug)]
struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(buffer).map_err(|error| RandomError(error.to_string()))
    }
}

#[derive(Debug)]
struct SystemCommands;

#[async_trait]
impl Commands for SystemCommands {
    async fn run(&self, command: Command) -> Result<CommandOutput, CommandError> {
        let start = |error: std::io::Error| CommandError::Start {
            program: command.program.clone(),
            reason: error.to_string(),
        };
        let mut child = tokio::process::Command::new(&command.program)
            .args(&command.arguments)
            .current_dir(command.folder.as_deref().unwrap_or(Path::new(".")))
            .envs(command.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(start)?;
        let Some(stdout) = child.stdout.take() else {
            return Err(start(std::io::Error::other("it has no standard output")));
        };
        let finish = async {
            let mut output = Vec::new();
            // One byte more than allowed tells a longer output from one of exactly this size.
            let most = u64::try_from(command.max_output).unwrap_or(u64::MAX).saturating_add(1);
            stdout.take(most).read_to_end(&mut output).await.map_err(start)?;
            if output.len() > command.max_output {
                return Err(CommandError::TooLarge {
                    program: command.program.clone(),
                    limit: command.max_output,
                });
            }
            let status = child.wait().await.map_err(start)?;
            Ok(CommandOutput::new(status.code(), output))
        };
        #[allow(clippy::disallowed_methods, reason = "the deadline of a real process is real time")]
        let finished = tokio::time::timeout(command.deadline, finish).await;
        finished.unwrap_or_else(|_| {
            Err(CommandError::Timeout { program: command.program.clone(), deadline: command.deadline })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        Command::new("sh", ["-c", script])
    }

    #[tokio::test]
    async fn a_command_has_bounds() {
        let output = SystemCommands.run(shell("printf hello; exit 3")).await.unwrap();
        assert_eq!((output.status, output.stdout.as_slice()), (Some(3), b"hello".as_slice()));
        let mut elsewhere = shell("pwd");
        elsewhere.folder = Some("/".into());
        assert_eq!(SystemCommands.run(elsewhere).await.unwrap().stdout, b"/\n");

        let mut slow = shell("sleep 60");
        slow.deadline = Duration::from_millis(50);
        assert!(matches!(SystemCommands.run(slow).await, Err(CommandError::Timeout { .. })));

        let mut long = shell("yes");
        long.max_output = 100;
        assert!(matches!(SystemCommands.run(long).await, Err(CommandError::TooLarge { limit: 100, .. })));

        let missing = Command::new("no-such-command-here", [""; 0]);
        assert!(matches!(SystemCommands.run(missing).await, Err(CommandError::Start { .. })));
    }
}
