//! Certificates as Fulcio issues them.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::time::Duration;

use p256::ecdsa::SigningKey;
use x509_cert::Certificate;
use x509_cert::certificate::{TbsCertificate, Version};
use x509_cert::der::asn1::{BitString, Ia5String, OctetString, UtcTime, Utf8StringRef};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Decode as _, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, SubjectAltName};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

use super::{NOW, Sigstore, sha256, sign, spki};

const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
const SERVER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const SCTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2");

/// The timestamp of the certificate transparency log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sct {
    Valid,
    Missing,
    OfAnotherKey,
    OfAnotherCertificate,
}

/// A certificate to be issued.
#[derive(Clone)]
pub(crate) struct Template {
    /// The extensions by their last number.
    pub(crate) extensions: BTreeMap<u8, String>,
    /// The subject alternative name.
    pub(crate) name: Option<String>,
    pub(crate) validity: (u64, u64),
    pub(crate) sct: Sct,
    pub(crate) code_signing: bool,
}

impl Template {
    pub(crate) fn new(extensions: BTreeMap<u8, String>) -> Self {
        let name = extensions.get(&9).cloned();
        Self { extensions, name, validity: (NOW - 60, NOW + 540), sct: Sct::Valid, code_signing: true }
    }

    /// Issues the certificate for a job's key.
    pub(crate) fn issue(&self, sigstore: &Sigstore, job: &SigningKey) -> Certificate {
        self.issue_for(sigstore, &spki(job))
    }

    /// Issues the certificate for a public key.
    pub(crate) fn issue_for(&self, sigstore: &Sigstore, public: &[u8]) -> Certificate {
        let issuer = sigstore.root.tbs_certificate.subject.clone();
        let mut tbs = body(issuer, Name::default(), self.validity, public, self.own_extensions());
        if self.sct != Sct::Missing {
            let scts = self.timestamps(sigstore, &tbs);
            tbs.extensions.as_mut().unwrap().push(extension(SCTS, false, &OctetString::new(scts).unwrap()));
        }
        signed(tbs, &sigstore.authority)
    }

    fn own_extensions(&self) -> Vec<Extension> {
        let usage = if self.code_signing { CODE_SIGNING } else { SERVER };
        let mut extensions = vec![extension(ExtendedKeyUsage::OID, false, &ExtendedKeyUsage(vec![usage]))];
        if let Some(name) = &self.name {
            let name = GeneralName::UniformResourceIdentifier(Ia5String::new(name).unwrap());
            extensions.push(extension(SubjectAltName::OID, true, &SubjectAltName(vec![name])));
        }
        for (number, value) in &self.extensions {
            let oid = ObjectIdentifier::new(&format!("1.3.6.1.4.1.57264.1.{number}")).unwrap();
            extensions.push(extension(oid, false, &Utf8StringRef::new(value).unwrap()));
        }
        extensions
    }

    /// The list of one timestamp (RFC 6962, sections 3.2 and 3.3).
    fn timestamps(&self, sigstore: &Sigstore, tbs: &TbsCertificate) -> Vec<u8> {
        let key = if self.sct == Sct::OfAnotherKey { &super::key(250) } else { &sigstore.certificate_log };
        let mut tbs = tbs.to_der().unwrap();
        if self.sct == Sct::OfAnotherCertificate {
            tbs.reverse();
        }
        let time = (NOW * 1000).to_be_bytes();
        let length = u32::try_from(tbs.len()).unwrap().to_be_bytes();
        let issuer = sha256(spki(&sigstore.authority));
        let message = [&[0, 0][..], &time, &[0, 1], &issuer, &length[1..], &tbs, &[0, 0]].concat();
        let signature = sign(key, &message);
        let id = sha256(spki(&sigstore.certificate_log));
        let sct = [&[0][..], &id, &time, &[0, 0, 4, 3], &short(&signature)].concat();
        short(&short(&sct))
    }
}

/// A value behind its length in two bytes.
fn short(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// The certificate of an authority.
pub(crate) fn root(key: &SigningKey, name: &str) -> Certificate {
    let name = Name::from_str(name).unwrap();
    let constraints = BasicConstraints { ca: true, path_len_constraint: None };
    let extensions = vec![extension(BasicConstraints::OID, true, &constraints)];
    signed(body(name.clone(), name, (NOW - 31_536_000, NOW + 315_360_000), &spki(key), extensions), key)
}

fn extension(oid: ObjectIdentifier, critical: bool, value: &impl Encode) -> Extension {
    let extn_value = OctetString::new(value.to_der().unwrap()).unwrap();
    Extension { extn_id: oid, critical, extn_value }
}

fn time(seconds: u64) -> Time {
    Time::UtcTime(UtcTime::from_unix_duration(Duration::from_secs(seconds)).unwrap())
}

fn body(
    issuer: Name,
    subject: Name,
    (begin, end): (u64, u64),
    public: &[u8],
    extensions: Vec<Extension>,
) -> TbsCertificate {
    let validity = Validity { not_before: time(begin), not_after: time(end) };
    TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(&[1]).unwrap(),
        signature: AlgorithmIdentifierOwned { oid: ECDSA_WITH_SHA256, parameters: None },
        issuer,
        validity,
        subject,
        subject_public_key_info: SubjectPublicKeyInfoOwned::from_der(public).unwrap(),
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    }
}

fn signed(tbs_certificate: TbsCertificate, key: &SigningKey) -> Certificate {
    let signature = sign(key, &tbs_certificate.to_der().unwrap());
    Certificate {
        signature_algorithm: tbs_certificate.signature.clone(),
        signature: BitString::from_bytes(&signature).unwrap(),
        tbs_certificate,
    }
}
