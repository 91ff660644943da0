//! A registry's side of provenance: which versions it takes, and what it says of those that it does not.
//!
//! `cargo run --example provenance_gate -- acme/widget publish.yml @acme/widget 1.0.0 widget.tgz widget.tgz.sigstore.json` reads the
//! files and answers as the registry would, against the trusted root of Sigstore's public instance.

use std::error::Error;
use std::io::{Write as _, stdout};

use oidc_core::Provider;
use oidc_provenance::{
    Artifact, Attestation, Extension, PUBLIC_TRUSTED_ROOT, Policy, Refusal, Requirement, SignerRules,
    Verifier,
};
use oidc_providers::{GitHub, GitHubPublisher};
use serde_json::Value;

/// A registry that verifies provenance. It needs no network.
pub(crate) struct Gate {
    verifier: Verifier,
    requirement: Requirement,
}

/// A version that somebody publishes.
pub(crate) struct Upload<'a> {
    pub(crate) package: &'a str,
    pub(crate) version: &'a str,
    pub(crate) tarball: &'a [u8],
    pub(crate) manifest: &'a Value,
    pub(crate) bundle: Option<&'a [u8]>,
}

/// The lines of a package's page: the repository, the commit, the workflow and the run that a version was built by.
pub(crate) const SHOWN: [Extension; 4] = [
    Extension::SourceRepositoryUri,
    Extension::SourceRepositoryDigest,
    Extension::BuildConfigUri,
    Extension::RunInvocationUri,
];

impl Gate {
    pub(crate) fn new(trusted_root: &str, requirement: Requirement) -> Result<Self, Refusal> {
        Ok(Self { verifier: Verifier::new(trusted_root)?, requirement })
    }

    /// Takes the version or says why not, with status 422, before anything is stored. `signer` is the trusted publisher whose
    /// exchange accepted the job. `had` says whether the version before has provenance.
    pub(crate) fn admit(
        &self,
        upload: &Upload<'_>,
        signer: &SignerRules,
        had: bool,
    ) -> Result<Option<Attestation>, Refusal> {
        self.requirement.check(upload.bundle.is_some(), had)?;
        let Some(bundle) = upload.bundle else { return Ok(None) };
        let policy =
            Policy::new(signer).repository(upload.manifest.get("repository")).public_source().hosted_runner();
        let artifact = Artifact::npm(upload.package, upload.version, upload.tarball);
        self.verifier.verify(bundle, &artifact, &policy).map(Some)
    }
}

pub(crate) fn signer(provider: &dyn Provider, publisher: &Value) -> Result<SignerRules, Box<dyn Error>> {
    Ok(SignerRules::new(provider, publisher).ok_or("this platform has no provenance")??)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or_else(|| format!("which {what}?"));
    let publisher = GitHubPublisher::new(next("repository")?, next("workflow")?);
    let (package, version) = (next("package")?, next("version")?);
    let (tarball, bundle) = (std::fs::read(next("tarball")?)?, std::fs::read(next("bundle")?)?);
    let manifest = serde_json::from_slice(&std::fs::read("package.json")?)?;
    let bundle = Some(&*bundle);
    let upload =
        Upload { package: &package, version: &version, tarball: &tarball, manifest: &manifest, bundle };
    let gate = Gate::new(PUBLIC_TRUSTED_ROOT, Requirement::AsBefore)?;
    match gate.admit(&upload, &signer(&GitHub::public(), &publisher.into())?, true) {
        Ok(None) => writeln!(stdout(), "201: without provenance")?,
        Ok(Some(built)) => {
            let shown = SHOWN.map(|line| built.extension(line).unwrap_or_default());
            writeln!(stdout(), "201: {}", shown.join("\n     "))?;
        }
        Err(refusal) => writeln!(stdout(), "422: {refusal}")?,
    }
    Ok(())
}
