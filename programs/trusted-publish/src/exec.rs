use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use oidc_core::{Context, ProviderSet};
use oidc_exchange::client::PublishToken;

use super::child::{ChildError, Run};
use super::credential::Credential;
use super::error::PublishError;
use super::life;
use super::signals::Signals;
use super::target::{Ready, Target};

#[derive(Debug, Args)]
pub(super) struct Exec {
    #[command(flatten)]
    pub(super) target: Target,
    /// Let the command ask for identity tokens itself, as `npm publish --provenance` does.
    #[arg(long)]
    pass_identity: bool,
    /// The command, after `--`.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl Exec {
    /// Runs the command, and ends its token. Returns the command's exit status.
    pub(super) async fn run(
        &self,
        providers: &ProviderSet,
        cx: &Context,
        err: &mut impl Write,
    ) -> Result<u8, PublishError> {
        let mut signals = Signals::listen().map_err(ChildError::Wait)?;
        let ready = tokio::select! {
            ready = self.target.obtain(&self.command, providers, cx, err) => ready?,
            // A token that is being made meanwhile is nobody's, and ends by itself.
            status = signals.status() => return Ok(status),
        };
        let hidden = if self.pass_identity { Vec::new() } else { ready.hidden(providers, cx) };
        let changes = ready.changes().await;
        ready.tell(changes.notes_for(ready.destination.tool()), err);
        let run = Run { command: &self.command, changes: &changes, hidden: &hidden };
        let token = ready.credential.publish_token();
        let ends = token.and_then(PublishToken::expires_at);
        let ended = life::told(run.to_its_end(&mut signals), ends, cx, err).await;
        if let Some(token) = token
            && let Err(error) = ready.opened.registry.revoke(token, cx).await
        {
            // The command's outcome stands, whether or not anybody reads this; the token ends by itself.
            let _told = writeln!(err, "trusted-publish: the token was not revoked: {}", error.diagnosis());
        }
        Ok(ended?)
    }
}

impl Ready<'_> {
    /// The variables that give the job's identity. A static credential that is used is none, whatever it is made of.
    fn hidden<'a>(&self, providers: &ProviderSet, cx: &'a Context) -> Vec<&'a str> {
        let environment = cx.environment();
        let is_used = |name: &&str| environment.get(name) == Some(self.credential.secret().expose());
        let mut hidden = providers.identity_variables(environment);
        hidden.retain(|name| !is_used(name));
        hidden
    }

    async fn changes(&self) -> super::changes::Changes {
        match &self.credential {
            Credential::ShortLived(_, token) => self.ecosystem.with_token(token, &self.destination).await,
            Credential::Static(_) => self.ecosystem.without_token(&self.destination).await,
        }
    }

    /// Says where the token is good for, and what the command's user has to see to. That nobody reads it is no reason to stop.
    fn tell<'a>(&self, notes: impl Iterator<Item = &'a str>, err: &mut impl Write) {
        if self.credential.publish_token().is_some() {
            let url = self.destination.url.as_str();
            let _told = writeln!(err, "trusted-publish: the token is good for {url} and no other registry");
        }
        for note in notes {
            let _told = writeln!(err, "trusted-publish: {note}");
        }
    }
}
