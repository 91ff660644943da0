//! A publish tool that signs provenance, without an async runtime.
//!
//! `cargo run --example attest -- @acme/widget 1.0.0 acme-widget-1.0.0.tgz` in a job on GitHub Actions or GitLab CI/CD. It checks the
//! job before it signs, since what is signed stands in a public log for good, and writes the bundle beside the file.

use std::error::Error;
use std::io::{Write as _, stderr, stdout};

use oidc_core::http::{BlockingHttp, HttpSettings};
use oidc_core::{Ambient, Context, Detection, Environment, ProviderSet, Severity, blocking};
use oidc_provenance::{Artifact, Bundle, Ecosystem, Logged, Preflight, Services, Statement, sign};
use serde_json::Value;

/// The published file.
pub(crate) struct Release<'a> {
    pub(crate) package: &'a str,
    pub(crate) version: &'a str,
    pub(crate) manifest: Option<&'a Value>,
    pub(crate) tarball: &'a [u8],
}

impl Release<'_> {
    /// Signs the release. What the registry would refuse is an error before anything is signed.
    pub(crate) fn attest(
        &self,
        providers: &ProviderSet,
        services: &Services,
        cx: &Context,
    ) -> Result<Bundle, Box<dyn Error>> {
        let mut preflight = Preflight::new(Ecosystem::Npm).asked();
        if let Some(manifest) = self.manifest {
            preflight = preflight.manifest(manifest);
        }
        let faults = preflight.check(cx);
        for fault in &faults {
            write!(stderr(), "{}", fault.to_text())?;
        }
        if faults.iter().any(|fault| fault.severity == Severity::Error) {
            return Err("the registry would refuse this provenance; nothing was signed".into());
        }
        // GitLab has made the token before the job; GitHub is asked for one.
        let source = Ambient::detect(providers, Detection::new(cx).token_variable("SIGSTORE_ID_TOKEN"))?;
        let artifact = Artifact::npm(self.package, self.version, self.tarball);
        let statement = Statement::npm(&artifact, cx)?;
        let signed = blocking::complete(sign(&statement, &source, services, cx))?;
        signed.map_err(|error| match error.logged() {
            Logged::No => format!("{error}; nothing was logged").into(),
            _ => format!("{error}; the log may have the entry, which does no harm").into(),
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or_else(|| format!("which {what}?"));
    let (package, version, file) = (next("package")?, next("version")?, next("file")?);
    let http = BlockingHttp::new(HttpSettings::from_environment(&Environment::system()))?;
    let cx = Context::blocking(http);
    let manifest = std::fs::read("package.json").ok().and_then(|text| serde_json::from_slice(&text).ok());
    let tarball = std::fs::read(&file)?;
    let release =
        Release { package: &package, version: &version, manifest: manifest.as_ref(), tarball: &tarball };
    let bundle = release.attest(&oidc_providers::ci(), &Services::public(), &cx)?;
    let path = format!("{file}.sigstore.json");
    std::fs::write(&path, bundle.as_str())?;
    Ok(writeln!(stdout(), "{path}")?)
}
