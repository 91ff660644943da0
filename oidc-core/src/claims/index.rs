//! Where the members of a JSON object stand in its text, by name.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::unique::{Text, UniqueNames};
use super::{ClaimValue, InvalidClaims, MAX_CLAIMS};

/// Far more than [`MAX_TOKEN_BYTES`](crate::MAX_TOKEN_BYTES), and with room for positions in 32 bits.
const MAX_JSON_BYTES: usize = 1 << 30;
/// A power of two above the number of claims that tokens have, so that most names are found at the first look.
const BUCKETS: usize = 64;
/// No member's number: there are at most [`MAX_CLAIMS`].
const NONE: u16 = u16::MAX;

/// The members of an object in its order, and a hash table of their names, in one allocation.
#[derive(Clone)]
pub(super) struct Index {
    /// The members' places. There are at least as many as buckets, since the table begins in them.
    slots: Vec<Slot>,
    members: usize,
    /// The names that were written with escapes, without them, one after the other.
    unescaped: String,
    may_have_escapes: bool,
}

/// One place: the member of this number, and the beginning of the bucket of this number.
#[derive(Clone, Copy)]
struct Slot {
    /// The member that came last into this bucket.
    first: u16,
    /// The member that came into the same bucket before this one.
    next: u16,
    print: u32,
    /// Where the name stands in the text or, counted from the text's end, in `unescaped`.
    name: Span,
    value: Span,
}

#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Index {
    /// Finds every member of a JSON object, each name once.
    pub(super) fn of(json: &str) -> Result<Self, InvalidClaims> {
        // With names unescaped, positions go up to twice the length.
        if json.len() > MAX_JSON_BYTES {
            return Err(InvalidClaims::Syntax);
        }
        let may_have_escapes = memchr::memchr(b'\\', json.as_bytes()).is_some();
        let mut index = Self { slots: Vec::new(), members: 0, unescaped: String::new(), may_have_escapes };
        let mut why = InvalidClaims::Syntax;
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let indexer = Indexer { json, index: &mut index, why: &mut why };
        if deserializer.deserialize_map(indexer).is_err() {
            return Err(why);
        }
        deserializer.end().map_err(|_| InvalidClaims::Syntax)?;
        Ok(index)
    }

    pub(super) fn get<'a>(&self, json: &'a str, name: &str) -> Option<ClaimValue<'a>> {
        let name = name.as_bytes();
        let slot = self.find(json, name, print(name))?;
        Some(ClaimValue::new(json.get(slot.value.range())?, self.may_have_escapes))
    }

    pub(super) fn iter<'a>(&'a self, json: &'a str) -> impl Iterator<Item = (&'a str, ClaimValue<'a>)> {
        self.slots.iter().take(self.members).filter_map(move |slot| {
            let value = ClaimValue::new(json.get(slot.value.range())?, self.may_have_escapes);
            Some((std::str::from_utf8(slot.name(json, &self.unescaped)?).ok()?, value))
        })
    }

    fn find(&self, json: &str, name: &[u8], print: u32) -> Option<&Slot> {
        let mut number = self.slots.get(bucket(print))?.first;
        // Ends at `NONE`, which is no member's number.
        while let Some(slot) = self.slots.get(usize::from(number)) {
            if slot.print == print && slot.name(json, &self.unescaped) == Some(name) {
                return Some(slot);
            }
            number = slot.next;
        }
        None
    }

    /// Adds a member, unless there is one of its name.
    fn push(&mut self, json: &str, name: &Text<'_>, value: &str) -> Result<(), InvalidClaims> {
        let number = self.members;
        if number >= MAX_CLAIMS {
            return Err(InvalidClaims::TooMany);
        }
        if number >= self.slots.len() {
            self.slots.resize(number + BUCKETS, Slot::EMPTY);
        }
        let print = print(name.0.as_bytes());
        if self.find(json, name.0.as_bytes(), print).is_some() {
            return Err(InvalidClaims::Duplicate);
        }
        let name = match &name.0 {
            Cow::Borrowed(name) => Span::within(json, name),
            Cow::Owned(name) => {
                let start = json.len() + self.unescaped.len();
                self.unescaped.push_str(name);
                Span::new(start, start + name.len())
            }
        };
        let next = match self.slots.get_mut(bucket(print)) {
            Some(bucket) => std::mem::replace(&mut bucket.first, u16::try_from(number).unwrap_or(NONE)),
            None => NONE,
        };
        if let Some(slot) = self.slots.get_mut(number) {
            *slot = Slot { first: slot.first, next, print, name, value: Span::within(json, value) };
        }
        self.members = number + 1;
        Ok(())
    }
}

impl Slot {
    const EMPTY: Self = Self {
        first: NONE,
        next: NONE,
        print: 0,
        name: Span { start: 0, end: 0 },
        value: Span { start: 0, end: 0 },
    };

    fn name<'a>(&self, json: &'a str, unescaped: &'a str) -> Option<&'a [u8]> {
        let in_json = json.as_bytes().get(self.name.range());
        in_json.or_else(|| unescaped.as_bytes().get(self.name.before(json.len()).range()))
    }
}

impl Span {
    #[allow(clippy::cast_possible_truncation, reason = "both are at most twice `MAX_JSON_BYTES`")]
    fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// Where `part`, a slice of `whole`, stands in it.
    fn within(whole: &str, part: &str) -> Self {
        let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        Self::new(start, start + part.len())
    }

    fn before(self, length: usize) -> Self {
        let length = Self::new(length, length).start;
        Self { start: self.start.saturating_sub(length), end: self.end.saturating_sub(length) }
    }

    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

struct Indexer<'a, 'de> {
    json: &'de str,
    index: &'a mut Index,
    why: &'a mut InvalidClaims,
}

impl<'de> Visitor<'de> for Indexer<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some((name, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            let value = value.get();
            // What was skipped so far is looked into: names within, and escapes that mean no character.
            let has_escapes = self.index.may_have_escapes && value.contains('\\');
            let is_to_be_read = has_escapes || matches!(value.as_bytes(), [b'{' | b'[', ..]);
            let pushed = if is_to_be_read && !UniqueNames::hold_in(value).map_err(A::Error::custom)? {
                Err(InvalidClaims::Duplicate)
            } else {
                self.index.push(self.json, &name, value)
            };
            if let Err(why) = pushed {
                *self.why = why;
                return Err(A::Error::custom(why));
            }
        }
        Ok(())
    }
}

/// A number that two names rarely share: of their length, their first and their last byte, without a branch. It need not
/// withstand an attacker: were it the same for [`MAX_CLAIMS`] names, indexing them would take about as long as one
/// signature.
fn print(name: &[u8]) -> u32 {
    let [length, more, ..] = name.len().to_le_bytes();
    let first = name.first().copied().unwrap_or_default();
    let last = name.last().copied().unwrap_or_default();
    u32::from_le_bytes([length, first, last, more])
}

/// The bucket of a number. The odd factor, 2^32 divided by the golden ratio, spreads what differs over the upper bits.
fn bucket(print: u32) -> usize {
    (print.wrapping_mul(0x9e37_79b9) >> (u32::BITS - BUCKETS.ilog2())) as usize
}
