//! The certificate of the registry's own listener.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use oidc_core::Context;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::StartError;
use super::config::Tls;

/// The size of a certificate chain or key, in bytes.
const MAX_PEM: usize = 1 << 20;

/// Reads the certificate and its key.
pub(super) fn acceptor(tls: &Tls, cx: &Context) -> Result<TlsAcceptor, StartError> {
    let chain = CertificateDer::pem_slice_iter(&read(&tls.certificate, cx)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(&tls.certificate, &error))?;
    let key =
        PrivateKeyDer::from_pem_slice(&read(&tls.key, cx)?).map_err(|error| unusable(&tls.key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| unusable(&tls.certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read(file: &Path, cx: &Context) -> Result<Vec<u8>, StartError> {
    cx.files().read(file, MAX_PEM).map_err(|error| StartError::File(error.to_string()))
}

fn unusable(file: &Path, error: &dyn fmt::Display) -> StartError {
    StartError::File(format!("the file `{}` can't be used: {error}", file.display()))
}
