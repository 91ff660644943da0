//! The public hosts, played on loopback: behind a proxy for https, with an authority of its own that every client trusts. They
//! take down whatever comes, and accept nothing.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A request to a public host.
#[derive(Clone, Debug)]
pub struct Asked {
    pub host: String,
    /// Method, path, headers and body, as far as they are text.
    pub text: String,
}

#[derive(Debug)]
pub struct PublicHosts {
    proxy: String,
    folder: TempDir,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The answers of the hosts.
#[derive(Clone, Debug)]
enum Played {
    Refusal,
    Grant(String),
    Page(u16),
}

type Authority = CertifiedIssuer<'static, KeyPair>;

impl PublicHosts {
    pub async fn start() -> Self {
        Self::serve(Played::Refusal).await
    }

    /// Hosts that answer every `POST` with this, as an npm registry does to an exchange.
    pub async fn start_with(granted: &serde_json::Value) -> Self {
        Self::serve(Played::Grant(granted.to_string())).await
    }

    /// Hosts in whose place the proxy answers everything with a page of this status.
    pub async fn behind_a_page(status: u16) -> Self {
        Self::serve(Played::Page(status)).await
    }

    async fn serve(played: Played) -> Self {
        let authority = Arc::new(authority());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let record = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that hangs up has asked nothing more.
                let (authority, record) = (Arc::clone(&authority), Arc::clone(&record));
                let played = played.clone();
                tokio::spawn(async move { tunnel(stream, &authority, record, played).await });
            }
        });
        Self { proxy, folder, asked }
    }

    /// The requests to all public hosts, with connections that had no request.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The hosts that saw this text.
    pub fn saw(&self, text: &str) -> Vec<String> {
        let plain = |asked: &Asked| asked.text.contains(text) || asked.text.contains(&basic(text));
        self.asked().into_iter().filter(plain).map(|asked| asked.host).collect()
    }

    /// The variables that lead every client to these hosts, and to loopback without them.
    pub fn variables(&self) -> Vec<(String, String)> {
        let ca = self.authority().display().to_string();
        let proxies =
            ["HTTPS_PROXY", "https_proxy", "YARN_HTTPS_PROXY"].map(|name| (name, self.proxy.clone()));
        let direct = ["NO_PROXY", "no_proxy"].map(|name| (name, "127.0.0.1,localhost".to_owned()));
        let authorities = [
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "NODE_EXTRA_CA_CERTS",
            "CARGO_HTTP_CAINFO",
            "YARN_HTTPS_CA_FILE_PATH",
        ]
        .map(|name| (name, ca.clone()));
        let all = proxies.into_iter().chain(direct).chain(authorities);
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The proxy that leads to them.
    pub fn proxy(&self) -> &str {
        &self.proxy
    }

    /// The file with their authority's certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

/// A token in an `Authorization` header of name and password.
fn basic(token: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("__token__:{token}"))
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // A certificate whose subject is its issuer's counts as signed by itself.
    params.distinguished_name.push(DnType::CommonName, "an authority of the tests");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A proxy's tunnel, whose end is the host that was asked for.
async fn tunnel(
    mut stream: TcpStream,
    authority: &Authority,
    record: Arc<Mutex<Vec<Asked>>>,
    played: Played,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16 << 10 {
        head.push(stream.read_u8().await.ok()?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let host = text.strip_prefix("CONNECT ").and_then(|rest| rest.split(':').next()).map(str::to_owned);
    let asked = Asked { host: host.clone().unwrap_or_default(), text };
    record.lock().unwrap().push(asked);
    let host = host?;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    let inside = acceptor(authority, &host).accept(stream).await.ok()?;
    let service =
        service_fn(move |request| answer(host.clone(), request, Arc::clone(&record), played.clone()));
    http1::Builder::new().serve_connection(TokioIo::new(inside), service).await.ok()
}

async fn answer(
    host: String,
    request: Request<Incoming>,
    record: Arc<Mutex<Vec<Asked>>>,
    played: Played,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let mut text = format!("{} {}\n", parts.method, parts.uri);
    for (name, value) in &parts.headers {
        text += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    }
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    text += &String::from_utf8_lossy(&body);
    record.lock().unwrap().push(Asked { host: host.clone(), text });
    let (status, body) = match (parts.method.as_str(), parts.uri.path(), played) {
        (_, _, Played::Page(status)) => (status, "<html><title>Blocked</title></html>".to_owned()),
        // cargo asks where to publish.
        ("GET", "/config.json", _) => {
            (200, format!(r#"{{"dl":"https://{host}/dl","api":"https://{host}"}}"#))
        }
        ("GET", path, Played::Grant(_)) if path.ends_with("/-/ping") => (200, "{}".to_owned()),
        ("POST", _, Played::Grant(granted)) => (201, granted),
        ("GET", ..) => (404, "{}".to_owned()),
        _ => (403, r#"{"message":"nobody publishes here"}"#.to_owned()),
    };
    Ok(Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap())
}

fn acceptor(authority: &Authority, host: &str) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone(), authority.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
