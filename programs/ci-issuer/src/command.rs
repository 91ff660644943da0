use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use oidc_core::{Command, CommandError, CommandOutput, Commands};

use super::mint::Minter;
use super::{Changes, Fault};

/// The commands that a job finds on a running issuer's platform, for programs that play the job in this process.
#[derive(Clone)]
pub struct JobCommands(Arc<Minter>);

impl JobCommands {
    pub(super) fn new(minter: Arc<Minter>) -> Self {
        Self(minter)
    }
}

#[async_trait]
impl Commands for JobCommands {
    async fn run(&self, command: Command) -> Result<CommandOutput, CommandError> {
        let played = self.0.platform.command.as_ref().filter(|played| played.program == command.program);
        let Some(played) = played else {
            let reason = "the platform has no such command".to_owned();
            return Err(CommandError::Start { program: command.program, reason });
        };
        match (played.audience)(&command.arguments) {
            Ok(audience) if self.0.fault != Some(Fault::Down) => {
                let token = self.0.token(&audience, &Changes::default());
                Ok(CommandOutput::new(Some(0), format!("{token}\n")))
            }
            _ => Ok(CommandOutput::new(Some(1), Vec::new())),
        }
    }
}

impl fmt::Debug for JobCommands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JobCommands").field(&self.0.platform).finish()
    }
}
