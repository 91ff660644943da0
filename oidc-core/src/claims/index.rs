//! Where the members of a JSON object stand in its text, by name.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::unique::{Text, UniqueNames};
use super::{ClaimValue, InvalidClaims, MAX_CLAIMS, MAX_CLAIMS_BYTES};

/// A power of two above the number of claims that tokens have, so that most names are found at the first look.
const BUCKETS: usize = 64;
/// No member's number: there are at most [`MAX_CLAIMS`].
const NONE: u16 = u16::MAX;

/// The members of an object in its order, and a hash table of their names, in one allocation.
#[derive(Clone)]
pub(super) struct Index {
    /// The members' places: none, or at least as many as there are buckets, since the table begins in them.
    slots: Vec<Slot>,
    members: usize,
    /// The names that were written with escapes, without them, one after the other.
    unescaped: String,
    may_have_escapes: bool,
}

/// One place: the member of this number, and the beginning of the bucket of this number. Sixteen bytes, so that those of
/// an ordinary token fit into what an allocator has at hand.
#[derive(Clone, Copy)]
struct Slot {
    print: Print,
    /// The member that came last into this bucket.
    first: u16,
    /// The member that came into the same bucket before this one.
    next: u16,
    /// Where the name begins in the text or, counted from the text's end, in `unescaped`.
    name: u16,
    /// Where the value begins and ends in the text.
    value: (u16, u16),
}

impl Index {
    /// Finds every member of a JSON object, each name once.
    pub(super) fn of(json: &str) -> Result<Self, InvalidClaims> {
        if json.len() > MAX_CLAIMS_BYTES {
            return Err(InvalidClaims::TooLong);
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
        let print = Print::of(name);
        let first = self.slots.get(print.bucket())?.first;
        let slot = self.find(json, name, print, first)?;
        Some(ClaimValue::new(json.get(slot.value())?, self.may_have_escapes))
    }

    pub(super) fn iter<'a>(&'a self, json: &'a str) -> impl Iterator<Item = (&'a str, ClaimValue<'a>)> {
        self.slots.iter().take(self.members).filter_map(move |slot| {
            let value = ClaimValue::new(json.get(slot.value())?, self.may_have_escapes);
            Some((std::str::from_utf8(slot.name(json, &self.unescaped)?).ok()?, value))
        })
    }

    /// Looks for a name in a bucket, from this member on.
    fn find(&self, json: &str, name: &[u8], print: Print, mut number: u16) -> Option<&Slot> {
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
    #[inline]
    fn push(&mut self, json: &str, name: &Text<'_>, value: &str) -> Result<(), InvalidClaims> {
        let number = self.members;
        if number >= self.slots.len() {
            if number >= MAX_CLAIMS {
                return Err(InvalidClaims::TooMany);
            }
            self.slots.resize(if number == 0 { BUCKETS } else { MAX_CLAIMS }, Slot::EMPTY);
        }
        let print = Print::of(name.0.as_bytes());
        let bucket = self.slots.get_mut(print.bucket()).ok_or(InvalidClaims::TooMany)?;
        let next = std::mem::replace(&mut bucket.first, short(number));
        if next != NONE && self.find(json, name.0.as_bytes(), print, next).is_some() {
            return Err(InvalidClaims::Duplicate);
        }
        let name = match &name.0 {
            Cow::Borrowed(name) => begin(json, name),
            Cow::Owned(name) => {
                let begin = json.len() + self.unescaped.len();
                self.unescaped.push_str(name);
                begin
            }
        };
        let begin = begin(json, value);
        if let Some(slot) = self.slots.get_mut(number) {
            let value = (short(begin), short(begin + value.len()));
            *slot = Slot { first: slot.first, next, print, name: short(name), value };
        }
        self.members = number + 1;
        Ok(())
    }
}

impl Slot {
    const EMPTY: Self = Self { print: Print(0), first: NONE, next: NONE, name: 0, value: (0, 0) };

    fn name<'a>(&self, json: &'a str, unescaped: &'a str) -> Option<&'a [u8]> {
        let begin = usize::from(self.name);
        match begin.checked_sub(json.len()) {
            None => json.as_bytes().get(begin..begin + self.print.length()),
            Some(begin) => unescaped.as_bytes().get(begin..begin + self.print.length()),
        }
    }

    fn value(&self) -> Range<usize> {
        usize::from(self.value.0)..usize::from(self.value.1)
    }
}

/// Where `part`, a slice of `whole`, begins in it.
fn begin(whole: &str, part: &str) -> usize {
    (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize)
}

/// A position, or a member's number.
#[allow(clippy::cast_possible_truncation, reason = "positions are at most twice `MAX_CLAIMS_BYTES`")]
fn short(position: usize) -> u16 {
    position as u16
}

/// A number that two names rarely share: of their length, their first and their last byte, without a branch. It need not
/// withstand an attacker: were it the same for [`MAX_CLAIMS`] names, indexing them would take about as long as one
/// signature.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Print(u32);

impl Print {
    fn of(name: &[u8]) -> Self {
        let [length, more, ..] = name.len().to_le_bytes();
        let first = name.first().copied().unwrap_or_default();
        let last = name.last().copied().unwrap_or_default();
        Self(u32::from_le_bytes([length, more, first, last]))
    }

    /// The name's.
    fn length(self) -> usize {
        (self.0 & 0xffff) as usize
    }

    /// Its bucket. The odd factor, 2^32 divided by the golden ratio, spreads what differs over the upper bits.
    fn bucket(self) -> usize {
        (self.0.wrapping_mul(0x9e37_79b9) >> (u32::BITS - BUCKETS.ilog2())) as usize
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
