//! Documents that only grow: whoever has one asks whether it has changed, and for what is new alone.
//!
//! Sources: RFC 9110, sections 8.8.3 (`ETag`), 13 and 14 (conditions and ranges); RFC 9530 (`Repr-Digest`).

use std::ops::Range;

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::pieces::{self, Pieces};

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// What is known of a document without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Representation {
    /// In bytes.
    pub(super) length: u64,
    /// The entity tag, without quotes, which no other content has.
    pub(super) tag: String,
    /// The SHA-256 in base64.
    pub(super) sha256: String,
}

impl Representation {
    /// The answer to a request with these headers. `document` gives at least as many bytes as the length says.
    pub(super) fn answer(&self, headers: &HeaderMap, document: impl Pieces) -> Response {
        let tag = format!("\"{}\"", self.tag);
        let known = [
            (ETAG, tag.clone()),
            (CACHE_CONTROL, "no-cache".to_owned()),
            (ACCEPT_RANGES, "bytes".to_owned()),
            (REPR_DIGEST, format!("sha-256=:{}:", self.sha256)),
        ];
        if is_known(headers, &tag) {
            return (StatusCode::NOT_MODIFIED, known).into_response();
        }
        let asked = asked_range(headers).filter(|_| is_of_this(headers, &tag));
        let (status, range) = match asked.map(|asked| asked.of(self.length)) {
            None => (StatusCode::OK, 0..self.length),
            Some(Some(range)) => (StatusCode::PARTIAL_CONTENT, range),
            Some(None) => {
                let range = [(CONTENT_RANGE, format!("bytes */{}", self.length))];
                return (StatusCode::RANGE_NOT_SATISFIABLE, known, range).into_response();
            }
        };
        let length = range.end.saturating_sub(range.start);
        let body = pieces::body(Cut { document, skip: range.start, left: length });
        let kind = [(CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (CONTENT_LENGTH, length.to_string())];
        let mut answer = (status, known, kind, body).into_response();
        if status == StatusCode::PARTIAL_CONTENT {
            let said = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), self.length);
            answer.headers_mut().extend(said.parse().map(|said| (CONTENT_RANGE, said)));
        }
        answer
    }
}

/// Whether a client has the content with this tag. `If-None-Match` compares weakly.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// Whether a range is meant of the content with this tag. `If-Range` compares strongly; a date is never the one of now.
fn is_of_this(headers: &HeaderMap, tag: &str) -> bool {
    headers.get(IF_RANGE).is_none_or(|value| value.as_bytes() == tag.as_bytes())
}

/// A range as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    From(u64, Option<u64>),
    Last(u64),
}

impl Asked {
    /// `None` for what is none, or several, which a server may ignore.
    fn parse(value: &str) -> Option<Self> {
        let (unit, range) = value.split_once('=')?;
        let (first, last) = range.trim().split_once('-')?;
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().unwrap_or(u64::MAX))
        };
        match (unit.eq_ignore_ascii_case("bytes"), first, last) {
            (false, ..) => None,
            (true, "", last) => number(last).map(Self::Last),
            (true, first, "") => Some(Self::From(number(first)?, None)),
            (true, first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// The bytes of a document of this length; `None` where there are none.
    fn of(self, length: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From(first, last) => {
                first..last.map_or(length, |last| last.saturating_add(1).min(length))
            }
            Self::Last(count) => length.saturating_sub(count)..length,
        };
        (!range.is_empty()).then_some(range)
    }
}

fn asked_range(headers: &HeaderMap) -> Option<Asked> {
    Asked::parse(headers.get(RANGE)?.to_str().ok()?)
}

/// A part of a document.
struct Cut<T> {
    document: T,
    skip: u64,
    left: u64,
}

#[async_trait]
impl<T: Pieces> Pieces for Cut<T> {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        while self.left > 0 {
            let mut piece = self.document.next().await?.ok_or("a document is shorter than it was")?;
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(piece.len());
            self.skip = self.skip.saturating_sub(skipped as u64);
            let mut piece = piece.split_off(skipped);
            piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left = self.left.saturating_sub(piece.len() as u64);
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::HeaderValue;

    use super::*;

    /// Ten digits, in pieces of three.
    struct Digits(u8);

    #[async_trait]
    impl Pieces for Digits {
        async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
            let piece: String = (self.0..(self.0 + 3).min(10)).map(|digit| digit.to_string()).collect();
            self.0 += 3;
            Ok((!piece.is_empty()).then(|| piece.into()))
        }
    }

    async fn answer(length: u64, headers: &[(HeaderName, &'static str)]) -> (u16, HeaderMap, String) {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        let known = Representation { length, tag: "tag".to_owned(), sha256: "abc=".to_owned() };
        let answer = known.answer(&headers, Digits(0));
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, 100).await.unwrap();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_part_of_a_document_is_the_part_that_is_asked_for() {
        for (range, status, body, said) in [
            ("bytes=0-", 206, "0123456789", "bytes 0-9/10"),
            ("bytes=9-", 206, "9", "bytes 9-9/10"),
            ("bytes=2-4", 206, "234", "bytes 2-4/10"),
            ("bytes=3-5", 206, "345", "bytes 3-5/10"),
            ("bytes=4-99999999999999999999999", 206, "456789", "bytes 4-9/10"),
            ("bytes=-3", 206, "789", "bytes 7-9/10"),
            ("bytes=-30", 206, "0123456789", "bytes 0-9/10"),
            ("bytes=10-", 416, "", "bytes */10"),
            ("bytes=99999999999999999999999-", 416, "", "bytes */10"),
            ("bytes=-0", 416, "", "bytes */10"),
            ("bytes=4-2", 200, "0123456789", ""),
            ("bytes=1-2,4-5", 200, "0123456789", ""),
            ("bytes=-", 200, "0123456789", ""),
            ("bytes=+1-", 200, "0123456789", ""),
            ("lines=1-", 200, "0123456789", ""),
        ] {
            let (found, headers, content) = answer(10, &[(RANGE, range)]).await;
            assert_eq!((found, content.as_str()), (status, body), "{range}");
            let said_range = headers.get(CONTENT_RANGE).map_or("", |value| value.to_str().unwrap());
            assert_eq!(said_range, said, "{range}");
            assert_eq!((&headers[ETAG], &headers["repr-digest"]), (&"\"tag\"".parse().unwrap(), &"sha-256=:abc=:".parse().unwrap()));
        }
    }

    #[tokio::test]
    async fn a_document_that_is_known_is_not_sent() {
        for (known, status) in [
            ("\"tag\"", 304),
            ("W/\"tag\"", 304),
            ("\"a\", \"tag\"", 304),
            ("*", 304),
            ("\"gat\"", 206),
            ("tag", 206),
        ] {
            let (found, headers, _) = answer(10, &[(IF_NONE_MATCH, known), (RANGE, "bytes=9-")]).await;
            assert_eq!(found, status, "{known}");
            assert!(headers.contains_key(ETAG));
        }
        for (of, status) in [("\"tag\"", 206), ("W/\"tag\"", 200), ("\"gat\"", 200), ("Sun, 29 Nov 2026 00:00:00 GMT", 200)] {
            assert_eq!(answer(10, &[(IF_RANGE, of), (RANGE, "bytes=9-")]).await.0, status, "{of}");
        }
    }

    /// What was published after the answer was begun is none of it.
    #[tokio::test]
    async fn a_document_ends_where_it_ended() {
        assert_eq!(answer(7, &[]).await.2, "0123456");
        assert_eq!(answer(0, &[]).await.2, "");
    }
}
