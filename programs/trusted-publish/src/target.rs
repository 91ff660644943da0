//! The registry and the package that a publish token is for, and how the token is obtained.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use oidc_core::{Audience, Context, HttpUrl, ProviderSet, shown};
use oidc_exchange::client::{Mode, PublishToken, Scope};
use serde_json::json;

use super::command::named;
use super::credential::{Credential, credential};
use super::destination::Destination;
use super::ecosystem::{Asked, Ecosystem, Opened};
use super::error::PublishError;
use super::format::{self, Format};
use super::invalid_target::InvalidTarget;
use super::manifest::{self, Found};
use super::settings::python::poetry;

/// The protocols whose tools read variables for the registry's URL beside those for the token.
const TOOLS: &[&str] = &["npm", "pypi", "crates-io", "rubygems"];

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
    /// composer.json; for `doctor` also Cargo.toml, pyproject.toml, a gemspec). May be repeated for registries whose tokens are
    /// for all packages of the job, and for `doctor`.
    #[arg(long, value_name = "NAME")]
    pub(super) package: Vec<String>,
    /// The account that publishes, for registries that have to be told: the maker of the policy (nuget), the organization
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
    pub(super) fixed_audience: Option<Audience>,
    /// The token endpoint (token-exchange), where the registry's metadata do not name it.
    #[arg(long, value_name = "URL")]
    token_endpoint: Option<String>,
    /// The tools that publish at --url, by the protocol that they speak (npm, pypi, crates-io, rubygems), for a registry with
    /// packages of several kinds (jfrog, cloudsmith, token-exchange, identity-token): they are told the token and --url.
    #[arg(long, value_name = "PROTOCOL")]
    tools: Option<String>,
    /// The use of trusted publishing. Where it fails, `automatic` takes the static credential of the tools' variables and
    /// `always` stops; `never` uses the static credential alone.
    #[arg(long, value_name = "MODE", default_value = "automatic", value_parser = modes())]
    pub(super) trusted_publishing: Mode,
    /// The form of the output. JSON is one object with the token (token), the messages on standard error as an object on each line
    /// (exec), or the report (doctor).
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    /// Certificates, in PEM, that are trusted beside the platform's: a private CA.
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
}

fn modes() -> impl clap::builder::TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(["automatic", "always", "never"]).try_map(|mode| mode.parse::<Mode>())
}

/// A credential, the place to publish to with it, and the registry that can revoke it.
pub(super) struct Ready<'a> {
    pub(super) ecosystem: &'static Ecosystem,
    pub(super) destination: Destination<'a>,
    pub(super) opened: Opened,
    pub(super) credential: Credential,
}

impl Target {
    /// Takes the package from the manifest in the working directory, where none is named and one is needed, and says so on `err`.
    pub(super) fn infer_package(
        &mut self,
        is_of_all: bool,
        cx: &Context,
        err: &mut impl Write,
    ) -> io::Result<()> {
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

    /// Refuses the URL of an index, which is no registry.
    pub(super) fn check_scheme(&self) -> Result<(), InvalidTarget> {
        let is_sparse = self.url.as_ref().is_some_and(|url| url.starts_with("sparse+"));
        if is_sparse { Err(InvalidTarget::SparseIndex) } else { Ok(()) }
    }

    /// The request for the registry at this URL.
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

    /// The place to publish to, unless the command or its tool would publish elsewhere.
    fn destination<'a>(
        &'a self,
        ecosystem: &Ecosystem,
        url: &HttpUrl,
        command: &'a [OsString],
        cx: &'a Context,
    ) -> Result<Destination<'a>, InvalidTarget> {
        let public = HttpUrl::parse(ecosystem.public()).ok();
        let package = self.package.first().map(String::as_str);
        let destination = Destination::new(url, public, package, command, cx);
        let scheme = self.ecosystem().ok().and_then(|service| service.cargo_scheme);
        let destination = destination.with_cargo_scheme(scheme);
        let destination = destination.uploading_to(ecosystem.upload_path());
        poetry::check(&destination)?;
        named::check(&destination)?;
        Ok(destination)
    }

    /// Gets the token, and masks it before anything can print it. `command` is the command that publishes with it, if that is known.
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
        let destination = self.destination(ecosystem, &url, command, cx)?;
        let mode = self.trusted_publishing;
        let credential = credential(ecosystem, &destination, &opened, mode, providers, err).await?;
        Ok(Ready { ecosystem, destination, opened, credential })
    }
}

impl Ready<'_> {
    /// The credential as JSON: the token, the kind of credential, the registry, the package, and the time at which the token ends.
    pub(super) fn to_json(&self) -> String {
        let token = self.credential.publish_token();
        format::line(&json!({
            "token": self.credential.secret().expose(),
            "kind": if token.is_some() { "short-lived" } else { "static" },
            "registry": self.destination.url.as_str(),
            "package": self.destination.package,
            "expires_at": token.and_then(PublishToken::expires_at).map(|at| at.to_string()),
        }))
    }
}
