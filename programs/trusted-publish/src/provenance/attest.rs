use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use oidc_core::{Context, ProviderSet};
use serde_json::json;

use super::signing::{Form, ServiceOptions, Signing};
use super::{ProvenanceError, package};
use crate::format::{self, Format};

pub(crate) const HELP: &str = "\
The job needs an identity token for the audience `sigstore`: on GitHub Actions `permissions: id-token: write`, on GitLab
`id_tokens: { SIGSTORE_ID_TOKEN: { aud: sigstore } }`. What is signed stands in Sigstore's public log for good, with the name of the
repository.

npm: writes FILE.sigstore.json, for `npm publish FILE --provenance-file FILE.sigstore.json`.
pypi: writes FILE.publish.attestation, which `twine upload --attestations` finds.
rubygems: writes FILE.sigstore.json, for `gem push --attestation FILE.sigstore.json`.

Example:
  trusted-publish attest --registry npm acme-widget-1.0.0.tgz";

/// The options of `attest`.
#[derive(Debug, Args)]
pub(crate) struct Attest {
    /// The files to be published.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The registry whose form the provenance has.
    #[arg(long, value_enum, value_name = "PROTOCOL", default_value = "npm")]
    registry: Form,
    /// The package and its version (npm), where the tarball's own manifest is not to be read.
    #[arg(long, value_name = "NAME@VERSION", value_parser = package)]
    package: Option<(String, String)>,
    #[command(flatten)]
    services: ServiceOptions,
    /// The form of the output. JSON is one object on a line for each file.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Certificates, in PEM, that are trusted beside the platform's: a private CA.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
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
            (_, None, _) | (Form::Npm, Some(_), [_]) => {}
            (Form::Npm, ..) => {
                return Err(ProvenanceError::Arguments(
                    "`--package` is for one file; each tarball names its own",
                ));
            }
            _ => {
                return Err(ProvenanceError::Arguments(
                    "`--package` is for npm: elsewhere a file's name says it",
                ));
            }
        }
        let signing = Signing::new(self.registry, &self.services, providers, cx)?;
        for file in &self.files {
            let path = signing.sign(file, self.package.as_ref()).await?;
            let path = path.display().to_string();
            let file = file.display().to_string();
            match self.format {
                Format::Text => writeln!(out, "{path}")?,
                Format::Json => {
                    writeln!(out, "{}", format::line(&json!({ "file": file, "provenance": path })))?;
                }
            }
        }
        Ok(0)
    }
}
