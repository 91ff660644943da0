//! A proxy for https that leads clients of the public Sigstore instance to the played one: npm's and others take no other
//! URLs.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::SigstoreError;

/// The hosts of the public instance: certificate authority, transparency log, TUF repository.
const PUBLIC_HOSTS: [&str; 3] = ["fulcio.sigstore.dev", "rekor.sigstore.dev", TUF_HOST];
/// The public instance's TUF repository.
pub(super) const TUF_HOST: &str = "tuf-repo-cdn.sigstore.dev";
/// The limit on the request for a tunnel, in bytes.
const MAX_HEAD: usize = 16 << 10;
const ESTABLISHED: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
const FORBIDDEN: &[u8] = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";

/// The authority that vouches for the public hosts' names, and what answers in their place.
pub(super) struct Proxy {
    authority: CertifiedIssuer<'static, KeyPair>,
    router: Router,
}

impl Proxy {
    pub(super) fn new(router: Router) -> Result<Self, SigstoreError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "ci-issuer, for the public hosts of Sigstore");
        Ok(Self { authority: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?, router })
    }

    /// The authority's certificate in PEM.
    pub(super) fn authority(&self) -> String {
        self.authority.pem()
    }

    /// Accepts connections until the future is dropped.
    pub(super) async fn serve(self, listener: TcpListener) {
        let (proxy, mut tunnels) = (Arc::new(self), JoinSet::new());
        while let Ok((stream, _)) = listener.accept().await {
            while tunnels.try_join_next().is_some() {}
            let proxy = Arc::clone(&proxy);
            tunnels.spawn(async move {
                if let Err(error) = proxy.tunnel(stream).await {
                    tracing::debug!(%error, "a tunnel ended");
                }
            });
        }
    }

    async fn tunnel(&self, mut stream: TcpStream) -> Result<(), TunnelError> {
        let head = head(&mut stream).await?;
        let host = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(':').next());
        let Some(host) = host.filter(|host| PUBLIC_HOSTS.contains(host)) else {
            return Ok(stream.write_all(FORBIDDEN).await?);
        };
        stream.write_all(ESTABLISHED).await?;
        let inside = self.acceptor(host)?.accept(stream).await?;
        let service = service_fn(|request: Request<Incoming>| {
            let router = self.router.clone();
            async move { Ok::<_, Infallible>(router.oneshot(request.map(Body::new)).await.unwrap_or_default()) }
        });
        Ok(http1::Builder::new().serve_connection(TokioIo::new(inside), service).await?)
    }

    fn acceptor(&self, host: &str) -> Result<TlsAcceptor, TunnelError> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new([host.to_owned()])?.signed_by(&key, &self.authority)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

#[derive(Debug, thiserror::Error)]
enum TunnelError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
}

/// The head of the request for a tunnel. What follows it stays unread.
async fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
