use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use oidc_core::{Ambient, Audience, Context, Detection, HttpUrl, ProviderSet, TokenSource};
use oidc_provenance::{AUDIENCE, Artifact, Services, Statement, sign};

use super::{ProvenanceError, VARIABLE, artifact, package};

pub(crate) const HELP: &str = "\
The job needs an identity token for the audience `sigstore`: on GitHub Actions `permissions: id-token: write`, on GitLab
`id_tokens: { SIGSTORE_ID_TOKEN: { aud: sigstore } }`. What is signed stands in Sigstore's public log for good, with the name of the
repository.

npm: writes FILE.sigstore.json, for `npm publish FILE --provenance-file FILE.sigstore.json`.
pypi: writes FILE.publish.attestation, which `twine upload --attestations` finds.
rubygems: writes FILE.sigstore.json, for `gem push --attestation FILE.sigstore.json`.

Example:
  trusted-publish attest --registry npm --package @acme/widget@1.0.0 acme-widget-1.0.0.tgz";

/// What is signed, and how.
#[derive(Debug, Args)]
pub(crate) struct Attest {
    /// The files to be published.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The registry whose form the provenance has.
    #[arg(long, value_enum, value_name = "PROTOCOL", default_value = "npm")]
    registry: Form,
    /// The package and its version (npm).
    #[arg(long, value_name = "NAME@VERSION", value_parser = package)]
    package: Option<(String, String)>,
    /// The certificate authority, where it is not Sigstore's public one.
    #[arg(long, value_name = "URL", requires = "rekor_url")]
    fulcio_url: Option<String>,
    /// The transparency log, where it is not Sigstore's public one.
    #[arg(long, value_name = "URL", requires = "fulcio_url")]
    rekor_url: Option<String>,
    /// A timestamp authority's endpoint.
    #[arg(long, value_name = "URL")]
    timestamp_url: Option<String>,
    /// The log has Rekor's interface of version 2, which needs a timestamp authority.
    #[arg(long, requires = "rekor_url", requires = "timestamp_url")]
    rekor_v2: bool,
    /// Certificates, in PEM, that are trusted beside the platform's: a private CA.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// A registry's form of provenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Npm,
    Pypi,
    Rubygems,
}

impl Attest {
    /// Signs each file, and prints the names of the files that it wrote.
    pub(crate) async fn run(
        &self,
        providers: &ProviderSet,
        cx: &Context,
        out: &mut impl Write,
    ) -> Result<u8, ProvenanceError> {
        match (self.registry, &self.package, self.files.as_slice()) {
            (Form::Npm, Some(_), [_]) | (Form::Pypi | Form::Rubygems, None, _) => {}
            (Form::Npm, ..) => {
                return Err(ProvenanceError::Arguments("npm: state one file and `--package NAME@VERSION`"));
            }
            _ => {
                return Err(ProvenanceError::Arguments(
                    "`--package` is for npm: elsewhere a file's name says it",
                ));
            }
        }
        let services = self.services()?;
        let source = Ambient::detect(providers, Detection::new(cx).token_variable(VARIABLE))?;
        for file in &self.files {
            let artifact = artifact(cx, file, self.package.as_ref())?;
            let statement = self.statement(&artifact, &*source, cx).await?;
            let bundle = sign(&statement, &*source, &services, cx).await?;
            let (ending, text) = match self.registry {
                Form::Pypi => ("publish.attestation", bundle.to_pep_740()?.to_string()),
                Form::Npm | Form::Rubygems => ("sigstore.json", bundle.as_str().to_owned()),
            };
            let path = format!("{}.{ending}", file.display());
            std::fs::write(&path, text)
                .map_err(|error| ProvenanceError::Write { path: path.clone(), error })?;
            writeln!(out, "{path}")?;
        }
        Ok(0)
    }

    fn services(&self) -> Result<Services, ProvenanceError> {
        let timestamps = self.timestamp_url.as_deref().map(HttpUrl::parse).transpose()?;
        let (Some(authority), Some(log)) = (&self.fulcio_url, &self.rekor_url) else {
            let public = Services::public();
            return Ok(match timestamps {
                Some(timestamps) => public.with_timestamps(timestamps),
                None => public,
            });
        };
        let (authority, log) = (HttpUrl::parse(authority)?, HttpUrl::parse(log)?);
        Ok(match timestamps {
            Some(timestamps) if self.rekor_v2 => Services::with_tiled_log(authority, log, timestamps),
            Some(timestamps) => Services::new(authority, log).with_timestamps(timestamps),
            None => Services::new(authority, log),
        })
    }

    async fn statement(
        &self,
        artifact: &Artifact,
        source: &dyn TokenSource,
        cx: &Context,
    ) -> Result<Statement, ProvenanceError> {
        match self.registry {
            Form::Npm => Ok(Statement::npm(artifact, cx)?),
            Form::Pypi => Ok(Statement::pypi_publish(artifact)),
            Form::Rubygems => {
                let audience =
                    Audience::new(AUDIENCE).map_err(|_| ProvenanceError::Arguments("no audience"))?;
                let token = source.token(&audience).await?;
                let claims =
                    token.claims().map_err(|_| ProvenanceError::Arguments("the token has no claims"))?;
                Ok(Statement::github_build(artifact, &claims)?)
            }
        }
    }
}
