use std::ffi::OsString;
use std::io;
use std::process::ExitStatus;

use tokio::process::Command;

use super::changes::Changes;
use crate::signals::{Signals, ended_by};

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
        /// The reason.
        source: io::Error,
    },
    /// The platform lets no signal be listened to, or loses the command.
    #[error("the command can't be waited for: {0}")]
    Wait(#[source] io::Error),
}

/// A command with the changes to its environment.
pub(crate) struct PreparedCommand<'a> {
    /// The command with its arguments.
    pub(crate) command: &'a [OsString],
    /// Variables that it sees or doesn't.
    pub(crate) changes: &'a Changes,
    /// Variables that it doesn't see either, unless they are among those that are set.
    pub(crate) hidden: &'a [&'a str],
}

impl PreparedCommand<'_> {
    /// Runs the command to its end, and hands signals that ask for an end on to it. Returns its exit status as a shell
    /// would, 128 and the signal's number for a signal.
    pub(crate) async fn to_its_end(&self, signals: &mut Signals) -> Result<u8, ChildError> {
        let program = self.command.first().ok_or(ChildError::Nothing)?;
        let mut command = self.without_token(self.command);
        command.envs(self.changes.exposed());
        let mut child =
            command.spawn().map_err(|source| ChildError::Start { program: program.clone(), source })?;
        let status = signals.forward_to(&mut child).await.map_err(ChildError::Wait)?;
        Ok(exit_code(status))
    }

    /// Words of a command that run in its environment, but for the token.
    pub(crate) fn without_token(&self, words: &[OsString]) -> Command {
        let mut words = words.iter();
        let mut command = Command::new(words.next().unwrap_or(&OsString::new()));
        command.args(words);
        for name in self.hidden.iter().copied().chain(self.changes.removed()) {
            command.env_remove(name);
        }
        command.envs(self.changes.texts());
        command
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + ended_by(status)?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
