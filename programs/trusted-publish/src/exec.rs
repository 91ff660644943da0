use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use oidc_core::{Context, ProviderSet, shown};
use oidc_exchange::client::PublishToken;

use super::command::child::{ChildError, PreparedCommand};
use super::command::dry_run::{self, Answer};
use super::command::launched;
use super::command::words::Upload;
use super::credential::Credential;
use super::destination::Destination;
use super::error::PublishError;
use super::invalid_target::InvalidTarget;
use super::life;
use super::provenance::{Handed, ProvenanceError, ServiceOptions};
use super::settings::gem;
use super::signals::Signals;
use super::target::{Ready, Target};

/// npm's setting that it signs provenance itself.
const NPM_PROVENANCE: &[&str] = &["NPM_CONFIG_PROVENANCE", "npm_config_provenance"];

#[derive(Debug, Args)]
pub(super) struct Exec {
    #[command(flatten)]
    pub(super) target: Target,
    /// Let the command ask for identity tokens itself, as `npm publish --provenance` does.
    #[arg(long)]
    pass_identity: bool,
    /// Sign provenance of the files that the command names, as `attest` does, and hand it to the command: `npm publish
    /// FILE`, `twine upload FILE…`, `uv publish FILE…`, `gem push FILE`. The command needs no identity for that.
    #[arg(long)]
    provenance: bool,
    #[command(flatten)]
    services: ServiceOptions,
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
        let handed = self.handed()?;
        let mut signals = Signals::listen().map_err(ChildError::Wait)?;
        let ready = tokio::select! {
            ready = self.target.obtain(&self.command, providers, cx, err) => ready?,
            // A token that is being made meanwhile is nobody's, and ends by itself.
            status = signals.status() => return Ok(status),
        };
        let command = tokio::select! {
            command = self.signed(handed.as_ref(), providers, cx, err) => command,
            status = signals.status() => {
                ready.end(cx, err).await;
                return Ok(status);
            }
        };
        let status = match command {
            Ok(command) => self.publish(&ready, &command, providers, &mut signals, cx, err).await,
            Err(error) => Err(error.into()),
        };
        ready.end(cx, err).await;
        status
    }

    /// The command as one that provenance is handed to, where it is asked for.
    fn handed(&self) -> Result<Option<Handed<'_>>, ProvenanceError> {
        if !self.provenance && self.services.is_stated() {
            let problem = "--fulcio-url, --rekor-url and --timestamp-url are for --provenance";
            return Err(ProvenanceError::Arguments(problem));
        }
        self.provenance.then(|| Handed::of(&self.command)).transpose()
    }

    /// The command, with the provenance that it is handed.
    async fn signed(
        &self,
        handed: Option<&Handed<'_>>,
        providers: &ProviderSet,
        cx: &Context,
        err: &mut impl Write,
    ) -> Result<Vec<OsString>, ProvenanceError> {
        match handed {
            Some(handed) => handed.sign(&self.services, providers, cx, err).await,
            None => Ok(self.command.clone()),
        }
    }

    /// Runs the command with the token.
    async fn publish(
        &self,
        ready: &Ready<'_>,
        command: &[OsString],
        providers: &ProviderSet,
        signals: &mut Signals,
        cx: &Context,
        err: &mut impl Write,
    ) -> Result<u8, PublishError> {
        let identity = ready.hidden(providers, cx);
        let hidden = if self.pass_identity { &[][..] } else { &identity };
        let mut changes = ready.changes().await;
        if self.provenance {
            // npm takes one of both.
            changes.remove(NPM_PROVENANCE);
        }
        launched::check(&changes, &ready.destination)?;
        if let Some(reason) = changes.elsewhere(&ready.destination) {
            return Err(InvalidTarget::Elsewhere(reason.to_owned()).into());
        }
        let dry = PreparedCommand { command, changes: &changes, hidden: &identity };
        let refusal = tokio::select! {
            refusal = by_tool(&dry, &ready.destination) => refusal,
            status = signals.status() => return Ok(status),
        };
        if let Some(refusal) = refusal {
            return Err(refusal.into());
        }
        ready.tell(changes.notes_for(ready.destination.tool()), err);
        let run = PreparedCommand { command, changes: &changes, hidden };
        let ends = ready.credential.publish_token().and_then(PublishToken::expires_at);
        Ok(life::report_during(run.to_its_end(signals), ends, cx, err).await?)
    }
}

/// The reason, by the tool itself, for which the command would publish at another registry.
async fn by_tool(run: &PreparedCommand<'_>, destination: &Destination<'_>) -> Option<InvalidTarget> {
    if let Some(reason) = gem::asked::elsewhere(run, destination).await {
        return Some(InvalidTarget::Elsewhere(reason));
    }
    if let (Upload::Perhaps { option, word }, Some("npm" | "pnpm" | "yarn" | "bun")) =
        (destination.upload(), destination.tool())
    {
        let [option, word] = [option, word].map(|word| shown(word).to_string());
        return Some(InvalidTarget::Unclear { option, word });
    }
    match dry_run::other_registry(run, destination).await {
        Answer::Own => None,
        Answer::Other(other) => Some(InvalidTarget::OtherByDryRun(shown(&other).to_string())),
        Answer::Unread => Some(InvalidTarget::DryRunUnread),
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

    /// Ends the token.
    async fn end(&self, cx: &Context, err: &mut impl Write) {
        let Some(token) = self.credential.publish_token() else { return };
        if let Err(error) = self.opened.registry.revoke(token, cx).await {
            // The command's outcome stands, whether or not anybody reads this; the token ends by itself.
            let _told = writeln!(err, "trusted-publish: the token was not revoked: {}", error.diagnosis());
        }
    }

    async fn changes(&self) -> super::command::changes::Changes {
        match &self.credential {
            Credential::ShortLived(_, token) => self.ecosystem.with_token(token, &self.destination).await,
            Credential::Static(_) => self.ecosystem.without_token(&self.destination).await,
        }
    }

    /// Says which registry the token is valid for, and what the command's user has to see to. That nobody reads it is no reason to stop.
    fn tell<'a>(&self, notes: impl Iterator<Item = &'a str>, err: &mut impl Write) {
        if self.credential.publish_token().is_some() {
            let url = self.destination.url.as_str();
            let _told = writeln!(err, "trusted-publish: the token is valid for {url} and no other registry");
        }
        for note in notes {
            let _told = writeln!(err, "trusted-publish: {note}");
        }
    }
}
