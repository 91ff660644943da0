//! The keys of the played instance, and the keys of its clients.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm, SigningKey as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use super::SigstoreError;

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// A key that the instance signs with: ECDSA on P-256 with SHA-256.
pub(super) struct SigningKey(KeyPair);

impl SigningKey {
    pub(super) fn generate() -> Result<Self, SigstoreError> {
        Ok(Self(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?))
    }

    /// Signs a message; the signature is in DER.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigstoreError> {
        Ok(self.0.sign(message)?)
    }

    /// The public key as a `SubjectPublicKeyInfo` in DER.
    pub(super) fn spki(&self) -> Vec<u8> {
        self.0.subject_public_key_info()
    }

    /// The public key in PEM.
    pub(super) fn public_pem(&self) -> String {
        self.0.public_key_pem()
    }

    /// The id that logs have by their key: the SHA-256 digest of the public key in DER.
    pub(super) fn id(&self) -> [u8; 32] {
        Sha256::digest(self.spki()).into()
    }

    pub(super) fn pair(&self) -> &KeyPair {
        &self.0
    }

    pub(super) fn into_pair(self) -> KeyPair {
        self.0
    }
}

/// A client's public key, on P-256 as those of all known clients are.
pub(super) struct PublicKey {
    spki: Vec<u8>,
    point: Vec<u8>,
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo` in DER.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let key = SubjectPublicKeyInfoOwned::from_der(der).ok()?;
        let curve = key.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok()?;
        let point = key.subject_public_key.as_bytes()?.to_vec();
        (key.algorithm.oid == EC_PUBLIC_KEY && curve == P256).then(|| Self { spki: der.to_vec(), point })
    }

    /// Reads the key of a certificate in DER.
    pub(super) fn from_certificate(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        Self::from_der(&certificate.tbs_certificate.subject_public_key_info.to_der().ok()?)
    }

    /// Reads a public key or a certificate in PEM.
    pub(super) fn from_pem(pem: &[u8]) -> Option<Self> {
        if let Ok(certificate) = CertificateDer::from_pem_slice(pem) {
            return Self::from_certificate(&certificate);
        }
        Self::from_der(&SubjectPublicKeyInfoDer::from_pem_slice(pem).ok()?)
    }

    /// Reports whether this key made the signature, which is in DER.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.spki).verify(message, signature).is_ok()
    }
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}
