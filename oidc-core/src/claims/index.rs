//! Where the members of a JSON object stand in its text, by name.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::unique::{Text, UniqueNames};
use super::{ClaimValue, InvalidClaims, MAX_CLAIMS};

/// A power of two near the number of claims that tokens have, so that most names are found at the first look.
const BUCKETS: usize = 64;
/// No member: `MAX_CLAIMS` members have the numbers below.
const NONE: u16 = u16::MAX;

/// The members of an object, in its order, and chained by the buckets of their names.
#[derive(Clone)]
pub(super) struct Index {
    members: Vec<Member>,
    buckets: [u16; BUCKETS],
    may_have_escapes: bool,
}

#[derive(Clone)]
struct Member {
    print: u32,
    next: u16,
    name: Name,
    value: Range<u32>,
}

/// A member's name: where it stands in the text, or its own text where it was written with escapes.
#[derive(Clone)]
enum Name {
    Borrowed(Range<u32>),
    Owned(Box<str>),
}

impl Index {
    /// Finds every member of a JSON object, each name once.
    pub(super) fn of(json: &str) -> Result<Self, InvalidClaims> {
        if u32::try_from(json.len()).is_err() {
            return Err(InvalidClaims::Syntax);
        }
        let mut index = Self {
            members: Vec::new(),
            buckets: [NONE; BUCKETS],
            may_have_escapes: json.as_bytes().contains(&b'\\'),
        };
        let mut why = InvalidClaims::Syntax;
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let indexer = Indexer { json, index: &mut index, why: &mut why };
        if deserializer.deserialize_map(indexer).is_err() {
            return Err(why);
        }
        deserializer.end().map_err(|_| InvalidClaims::Syntax)?;
        Ok(index)
    }

    pub(super) fn get<'a>(&'a self, json: &'a str, name: &str) -> Option<ClaimValue<'a>> {
        self.value(json, self.find(json, name, print(name))?)
    }

    pub(super) fn iter<'a>(&'a self, json: &'a str) -> impl Iterator<Item = (&'a str, ClaimValue<'a>)> {
        self.members.iter().filter_map(move |member| Some((member.name.text(json), self.value(json, member)?)))
    }

    fn value<'a>(&self, json: &'a str, member: &Member) -> Option<ClaimValue<'a>> {
        Some(ClaimValue::new(part(json, &member.value)?, self.may_have_escapes))
    }

    fn find(&self, json: &str, name: &str, print: u32) -> Option<&Member> {
        let mut number = *self.buckets.get(bucket(print))?;
        // Ends at `NONE`, which is no member's number.
        while let Some(member) = self.members.get(usize::from(number)) {
            if member.print == print && member.name.text(json) == name {
                return Some(member);
            }
            number = member.next;
        }
        None
    }

    fn insert(&mut self, json: &str, name: &Text<'_>, value: &str) -> Result<(), InvalidClaims> {
        let text = &*name.0;
        let print = print(text);
        if self.find(json, text, print).is_some() {
            return Err(InvalidClaims::Duplicate);
        }
        if self.members.len() >= MAX_CLAIMS {
            return Err(InvalidClaims::TooMany);
        }
        if self.members.is_empty() {
            self.members.reserve_exact(48);
        }
        let number = u16::try_from(self.members.len()).map_err(|_| InvalidClaims::TooMany)?;
        let bucket = self.buckets.get_mut(bucket(print)).ok_or(InvalidClaims::TooMany)?;
        let next = std::mem::replace(bucket, number);
        let name = match &name.0 {
            Cow::Borrowed(name) => Name::Borrowed(range(json, name)),
            Cow::Owned(name) => Name::Owned(name.as_str().into()),
        };
        self.members.push(Member { print, next, name, value: range(json, value) });
        Ok(())
    }
}

impl Name {
    fn text<'a>(&'a self, json: &'a str) -> &'a str {
        match self {
            Self::Borrowed(range) => part(json, range).unwrap_or_default(),
            Self::Owned(name) => name,
        }
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
            let is_nested = value.starts_with(['{', '[']);
            let inserted = if is_nested && !UniqueNames::hold_in(value).map_err(A::Error::custom)? {
                Err(InvalidClaims::Duplicate)
            } else {
                self.index.insert(self.json, &name, value)
            };
            if let Err(why) = inserted {
                *self.why = why;
                return Err(A::Error::custom(why));
            }
        }
        Ok(())
    }
}

/// A number that two names rarely share. It need not withstand an attacker: were all [`MAX_CLAIMS`] names in one
/// bucket, finding one would take that many comparisons of numbers.
fn print(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let last = match bytes.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last),
        None => bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    };
    let words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    let mixed = words.chain([last]).fold(bytes.len() as u64, |sum, word| {
        // The odd number is 2^64 divided by the golden ratio, which spreads what differs over the upper bits.
        (sum.rotate_left(29) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    u32::try_from(mixed >> 32).unwrap_or_default()
}

fn bucket(print: u32) -> usize {
    usize::try_from(print >> (u32::BITS - BUCKETS.ilog2())).unwrap_or_default()
}

/// Where `part`, a slice of `whole`, stands in it.
fn range(whole: &str, part: &str) -> Range<u32> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    let at = |position| u32::try_from(position).unwrap_or(u32::MAX);
    at(start)..at(start.saturating_add(part.len()))
}

fn part<'a>(json: &'a str, range: &Range<u32>) -> Option<&'a str> {
    json.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}
