use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use oidc_core::{ComparedWorkflow, Context, HttpUrl, Provider, RegistryRules, shown};
use oidc_provenance::{
    Artifact, Attestation, Bundle, Extension, PUBLIC_TRUSTED_ROOT, Policy, Refusal, SignerRules, Verifier,
};
use oidc_providers::{GitHub, GitLab};
use serde_json::{Map, Value, json};

use super::{ProvenanceError, artifact, fetch, package, tarball};
use crate::format::{self, Format};

pub(crate) const HELP: &str = "\
An audit by a package manager says that some job signed the file. This says that it was the job that you name, or what differs.
The exit status is 0 only then.

Without --bundle the provenance is the registry's: npm's by --package or the file, PyPI's by --package and the file, RubyGems' by the
file. Without a file, npm's digest is the one that the registry tells.

Examples:
  trusted-publish verify --registry npm --package @acme/widget@1.0.0 --repository acme/widget --workflow publish.yml
  trusted-publish verify --registry pypi widget-1.0.0.tar.gz --bundle widget-1.0.0.tar.gz.publish.attestation \\
    --repository acme/widget --workflow publish.yml --publisher environment=pypi";

/// The limit on a bundle or a trusted root, in bytes.
const MAX_BUNDLE: usize = 512 * 1024;

/// The options of `verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The file.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The registry's protocol.
    #[arg(long, value_enum, value_name = "PROTOCOL", default_value = "npm")]
    registry: Registry,
    /// The registry's URL; the public registry where it is left out.
    #[arg(long)]
    url: Option<String>,
    /// The package and its version; npm's tarball names its own where it is left out.
    #[arg(long, value_name = "NAME@VERSION", value_parser = package)]
    package: Option<(String, String)>,
    /// The file with the provenance: a Sigstore bundle, or one of PyPI's attestations.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// The repository that the file has to be built from: `OWNER/NAME`, or a project's path on GitLab.
    #[arg(long, value_name = "OWNER/NAME")]
    repository: String,
    /// The workflow's file in `.github/workflows`, or the CI configuration on GitLab; any where it is left out (on GitLab,
    /// `.gitlab-ci.yml`).
    #[arg(long, value_name = "FILE")]
    workflow: Option<String>,
    /// A further field that a trusted publisher may have, such as `environment=publish`.
    #[arg(long, value_name = "KEY=VALUE", value_parser = field)]
    publisher: Vec<(String, String)>,
    /// The platform of the job.
    #[arg(long, value_enum, value_name = "PLATFORM", default_value = "github")]
    platform: Platform,
    /// The platform's issuer, where it is not the public one.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Refuse provenance of self-hosted machines.
    #[arg(long)]
    hosted_runner: bool,
    /// The trusted root (`trusted_root.json`), where it is not that of Sigstore's public instance.
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,
    /// The form of the output. JSON is one object with the signer and the job's properties.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Certificates, in PEM, that are trusted beside the platform's: a private CA.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Registry {
    Npm,
    Pypi,
    Rubygems,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Platform {
    Github,
    Gitlab,
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected `key=value`, such as `environment=publish`".to_owned()),
    }
}

impl Verify {
    /// Verifies, and prints what the file was built from.
    pub(crate) async fn run(&self, cx: &Context, out: &mut impl Write) -> Result<u8, ProvenanceError> {
        let verifier = match &self.trusted_root {
            Some(path) => {
                let root = cx.files().read(path, MAX_BUNDLE)?;
                Verifier::new(&String::from_utf8_lossy(&root))?
            }
            None => Verifier::new(PUBLIC_TRUSTED_ROOT)?,
        };
        let signer = self.signer()?;
        let policy = Policy::new(&signer);
        let policy = if self.hosted_runner { policy.hosted_runner() } else { policy };
        let policy = if self.registry == Registry::Rubygems { policy.plain_signatures() } else { policy };
        let (artifact, bundles) = self.material(cx).await?;
        let mut refused = None;
        for bundle in &bundles {
            match verifier.verify(bundle.as_str().as_bytes(), &artifact, &policy) {
                Ok(attestation) => {
                    let report = Report { artifact: &artifact, attestation: &attestation, signer: &signer };
                    self.tell(&report, out)?;
                    return Ok(0);
                }
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        let refused = refused.map(of_signer);
        Err(refused.map_or(ProvenanceError::Arguments("the registry has no provenance for it"), Into::into))
    }

    /// The rules that the signer has to meet.
    fn signer(&self) -> Result<SignerRules, ProvenanceError> {
        let mut config: Map<String, Value> =
            self.publisher.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
        let provider = self.provider()?;
        let (repository, workflow) = match self.platform {
            Platform::Github => ("repository", "workflow"),
            Platform::Gitlab => ("project_path", "ci_config"),
        };
        config.insert(repository.to_owned(), self.repository.as_str().into());
        let by_default = (self.platform == Platform::Gitlab).then_some(".gitlab-ci.yml");
        if let Some(file) = self.workflow.as_deref().or(by_default) {
            config.insert(workflow.to_owned(), file.into());
        }
        let rules = SignerRules::new(&*provider, &config.into());
        rules
            .ok_or(ProvenanceError::Arguments("the platform has no provenance"))?
            .map_err(ProvenanceError::Rules)
    }

    fn provider(&self) -> Result<Arc<dyn Provider>, ProvenanceError> {
        Ok(match (self.platform, &self.issuer) {
            (Platform::Github, issuer) => {
                let github = issuer.as_deref().map_or_else(|| Ok(GitHub::public()), GitHub::at)?;
                // Without a workflow any of the repository's will do.
                let rules = RegistryRules::comparing(ComparedWorkflow::Neither);
                let any = self.workflow.is_none().then(|| github.comparing(rules)).flatten();
                any.unwrap_or_else(|| Arc::new(github))
            }
            (Platform::Gitlab, issuer) => {
                Arc::new(issuer.as_deref().map_or_else(|| Ok(GitLab::public()), GitLab::at)?)
            }
        })
    }

    /// The file as it has to be named, and its provenance.
    async fn material(&self, cx: &Context) -> Result<(Artifact, Vec<Bundle>), ProvenanceError> {
        let package = match (self.registry, &self.package, &self.file) {
            (Registry::Npm, None, Some(file)) => Some(tarball::package(cx, file)?),
            (_, package, _) => package.clone(),
        };
        let of_npm = package.as_ref().filter(|_| self.registry == Registry::Npm);
        let file = self.file.as_deref().map(|file| artifact(cx, file, of_npm)).transpose()?;
        match (self.registry, &self.bundle, file, &package) {
            (_, Some(path), Some(file), _) => Ok((file, vec![read(&cx.files().read(path, MAX_BUNDLE)?)])),
            (Registry::Npm, None, file, Some(package)) => {
                let (told, bundles) =
                    fetch::npm(cx, &self.registry_url("https://registry.npmjs.org/")?, package).await?;
                Ok((file.unwrap_or(told), bundles))
            }
            (Registry::Pypi, None, Some(file), Some(package)) => {
                let bundles =
                    fetch::pypi(cx, &self.registry_url("https://pypi.org/")?, package, file.name()).await?;
                Ok((file, bundles))
            }
            (Registry::Rubygems, None, Some(file), None) => {
                let registry = self.registry_url("https://rubygems.org/")?;
                let bundles = fetch::rubygems(cx, &registry, file.name()).await?;
                Ok((file, bundles))
            }
            _ => Err(ProvenanceError::Arguments(
                "state a file with its --bundle, or --package NAME@VERSION (npm), or both a file and --package (pypi), or a \
                 gem's file (rubygems)",
            )),
        }
    }

    fn registry_url(&self, public: &str) -> Result<HttpUrl, ProvenanceError> {
        Ok(HttpUrl::parse(self.url.as_deref().unwrap_or(public))?)
    }

    fn tell(&self, report: &Report<'_>, out: &mut impl Write) -> Result<(), ProvenanceError> {
        match self.format {
            Format::Text => report.write(out)?,
            Format::Json => writeln!(out, "{}", format::pretty(&report.to_json())?)?,
        }
        Ok(())
    }
}

/// The job that a file's provenance proves.
struct Report<'a> {
    artifact: &'a Artifact,
    attestation: &'a Attestation,
    signer: &'a SignerRules,
}

impl Report<'_> {
    /// The job's properties, each with its name in the output.
    const LINES: [(&'static str, Extension); 7] = [
        ("repository", Extension::SourceRepositoryUri),
        ("commit", Extension::SourceRepositoryDigest),
        ("ref", Extension::SourceRepositoryRef),
        ("workflow", Extension::BuildConfigUri),
        ("environment", Extension::DeploymentEnvironment),
        ("runner", Extension::RunnerEnvironment),
        ("run", Extension::RunInvocationUri),
    ];

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { artifact, attestation, signer } = self;
        writeln!(out, "{}: built and signed by {}", shown(artifact.name()), shown(attestation.identity()))?;
        for (name, extension) in Self::LINES {
            if let Some(value) = attestation.extension(extension) {
                writeln!(out, "  {name}: {}", shown(value))?;
            }
        }
        writeln!(out, "  signed: {}, entry {} of the log", attestation.signed_at(), attestation.log_index())?;
        for rule in signer.left_out() {
            writeln!(out, "  not compared, since no certificate tells it: {rule}")?;
        }
        Ok(())
    }

    /// The same as JSON. A property that the certificate does not have is null.
    fn to_json(&self) -> Value {
        let Self { artifact, attestation, signer } = self;
        let mut report = json!({
            "artifact": artifact.name(),
            "signer": attestation.identity(),
            "signed_at": attestation.signed_at().to_string(),
            "log_index": attestation.log_index(),
            "not_compared": signer.left_out(),
        });
        for (name, extension) in Self::LINES {
            if let Some(members) = report.as_object_mut() {
                members.insert(name.to_owned(), attestation.extension(extension).into());
            }
        }
        report
    }
}

/// The refusal without the advice to configure a publisher: the rules are those of the command line.
fn of_signer(refusal: Refusal) -> Refusal {
    if refusal.code().starts_with("provenance-") {
        return refusal;
    }
    let mut diagnosis = refusal.diagnosis().clone();
    diagnosis.fix = None;
    Refusal::new(diagnosis)
}

/// A bundle, or PyPI's form of one.
fn read(text: &[u8]) -> Bundle {
    Bundle::from_pep_740(text).unwrap_or_else(|_| Bundle::new(String::from_utf8_lossy(text)))
}
