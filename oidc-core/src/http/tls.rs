//! The parts of TLS that this crate's HTTP clients share: the cryptography, the trusted certificates, and the
//! faults of certificates.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::CertificateError;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::CertificateFault;
use super::settings::{HttpSettings, InvalidHttpSettings, invalid, no_authority};
use crate::text::shown;

/// The certificates that the settings name in addition to the platform's.
pub(super) fn private_certificates(
    settings: &HttpSettings,
) -> Result<Vec<CertificateDer<'static>>, InvalidHttpSettings> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&settings.extra_ca).collect();
    let found = found.map_err(|error| no_authority(settings, &error))?;
    if found.is_empty() && !settings.extra_ca.is_empty() {
        return Err(no_authority(settings, &"it holds no certificate"));
    }
    Ok(found)
}

/// The cryptography of TLS: the provider that the application installed as its process's default, or else the
/// provider that a feature of this crate names. rustls' own choice depends on the features that anybody in
/// the build enables, and panics where there are two.
pub(super) fn crypto() -> Result<Arc<CryptoProvider>, InvalidHttpSettings> {
    let installed = CryptoProvider::get_default().map(Arc::clone);
    installed.or_else(chosen).ok_or_else(|| {
        invalid(
            "tls",
            &"no cryptography is chosen; enable feature `system-aws-lc` or `system-ring` of `oidc-core` (`ureq-aws-lc` or `ureq-ring` with `ureq`), or install a \
              `rustls::crypto::CryptoProvider` as the process's default",
        )
    })
}

/// The provider that a feature names; aws-lc-rs where both features are on.
fn chosen() -> Option<Arc<CryptoProvider>> {
    #[cfg(any(feature = "system-aws-lc", feature = "ureq-aws-lc"))]
    let provider = Some(rustls::crypto::aws_lc_rs::default_provider());
    #[cfg(all(
        any(feature = "system-ring", feature = "ureq-ring"),
        not(any(feature = "system-aws-lc", feature = "ureq-aws-lc"))
    ))]
    let provider = Some(rustls::crypto::ring::default_provider());
    #[cfg(not(any(
        feature = "system-ring",
        feature = "ureq-ring",
        feature = "system-aws-lc",
        feature = "ureq-aws-lc"
    )))]
    let provider = None;
    provider.map(Arc::new)
}

/// Returns `true` if the first bytes that were received are no TLS record (RFC 8446, section 5.1).
pub(super) fn is_not_tls(error: &rustls::Error) -> bool {
    use rustls::InvalidMessage::{InvalidContentType, UnknownProtocolVersion};
    matches!(error, rustls::Error::InvalidMessage(InvalidContentType | UnknownProtocolVersion))
}

/// The fault of a certificate; `issuer` is the name of its issuer, where it is known.
pub(super) fn certificate_fault(reason: &CertificateError, issuer: Option<String>) -> CertificateFault {
    match reason {
        CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer(issuer),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateFault::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::OtherHost
        }
        other => match other.to_string() {
            // webpki's own error, of which rustls passes on only the text.
            text if text.contains("CaUsedAsEndEntity") => CertificateFault::Authority,
            text => CertificateFault::Other(shown(&text).to_string()),
        },
    }
}

/// The first error of a type in an error's chain. An `io::Error` does not return the error that it wraps as
/// its `source`, so a plain walk along the chain would miss it.
pub(super) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let wrapped = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static));
    error
        .downcast_ref()
        .or_else(|| wrapped.and_then(find::<E>))
        .or_else(|| error.source().and_then(find::<E>))
}

/// The text of the last error in the chain, which says what happened; the errors above it say where.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut bottom = error;
    while let Some(below) = bottom.source() {
        bottom = below;
    }
    shown(&bottom.to_string()).to_string()
}
