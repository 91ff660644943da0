//! What every door needs of HTTP: a bearer token, a bounded body, a JSON answer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use oidc_core::Clock;
use serde::Serialize;

use super::refusal::{Refusal, RefusalKind};

/// The body of a door's answers.
pub type AnswerBody = Full<bytes::Bytes>;

/// A request's body may have this many bytes: an identity token of the largest size, in JSON.
const MAX_BODY: usize = 64 * 1024;
/// A request's body may take this long.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// The token of `Authorization: Bearer …` (RFC 6750, section 2.1), whose scheme's case doesn't matter.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Refusal::no_token(
            "the request has no `Authorization` header; send the identity token as `Authorization: Bearer …`",
        ));
    };
    if values.next().is_some() {
        return Err(Refusal::malformed("the request has more than one `Authorization` header"));
    }
    let value = value.to_str().map_err(|_| Refusal::malformed("the `Authorization` header is not text"))?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(token.trim())
        }
        _ => Err(Refusal::no_token(
            "the `Authorization` header is not of the form `Bearer …` with an identity token",
        )),
    }
}

/// Reads a body within bounds.
pub(super) async fn read<B>(body: B, clock: &dyn Clock) -> Result<Vec<u8>, Refusal>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match within(clock, BODY_DEADLINE, Limited::new(body, MAX_BODY).collect()).await {
        Some(Ok(collected)) => Ok(collected.to_bytes().to_vec()),
        Some(Err(_)) => Err(Refusal::malformed("the request's body is longer than 64 KiB or broke off")),
        None => Err(Refusal::malformed("the request's body took longer than 10 s")),
    }
}

/// What a future gives, unless it takes longer than `limit`.
async fn within<F: Future>(clock: &dyn Clock, limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = pin!(clock.sleep(limit));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// A JSON answer that no cache keeps.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response<AnswerBody> {
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The headers that a refusal brings, whatever its protocol: who to authenticate as, when to come again.
pub(super) fn with_refusal_headers(
    mut answer: Response<AnswerBody>,
    kind: RefusalKind,
) -> Response<AnswerBody> {
    if answer.status() == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let RefusalKind::KeysUnavailable { retry_after } = kind {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
    }
    answer
}
