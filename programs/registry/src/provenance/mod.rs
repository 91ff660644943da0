//! Provenance of what is published: bundles of attestations, verified before anything is stored, and this registry's own
//! signatures.
//!
//! A bundle is accepted from the trusted publisher that accepted the publish, by the rules of the exchange, read from the signing
//! certificate. With a static token, which no publisher stands behind, it has to be of one of the package's publishers.
//!
//! Without `[provenance]` in the configuration none is kept, and a publish that has one is refused.

mod key;
mod origin;
mod publish;
mod rows;
mod signer;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use axum::http::StatusCode;
use oidc_core::{Context, Diagnosis, HttpUrl, ProviderSet, Target};
use oidc_exchange::server::Trust;
use oidc_exchange::sql::SqlStore;
use oidc_provenance::{
    Artifact, Attestation, Format, PUBLIC_TRUSTED_ROOT, Policy, Refusal, Requirement, Verifier, codes,
};
use serde_json::Value;

pub(crate) use self::key::{RegistryKey, listed};
pub use self::origin::{Origin, origins};
pub(crate) use self::publish::{PUBLISH, Version};
pub(crate) use self::rows::{SCHEMA, Stored, add, document, has, is_in_use};
use self::signer::Signer;
use super::StartError;
use super::authorize::Principal;
use super::choices::Choices;
use super::config::{InvalidConfig, ProvenanceEntry};
use super::failure::Failure;
use super::intake::blocking;

/// A trusted root may have this many bytes.
const MAX_ROOT: usize = 1 << 20;
/// SLSA's provenance, in the versions that npm writes.
pub(super) const SLSA: [&str; 2] = ["https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"];

/// Provenance in an ecosystem's half of the registry. Clones share everything.
#[derive(Clone)]
pub(super) struct Provenance {
    ecosystem: &'static str,
    kept: Option<Arc<Kept>>,
    /// The requirements that the configuration file has.
    requirements: Arc<BTreeMap<String, Requirement>>,
    /// The others, as they were chosen on the pages.
    choices: Option<Choices>,
}

/// The parts that are needed to keep provenance.
pub(super) struct Kept {
    pub(super) verifier: Verifier,
    pub(super) trust: Trust,
    pub(super) providers: ProviderSet,
    /// The registry's own key.
    pub(super) key: Option<RegistryKey>,
    /// The transparency log in which the registry's own attestations are entered.
    pub(super) log: Option<HttpUrl>,
    pub(super) cx: Context,
}

impl fmt::Debug for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provenance").field("is_kept", &self.is_kept()).finish_non_exhaustive()
    }
}

/// Reads what `[provenance]` names.
pub(super) async fn open(
    entry: &ProvenanceEntry,
    trust: &Trust,
    providers: &ProviderSet,
    database: &SqlStore,
    cx: &Context,
) -> Result<Kept, StartError> {
    let root = match &entry.trusted_root {
        Some(file) => {
            let root =
                cx.files().read(file, MAX_ROOT).map_err(|error| StartError::File(error.to_string()))?;
            String::from_utf8_lossy(&root).into_owned()
        }
        None => PUBLIC_TRUSTED_ROOT.to_owned(),
    };
    let verifier = Verifier::new(&root).map_err(|error| StartError::File(error.to_string()))?;
    let key = match &entry.signing_key {
        Some(file) => Some(key::open(file, database, cx).await?),
        None => None,
    };
    let log = entry.log.as_deref().map(HttpUrl::parse).transpose();
    let log = log.map_err(|error| InvalidConfig::Log(error.to_string()))?;
    let (trust, providers) = (trust.clone(), providers.clone());
    Ok(Kept { verifier, trust, providers, key, log, cx: cx.clone() })
}

/// The rules of an ecosystem for bundles, beside that of who signed them.
#[derive(Debug)]
pub(super) struct Rules {
    /// The types of predicates that are taken.
    pub(super) predicates: &'static [&'static str],
    /// Require a public source and a machine of the platform.
    pub(super) public_source_and_hosted_runner: bool,
    /// Accept a signature of the file itself, without a statement, and refuse bundles of old formats.
    pub(super) plain_signatures_of_today: bool,
    /// The `repository` of the manifest, where it has to be the source's.
    pub(super) repository: Option<Option<Value>>,
}

/// The provenance of a file, verified.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) attestations: Vec<Attestation>,
    /// The origins, as they are stored.
    pub(super) origins: String,
}

/// A file with the bundles that vouch for it.
#[derive(Debug)]
pub(super) struct Vouched {
    pub(super) artifact: Artifact,
    pub(super) bundles: Vec<String>,
    pub(super) rules: Rules,
}

impl Provenance {
    /// An ecosystem that keeps no provenance.
    pub(super) fn none(ecosystem: &'static str) -> Self {
        Self { ecosystem, kept: None, requirements: Arc::default(), choices: None }
    }

    /// An ecosystem that keeps it, if `kept` is there, with the requirements of its packages: those of the configuration file, and
    /// beside it those that were chosen.
    pub(super) fn new(
        ecosystem: &'static str,
        kept: Option<Arc<Kept>>,
        requirements: BTreeMap<String, Requirement>,
        choices: Choices,
    ) -> Self {
        Self { ecosystem, kept, requirements: requirements.into(), choices: Some(choices) }
    }

    /// Returns `true` if bundles are verified and kept.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// The registry's own key.
    pub(super) fn key(&self) -> Option<&RegistryKey> {
        self.kept.as_ref()?.key.as_ref()
    }

    /// Returns the requirement of a package for its next version.
    pub(super) async fn requirement(&self, package: &str) -> Result<Requirement, Failure> {
        if let Some(of_file) = self.requirements.get(package) {
            return Ok(*of_file);
        }
        let is_required = match &self.choices {
            Some(choices) => choices.provenance_required(self.ecosystem, package).await?,
            None => false,
        };
        Ok(if is_required { Requirement::Required } else { Requirement::default() })
    }

    /// The answer to a publish whose provenance is not accepted, with the status of the ecosystem's own registry.
    pub(super) fn refused(&self, refusal: &Refusal) -> Failure {
        let status = match self.ecosystem {
            "pypi" => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let message = format!("the provenance is not accepted: {refusal}");
        Failure::new(status, message).with_diagnosis(refusal.diagnosis().clone())
    }

    /// Verifies that a package's publisher vouches for a file with each of the bundles.
    pub(super) async fn verify(
        &self,
        by: &Principal,
        package: &str,
        vouched: Vouched,
    ) -> Result<Verified, Failure> {
        let Some(kept) = &self.kept else {
            let message = "the publish carries a provenance bundle, which this registry doesn't keep; publish without it \
                           (npm's `--provenance=false`, and no `provenance` in `publishConfig` or `.npmrc`)";
            return Err(Failure::new(StatusCode::FORBIDDEN, message));
        };
        let signers = kept.signers(self.ecosystem, by, package).await?;
        let verifier = kept.verifier.clone();
        let verified = blocking(move || {
            let verified = vouched.bundles.iter().map(|bundle| vouched.check(&verifier, bundle, &signers));
            let attestations = verified.collect::<Result<Vec<_>, Refusal>>()?;
            one_of_each_type(&attestations)?;
            Ok(Verified { origins: origin::stored(&attestations, &vouched.artifact), attestations })
        });
        verified.await?.map_err(|refusal| self.refused(&refusal))
    }
}

impl Vouched {
    fn check(&self, verifier: &Verifier, bundle: &str, signers: &[Signer]) -> Result<Attestation, Refusal> {
        let attestation = verifier.authenticate(bundle.as_bytes(), &self.artifact)?;
        if let Some(statement) = attestation.statement()
            && !self.rules.predicates.contains(&statement.predicate_type())
        {
            let problem = "attestations of this type are not taken here";
            let field = Target::Field("predicateType".to_owned());
            let diagnosis = Diagnosis::new(codes::PROVENANCE_STATEMENT, field, problem);
            let expected = self.rules.predicates.join(", ");
            return Err(Refusal::new(diagnosis.found(statement.predicate_type()).expected(expected)));
        }
        if self.rules.plain_signatures_of_today && attestation.format() < Format::V0_3 {
            let problem = "the bundle is of an old format, expected version 0.3 or later";
            let field = Target::Field("mediaType".to_owned());
            return Err(Refusal::new(Diagnosis::new(codes::PROVENANCE_BUNDLE, field, problem)));
        }
        let mut refusal = None;
        for signer in signers {
            match self.rules.policy(signer).check(&attestation) {
                Ok(()) => return Ok(attestation),
                Err(other) => refusal = refusal.or(Some(other)),
            }
        }
        Err(refusal.unwrap_or_else(no_signer))
    }
}

impl Rules {
    fn policy<'a>(&'a self, signer: &'a Signer) -> Policy<'a> {
        let mut policy = Policy::new(&signer.rules).proof_of_inclusion();
        if let Some(run) = &signer.run {
            policy = policy.run(run);
        }
        if self.public_source_and_hosted_runner {
            policy = policy.public_source().hosted_runner();
        }
        if self.plain_signatures_of_today {
            policy = policy.plain_signatures();
        }
        match &self.repository {
            Some(repository) => policy.repository(repository.as_ref()),
            None => policy,
        }
    }
}

/// Nobody may sign: no publisher, or none of a platform whose jobs get certificates.
fn no_signer() -> Refusal {
    let problem = "the package has no trusted publisher that a signing certificate could be compared with";
    let diagnosis = Diagnosis::new(codes::PROVENANCE_SIGNER, Target::Field("publisher".to_owned()), problem);
    Refusal::new(
        diagnosis.fix("configure the job that signs as a trusted publisher, or publish without provenance"),
    )
}

/// Two attestations of one type may contradict each other.
fn one_of_each_type(attestations: &[Attestation]) -> Result<(), Refusal> {
    let types =
        || attestations.iter().filter_map(|attestation| Some(attestation.statement()?.predicate_type()));
    let mut seen = BTreeSet::new();
    match types().find(|predicate| !seen.insert(*predicate)) {
        None => Ok(()),
        Some(twice) => {
            let problem = "the file has two attestations of one type";
            let field = Target::Field("predicateType".to_owned());
            Err(Refusal::new(Diagnosis::new(codes::PROVENANCE_STATEMENT, field, problem).found(twice)))
        }
    }
}
