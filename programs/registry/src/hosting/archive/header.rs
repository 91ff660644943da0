//! The parts of an entry's header that readers interpret differently.
//!
//! A reader that takes a length or a checksum for another number than the next one does goes on at another place, and finds
//! entries there that nobody else sees. So a number is written as all of them read it, and a part of a path stands only where
//! all of them look for it.

use std::ops::Range;

use tar::{Header, PaxExtensions};

use super::InvalidArchive;

/// The place of a device's two numbers, which some readers read in headers of every format.
const DEVICE: Range<usize> = 329..345;
/// The place of what is the beginning of a path in headers of one format, and something else in those of others.
const PREFIX: Range<usize> = 345..500;
/// As much of it is the path's alone. Behind that, and where this is not full, times may stand.
const OWN: usize = 131;

/// Checks that every reader finds the same path, and the next entry at the same place.
pub(super) fn check(header: &Header) -> Result<(), InvalidArchive> {
    let old = header.as_old();
    let prefix = header.as_bytes().get(PREFIX).unwrap_or_default();
    let is_same = is_number(&old.size)
        && is_number(&old.cksum)
        && [&old.mode[..], &old.uid, &old.gid, &old.mtime].into_iter().all(is_other_number)
        && header.as_bytes().get(DEVICE).unwrap_or_default().chunks(8).all(is_other_number)
        && is_text(&old.name)
        && old.name.first().is_some_and(|first| *first != 0)
        && is_prefix(prefix, header.as_ustar().is_some())
        && !is_folder_to_some(header);
    if is_same { Ok(()) } else { Err(InvalidArchive::Header) }
}

/// Some readers take this for a part of the path and some don't, unless it stands in a header of the format that has it.
fn is_prefix(prefix: &[u8], is_format: bool) -> bool {
    let (own, rest) = prefix.split_at_checked(OWN).unwrap_or((prefix, &[]));
    if !is_format {
        return prefix.iter().all(|byte| *byte == 0);
    }
    is_text(own) && (own.last() == Some(&0) || is_text(rest))
}

/// Returns `true` if some readers skip no content, since the name ends like a folder's, although another header may replace it.
fn is_folder_to_some(header: &Header) -> bool {
    let name = &header.as_old().name;
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    let is_empty = header.entry_size().is_ok_and(|size| size == 0);
    name.get(..end).is_some_and(|name| name.ends_with(b"/")) && !is_empty
}

/// Octal digits, before which spaces may stand, and behind which a space or a NUL has to.
fn is_number(field: &[u8]) -> bool {
    let text = field.trim_ascii_start();
    let digits = text.iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let (before, behind) = (field.len() - text.len(), text.get(digits..).unwrap_or_default());
    field.iter().take(before).all(|byte| *byte == b' ')
        && digits > 0
        && !behind.is_empty()
        && behind.iter().all(|byte| matches!(byte, b' ' | 0))
}

/// A number that decides on nothing, but ends the archive for some readers where it is none. It may be left out, fill the whole
/// field, or be written in base 256, as for large ids and times before 1970.
fn is_other_number(field: &[u8]) -> bool {
    let text = field.trim_ascii_start();
    let is_filled = !text.is_empty() && text.iter().all(|byte| matches!(byte, b'0'..=b'7'));
    let is_empty = field.iter().all(|byte| matches!(byte, b' ' | 0));
    let is_of_256 = field.first().is_some_and(|first| matches!(first, 0x80 | 0xff));
    is_number(field) || is_filled || is_empty || is_of_256
}

/// Returns `true` if nothing stands behind a text's end.
fn is_text(field: &[u8]) -> bool {
    field.iter().skip_while(|byte| **byte != 0).all(|byte| *byte == 0)
}

/// The keys and values of an extended header, where every reader finds the same ones: some go by the length before each, some
/// by the ends of lines, and what is malformed ends the whole for one and only a line for another.
pub(super) fn extensions(text: &[u8]) -> Result<Vec<(&str, &[u8])>, InvalidArchive> {
    let is_record = |line: &[u8]| {
        let is_digit = |byte: &u8| byte.is_ascii_digit();
        line.first().is_some_and(|first| is_digit(first) && *first != b'0')
            && line.split(|byte| *byte == b' ').next().is_some_and(|length| length.iter().all(is_digit))
    };
    let Some(lines) = text.strip_suffix(b"\n") else {
        return if text.is_empty() { Ok(Vec::new()) } else { Err(InvalidArchive::Extension) };
    };
    if !lines.split(|byte| *byte == b'\n').all(is_record) {
        return Err(InvalidArchive::Extension);
    }
    PaxExtensions::new(lines)
        .map(|extension| {
            extension
                .ok()
                .and_then(|extension| {
                    let key =
                        extension.key().ok().filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()))?;
                    Some((key, extension.value_bytes()))
                })
                .ok_or(InvalidArchive::Extension)
        })
        .collect()
}
