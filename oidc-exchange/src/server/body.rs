//! The bodies of requests and answers, each of one type, whatever HTTP server the application uses.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited};

/// The limit on a request's body, in bytes: the largest identity token, in JSON.
const MAX_BODY: usize = 64 * 1024;

/// The body of an endpoint's answer. It is in memory as a whole and not streamed.
#[derive(Clone, Debug, Default)]
pub struct AnswerBody(Full<Bytes>);

impl From<Vec<u8>> for AnswerBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Full::from(bytes))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.get_mut().0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// A request's body of at most [`MAX_BODY`] bytes. It is one type for the bodies of all servers, so that an
/// endpoint is compiled once.
pub(super) struct RequestBody(UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>);

impl RequestBody {
    pub(super) fn new<B>(body: B) -> Self
    where
        B: Body + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        // Limited before the frames are copied, so that no larger frame is copied.
        let limited = Limited::new(body, MAX_BODY);
        let to_bytes =
            |frame: Frame<B::Data>| frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
        Self(limited.map_frame(to_bytes).boxed_unsync())
    }

    /// Reads the whole body; `None` where it is too long or broke off.
    pub(super) async fn read(self) -> Option<Bytes> {
        Some(self.0.collect().await.ok()?.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[tokio::test]
    async fn a_body_of_any_buffer_is_read_whole_and_no_further_than_its_bound() {
        let of = |length: usize| RequestBody::new(Full::new(VecDeque::from(vec![b'x'; length])));
        assert_eq!(of(MAX_BODY).read().await.map(|body| body.len()), Some(MAX_BODY));
        assert_eq!(of(MAX_BODY + 1).read().await, None);
    }

    #[test]
    fn an_answer_says_how_long_it_is() {
        let answer = AnswerBody::from(b"{}".to_vec());
        assert_eq!((answer.size_hint().exact(), answer.is_end_stream()), (Some(2), false));
        assert!(AnswerBody::default().is_end_stream());
    }
}
