//! A server that records what comes over the wire and answers as it is told.
// One of the two binaries that use this takes less of it.
#![allow(dead_code, unreachable_pub)]
// The wire is real, and so is its time.
#![allow(clippy::disallowed_methods)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use oidc_core::testing::FakeIssuer;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The same token for the same audience.
pub fn id_token(audience: &str) -> String {
    FakeIssuer::new("https://issuer.example").sign(&json!({ "aud": audience, "jti": "1" }))
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
    pub then: Then,
}

/// The behaviour of a server after the beginning of its answer.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    Close,
    SendForever,
    Drip,
    SayNothing,
    HangUp,
}

impl Answer {
    pub fn json(status: u16, body: &str) -> Self {
        let headers = format!("content-length: {}\r\n", body.len());
        Self { status, headers, body: body.to_owned(), then: Then::Close }
    }

    pub fn endless(headers: &str) -> Self {
        Self { headers: headers.to_owned(), then: Then::SendForever, ..Self::json(200, "") }
    }

    pub fn dripping() -> Self {
        Self { headers: "content-length: 1000\r\n".to_owned(), then: Then::Drip, ..Self::json(200, "") }
    }

    pub fn silent() -> Self {
        Self { then: Then::SayNothing, ..Self::json(200, "") }
    }

    pub fn hang_up() -> Self {
        Self { then: Then::HangUp, ..Self::json(200, "") }
    }

    async fn send(&self, to: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        match self.then {
            Then::SayNothing => tokio::time::sleep(Duration::from_secs(60)).await,
            Then::HangUp => return Ok(()),
            Then::Close | Then::SendForever | Then::Drip => {}
        }
        let head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n{}\r\n", self.status, self.headers);
        to.write_all(format!("{head}{}", self.body).as_bytes()).await?;
        match self.then {
            Then::SendForever => loop {
                to.write_all(b"4\r\naaaa\r\n").await?;
            },
            Then::Drip => loop {
                to.write_all(b"a").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            },
            Then::Close | Then::SayNothing | Then::HangUp => to.shutdown().await,
        }
    }
}

#[derive(Debug)]
pub struct Wire {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    /// A server over plain TCP; it does for a proxy of plain http too.
    pub async fn start(answer: Answer) -> Self {
        Self::serve(answer, None).await
    }

    /// A proxy whose tunnels all end at a server with TLS.
    pub async fn start_tls(answer: Answer, acceptor: TlsAcceptor) -> Self {
        Self::serve(answer, Some(acceptor)).await
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The heads of all requests, as they came.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    async fn serve(answer: Answer, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, acceptor, record) = (answer.clone(), acceptor.clone(), Arc::clone(&record));
                tokio::spawn(async move {
                    // A client that gives up is what some tests are about.
                    let _gave_up = talk(stream, &answer, acceptor, &record).await;
                });
            }
        });
        Self { url, requests }
    }
}

async fn talk(
    mut stream: tokio::net::TcpStream,
    answer: &Answer,
    acceptor: Option<TlsAcceptor>,
    record: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let request = head(&mut stream).await?;
    record.lock().unwrap().push(request);
    let Some(acceptor) = acceptor else { return answer.send(&mut stream).await };
    stream.write_all(b"HTTP/1.1 200 X\r\n\r\n").await?;
    let mut inside = acceptor.accept(stream).await?;
    let request = head(&mut inside).await?;
    record.lock().unwrap().push(request);
    answer.send(&mut inside).await
}

/// Everything up to the empty line.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(head).unwrap())
}

/// A private certificate authority with one server, whose certificate it is itself.
#[derive(Debug)]
pub struct Authority {
    pem: String,
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub fn of(host: &str) -> Self {
        Self::signed(&CertificateParams::new([host.to_owned()]).unwrap())
    }

    /// One whose certificate's issuer has this name.
    pub fn named(host: &str, name: &str) -> Self {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        Self::signed(&params)
    }

    /// An authority whose certificate may issue others.
    pub fn itself(host: &str) -> Self {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self::signed(&params)
    }

    /// One whose certificate is valid from one year's beginning to another's.
    pub fn valid(host: &str, from: i32, until: i32) -> Self {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        Self::signed(&params)
    }

    fn signed(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), certificate, key }
    }

    pub fn pem(&self) -> &str {
        &self.pem
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}
