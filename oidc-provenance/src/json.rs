//! Bounds on JSON from outside, checked in one pass before anything is made of it.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The bounds of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The greatest length, in bytes.
    pub(crate) bytes: usize,
    /// The greatest depth of objects and arrays in each other.
    pub(crate) depth: usize,
    /// The greatest number of values in all.
    pub(crate) values: usize,
    /// Names of which an object has one at most: readers differ in the one that they take.
    pub(crate) exclusive: &'static [&'static [&'static str]],
}

/// Checks that a text is one JSON document within the bounds, whose objects have each name once and no names that exclude each
/// other.
///
/// The error is a clause for the end of a message.
pub(crate) fn check(json: &[u8], bounds: Bounds) -> Result<&str, String> {
    if json.len() > bounds.bytes {
        return Err(format!("it is longer than {} bytes", bounds.bytes));
    }
    let text = std::str::from_utf8(json).map_err(|_| "it is not UTF-8".to_owned())?;
    let left = Cell::new(bounds.values);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Walk { depth: bounds.depth, left: &left, exclusive: bounds.exclusive }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| reason(&error))?;
    Ok(text)
}

/// The reason, with a place in the text where it is no more JSON.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if error.is_data() { text } else { format!("it is no JSON: {text}") }
}

/// A walk over one value, to this depth.
#[derive(Clone, Copy)]
struct Walk<'w> {
    depth: usize,
    left: &'w Cell<usize>,
    exclusive: &'static [&'static [&'static str]],
}

impl Walk<'_> {
    fn one<E: Error>(self) -> Result<(), E> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| E::custom("it has too many values"))?;
        self.left.set(left);
        Ok(())
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("it is nested too deeply"))?;
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! scalars {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E: Error>(self, _: $type) -> Result<(), E> {
            self.one()
        })*
    };
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.one()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        self.one()?;
        let inner = self.deeper()?;
        while elements.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.one()?;
        let inner = self.deeper()?;
        let mut names = Vec::new();
        while let Some(Name(name)) = members.next_key()? {
            names.push(name);
            members.next_value_seed(inner)?;
        }
        // Hashing a few short names takes longer.
        names.sort_unstable();
        if names.windows(2).any(|two| matches!(two, [one, next] if one == next)) {
            return Err(A::Error::custom("a member's name occurs twice in one object"));
        }
        let has = |name: &&&str| names.binary_search_by(|known| (**known).cmp(**name)).is_ok();
        let has_several = |group: &&&[&str]| group.iter().filter(has).count() > 1;
        match self.exclusive.iter().find(has_several) {
            None => Ok(()),
            Some(group) => {
                let names = group.join("`, `");
                Err(A::Error::custom(format_args!("it has several of `{names}` in one object")))
            }
        }
    }
}

/// A member's name, borrowed where it holds no escapes.
struct Name<'de>(std::borrow::Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(name.into()))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(name.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { bytes: 100, depth: 3, values: 10, exclusive: &[&["x", "y", "z"]] };

    #[test]
    fn a_document_within_its_bounds_is_taken() {
        for json in [
            "{}",
            "[[[1]]]",
            r#"{"a":{"a":[]},"b":null}"#,
            r#"{"x":{"y":1}}"#,
            "[1,2,3,4,5,6,7,8,9]",
            " \"é\" ",
        ] {
            assert_eq!(check(json.as_bytes(), BOUNDS), Ok(json));
        }
    }

    #[test]
    fn a_document_beyond_its_bounds_is_refused_with_the_reason() {
        for (json, reason) in [
            (" ".repeat(101).as_str(), "longer than 100 bytes"),
            ("[[[[]]]]", "too deeply"),
            ("[1,2,3,4,5,6,7,8,9,10]", "too many"),
            (r#"{"a":1,"a":2}"#, "occurs twice"),
            (r#"[{"b":1,"\u0062":2}]"#, "occurs twice"),
            (r#"[{"z":1,"\u0078":2}]"#, "several of `x`, `y`, `z`"),
            ("{}x", "no JSON"),
            ("[1", "no JSON"),
            ("", "no JSON"),
        ] {
            let found = check(json.as_bytes(), BOUNDS).unwrap_err();
            assert!(found.contains(reason), "{json}: {found}");
        }
        assert_eq!(check(b"\"\xff\"", BOUNDS), Err("it is not UTF-8".to_owned()));
    }
}
