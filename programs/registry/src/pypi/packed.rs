//! The metadata file that a distribution holds: `METADATA` of a wheel, `PKG-INFO` of a source distribution.

use std::ffi::OsString;
use std::path::{Component, Path};

use oidc_exchange::pypi::ProjectName;

use super::distribution::canonical;
use super::invalid_package::{InvalidPackage, MAX_METADATA};
use super::wheel;
use crate::hosting::archive::{self, Entry};

/// Reads the metadata of the distribution `file`, whose name is one of a wheel or source distribution.
pub(super) fn metadata(file: &str, content: &[u8]) -> Result<Vec<u8>, InvalidPackage> {
    let Some(wheel) = file.strip_suffix(".whl") else { return source(content) };
    let expected = project_and_version(wheel);
    wheel::metadata(content, |folder| expected.is_some() && project_and_version(folder) == expected)
}

/// The project and version at the beginning of a wheel's name, in the form that all spellings share.
fn project_and_version(name: &str) -> Option<(String, String)> {
    let mut parts = name.split('-');
    let (project, version) = (parts.next()?, parts.next()?);
    Some((ProjectName::parse(project).ok()?.normalized(), canonical(&version.replace('_', "-"))?))
}

/// Reads the `PKG-INFO` in the archive's one folder.
fn source(content: &[u8]) -> Result<Vec<u8>, InvalidPackage> {
    let mut source = Source::default();
    archive::walk(content, archive::Parts::Several, |entry| source.add(entry))?;
    source.metadata.ok_or(InvalidPackage::Missing("PKG-INFO"))
}

/// A source distribution as far as it was read.
#[derive(Default)]
struct Source {
    /// The one folder, after the first entry.
    folder: Option<Option<OsString>>,
    metadata: Option<Vec<u8>>,
}

impl Source {
    fn add(&mut self, entry: &mut Entry<'_>) -> Result<(), InvalidPackage> {
        let text = String::from_utf8_lossy(&entry.path).into_owned();
        let path = Path::new(&text);
        let mut parts = path.components().filter(|part| !matches!(part, Component::CurDir));
        let first = parts.next().map(|part| part.as_os_str().to_owned());
        let is_here = *self.folder.get_or_insert_with(|| first.clone()) == first;
        if !archive::is_plain(path) || !is_here {
            return Err(InvalidPackage::Stray(text.chars().take(200).collect()));
        }
        let (second, third) = (parts.next(), parts.next());
        let second = second.and_then(|part| part.as_os_str().to_str());
        let is_metadata = second.is_some_and(|part| archive::folded(part) == "pkg-info");
        if !is_metadata {
            return Ok(());
        }
        if self.metadata.is_some() || third.is_some() || !entry.kind.is_file() || second != Some("PKG-INFO") {
            return Err(InvalidPackage::OtherMetadata(text));
        }
        self.metadata = Some(entry.content(MAX_METADATA)?.ok_or(InvalidPackage::TooLarge)?);
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder};
    use rawzip::{CompressionMethod, ZipArchiveWriter};

    use super::*;

    /// A gzipped archive of files.
    pub(in super::super) fn tarball(files: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, content.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    /// A zip archive of folders and deflated files.
    pub(in super::super) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = ZipArchiveWriter::new(Vec::new());
        for (path, content) in files {
            if path.ends_with('/') {
                archive.new_dir(*path).create().unwrap();
                continue;
            }
            let file = archive.new_file(*path).compression_method(CompressionMethod::DEFLATE);
            let (mut entry, config) = file.start().unwrap();
            let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::fast()));
            writer.write_all(content.as_bytes()).unwrap();
            let (_, descriptor) = writer.finish().unwrap();
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap()
    }

    /// The files of a wheel: these, a `WHEEL`, and a `RECORD` of them all.
    fn complete<N: AsRef<[u8]>>(files: &[(N, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let given = files.iter().map(|(name, content)| (name.as_ref().to_vec(), content.as_bytes().to_vec()));
        let mut files: Vec<_> = given.collect();
        let folder = files.iter().find_map(|(name, _)| name.strip_suffix(b"METADATA")).unwrap().to_vec();
        files.push(([&folder, b"WHEEL".as_slice()].concat(), b"Wheel-Version: 1.0\n".to_vec()));
        let mut rows = csv::Writer::from_writer(Vec::new());
        for (name, _) in &files {
            rows.write_record([name, b"".as_slice(), b""]).unwrap();
        }
        files.push(([&folder, b"RECORD".as_slice()].concat(), rows.into_inner().unwrap()));
        files
    }

    /// A wheel of deflated files.
    pub(in super::super) fn wheel(files: &[(&str, &str)]) -> Vec<u8> {
        let files = complete(files).into_iter();
        let files = files.map(|(name, content)| [name, content].map(|text| String::from_utf8(text).unwrap()));
        let files: Vec<_> = files.collect();
        zip(&files.iter().map(|[name, content]| (name.as_str(), content.as_str())).collect::<Vec<_>>())
    }

    const WHEEL: &str = "widget-1.0-py3-none-any.whl";
    const METADATA: &str = "widget-1.0.dist-info/METADATA";

    /// A wheel of stored files without descriptors, and where its directory begins.
    fn stored<N: AsRef<[u8]>>(files: &[(N, &str)]) -> (Vec<u8>, usize) {
        let files = complete(files);
        let (mut body, mut directory) = (Vec::new(), Vec::new());
        for (name, content) in &files {
            let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            fields.extend(rawzip::crc32(content).to_le_bytes());
            for length in [content.len(), content.len()] {
                fields.extend(u32::try_from(length).unwrap().to_le_bytes());
            }
            fields.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            fields.extend([0, 0]);
            directory.extend(b"PK\x01\x02\x14\x00");
            directory.extend(&fields);
            directory.extend([0; 10]);
            directory.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
            directory.extend(name);
            body.extend(b"PK\x03\x04");
            body.extend(fields);
            body.extend(name);
            body.extend(content);
        }
        let begin = body.len();
        let count = u16::try_from(files.len()).unwrap().to_le_bytes();
        let mut end = b"PK\x05\x06\x00\x00\x00\x00".to_vec();
        end.extend(count);
        end.extend(count);
        end.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
        end.extend(u32::try_from(begin).unwrap().to_le_bytes());
        end.extend([0, 0]);
        body.extend(directory);
        body.extend(end);
        (body, begin)
    }

    /// A zip archive whose first file has an extra field in its own header, in the directory's, or in both.
    fn zip_with_extra(files: &[(&str, &str)], extra: &[u8], headers: u8) -> Vec<u8> {
        let length = u16::try_from(extra.len()).unwrap().to_le_bytes();
        let (mut archive, mut directory) = stored(files);
        let name = files[0].0.len();
        let is_in_directory = headers & 2 != 0;
        if is_in_directory {
            archive[directory + 30..directory + 32].copy_from_slice(&length);
            archive.splice(directory + 46 + name..directory + 46 + name, extra.iter().copied());
            let end = archive.len() - 10;
            let size = u32::from_le_bytes(archive[end..end + 4].try_into().unwrap())
                + u32::try_from(extra.len()).unwrap();
            archive[end..end + 4].copy_from_slice(&size.to_le_bytes());
        }
        if headers & 1 != 0 {
            archive[28..30].copy_from_slice(&length);
            archive.splice(30 + name..30 + name, extra.iter().copied());
            directory += extra.len();
            let end = archive.len() - 6;
            archive[end..end + 4].copy_from_slice(&u32::try_from(directory).unwrap().to_le_bytes());
            // The other files begin later.
            let mut at = directory;
            for index in 0..complete(files).len() {
                let begin = u32::from_le_bytes(archive[at + 42..at + 46].try_into().unwrap());
                let begin = if index == 0 { begin } else { begin + u32::try_from(extra.len()).unwrap() };
                archive[at + 42..at + 46].copy_from_slice(&begin.to_le_bytes());
                let of_name = usize::from(u16::from_le_bytes(archive[at + 28..at + 30].try_into().unwrap()));
                let of_extra = usize::from(u16::from_le_bytes(archive[at + 30..at + 32].try_into().unwrap()));
                at += 46 + of_name + of_extra;
            }
        }
        archive
    }

    #[test]
    fn the_metadata_of_either_kind_is_found() {
        let files = [("widget/__init__.py", "x = 1\n"), (METADATA, "Name: widget\n")];
        assert_eq!(metadata(WHEEL, &wheel(&files)).unwrap(), b"Name: widget\n");
        assert_eq!(metadata(WHEEL, &stored(&files).0).unwrap(), b"Name: widget\n");
        let files = [("widget-1.0/PKG-INFO", "Name: widget\n"), ("widget-1.0/a.egg-info/PKG-INFO", "x")];
        assert_eq!(metadata("widget-1.0.tar.gz", &tarball(&files)).unwrap(), b"Name: widget\n");
    }

    #[test]
    fn a_wheel_in_which_readers_see_different_files_is_refused() {
        let files = [("a", "x"), (METADATA, "Name: widget\n"), ("b", "y")];
        let (good, directory) = stored(&files);
        assert!(metadata(WHEEL, &good).is_ok());
        let position = |name: &str, from: usize| {
            from + good[from..].windows(name.len()).position(|window| window == name.as_bytes()).unwrap()
        };
        let changed = |at: usize, byte: u8| {
            let mut changed = good.clone();
            changed[at] = byte;
            changed
        };
        let end = good.len();
        for (what, archive) in [
            ("before", [b"PK\x03\x04".as_slice(), &good].concat()),
            ("behind", [good.as_slice(), b"x"].concat()),
            ("another name in the header", changed(position(METADATA, 0), b'W')),
            ("another name in the directory", changed(position(METADATA, directory), b'W')),
            ("another method in the header", changed(8, 8)),
            ("another size in the header", changed(22, 9)),
            ("a descriptor in the header alone", changed(6, 8)),
            ("another beginning of the directory", changed(end - 6, good[end - 6].wrapping_sub(1))),
            ("fewer files in the directory", changed(end - 12, 2)),
            ("a comment", [&good[..end - 2], b"\x01\x00x"].concat()),
            ("the same name twice", stored(&[("a", "x"), (METADATA, "Name: widget\n"), ("a", "y")]).0),
            ("the metadata twice", stored(&[(METADATA, "Name: widget\n"), (METADATA, "Name: gadget\n")]).0),
            ("not all of it", good[..end - 1].to_vec()),
            ("nothing", Vec::new()),
        ] {
            assert!(metadata(WHEEL, &archive).is_err(), "{what}");
        }
        for name in [
            "widget-1.0.dist-info/METADATA\0x",
            "./widget-1.0.dist-info/METADATA",
            "x/../widget-1.0.dist-info/METADATA",
            "/widget-1.0.dist-info/METADATA",
            "widget-1.0.dist-info//METADATA",
            "widget-1.0.dist-info/METADATA.",
            "widget-1.0.data/purelib/widget-1.0.dist-info/METADATA",
            "widget-1.0.data/data/lib/widget-1.0.dist-info/METADATA",
            "gadget-1.0.dist-info/RECORD",
            "Widget-1.0.0.dist-info/RECORD",
            "widget.egg-info",
            "widget.egg-info/",
            "gadget-1.0-py3.13.egg-info/PKG-INFO",
            "gadget.EGG-INFO/pkg-info",
            "gadget.egg-info/requires.txt",
            "widget-1.0.data/purelib/gadget.egg-info",
            "widget-1.0.data/platlib/gadget.egg-info/PKG-INFO",
            "widget-1.0.data/data/lib/gadget.egg-info/PKG-INFO",
            "a\nb",
        ] {
            assert!(
                metadata(WHEEL, &stored(&[(METADATA, "Name: widget\n"), (name, "x")]).0).is_err(),
                "{name}"
            );
        }
        // Another name in an extra field of either header.
        let name = [b"\x75\x70".as_slice(), &6_u16.to_le_bytes(), b"\x01\0\0\0\0b"].concat();
        for headers in [1, 2] {
            let other = zip_with_extra(&files, &name, headers);
            assert_eq!(metadata(WHEEL, &other), Err(InvalidPackage::Ambiguous), "{headers}");
            let harmless = [b"\x76\x70".as_slice(), &name[2..]].concat();
            assert!(metadata(WHEEL, &zip_with_extra(&files, &harmless, headers)).is_ok());
        }
        let with_sizes = |unpacked: u64, packed: u64, headers: u8| {
            let sizes = [unpacked.to_le_bytes(), packed.to_le_bytes()].concat();
            let field = [b"\x01\0".as_slice(), &16_u16.to_le_bytes(), &sizes].concat();
            metadata(WHEEL, &zip_with_extra(&files, &field, headers))
        };
        // As some tools write it into the header of every file.
        assert!(with_sizes(1, 1, 1).is_ok());
        for (unpacked, packed, headers) in [(1, 1, 2), (1, 1, 3), (2, 1, 1), (1, 2, 1)] {
            let refused = with_sizes(unpacked, packed, headers);
            assert_eq!(refused, Err(InvalidPackage::Ambiguous), "{unpacked} {packed} {headers}");
        }
        let sizes = [b"\x01\0".as_slice(), &16_u16.to_le_bytes(), &[1; 16]].concat();
        for extra in [&sizes, &name[..9], b"\x76\x70\0".as_slice()] {
            for headers in [1, 2, 3] {
                let other = zip_with_extra(&files, extra, headers);
                assert_eq!(metadata(WHEEL, &other), Err(InvalidPackage::Ambiguous), "{extra:?} {headers}");
            }
        }
        // The second file is in no directory.
        let (mut hidden, _) = stored(&files);
        let second = position("b", 30) - 30;
        hidden.splice(second..second, good[..32].iter().copied());
        assert!(metadata(WHEEL, &hidden).is_err());
    }

    #[test]
    fn a_wheel_has_one_end_that_says_of_its_directory_what_it_is() {
        let (good, directory) = stored(&[(METADATA, "Name: widget\n"), ("a", "x")]);
        let end = good.len() - 22;
        let changed = |at: usize, byte: u8| {
            let mut changed = good.clone();
            changed[at] = changed[at].wrapping_add(byte);
            changed
        };
        let with = |between: &[u8]| [&good[..end], between, &good[end..]].concat();
        let record = |length: u64| {
            let (files, directory) = (4_u64.to_le_bytes(), directory as u64);
            let size = (end as u64 - directory).to_le_bytes();
            let begin = [b"PK\x06\x06".as_slice(), &length.to_le_bytes(), &[45, 0, 45, 0], &[0; 8]].concat();
            [&begin, files.as_slice(), &files, &size, &directory.to_le_bytes()].concat()
        };
        let locator =
            [b"PK\x06\x07".as_slice(), &[0; 4], &(end as u64).to_le_bytes(), &1_u32.to_le_bytes()].concat();
        for (what, archive) in [
            ("on another disk", changed(end + 4, 1)),
            ("whose directory is on another disk", changed(end + 6, 1)),
            ("with fewer files on this disk", changed(end + 8, 255)),
            ("of a shorter directory", changed(end + 12, 255)),
            ("of a longer directory", changed(end + 12, 1)),
            ("of a larger archive", with(&[record(44), locator.clone()].concat())),
            ("with two records", with(&[record(44 + 56), record(44), locator.clone()].concat())),
            ("with a pointer and no record", with(&locator)),
            ("behind a gap", with(b"x")),
        ] {
            let refused = metadata(WHEEL, &archive);
            assert!(
                matches!(refused, Err(InvalidPackage::Ambiguous | InvalidPackage::Zip)),
                "{what}: {refused:?}"
            );
        }
    }

    #[test]
    fn the_names_in_a_wheel_are_bounded_together() {
        let names: Vec<String> = (0..150).map(|number| format!("{number}{}", "n".repeat(60_000))).collect();
        let read = |count: usize| {
            let long = names.iter().take(count).map(|name| (name.as_str(), ""));
            let files: Vec<_> = long.chain([(METADATA, "Name: widget\n")]).collect();
            metadata(WHEEL, &stored(&files).0)
        };
        assert!(read(130).is_ok());
        assert_eq!(read(150), Err(InvalidPackage::Entries));
    }

    #[test]
    fn every_file_of_a_wheel_is_what_its_headers_say() {
        // A first file with this packed content, method, flags, checksum and size.
        let first = |packed: &str, method: u8, flags: u8, crc32: u32, size: u32| {
            let (mut archive, directory) = stored(&[("a", packed), (METADATA, "Name: widget\n")]);
            for fields in [6, directory + 8] {
                archive[fields] = flags;
                archive[fields + 2] = method;
                archive[fields + 8..fields + 12].copy_from_slice(&crc32.to_le_bytes());
                archive[fields + 16..fields + 20].copy_from_slice(&size.to_le_bytes());
            }
            metadata(WHEEL, &archive)
        };
        // Of "a", stored and deflated.
        let (crc32, deflated) = (rawzip::crc32(b"a"), "K\x04\0");
        assert!(first("a", 0, 0, crc32, 1).is_ok() && first(deflated, 8, 0b10, crc32, 1).is_ok());
        // A reader that goes by the packed content looks for the next header in the rest.
        let early = first(&format!("{deflated}rest"), 8, 0, crc32, 1);
        assert_eq!(early, Err(InvalidPackage::Ambiguous));
        for (what, refused) in [
            ("encrypted", first("a", 0, 1, crc32, 1)),
            ("patched", first("a", 0, 1 << 5, crc32, 1)),
            ("packed otherwise", first("a", 14, 0, crc32, 1)),
            ("of another checksum", first("a", 0, 0, crc32 ^ 1, 1)),
            ("of another size", first("a", 0, 0, crc32, 2)),
            ("deflated of another size", first(deflated, 8, 0, crc32, 2)),
            ("deflated of another checksum", first(deflated, 8, 0, crc32 ^ 1, 1)),
        ] {
            assert_eq!(refused, Err(InvalidPackage::Zip), "{what}");
        }
    }

    #[test]
    fn a_wheel_that_pip_can_not_open_is_refused() {
        // A file with this name, flags, and version of zip in its own header and in the directory's.
        let file = |name: &[u8], flags: u8, versions: [u8; 2]| {
            let (mut archive, directory) = stored(&[(name, "x"), (METADATA.as_bytes(), "Name: widget\n")]);
            for (header, version) in [(4, versions[0]), (directory + 6, versions[1])] {
                archive[header] = version;
                archive[header + 3] = flags;
            }
            metadata(WHEEL, &archive)
        };
        let utf8 = "w\u{fc}.py".as_bytes();
        assert!(file(b"w.py", 0, [63, 63]).is_ok() && file(utf8, 8, [20, 20]).is_ok());
        assert!(file(b"w.py", 8, [10, 20]).is_ok());
        for (name, flags) in [(utf8, 0), (b"w\xff.py", 8), (b"w\x81.py", 0), (b"w\xed\xa0\x80", 8)] {
            let refused = file(name, flags, [20, 20]).unwrap_err();
            assert!(refused.to_string().contains("flagged as that"), "{name:?} {flags}: {refused}");
        }
        for versions in [[99, 99], [20, 64], [64, 20]] {
            let refused = file(b"w.py", 0, versions).unwrap_err();
            assert!(refused.to_string().contains("of zip"), "{versions:?}: {refused}");
        }
    }

    #[test]
    fn a_wheel_holds_the_files_that_its_record_lists_and_no_others() {
        let name = |file: &str| format!("widget-1.0.dist-info/{file}");
        let [wheel, record] = ["WHEEL", "RECORD"].map(name);
        let read = |files: &[&str], listed: &str| {
            let files = files
                .iter()
                .map(|name| (*name, "x"))
                .chain([(METADATA, "Name: widget\n"), (&*record, listed)]);
            metadata(WHEEL, &zip(&files.collect::<Vec<_>>()))
        };
        let own = format!("{METADATA},sha256=x,1\n{wheel},,\n");
        for (files, listed) in [
            (vec![], format!("{own}{record},,\n")),
            (vec![], own.replace('\n', "\r\n")),
            (vec!["a, b.py"], format!("\"a, b.py\",,\n{own}")),
            (vec!["widget/", "widget/a.py"], format!("{own}widget/a.py,,\n")),
        ] {
            let files: Vec<&str> = files.into_iter().chain([&*wheel]).collect();
            assert_eq!(read(&files, &listed), Ok(b"Name: widget\n".to_vec()), "{listed}");
        }
        let signed = [&*wheel, &name("RECORD.jws"), &name("RECORD.p7s")];
        assert!(read(&signed, &own).is_ok());
        for (files, listed, reason) in [
            (vec!["a.py"], own.clone(), "doesn't list `a.py`, which is in the wheel"),
            (vec!["a.py"], format!("{own}A.py,,\n"), "lists `A.py`, which is no file of the wheel"),
            (vec![], format!("{own}a.py,,\n"), "lists `a.py`, which is no file of the wheel"),
            (vec!["widget/"], format!("{own}widget/,,\n"), "lists `widget/`, which is no file of the wheel"),
            (vec!["other/RECORD.jws"], own.clone(), "doesn't list `other/RECORD.jws`"),
            (vec![], String::new(), "doesn't list `widget-1.0.dist-info/METADATA`"),
            (vec![], "x".repeat((16 << 20) + 1), "is larger than 16 MB"),
        ] {
            let files: Vec<&str> = files.into_iter().chain([&*wheel]).collect();
            let error = read(&files, &listed).unwrap_err().to_string();
            assert!(error.contains(reason), "{reason}: {error}");
        }
        assert_eq!(read(&[], &own), Err(InvalidPackage::Missing("WHEEL")));
        let without = zip(&[(METADATA, "Name: widget\n"), (&*wheel, "x")]);
        assert_eq!(metadata(WHEEL, &without), Err(InvalidPackage::Missing("RECORD")));
    }

    #[test]
    fn nothing_of_a_wheel_is_unpacked_before_its_files_lie_side_by_side() {
        let (mut archive, directory) = stored(&[("a", "x"), (METADATA, "Name: widget\n")]);
        archive[31] = b'y';
        assert_eq!(metadata(WHEEL, &archive), Err(InvalidPackage::Zip));
        archive.insert(directory, 0);
        let end = archive.len() - 6;
        archive[end..end + 4].copy_from_slice(&u32::try_from(directory + 1).unwrap().to_le_bytes());
        assert_eq!(metadata(WHEEL, &archive), Err(InvalidPackage::Ambiguous));
    }

    #[test]
    fn metadata_stands_at_its_place_once_and_is_bounded() {
        let other = |name: &str| metadata(WHEEL, &wheel(&[(METADATA, "x"), (name, "y")]));
        for name in
            ["gadget-1.0.dist-info/METADATA", "widget-1.0.dist-info/metadata", "a.DIST-INFO\\METADATA"]
        {
            assert!(matches!(other(name), Err(InvalidPackage::OtherMetadata(_))), "{name}");
        }
        let spelled = wheel(&[("Widget-1.0.0.dist-info/METADATA", "x")]);
        assert_eq!(metadata(WHEEL, &spelled).unwrap(), b"x");
        for folder in ["gadget-1.0", "widget-1.1", "widget", ""] {
            let of_another = wheel(&[(&format!("{folder}.dist-info/METADATA"), "x")]);
            assert!(metadata(WHEEL, &of_another).is_err(), "{folder}");
        }
        assert!(other("widget/_vendor/gadget-1.0.dist-info/METADATA").is_ok());
        assert!(other("widget/tests/gadget.egg-info/PKG-INFO").is_ok());
        let missing = metadata(WHEEL, &zip(&[("widget-1.0.0.dist-info/RECORD", "x")]));
        assert_eq!(missing, Err(InvalidPackage::Missing("METADATA")));
        let large = "x".repeat((1 << 20) + 1);
        assert_eq!(metadata(WHEEL, &zip(&[(METADATA, &large)])), Err(InvalidPackage::TooLarge));
        let source = |files: &[(&str, &str)]| metadata("widget-1.0.tar.gz", &tarball(files));
        assert_eq!(source(&[("a/PKG-INFO", &large)]), Err(InvalidPackage::TooLarge));
        for files in [
            &[("a/PKG-INFO", "x"), ("a/PKG-INFO", "y")][..],
            &[("a/PKG-INFO", "x"), ("a/./pkg-info", "y")],
            &[("a/PKG-INFO", "x"), ("b/PKG-INFO", "y")],
            &[("a/PKG-INFO", "x"), ("a/../../b", "y")],
            &[("a/PKG-INFO", "x"), ("/a/b", "y")],
            &[("PKG-INFO", "x")],
            &[("a/b/PKG-INFO", "x")],
            &[],
        ] {
            assert!(source(files).is_err(), "{files:?}");
        }
        assert!(metadata("widget-1.0.tar.gz", b"no archive").is_err());
    }
}
