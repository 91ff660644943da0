//! The command line: its commands, and what each does.

use std::io::Write;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use oidc_core::http::{HttpSettings, SystemHttp};
use oidc_core::{Context, Environment, ProviderSet};

use super::doctor::Doctor;
use super::error::PublishError;
use super::exec::Exec;
use super::format::{Format, Messages};
use super::progress;
use super::provenance::{self, Attest, Verify};
use super::target::Target;

const EXAMPLES: &str = "\
The job's identity comes from the CI platform: GitHub Actions (`permissions: id-token: write`), GitLab CI
(`id_tokens: { NPM_ID_TOKEN: { aud: npm:HOST } }`), or the variable NPM_ID_TOKEN.

Examples:
  trusted-publish exec --registry npm --url https://registry.example/npm/ --package @acme/widget -- npm publish

  NODE_AUTH_TOKEN=$(trusted-publish token --registry npm --url https://registry.example/ --package widget)

Outside of CI, `ci-issuer` plays a platform, to try it.";

const EXEC_HELP: &str = "\
The command finds the token and the registry's URL in the variables that its tool reads, so that a plain `twine upload` or
`cargo publish` goes to --url and nowhere else. A message at the start says which registry the token is valid for, and what no
variable can express. A static credential of another registry is neither used nor passed on. A command whose own options name
another registry is not run. npm, pnpm, yarn and bun are asked by a dry run beforehand where they would publish, without the token.

npm: npm, pnpm, yarn and bun. npm's own setting for the URL needs no .npmrc, but dash and some other shells don't pass it on; in a
script, use an .npmrc with the line `//HOST/PATH/:_authToken=${NODE_AUTH_TOKEN}`. NODE_AUTH_TOKEN and NPM_TOKEN hold
the token unless a file sends them to another registry.

pypi: uv, twine, maturin, flit, hatch and pdm. poetry needs `-r trusted-publish` where the URL is not PyPI's. crates-io:
CARGO_REGISTRY_TOKEN for crates.io alone; else cargo's default registry is the one at the URL. rubygems: GEM_HOST_API_KEY and
RUBYGEMS_HOST. The token is revoked afterwards where the registry can do that (pypi, crates-io; not rubygems, whose
tokens expire after 15 minutes).

pep-807: as pypi. nuget: NUGET_API_KEY. prefix-dev: PREFIX_API_KEY. packagist: PRIVATE_PACKAGIST_API_KEY and
PRIVATE_PACKAGIST_API_SECRET. open-vsx: OVSX_PAT. vs-marketplace: VSCE_PAT. jsr: JSR_TOKEN. pub-dev: PUB_TOKEN. hex:
HEX_API_KEY. pyx: as pypi. jfrog: JF_ACCESS_TOKEN. cloudsmith: CLOUDSMITH_API_KEY. mcp-registry: MCP_REGISTRY_TOKEN. docker-hub:
DOCKERHUB_TOKEN, which docker itself reads by `--password-stdin` alone. token-exchange, identity-token: TRUSTED_PUBLISH_TOKEN. With
--tools, the variables of those tools instead.

A command keeps the token that it starts with. How long that lives is said before it runs, and once more shortly before it
ends. What takes longer publishes in several runs, or asks by itself: cargo with `cargo:token-from-stdout`, a script with
`trusted-publish token`.

With --provenance the files that the command names are signed after the token is there and before the command runs; what is
signed stands in Sigstore's public log for good, with the name of the repository. npm verifies it with Sigstore's public trusted
root, and takes it with a tarball alone, which `npm pack` makes.

The exit status is the command's, or 128 and the number of the signal that ended it.";

const DOCTOR_HELP: &str = "\
The exit status is 0 only if the registry is at the URL, accepted the exchange, and the publisher that --publisher states accepts
the job. PyPI's and crates.io's protocols don't say whether --package is among the packages of a token; where the registry does
say, another package is an error. On GitHub Actions each finding is an annotation too.

Several packages, each with its own --package or all of a workspace with --workspace, are one table, and one exit status.

Example:
  trusted-publish doctor --registry npm --url https://registry.example/npm/ --package @acme/widget \\
    --publisher repository=acme/widget --publisher workflow=publish.yml --publisher environment=publish";

/// The program's name.
const PROGRAM: &str = "trusted-publish";

/// The limit on a file of certificates, in bytes.
const MAX_CA_FILE: usize = 1024 * 1024;

/// Publish with the identity of a CI job in place of a stored token.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a short-lived publish token, and only that, on standard output.
    Token(Target),
    /// Run a command with a short-lived publish token in the variables that it reads.
    #[command(after_help = EXEC_HELP)]
    Exec(Exec),
    /// Say, without publishing, whether a publish from this job would be accepted, and if not, what to change.
    #[command(after_help = DOCTOR_HELP)]
    Doctor(Box<Doctor>),
    /// Sign provenance of files as this job, and write it beside them.
    #[command(after_help = provenance::ATTEST_HELP)]
    Attest(Attest),
    /// Check a file's provenance and its signer.
    #[command(after_help = provenance::VERIFY_HELP)]
    Verify(Box<Verify>),
    /// Print a script that completes this program's commands and options in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print this program's manual page, in roff.
    Man {
        /// The command whose page is printed, in place of the program's own.
        #[arg(value_parser = commands())]
        command: Option<String>,
    },
}

impl Arguments {
    /// The form of the output.
    pub fn format(&self) -> Format {
        match &self.command {
            Command::Attest(attest) => attest.format,
            Command::Verify(verify) => verify.format,
            command => command.target().map_or(Format::Text, |target| target.format),
        }
    }

    /// The world as these arguments describe it: the process's, with the private CA.
    ///
    /// # Errors
    ///
    /// When the environment's proxy or the file of certificates can't be used.
    pub fn context(&self) -> Result<Context, PublishError> {
        let environment = Environment::system();
        let user_agent = concat!("trusted-publish/", env!("CARGO_PKG_VERSION"));
        let settings = HttpSettings::from_environment(&environment)
            .with_user_agent(user_agent)
            .with_ca_setting("--ca-file FILE");
        let cx = Context::system_with(environment, settings.clone())?;
        let cx = match self.command.target().and_then(|target| target.fixed_audience.as_ref()) {
            Some(audience) => cx.with_fixed_audience(audience.clone()),
            None => cx,
        };
        let Some(path) = self.command.ca_file() else { return Ok(cx) };
        let authority = cx.files().read(path, MAX_CA_FILE)?;
        Ok(cx.with_http(SystemHttp::new(settings.with_ca(authority))?))
    }
}

impl Command {
    /// The registry that a token is for; none where provenance alone is meant.
    fn target(&self) -> Option<&Target> {
        match self {
            Self::Token(target) => Some(target),
            Self::Exec(exec) => Some(&exec.target),
            Self::Doctor(doctor) => Some(&doctor.target),
            Self::Attest(_) | Self::Verify(_) | Self::Completions { .. } | Self::Man { .. } => None,
        }
    }

    fn ca_file(&self) -> Option<&PathBuf> {
        match self {
            Self::Attest(attest) => attest.ca_file.as_ref(),
            Self::Verify(verify) => verify.ca_file.as_ref(),
            _ => self.target()?.ca_file.as_ref(),
        }
    }
}

/// Does what the arguments say: prints the token to `out`, and to `err` what a person should know. Returns the exit
/// status.
///
/// # Errors
///
/// When there is nothing to publish with, or the command can't be run.
pub async fn run(
    arguments: Arguments,
    providers: &ProviderSet,
    cx: &Context,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<u8, PublishError> {
    let err = &mut Messages::new(arguments.format(), err);
    match arguments.command {
        Command::Token(target) => print_token(target, providers, cx, out, err).await,
        Command::Exec(mut exec) => {
            exec.target.infer_package(false, cx, err)?;
            exec.run(providers, cx, err).await
        }
        Command::Doctor(mut doctor) => {
            if !doctor.workspace {
                doctor.target.infer_package(true, cx, err)?;
            }
            doctor.run(providers, cx, out, err).await
        }
        Command::Completions { shell } => print_completions(shell, out),
        Command::Man { command } => print_page(command.as_deref(), out),
        Command::Attest(attest) => {
            let (cx, progress) = progress::watched(cx);
            Ok(progress.report_during(attest.run(providers, &cx, out), err).await?)
        }
        Command::Verify(verify) => {
            let (cx, progress) = progress::watched(cx);
            Ok(progress.report_during(verify.run(&cx, out), err).await?)
        }
    }
}

fn print_completions(shell: Shell, out: &mut impl Write) -> Result<u8, PublishError> {
    // clap_complete panics where it can't write, as into a pipe that was closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), PROGRAM, &mut script);
    out.write_all(&script)?;
    Ok(0)
}

/// The names of the commands that have a page.
fn commands() -> PossibleValuesParser {
    PossibleValuesParser::new(["token", "exec", "doctor", "attest", "verify", "completions", "man"])
}

fn print_page(command: Option<&str>, out: &mut impl Write) -> Result<u8, PublishError> {
    let mut program = Arguments::command();
    program.build();
    let page = command.and_then(|name| program.find_subcommand(name)).unwrap_or(&program);
    clap_mangen::Man::new(page.clone()).render(out)?;
    Ok(0)
}

async fn print_token(
    mut target: Target,
    providers: &ProviderSet,
    cx: &Context,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<u8, PublishError> {
    target.infer_package(false, cx, err)?;
    let ready = target.obtain(&[], providers, cx, err).await?;
    match target.format {
        Format::Text => writeln!(out, "{}", ready.credential.secret().expose())?,
        Format::Json => writeln!(out, "{}", ready.to_json())?,
    }
    out.flush()?;
    Ok(0)
}
