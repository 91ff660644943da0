//! The registry's rules for provenance, after its signature was verified.

mod repository;
mod requirement;
mod signer;

use oidc_core::Run;
use serde_json::Value;

pub(crate) use self::repository::agrees as repository_agrees;
pub use self::repository::source_of;
pub use self::requirement::Requirement;
pub use self::signer::SignerRules;
use crate::attestation::Attestation;
use crate::codes;
use crate::extension::Extension;
use crate::refusal::Refusal;

/// The end of the name of a platform's own machines, behind the platform's.
const HOSTED: &str = "-hosted";

/// The rules by which a registry accepts an [`Attestation`].
///
/// The signer has to be the trusted publisher that the exchange accepted, and a statement may say nothing that the
/// certificate does not say. These two can't be left out. The others are the registry's choice.
///
/// ```
/// # fn rules(signer: &oidc_provenance::SignerRules, manifest: &serde_json::Value) {
/// use oidc_provenance::Policy;
///
/// let policy = Policy::new(signer)
///     .repository(manifest.get("repository"))
///     .public_source()
///     .hosted_runner();
/// # let _ = policy;
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Policy<'a> {
    signer: &'a SignerRules,
    repository: Option<Option<&'a Value>>,
    commit: Option<&'a str>,
    public_source: bool,
    hosted_runner: bool,
    signatures: bool,
    included: bool,
}

impl<'a> Policy<'a> {
    /// A policy that accepts what this publisher signed.
    pub fn new(signer: &'a SignerRules) -> Self {
        Self {
            signer,
            repository: None,
            commit: None,
            public_source: false,
            hosted_runner: false,
            signatures: false,
            included: false,
        }
    }

    /// Requires that the `repository` of the package's manifest, as npm has it, is the source repository. `None`
    /// is a manifest without that field, which is refused.
    pub fn repository(self, field: Option<&'a Value>) -> Self {
        Self { repository: Some(field), ..self }
    }

    /// Requires the commit of the run that got the publish token. If `run` has no commit, none is required.
    pub fn run(self, run: &'a Run) -> Self {
        Self { commit: run.sha.as_deref(), ..self }
    }

    /// Requires that the source repository was public when it was signed.
    pub fn public_source(self) -> Self {
        Self { public_source: true, ..self }
    }

    /// Requires that the job ran on a machine of the platform, not on a self-hosted one.
    pub fn hosted_runner(self) -> Self {
        Self { hosted_runner: true, ..self }
    }

    /// Accepts signatures of the file itself too, without a statement, as gems have them.
    pub fn plain_signatures(self) -> Self {
        Self { signatures: true, ..self }
    }

    /// Requires the proof that the transparency log has the entry. Without it, the log's promise is enough for bundles of the first
    /// format, which tools wrote in 2023.
    pub fn proof_of_inclusion(self) -> Self {
        Self { included: true, ..self }
    }

    /// Checks an attestation whose signature was verified.
    ///
    /// # Errors
    ///
    /// With the first rule that is not met. The order is: the proof of inclusion, the signer, the statement, the run, the
    /// source, the runner, the package's repository.
    pub fn check(&self, attestation: &Attestation) -> Result<(), Refusal> {
        if self.included && !attestation.is_included() {
            let field = "tlogEntries[0].inclusionProof";
            let problem = "the proof that the entry is in the log is missing";
            return Err(Refusal::of(codes::PROVENANCE_LOG, field, problem));
        }
        self.signer.check(attestation)?;
        match attestation.statement() {
            Some(statement) => statement.agrees(self.signer.platform(), attestation.extensions())?,
            None if self.signatures => {}
            None => {
                let problem = "the bundle holds no statement";
                return Err(Refusal::of(codes::PROVENANCE_STATEMENT, "dsseEnvelope", problem));
            }
        }
        self.check_commit(attestation)?;
        self.check_source(attestation)?;
        self.check_runner(attestation)?;
        self.check_repository(attestation)
    }

    fn check_commit(&self, attestation: &Attestation) -> Result<(), Refusal> {
        let Some(commit) = self.commit else { return Ok(()) };
        let found = attestation.extension(Extension::SourceRepositoryDigest);
        if found == Some(commit) {
            return Ok(());
        }
        let problem = "the file was signed in a run of another commit than the one that publishes";
        let refusal =
            Refusal::of(codes::PROVENANCE_SIGNER, Extension::SourceRepositoryDigest.to_string(), problem);
        Err(refusal.found(found.unwrap_or_default()).expected(commit).fix("sign in the job that publishes"))
    }

    fn check_source(&self, attestation: &Attestation) -> Result<(), Refusal> {
        let found = attestation.extension(Extension::SourceRepositoryVisibility);
        if !self.public_source || found == Some("public") {
            return Ok(());
        }
        let problem = "provenance is accepted from public repositories only";
        let refusal = Refusal::of(
            codes::PROVENANCE_VISIBILITY,
            Extension::SourceRepositoryVisibility.to_string(),
            problem,
        );
        let fix = "publish without provenance, or make the repository public";
        Err(refusal.found(found.unwrap_or_default()).expected("public").fix(fix))
    }

    fn check_runner(&self, attestation: &Attestation) -> Result<(), Refusal> {
        let platform = self.signer.platform().id();
        let found = attestation.extension(Extension::RunnerEnvironment);
        let kind = found.and_then(|found| found.strip_prefix(platform));
        if !self.hosted_runner || kind == Some(HOSTED) {
            return Ok(());
        }
        let problem = "provenance is accepted from the platform's own machines only";
        let refusal =
            Refusal::of(codes::PROVENANCE_RUNNER, Extension::RunnerEnvironment.to_string(), problem);
        let fix = "run the job that publishes on a machine of the platform, or publish without provenance";
        Err(refusal.found(found.unwrap_or_default()).expected(format!("{platform}{HOSTED}")).fix(fix))
    }

    fn check_repository(&self, attestation: &Attestation) -> Result<(), Refusal> {
        let Some(field) = self.repository else { return Ok(()) };
        let source = attestation.extension(Extension::SourceRepositoryUri).unwrap_or_default();
        repository::agrees(field, source)
    }
}
