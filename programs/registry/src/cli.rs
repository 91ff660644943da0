use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use oidc_core::{Context, Secret};
use oidc_exchange::server::Chain;

use super::audit::{Counted, Events};
use super::config::Config;
use super::database;
use super::running::Running;
use oidc_listener::shutdown;

/// A configuration may have this many bytes.
const MAX_CONFIG: usize = 1 << 20;
/// A file with a database's URL may have this many bytes.
const MAX_DATABASE_FILE: usize = 4096;

const EXAMPLE: &str = "\
Example of a configuration, for a job of GitHub Actions:

  listen     = \"127.0.0.1:4873\"
  public_url = \"http://127.0.0.1:4873\"
  database   = \"sqlite:registry.db\"

  [[provider]]
  kind = \"github\"

  [[package]]
  ecosystem = \"npm\"
  name      = \"@acme/widget\"

  [[package.publisher]]
  provider   = \"github\"
  repository = \"acme/widget\"
  workflow   = \"publish.yml\"

RUST_LOG=debug makes the log say more.";

const AUDIT_HELP: &str = "\
There is a line for each attempt whose token's signature was verified, granted or refused, with the time (UTC) and the reason. Where there
is more to say to the operator, such as the configured publishers beside a stranger's token, `for_operator` has it together with the
reason. Requests without a token, and tokens that prove nothing (expired, forged, of another issuer or audience), are counted and not
listed, since anybody can send them. The counts are printed on standard error, for all packages together, and the registry's log has a
line for each.";

const MIGRATE_HELP: &str = "\
On PostgreSQL the role that serves needs no right to create tables where this command has run before with a role that has
it: write the owner's URL into the file of --database-file, and the serving role's into the configuration. Run it once for
each release, before its first process starts; docs/operating.md names the grants.";

/// A small real registry that takes trusted publishes: npm's packages, crates, Python projects and gems.
#[derive(Debug, Parser)]
#[command(name = "registry", version, args_conflicts_with_subcommands = true, after_help = EXAMPLE)]
pub struct Arguments {
    #[command(flatten)]
    serve: Option<ConfigFile>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Debug, Args)]
struct ConfigFile {
    /// The configuration, in TOML; a package's `ecosystem` is npm, cargo, pypi or rubygems.
    #[arg(long)]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print one JSON object a line for every exchange and publish, oldest first.
    #[command(after_help = AUDIT_HELP)]
    Audit {
        #[command(flatten)]
        file: ConfigFile,
        /// Only of this package.
        #[arg(long)]
        package: Option<String>,
    },
    /// Create the tables that are missing, bring the others up to date, and end.
    #[command(after_help = MIGRATE_HELP)]
    Migrate {
        #[command(flatten)]
        file: ConfigFile,
        /// A file with the URL of the database, in place of the configuration's.
        #[arg(long, value_name = "FILE")]
        database_file: Option<PathBuf>,
    },
}

/// Runs the program until it is told to stop.
///
/// # Errors
///
/// With one line for the user.
pub async fn run(arguments: Arguments, cx: &Context) -> Result<(), Box<dyn std::error::Error>> {
    match (arguments.command, arguments.serve) {
        (Some(Command::Audit { file, package }), _) => {
            print_audit(&read(&file, cx)?, package.as_deref()).await
        }
        (Some(Command::Migrate { file, database_file }), _) => {
            migrate(&read(&file, cx)?, database_file.as_deref(), cx).await
        }
        (None, Some(file)) => serve(read(&file, cx)?, cx).await,
        (None, None) => Err("name the configuration: registry --config registry.toml".into()),
    }
}

fn read(file: &ConfigFile, cx: &Context) -> Result<Config, Box<dyn std::error::Error>> {
    let text = String::from_utf8(cx.files().read(&file.config, MAX_CONFIG)?)?;
    Ok(Config::parse(&text).map_err(|error| format!("{}: {error}", file.config.display()))?)
}

async fn serve(config: Config, cx: &Context) -> Result<(), Box<dyn std::error::Error>> {
    let stop = shutdown::signals()?;
    let running = Running::start(config, cx).await?;
    let mut out = io::stdout();
    writeln!(out, "listening on {}", running.url())?;
    out.flush()?;
    stop.await;
    running.stop().await;
    Ok(())
}

async fn migrate(
    config: &Config,
    database_file: Option<&Path>,
    cx: &Context,
) -> Result<(), Box<dyn std::error::Error>> {
    config.check()?;
    let url = match database_file {
        Some(file) => Secret::new(String::from_utf8(cx.files().read(file, MAX_DATABASE_FILE)?)?.trim()),
        None => config.database.clone(),
    };
    database::open(url.expose()).await.map_err(|error| Chain::of(&error).to_string())?;
    writeln!(io::stdout(), "the tables are up to date")?;
    Ok(())
}

async fn print_audit(config: &Config, package: Option<&str>) -> Result<(), Box<dyn std::error::Error>> {
    config.check()?;
    let database =
        database::open(config.database.expose()).await.map_err(|error| Chain::of(&error).to_string())?;
    let mut out = io::stdout().lock();
    let (mut events, mut listed) = (Events::of(&database, package), 0_usize);
    loop {
        let next = events.next().await?;
        if next.is_empty() {
            break;
        }
        for event in &next {
            writeln!(out, "{event}")?;
        }
        listed = listed.saturating_add(next.len());
    }
    out.flush()?;
    let counted = Counted::read(&database).await?;
    writeln!(io::stderr(), "{}", counted.summary(listed, package))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_in_the_help_is_a_configuration() {
        let text = EXAMPLE.split_once("Actions:").unwrap().1.split("RUST_LOG").next().unwrap();
        Config::parse(text).unwrap().check().unwrap();
    }
}
