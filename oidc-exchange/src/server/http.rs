//! The parts of HTTP that every endpoint needs: a bearer token, a bounded body, a JSON answer.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use oidc_core::{Clock, holds_identity_token};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::body::{AnswerBody, RequestBody};
use super::exchange::Exchange;
use super::refusal::Refusal;
use super::refusal_kind::RefusalKind;
use super::request::{ExchangeRequest, Minted};
use crate::npm::is_placeholder;

/// The time for reading a request's body.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// The token of `Authorization: Bearer …` (RFC 6750, section 2.1). The case of the scheme does not matter.
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
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && is_placeholder(token.trim()) => {
            Err(Refusal::no_token(
                "the `Authorization` header holds the placeholder of `actions/setup-node` and no identity token; send the \
                 identity token as `Authorization: Bearer …`",
            ))
        }
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(token.trim())
        }
        _ => Err(Refusal::no_token(
            "the `Authorization` header is not of the form `Bearer …` with an identity token",
        )),
    }
}

/// The explanation for a caller that wants to revoke an identity token as if it were a publish token.
/// `exchange` is the endpoint where the identity token belongs.
pub(super) fn unexchanged(sent: &str, exchange: &str) -> Option<String> {
    holds_identity_token(sent).then(|| {
        format!(
            "this is an identity token of a CI job (a JWT) and no publish token; exchange it first, with {exchange}. It can't \
             be ended here and expires by itself"
        )
    })
}

/// Reads a body within bounds and returns a text of its JSON object.
pub(super) async fn member(body: RequestBody, clock: &dyn Clock, name: &str) -> Result<String, Refusal> {
    document(body, clock).await?.text(name)
}

/// Reads a body within bounds as a JSON object. A body that is no JSON object has no members.
pub(super) async fn document(body: RequestBody, clock: &dyn Clock) -> Result<Document, Refusal> {
    let body = read(body, clock).await?;
    // A body that is not a JSON object lacks every member, and `Document::text` reports that.
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

/// A JSON object whose values are parsed when they are asked for. Parsed as a whole, a hostile body could
/// take up to 300 times as much memory as its text.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Document(BTreeMap<String, Box<RawValue>>);

impl Document {
    /// Returns the text of a member.
    pub(super) fn text(&self, name: &str) -> Result<String, Refusal> {
        match self.value::<String>(name) {
            Some(text) if text.is_empty() => Err(Refusal::no_token(format!("`{name}` is empty"))),
            Some(text) => Ok(text),
            None => Err(Refusal::malformed(format!("the body is not a JSON object with the text `{name}`"))),
        }
    }

    /// Returns `true` if there is a member of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the value of a member, if it is of this type.
    pub(super) fn value<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Option<T> {
        self.0.get(name).and_then(|value| serde_json::from_str(value.get()).ok())
    }
}

/// Exchanges the identity token in the member `name` of a body for a publish token for every package with a
/// publisher that accepts it.
pub(super) async fn exchange_member(
    exchange: &Exchange,
    request: &ExchangeRequest,
    body: RequestBody,
    name: &str,
) -> Result<Minted, Refusal> {
    let asked = member(body, exchange.verifier().context().clock(), name).await;
    exchange_asked(exchange, request, asked).await
}

/// Exchanges the identity token of a request, if it holds one, for a publish token for every package with a
/// publisher that accepts it.
pub(super) async fn exchange_asked(
    exchange: &Exchange,
    request: &ExchangeRequest,
    asked: Result<String, Refusal>,
) -> Result<Minted, Refusal> {
    match asked {
        Ok(token) => exchange.exchange(&token, request).await,
        Err(refusal) => Err(exchange.refused(request, refusal)),
    }
}

/// Reads a body within bounds.
pub(super) async fn read(body: RequestBody, clock: &dyn Clock) -> Result<Bytes, Refusal> {
    match within(clock, BODY_DEADLINE, body.read()).await {
        Some(Some(body)) => Ok(body),
        Some(None) => Err(Refusal::malformed("the request's body is longer than 64 KiB or broke off")),
        None => Err(Refusal::malformed("the request's body took longer than 10 s")),
    }
}

/// Returns the output of a future, unless the future takes longer than `limit`.
async fn within<F: Future>(clock: &dyn Clock, limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = pin!(clock.sleep(limit));
    // The future is polled first, so that its output counts even where the deadline has passed as well.
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// A JSON answer that caches must not store.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response<AnswerBody> {
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut answer = Response::new(AnswerBody::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // The answer may contain a publish token.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The answer to a refused request: the protocol's own members, and the member `diagnosis`, which tells
/// programs the same as the text tells people. The known clients ignore additional members.
pub(super) fn explained(status: StatusCode, mut body: Value, refusal: &Refusal) -> Response<AnswerBody> {
    if let (Some(members), Ok(diagnosis)) =
        (body.as_object_mut(), serde_json::to_value(refusal.diagnosis().escaped()))
    {
        members.insert("diagnosis".to_owned(), diagnosis);
    }
    with_refusal_headers(json(status, &body), refusal.kind())
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<AnswerBody> {
    let mut answer = Response::new(AnswerBody::default());
    *answer.status_mut() = status;
    answer
}

/// The answer to a request whose method is not one of `methods`.
pub(super) fn allowing(methods: &'static str, mut answer: Response<AnswerBody>) -> Response<AnswerBody> {
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}

/// Adds the headers of refusals in all protocols: the authentication scheme, and the time after which to try
/// again.
fn with_refusal_headers(mut answer: Response<AnswerBody>, kind: RefusalKind) -> Response<AnswerBody> {
    if answer.status() == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let RefusalKind::KeysUnavailable { retry_after } = kind {
        // Part of a second would become 0, which asks clients to come back at once.
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_gives_the_texts_that_are_asked_for_and_builds_nothing_else() {
        let deep = "[".repeat(300) + &"]".repeat(300);
        let body = format!(r#"{{"a":"1","a":"2","b":{deep},"c":"","d":1,"e":["x"]}}"#);
        let document: Document = serde_json::from_str(&body).unwrap();
        assert_eq!(document.text("a").unwrap(), "2");
        assert_eq!(document.text("c").unwrap_err().kind(), RefusalKind::NoToken);
        for name in ["b", "d", "e", "absent"] {
            assert_eq!(document.text(name).unwrap_err().kind(), RefusalKind::Malformed, "{name}");
        }
        assert!(document.has("b") && !document.has("absent"));
        assert_eq!(document.value::<Vec<String>>("e").unwrap(), ["x"]);
    }
}
