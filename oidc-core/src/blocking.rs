//! Running the futures of these crates without an async runtime.

use std::future::Future;
use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};

/// Runs a future that never waits for a runtime, and returns its output.
///
/// A future of these crates waits only for what its [`Context`](crate::Context) holds. With a context that
/// blocks ([`Context::blocking`](crate::Context::blocking)), the future is ready when it is first polled.
///
/// # Errors
///
/// When the future is not ready at its first poll, since something in the context is asynchronous after all.
/// Effects up to that point remain, and the rest of the future is dropped.
///
/// ```
/// use oidc_core::blocking::complete;
///
/// assert_eq!(complete(async { 7 }).unwrap(), 7);
/// assert!(complete(std::future::pending::<()>()).is_err());
/// ```
pub fn complete<F: Future>(future: F) -> Result<F::Output, WouldBlock> {
    match pin!(future).poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(WouldBlock),
    }
}

/// A future that was to be completed without a runtime waits for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an operation waits for an async runtime, and there is none: expected a context whose HTTP client, commands and clock block; \
     use `Context::blocking`, or await the operation on a runtime"
)]
#[expect(clippy::exhaustive_structs, reason = "an executor of one's own says it")]
pub struct WouldBlock;
