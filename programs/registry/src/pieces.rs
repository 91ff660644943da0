//! Bodies that are sent piece by piece, each piece made when the client has taken those before.
//!
//! What is served can be as large as a publisher made it, and a client as slow as it likes. So what is in memory for an answer
//! is one piece, and no connection to the database is held between two of them.

use std::error::Error;
use std::ops::Range;

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use http_body_util::channel::{Channel, Sender};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::failure::Failure;
use super::intake::blocking;

/// The approximate size of a piece, in bytes.
pub(super) const PIECE: i64 = 128 << 10;

/// The number of pieces that are made at a time.
const AT_A_TIME: usize = 4;
static TURNS: Semaphore = Semaphore::const_new(AT_A_TIME);

type BoxError = Box<dyn Error + Send + Sync>;

/// The source of a body, piece by piece.
#[async_trait]
pub(super) trait Pieces: Send + 'static {
    /// The next piece; `None` behind the last one.
    async fn next(&mut self) -> Result<Option<Bytes>, BoxError>;
}

/// The pieces of one, and then those of another.
pub(super) struct Chain<A, B>(pub(super) A, pub(super) B);

#[async_trait]
impl<A: Pieces, B: Pieces> Pieces for Chain<A, B> {
    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        match self.0.next().await? {
            None => self.1.next().await,
            piece => Ok(piece),
        }
    }
}

/// Reads many rows beside the runtime's threads, a few such reads at a time. Rows take microseconds each, without a pause where SQLite
/// has them ready, and other requests on a thread would wait for all of them.
pub(super) async fn aside<T: Send + 'static>(
    reads: impl Future<Output = T> + Send + 'static,
) -> Result<T, Failure> {
    // Nobody closes it.
    let _turn = TURNS.acquire().await.ok();
    let runtime = Handle::current();
    blocking(move || runtime.block_on(reads)).await
}

/// Makes the next piece, beside the runtime's threads, and gives the rest back with it.
pub(super) async fn next<P: Pieces>(mut pieces: P) -> Result<(P, Option<Bytes>), BoxError> {
    let made = aside(async move { pieces.next().await.map(|piece| (pieces, piece)) });
    made.await.map_err(|failure| failure.message().to_owned())?
}

/// A body of pieces. One that can't be made breaks the connection off, so that the client doesn't take the rest for the whole.
pub(super) fn body(pieces: impl Pieces) -> Body {
    let (sender, body) = Channel::<Bytes, BoxError>::new(1);
    tokio::spawn(send(pieces, sender));
    Body::new(body)
}

async fn send(mut pieces: impl Pieces, mut sender: Sender<Bytes, BoxError>) {
    loop {
        match next(pieces).await {
            // The client is gone where this fails.
            Ok((rest, Some(piece))) => match sender.send_data(piece).await {
                Ok(()) => pieces = rest,
                Err(_) => return,
            },
            Ok((_, None)) => return,
            Err(error) => {
                tracing::error!(%error, "an answer was broken off");
                return sender.abort(error);
            }
        }
    }
}

/// The positions of rows that are read together and their size together, of the position and the size of each. A row that is
/// larger than a piece stands alone.
pub(super) fn ranges(rows: impl IntoIterator<Item = (i64, i64)>) -> Vec<(Range<i64>, i64)> {
    let mut ranges = Vec::new();
    let mut current: Option<(Range<i64>, i64)> = None;
    for (position, size) in rows {
        let end = position.saturating_add(1);
        current = match current {
            Some((range, sum)) if sum.saturating_add(size) <= PIECE => {
                Some((range.start..end, sum.saturating_add(size)))
            }
            before => {
                ranges.extend(before);
                Some((position..end, size))
            }
        };
    }
    ranges.extend(current);
    ranges
}

#[cfg(test)]
mod tests {
    use std::thread::{self, ThreadId};

    use axum::body::to_bytes;

    use super::*;

    struct Countdown(u8);

    #[async_trait]
    impl Pieces for Countdown {
        async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
            self.0 = self.0.checked_sub(1).ok_or("below 0")?;
            Ok((self.0 > 1).then(|| Bytes::from(self.0.to_string())))
        }
    }

    /// An ended source stays ended, however often it is asked.
    struct Ended(Countdown);

    #[async_trait]
    impl Pieces for Ended {
        async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
            if self.0.0 <= 1 { Ok(None) } else { self.0.next().await }
        }
    }

    #[tokio::test]
    async fn a_body_is_all_pieces_or_an_error() {
        assert_eq!(to_bytes(body(Countdown(5)), 100).await.unwrap(), "432");
        assert_eq!(to_bytes(body(Countdown(2)), 100).await.unwrap(), "");
        assert!(to_bytes(body(Countdown(0)), 100).await.is_err());
        assert_eq!(to_bytes(body(Chain(Ended(Countdown(4)), Countdown(3))), 100).await.unwrap(), "322");
    }

    /// Says once whether it is made on a thread.
    struct Beside(Option<ThreadId>);

    #[async_trait]
    impl Pieces for Beside {
        async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
            let is_on = |thread| if thread == thread::current().id() { "on it" } else { "beside it" };
            Ok(self.0.take().map(|thread| is_on(thread).into()))
        }
    }

    #[tokio::test]
    async fn no_piece_is_made_on_the_thread_that_answers_others() {
        let this = Beside(Some(thread::current().id()));
        assert_eq!(to_bytes(body(this), 100).await.unwrap(), "beside it");
    }

    #[test]
    fn rows_are_read_together_as_far_as_they_are_small() {
        let sizes = [1, PIECE - 1, 1, PIECE * 4, PIECE * 4, 1, 1];
        let together = [(0..2, PIECE), (2..3, 1), (3..4, PIECE * 4), (4..5, PIECE * 4), (5..7, 2)];
        assert_eq!(ranges((0..).zip(sizes)), together);
        assert_eq!(ranges([]), []);
    }
}
