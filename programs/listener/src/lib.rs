//! The listener of every server here: HTTP/1.1 over TCP, with or without TLS, and a deadline for every wait.
//!
//! A peer is waited for at four places, and at none of them for a minute:
//!
//! | wait | deadline |
//! |---|---|
//! | the TLS handshake | 10 s |
//! | the next request's first byte, and its whole header | 30 s |
//! | a request's body | 30 s, which each byte that arrives prolongs, at 8 KB a second |
//! | room for the response | 45 s, likewise |
//!
//! A request that is answered before its body arrived gets its answer at once. The rest of the body is taken in and thrown
//! away, within the same deadline and a bound on its size, since a client that is cut off while it sends reports a broken
//! connection and no answer.
//!
//! The number of connections is bounded as well. Where the bound is reached, the connection that was silent longest makes room for
//! a new one, unless it is waiting for the answer to a request that may change something. One that only reads is no reason to stay:
//! many that wait for a large answer would keep everybody else out.
//!
//! Deadlines run by tokio's clock: what is slow here is a wire, never a test's manual clock.

mod body;
mod connection;
mod crowd;
mod patience;
pub mod shutdown;
mod stream;
#[cfg(test)]
#[cfg(feature = "tls")]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::rt::Timer as _;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
#[cfg(feature = "tls")]
use tokio_rustls::TlsAcceptor;

use self::connection::Connection;
use self::crowd::Crowd;

/// The number of connections at a time, unless it is configured.
pub const CONNECTIONS: usize = 512;
/// Descriptors that are kept free for the database and for files.
const OTHER_DESCRIPTORS: u64 = 128;
/// The pause after a failure before the next connection is accepted: a resource may be short, such as descriptors.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// The settings of a listener.
#[derive(Clone)]
pub struct Settings {
    connections: usize,
    grace: Duration,
    #[cfg(feature = "tls")]
    tls: Option<TlsAcceptor>,
}

impl Settings {
    /// A listener of plain HTTP with so many connections at a time. When it ends, requests that are being answered may take
    /// `grace`.
    #[must_use]
    pub fn new(connections: usize, grace: Duration) -> Self {
        Self {
            connections,
            grace,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// A listener of HTTPS, if there is a certificate.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(self, tls: Option<TlsAcceptor>) -> Self {
        Self { tls, ..self }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Settings");
        shown.field("connections", &self.connections).field("grace", &self.grace);
        #[cfg(feature = "tls")]
        shown.field("tls", &self.tls.is_some());
        shown.finish()
    }
}

/// The largest number of connections that this process has descriptors for; `None` where that is not limited.
#[must_use]
pub fn most_connections() -> Option<usize> {
    #[cfg(unix)]
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let descriptors = None;
    let most = descriptors.map(|descriptors: u64| descriptors.saturating_sub(OTHER_DESCRIPTORS).max(1));
    most.and_then(|most| usize::try_from(most).ok())
}

/// Serves `router` until `stop` ends, and then until all requests are answered or the time of grace is over.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: Settings,
    stop: impl Future<Output = ()>,
) {
    let crowd = Arc::new(Crowd::new(settings.connections));
    let (stopping, stopped) = watch::channel(false);
    let connection = Connection { router, stopped };
    let mut connections = JoinSet::new();
    tokio::select! {
        () = stop => {}
        () = accept_all(&listener, &crowd, &settings, &connection, &mut connections) => {}
    }
    drop(listener);
    stopping.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        () = all => {}
        () = TokioTimer::new().sleep(settings.grace) => {}
    }
}

/// Accepts connections without an end.
async fn accept_all(
    listener: &TcpListener,
    crowd: &Arc<Crowd>,
    #[cfg_attr(
        not(feature = "tls"),
        expect(unused_variables, reason = "TLS alone is decided by connection")
    )]
    settings: &Settings,
    connection: &Connection,
    connections: &mut JoinSet<()>,
) {
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection can't be accepted");
                TokioTimer::new().sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        // An answer goes out at once, however short.
        let _unsupported = stream.set_nodelay(true);
        let member = crowd.admit().await;
        let connection = connection.clone();
        #[cfg(feature = "tls")]
        if let Some(tls) = settings.tls.clone() {
            connections.spawn(connection.run_tls(stream, tls, member));
            continue;
        }
        connections.spawn(connection.run(stream, member));
    }
}
