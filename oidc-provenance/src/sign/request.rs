//! A request that may be repeated, and whether the other side may have acted on it.

use std::time::Duration;

use oidc_core::Context;
use oidc_core::http::{HttpError, HttpErrorKind, Request, Response, Step};

/// The time for one request. A log of version 2 answers only when a checkpoint covers the entry.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// The result of the last try, and whether any try may have been acted on.
pub(super) struct Sent {
    pub(super) result: Result<Response, HttpError>,
    pub(super) may_be_done: bool,
}

/// Sends a request, and again where that may help, within the context's policy.
pub(super) async fn send(cx: &Context, request: &Request) -> Sent {
    let mut may_be_done = false;
    let mut wait = cx.policy().first_wait();
    let mut tries = 1;
    loop {
        let result = cx.send(request.clone()).await;
        may_be_done |= may_have_acted(&result);
        let helps = match &result {
            Ok(answer) => answer.is_transient(),
            Err(error) => error.is_transient(),
        };
        let is_last = tries >= cx.policy().tries() || !cx.clock().has_timer() || wait >= cx.time_left();
        if !helps || is_last {
            return Sent { result, may_be_done };
        }
        cx.clock().sleep(wait).await;
        wait = wait.saturating_mul(4).min(cx.policy().longest_wait());
        tries += 1;
    }
}

/// Returns `true` if the other side may have acted on the request: its answer was lost, or says that it failed on the
/// way.
fn may_have_acted(result: &Result<Response, HttpError>) -> bool {
    match result {
        Ok(answer) => answer.is_transient() && answer.status != 429,
        Err(error) => match error.kind() {
            HttpErrorKind::Timeout { step, .. } => matches!(step, Step::Answer | Step::Body),
            HttpErrorKind::TooLarge(_) | HttpErrorKind::Broken(_) => true,
            _ => false,
        },
    }
}
