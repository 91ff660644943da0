use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::routing::{get, post};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::*;

/// No stalled connection lives longer.
const MINUTE: Duration = Duration::from_secs(60);

fn router() -> Router {
    let read = async |body: Body| match to_bytes(body, 1 << 20).await {
        Ok(body) => (StatusCode::OK, body.len().to_string()),
        Err(_) => (StatusCode::REQUEST_TIMEOUT, String::new()),
    };
    Router::new()
        .route("/ping", get(async || "pong"))
        .route("/read", post(read))
        .route("/refuse", post(async || StatusCode::FORBIDDEN))
        .route("/large", get(async || vec![b'x'; 8 << 20]))
        .route("/slow", get(async || TokioTimer::new().sleep(MINUTE * 10).await))
}

/// A connection to a listener of its own, and what ends with it.
struct Peer {
    stream: DuplexStream,
    server: tokio::task::JoinHandle<()>,
}

impl Peer {
    async fn connect(tls: Option<TlsAcceptor>) -> Self {
        let (stream, other) = tokio::io::duplex(16 << 10);
        let (stop, stopped) = watch::channel(false);
        let connection = Connection { router: router(), stopped };
        let member = Arc::new(Crowd::new(1)).admit().await;
        let server = tokio::spawn(async move {
            match tls {
                Some(tls) => connection.run_tls(other, tls, member).await,
                None => connection.run(other, member).await,
            }
            drop(stop);
        });
        Self { stream, server }
    }

    async fn with(sent: &str) -> Self {
        let mut peer = Self::connect(None).await;
        peer.stream.write_all(sent.as_bytes()).await.unwrap();
        peer
    }

    /// The time until the connection has ended, whatever the peer reads.
    async fn end(self) -> Duration {
        let timer = TokioTimer::new();
        let began = timer.now();
        tokio::select! {
            ended = self.server => ended.unwrap(),
            () = timer.sleep(MINUTE * 60) => {}
        }
        timer.now() - began
    }

    async fn answer(&mut self) -> String {
        let mut answer = [0; 512];
        let length = self.stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_stalled_peer_is_left_within_a_minute() {
    let length = "content-length: 1000\r\n\r\n";
    for sent in [
        String::new(),
        "G".to_owned(),
        "GET /ping".to_owned(),
        "GET /ping HTTP/1.1\r\nhost: x\r\n".to_owned(),
        "GET /ping HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        format!("POST /read HTTP/1.1\r\nhost: x\r\n{length}half"),
        format!("POST /refuse HTTP/1.1\r\nhost: x\r\n{length}half"),
        format!("POST /refuse HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n{length}"),
        format!("POST /nowhere HTTP/1.1\r\nhost: x\r\n{length}half"),
        "POST /read HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf".to_owned(),
        "GET /large HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
    ] {
        let end = Peer::with(&sent).await.end().await;
        assert!(end <= MINUTE, "{sent:?}: {end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_trickle_is_left_as_well() {
    let length = "content-length: 100000\r\n\r\n";
    for sent in [
        "GET /ping HTTP/1.1\r\nhost: ".to_owned(),
        format!("POST /read HTTP/1.1\r\nhost: x\r\n{length}"),
        format!("POST /refuse HTTP/1.1\r\nhost: x\r\n{length}"),
    ] {
        let Peer { mut stream, server } = Peer::with(&sent).await;
        let timer = TokioTimer::new();
        let began = timer.now();
        while !server.is_finished() && timer.now() - began < MINUTE * 60 {
            timer.sleep(Duration::from_secs(5)).await;
            let _broken = stream.write_all(b"a").await;
        }
        assert!(timer.now() - began <= MINUTE + Duration::from_secs(10), "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_sent_before_the_body_has_arrived_and_the_connection_goes_on_behind_it() {
    let mut peer = Peer::with("POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 40000\r\n\r\nhalf").await;
    assert!(peer.answer().await.starts_with("HTTP/1.1 403"));
    peer.stream.write_all(&[b'x'; 40_000 - 4]).await.unwrap();
    peer.stream.write_all(b"GET /ping HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(peer.answer().await.ends_with("pong"));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_an_error_to_whoever_reads_it() {
    let mut peer = Peer::with("POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf").await;
    assert!(peer.answer().await.starts_with("HTTP/1.1 408"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_and_a_slow_answer_are_waited_for() {
    let mut peer = Peer::with("POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 960000\r\n\r\n").await;
    for _ in 0..60 {
        peer.stream.write_all(&[b'x'; 16_000]).await.unwrap();
        TokioTimer::new().sleep(Duration::from_secs(2)).await;
    }
    assert!(peer.answer().await.ends_with("960000"));
    peer.stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(peer.answer().await.starts_with("HTTP/1.1 200"));
    peer.stream.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let (mut left, mut buffer) = (8 << 20, vec![0; 160 << 10]);
    while left > 0 {
        TokioTimer::new().sleep(Duration::from_millis(500)).await;
        let read = peer.stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "{left}");
        left = usize::saturating_sub(left, read);
    }
}

fn acceptor() -> TlsAcceptor {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(signed.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap().with_no_client_auth().with_single_cert(vec![signed.cert.der().clone()], key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_stalls_is_left() {
    assert!(Peer::connect(Some(acceptor())).await.end().await <= MINUTE);
    let mut peer = Peer::connect(Some(acceptor())).await;
    peer.stream.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
    assert!(peer.end().await <= MINUTE);
}

#[tokio::test]
async fn more_idle_connections_than_there_may_be_keep_nobody_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let settings = Settings::new(8, Duration::ZERO);
    let server = tokio::spawn(serve(listener, router(), settings, async { stopped.await.unwrap() }));
    let mut crowd = Vec::new();
    for sent in ["", "GET /pi", "GET /ping HTTP/1.1\r\n", "POST /read HTTP/1.1\r\ncontent-length: 9\r\n\r\nx"]
        .repeat(8)
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        crowd.push(stream);
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("pong"), "{answer}");
    stop.send(()).unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn requests_that_only_read_and_take_long_keep_nobody_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = Settings::new(8, Duration::ZERO);
    let server = tokio::spawn(serve(listener, router(), settings, std::future::pending()));
    let mut crowd = Vec::new();
    for _ in 0..16 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        crowd.push(stream);
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    tokio::select! {
        read = stream.read_to_string(&mut answer) => assert!(read.is_ok()),
        () = TokioTimer::new().sleep(Duration::from_secs(20)) => {}
    }
    assert!(answer.ends_with("pong"), "{answer}");
    server.abort();
}
