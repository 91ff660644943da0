//! One connection, from its handshake to its end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
#[cfg(feature = "tls")]
use hyper::rt::Timer as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
#[cfg(feature = "tls")]
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::body::RequestBody;
use super::crowd::Member;
use super::stream::Stream;

/// The deadline of a TLS handshake.
#[cfg(feature = "tls")]
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The deadline of the next request's header, from the end of the answer before it.
const HEADER: Duration = Duration::from_secs(30);
/// The limit on a request's header, in bytes, and how much is read or written at once.
const BUFFER: usize = 64 << 10;

/// The state that the connections of a listener share.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) router: Router,
    /// Turns true when the listener ends.
    pub(super) stopped: watch::Receiver<bool>,
}

impl Connection {
    /// Answers the requests of a peer that speaks TLS, after the handshake.
    #[cfg(feature = "tls")]
    pub(super) async fn run_tls<S>(self, stream: S, tls: TlsAcceptor, member: Arc<Member>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let handshake = tokio::select! {
            handshake = tls.accept(stream) => handshake,
            () = TokioTimer::new().sleep(HANDSHAKE) => return,
            () = member.told_to_leave() => return,
        };
        match handshake {
            Ok(stream) => self.run(stream, member).await,
            Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
        }
    }

    /// Answers a peer's requests until either of them ends the connection.
    pub(super) async fn run<S>(self, stream: S, member: Arc<Member>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Self { router, mut stopped } = self;
        let of_request = Arc::clone(&member);
        let service = service_fn(move |request| answer(router.clone(), request, Arc::clone(&of_request)));
        let stream = TokioIo::new(Stream::new(stream, Arc::clone(&member)));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER)
            .max_buf_size(BUFFER)
            .serve_connection(stream, service);
        let mut connection = std::pin::pin!(connection);
        let stop = async move {
            // An error means that the listener is gone, which is the same wish.
            let _wish = stopped.wait_for(|stopped| *stopped).await;
        };
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = member.told_to_leave() => return,
            () = stop => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection was broken off");
        }
    }
}

async fn answer(
    router: Router,
    request: Request<Incoming>,
    member: Arc<Member>,
) -> Result<Response, Infallible> {
    // A request that changes nothing can be sent again.
    member.set_busy(!request.method().is_safe());
    let request = request.map(|body| Body::new(RequestBody::new(body, Arc::clone(&member))));
    let response = router.oneshot(request).await;
    member.set_busy(false);
    response
}
