//! The real outside world without a runtime: each call blocks its thread until it is done.

use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use super::SystemFiles;
use crate::commands::{Command, CommandError, CommandOutput, Commands};
use crate::context::Context;
use crate::environment::Environment;
use crate::http::HttpClient;
use crate::time::{Clock, Timestamp};

/// The interval at which a running command is checked for its end.
const POLL: Duration = Duration::from_millis(5);

impl Context {
    /// The real world for a program without an async runtime: this process's environment, this machine's
    /// files and commands, the system's clock, and a blocking HTTP client of the caller.
    ///
    /// With such a context, every future of these crates is ready when it is first polled, so
    /// [`blocking::complete`](crate::blocking::complete) runs it without a runtime. There is no source of
    /// randomness, which only a registry needs: see [`Context::with_random`].
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
    /// use oidc_core::{Context, Environment};
    ///
    /// let cx = Context::blocking(MyClient);
    /// // A test sets its own variables instead of the process's.
    /// let cx = cx.with_environment(Environment::from_iter([("GITHUB_ACTIONS", "true")]));
    /// ```
    pub fn blocking(http: impl HttpClient + 'static) -> Self {
        Self::default()
            .with_environment(Environment::system())
            .with_http(http)
            .with_commands(BlockingCommands)
            .with_files(SystemFiles)
            .with_clock(BlockingClock::new())
    }
}

/// The system's clock. Sleeping blocks the thread.
#[derive(Clone, Debug)]
pub struct BlockingClock {
    start: Instant,
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
impl BlockingClock {
    /// A clock whose monotonic time begins now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for BlockingClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
impl Clock for BlockingClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_secs(since.as_secs())
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        thread::sleep(duration);
    }
}

/// The commands of this machine. Running a command blocks the thread until the command has ended or its
/// deadline has passed.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "an application writes its name")]
pub struct BlockingCommands;

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Commands for BlockingCommands {
    async fn run(&self, command: Command) -> Result<CommandOutput, CommandError> {
        run(&command)
    }
}

fn run(command: &Command) -> Result<CommandOutput, CommandError> {
    let start = |error: io::Error| CommandError::Start {
        program: command.program.clone(),
        reason: error.to_string(),
    };
    let mut child = std::process::Command::new(&command.program)
        .args(&command.arguments)
        .current_dir(command.folder.as_deref().unwrap_or(Path::new(".")))
        .envs(command.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(start)?;
    let outcome = outcome(&mut child, command);
    if !matches!(outcome, Ok(Some(_))) {
        // Killing a command that has already ended fails, and that is no error here.
        let _killed = child.kill();
        let _ended = child.wait();
    }
    match outcome.map_err(start)? {
        Some((_, output)) if output.len() > command.max_output => {
            Err(CommandError::TooLarge { program: command.program.clone(), limit: command.max_output })
        }
        Some((status, output)) => Ok(CommandOutput::new(status.code(), output)),
        None => Err(CommandError::Timeout { program: command.program.clone(), deadline: command.deadline }),
    }
}

/// The exit status and output of a command; `None` where its deadline passed.
///
/// Output above the limit ends the command at once. The result then has more bytes than the limit, and the
/// status of the killed command.
fn outcome(child: &mut Child, command: &Command) -> io::Result<Option<(ExitStatus, Vec<u8>)>> {
    let clock = BlockingClock::new();
    let left = || command.deadline.saturating_sub(clock.monotonic());
    let Some(stdout) = child.stdout.take() else {
        return Err(io::Error::other("it has no standard output"));
    };
    let output = match read(stdout, command.max_output).recv_timeout(left()) {
        Ok(output) => output?,
        Err(_) => return Ok(None),
    };
    if output.len() > command.max_output {
        child.kill()?;
    }
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some((status, output)));
        }
        let left = left();
        if left.is_zero() {
            return Ok(None);
        }
        thread::sleep(POLL.min(left));
    }
}

/// Reads at most one byte more than `limit`, on a thread of its own, since reading a pipe has no timeout.
fn read(stdout: ChildStdout, limit: usize) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut output = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let read = stdout.take(most).read_to_end(&mut output).map(|_| output);
        // After the deadline nobody receives the result.
        let _sent = sender.send(read);
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        Command::new("sh", ["-c", script])
    }

    #[test]
    fn a_command_has_bounds_without_a_runtime() {
        let output = run(&shell("printf hello; exit 3")).unwrap();
        assert_eq!((output.status, output.stdout.as_slice()), (Some(3), b"hello".as_slice()));
        let mut elsewhere = shell("pwd");
        elsewhere.folder = Some("/".into());
        assert_eq!(run(&elsewhere).unwrap().stdout, b"/\n");

        for script in ["sleep 60", "exec >&-; sleep 60", "sleep 60 & exit 0"] {
            let mut slow = shell(script);
            slow.deadline = Duration::from_millis(50);
            assert!(matches!(run(&slow), Err(CommandError::Timeout { .. })), "{script}");
        }

        let mut long = shell("yes");
        long.max_output = 100;
        assert!(matches!(run(&long), Err(CommandError::TooLarge { limit: 100, .. })));

        let missing = Command::new("no-such-command-here", [""; 0]);
        assert!(matches!(run(&missing), Err(CommandError::Start { .. })));
    }
}
