//! The services of the instance, without a server before them.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oidc_core::verify::Verifier;
use oidc_core::{Claims, Context, Verified};
use rustls::pki_types::CertificateSigningRequestDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::request::CertReq;

use super::authority::Authority;
use super::certificate_log::CertificateLog;
use super::extensions::Identity;
use super::key::PublicKey;
use super::log::Log;
use super::timestamps::TimestampAuthority;
use super::tuf::Repository;
use super::{Fault, SigstoreError};

/// The services and what they share.
pub(super) struct Instance {
    pub(super) verifier: Verifier,
    pub(super) authority: Authority,
    pub(super) certificate_log: CertificateLog,
    pub(super) log: Log,
    pub(super) timestamps: TimestampAuthority,
    pub(super) repository: Mutex<Repository>,
    pub(super) fault: Option<Fault>,
    pub(super) context: Context,
}

/// A request for a certificate (Fulcio's API, version 2).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CertificateRequest {
    credentials: Credentials,
    public_key_request: Option<PublicKeyRequest>,
    certificate_signing_request: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    oidc_identity_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublicKeyRequest {
    public_key: PublicKeyContent,
    proof_of_possession: String,
}

#[derive(Deserialize)]
struct PublicKeyContent {
    content: String,
}

/// A request for a certificate was refused.
#[derive(Debug)]
pub(super) enum Refused {
    /// The identity token is not valid, or of a platform that gets no certificates.
    Token(String),
    /// The rest of the request is not valid.
    Request(&'static str),
    /// The certificate could not be made.
    Failed(SigstoreError),
}

impl Instance {
    /// Issues a certificate to the holder of an identity token, for the key that the request proves to have.
    pub(super) async fn issue(&self, request: &CertificateRequest) -> Result<[String; 3], Refused> {
        let token = &request.credentials.oidc_identity_token;
        let verified = self.verifier.verify(token).await.map_err(|error| Refused::Token(error.problem()))?;
        let identity = self.identity(&verified)?;
        let subject = verified.text("sub").ok_or(Refused::Request("the identity token has no subject"))?;
        let key = request.key(&subject)?;
        let now = self.context.clock().now();
        self.authority.issue(&identity, &key, now, &self.certificate_log, self.fault).map_err(Refused::Failed)
    }

    fn identity(&self, verified: &Verified<Claims>) -> Result<Identity, Refused> {
        let provider = self.verifier.provider_of(verified);
        let kind = provider.map_or("", |provider| provider.id());
        Identity::of(kind, verified)
            .ok_or_else(|| Refused::Token(format!("a token of the kind `{kind}` gets no certificate")))
    }

    /// A file of the TUF repository.
    pub(super) fn file(&self, path: &str) -> Option<Vec<u8>> {
        let repository = self.repository.lock().unwrap_or_else(PoisonError::into_inner);
        repository.file(path).map(<[u8]>::to_vec)
    }
}

impl CertificateRequest {
    /// The public key, whose private key signed the token's subject or the request itself.
    fn key(&self, subject: &str) -> Result<PublicKey, Refused> {
        let key = match (&self.public_key_request, &self.certificate_signing_request) {
            (Some(request), None) => request.key(subject),
            (None, Some(request)) => key_of_signing_request(request),
            _ => return Err(Refused::Request("expected a public key or a certificate signing request")),
        };
        key.ok_or(Refused::Request("the request doesn't prove that the sender has the private key"))
    }
}

impl PublicKeyRequest {
    fn key(&self, subject: &str) -> Option<PublicKey> {
        let key = PublicKey::from_pem(self.public_key.content.as_bytes())?;
        let proof = STANDARD.decode(&self.proof_of_possession).ok()?;
        key.verifies(subject.as_bytes(), &proof).then_some(key)
    }
}

fn key_of_signing_request(request: &str) -> Option<PublicKey> {
    let pem = STANDARD.decode(request).ok()?;
    let der = CertificateSigningRequestDer::from_pem_slice(&pem).ok()?;
    let request = CertReq::from_der(&der).ok()?;
    let key = PublicKey::from_der(&request.info.public_key.to_der().ok()?)?;
    let signature = request.signature.as_bytes()?;
    key.verifies(&request.info.to_der().ok()?, signature).then_some(key)
}
