//! The certificate transparency log: it signs what it was shown, and keeps nothing.

use oidc_core::Timestamp;
use rcgen::CustomExtension;
use x509_cert::der::Encode as _;
use x509_cert::ext::pkix::sct::{
    DigitallySigned, HashAlgorithm, LogId, SerializedSct, SignatureAlgorithm, SignatureAndHashAlgorithm,
    SignedCertificateTimestamp, SignedCertificateTimestampList, Version,
};

use super::SigstoreError;
use super::key::SigningKey;

/// The object identifier of the extension that holds SCTs.
const SCT_LIST: [u64; 10] = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
/// The kind of entry and of signature that an embedded SCT is of (RFC 6962, section 3.2).
const PRECERTIFICATE: [u8; 2] = [0, 1];

/// A certificate transparency log.
pub(super) struct CertificateLog {
    /// The key that signs.
    pub(super) key: SigningKey,
}

impl CertificateLog {
    /// The extension that promises to log a certificate, of which `tbs` is what its issuer signs, without this extension.
    pub(super) fn extension(
        &self,
        issuer_key_hash: &[u8; 32],
        tbs: &[u8],
        now: Timestamp,
    ) -> Result<CustomExtension, SigstoreError> {
        let timestamp = now.as_secs().saturating_mul(1000);
        let signature = self.key.sign(&signed(issuer_key_hash, tbs, timestamp)?)?;
        let sct = SignedCertificateTimestamp {
            version: Version::V1,
            log_id: LogId { key_id: self.key.id() },
            timestamp,
            extensions: Vec::new().into(),
            signature: DigitallySigned {
                algorithm: SignatureAndHashAlgorithm {
                    hash: HashAlgorithm::Sha256,
                    signature: SignatureAlgorithm::Ecdsa,
                },
                signature: signature.into(),
            },
        };
        let sct = SerializedSct::new(sct).map_err(|error| SigstoreError::Encoding(error.to_string()))?;
        let list = SignedCertificateTimestampList::new(&[sct])
            .map_err(|error| SigstoreError::Encoding(format!("{error:?}")))?;
        Ok(CustomExtension::from_oid_content(&SCT_LIST, list.to_der()?))
    }
}

/// The structure that an embedded SCT is a signature of.
fn signed(issuer_key_hash: &[u8; 32], tbs: &[u8], timestamp: u64) -> Result<Vec<u8>, SigstoreError> {
    let length = u32::try_from(tbs.len()).map_err(|error| SigstoreError::Encoding(error.to_string()))?;
    let [_, length @ ..] = length.to_be_bytes();
    let [signature_type, entry_type] = PRECERTIFICATE;
    let version = 0;
    let no_extensions = [0, 0];
    Ok([
        &[version, signature_type][..],
        &timestamp.to_be_bytes(),
        &[0, entry_type],
        issuer_key_hash,
        &length,
        tbs,
        &no_extensions,
    ]
    .concat())
}
