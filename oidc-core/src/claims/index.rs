//! An index of the members of a JSON object: their positions in its text, by name.
//!
//! Every verification builds an index, so it is a small hash table instead of a map of the standard library:
//! one allocation, and positions instead of copies of names and values. 36 claims and ten look-ups take 4,100 instructions; a
//! `HashMap` with owned names takes 28,600, and a `BTreeMap` 33,000 (optimised, under callgrind). All that a verification
//! executes over the raw signature check is at most 30,000 (`.ci/instructions`), so that a map would nearly double it.
//!
//! A forged token's members are noted and not indexed: it is refused in 1.088 to 1.096 times the raw signature check instead
//! of 1.10 (BENCHMARKS.md, "Time by step").

use std::ops::Range;

use super::{ClaimValue, InvalidClaims};

/// The number of hash buckets: a power of two above the usual number of claims, so that most look-ups compare
/// one name.
const BUCKETS: usize = 64;
/// The number of no member: there are at most [`MAX_CLAIMS`](super::MAX_CLAIMS).
const NONE: u16 = u16::MAX;

/// The members of an object in its order, and a hash table of their names, in one allocation.
#[derive(Clone)]
pub(crate) struct Index {
    /// The slots. There are at least as many as buckets, since the slots hold the table's buckets too.
    slots: Vec<Slot>,
    members: usize,
    /// The names that are written with escapes in the text, here without them, one after the other.
    unescaped: String,
    may_have_escapes: bool,
}

/// The position of a member.
#[derive(Clone, Copy)]
pub(super) struct Note {
    /// The beginning and the length of the name. The beginning is a position in the text or, counted from the
    /// text's end, in `unescaped`.
    name: (u16, u16),
    /// The beginning and the end of the value in the text.
    value: (u16, u16),
}

/// One slot: the member of this number, and the head of the bucket of this number. A slot has sixteen bytes,
/// so that the slots of an ordinary token fit into a small allocation.
#[derive(Clone, Copy)]
struct Slot {
    note: Note,
    print: Print,
    /// The member that was added last to this bucket.
    first: u16,
    /// The member that was added to the same bucket before this one.
    next: u16,
}

impl Index {
    /// An empty index with capacity for this many members.
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

    /// Adds a member, unless there is a member of the same name.
    #[inline]
    pub(super) fn push(&mut self, json: &str, note: Note) -> Result<(), InvalidClaims> {
        let number = self.members;
        let name = note.name(json, &self.unescaped).unwrap_or_default();
        let print = Print::of(name);
        let bucket = print.bucket();
        let next = self.slots.get(bucket).ok_or(InvalidClaims::TooMany)?.first;
        // An equal name has an equal fingerprint and is in the same bucket, so only this bucket is searched.
        if next != NONE && self.find(json, name, print, next).is_some() {
            return Err(InvalidClaims::Duplicate);
        }
        let slot = self.slots.get_mut(number).ok_or(InvalidClaims::TooMany)?;
        // The slot may also be the head of a bucket, which has to stay.
        *slot = Slot { note, print, first: slot.first, next };
        if let Some(bucket) = self.slots.get_mut(bucket) {
            bucket.first = short(number);
        }
        self.members = number + 1;
        Ok(())
    }

    /// Looks for a name in a bucket, beginning with the member `number`.
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
    /// A member's position: the beginning and the length of its name, and the range of its value.
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

/// A position or a member's number, in 16 bits.
#[allow(clippy::cast_possible_truncation, reason = "positions are at most twice `MAX_CLAIMS_BYTES`")]
fn short(position: usize) -> u16 {
    position as u16
}

/// A fingerprint of a name, made of its length, its first byte and its last byte, without a branch. It need
/// not withstand an attacker: if it were the same for [`MAX_CLAIMS`](super::MAX_CLAIMS) names, indexing them
/// would take about as long as verifying one signature, and the verifier indexes only claims whose signature
/// holds, until somebody asks for the claims of a refused token.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Print(u32);

impl Print {
    fn of(name: &[u8]) -> Self {
        let [length, more, ..] = name.len().to_le_bytes();
        let first = name.first().copied().unwrap_or_default();
        let last = name.last().copied().unwrap_or_default();
        Self(u32::from_le_bytes([length, more, first, last]))
    }

    /// The bucket of this fingerprint. The odd factor, 2^32 divided by the golden ratio, spreads differences
    /// over the upper bits.
    fn bucket(self) -> usize {
        (self.0.wrapping_mul(0x9e37_79b9) >> (u32::BITS - BUCKETS.ilog2())) as usize
    }
}
