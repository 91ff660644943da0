use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use oidc_core::Context;

use super::audit;
use super::config::Config;
use super::database::Database;
use super::running::{Running, chain};
use crate::shutdown;

/// A configuration may have this many bytes.
const MAX_CONFIG: usize = 1 << 20;

/// A small real registry that takes trusted publishes: npm's packages, crates, Python projects and gems.
#[derive(Debug, Parser)]
#[command(name = "registry", version, args_conflicts_with_subcommands = true)]
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
    Audit {
        #[command(flatten)]
        file: ConfigFile,
        /// Only of this package.
        #[arg(long)]
        package: Option<String>,
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

async fn print_audit(config: &Config, package: Option<&str>) -> Result<(), Box<dyn std::error::Error>> {
    let database = Database::open(&config.database).await.map_err(|error| chain(&error))?;
    let mut out = io::stdout().lock();
    for event in audit::events(&database, package).await? {
        writeln!(out, "{event}")?;
    }
    for (outcome, refusals) in audit::refusals(&database).await? {
        writeln!(io::stderr(), "refused before a signature held: {outcome} {refusals}")?;
    }
    Ok(())
}
