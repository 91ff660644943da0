//! A request's body: waited for within bounds, and taken in where nobody reads it to its end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::runtime::Handle;

use super::crowd::Member;
use super::patience::Patience;

/// The time that a peer may send nothing of a body.
const ARRIVAL: Duration = Duration::from_secs(30);
/// The limit on a body that nobody reads, in bytes: about the size of a publish.
const MAX_UNREAD: usize = 80 << 20;

/// A request's body, as the router sees it.
pub(super) struct RequestBody {
    arriving: Option<Arriving>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, member: Arc<Member>) -> Self {
        let arriving = Arriving { incoming, patience: Patience::new(ARRIVAL), member };
        Self { arriving: (!arriving.incoming.is_end_stream()).then_some(arriving) }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(arriving) = &mut self.arriving else { return Poll::Ready(None) };
        let polled = Pin::new(&mut *arriving).poll_frame(cx);
        arriving.member.set_busy(polled.is_ready());
        if !matches!(polled, Poll::Pending | Poll::Ready(Some(Ok(_)))) {
            self.arriving = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.arriving.as_ref().is_none_or(|arriving| arriving.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.arriving
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), |arriving| arriving.incoming.size_hint())
    }
}

impl Drop for RequestBody {
    /// The peer may still be sending, and would not see the answer if it were cut off.
    fn drop(&mut self) {
        let arriving = self.arriving.take().filter(|arriving| !arriving.incoming.is_end_stream());
        if let (Some(arriving), Ok(runtime)) = (arriving, Handle::try_current()) {
            runtime.spawn(discard(arriving));
        }
    }
}

async fn discard(arriving: Arriving) {
    let mut left = MAX_UNREAD;
    let mut body = Body::new(arriving);
    while let Some(Ok(frame)) = body.frame().await {
        match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// A body with the time that it may take.
struct Arriving {
    incoming: Incoming,
    patience: Patience,
    member: Arc<Member>,
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Pending if self.patience.poll_end(cx).is_ready() => {
                let error = io::Error::new(io::ErrorKind::TimedOut, "the body doesn't arrive");
                Poll::Ready(Some(Err(axum::Error::new(error))))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(frame) => {
                let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
                self.patience.earn(bytes.map_or(0, Bytes::len));
                Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)))
            }
        }
    }
}
