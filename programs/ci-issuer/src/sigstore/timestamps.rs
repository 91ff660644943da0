//! The timestamp authority (RFC 3161): it signs that there was a digest at a time.

use std::time::Duration;

use cmpv2::status::{PkiStatus, PkiStatusInfo};
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedAttributes, SignedData, SignerIdentifier, SignerInfo,
    SignerInfos,
};
use oidc_core::Timestamp;
use rcgen::{CertifiedIssuer, CustomExtension, KeyPair, KeyUsagePurpose};
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::der::asn1::{GeneralizedTime, Int, OctetString, SetOfVec};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::rfc5280::ID_KP_TIME_STAMPING;
use x509_cert::der::oid::db::rfc5911::{
    ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNED_DATA,
};
use x509_cert::der::oid::db::rfc5912::{ECDSA_WITH_SHA_256, ID_SHA_256};
use x509_cert::der::{Any, Decode as _, DerOrd, Encode as _, EncodeValue, Tag, Tagged};
use x509_cert::ext::pkix::ExtendedKeyUsage;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_tsp::{TimeStampReq, TimeStampResp, TspVersion, TstInfo};

use super::SigstoreError;
use super::authority::{ca_params, leaf_params_of, serial};
use super::key::SigningKey;

/// The object identifier of the extension for the usages of a certificate's key.
const EXTENDED_KEY_USAGE: [u64; 4] = [2, 5, 29, 37];
/// The type of what is signed: `id-ct-TSTInfo`.
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// The policy that Sigstore's timestamps are made by.
const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.2");

/// A timestamp authority.
pub(super) struct TimestampAuthority {
    root: CertifiedIssuer<'static, KeyPair>,
    certificate: Certificate,
    der: Vec<u8>,
    /// The key that signs.
    key: SigningKey,
}

impl TimestampAuthority {
    /// An authority that signs with its certificate's key, or with another one where that is the fault.
    pub(super) fn new(now: Timestamp, wrong_key: Option<SigningKey>) -> Result<Self, SigstoreError> {
        let root = CertifiedIssuer::self_signed(ca_params("timestamp root", now)?, KeyPair::generate()?)?;
        let key = SigningKey::generate()?;
        let mut params = leaf_params_of("timestamps", now)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // RFC 3161 wants this extension critical, and rcgen's own is not.
        let usage = ExtendedKeyUsage(vec![ID_KP_TIME_STAMPING]).to_der()?;
        let mut usage = CustomExtension::from_oid_content(&EXTENDED_KEY_USAGE, usage);
        usage.set_criticality(true);
        params.custom_extensions.push(usage);
        let der = params.signed_by(key.pair(), &root)?.der().to_vec();
        let certificate = Certificate::from_der(&der)?;
        Ok(Self { root, certificate, der, key: wrong_key.unwrap_or(key) })
    }

    /// The certificates in DER, the root last.
    pub(super) fn chain(&self) -> [&[u8]; 2] {
        [&self.der, self.root.der()]
    }

    /// Answers a query; `None` where it is not one.
    pub(super) fn answer(&self, query: &[u8], now: Timestamp) -> Result<Option<Vec<u8>>, SigstoreError> {
        let Ok(request) = TimeStampReq::from_der(query) else { return Ok(None) };
        let wants_certificate = request.cert_req;
        let signed = self.signed(&info(request, now)?.to_der()?, wants_certificate)?;
        let token = ContentInfo { content_type: ID_SIGNED_DATA, content: Any::encode_from(&signed)? };
        let status = PkiStatusInfo { status: PkiStatus::Accepted, status_string: None, fail_info: None };
        Ok(Some(TimeStampResp { status, time_stamp_token: Some(token) }.to_der()?))
    }

    fn signed(&self, info: &[u8], with_certificate: bool) -> Result<SignedData, SigstoreError> {
        let attributes = self.attributes(info)?;
        let signature = self.key.sign(&attributes.to_der()?)?;
        let of = &self.certificate.tbs_certificate;
        let signer = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: of.issuer.clone(),
                serial_number: of.serial_number.clone(),
            }),
            digest_alg: algorithm(ID_SHA_256),
            signed_attrs: Some(attributes),
            signature_algorithm: algorithm(ECDSA_WITH_SHA_256),
            signature: OctetString::new(signature)?,
            unsigned_attrs: None,
        };
        let certificate = with_certificate.then(|| CertificateChoices::Certificate(self.certificate.clone()));
        let certificates = certificate.map(|certificate| set(vec![certificate])).transpose()?;
        let content = Any::new(Tag::OctetString, info)?;
        Ok(SignedData {
            version: CmsVersion::V3,
            digest_algorithms: set(vec![algorithm(ID_SHA_256)])?,
            encap_content_info: EncapsulatedContentInfo { econtent_type: TST_INFO, econtent: Some(content) },
            certificates: certificates.map(CertificateSet),
            crls: None,
            signer_infos: SignerInfos(set(vec![signer])?),
        })
    }

    /// The attributes that are signed: the kind of the content, its digest, and the certificate, which nobody can exchange then
    /// (RFC 5816).
    fn attributes(&self, info: &[u8]) -> Result<SignedAttributes, SigstoreError> {
        let digest = |content: &[u8]| OctetString::new(Sha256::digest(content).to_vec());
        // The sequence of certificates, one that has the digest alone, in a sequence that may have policies too.
        let certificate = vec![vec![vec![digest(&self.der)?]]];
        set(vec![
            attribute(ID_CONTENT_TYPE, &TST_INFO)?,
            attribute(ID_MESSAGE_DIGEST, &digest(info)?)?,
            attribute(ID_AA_SIGNING_CERTIFICATE_V_2, &certificate)?,
        ])
    }
}

fn info(request: TimeStampReq, now: Timestamp) -> Result<TstInfo, SigstoreError> {
    Ok(TstInfo {
        version: TspVersion::V1,
        policy: request.req_policy.unwrap_or(POLICY),
        message_imprint: request.message_imprint,
        serial_number: Int::new(&serial())?,
        gen_time: GeneralizedTime::from_unix_duration(Duration::from_secs(now.as_secs()))?,
        accuracy: None,
        ordering: false,
        nonce: request.nonce,
        tsa: None,
        extensions: None,
    })
}

fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: None }
}

fn attribute(oid: ObjectIdentifier, value: &(impl EncodeValue + Tagged)) -> Result<Attribute, SigstoreError> {
    Ok(Attribute { oid, values: set(vec![Any::encode_from(value)?])? })
}

fn set<T: DerOrd>(members: Vec<T>) -> Result<SetOfVec<T>, SigstoreError> {
    Ok(SetOfVec::try_from(members)?)
}
