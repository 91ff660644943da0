//! The archive of a package, looked at within bounds.
//!
//! A tar archive is read raw: the tar crate allocates whatever an extension header says of its own length before it hands an
//! entry out, and the length is the uploader's word.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Component, Path};

use flate2::read::MultiGzDecoder;
use tar::{EntryType, PaxExtensions};

/// An archive may unpack to this many bytes.
const MAX_UNPACKED: u64 = 512 << 20;
/// An archive may have this many entries.
const MAX_ENTRIES: usize = 100_000;
/// As many of them may be links.
const MAX_LINKS: usize = 1_000;
/// The path of a link may have about this many bytes, and this many parts: every path behind it is compared with it.
const MAX_LINK_PATH: usize = 512;
const MAX_LINK_PARTS: usize = 16;
/// An extension header may have this many bytes: it holds a path.
const MAX_EXTENSION: u64 = 8 << 10;

/// An archive is not read to its end.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::registry) enum InvalidArchive {
    #[error("can't be unpacked, or is too large: more than {} MB unpacked", MAX_UNPACKED >> 20)]
    Unreadable,
    #[error("has more than {MAX_ENTRIES} entries, or {MAX_LINKS} links")]
    Entries,
    #[error("has an extension header of more than {MAX_EXTENSION} bytes, or one that stands before no file")]
    Extension,
    #[error(
        "has an extension header that gives a file another size or another place than the file's own header does"
    )]
    Override,
    #[error("goes on behind its end, where only some readers see it")]
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
pub(in crate::registry) struct Entry<'a> {
    /// The path, as an extension header before it or the entry's own says.
    pub(in crate::registry) path: Vec<u8>,
    pub(in crate::registry) kind: EntryType,
    /// The content's length.
    pub(in crate::registry) size: u64,
    content: &'a mut dyn Read,
}

#[allow(dead_code)]
impl Entry<'_> {
    /// The content, where it has at most `most` bytes.
    pub(in crate::registry) fn content(&mut self, most: u64) -> Result<Option<Vec<u8>>, InvalidArchive> {
        if self.size > most {
            return Ok(None);
        }
        let mut content = Vec::new();
        self.content.read_to_end(&mut content).map_err(|_| InvalidArchive::Unreadable)?;
        Ok(Some(content))
    }
}

/// A gzipped archive, of all parts where it was packed in several. One that is larger than allowed ends in the middle of a block, which is an error where it is read.
pub(in crate::registry) fn unpacked(content: &[u8]) -> tar::Archive<impl Read> {
    tar::Archive::new(MultiGzDecoder::new(content).take(MAX_UNPACKED + 1))
}

/// The entries of an archive as they stand there, extension headers among them.
pub(in crate::registry) fn raw<R: Read>(
    archive: &mut tar::Archive<R>,
) -> Result<impl Iterator<Item = Result<tar::Entry<'_, R>, InvalidArchive>>, InvalidArchive> {
    let entries = archive.entries().map_err(|_| InvalidArchive::Unreadable)?.raw(true);
    Ok(entries.enumerate().map(|(index, entry)| match entry {
        Ok(_) if index >= MAX_ENTRIES => Err(InvalidArchive::Entries),
        entry => entry.map_err(|_| InvalidArchive::Unreadable),
    }))
}

/// Shows each entry of a gzipped archive to `visit`, in order.
pub(in crate::registry) fn walk<E: From<InvalidArchive>>(
    content: &[u8],
    mut visit: impl FnMut(&mut Entry<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut archive = unpacked(content);
    let (mut extended, mut links) = (Extended::default(), Links::default());
    for entry in raw(&mut archive)? {
        let mut entry = entry?;
        let (kind, size) = (entry.header().entry_type(), entry.size());
        if extended.take(kind, size, &mut entry)? {
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
pub(in crate::registry) fn check_end(mut rest: impl Read) -> Result<(), InvalidArchive> {
    let mut buffer = [0; 8 << 10];
    loop {
        match rest.read(&mut buffer).map_err(|_| InvalidArchive::Unreadable)? {
            0 => return Ok(()),
            length if buffer.iter().take(length).all(|byte| *byte == 0) => {}
            _ => return Err(InvalidArchive::Behind),
        }
    }
}

/// Every reader takes an entry for the same kind and finds the next one at the same place: some look for content behind files
/// alone, and take a file for a folder where its path ends in a slash.
pub(in crate::registry) fn check_kind(kind: EntryType, size: u64, path: &[u8]) -> Result<(), InvalidArchive> {
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

/// Where the links of an archive are: what is unpacked there afterwards changes another file.
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

/// What is the same for all names that some system takes for one: there case, dots and spaces at the end, and what is behind a
/// colon say nothing.
pub(in crate::registry) fn folded(name: &str) -> String {
    let name = name.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    name.to_uppercase().to_lowercase()
}

/// What extension headers say of the entry behind them.
#[derive(Debug, Default)]
struct Extended {
    is_some: bool,
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Extended {
    /// Whether this entry is an extension header, which is then read.
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
            let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
            text.truncate(end);
            self.path = Some(text);
        } else if !kind.is_gnu_longlink() {
            self.pax(&text, kind.is_pax_global_extensions())?;
        }
        self.is_some = !kind.is_pax_global_extensions();
        Ok(true)
    }

    fn pax(&mut self, text: &[u8], is_global: bool) -> Result<(), InvalidArchive> {
        for extension in PaxExtensions::new(text.strip_suffix(b"\n").unwrap_or(text)) {
            let extension = extension.map_err(|_| InvalidArchive::Extension)?;
            match extension.key_bytes() {
                b"path" | b"size" if is_global => return Err(InvalidArchive::Override),
                b"path" if self.path.is_none() => self.path = Some(extension.value_bytes().to_vec()),
                b"size" if self.size.is_none() => {
                    let size = extension.value().ok().and_then(|size| size.parse().ok());
                    self.size = Some(size.ok_or(InvalidArchive::Override)?);
                }
                b"path" | b"size" => return Err(InvalidArchive::Override),
                key if key.starts_with(b"GNU.sparse.") => return Err(InvalidArchive::Override),
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

/// Whether a path stays below the folder that it is unpacked into, on every system.
pub(in crate::registry) fn is_plain(path: &Path) -> bool {
    let stays = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let is_text = |path: &str| !path.contains(|c: char| c == '\\' || c.is_control());
    !path.as_os_str().is_empty() && path.to_str().is_some_and(is_text) && path.components().all(stays)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::read::GzDecoder;
    use flate2::write::GzEncoder;

    use super::*;

    /// An archive of entries with their types, names and contents.
    fn archive(entries: &[(u8, &str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (kind, name, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(EntryType::new(*kind));
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(content.len() as u64);
            header.set_cksum();
            archive.append(&header, *content).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    /// An archive that begins with an entry which says that it is this long, and then goes on for long enough.
    fn promising(kind: u8, size: u64, zeros: usize) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::new(kind));
        header.set_size(size);
        header.set_cksum();
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        std::io::Write::write_all(&mut packed, header.as_bytes()).unwrap();
        std::io::copy(&mut std::io::repeat(b'a').take(zeros as u64), &mut packed).unwrap();
        packed.finish().unwrap()
    }

    fn paths(content: &[u8]) -> Result<Vec<String>, InvalidArchive> {
        let mut paths = Vec::new();
        walk(content, |entry| {
            paths.push(String::from_utf8_lossy(&entry.path).into_owned());
            Ok::<_, InvalidArchive>(())
        })?;
        Ok(paths)
    }

    #[test]
    fn long_paths_are_read_from_either_kind_of_extension_header() {
        let long = "a/".repeat(100) + "b";
        let pax = format!("{} path={long}\n", long.len() + 10);
        let entries: &[(u8, &str, &[u8])] = &[
            (b'g', "pax_global_header", b"13 comment=x\n"),
            (b'L', "././@LongLink", long.as_bytes()),
            (b'0', "a/a", b"hi"),
            (b'x', "PaxHeader/a", pax.as_bytes()),
            (b'0', "a/a", b""),
            (b'x', "PaxHeader/a", b"10 size=2\n20 mtime=1700000.25\n"),
            (b'0', "c", b"hi"),
        ];
        assert_eq!(paths(&archive(entries)).unwrap(), [&long, &long, "c"]);
        let mut contents = Vec::new();
        walk(&archive(entries), |entry| {
            contents.push(entry.content(1)?);
            Ok::<_, InvalidArchive>(())
        })
        .unwrap();
        assert_eq!(contents, [None, Some(Vec::new()), None]);
    }

    #[test]
    fn what_an_extension_header_promises_is_not_allocated() {
        for kind in *b"LKxg" {
            for (size, zeros) in [(500 << 20, 1 << 20), (u64::MAX >> 1, 1024), (MAX_EXTENSION + 1, 16 << 10)]
            {
                assert_eq!(
                    paths(&promising(kind, size, zeros)),
                    Err(InvalidArchive::Extension),
                    "{kind} {size}"
                );
            }
        }
        assert_eq!(paths(&promising(b'0', 1 << 30, 1 << 20)), Err(InvalidArchive::Unreadable));
    }

    #[test]
    fn an_extension_header_gives_one_path_and_no_other_size() {
        type Entries<'a> = &'a [(u8, &'a str, &'a [u8])];
        let cases: [(Entries<'_>, InvalidArchive); 9] = [
            (&[(b'x', "x", b"10 size=9\n"), (b'0', "a", b"hi")], InvalidArchive::Override),
            (&[(b'x', "x", b"11 size=-1\n"), (b'0', "a", b"hi")], InvalidArchive::Override),
            (&[(b'x', "x", b"22 GNU.sparse.major=1\n"), (b'0', "a", b"hi")], InvalidArchive::Override),
            (&[(b'x', "x", b"10 path=a\n10 path=b\n"), (b'0', "a", b"hi")], InvalidArchive::Override),
            (&[(b'g', "g", b"10 path=a\n"), (b'0', "a", b"hi")], InvalidArchive::Override),
            (
                &[(b'L', "L", b"a"), (b'x', "x", b"10 path=b\n"), (b'0', "a", b"hi")],
                InvalidArchive::Extension,
            ),
            (&[(b'L', "L", b"a"), (b'L', "L", b"b"), (b'0', "a", b"hi")], InvalidArchive::Extension),
            (&[(b'x', "x", b"99 path=a\n"), (b'0', "a", b"hi")], InvalidArchive::Extension),
            (&[(b'0', "a", b"hi"), (b'L', "L", b"a")], InvalidArchive::Extension),
        ];
        for (entries, expected) in cases {
            assert_eq!(paths(&archive(entries)), Err(expected), "{entries:?}");
        }
    }

    #[test]
    fn nothing_hides_behind_the_end_of_an_archive() {
        let (one, two) = (archive(&[(b'0', "a", b"hi")]), archive(&[(b'0', "b", b"hi")]));
        let unpacked = |content: &[u8]| {
            let mut plain = Vec::new();
            GzDecoder::new(content).read_to_end(&mut plain).unwrap();
            plain
        };
        let packed = |content: &[u8]| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            std::io::Write::write_all(&mut packed, content).unwrap();
            packed.finish().unwrap()
        };
        assert_eq!(paths(&packed(&[unpacked(&one), vec![0; 10 << 10]].concat())).unwrap(), ["a"]);
        assert_eq!(paths(&[one.clone(), two.clone()].concat()), Err(InvalidArchive::Behind));
        assert_eq!(paths(&packed(&[unpacked(&one), unpacked(&two)].concat())), Err(InvalidArchive::Behind));
        // The first part ends within the archive.
        let plain = unpacked(&one);
        let (head, tail) = plain.split_at(700);
        assert_eq!(paths(&[packed(head), packed(tail)].concat()).unwrap(), ["a"]);
        assert!(paths(&[one.as_slice(), b"x"].concat()).is_err());
    }

    #[test]
    fn what_only_some_readers_skip_is_refused() {
        // A reader that looks for content behind files alone finds another entry here.
        let hidden = archive(&[(b'0', "a/b", b"hi")]);
        let mut hidden_entry = Vec::new();
        GzDecoder::new(hidden.as_slice()).take(1024).read_to_end(&mut hidden_entry).unwrap();
        for kind in *b"12345678SXNVA" {
            let refused = paths(&archive(&[(b'0', "a/a", b""), (kind, "a/d", &hidden_entry)]));
            assert!(
                matches!(refused, Err(InvalidArchive::Content(_) | InvalidArchive::Kind(_))),
                "{kind} {refused:?}"
            );
        }
        for kind in *b"\x000" {
            let refused = paths(&archive(&[(kind, "a/d/", &hidden_entry)]));
            assert_eq!(refused, Err(InvalidArchive::Content("a/d/".to_owned())));
            assert!(paths(&archive(&[(kind, "a/d/", b"")])).is_ok());
        }
        assert_eq!(
            paths(&archive(&[(b'5', "a/d/", b""), (b'2', "a/l", b""), (b'1', "a/h", b"")])).unwrap().len(),
            3
        );
    }

    #[test]
    fn nothing_is_unpacked_through_a_link() {
        for kind in *b"12" {
            for path in ["a/l", "a/l/b", "a/./L/b", "a//l", "a/l.", "a\\l\\b"] {
                let refused = paths(&archive(&[(kind, "a/l", b""), (b'0', path, b"hi")]));
                assert_eq!(refused, Err(InvalidArchive::Linked(path.to_owned())), "{kind}");
            }
            assert!(
                paths(&archive(&[(kind, "a/l", b""), (b'0', "a/lb", b"hi"), (b'0', "a/b/l", b"")])).is_ok()
            );
        }
    }

    #[test]
    fn paths_of_links_are_bounded() {
        let mut entries = vec![(b'2', "a/l", &b""[..])];
        let long = "a/b".repeat(20);
        entries.push((b'0', &long, b"hi"));
        assert_eq!(paths(&archive(&entries)).unwrap().len(), 2);
        entries.push((b'2', &long, b""));
        assert_eq!(paths(&archive(&entries)), Err(InvalidArchive::Deep(long.clone())));
        let names: Vec<String> = (0..=MAX_LINKS).map(|number| format!("a/{number}")).collect();
        let links: Vec<(u8, &str, &[u8])> =
            names.iter().map(|name| (b'2', name.as_str(), &b""[..])).collect();
        assert_eq!(paths(&archive(&links)), Err(InvalidArchive::Entries));
        assert!(paths(&archive(&links[1..])).is_ok());
    }

    #[test]
    fn names_that_some_system_takes_for_one_are_the_same() {
        for name in [
            "package.json",
            "PACKAGE.JSON",
            "package.json. .",
            "package.json::$DATA",
            "pac\u{212a}age.j\u{17f}on",
        ] {
            assert_eq!(folded(name), "package.json", "{name}");
        }
        for name in ["package.jso", "package-json", "x package.json", "package.json.bak"] {
            assert_ne!(folded(name), "package.json", "{name}");
        }
    }

    #[test]
    fn entries_are_counted() {
        let one = archive(&[(b'0', "a", b"")]);
        let mut plain = Vec::new();
        GzDecoder::new(one.as_slice()).take(512).read_to_end(&mut plain).unwrap();
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        std::io::Write::write_all(&mut packed, &plain.repeat(MAX_ENTRIES + 1)).unwrap();
        assert_eq!(paths(&packed.finish().unwrap()), Err(InvalidArchive::Entries));
    }

    #[test]
    fn a_path_that_leaves_its_folder_is_not_plain() {
        for path in ["a", "a/b", "./a", "a/./b", "a..b"] {
            assert!(is_plain(Path::new(path)), "{path}");
        }
        for path in ["", "/a", "..", "a/../b", "../a", "a/..", "a\\b", "a/b\n", "a\0"] {
            assert!(!is_plain(Path::new(path)), "{path}");
        }
    }
}
