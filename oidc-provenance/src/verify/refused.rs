//! The library's errors as refusals with codes.

use oidc_core::shown;
use sigstore_verify::{CertificateError, Error};

use crate::codes;
use crate::refusal::Refusal;

/// The refusal for an error of the library.
pub(super) fn refused(error: &Error) -> Refusal {
    let (code, field, problem) = match error {
        Error::Certificate(CertificateError::Sct(_)) => (
            codes::PROVENANCE_SCT,
            "certificate",
            "no certificate transparency log in the trusted root vouches for the certificate",
        ),
        Error::Certificate(_) => {
            (codes::PROVENANCE_CERTIFICATE, "certificate", "the signing certificate is not accepted")
        }
        Error::TransparencyLog(_) => return entry_refused(&error.to_string()),
        Error::Timestamp(_) => (
            codes::PROVENANCE_TIMESTAMP,
            "timestampVerificationData",
            "the time of the signature is not proven",
        ),
        Error::SignatureInvalid(_) => {
            (codes::PROVENANCE_SIGNATURE, "signature", "the signature is not the certificate's")
        }
        Error::ArtifactMismatch(_) => {
            (codes::PROVENANCE_ARTIFACT, "digest", "the signature is for another file")
        }
        Error::Crypto(_) => {
            (codes::PROVENANCE_CERTIFICATE, "certificate", "the signing certificate can't be read")
        }
        _ => (codes::PROVENANCE_BUNDLE, "bundle", "the bundle can't be verified"),
    };
    Refusal::of(code, field, format!("{problem}: {}", shown(&error.to_string())))
}

/// The refusal of an entry of the transparency log.
pub(super) fn entry_refused(why: &str) -> Refusal {
    let problem = format!("the entry of the transparency log is not accepted: {}", shown(why));
    Refusal::of(codes::PROVENANCE_LOG, "tlogEntries[0]", problem)
}
