//! Bounds on JSON from outside, checked in one pass.

#[cfg(feature = "verify")]
mod guarded;

use std::borrow::{Borrow, Cow};
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
    let text = text(json, bounds)?;
    let mut state = State::new(bounds);
    let walk = Walk { depth: bounds.depth, before: 0, state: &mut state };
    one_document(text, |deserializer| walk.deserialize(deserializer))?;
    Ok(text)
}

/// Reads a value in the pass that makes the checks of [`check`].
#[cfg(feature = "verify")]
pub(crate) fn read<'de, T: Deserialize<'de>>(json: &'de [u8], bounds: Bounds) -> Result<T, String> {
    let mut state = State::new(bounds);
    let walk = Walk { depth: bounds.depth, before: 0, state: &mut state };
    one_document(text(json, bounds)?, |inner| T::deserialize(guarded::Guarded { inner, walk }))
}

/// The text, if it is not too long.
fn text(json: &[u8], bounds: Bounds) -> Result<&str, String> {
    if json.len() > bounds.bytes {
        return Err(format!("it is longer than {} bytes", bounds.bytes));
    }
    std::str::from_utf8(json).map_err(|_| "it is not UTF-8".to_owned())
}

type FromText<'de> = serde_json::Deserializer<serde_json::de::StrRead<'de>>;

fn one_document<'de, T>(
    text: &'de str,
    read: impl FnOnce(&mut FromText<'de>) -> serde_json::Result<T>,
) -> Result<T, String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = read(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| reason(&error))
}

/// The reason, with a place in the text where it is no more JSON.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if error.is_data() { text } else { format!("it is no JSON: {text}") }
}

/// The reason to refuse an object that readers may understand differently.
const TWICE: &str = "a member's name occurs twice in one object";

/// The state of a walk over a document.
struct State<'de> {
    /// The number of values that may follow.
    left: usize,
    exclusive: &'static [&'static [&'static str]],
    /// The names of the objects that are being read, those of the innermost object last.
    names: Vec<Name<'de>>,
}

/// A walk over one value, to this depth.
struct Walk<'w, 'de> {
    depth: usize,
    /// The number of names that belong to the objects around this value.
    before: usize,
    state: &'w mut State<'de>,
}

impl<'de> Walk<'_, 'de> {
    fn one<E: Error>(&mut self) -> Result<(), E> {
        let left = self.state.left.checked_sub(1).ok_or_else(|| E::custom("it has too many values"))?;
        self.state.left = left;
        Ok(())
    }

    /// Counts an object or array, and returns the depth of what is in it.
    fn deeper<E: Error>(&mut self) -> Result<usize, E> {
        self.one()?;
        self.depth.checked_sub(1).ok_or_else(|| E::custom("it is nested too deeply"))
    }

    /// A walk over a value within this one.
    fn inner(&mut self, depth: usize) -> Walk<'_, 'de> {
        Walk { depth, before: self.state.names.len(), state: self.state }
    }

    /// Checks that an object has no other member of this name before it.
    #[cfg(feature = "verify")]
    fn check_new<E: Error>(&self, name: &Name<'_>) -> Result<(), E> {
        let known = self.state.names.get(self.before..).unwrap_or_default();
        if known.contains(name) { Err(E::custom(TWICE)) } else { Ok(()) }
    }
}

impl State<'_> {
    fn new(bounds: Bounds) -> Self {
        Self { left: bounds.values, exclusive: bounds.exclusive, names: Vec::new() }
    }

    /// Checks and forgets the names of the object that was read, those behind the first `before`.
    fn leave<E: Error>(&mut self, before: usize) -> Result<(), E> {
        let names = self.names.get_mut(before..).unwrap_or_default();
        // Hashing a few short names takes longer.
        names.sort_unstable();
        if names.windows(2).any(|two| matches!(two, [one, next] if one == next)) {
            return Err(E::custom(TWICE));
        }
        // Most names differ in length, so that comparing each takes less time than a search by order.
        let has = |name: &&&str| names.iter().any(|Name(known)| known == **name);
        let has_several = |group: &&&[&str]| group.iter().filter(has).count() > 1;
        if let Some(group) = self.exclusive.iter().find(has_several) {
            let names = group.join("`, `");
            return Err(E::custom(format_args!("it has several of `{names}` in one object")));
        }
        self.names.truncate(before);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! scalars {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E: Error>(mut self, _: $type) -> Result<(), E> {
            self.one()
        })*
    };
}

impl<'de> Visitor<'de> for Walk<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E: Error>(mut self) -> Result<(), E> {
        self.one()
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        while elements.next_element_seed(self.inner(depth))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        let before = self.before;
        while let Some(name) = members.next_key()? {
            self.state.names.push(name);
            members.next_value_seed(self.inner(depth))?;
        }
        self.state.leave(before)
    }
}

/// A member's name, borrowed where it holds no escapes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name<'de>(pub(crate) Cow<'de, str>);

impl Borrow<str> for Name<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

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
    use serde::de::IgnoredAny;
    use serde_json::Value;

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
            assert_eq!(read(json.as_bytes(), BOUNDS), Ok(serde_json::from_str::<Value>(json).unwrap()));
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
            assert_eq!(read::<IgnoredAny>(json.as_bytes(), BOUNDS).err(), Some(found));
            // The place may be another one: a name that occurs twice is noticed at once.
            let found = read::<Value>(json.as_bytes(), BOUNDS).unwrap_err();
            assert!(found.contains(reason), "{json}: {found}");
        }
        assert_eq!(check(b"\"\xff\"", BOUNDS), Err("it is not UTF-8".to_owned()));
    }
}
