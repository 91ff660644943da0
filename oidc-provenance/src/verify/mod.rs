//! Verification of Sigstore bundles against a trusted root, without a network.

mod base64;
mod bundle;
mod log;
mod logs;
mod refused;
mod wire;

use oidc_core::Timestamp;
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::{ArtifactDigest, Bundle, HashAlgorithm, SignatureContent};
use sigstore_verify::{VerificationPolicy, VerificationResult};

use self::bundle::{Kept, extensions, format};
use self::logs::Logs;
use self::refused::{entry_refused, refused};
use crate::artifact::{Artifact, Digest};
use crate::attestation::Attestation;
use crate::codes;
use crate::json::{self, Bounds};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::statement::{PAYLOAD_TYPE, Statement};

/// The trusted root of Sigstore's public instance, as it was when this crate was released: the JSON text of
/// `trusted_root.json`.
///
/// Sigstore changes its keys about once a year. An application that runs for longer gets the present one from Sigstore's TUF
/// repository, or lets its operator configure it.
pub const PUBLIC_TRUSTED_ROOT: &str = sigstore_verify::trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT;

/// The bounds of a trusted root. Sigstore's public one has 7 kB.
const ROOT: Bounds = Bounds { bytes: 256 * 1024, depth: 16, values: 4096, exclusive: &[] };

/// A verifier of provenance, made once from a trusted root and shared.
///
/// It needs no network: the trusted root, which an application gets and renews in its own way, holds the keys and
/// certificates of the authorities and logs.
///
/// ```
/// use oidc_provenance::{Artifact, PUBLIC_TRUSTED_ROOT, Verifier};
///
/// let verifier = Verifier::new(PUBLIC_TRUSTED_ROOT)?;
/// let refusal = verifier.authenticate(b"no bundle", &Artifact::file("widget-1.0.0.tar.gz", b"")).unwrap_err();
/// assert!(refusal.to_string().contains("the bundle can't be read"));
/// # Ok::<(), oidc_provenance::Refusal>(())
/// ```
#[derive(Clone)]
pub struct Verifier {
    inner: std::sync::Arc<Inner>,
}

struct Inner {
    verifier: sigstore_verify::Verifier,
    logs: Logs,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl Verifier {
    /// A verifier that trusts the authorities and logs of a trusted root: the JSON text of `trusted_root.json`, in
    /// the form that Sigstore distributes.
    ///
    /// # Errors
    ///
    /// When the text is no trusted root, or holds keys or certificates that can't be used.
    pub fn new(trusted_root: &str) -> Result<Self, Refusal> {
        let unusable = |why: String| {
            let problem = format!("the trusted root can't be used: {why}");
            Refusal::of(codes::PROVENANCE_TRUSTED_ROOT, "trusted_root.json", problem)
        };
        let text = json::check(trusted_root.as_bytes(), ROOT).map_err(unusable)?;
        let root = TrustedRoot::from_json(text).map_err(|error| unusable(error.to_string()))?;
        let verifier = sigstore_verify::Verifier::new(&root).map_err(|error| unusable(error.to_string()))?;
        let logs = Logs::of(&root).map_err(|error| unusable(error.to_string()))?;
        Ok(Self { inner: Inner { verifier, logs }.into() })
    }

    /// Verifies a bundle for an artifact, and checks it against a registry's policy.
    ///
    /// # Errors
    ///
    /// With the first check that fails; see [`Verifier::authenticate`] and [`Policy::check`].
    pub fn verify(
        &self,
        bundle: &[u8],
        artifact: &Artifact,
        policy: &Policy<'_>,
    ) -> Result<Attestation, Refusal> {
        let attestation = self.authenticate(bundle, artifact)?;
        policy.check(&attestation)?;
        Ok(attestation)
    }

    /// Verifies that a bundle is about this artifact, and returns its signer, whoever that is: for pages and audits
    /// that show the signer. The result alone is no reason to accept a publish.
    ///
    /// The order is: the bundle's bounds and form, the statement's subject, the time of the signature, the
    /// certificate, its timestamp from a certificate transparency log, the signature, the entry in the transparency
    /// log.
    ///
    /// # Errors
    ///
    /// With the first of these checks that fails.
    pub fn authenticate(&self, bundle: &[u8], artifact: &Artifact) -> Result<Attestation, Refusal> {
        let Inner { verifier, logs } = &*self.inner;
        let bundle = bundle::read(bundle)?;
        let kept = bundle::check(&bundle)?;
        let statement = statement_of(&bundle)?;
        if let Some(statement) = &statement {
            statement.is_about(artifact)?;
        }
        let result = verified(verifier, logs, &bundle, digest(artifact)?)?;
        attestation(&bundle, statement, (&kept, logs.entry_url(&kept)), &result)
    }
}

/// Verifies all that is signed in a bundle.
fn verified(
    verifier: &sigstore_verify::Verifier,
    logs: &Logs,
    bundle: &Bundle,
    digest: ArtifactDigest,
) -> Result<VerificationResult, Refusal> {
    let policy = VerificationPolicy::any_identity();
    let entry = bundle.verification_material.tlog_entries.first();
    match entry.filter(|entry| log::promises_its_time(entry)) {
        Some(entry) => {
            // The promise is checked with the times; see `log`.
            let policy = policy.skip_tlog_unsafe();
            let result = verifier.verify(digest, bundle, &policy).map_err(|error| refused(&error))?;
            log::check(entry, &logs.keys)?;
            Ok(result)
        }
        None => {
            let result = verifier.verify(digest, bundle, &policy).map_err(|error| refused(&error))?;
            // As with the certificate: the check was asked for.
            if result.tlog_verified() { Ok(result) } else { Err(entry_refused("it was not checked")) }
        }
    }
}

/// The statement in the bundle, if there is an envelope.
fn statement_of(bundle: &Bundle) -> Result<Option<Statement>, Refusal> {
    match &bundle.content {
        SignatureContent::DsseEnvelope(envelope) if envelope.payload_type == PAYLOAD_TYPE => {
            Statement::parse(envelope.payload.as_bytes()).map(Some)
        }
        SignatureContent::DsseEnvelope(envelope) => {
            let problem = "the envelope holds no statement of in-toto";
            let refusal = Refusal::of(codes::PROVENANCE_STATEMENT, "dsseEnvelope.payloadType", problem);
            Err(refusal.found(&envelope.payload_type).expected(PAYLOAD_TYPE))
        }
        _ => Ok(None),
    }
}

fn digest(artifact: &Artifact) -> Result<ArtifactDigest, Refusal> {
    let (algorithm, digest) = match artifact.digest() {
        Digest::Sha256(digest) => (HashAlgorithm::Sha2256, digest.to_vec()),
        Digest::Sha512(digest) => (HashAlgorithm::Sha2512, digest.to_vec()),
    };
    let digest = sigstore_verify::types::DigestBytes::new(digest);
    ArtifactDigest::new(algorithm, digest)
        .map_err(|error| Refusal::of(codes::PROVENANCE_ARTIFACT, "digest", error.to_string()))
}

fn attestation(
    bundle: &Bundle,
    statement: Option<Statement>,
    (kept, log_entry_url): (&Kept, Option<String>),
    result: &VerificationResult,
) -> Result<Attestation, Refusal> {
    // Each check was asked for; a result without it would mean that the library changed.
    let is_complete = result.certificate_verified() && result.sct_verified();
    let (Some(certificate), Some(identity), true) = (result.certificate(), result.identity(), is_complete)
    else {
        return Err(Refusal::of(
            codes::PROVENANCE_CERTIFICATE,
            "certificate",
            "the certificate names no signer",
        ));
    };
    let seconds = result.verified_timestamps().iter().map(|time| time.as_second()).min().unwrap_or_default();
    Ok(Attestation {
        statement,
        identity: identity.as_str().to_owned(),
        extensions: extensions(certificate),
        signed_at: Timestamp::from_secs(seconds.try_into().unwrap_or_default()),
        log_index: kept.log_index,
        is_included: kept.is_included,
        log_entry_url,
        format: format(bundle)?,
    })
}
