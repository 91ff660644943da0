//! The bounds and the form of a bundle, before any signature is looked at.

use sigstore_verify::crypto::CertificateInfo;
use sigstore_verify::types::bundle::VerificationMaterialContent;
use sigstore_verify::types::{Bundle, KindVersion, MediaType, TransparencyLogEntry};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::wire;
use crate::attestation::Format;
use crate::codes;
use crate::extension::{Extension, Extensions};
use crate::refusal::Refusal;

/// The greatest number of certificates; bundles of version 0.3 have one.
const MAX_CERTIFICATES: usize = 4;

/// The greatest length of a certificate. Those of CI jobs have 2 kB.
const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;

/// The greatest number of timestamps.
const MAX_TIMESTAMPS: usize = 4;

/// The greatest number of hashes in a proof of inclusion: those of a log with 2^64 entries.
const MAX_HASHES: usize = 64;

/// The greatest number of lines in a checkpoint, which may have signatures of witnesses.
const MAX_CHECKPOINT_LINES: usize = 64;

/// The properties of a bundle that an attestation keeps.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) log_index: u64,
    /// The id of the log's key.
    pub(super) log_id: Vec<u8>,
    /// The bundle proves that the entry is in the log, and does not only have the log's promise.
    pub(super) is_included: bool,
    /// The log is one of Rekor v2.
    pub(super) is_tiled: bool,
}

/// Reads a bundle within its bounds.
pub(super) fn read(bundle: &[u8]) -> Result<Bundle, Refusal> {
    let unreadable = |why: String| {
        Refusal::of(codes::PROVENANCE_BUNDLE, "bundle", format!("the bundle can't be read: {why}"))
    };
    let mut bundle = wire::read(bundle).map_err(unreadable)?;
    if bundle.media_type() == MediaType::Bundle0_1 {
        bundle.verification_material.tlog_entries.iter_mut().for_each(leave_out_unsigned_proof);
    }
    Ok(bundle)
}

/// Leaves out a proof without a checkpoint, which nobody signed. Bundles of the first format have such proofs, and the log's promise
/// is what the format asks for.
fn leave_out_unsigned_proof(entry: &mut TransparencyLogEntry) {
    let is_unsigned = entry.inclusion_proof.as_ref().is_some_and(|proof| proof.checkpoint.is_empty());
    if is_unsigned && entry.inclusion_promise.is_some() {
        entry.inclusion_proof = None;
    }
}

/// Checks the numbers of certificates, log entries, hashes and timestamps.
pub(super) fn check(bundle: &Bundle) -> Result<Kept, Refusal> {
    let material = &bundle.verification_material;
    let refuse = |field: &str, problem: String| Err(Refusal::of(codes::PROVENANCE_BUNDLE, field, problem));
    let certificates = match &material.content {
        VerificationMaterialContent::Certificate(certificate) => vec![&certificate.raw_bytes],
        VerificationMaterialContent::X509CertificateChain { certificates } => {
            certificates.iter().map(|certificate| &certificate.raw_bytes).collect()
        }
        _ => {
            return refuse(
                "publicKey",
                "the bundle is signed with a key, expected a job's certificate".to_owned(),
            );
        }
    };
    if !(1..=MAX_CERTIFICATES).contains(&certificates.len()) {
        return refuse("certificates", format!("expected 1 to {MAX_CERTIFICATES} certificates"));
    }
    if certificates.iter().any(|certificate| certificate.len() > MAX_CERTIFICATE_BYTES) {
        return refuse("certificates", format!("a certificate is longer than {MAX_CERTIFICATE_BYTES} bytes"));
    }
    if certificates.split_last().is_some_and(|(_, others)| others.iter().any(|one| is_root(one.as_bytes()))) {
        return refuse("certificates", "the chain goes on behind the root of an authority".to_owned());
    }
    if material.timestamp_verification_data.rfc3161_timestamps.len() > MAX_TIMESTAMPS {
        return refuse("timestampVerificationData", format!("more than {MAX_TIMESTAMPS} timestamps"));
    }
    match material.tlog_entries.as_slice() {
        [entry] => check_entry(bundle, entry),
        entries => {
            let problem = format!("expected one entry of a transparency log, found {}", entries.len());
            Err(Refusal::of(codes::PROVENANCE_LOG, "tlogEntries", problem))
        }
    }
}

/// Returns `true` if a certificate has itself as its issuer.
fn is_root(der: &[u8]) -> bool {
    Certificate::from_der(der).is_ok_and(|one| one.tbs_certificate.subject == one.tbs_certificate.issuer)
}

fn check_entry(bundle: &Bundle, entry: &TransparencyLogEntry) -> Result<Kept, Refusal> {
    let field = "tlogEntries[0].inclusionProof";
    let kept = Kept {
        log_index: entry.log_index.get(),
        log_id: entry.log_id.key_id.as_bytes().to_vec(),
        is_included: entry.inclusion_proof.is_some(),
        is_tiled: entry.kind_version == KindVersion::HashedRekordV002,
    };
    let Some(proof) = &entry.inclusion_proof else {
        // Only bundles of the first version may have the log's promise alone.
        return match bundle.media_type() {
            MediaType::Bundle0_1 => Ok(kept),
            _ => Err(Refusal::of(
                codes::PROVENANCE_LOG,
                field,
                "the proof that the entry is in the log is missing",
            )),
        };
    };
    if proof.hashes.len() > MAX_HASHES {
        return Err(Refusal::of(codes::PROVENANCE_BUNDLE, field, format!("more than {MAX_HASHES} hashes")));
    }
    if proof.checkpoint.envelope().lines().count() > MAX_CHECKPOINT_LINES {
        let problem = format!("the checkpoint has more than {MAX_CHECKPOINT_LINES} lines");
        return Err(Refusal::of(codes::PROVENANCE_BUNDLE, field, problem));
    }
    Ok(kept)
}

pub(super) fn format(bundle: &Bundle) -> Result<Format, Refusal> {
    match bundle.media_type() {
        MediaType::Bundle0_1 => Ok(Format::V0_1),
        MediaType::Bundle0_2 => Ok(Format::V0_2),
        MediaType::Bundle0_3 => Ok(Format::V0_3),
        other => Err(Refusal::of(codes::PROVENANCE_BUNDLE, "mediaType", "the bundle's format is unknown")
            .found(other.as_str())),
    }
}

/// The job's properties in a certificate.
pub(super) fn extensions(certificate: &CertificateInfo) -> Extensions {
    let ci = &certificate.ci_claims;
    let values = [
        (Extension::Issuer, &certificate.issuer),
        (Extension::BuildSignerUri, &ci.build_signer_uri),
        (Extension::BuildSignerDigest, &ci.build_signer_digest),
        (Extension::RunnerEnvironment, &ci.runner_environment),
        (Extension::SourceRepositoryUri, &ci.source_repository_uri),
        (Extension::SourceRepositoryDigest, &ci.source_repository_digest),
        (Extension::SourceRepositoryRef, &ci.source_repository_ref),
        (Extension::SourceRepositoryIdentifier, &ci.source_repository_identifier),
        (Extension::SourceRepositoryOwnerUri, &ci.source_repository_owner_uri),
        (Extension::SourceRepositoryOwnerIdentifier, &ci.source_repository_owner_identifier),
        (Extension::BuildConfigUri, &ci.build_config_uri),
        (Extension::BuildConfigDigest, &ci.build_config_digest),
        (Extension::BuildTrigger, &ci.build_trigger),
        (Extension::RunInvocationUri, &ci.run_invocation_uri),
        (Extension::SourceRepositoryVisibility, &ci.source_repository_visibility_at_signing),
        (Extension::DeploymentEnvironment, &ci.deployment_environment),
        (Extension::TokenSubject, &ci.token_subject),
    ];
    let present = |(extension, value): (Extension, &Option<String>)| Some((extension, value.clone()?));
    values.into_iter().filter_map(present).collect()
}
