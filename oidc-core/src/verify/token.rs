//! The compact form of a JWS and its header, parsed strictly and without allocation.

use std::borrow::Cow;
use std::fmt;
use std::mem::MaybeUninit;

use base64_simd::{Out, URL_SAFE_NO_PAD};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::Reason;
use crate::claims::{Text, UniqueNames};
use crate::provider::Algorithm;
use crate::token::MAX_TOKEN_BYTES;

/// The limit on a decoded header, in bytes. GitHub's has about 150.
pub(super) const MAX_HEADER_BYTES: usize = 1024;
/// The limit on the members of a header. RFC 7515 defines eleven.
const MAX_HEADER_MEMBERS: usize = 16;
/// The limit on a decoded signature, in bytes: that of RSA with 8192 bits.
pub(super) const MAX_SIGNATURE_BYTES: usize = 1024;

/// The three parts of a token, still encoded.
pub(super) struct Compact<'a> {
    pub(super) header: &'a str,
    pub(super) payload: &'a str,
    pub(super) signature: &'a str,
    /// The signed bytes: header, dot, payload (RFC 7515, section 5.1).
    pub(super) signed: &'a [u8],
}

impl<'a> Compact<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, Reason> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Reason::TooLarge);
        }
        let (signed, signature) = split(token, memchr::memrchr(b'.', token.as_bytes()))?;
        let (header, payload) = split(signed, memchr::memchr(b'.', signed.as_bytes()))?;
        if header.is_empty() || payload.is_empty() || signature.is_empty() {
            return Err(Reason::Shape);
        }
        // A fourth part would be within the payload, where base64url decoding fails at the dot.
        Ok(Self { header, payload, signature, signed: signed.as_bytes() })
    }
}

/// The texts before and after the dot.
fn split(text: &str, dot: Option<usize>) -> Result<(&str, &str), Reason> {
    let (before, after) = text.split_at_checked(dot.ok_or(Reason::Shape)?).ok_or(Reason::Shape)?;
    Ok((before, after.strip_prefix('.').ok_or(Reason::Shape)?))
}

/// Uninitialized space for decoded bytes, of a fixed size.
pub(super) type Buffer<const BYTES: usize> = [MaybeUninit<u8>; BYTES];

/// Empty space.
pub(super) const fn buffer<const BYTES: usize>() -> Buffer<BYTES> {
    [MaybeUninit::uninit(); BYTES]
}

/// Decodes strict base64url (RFC 7515, section 2: no padding, no line breaks) into a buffer of fixed size.
pub(super) fn decode_into<'b>(part: &str, buffer: &'b mut [MaybeUninit<u8>]) -> Result<&'b [u8], Reason> {
    let length = URL_SAFE_NO_PAD.decoded_length(part.as_bytes()).map_err(|_| Reason::Shape)?;
    let buffer = buffer.get_mut(..length).ok_or(Reason::Shape)?;
    let decoded =
        URL_SAFE_NO_PAD.decode(part.as_bytes(), Out::from_uninit_slice(buffer)).map_err(|_| Reason::Shape)?;
    Ok(decoded)
}

/// Decodes strict base64url.
pub(super) fn decode(part: &str) -> Result<Vec<u8>, Reason> {
    URL_SAFE_NO_PAD.decode_to_vec(part).map_err(|_| Reason::Shape)
}

/// The members of a header that a verifier reads. Members that could name a key (`jku`, `jwk`, `x5u`, `x5c`)
/// are left out: they are never followed.
#[derive(Clone, Debug)]
pub(super) struct Header<'a> {
    /// The algorithm that the token claims. It is not trusted until it is found in the issuer's profile.
    pub(super) algorithm: Algorithm,
    pub(super) kid: Cow<'a, str>,
}

impl<'a> Header<'a> {
    pub(super) fn parse(json: &'a [u8]) -> Result<Self, Reason> {
        let json = std::str::from_utf8(json).map_err(|_| Reason::Header)?;
        let members: Members<'a> = serde_json::from_str(json).map_err(|_| Reason::Header)?;
        let algorithm = members.alg.as_deref().and_then(Algorithm::from_name).ok_or(Reason::Algorithm)?;
        if members.has_crit {
            return Err(Reason::Critical);
        }
        if !members.typ.is_none_or(is_jwt) {
            return Err(Reason::Type);
        }
        let kid = members.kid.filter(|kid| !kid.is_empty()).ok_or(Reason::NoKeyId)?;
        Ok(Self { algorithm, kid })
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is what `is_none_or` hands over")]
fn is_jwt(typ: Cow<'_, str>) -> bool {
    typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("application/jwt")
}

#[derive(Default)]
struct Members<'a> {
    alg: Option<Cow<'a, str>>,
    kid: Option<Cow<'a, str>>,
    typ: Option<Cow<'a, str>>,
    has_crit: bool,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        // A header has few members, so comparing all pairs is quicker than a hash set and allocates nothing.
        let mut names = [""; MAX_HEADER_MEMBERS];
        let mut free = names.iter_mut();
        // A name that is written with escapes can't be borrowed, and is refused: no issuer has a reason to
        // write one.
        while let Some(name) = map.next_key::<&'de str>()? {
            match name {
                "alg" => members.alg = Some(map.next_value::<Text<'de>>()?.0),
                "kid" => members.kid = Some(map.next_value::<Text<'de>>()?.0),
                "typ" => members.typ = Some(map.next_value::<Text<'de>>()?.0),
                other => {
                    members.has_crit |= other == "crit";
                    map.next_value::<UniqueNames>()?;
                }
            }
            *free.next().ok_or_else(|| A::Error::custom("too many"))? = name;
        }
        let used = MAX_HEADER_MEMBERS - free.len();
        let names = names.get(..used).unwrap_or_default();
        let is_first =
            |(number, name): (usize, &&str)| names.iter().position(|known| known == name) == Some(number);
        if !names.iter().enumerate().all(is_first) {
            return Err(A::Error::custom("duplicate"));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(json: &str) -> Result<(Algorithm, String), Reason> {
        let header = Header::parse(json.as_bytes())?;
        Ok((header.algorithm, header.kid.into_owned()))
    }

    #[test]
    fn a_header_names_algorithm_and_key() {
        let read =
            header(r#"{"typ":"JWT","alg":"RS256","kid":"k\u0031","x5t":"x","jku":"https://evil.example"}"#);
        assert_eq!(read.unwrap(), (Algorithm::Rs256, "k1".to_owned()));
    }

    #[test]
    fn a_header_that_says_too_little_or_too_much_is_refused() {
        for (json, reason) in [
            ("", Reason::Header),
            ("[]", Reason::Header),
            (r#"{"alg":"RS256","kid":"k"}x"#, Reason::Header),
            (r#"{"alg":"RS256","alg":"RS256","kid":"k"}"#, Reason::Header),
            (r#"{"alg":"RS256","kid":"k","x":1,"\u0078":2}"#, Reason::Header),
            (r#"{"alg":"RS256","kid":"k","x":[{"a":1,"\u0061":2}]}"#, Reason::Header),
            (r#"{"alg":"RS256","kid":"k","jwk":{"kty":"RSA","kty":"oct"}}"#, Reason::Header),
            (r#"{"alg":"RS256","kid":"k","x":"\ud800"}"#, Reason::Header),
            (r#"{"alg":7,"kid":"k"}"#, Reason::Header),
            (r#"{"alg":"RS256","kid":null}"#, Reason::Header),
            (r#"{"alg":"RS256"}"#, Reason::NoKeyId),
            (r#"{"alg":"RS256","kid":""}"#, Reason::NoKeyId),
            (r#"{"kid":"k"}"#, Reason::Algorithm),
            (r#"{"alg":"none","crit":["exp"]}"#, Reason::Algorithm),
            (r#"{"alg":"RS256","kid":"k","crit":["exp"]}"#, Reason::Critical),
            (r#"{"alg":"RS256","kid":"k","crit":null}"#, Reason::Critical),
            (r#"{"alg":"RS256","kid":"k","typ":"dpop+jwt"}"#, Reason::Type),
        ] {
            assert_eq!(header(json).unwrap_err(), reason, "{json}");
        }
        let many: Vec<String> = (0..17).map(|n| format!("\"m{n}\":0")).collect();
        assert_eq!(header(&format!("{{{}}}", many.join(","))).unwrap_err(), Reason::Header);
    }

    #[test]
    fn only_three_parts_are_a_token() {
        for token in ["", ".", "..", "a.b", "a.b.", ".b.c", "a..c", "a.b.c."] {
            assert_eq!(Compact::parse(token).err(), Some(Reason::Shape), "{token}");
        }
        assert_eq!(Compact::parse(&"a".repeat(MAX_TOKEN_BYTES + 1)).err(), Some(Reason::TooLarge));
        assert_eq!(Compact::parse("a.b.c").unwrap().signed, b"a.b");
    }

    #[test]
    fn base64_is_strict() {
        let mut buffer = buffer::<8>();
        assert_eq!(decode_into("YQ", &mut buffer).unwrap(), b"a");
        for part in ["YQ==", "YR", "Y", "Y Q", "YQ\n", "+/8", "YWFhYWFhYWFhYWFh"] {
            assert_eq!(decode_into(part, &mut buffer).unwrap_err(), Reason::Shape, "{part}");
        }
    }
}
