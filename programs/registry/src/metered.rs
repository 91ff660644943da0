//! A form's body, of which no more is read ahead than its reader may keep.
//!
//! The reader of multipart forms buffers all that arrives until it finds the next part's end or header, and looks through all
//! of it again whenever more arrives. So it gets one piece at a time, and no more than a part's header takes without giving
//! something out.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;

/// The limit on bytes that are read without any result, which are those before a part's content.
const MAX_AHEAD: usize = 256 << 10;

/// The number of bytes that were read of a body since the last result.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<AtomicUsize>);

impl Meter {
    /// The body, whose reading this counts.
    pub(crate) fn of(&self, body: Body) -> Body {
        Body::new(Metered { body, meter: self.clone(), has_given: false })
    }

    /// Something came of what was read.
    pub(crate) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

struct Metered {
    body: Body,
    meter: Meter,
    has_given: bool,
}

impl HttpBody for Metered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // The reader asks until there is nothing.
        if std::mem::take(&mut self.has_given) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let length = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok())
            .and_then(Frame::data_ref)
            .map_or(0, Bytes::len);
        let ahead = self.meter.0.fetch_add(length, Ordering::Relaxed).saturating_add(length);
        if ahead > MAX_AHEAD.max(length) {
            let error = io::Error::other("what stands before a part's content is too long");
            return Poll::Ready(Some(Err(axum::Error::new(error))));
        }
        self.has_given = true;
        Poll::Ready(frame)
    }
}

/// Bytes that are in memory already, in pieces as they come from a connection.
pub(crate) struct InPieces(pub(crate) Bytes);

/// The length of such a piece.
const PIECE: usize = 16 << 10;

impl HttpBody for InPieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.0.len().min(PIECE);
        let piece = self.0.split_to(length);
        Poll::Ready((length > 0).then(|| Ok(Frame::data(piece))))
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::{FromRequest as _, Multipart, Request};

    use super::*;
    use oidc_exchange::server::Chain;

    /// A form of these bytes, in pieces as they come from a connection.
    async fn form(bytes: &[u8], meter: &Meter) -> Multipart {
        let (mut sender, body) = http_body_util::channel::Channel::<Bytes, io::Error>::new(1);
        let bytes = Bytes::copy_from_slice(bytes);
        tokio::spawn(async move {
            for piece in bytes.chunks(16 << 10) {
                if sender.send_data(bytes.slice_ref(piece)).await.is_err() {
                    return;
                }
            }
        });
        let request = Request::post("/").header("content-type", "multipart/form-data; boundary=b");
        let request = request.body(meter.of(Body::new(body))).unwrap();
        Multipart::from_request(request, &()).await.unwrap()
    }

    #[tokio::test]
    async fn what_stands_before_a_part_is_bounded() {
        let padding = "x".repeat(1 << 20);
        for body in [
            padding.clone(),
            format!("--b\r\n{padding}"),
            format!("--b{}", " ".repeat(1 << 20)),
            format!("--b\r\ncontent-disposition: form-data; name=\"a\"; x=\"{padding}\""),
        ] {
            let meter = Meter::default();
            let mut form = form(body.as_bytes(), &meter).await;
            let error = form.next_field().await.unwrap_err();
            let chain = Chain::of(&error).to_string();
            assert!(chain.contains("too long"), "{body:.40}: {chain}");
        }
    }

    #[tokio::test]
    async fn a_part_may_be_long() {
        let content = "x\r\n".repeat(300_000);
        let body = format!("--b\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n{content}\r\n--b--\r\n");
        let meter = Meter::default();
        let mut form = form(body.as_bytes(), &meter).await;
        let (mut field, mut length) = (form.next_field().await.unwrap().unwrap(), 0);
        while let Some(bytes) = field.chunk().await.unwrap() {
            assert!(bytes.len() < 64 << 10);
            meter.reset();
            length += bytes.len();
        }
        assert_eq!(length, content.len());
    }
}
