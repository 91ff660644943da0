//! The certificate authority: a root, an intermediate, and leaves of ten minutes.

use std::time::Duration;

use oidc_core::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use super::certificate_log::CertificateLog;
use super::extensions::Identity;
use super::key::{PublicKey, SigningKey};
use super::{Fault, SigstoreError};

/// The validity of a leaf.
const LEAF: Duration = Duration::from_secs(10 * 60);
/// The validity of the authority, in both directions of the instance's start.
const AUTHORITY: Duration = Duration::from_secs(365 * 24 * 3600);

/// The certificate authority.
pub(super) struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
    /// The digest of the intermediate's public key, which an SCT is for.
    key_hash: [u8; 32],
}

impl Authority {
    pub(super) fn new(now: Timestamp) -> Result<Self, SigstoreError> {
        let root = CertifiedIssuer::self_signed(ca_params("sigstore root", now)?, KeyPair::generate()?)?;
        let key = SigningKey::generate()?;
        let key_hash = key.id();
        let params = ca_params("sigstore intermediate", now)?;
        let intermediate = CertifiedIssuer::signed_by(params, key.into_pair(), &root)?;
        Ok(Self { root, intermediate, key_hash })
    }

    /// The certificates of the authority in DER, the root last.
    pub(super) fn chain(&self) -> [&[u8]; 2] {
        [self.intermediate.der(), self.root.der()]
    }

    /// The same in PEM.
    pub(super) fn chain_pem(&self) -> [String; 2] {
        [self.intermediate.pem(), self.root.pem()].map(with_line_feeds)
    }

    /// Issues a certificate, and returns it with those of the authority in PEM, the leaf first. An SCT of the log is embedded.
    pub(super) fn issue(
        &self,
        identity: &Identity,
        key: &PublicKey,
        now: Timestamp,
        log: &CertificateLog,
        fault: Option<Fault>,
    ) -> Result<[String; 3], SigstoreError> {
        let start = match fault {
            Some(Fault::ExpiredCertificate) => now.minus(2 * LEAF),
            _ => now,
        };
        let mut params = leaf_params(identity, start)?;
        if fault != Some(Fault::NoSct) {
            // What the log signs is the certificate without the SCT, byte by byte.
            let precertificate = params.signed_by(key, &self.intermediate)?;
            let signed = Certificate::from_der(precertificate.der())?.tbs_certificate.to_der()?;
            params.custom_extensions.push(log.extension(&self.key_hash, &signed, now)?);
        }
        let leaf = params.signed_by(key, &self.intermediate)?;
        Ok([leaf.pem(), self.intermediate.pem(), self.root.pem()].map(with_line_feeds))
    }
}

/// PEM as Fulcio answers with it.
fn with_line_feeds(pem: impl AsRef<str>) -> String {
    pem.as_ref().replace("\r\n", "\n")
}

pub(super) fn ca_params(name: &str, now: Timestamp) -> Result<CertificateParams, SigstoreError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "ci-issuer");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = Vec::new();
    params.use_authority_key_identifier_extension = true;
    params.not_before = date(now.minus(AUTHORITY))?;
    params.not_after = date(now.plus(AUTHORITY))?;
    Ok(params)
}

/// A certificate that is valid for as long as its authority, for whoever is no CI job.
pub(super) fn leaf_params_of(name: &str, now: Timestamp) -> Result<CertificateParams, SigstoreError> {
    let mut params = ca_params(name, now)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.serial_number = Some(SerialNumber::from(serial()));
    Ok(params)
}

fn leaf_params(identity: &Identity, start: Timestamp) -> Result<CertificateParams, SigstoreError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![SanType::URI(identity.san.as_str().try_into()?)];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(SerialNumber::from(serial()));
    params.not_before = date(start)?;
    params.not_after = date(start.plus(LEAF))?;
    params.custom_extensions = identity.extensions()?;
    Ok(params)
}

/// A serial number that no other certificate has.
pub(super) fn serial() -> Vec<u8> {
    let mut digest = Sha256::digest(oidc_core::testing::FakeIssuer::unique_id()).to_vec();
    digest.truncate(16);
    // The number is positive.
    if let Some(first) = digest.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    digest
}

fn date(at: Timestamp) -> Result<OffsetDateTime, SigstoreError> {
    let seconds = i64::try_from(at.as_secs()).ok();
    let date = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    date.ok_or(SigstoreError::Time)
}
