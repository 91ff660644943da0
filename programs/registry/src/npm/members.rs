//! Parts of a document of any size that are read within bounds.

use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The longest text that is read, in bytes: names, versions and tags.
pub(super) const MAX_TEXT: usize = 1_024;

/// A text of few bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Short(pub(super) String);

impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Short;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a text of at most {MAX_TEXT} bytes")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Short, E> {
                if text.len() > MAX_TEXT {
                    return Err(E::custom(format!(
                        "a text has {} bytes, expected at most {MAX_TEXT}",
                        text.len()
                    )));
                }
                Ok(Short(text.to_owned()))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// The first members of an object, at most `MOST` of them, as they stand in the text.
#[derive(Debug, Default)]
pub(super) struct Members<'a, const MOST: usize> {
    pub(super) first: Vec<(Short, &'a RawValue)>,
    /// The number of members.
    pub(super) count: usize,
}

impl<'de: 'a, 'a, const MOST: usize> Deserialize<'de> for Members<'a, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Few<const MOST: usize>;

        impl<'de, const MOST: usize> Visitor<'de> for Few<MOST> {
            type Value = Members<'de, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while members.count < MOST {
                    let Some(member) = map.next_entry::<Short, &RawValue>()? else { return Ok(members) };
                    members.first.push(member);
                    members.count += 1;
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    members.count =
                        members.count.checked_add(1).ok_or_else(|| A::Error::custom("too many members"))?;
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Few::<MOST>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_counted_and_few_are_kept() {
        let members: Members<'_, 2> =
            serde_json::from_str(r#"{ "a": [1, 2], "b": null, "c": {}, "d": 1 }"#).unwrap();
        assert_eq!((members.first.len(), members.count, members.first[0].1.get()), (2, 4, "[1, 2]"));
        let twice: Members<'_, 2> = serde_json::from_str(r#"{ "a": 1, "a": 2 }"#).unwrap();
        assert_eq!(twice.count, 2);
        for text in ["[]", "null", "{\"a\":1", "{\"a\":1,}"] {
            assert!(serde_json::from_str::<Members<'_, 1>>(text).is_err(), "{text}");
        }
        let long = format!("{{\"{}\":1}}", "x".repeat(MAX_TEXT + 1));
        assert!(serde_json::from_str::<Members<'_, 1>>(&long).is_err());
    }
}
