use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use oidc_core::Context;
use serde_json::{Map, Value};

use super::claims::unknown_claim;
use super::install::{install, quoted};
use super::remote::token_of_job;
use super::sigstore::{self, SigstoreError};
use super::{
    Changes, Fault, GITHUB, PLATFORMS, Platform, RemoteError, Running, Settings, StartError, token_of,
};
use oidc_listener::shutdown;

const EXAMPLES: &str = "\
Standard output carries one `export NAME='value'` line for each variable that a job would see, and at last
the line `# ci-issuer is ready`. Then the issuer runs until SIGINT or SIGTERM.

A claim that follows from a changed one follows it (`workflow_ref` and `sub` from `repository`, for one),
unless it is changed too. Ids follow nothing.

Examples:
  ci-issuer --provider github --listen 127.0.0.1:9001 --set environment=publish > job.env &
  until grep -q 'is ready' job.env; do sleep 0.1; done
  . ./job.env && npm publish --registry http://127.0.0.1:4873/

  ci-issuer --provider gitlab --audience npm:127.0.0.1 > job.env &

  ci-issuer --provider circleci --issuer-path /org/11111111-1111-4111-8111-111111111111 > job.env &

A job of CircleCI or Buildkite asks a command for tokens, which a folder at the front of the printed PATH holds.

  ci-issuer --provider github --sigstore sigstore > job.env &
  . ./job.env && npm publish --provenance --access public --registry http://127.0.0.1:4873/

With --sigstore a certificate authority, the logs and the TUF repository of a Sigstore instance run beside the issuer, with new
keys each time. HTTPS_PROXY leads clients there that take no other URLs than the public instance's, and nowhere else.

  ci-issuer token --issuer http://127.0.0.1:9001 --audience npm:127.0.0.1 --set repository=evil/widget";

/// The greatest size of a file of claims, in bytes.
const MAX_CLAIMS_FILE: usize = 64 * 1024;

/// A CI platform's identity provider on your own machine, to try trusted publishing with.
#[derive(Debug, Parser)]
#[command(
    name = "ci-issuer",
    version,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print one more token of an issuer that runs.
    Token(Token),
    /// Do what the platform's own command does, for the script that is put into PATH.
    #[command(hide = true)]
    JobCommand(JobCommand),
}

#[derive(Debug, Args)]
struct Serve {
    /// The CI platform to play.
    #[arg(long, required = true, value_parser = platforms())]
    provider: Option<String>,
    /// The loopback address to listen on; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
    /// The path of the issuer's URL, on platforms that have several issuers, such as `/org/UUID` on CircleCI.
    #[arg(long, value_name = "PATH")]
    issuer_path: Option<String>,
    /// Make a token for this audience before the job, as GitLab does, and print its variable; may be
    /// repeated.
    #[arg(long)]
    audience: Vec<String>,
    /// The variable for that token [default: named by the audience, as publish tools expect].
    #[arg(long, value_name = "NAME", requires = "audience")]
    token_variable: Option<String>,
    #[command(flatten)]
    claims: ClaimArguments,
    /// The time for which tokens are valid [default: as the platform's usually are].
    #[arg(long, value_name = "SECONDS")]
    lifetime: Option<u64>,
    /// The fault to play.
    #[arg(long)]
    fault: Option<Fault>,
    /// Play a Sigstore instance too, and write what clients need of it into this folder: `trusted_root.json`,
    /// `signing_config.json`, `trust_config.json` (both), `root.json` (TUF) and `ca.pem` (the proxy's authority).
    #[arg(long, value_name = "DIR")]
    sigstore: Option<PathBuf>,
    /// The loopback address that the Sigstore instance listens on [default: any free port].
    #[arg(long, value_name = "ADDRESS", requires = "sigstore")]
    sigstore_listen: Option<SocketAddr>,
    /// The fault of the Sigstore instance to play.
    #[arg(long, value_name = "FAULT", requires = "sigstore")]
    sigstore_fault: Option<sigstore::Fault>,
    /// The delay of an answer under `--fault slow`.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    delay: u64,
}

#[derive(Debug, Args)]
struct Token {
    /// The running issuer's URL.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// The token's audience.
    #[arg(long)]
    audience: String,
    #[command(flatten)]
    claims: ClaimArguments,
}

#[derive(Debug, Args)]
struct JobCommand {
    #[arg(long, value_parser = platforms())]
    provider: String,
    #[arg(long)]
    issuer: String,
    /// The command's own arguments.
    #[arg(last = true)]
    arguments: Vec<String>,
}

#[derive(Debug, Args)]
struct ClaimArguments {
    /// A JSON object with claims to change, of any type.
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
    /// Change a claim; may be repeated. Arrays, objects, quoted texts and null are read as JSON; numbers,
    /// true and false only where the platform's claim is no text. An empty VALUE is the empty text.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Leave a claim out; may be repeated.
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
}

fn platforms() -> PossibleValuesParser {
    PossibleValuesParser::new(PLATFORMS.iter().map(|platform| platform.name))
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// `ci-issuer` failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The issuer did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The Sigstore instance did not start.
    #[error("--sigstore: {0}")]
    Sigstore(#[from] SigstoreError),
    /// The running issuer gave no token.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The file of claims can't be used.
    #[error("--claims: {0}")]
    Claims(String),
    /// The platform's command was called in a way that it doesn't know.
    #[error("{0}")]
    JobCommand(String),
    /// Standard output is closed, or the signals can't be listened to.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Does what the arguments say, and prints to `out`. `this` is the program, which a platform's played command calls.
///
/// # Errors
///
/// When the arguments contradict each other, the address can't be listened on, or a running issuer gives no
/// token.
pub async fn run(
    arguments: Arguments,
    this: &Path,
    context: &Context,
    out: &mut impl Write,
) -> Result<(), CliError> {
    match arguments.command {
        Some(Command::Token(token)) => {
            let changes = token.claims.changes(context)?;
            let token = token_of(&token.issuer, &token.audience, &changes, context).await?;
            writeln!(out, "{token}")?;
            Ok(out.flush()?)
        }
        Some(Command::JobCommand(command)) => {
            let token = command.token(context).await?;
            writeln!(out, "{token}")?;
            Ok(out.flush()?)
        }
        None => serve(arguments.serve, this, context, out).await,
    }
}

async fn serve(
    arguments: Serve,
    this: &Path,
    context: &Context,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let shutdown = shutdown::signals()?;
    let platform = arguments.provider.as_deref().unwrap_or_default();
    for name in arguments.claims.names() {
        if let Some(warning) = unknown_claim(platform, name) {
            writeln!(io::stderr(), "ci-issuer: warning: {warning}")?;
        }
    }
    let played = (arguments.sigstore.clone(), arguments.sigstore_listen, arguments.sigstore_fault);
    let running = Running::start(arguments.settings(context)?, context).await?;
    let instance = match played {
        (Some(folder), listen, fault) => Some(play(&running, &folder, listen, fault, context).await?),
        (None, ..) => None,
    };
    for (name, value) in running.env() {
        writeln!(out, "export {name}={}", quoted(value))?;
    }
    let (platform, url) = (running.platform(), running.url());
    let command = platform.command.as_ref();
    let folder = command.map(|command| install(this, platform.name, command.program, url)).transpose()?;
    if let Some(folder) = &folder {
        writeln!(out, "export PATH={}:\"$PATH\"", quoted(&folder.path().to_string_lossy()))?;
    }
    writeln!(out, "# the issuer is {url}")?;
    if let Some((instance, folder)) = &instance {
        tell(instance, folder, out)?;
    }
    writeln!(out, "# ci-issuer is ready")?;
    out.flush()?;
    shutdown.await;
    if let Some((instance, _)) = instance {
        instance.stop().await;
    }
    running.stop().await;
    Ok(())
}

/// Starts a Sigstore instance for the issuer's tokens, and writes its files. The folder's path is returned as an absolute one.
async fn play(
    issuer: &Running,
    folder: &Path,
    listen: Option<SocketAddr>,
    fault: Option<sigstore::Fault>,
    context: &Context,
) -> Result<(sigstore::Running, PathBuf), CliError> {
    let mut settings = sigstore::Settings::new(issuer.platform().name, issuer.url());
    settings.listen = listen.unwrap_or(settings.listen);
    settings.fault = fault;
    let instance = sigstore::Running::start(settings, context).await?;
    instance.write(folder)?;
    Ok((instance, folder.canonicalize()?))
}

/// Prints where clients find the Sigstore instance.
fn tell(instance: &sigstore::Running, folder: &Path, out: &mut impl Write) -> io::Result<()> {
    let path = |name: &str| quoted(&folder.join(name).to_string_lossy());
    for (name, value) in instance.variables(folder) {
        writeln!(out, "export {name}={}", quoted(&value))?;
    }
    writeln!(out, "# Sigstore is {}; whom to trust is in {}", instance.url(), path("trusted_root.json"))?;
    writeln!(out, "# its timestamp authority is {}", instance.timestamp_url())?;
    let cache = format!("\"$(npm config get cache)/_tuf/{}\"", instance.tuf_host());
    writeln!(out, "# before npm audit signatures: mkdir -p {cache} && cp {} {cache}/", path("root.json"))
}

impl Serve {
    fn settings(self, context: &Context) -> Result<Settings, CliError> {
        // The parser takes no other names, and asks for one.
        let platform = self.provider.as_deref().and_then(Platform::named).unwrap_or(&GITHUB);
        Ok(Settings {
            platform,
            listen: self.listen,
            issuer_path: self.issuer_path.unwrap_or_default(),
            audiences: self.audience,
            token_variable: self.token_variable,
            changes: self.claims.changes(context)?,
            lifetime: self.lifetime,
            fault: self.fault,
            delay: Duration::from_secs(self.delay),
        })
    }
}

impl JobCommand {
    async fn token(self, context: &Context) -> Result<String, CliError> {
        let played = Platform::named(&self.provider).and_then(|platform| platform.command.as_ref());
        let Some(played) = played else {
            return Err(CliError::JobCommand(format!("{} has no command", self.provider)));
        };
        let audience = (played.audience)(&self.arguments).map_err(CliError::JobCommand)?;
        Ok(token_of_job(&self.issuer, &audience, context).await?)
    }
}

impl ClaimArguments {
    /// The claims that are changed or left out on the command line.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.set.iter().map(|(name, _)| name).chain(&self.unset).map(String::as_str)
    }

    fn changes(self, context: &Context) -> Result<Changes, CliError> {
        let claims = match &self.claims {
            Some(path) => read_claims(path, context)?,
            None => Map::new(),
        };
        Ok(Changes { claims, set: self.set, unset: self.unset })
    }
}

fn read_claims(path: &Path, context: &Context) -> Result<Map<String, Value>, CliError> {
    let file =
        context.files().read(path, MAX_CLAIMS_FILE).map_err(|error| CliError::Claims(error.to_string()))?;
    serde_json::from_slice(&file)
        .map_err(|error| CliError::Claims(format!("{} holds no JSON object: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_provider_is_asked_for_unless_a_token_is() {
        assert!(Arguments::try_parse_from(["ci-issuer"]).is_err());
        assert!(Arguments::try_parse_from(["ci-issuer", "--provider", "mainframe"]).is_err());
        assert!(Arguments::try_parse_from(["ci-issuer", "--provider", "gitlab"]).is_ok());
        let token = ["ci-issuer", "token", "--issuer", "http://127.0.0.1:9001", "--audience", "x"];
        assert!(Arguments::try_parse_from(token).is_ok());
    }
}
