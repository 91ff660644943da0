use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::text::shown;
use crate::time::Timestamp;

/// A token with more claims than this is refused. GitHub's tokens have about 40, plus custom properties.
pub const MAX_CLAIMS: usize = 256;

/// What an identity token says: the decoded buffer and an index of its members, not a tree of owned values.
///
/// Names are unique at every depth (RFC 8725 asks for it, RFC 7519 section 4 allows to refuse them).
#[derive(Clone)]
pub struct Claims {
    json: String,
    members: Vec<Member>,
}

#[derive(Clone)]
struct Member {
    name: Name,
    value: Range<usize>,
}

/// A member's name: where it stands in the buffer, or its own text where it was written with escapes.
#[derive(Clone)]
enum Name {
    Borrowed(Range<usize>),
    Owned(Box<str>),
}

impl Claims {
    /// Reads a JSON object.
    ///
    /// # Errors
    ///
    /// When the bytes are not one JSON object in UTF-8, a name occurs twice, or there are more than
    /// [`MAX_CLAIMS`] members.
    pub fn parse(json: impl Into<Vec<u8>>) -> Result<Self, InvalidClaims> {
        let json = String::from_utf8(json.into()).map_err(|_| InvalidClaims::Syntax)?;
        let members = index(&json)?;
        Ok(Self { json, members })
    }

    /// The claim of this name, if the token has it. A JSON `null` is a claim.
    pub fn get(&self, name: &str) -> Option<ClaimValue<'_>> {
        let member = self.members.iter().find(|member| self.name(member) == name)?;
        Some(ClaimValue(self.json.get(member.value.clone())?))
    }

    /// The text of a claim that is a JSON string; `None` where it is absent or of another type.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name)?.as_text()
    }

    /// A claim that is a plausible point in time; see [`ClaimValue::as_time`].
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        self.get(name)?.as_time()
    }

    /// Every claim with its name, in the token's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, ClaimValue<'_>)> {
        self.members
            .iter()
            .filter_map(|member| Some((self.name(member), ClaimValue(self.json.get(member.value.clone())?))))
    }

    fn name<'a>(&'a self, member: &'a Member) -> &'a str {
        member.name.in_text(&self.json)
    }
}

impl Name {
    fn in_text<'a>(&'a self, json: &'a str) -> &'a str {
        match self {
            Self::Borrowed(range) => json.get(range.clone()).unwrap_or_default(),
            Self::Owned(name) => name,
        }
    }
}

impl fmt::Debug for Claims {
    /// Shows names only: values may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// The JSON value of one claim, as it stands in the token.
#[derive(Clone, Copy)]
pub struct ClaimValue<'a>(&'a str);

impl<'a> ClaimValue<'a> {
    /// The text, if it is a JSON string. Borrowed unless it holds escapes.
    pub fn as_text(&self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            serde_json::from_str::<String>(self.0).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inner))
        }
    }

    /// The value, if it is JSON's `true` or `false`. The strings `"true"` and `"false"` are not.
    pub fn as_bool(&self) -> Option<bool> {
        match self.0 {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The value, if it is a JSON number that is a whole number from 0 to 2^64 - 1.
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// A JSON number of seconds since the epoch that is a plausible time (RFC 7519, section 2, `NumericDate`):
    /// neither negative nor after the year 9999. A fraction is dropped.
    pub fn as_time(&self) -> Option<Timestamp> {
        let seconds = match self.as_u64() {
            Some(seconds) => seconds,
            None => whole_seconds(self.0)?,
        };
        (seconds <= Timestamp::MAX.as_secs()).then(|| Timestamp::from_secs(seconds))
    }

    /// Whether this is JSON's `null`.
    pub fn is_null(&self) -> bool {
        self.0 == "null"
    }

    /// Whether this is `expected` as a string, or an array that holds `expected` and nothing else. That is how
    /// `aud` is compared: several audiences in one token would let one of them use it at another.
    pub fn is_exactly(&self, expected: &str) -> bool {
        if self.0.starts_with('[') {
            return matches!(serde_json::from_str::<[Cow<'a, str>; 1]>(self.0), Ok([one]) if one == expected);
        }
        self.as_text().is_some_and(|text| text == expected)
    }

    /// The JSON text.
    pub fn raw(&self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for ClaimValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", shown(self.0))
    }
}

impl fmt::Display for ClaimValue<'_> {
    /// Writes a string between backticks and anything else as JSON, fit to be shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_text() {
            Some(text) => write!(f, "`{}`", shown(&text)),
            None => write!(f, "{}", shown(self.0)),
        }
    }
}

/// The whole seconds of a JSON number with a fraction or an exponent.
fn whole_seconds(number: &str) -> Option<u64> {
    let value: f64 = serde_json::from_str(number).ok()?;
    let limit = 253_402_300_800.0;
    if !(0.0..limit).contains(&value) {
        return None;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 <= value < limit was checked"
    )]
    Some(value as u64)
}

/// Claims could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidClaims {
    /// Not a JSON object in UTF-8.
    #[error("expected one JSON object")]
    Syntax,
    /// A name occurs twice in one object.
    #[error("a member's name occurs twice in one object")]
    Duplicate,
    /// More than [`MAX_CLAIMS`] members.
    #[error("more than {MAX_CLAIMS} members")]
    TooMany,
}

const DUPLICATE: &str = "duplicate";
const TOO_MANY: &str = "too many";

/// Finds every member of a JSON object, each name once.
fn index(json: &str) -> Result<Vec<Member>, InvalidClaims> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let members = deserializer.deserialize_map(Indexer { json }).map_err(|error| reason(&error))?;
    deserializer.end().map_err(|_| InvalidClaims::Syntax)?;
    Ok(members)
}

fn reason(error: &serde_json::Error) -> InvalidClaims {
    let text = error.to_string();
    if text.starts_with(DUPLICATE) {
        InvalidClaims::Duplicate
    } else if text.starts_with(TOO_MANY) {
        InvalidClaims::TooMany
    } else {
        InvalidClaims::Syntax
    }
}

struct Indexer<'de> {
    json: &'de str,
}

impl<'de> Visitor<'de> for Indexer<'de> {
    type Value = Vec<Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<Member> = Vec::with_capacity(48);
        while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            if members.iter().any(|member| member.name.in_text(self.json) == name) {
                return Err(A::Error::custom(DUPLICATE));
            }
            if members.len() == MAX_CLAIMS {
                return Err(A::Error::custom(TOO_MANY));
            }
            let value = value.get();
            if value.starts_with(['{', '[']) {
                serde_json::from_str::<UniqueNames>(value).map_err(A::Error::custom)?;
            }
            let at = match &name {
                Cow::Borrowed(name) => Name::Borrowed(range(self.json, name)),
                Cow::Owned(name) => Name::Owned(name.as_str().into()),
            };
            members.push(Member { name: at, value: range(self.json, value) });
        }
        Ok(members)
    }
}

/// Where `part`, a slice of `whole`, stands in it.
fn range(whole: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

/// A JSON string, borrowed unless it holds escapes.
pub(crate) struct Text<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// Any JSON value in which no object has a name twice.
pub(crate) struct UniqueNames;

impl<'de> Deserialize<'de> for UniqueNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueNamesVisitor)
    }
}

struct UniqueNamesVisitor;

impl<'de> DeserializeSeed<'de> for UniqueNamesVisitor {
    type Value = UniqueNames;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        UniqueNames::deserialize(deserializer)
    }
}

impl<'de> Visitor<'de> for UniqueNamesVisitor {
    type Value = UniqueNames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = HashSet::new();
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            if !names.insert(name) {
                return Err(A::Error::custom(DUPLICATE));
            }
            map.next_value_seed(UniqueNamesVisitor)?;
        }
        Ok(UniqueNames)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element_seed(UniqueNamesVisitor)?.is_some() {}
        Ok(UniqueNames)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(UniqueNames)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(UniqueNames)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(UniqueNames)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(UniqueNames)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(UniqueNames)
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(UniqueNames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Claims {
        Claims::parse(json).unwrap()
    }

    #[test]
    fn values_keep_their_types() {
        let claims = parse(r#"{"s":"a\u0062","t":true,"q":"true","n":12,"z":null,"e\u0078p":1}"#);
        assert_eq!(claims.text("s").unwrap(), "ab");
        assert_eq!(claims.text("t"), None);
        assert_eq!(claims.get("t").unwrap().as_bool(), Some(true));
        assert_eq!(claims.get("q").unwrap().as_bool(), None);
        assert_eq!(claims.get("n").unwrap().as_u64(), Some(12));
        assert!(claims.get("z").unwrap().is_null());
        assert_eq!(claims.time("exp"), Some(Timestamp::from_secs(1)));
        assert!(claims.get("missing").is_none());
    }

    #[test]
    fn a_name_that_occurs_twice_is_refused_at_every_depth() {
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[{"y":{"a":1,"\u0061":2}}]}"#,
        ] {
            assert_eq!(Claims::parse(json).unwrap_err(), InvalidClaims::Duplicate, "{json}");
        }
        parse(r#"{"a":{"a":{"a":1}},"b":{"a":1}}"#);
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for json in ["", "null", "[]", "{", "{}x", "{'a':1}", "{\"a\":1,}", "\u{feff}{}", "{\"a\":nul}"] {
            assert_eq!(Claims::parse(json).unwrap_err(), InvalidClaims::Syntax, "{json}");
        }
        assert_eq!(Claims::parse(vec![b'{', 0xff, b'}']).unwrap_err(), InvalidClaims::Syntax);
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(Claims::parse(deep).unwrap_err(), InvalidClaims::Syntax);
        let many: Vec<String> = (0..=MAX_CLAIMS).map(|n| format!("\"c{n}\":0")).collect();
        assert_eq!(Claims::parse(format!("{{{}}}", many.join(","))).unwrap_err(), InvalidClaims::TooMany);
    }

    #[test]
    fn only_plausible_numbers_are_times() {
        for (json, expected) in [
            ("0", Some(0)),
            ("1700000000", Some(1_700_000_000)),
            ("1700000000.9", Some(1_700_000_000)),
            ("1.7e9", Some(1_700_000_000)),
            ("253402300799", Some(253_402_300_799)),
            ("253402300800", None),
            ("18446744073709551615", None),
            ("18446744073709551616", None),
            ("1e400", None),
            ("-1", None),
            ("-0.5", None),
            ("\"1700000000\"", None),
            ("true", None),
            ("null", None),
        ] {
            let claims = Claims::parse(format!("{{\"exp\":{json}}}"));
            let found = claims.ok().and_then(|claims| claims.time("exp")).map(Timestamp::as_secs);
            assert_eq!(found, expected, "{json}");
        }
    }

    #[test]
    fn an_audience_is_one_text_or_an_array_of_one() {
        for (json, expected) in [
            (r#""a""#, true),
            (r#"["a"]"#, true),
            (r#"["a","a"]"#, false),
            (r#"["a","b"]"#, false),
            (r#"[["a"]]"#, false),
            ("[]", false),
            (r#""A""#, false),
            (r#""a ""#, false),
            (r#"{"a":"a"}"#, false),
        ] {
            let claims = parse(&format!("{{\"aud\":{json}}}"));
            assert_eq!(claims.get("aud").unwrap().is_exactly("a"), expected, "{json}");
        }
    }

    #[test]
    fn debug_shows_names_only() {
        assert_eq!(format!("{:?}", parse(r#"{"user_email":"a@b"}"#)), r#"{"user_email"}"#);
    }
}
