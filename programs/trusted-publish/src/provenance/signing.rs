//! Signing of files in a registry's form of provenance.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use oidc_core::{Ambient, Audience, Context, Detection, HttpUrl, ProviderSet, TokenSource};
use oidc_provenance::{AUDIENCE, Artifact, Services, Statement, sign};

use super::{ProvenanceError, VARIABLE, artifact, tarball};

/// The services that sign, where they are not Sigstore's public ones.
#[derive(Debug, Args)]
pub(crate) struct ServiceOptions {
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
}

impl ServiceOptions {
    /// Returns `true` if one of the options is stated.
    pub(crate) fn is_stated(&self) -> bool {
        self.fulcio_url.is_some() || self.timestamp_url.is_some()
    }

    pub(super) fn services(&self) -> Result<Services, ProvenanceError> {
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
}

/// A registry's form of provenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Npm,
    Pypi,
    Rubygems,
}

impl Form {
    /// The ending of the file with the provenance of a file.
    const fn ending(self) -> &'static str {
        match self {
            Self::Pypi => "publish.attestation",
            Self::Npm | Self::Rubygems => "sigstore.json",
        }
    }

    /// The file with the provenance of a file.
    pub(super) fn beside(self, file: &Path) -> PathBuf {
        let mut path = file.as_os_str().to_owned();
        path.push(".");
        path.push(self.ending());
        path.into()
    }
}

/// A job that signs files in one form.
pub(super) struct Signing<'a> {
    form: Form,
    services: Services,
    source: Box<dyn TokenSource>,
    cx: &'a Context,
}

impl<'a> Signing<'a> {
    pub(super) fn new(
        form: Form,
        services: &ServiceOptions,
        providers: &ProviderSet,
        cx: &'a Context,
    ) -> Result<Self, ProvenanceError> {
        let services = services.services()?;
        let source = Ambient::detect(providers, Detection::new(cx).token_variable(VARIABLE))?;
        Ok(Self { form, services, source, cx })
    }

    /// Signs a file, and writes the provenance beside it. npm's package is the tarball's own where it is not stated.
    pub(super) async fn sign(
        &self,
        file: &Path,
        package: Option<&(String, String)>,
    ) -> Result<PathBuf, ProvenanceError> {
        let of_tarball = match (self.form, package) {
            (Form::Npm, None) => Some(tarball::package(self.cx, file)?),
            _ => None,
        };
        let artifact = artifact(self.cx, file, package.or(of_tarball.as_ref()))?;
        let statement = self.statement(&artifact).await?;
        let bundle = sign(&statement, &self.source, &self.services, self.cx).await?;
        let text = match self.form {
            Form::Pypi => bundle.to_pep_740()?.to_string(),
            Form::Npm | Form::Rubygems => bundle.as_str().to_owned(),
        };
        let path = self.form.beside(file);
        std::fs::write(&path, text)
            .map_err(|error| ProvenanceError::Write { path: path.display().to_string(), error })?;
        Ok(path)
    }

    async fn statement(&self, artifact: &Artifact) -> Result<Statement, ProvenanceError> {
        match self.form {
            Form::Npm => Ok(Statement::npm(artifact, self.cx)?),
            Form::Pypi => Ok(Statement::pypi_publish(artifact)),
            Form::Rubygems => {
                let audience =
                    Audience::new(AUDIENCE).map_err(|_| ProvenanceError::Arguments("no audience"))?;
                let token = self.source.token(&audience).await?;
                let claims =
                    token.claims().map_err(|_| ProvenanceError::Arguments("the token has no claims"))?;
                Ok(Statement::github_build(artifact, &claims)?)
            }
        }
    }
}
