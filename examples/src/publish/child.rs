use std::ffi::OsString;
use std::io;
use std::process::ExitStatus;

use oidc_core::{Environment, Secret};
use tokio::process::{Child, Command};

/// A command did not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// There is none.
    #[error("there is no command to run")]
    Nothing,
    /// It is not there or may not be run.
    #[error("the command `{}` can't be started: {source}", .program.display())]
    Start {
        /// Its name.
        program: OsString,
        /// Why.
        source: io::Error,
    },
    /// The platform lets no signal be listened to, or loses the command.
    #[error("the command can't be waited for: {0}")]
    Wait(#[source] io::Error),
}

/// Runs a command to its end, with `token` in these variables, with the `companions`, and without those that `hidden`
/// lists. SIGINT and SIGTERM
/// are handed on to it. Returns its exit status as a shell would, 128 and the signal's number for a signal.
pub(super) async fn run(
    command: &[OsString],
    variables: &[String],
    token: &Secret,
    companions: &[(&str, &str)],
    hidden: &[String],
) -> Result<u8, ChildError> {
    let (program, arguments) = command.split_first().ok_or(ChildError::Nothing)?;
    let mut command = Command::new(program);
    command.args(arguments);
    for name in hidden {
        command.env_remove(name);
    }
    command.envs(companions.iter().copied());
    command.envs(variables.iter().map(|name| (name, token.expose())));
    let signals = signals::Signals::listen().map_err(ChildError::Wait)?;
    let mut child =
        command.spawn().map_err(|source| ChildError::Start { program: program.clone(), source })?;
    let status = signals.forward_to(&mut child).await.map_err(ChildError::Wait)?;
    Ok(exit_code(status))
}

/// The variables through which a job asks for identity tokens or has them.
pub(super) fn means_of_identity(environment: &Environment) -> Vec<String> {
    let is_one = |name: &&str| name.starts_with("ACTIONS_ID_TOKEN_REQUEST_") || name.ends_with("_ID_TOKEN");
    environment.names().filter(is_one).map(str::to_owned).collect()
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + signals::ended_by(status)?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

#[cfg(unix)]
mod signals {
    use std::os::unix::process::ExitStatusExt as _;

    use rustix::process::{Pid, kill_process};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::{Child, ExitStatus, io};

    /// The signals that ask a program to end.
    pub(super) struct Signals {
        interrupt: Signal,
        terminate: Signal,
    }

    impl Signals {
        /// Listens from now on.
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        }

        /// Waits for the child's end and hands every signal on to it.
        pub(super) async fn forward_to(mut self, child: &mut Child) -> io::Result<ExitStatus> {
            loop {
                let signal = tokio::select! {
                    status = child.wait() => return status,
                    _ = self.interrupt.recv() => rustix::process::Signal::INT,
                    _ = self.terminate.recv() => rustix::process::Signal::TERM,
                };
                let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
                if let Some(pid) = pid {
                    // A child that has just ended gets no signal and needs none.
                    let _gone = kill_process(pid, signal);
                }
            }
        }
    }

    pub(super) fn ended_by(status: ExitStatus) -> Option<i32> {
        status.signal()
    }
}

#[cfg(not(unix))]
mod signals {
    use super::{Child, ExitStatus, io};

    /// Ctrl-C, which reaches the child by itself.
    pub(super) struct Signals;

    impl Signals {
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        /// Waits for the child's end and lives through Ctrl-C until then.
        pub(super) async fn forward_to(self, child: &mut Child) -> io::Result<ExitStatus> {
            loop {
                tokio::select! {
                    status = child.wait() => return status,
                    pressed = tokio::signal::ctrl_c() => pressed?,
                }
            }
        }
    }

    pub(super) fn ended_by(_status: ExitStatus) -> Option<i32> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_identity_is_known_by_its_name() {
        let names = [
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "NPM_ID_TOKEN",
            "SIGSTORE_ID_TOKEN",
            "GITHUB_TOKEN",
            "NPM_TOKEN",
            "ID_TOKENS",
        ];
        let environment = Environment::from_iter(names.map(|name| (name, "x")));
        let hidden = means_of_identity(&environment);
        assert_eq!(
            hidden,
            [
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
                "ACTIONS_ID_TOKEN_REQUEST_URL",
                "NPM_ID_TOKEN",
                "SIGSTORE_ID_TOKEN"
            ]
        );
    }
}
