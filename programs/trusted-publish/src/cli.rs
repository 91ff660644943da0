use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use oidc_core::http::{HttpSettings, InvalidHttpSettings, SystemHttp};
use oidc_core::{Audience, Context, Environment, FileError, HttpUrl, InvalidPublisher, ProviderSet, shown};
use oidc_exchange::client::{Mode, Scope};

use super::child::ChildError;
use super::credential::{Credential, NoCredential, credential};
use super::destination::Destination;
use super::doctor::Doctor;
use super::ecosystem::{Asked, Ecosystem, InvalidTarget, Opened};
use super::exec::Exec;
use super::manifest::{self, Found, NoWorkspace};
use super::provenance::{Attest, ProvenanceError, Verify};
use super::{named, poetry, provenance};

const EXAMPLES: &str = "\
The job's identity comes from the CI platform: GitHub Actions (`permissions: id-token: write`), GitLab CI
(`id_tokens: { NPM_ID_TOKEN: { aud: npm:HOST } }`), or whatever NPM_ID_TOKEN holds.

Examples:
  trusted-publish exec --registry npm --url https://registry.example/npm/ --package @acme/widget -- npm publish

  NODE_AUTH_TOKEN=$(trusted-publish token --registry npm --url https://registry.example/ --package widget)

Outside of CI, `ci-issuer` plays a platform, to try it.";

const EXEC_HELP: &str = "\
The command finds the token and the registry's URL in the variables that its tool reads, so that a plain `twine upload` or
`cargo publish` goes to --url and nowhere else. At the start it is said where the token is good for, and what no variable can
say. A static credential of another registry is neither used nor handed on. A command whose own options name another registry is
not run.

npm: npm, pnpm, yarn and bun. npm's own setting for the URL needs no .npmrc, but dash and some other shells hand it on to no
command; in a script, use an .npmrc with the line `//HOST/PATH/:_authToken=${NODE_AUTH_TOKEN}`. NODE_AUTH_TOKEN and NPM_TOKEN hold
the token unless a file sends them to another registry.

pypi: uv, twine, maturin, flit, hatch and pdm. poetry needs `-r trusted-publish` where the URL is not PyPI's. crates-io:
CARGO_REGISTRY_TOKEN for crates.io alone; else cargo's default registry is the one at the URL. rubygems: GEM_HOST_API_KEY and
RUBYGEMS_HOST. The token is ended afterwards where the registry can do that (pypi, crates-io; not rubygems, whose
tokens end by themselves after 15 minutes).

pep-807: as pypi. nuget: NUGET_API_KEY. prefix-dev: PREFIX_API_KEY. packagist: PRIVATE_PACKAGIST_API_KEY and
PRIVATE_PACKAGIST_API_SECRET. open-vsx: OVSX_PAT. vs-marketplace: VSCE_PAT. jsr: JSR_TOKEN. pub-dev: PUB_TOKEN. hex:
HEX_API_KEY. pyx: as pypi. jfrog: JF_ACCESS_TOKEN. cloudsmith: CLOUDSMITH_API_KEY. mcp-registry: MCP_REGISTRY_TOKEN. docker-hub:
DOCKERHUB_TOKEN, which docker itself reads by `--password-stdin` alone. token-exchange, identity-token: TRUSTED_PUBLISH_TOKEN. With
--tools, the variables of those tools instead.

A command keeps the token that it starts with. How long that lives is said before it runs, and once more shortly before it
ends. What takes longer publishes in several runs, or asks by itself: cargo with `cargo:token-from-stdout`, a script with
`trusted-publish token`.

The exit status is the command's, or 128 and the number of the signal that ended it.";

const DOCTOR_HELP: &str = "\
The exit status is 0 only if the registry is at the URL, accepted the exchange, and lets the job in as the publisher does
that --publisher states. Whether --package is among the packages of a token that is for several, PyPI's and crates.io's protocols
don't say; where the registry does say, another package is an error. On GitHub Actions each finding is an annotation too.

Several packages, each with its own --package or all of a workspace with --workspace, are one table, and one exit status.

Example:
  trusted-publish doctor --registry npm --url https://registry.example/npm/ --package @acme/widget \\
    --publisher repository=acme/widget --publisher workflow=publish.yml --publisher environment=publish";

/// The program's name.
const PROGRAM: &str = "trusted-publish";

/// The protocols whose tools read variables for the registry's URL beside those for the token.
const TOOLS: &[&str] = &["npm", "pypi", "crates-io", "rubygems"];

/// How many bytes a file of certificates may have.
const MAX_CA_FILE: usize = 1024 * 1024;

/// Publish by the job's identity, with tools that can't.
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
    /// Check a file's provenance, and whose it is.
    #[command(after_help = provenance::VERIFY_HELP)]
    Verify(Box<Verify>),
    /// Print a script that completes this program's commands and options in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print this program's manual page, in roff.
    Man,
}

#[derive(Debug, Args)]
pub(super) struct Target {
    /// The registry's protocol: npm, pypi, pep-807 (a draft), crates-io, rubygems, nuget, prefix-dev, packagist, open-vsx,
    /// vs-marketplace, jsr, pub-dev, token-exchange (RFC 8693), docker-hub, jfrog, hex (a draft), cloudsmith, mcp-registry, pyx,
    /// identity-token (the registry takes the identity token itself: FlakeHub, Buildkite packages).
    #[arg(long, value_name = "PROTOCOL")]
    registry: String,
    /// The registry's URL; the protocol's public registry where it is left out.
    ///
    /// npm, jsr, pub-dev and others: as the publish tool is told it.
    /// crates-io: the registry's root, not cargo's index (`sparse+…`).
    /// pypi, pep-807: the upload URL, or the root, for uploads at `/legacy/`.
    /// rubygems: the root with its path, if it is below one.
    /// jfrog, cloudsmith: as the publish tool is told it (see --tools), or the root.
    /// pyx: the upload URL, `https://api.pyx.dev/v1/upload/WORKSPACE/REGISTRY`.
    /// token-exchange: the registry's root, which is the issuer of its metadata (RFC 8414).
    #[arg(long, verbatim_doc_comment)]
    url: Option<String>,
    /// The package to publish, for registries whose tokens are for one (npm, packagist, open-vsx, hex), or the upload to JSR:
    /// `@scope/package@version#sha256-…`. Where it is left out, the manifest in the working directory names it (package.json,
    /// composer.json; for `doctor` also Cargo.toml, pyproject.toml, a gemspec). Several are for registries whose tokens are for all
    /// packages of the job, and for `doctor`.
    #[arg(long, value_name = "NAME")]
    pub(super) package: Vec<String>,
    /// Whose account publishes, for registries that have to be told: who made the policy (nuget), the organization
    /// (packagist), the publisher (vs-marketplace), the id of the OIDC connection (docker-hub), the OIDC integration (jfrog),
    /// the organization and its service account, `acme/ci` (cloudsmith), the client's name where the server knows its clients
    /// (token-exchange).
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// The audience of identity tokens, where the registry's operator chose one (open-vsx, token-exchange, jfrog, cloudsmith,
    /// mcp-registry, identity-token).
    #[arg(long)]
    audience: Option<String>,
    /// The audience that the platform gives all its jobs (Azure Pipelines, Semaphore), for a registry that accepts it from
    /// your organization. Whoever else gets such a token can publish with it until it is used or expires.
    #[arg(long, value_name = "AUDIENCE", value_parser = |text: &str| Audience::new(text))]
    fixed_audience: Option<Audience>,
    /// The token endpoint (token-exchange), where the registry's metadata don't tell it.
    #[arg(long, value_name = "URL")]
    token_endpoint: Option<String>,
    /// The tools that publish at --url, by the protocol that they speak (npm, pypi, crates-io, rubygems), for a registry with
    /// packages of several kinds (jfrog, cloudsmith, token-exchange, identity-token): they are told the token and --url.
    #[arg(long, value_name = "PROTOCOL")]
    tools: Option<String>,
    /// Whether to fall back to the static credential in the tools' variables, or to use nothing else.
    #[arg(long, value_name = "MODE", default_value = "automatic", value_parser = modes())]
    pub(super) trusted_publishing: Mode,
    /// Certificates, in PEM, that are trusted beside the platform's: a private CA.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

fn modes() -> impl clap::builder::TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(["automatic", "always", "never"]).try_map(|mode| mode.parse::<Mode>())
}

/// `trusted-publish` failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The registry's protocol is not one that the tool speaks.
    #[error("registry `{}` is not supported; supported: {}", .0.escape_debug(), Ecosystem::names())]
    Unsupported(String),
    /// The registry's URL or the package is not one.
    #[error(transparent)]
    Target(#[from] InvalidTarget),
    /// The packages of the workspace are not known.
    #[error("--workspace: {0}")]
    NoWorkspace(#[from] NoWorkspace),
    /// `doctor` looks at trusted publishing, which is switched off.
    #[error(
        "trusted publishing is switched off (`--trusted-publishing never`), so there is nothing to check"
    )]
    NothingToCheck,
    /// A field of the publisher is stated twice.
    #[error("--publisher states `{}` twice; state each field once", .0.escape_debug())]
    RepeatedField(String),
    /// The job's platform knows no such field.
    #[error("--publisher: {0}")]
    UnknownField(InvalidPublisher),
    /// There is nothing to publish with.
    #[error(transparent)]
    NoCredential(#[from] NoCredential),
    /// The command did not run.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// Provenance was not made or not accepted.
    #[error(transparent)]
    Provenance(#[from] ProvenanceError),
    /// The file of certificates can't be read.
    #[error("--ca-file: {0}")]
    CaFile(#[from] FileError),
    /// A proxy of the environment or a certificate is not one.
    #[error(transparent)]
    Http(#[from] InvalidHttpSettings),
    /// Standard output or standard error is closed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl PublishError {
    /// The exit status: 2 for arguments that can't be meant, as for those that can't be read, and 1 for the rest.
    pub fn status(&self) -> u8 {
        if matches!(self, Self::RepeatedField(_) | Self::UnknownField(_)) { 2 } else { 1 }
    }
}

impl Arguments {
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
            Self::Attest(_) | Self::Verify(_) | Self::Completions { .. } | Self::Man => None,
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
    match arguments.command {
        Command::Token(mut target) => {
            target.infer_package(false, cx, err)?;
            let ready = target.obtain(&[], providers, cx, err).await?;
            writeln!(out, "{}", ready.credential.secret().expose())?;
            out.flush()?;
            Ok(0)
        }
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
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), PROGRAM, out);
            Ok(0)
        }
        Command::Man => {
            clap_mangen::Man::new(Arguments::command()).render(out)?;
            Ok(0)
        }
        Command::Attest(attest) => Ok(attest.run(providers, cx, out).await?),
        Command::Verify(verify) => Ok(verify.run(cx, out).await?),
    }
}

/// What to publish with, where, and how to end it.
pub(super) struct Ready<'a> {
    pub(super) ecosystem: &'static Ecosystem,
    pub(super) destination: Destination<'a>,
    pub(super) opened: Opened,
    pub(super) credential: Credential,
}

impl Target {
    /// Takes the package from the manifest in the working directory where none is named and one is needed, and says so.
    fn infer_package(&mut self, is_of_all: bool, cx: &Context, err: &mut impl Write) -> io::Result<()> {
        let ecosystem = self.ecosystem().ok().filter(|ecosystem| is_of_all || ecosystem.is_for_one_package());
        let Some(ecosystem) = ecosystem.filter(|_| self.package.is_empty()) else { return Ok(()) };
        let Some(Found { name, file }) = manifest::package(ecosystem.name, cx) else { return Ok(()) };
        writeln!(err, "trusted-publish: the package is `{}`, by {}", shown(&name), shown(&file))?;
        self.package.push(name);
        Ok(())
    }

    /// The registry's protocol.
    pub(super) fn ecosystem(&self) -> Result<&'static Ecosystem, PublishError> {
        Ecosystem::named(&self.registry).ok_or_else(|| PublishError::Unsupported(self.registry.clone()))
    }

    /// The registry's URL, or the public registry's.
    pub(super) fn url<'a>(&'a self, ecosystem: &Ecosystem) -> Result<&'a str, InvalidTarget> {
        let public = Some(ecosystem.public()).filter(|public| !public.is_empty());
        self.url.as_deref().or(public).ok_or(InvalidTarget::NoUrl)
    }

    /// The protocol that the tools speak.
    fn tools(&self, registry: &'static Ecosystem) -> Result<&'static Ecosystem, InvalidTarget> {
        let Some(name) = self.tools.as_deref() else { return Ok(registry) };
        Ecosystem::named(name).filter(|_| TOOLS.contains(&name)).ok_or(InvalidTarget::NoTools)
    }

    /// An index is no registry.
    pub(super) fn check_scheme(&self) -> Result<(), InvalidTarget> {
        let is_sparse = self.url.as_ref().is_some_and(|url| url.starts_with("sparse+"));
        if is_sparse { Err(InvalidTarget::SparseIndex) } else { Ok(()) }
    }

    /// What the registry at this URL is asked for.
    pub(super) fn asked<'a>(
        &'a self,
        url: &'a HttpUrl,
        package: Option<&'a str>,
    ) -> Result<Asked<'a>, InvalidTarget> {
        Ok(Asked {
            url,
            package,
            owner: self.owner.as_deref(),
            audience: self.audience.as_deref().map(Audience::new).transpose()?,
            endpoint: self.token_endpoint.as_deref(),
        })
    }

    /// Gets the token, and masks it before anybody can print it. `command` is what is to publish with it, if that is known.
    pub(super) async fn obtain<'a>(
        &'a self,
        command: &'a [OsString],
        providers: &ProviderSet,
        cx: &'a Context,
        err: &mut impl Write,
    ) -> Result<Ready<'a>, PublishError> {
        let ecosystem = self.ecosystem()?;
        self.check_scheme()?;
        let url = HttpUrl::parse(self.url(ecosystem)?).map_err(InvalidTarget::from)?;
        let package = self.package.first().map(String::as_str);
        let opened = ecosystem.opened(&self.asked(&url, package)?)?;
        if self.package.len() > 1 && opened.scope != Scope::Identity {
            return Err(InvalidTarget::SeveralPackages.into());
        }
        let ecosystem = self.tools(ecosystem)?;
        let public = HttpUrl::parse(ecosystem.public()).ok();
        let destination = Destination::new(&url, public, package, command, cx);
        let destination = destination.uploading_to(ecosystem.upload_path());
        poetry::check(&destination)?;
        named::check(&destination)?;
        let mode = self.trusted_publishing;
        let credential = credential(ecosystem, &destination, &opened, mode, providers, err).await?;
        Ok(Ready { ecosystem, destination, opened, credential })
    }
}
