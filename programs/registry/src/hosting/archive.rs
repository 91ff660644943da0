//! The archive of a package, looked at within bounds.
//!
//! A tar archive is read raw: the tar crate allocates whatever an extension header says of its own length before it hands an
//! entry out, and the length is the uploader's word.

mod header;

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Component, Path};

use flate2::bufread::GzDecoder;
use tar::EntryType;
use unicode_normalization::UnicodeNormalization as _;

/// An archive may unpack to this many bytes.
pub(crate) const MAX_UNPACKED: u64 = 512 << 20;
/// An archive may have this many entries.
const MAX_ENTRIES: usize = 100_000;
/// As many of them may be links.
const MAX_LINKS: usize = 1_000;
/// The path of a link may have about this many bytes, and this many parts: every path behind it is compared with it.
const MAX_LINK_PATH: usize = 512;
const MAX_LINK_PARTS: usize = 16;
/// An extension header may have this many bytes: it holds a path.
const MAX_EXTENSION: u64 = 8 << 10;
/// All of them together may have this many: each path is looked at letter by letter, several times.
const MAX_EXTENSIONS: u64 = 16 << 20;

/// An archive may be packed in this many parts: each costs something, however little is in it.
const MAX_PARTS: usize = 10_000;

/// The beginnings of the keys that extension headers have for files with holes.
const SPARSE: [&str; 3] = ["GNU.sparse.", "SCHILY.realsize", "SUN.holesdata"];

/// An archive is not read to its end.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidArchive {
    #[error("can't be unpacked, or is too large: more than {} MB unpacked", MAX_UNPACKED >> 20)]
    Unreadable,
    #[error(
        "has more than {MAX_ENTRIES} entries, {MAX_LINKS} links, or {} MB of extension headers",
        MAX_EXTENSIONS >> 20
    )]
    Entries,
    #[error("has an entry whose header readers don't all take for the same path and length")]
    Header,
    #[error(
        "has an extension header of more than {MAX_EXTENSION} bytes, one that is malformed, or one that stands before no file"
    )]
    Extension,
    #[error(
        "has an extension header that gives a file another size or another place than the file's own header does"
    )]
    Override,
    #[error(
        "goes on behind its end, where only some readers see it, or is packed in more than {MAX_PARTS} parts"
    )]
    Behind,
    #[error("holds {0:?}, which is no file, folder or link, or not to every reader")]
    Kind(String),
    #[error(
        "has content for {0:?}, which some readers take for a folder or a link and its content for more entries"
    )]
    Content(String),
    #[error("holds {0:?}, which stands at or below a link and replaces what that leads to")]
    Linked(String),
    #[error("holds the link {0:?}, whose path has more than {MAX_LINK_PATH} bytes or {MAX_LINK_PARTS} parts")]
    Deep(String),
}

/// One entry of an archive, without extension headers.
#[allow(dead_code)]
pub(crate) struct Entry<'a> {
    /// The path, as an extension header before it or the entry's own says.
    pub(crate) path: Vec<u8>,
    pub(crate) kind: EntryType,
    /// The content's length.
    pub(crate) size: u64,
    content: &'a mut dyn Read,
}

#[allow(dead_code)]
impl Entry<'_> {
    /// The content, where it has at most `most` bytes.
    pub(crate) fn content(&mut self, most: u64) -> Result<Option<Vec<u8>>, InvalidArchive> {
        if self.size > most {
            return Ok(None);
        }
        let mut content = Vec::new();
        self.content.read_to_end(&mut content).map_err(|_| InvalidArchive::Unreadable)?;
        Ok(Some(content))
    }
}

/// The parts that an archive may be packed in, one behind another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parts {
    /// One: what is behind it, the ecosystem's client doesn't see.
    One,
    /// Several: every client reads all of them.
    Several,
}

/// A gzipped archive. One that is larger than allowed ends in the middle of a block, which is an error where it is read.
pub(crate) fn unpacked(content: &[u8], parts: Parts) -> tar::Archive<impl Read> {
    let further = match parts {
        Parts::One => 0,
        Parts::Several => MAX_PARTS - 1,
    };
    tar::Archive::new(Unpacking { part: GzDecoder::new(content), further }.take(MAX_UNPACKED + 1))
}

/// The parts of an archive, unpacked one behind another.
struct Unpacking<'a> {
    part: GzDecoder<&'a [u8]>,
    /// The number of parts that may follow.
    further: usize,
}

impl Read for Unpacking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let (length, rest) = (self.part.read(buffer)?, *self.part.get_ref());
            if length > 0 || buffer.is_empty() || rest.is_empty() {
                return Ok(length);
            }
            let further = self.further.checked_sub(1);
            self.further = further.ok_or_else(|| io::Error::other(InvalidArchive::Behind))?;
            self.part = GzDecoder::new(rest);
        }
    }
}

fn unreadable(error: io::Error) -> InvalidArchive {
    error.downcast().unwrap_or(InvalidArchive::Unreadable)
}

/// The entries of an archive as they stand there, extension headers among them.
pub(crate) fn raw<R: Read>(
    archive: &mut tar::Archive<R>,
) -> Result<impl Iterator<Item = Result<tar::Entry<'_, R>, InvalidArchive>>, InvalidArchive> {
    let entries = archive.entries().map_err(unreadable)?.raw(true);
    Ok(entries.enumerate().map(|(index, entry)| match entry {
        Ok(_) if index >= MAX_ENTRIES => Err(InvalidArchive::Entries),
        Ok(entry) => header::check(entry.header()).map(|()| entry),
        Err(error) => Err(unreadable(error)),
    }))
}

/// Shows each entry of a gzipped archive to `visit`, in order.
pub(crate) fn walk<E: From<InvalidArchive>>(
    content: &[u8],
    parts: Parts,
    mut visit: impl FnMut(&mut Entry<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut archive = unpacked(content, parts);
    let (mut extended, mut links, mut room) = (Extended::default(), Links::default(), MAX_EXTENSIONS);
    for entry in raw(&mut archive)? {
        let mut entry = entry?;
        let (kind, size) = (entry.header().entry_type(), entry.size());
        if extended.take(kind, size, &mut entry)? {
            room = room.checked_sub(size).ok_or(InvalidArchive::Entries)?;
            continue;
        }
        let path =
            std::mem::take(&mut extended).path(size)?.unwrap_or_else(|| entry.path_bytes().into_owned());
        check_kind(kind, size, &path)?;
        links.check(kind, &path)?;
        visit(&mut Entry { path, kind, size, content: &mut entry })?;
    }
    if extended.is_some {
        return Err(InvalidArchive::Extension.into());
    }
    Ok(check_end(archive.into_inner())?)
}

/// Nothing but zeros stands behind the end of an archive: some readers go on there.
pub(crate) fn check_end(mut rest: impl Read) -> Result<(), InvalidArchive> {
    let mut buffer = [0; 8 << 10];
    loop {
        match rest.read(&mut buffer).map_err(unreadable)? {
            0 => return Ok(()),
            length if buffer.iter().take(length).all(|byte| *byte == 0) => {}
            _ => return Err(InvalidArchive::Behind),
        }
    }
}

/// Every reader takes an entry for the same kind and finds the next one at the same place: some look for content behind files
/// alone, and take a file for a folder where its path ends in a slash.
pub(crate) fn check_kind(kind: EntryType, size: u64, path: &[u8]) -> Result<(), InvalidArchive> {
    if !(kind.is_file() || kind.is_dir() || kind.is_symlink() || kind.is_hard_link()) {
        return Err(InvalidArchive::Kind(shown(path)));
    }
    if size > 0 && (!kind.is_file() || path.ends_with(b"/")) {
        return Err(InvalidArchive::Content(shown(path)));
    }
    Ok(())
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).chars().take(200).collect()
}

/// The places of an archive's links: unpacking there afterwards changes another file.
#[derive(Debug, Default)]
struct Links(BTreeSet<String>);

impl Links {
    fn check(&mut self, kind: EntryType, path: &[u8]) -> Result<(), InvalidArchive> {
        let is_link = !kind.is_file() && !kind.is_dir();
        if self.0.is_empty() && !is_link {
            return Ok(());
        }
        let text = String::from_utf8_lossy(path);
        let mut place = String::new();
        let parts = text.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
        for (depth, part) in parts.enumerate() {
            // No link is further down.
            if depth == MAX_LINK_PARTS || place.len() > MAX_LINK_PATH {
                return if is_link { Err(InvalidArchive::Deep(shown(path))) } else { Ok(()) };
            }
            place.push('/');
            place.push_str(&folded(part));
            if self.0.contains(&place) {
                return Err(InvalidArchive::Linked(shown(path)));
            }
        }
        if is_link {
            self.0.insert(place);
        }
        if self.0.len() > MAX_LINKS { Err(InvalidArchive::Entries) } else { Ok(()) }
    }
}

/// The form that is the same for all names that some system takes for one: without case, dots and spaces at the end, what is behind a
/// colon, and characters that HFS+ ignores, and with letters apart from their accents, as macOS compares them.
pub(crate) fn folded(name: &str) -> String {
    let name = name.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let name: String = name.nfd().collect();
    name.to_uppercase().to_lowercase().replace(is_ignored, "").nfd().collect()
}

/// Returns `true` for a character that a name on HFS+ may have anywhere without being another name.
fn is_ignored(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Returns `true` if some system takes both names for one. `name` is in its folded form, and longer than eight letters or three behind its
/// dot: Windows gives it a short name too, which has a part of it, or of its hash, before `~` and a number.
pub(crate) fn is_same(found: &str, name: &str) -> bool {
    let (found, (stem, extension)) = (folded(found), name.rsplit_once('.').unwrap_or((name, "")));
    let Some((begin, rest)) = found.split_once('~') else { return found == name };
    let (number, found_extension) = rest.split_once('.').unwrap_or((rest, ""));
    let is_hashed = begin.len() == 6
        && begin.get(2..).is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
        && begin.get(..2) == stem.get(..2);
    !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && found_extension == extension.get(..3).unwrap_or(extension)
        && !begin.is_empty()
        && (stem.starts_with(begin) || is_hashed)
}

/// A path in a header of its own, up to its end and with nothing behind that.
fn long_name(mut text: Vec<u8>) -> Result<Vec<u8>, InvalidArchive> {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    if text.iter().skip(end).any(|byte| *byte != 0) {
        return Err(InvalidArchive::Extension);
    }
    text.truncate(end);
    Ok(text)
}

/// The statements of extension headers about the entry after them.
#[derive(Debug, Default)]
struct Extended {
    is_some: bool,
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Extended {
    /// Reads this entry if it is an extension header; returns `true` if it was.
    fn take(&mut self, kind: EntryType, size: u64, content: &mut dyn Read) -> Result<bool, InvalidArchive> {
        if !(kind.is_gnu_longname()
            || kind.is_gnu_longlink()
            || kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions())
        {
            return Ok(false);
        }
        // Two kinds beside each other are two paths.
        if size > MAX_EXTENSION || self.path.is_some() {
            return Err(InvalidArchive::Extension);
        }
        let mut text = Vec::new();
        content.read_to_end(&mut text).map_err(|_| InvalidArchive::Unreadable)?;
        if kind.is_gnu_longname() {
            self.path = Some(long_name(text)?);
        } else if !kind.is_gnu_longlink() {
            self.pax(&text, kind.is_pax_global_extensions())?;
        }
        self.is_some = !kind.is_pax_global_extensions();
        Ok(true)
    }

    fn pax(&mut self, text: &[u8], is_global: bool) -> Result<(), InvalidArchive> {
        for (key, value) in header::extensions(text)? {
            match key {
                "path" | "size" if is_global => return Err(InvalidArchive::Override),
                "path" if self.path.is_none() => self.path = Some(value.to_vec()),
                "size" if self.size.is_none() => self.size = Some(number(value)?),
                "path" | "size" => return Err(InvalidArchive::Override),
                key if SPARSE.iter().any(|begin| key.starts_with(begin)) => {
                    return Err(InvalidArchive::Override);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The path of an entry of this size, where it isn't the entry's own.
    fn path(self, size: u64) -> Result<Option<Vec<u8>>, InvalidArchive> {
        if self.size.is_some_and(|said| said != size) { Err(InvalidArchive::Override) } else { Ok(self.path) }
    }
}

/// A size in an extension header.
fn number(text: &[u8]) -> Result<u64, InvalidArchive> {
    let number = str::from_utf8(text).ok().and_then(|number| number.parse().ok());
    number.ok_or(InvalidArchive::Override)
}

/// Returns `true` if a path stays below the folder that it is unpacked into, on every system.
pub(crate) fn is_plain(path: &Path) -> bool {
    let stays = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let is_text = |path: &str| !path.contains(|c: char| c == '\\' || c.is_control());
    !path.as_os_str().is_empty() && path.to_str().is_some_and(is_text) && path.components().all(stays)
}

#[cfg(test)]
mod tests;
