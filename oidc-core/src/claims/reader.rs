//! One pass over a JSON object, which stops as soon as the claims read so far are refused.

use std::borrow::Cow;
use std::fmt;

use arrayvec::ArrayVec;
use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

#[cfg(feature = "verify")]
use super::Claims;
use super::index::{Index, Note};
use super::unique::{Text, UniqueNames};
use super::{ClaimValue, InvalidClaims, MAX_CLAIMS, MAX_CLAIMS_BYTES};

/// The registered claims (RFC 7519, section 4.1) by which most tokens for somebody else are recognized, as
/// far as they were read. Every token has all of them except `nbf`.
#[derive(Default)]
pub(crate) struct Registered<'a> {
    pub(crate) iss: Option<ClaimValue<'a>>,
    pub(crate) aud: Option<ClaimValue<'a>>,
    pub(crate) exp: Option<ClaimValue<'a>>,
    pub(crate) iat: Option<ClaimValue<'a>>,
    pub(crate) nbf: Option<ClaimValue<'a>>,
}

impl<'a> Registered<'a> {
    /// The registered claims among a token's claims.
    #[cfg(feature = "verify")]
    pub(crate) fn of(claims: &'a Claims) -> Self {
        let [iss, aud, exp, iat, nbf] = ["iss", "aud", "exp", "iat", "nbf"].map(|name| claims.get(name));
        Self { iss, aud, exp, iat, nbf }
    }

    fn place(&mut self, name: &str) -> Option<&mut Option<ClaimValue<'a>>> {
        match name {
            "iss" => Some(&mut self.iss),
            "aud" => Some(&mut self.aud),
            "exp" => Some(&mut self.exp),
            "iat" => Some(&mut self.iat),
            "nbf" => Some(&mut self.nbf),
            _ => None,
        }
    }

    /// Returns `true` if the claims that every token has were read.
    fn are_there(&self) -> bool {
        self.iss.is_some() && self.aud.is_some() && self.exp.is_some() && self.iat.is_some()
    }
}

/// An object that is being read. Members are recorded by position, which copies nothing. Names within a value
/// are checked for duplicates while reading. The object's own names are checked by [`Reader::index`], only
/// for a token that was not refused before.
pub(crate) struct Reader<'de> {
    json: &'de str,
    notes: ArrayVec<Note, MAX_CLAIMS>,
    unescaped: String,
    may_have_escapes: bool,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(json: &'de str) -> Self {
        let may_have_escapes = memchr::memchr(b'\\', json.as_bytes()).is_some();
        Self { json, notes: ArrayVec::new(), unescaped: String::new(), may_have_escapes }
    }

    /// Reads the object and calls `glance` once: as soon as the registered claims are read, or at the end if
    /// some are missing. An object that `glance` refuses is read no further.
    pub(crate) fn read<T, R>(
        &mut self,
        glance: impl Fn(&Registered<'_>) -> Result<T, R>,
    ) -> Result<(Registered<'de>, T), Unread<R>> {
        let mut seen = None;
        let read = self.pass(&mut |registered| seen.insert(glance(registered)).is_ok());
        // A refusal counts first: the text after it was not read, and its faults don't matter.
        let seen = seen.transpose().map_err(Unread::Refused)?;
        let registered = read.map_err(Unread::Invalid)?;
        let seen = match seen {
            Some(seen) => seen,
            None => glance(&registered).map_err(Unread::Refused)?,
        };
        Ok((registered, seen))
    }

    /// Indexes the members that were read; an error if a name occurs twice.
    pub(crate) fn index(&self) -> Result<Index, InvalidClaims> {
        let mut index = Index::new(&self.unescaped, self.may_have_escapes, self.notes.len());
        self.notes.iter().try_for_each(|note| index.push(self.json, *note))?;
        Ok(index)
    }

    /// Indexes the members that were read; of members with the same name the first.
    #[cfg(feature = "verify")]
    pub(super) fn index_of_first(&self) -> Index {
        let mut index = Index::new(&self.unescaped, self.may_have_escapes, self.notes.len());
        for note in &self.notes {
            let _is_again = index.push(self.json, *note).is_err();
        }
        index
    }

    fn pass(
        &mut self,
        glance: &mut dyn FnMut(&Registered<'_>) -> bool,
    ) -> Result<Registered<'de>, InvalidClaims> {
        if self.json.len() > MAX_CLAIMS_BYTES {
            return Err(InvalidClaims::TooLong);
        }
        let mut deserializer = serde_json::Deserializer::from_str(self.json);
        let mut fault = None;
        let registered = deserializer.deserialize_map(Pass { reader: self, glance, fault: &mut fault });
        // Stopping leaves a part of the text unread, which serde_json reports as an error of its own.
        if let Some(fault) = fault {
            return Err(fault);
        }
        let registered = registered.map_err(|_| InvalidClaims::Syntax)?;
        deserializer.end().map_err(|_| InvalidClaims::Syntax)?;
        Ok(registered)
    }

    #[inline]
    fn note(&mut self, name: &Text<'_>, value: &str) -> Result<(), InvalidClaims> {
        // serde_json skips a `RawValue` without looking inside. Names within it, and escapes that stand for
        // no character, are checked here.
        let has_escapes = self.may_have_escapes && value.contains('\\');
        if has_escapes || matches!(value.as_bytes(), [b'{' | b'[', ..]) {
            match UniqueNames::hold_in(value) {
                Ok(true) => {}
                Ok(false) => return Err(InvalidClaims::Duplicate),
                Err(_) => return Err(InvalidClaims::Syntax),
            }
        }
        let begin = match &name.0 {
            Cow::Borrowed(name) => begin(self.json, name),
            Cow::Owned(name) => {
                let begin = self.json.len() + self.unescaped.len();
                self.unescaped.push_str(name);
                begin
            }
        };
        let value_begin = self::begin(self.json, value);
        let note = Note::new(begin, name.0.len(), value_begin..value_begin + value.len());
        self.notes.try_push(note).map_err(|_| InvalidClaims::TooMany)
    }
}

/// The position in `whole` at which its slice `part` begins.
fn begin(whole: &str, part: &str) -> usize {
    // The difference of the addresses is the position, since `part` lies within `whole`.
    (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize)
}

/// The reason why an object was not read to its end.
pub(crate) enum Unread<R> {
    /// The object is invalid.
    Invalid(InvalidClaims),
    /// `glance` refused the object.
    Refused(R),
}

struct Pass<'p, 'de> {
    reader: &'p mut Reader<'de>,
    glance: &'p mut dyn FnMut(&Registered<'_>) -> bool,
    fault: &'p mut Option<InvalidClaims>,
}

impl<'de> Visitor<'de> for Pass<'_, 'de> {
    type Value = Registered<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut registered = Registered::default();
        let mut is_due = true;
        while let Some((name, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            let value = value.get();
            if let Err(fault) = self.reader.note(&name, value) {
                *self.fault = Some(fault);
                break;
            }
            let Some(place) = registered.place(&name.0) else { continue };
            // The index would find the duplicate too, but `glance` decides by these claims before there is an
            // index.
            if place.replace(ClaimValue::new(value, self.reader.may_have_escapes)).is_some() {
                *self.fault = Some(InvalidClaims::Duplicate);
                break;
            }
            if is_due && registered.are_there() {
                is_due = false;
                if !(self.glance)(&registered) {
                    break;
                }
            }
        }
        Ok(registered)
    }
}
