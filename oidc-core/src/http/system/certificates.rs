//! The trusted certificates, and the issuers of certificates that are not trusted.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_cert::der::Decode as _;

use crate::http::HttpErrorKind;
use crate::http::failure::SendFailure;
use crate::http::settings::{HttpSettings, InvalidHttpSettings, invalid, no_authority};
use crate::http::tls::{certificate_fault, crypto, find, innermost, is_not_tls, private_certificates};
use crate::text::shown;

/// The TLS settings of a connection: the certificates that the settings and the platform trust.
pub(super) struct Certificates {
    connector: TlsConnector,
    is_empty: bool,
}

impl Certificates {
    /// Trusts the platform's certificates and those of the settings.
    pub(super) fn new(settings: &HttpSettings) -> Result<Self, InvalidHttpSettings> {
        let mut roots = private_roots(settings)?;
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let is_empty = roots.is_empty();
        let builder = ClientConfig::builder_with_provider(crypto()?)
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid("tls", &error))?;
        let mut config = if is_empty {
            // Without roots, `WebPkiServerVerifier` can't be built. Nobody is trusted, so no refusal needs an
            // issuer's name.
            builder.with_root_certificates(roots).with_no_client_auth()
        } else {
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), crypto()?).build();
            let verifier = verifier.map_err(|error| invalid("tls", &error))?;
            // `dangerous()` is rustls' name for any custom verifier; this one refuses whatever rustls' own
            // verifier refuses.
            let naming = Arc::new(NamingVerifier(verifier));
            builder.dangerous().with_custom_certificate_verifier(naming).with_no_client_auth()
        };
        config.alpn_protocols.push(b"http/1.1".to_vec());
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), is_empty })
    }

    /// Checks the settings without reading the platform's certificates.
    pub(super) fn check(settings: &HttpSettings) -> Result<(), InvalidHttpSettings> {
        private_roots(settings)?;
        crypto().map(|_| ())
    }

    /// Returns `true` if no certificate authority is trusted.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Opens TLS with a host, over a connection to it.
    pub(super) async fn secure<S>(&self, host: &str, stream: S) -> Result<TlsStream<S>, SendFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
        let name = name.map_err(|_| {
            SendFailure::from(HttpErrorKind::Request("the host has no valid name".to_owned()))
        })?;
        self.connector.connect(name, stream).await.map_err(|error| {
            let kind = kind(host, &error);
            SendFailure { kind, source: Some(error.into()) }
        })
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("is_empty", &self.is_empty).finish_non_exhaustive()
    }
}

/// The certificates that the settings name, as trust anchors.
fn private_roots(settings: &HttpSettings) -> Result<RootCertStore, InvalidHttpSettings> {
    let mut roots = RootCertStore::empty();
    for certificate in private_certificates(settings)? {
        roots.add(certificate).map_err(|error| no_authority(settings, &error))?;
    }
    Ok(roots)
}

/// rustls' own verifier, with the issuer's name added to its refusals.
#[derive(Debug)]
struct NamingVerifier(Arc<WebPkiServerVerifier>);

/// A refused certificate.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
struct Refused {
    reason: CertificateError,
    issuer: Option<String>,
}

impl ServerCertVerifier for NamingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now).map_err(
            |error| {
                let rustls::Error::InvalidCertificate(reason) = error else { return error };
                // The issuer of the last certificate in the chain is the authority that would have to be
                // trusted.
                let issuer = issuer(intermediates.last().unwrap_or(end_entity));
                rustls::Error::Other(OtherError(Arc::new(Refused { reason, issuer })))
            },
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// The name of the authority that issued a certificate. It is foreign text, so it is escaped.
fn issuer(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let name = certificate.tbs_certificate.issuer.to_string();
    Some(shown(&name).to_string()).filter(|name| !name.is_empty())
}

/// The reason why TLS with a host failed.
fn kind(host: &str, error: &std::io::Error) -> HttpErrorKind {
    let certificate = |fault| HttpErrorKind::Certificate { host: host.to_owned(), fault };
    match find::<rustls::Error>(error) {
        Some(error) if is_not_tls(error) => HttpErrorKind::NotTls,
        Some(rustls::Error::InvalidCertificate(reason)) => certificate(certificate_fault(reason, None)),
        Some(rustls::Error::Other(OtherError(other))) => match other.downcast_ref::<Refused>() {
            Some(Refused { reason, issuer }) => certificate(certificate_fault(reason, issuer.clone())),
            None => HttpErrorKind::Broken(innermost(error)),
        },
        _ => HttpErrorKind::Broken(innermost(error)),
    }
}
