//! Documents that clients keep: asked for only if they changed, and from where a client's own copy ends.
//!
//! A document is read twice, once for its digests and once to be sent, so that it is never in memory as a whole. What is
//! published in between makes the digest wrong; clients check it and ask again.
//!
//! Sources: RFC 9110, sections 8.8.3 (`ETag`), 13 and 14 (conditions and ranges); RFC 9530 (`Repr-Digest`).

use std::error::Error;
use std::ops::Range;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::failure::Failure;
use super::pieces::{self, Pieces};

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// A document without its content.
pub(super) struct Representation {
    /// In bytes.
    length: u64,
    /// The entity tag with its quotes: the content's MD5, which older clients hold their copy against.
    tag: String,
    /// The content's SHA-256, as `Repr-Digest` has it.
    digest: String,
}

impl Representation {
    /// Reads a document for its length and digests.
    pub(super) async fn of(mut content: impl Pieces) -> Result<Self, Failure> {
        let (mut length, mut md5, mut sha256) = (0_u64, Md5::new(), Sha256::new());
        loop {
            let (rest, piece) = pieces::next(content).await.map_err(|error| Failure::internal(&*error))?;
            let Some(piece) = piece else { break };
            content = rest;
            length = length.saturating_add(piece.len() as u64);
            md5.update(&piece);
            sha256.update(&piece);
        }
        let tag = format!("\"{}\"", HEXLOWER.encode(&md5.finalize()));
        Ok(Self { length, tag, digest: format!("sha-256=:{}:", STANDARD.encode(sha256.finalize())) })
    }

    /// The answer to a request for the document: nothing where the client has it, a part where it asks for one, or all of it.
    pub(super) fn answer(
        &self,
        headers: &HeaderMap,
        media_type: &'static str,
        content: impl Pieces,
    ) -> Response {
        let about = [(ETAG, &self.tag), (REPR_DIGEST, &self.digest)];
        let constant = [(CACHE_CONTROL, "no-cache"), (ACCEPT_RANGES, "bytes")];
        if has_tag(headers, &IF_NONE_MATCH, &self.tag) {
            return (StatusCode::NOT_MODIFIED, about, constant).into_response();
        }
        let kind = [(CONTENT_TYPE, media_type)];
        let holds = !headers.contains_key(IF_RANGE) || has_tag(headers, &IF_RANGE, &self.tag);
        let range = headers.get(RANGE).filter(|_| holds).and_then(|range| part(range, self.length));
        match range {
            None => (about, constant, kind, pieces::body(content)).into_response(),
            Some(range) if range.is_empty() => {
                let range = [(CONTENT_RANGE, format!("bytes */{}", self.length))];
                (StatusCode::RANGE_NOT_SATISFIABLE, about, constant, range).into_response()
            }
            Some(Range { start, end }) => {
                let last = end.saturating_sub(1);
                let range = [(CONTENT_RANGE, format!("bytes {start}-{last}/{}", self.length))];
                let part = Part { content, skip: start, left: end.saturating_sub(start) };
                (StatusCode::PARTIAL_CONTENT, about, constant, kind, range, pieces::body(part))
                    .into_response()
            }
        }
    }
}

/// Returns `true` if a condition names the tag, or any. What is weak is compared as well, and fits no range.
fn has_tag(headers: &HeaderMap, condition: &HeaderName, tag: &str) -> bool {
    let values = headers.get_all(condition).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    if condition == IF_RANGE {
        tags.any(|found| found == tag)
    } else {
        tags.any(|found| found == "*" || found.strip_prefix("W/").unwrap_or(found) == tag)
    }
}

/// The one part that a `Range` asks for, empty where there is nothing of it; `None` where it asks for none or for several,
/// which are answered with the whole (RFC 9110, section 14.2).
fn part(range: &HeaderValue, length: u64) -> Option<Range<u64>> {
    let (first, last) = range.to_str().ok()?.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    match (first.trim(), last.trim()) {
        ("", last) => Some(length.saturating_sub(number(last)?)..length),
        (first, "") => Some(number(first)?..length),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| first..last.saturating_add(1).min(length))
        }
    }
}

/// A part of a document.
struct Part<P> {
    content: P,
    skip: u64,
    left: u64,
}

#[async_trait]
impl<P: Pieces> Pieces for Part<P> {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        while self.left > 0 {
            let Some(mut piece) = self.content.next().await? else {
                return Err("the document became shorter while it was sent".into());
            };
            let size =
                |bytes: u64, piece: &Bytes| usize::try_from(bytes).unwrap_or(usize::MAX).min(piece.len());
            let skipped = size(self.skip, &piece);
            drop(piece.split_to(skipped));
            piece.truncate(size(self.left, &piece));
            self.skip = self.skip.saturating_sub(skipped as u64);
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

    use super::*;

    struct Letters(Vec<&'static str>);

    #[async_trait]
    impl Pieces for Letters {
        async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
            Ok((!self.0.is_empty()).then(|| Bytes::from(self.0.remove(0))))
        }
    }

    fn letters() -> Letters {
        Letters(vec!["abc", "", "defg", "hij"])
    }

    async fn answer(headers: &[(HeaderName, &str)]) -> (StatusCode, Option<String>, String) {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        let known = Representation::of(letters()).await.unwrap();
        let answer = known.answer(&headers.collect(), "text/plain", letters());
        assert_eq!(answer.headers()[ETAG], TAG);
        let range = answer.headers().get(CONTENT_RANGE).map(|range| range.to_str().unwrap().to_owned());
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 100).await.unwrap();
        (status, range, String::from_utf8(body.to_vec()).unwrap())
    }

    /// The MD5 of `abcdefghij`.
    const TAG: &str = "\"a925576942e94b2ef57a066101b48876\"";

    #[tokio::test]
    async fn a_part_is_what_its_range_says() {
        for (range, found) in [
            ("bytes=0-", ("bytes 0-9/10", "abcdefghij")),
            ("bytes=2-", ("bytes 2-9/10", "cdefghij")),
            ("bytes=9-", ("bytes 9-9/10", "j")),
            ("bytes=0-0", ("bytes 0-0/10", "a")),
            ("bytes=2-4", ("bytes 2-4/10", "cde")),
            ("bytes=4-99", ("bytes 4-9/10", "efghij")),
            ("bytes=-3", ("bytes 7-9/10", "hij")),
            ("bytes=-99", ("bytes 0-9/10", "abcdefghij")),
        ] {
            let (status, said, body) = answer(&[(RANGE, range)]).await;
            assert_eq!(
                (status, said.as_deref(), &*body),
                (StatusCode::PARTIAL_CONTENT, Some(found.0), found.1)
            );
        }
        for range in ["bytes=10-", "bytes=99-100", "bytes=-0", "bytes=18446744073709551615-"] {
            let (status, said, body) = answer(&[(RANGE, range)]).await;
            assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
            assert_eq!((said.as_deref(), &*body), (Some("bytes */10"), ""));
        }
    }

    #[tokio::test]
    async fn what_is_no_single_range_is_answered_with_the_whole() {
        for range in [
            "bytes=",
            "bytes=-",
            "bytes=3-2",
            "bytes=0-1,3-4",
            "lines=0-",
            "bytes=+1-",
            "bytes=a-b",
            "bytes=99999999999999999999-",
        ] {
            let whole = (StatusCode::OK, None, "abcdefghij".to_owned());
            assert_eq!(answer(&[(RANGE, range)]).await, whole, "{range}");
        }
        let other = [(RANGE, "bytes=2-"), (IF_RANGE, "\"other\"")];
        assert_eq!(answer(&other).await.0, StatusCode::OK);
        let weak = format!("W/{TAG}");
        assert_eq!(answer(&[(RANGE, "bytes=2-"), (IF_RANGE, &weak)]).await.0, StatusCode::OK);
        assert_eq!(answer(&[(RANGE, "bytes=2-"), (IF_RANGE, TAG)]).await.0, StatusCode::PARTIAL_CONTENT);
    }

    #[tokio::test]
    async fn who_has_the_document_gets_nothing() {
        let weak = format!("\"other\", W/{TAG}");
        for tags in [TAG, &weak, "*"] {
            let none = (StatusCode::NOT_MODIFIED, None, String::new());
            assert_eq!(answer(&[(IF_NONE_MATCH, tags), (RANGE, "bytes=2-")]).await, none, "{tags}");
        }
        assert_eq!(answer(&[(IF_NONE_MATCH, "\"other\"")]).await.0, StatusCode::OK);
        assert_eq!(answer(&[(IF_NONE_MATCH, TAG.trim_matches('"'))]).await.0, StatusCode::OK);
    }
}
