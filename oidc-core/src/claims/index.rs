//! Where the members of a JSON object stand in its text, by name.

use std::ops::Range;

use super::{ClaimValue, InvalidClaims};

/// A power of two above the number of claims that tokens have, so that most names are found at the first look.
const BUCKETS: usize = 64;
/// No member's number: there are at most [`MAX_CLAIMS`](super::MAX_CLAIMS).
const NONE: u16 = u16::MAX;

/// The members of an object in its order, and a hash table of their names, in one allocation.
#[derive(Clone)]
pub(crate) struct Index {
    /// The members' places: at least as many as there are buckets, since the table begins in them.
    slots: Vec<Slot>,
    members: usize,
    /// The names that were written with escapes, without them, one after the other.
    unescaped: String,
    may_have_escapes: bool,
}

/// Where a member stands.
#[derive(Clone, Copy)]
pub(super) struct Note {
    /// Where the name begins in the text or, counted from the text's end, in `unescaped`; and its length.
    name: (u16, u16),
    /// Where the value begins and ends in the text.
    value: (u16, u16),
}

/// One place: the member of this number, and the beginning of the bucket of this number. Sixteen bytes, so that those of
/// an ordinary token fit into what an allocator has at hand.
#[derive(Clone, Copy)]
struct Slot {
    note: Note,
    print: Print,
    /// The member that came last into this bucket.
    first: u16,
    /// The member that came into the same bucket before this one.
    next: u16,
}

impl Index {
    /// An index with room for so many members.
    pub(super) fn new(unescaped: &str, may_have_escapes: bool, members: usize) -> Self {
        Self {
            slots: vec![Slot::EMPTY; members.max(BUCKETS)],
            members: 0,
            unescaped: unescaped.to_owned(),
            may_have_escapes,
        }
    }

    pub(super) fn get<'a>(&self, json: &'a str, name: &str) -> Option<ClaimValue<'a>> {
        let name = name.as_bytes();
        let print = Print::of(name);
        let first = self.slots.get(print.bucket())?.first;
        self.value(json, self.find(json, name, print, first)?)
    }

    pub(super) fn iter<'a>(&'a self, json: &'a str) -> impl Iterator<Item = (&'a str, ClaimValue<'a>)> {
        self.slots.iter().take(self.members).filter_map(move |Slot { note, .. }| {
            let name = std::str::from_utf8(note.name(json, &self.unescaped)?).ok()?;
            Some((name, self.value(json, note)?))
        })
    }

    /// Adds a member, unless there is one of its name.
    #[inline]
    pub(super) fn push(&mut self, json: &str, note: Note) -> Result<(), InvalidClaims> {
        let number = self.members;
        let name = note.name(json, &self.unescaped).unwrap_or_default();
        let print = Print::of(name);
        let bucket = print.bucket();
        let next = self.slots.get(bucket).ok_or(InvalidClaims::TooMany)?.first;
        if next != NONE && self.find(json, name, print, next).is_some() {
            return Err(InvalidClaims::Duplicate);
        }
        let slot = self.slots.get_mut(number).ok_or(InvalidClaims::TooMany)?;
        *slot = Slot { note, print, first: slot.first, next };
        if let Some(bucket) = self.slots.get_mut(bucket) {
            bucket.first = short(number);
        }
        self.members = number + 1;
        Ok(())
    }

    /// Looks for a name in a bucket, from this member on.
    fn find(&self, json: &str, name: &[u8], print: Print, mut number: u16) -> Option<&Note> {
        // Ends at `NONE`, which is no member's number.
        while let Some(Slot { note, print: known, next, .. }) = self.slots.get(usize::from(number)) {
            if *known == print && note.name(json, &self.unescaped) == Some(name) {
                return Some(note);
            }
            number = *next;
        }
        None
    }

    fn value<'a>(&self, json: &'a str, note: &Note) -> Option<ClaimValue<'a>> {
        let value = usize::from(note.value.0)..usize::from(note.value.1);
        Some(ClaimValue::new(json.get(value)?, self.may_have_escapes))
    }
}

impl Slot {
    const EMPTY: Self =
        Self { note: Note { name: (0, 0), value: (0, 0) }, print: Print(0), first: NONE, next: NONE };
}

impl Note {
    /// A member by where its name begins, how long that is, and where its value begins and ends.
    pub(super) fn new(begin: usize, length: usize, value: Range<usize>) -> Self {
        Self { name: (short(begin), short(length)), value: (short(value.start), short(value.end)) }
    }

    fn name<'a>(&self, json: &'a str, unescaped: &'a str) -> Option<&'a [u8]> {
        let (begin, length) = (usize::from(self.name.0), usize::from(self.name.1));
        match begin.checked_sub(json.len()) {
            None => json.as_bytes().get(begin..begin + length),
            Some(begin) => unescaped.as_bytes().get(begin..begin + length),
        }
    }
}

/// A position, or a member's number.
#[allow(clippy::cast_possible_truncation, reason = "positions are at most twice `MAX_CLAIMS_BYTES`")]
fn short(position: usize) -> u16 {
    position as u16
}

/// A number that two names rarely share: of their length, their first and their last byte, without a branch. It need not
/// withstand an attacker: were it the same for [`MAX_CLAIMS`](super::MAX_CLAIMS) names, indexing them would take about as
/// long as one signature, and only what an issuer signed is indexed before it is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Print(u32);

impl Print {
    fn of(name: &[u8]) -> Self {
        let [length, more, ..] = name.len().to_le_bytes();
        let first = name.first().copied().unwrap_or_default();
        let last = name.last().copied().unwrap_or_default();
        Self(u32::from_le_bytes([length, more, first, last]))
    }

    /// Its bucket. The odd factor, 2^32 divided by the golden ratio, spreads what differs over the upper bits.
    fn bucket(self) -> usize {
        (self.0.wrapping_mul(0x9e37_79b9) >> (u32::BITS - BUCKETS.ilog2())) as usize
    }
}
