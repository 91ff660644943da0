//! A check of JSON for objects in which a name occurs twice.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

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

impl UniqueNames {
    /// Returns `true` if no object in `json` has a name twice; an error if `json` is invalid.
    pub(super) fn hold_in(json: &str) -> Result<bool, serde_json::Error> {
        let mut is_duplicate = false;
        let mut deserializer = serde_json::Deserializer::from_str(json);
        match (UniqueNamesVisitor { is_duplicate: &mut is_duplicate }).deserialize(&mut deserializer) {
            Ok(Self) => Ok(true),
            Err(_) if is_duplicate => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl<'de> Deserialize<'de> for UniqueNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        UniqueNamesVisitor { is_duplicate: &mut false }.deserialize(deserializer)
    }
}

struct UniqueNamesVisitor<'a> {
    is_duplicate: &'a mut bool,
}

impl UniqueNamesVisitor<'_> {
    fn inner(&mut self) -> UniqueNamesVisitor<'_> {
        UniqueNamesVisitor { is_duplicate: self.is_duplicate }
    }
}

impl<'de> DeserializeSeed<'de> for UniqueNamesVisitor<'_> {
    type Value = UniqueNames;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueNamesVisitor<'_> {
    type Value = UniqueNames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        // serde_json itself accepts an object with equal names.
        let mut names = HashSet::new();
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            if !names.insert(name) {
                *self.is_duplicate = true;
                return Err(A::Error::custom("a name occurs twice"));
            }
            map.next_value_seed(self.inner())?;
        }
        Ok(UniqueNames)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element_seed(self.inner())?.is_some() {}
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
