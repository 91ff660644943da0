use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use oidc_core::{Context, shown};

use super::audit;
use super::config::Config;
use super::database::Database;
use super::running::{Running, chain};
use crate::shutdown;

/// A configuration may have this many bytes.
const MAX_CONFIG: usize = 1 << 20;

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
A line is there for each attempt whose token's signature held, granted or refused, with the reason; for somebody unknown
the reason says what is configured beside what came. Requests without a token, and tokens that prove nothing (expired,
forged, of another issuer or audience), are counted and not listed, since anybody can send them: the counts come on
standard error, for all packages together, and the registry's log has a line for each.";

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
    config.check()?;
    let database = Database::open(config.database.expose()).await.map_err(|error| chain(&error))?;
    let mut out = io::stdout().lock();
    let events = audit::events(&database, package).await?;
    for event in &events {
        writeln!(out, "{event}")?;
    }
    out.flush()?;
    let counts = audit::refusals(&database).await?;
    writeln!(io::stderr(), "{}", summary(events.len(), package, &counts))?;
    Ok(())
}

/// What was listed, and what is only counted.
fn summary(listed: usize, package: Option<&str>, counts: &[(String, i64)]) -> String {
    let of = package.map_or_else(String::new, |package| format!(" of {}", shown(package)));
    let listed = format!("listed: {listed}{of}");
    let total: i64 = counts.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return format!("{listed}; counted only: none");
    }
    let each: Vec<String> = counts.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
    format!(
        "{listed}; counted only, of all packages, since they proved nothing: {total} ({}), with a line for each in the \
         registry's log",
        each.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_says_what_it_does_not_list() {
        let counts = [("invalid-token".to_owned(), 3), ("no-token".to_owned(), 1)];
        let said = summary(0, Some("widget"), &counts);
        assert!(said.starts_with("listed: 0 of widget; counted only, of all packages"), "{said}");
        assert!(said.contains(": 4 (invalid-token 3, no-token 1)") && said.contains("log"), "{said}");
        assert_eq!(summary(2, None, &[]), "listed: 2; counted only: none");
    }

    #[test]
    fn the_example_in_the_help_is_a_configuration() {
        let text = EXAMPLE.split_once("Actions:").unwrap().1.split("RUST_LOG").next().unwrap();
        Config::parse(text).unwrap().check().unwrap();
    }
}
