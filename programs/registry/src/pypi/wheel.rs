//! A wheel's metadata file, read from an archive in which every reader finds the same files.
//!
//! A zip archive lists its files twice: in the directory at its end and in a header before each file. Some installers read
//! one, some the other. So the two must agree, and the files must lie side by side with nothing between them.

mod file;
mod record;

use std::collections::BTreeSet;
use std::io::{self, Write};

use rawzip::{ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};

use self::file::Place;
use self::record::MAX_RECORD;
use super::invalid_package::{InvalidPackage, MAX_METADATA};
use crate::hosting::archive::{self, MAX_UNPACKED};

/// The lengths of a directory's record without its texts, of the archive's end, and of what points to another end before it.
const RECORD: usize = 46;
const END: usize = 22;
const LOCATOR: usize = 20;
/// The directory may have this many bytes. Every name in it is kept while a wheel is read, and looked at letter by letter.
const MAX_DIRECTORY: usize = 8 << 20;
/// The beginning of such a pointer. An archive as small as these has no second end, which only some readers would use.
const LOCATOR_SIGNATURE: &[u8] = b"PK\x06\x07";

/// Reads the `METADATA` in the one folder `….dist-info`, whose name without that end has to be of the wheel.
pub(super) fn metadata(
    content: &[u8],
    is_of_wheel: impl Fn(&str) -> bool,
) -> Result<Vec<u8>, InvalidPackage> {
    let archive = ZipArchive::from_slice(content).map_err(|_| InvalidPackage::Zip)?;
    let mut contents = Contents::default();
    for record in archive.entries() {
        let record = record.map_err(|_| InvalidPackage::Zip)?;
        contents.add(&archive, &record, &is_of_wheel)?;
    }
    contents.check_end(&archive, content)?;
    contents.check_places(archive.directory_offset(), content)?;
    // Files that lie in each other would be unpacked again and again.
    let (mut metadata, mut listed) = (None, None);
    for record in archive.entries() {
        let record = record.map_err(|_| InvalidPackage::Zip)?;
        match contents.own_file(&record) {
            Some("METADATA") if record.uncompressed_size_hint() > MAX_METADATA => {
                return Err(InvalidPackage::TooLarge);
            }
            Some("METADATA") => metadata = Some(content_of(&archive, &record)?),
            Some("RECORD") if record.uncompressed_size_hint() > MAX_RECORD => {
                return Err(InvalidPackage::Record(format!("is larger than {} MB", MAX_RECORD >> 20)));
            }
            Some("RECORD") => listed = Some(content_of(&archive, &record)?),
            _ => unpack(&archive, &record, &mut io::sink())?,
        }
    }
    contents.check_files(listed.as_deref())?;
    metadata.ok_or(InvalidPackage::Missing("METADATA"))
}

/// The files in the folder of the metadata without which pip installs no wheel, and PyPI takes none.
const FILES: [&str; 3] = ["METADATA", "WHEEL", "RECORD"];

/// The contents of a wheel as far as they were read.
#[derive(Default)]
struct Contents {
    names: BTreeSet<Vec<u8>>,
    places: Vec<Place>,
    /// The length of the directory.
    directory: usize,
    /// The size of the unpacked files.
    unpacked: u64,
    /// The folder of the metadata.
    folder: Option<String>,
}

impl Contents {
    fn add(
        &mut self,
        archive: &ZipSliceArchive<&[u8]>,
        record: &ZipFileHeaderRecord<'_>,
        is_of_wheel: impl Fn(&str) -> bool,
    ) -> Result<(), InvalidPackage> {
        let name = record.file_path().as_bytes();
        if !is_plain(name) || name.ends_with(b"/") && record.uncompressed_size_hint() > 0 {
            return Err(InvalidPackage::Name(shown(name)));
        }
        if !file::is_name_for_all(record) {
            return Err(InvalidPackage::Encoding(shown(name)));
        }
        self.check_room(record)?;
        self.places.push(Place::of(archive, record)?);
        if !self.names.insert(name.to_vec()) {
            return Err(InvalidPackage::Ambiguous);
        }
        let texts = [name.len(), record.extra_fields().remaining_bytes().len()];
        self.directory = texts.into_iter().fold(self.directory.saturating_add(RECORD), usize::saturating_add);
        if self.directory > MAX_DIRECTORY {
            return Err(InvalidPackage::Entries);
        }
        self.check_folder(name, is_of_wheel)
    }

    /// The name of a file in the folder of the metadata.
    fn own_file<'a>(&self, record: &'a ZipFileHeaderRecord<'_>) -> Option<&'a str> {
        let name = str::from_utf8(record.file_path().as_bytes()).ok()?;
        name.strip_prefix(self.folder.as_deref()?)?.strip_prefix('/')
    }

    /// Checks that the files of the metadata are there, and that the `RECORD` lists all files.
    fn check_files(&self, record: Option<&[u8]>) -> Result<(), InvalidPackage> {
        let folder = self.folder.as_deref().ok_or(InvalidPackage::Missing("METADATA"))?;
        let is_missing = |name: &&&str| !self.names.contains(format!("{folder}/{name}").as_bytes());
        if let Some(missing) = FILES.iter().find(is_missing) {
            return Err(InvalidPackage::Missing(missing));
        }
        record::check(record.unwrap_or_default(), folder, &self.names)
    }

    /// Checks that there are not too many files, and that they do not unpack to too much.
    fn check_room(&mut self, record: &ZipFileHeaderRecord<'_>) -> Result<(), InvalidPackage> {
        self.unpacked = self.unpacked.saturating_add(record.uncompressed_size_hint());
        if self.places.len() >= usize::from(u16::MAX) || self.unpacked > MAX_UNPACKED {
            return Err(InvalidPackage::Entries);
        }
        Ok(())
    }

    /// Checks that there is one folder of metadata, as installers require.
    fn check_folder(
        &mut self,
        name: &[u8],
        is_of_wheel: impl Fn(&str) -> bool,
    ) -> Result<(), InvalidPackage> {
        let text = String::from_utf8_lossy(name);
        if is_older_metadata(&text) {
            return Err(InvalidPackage::OtherMetadata(shown(name)));
        }
        let Some((folder, file)) = text.split_once('/') else { return Ok(()) };
        let folded = archive::folded(folder);
        let is_here = folded.ends_with(".dist-info");
        // The short name that Windows gives such a folder.
        let is_short = folded.contains('~') && folded.ends_with(".dis");
        let is_of_wheel = || folder.strip_suffix(".dist-info").is_some_and(is_of_wheel);
        let is_first = || self.folder.as_ref().is_none_or(|first| first == folder);
        let is_other = is_here && !(is_first() && is_of_wheel());
        if is_short || is_other || is_metadata(&text) && !(is_here && file == "METADATA") {
            return Err(InvalidPackage::OtherMetadata(shown(name)));
        }
        if is_here && self.folder.is_none() {
            self.folder = Some(folder.to_owned());
        }
        Ok(())
    }

    /// The archive's end is where the directory ends, and says of it what it is.
    fn check_end(&self, archive: &ZipSliceArchive<&[u8]>, content: &[u8]) -> Result<(), InvalidPackage> {
        let offset = usize::try_from(archive.directory_offset()).unwrap_or(usize::MAX);
        let end = end(self.places.len(), self.directory, offset).ok_or(InvalidPackage::Zip)?;
        let before = content.strip_suffix(end.as_slice()).ok_or(InvalidPackage::Ambiguous)?;
        let has_locator = before
            .len()
            .checked_sub(LOCATOR)
            .and_then(|begin| before.get(begin..))
            .is_some_and(|last| last.starts_with(LOCATOR_SIGNATURE));
        if has_locator || offset.checked_add(self.directory) != Some(before.len()) {
            return Err(InvalidPackage::Ambiguous);
        }
        Ok(())
    }

    /// The files begin where the archive does, lie side by side, and end where the directory begins.
    fn check_places(&mut self, directory: u64, content: &[u8]) -> Result<(), InvalidPackage> {
        self.places.sort_unstable_by_key(|place| place.begin);
        let begins = self.places.iter().map(|place| place.begin).chain([directory]);
        let start = Place::start();
        let mut before = std::iter::once(&start).chain(&self.places);
        let is_whole =
            begins.into_iter().all(|next| before.next().is_some_and(|place| place.reaches(next, content)));
        if is_whole { Ok(()) } else { Err(InvalidPackage::Ambiguous) }
    }
}

/// The content of a file, which is what its headers say.
fn content_of(
    archive: &ZipSliceArchive<&[u8]>,
    record: &ZipFileHeaderRecord<'_>,
) -> Result<Vec<u8>, InvalidPackage> {
    let mut content = Vec::new();
    unpack(archive, record, &mut content)?;
    Ok(content)
}

/// Unpacks a file to see that it is what its headers say.
fn unpack(
    archive: &ZipSliceArchive<&[u8]>,
    record: &ZipFileHeaderRecord<'_>,
    into: &mut impl Write,
) -> Result<(), InvalidPackage> {
    let entry = archive.get_entry(record.wayfinder()).map_err(|_| InvalidPackage::Zip)?;
    file::unpack(&entry, record, into)
}

/// The end of an archive on one disk, without a comment.
fn end(files: usize, directory: usize, offset: usize) -> Option<Vec<u8>> {
    let files = u16::try_from(files).ok()?.to_le_bytes();
    let mut end = Vec::with_capacity(END);
    end.extend(b"PK\x05\x06\0\0\0\0");
    end.extend(files);
    end.extend(files);
    end.extend(u32::try_from(directory).ok()?.to_le_bytes());
    end.extend(u32::try_from(offset).ok()?.to_le_bytes());
    end.extend([0, 0]);
    Some(end)
}

/// Returns `true` if every installer takes this for the same name: some end it at a NUL, and dots and other slashes lead elsewhere.
fn is_plain(name: &[u8]) -> bool {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let is_part = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
    !name.iter().any(|byte| *byte == b'\\' || byte.is_ascii_control())
        && name.split(|byte| *byte == b'/').all(is_part)
}

/// Returns `true` if an installer may put this where it puts the metadata of a wheel.
fn is_metadata(name: &str) -> bool {
    let parts: Vec<String> = name.split('/').map(archive::folded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match *parts.as_slice() {
        [folder, file] => folder.ends_with(".dist-info") && file == "metadata",
        // What is below these is installed beside the wheel's own, or can be.
        [data, _, .., folder, file] => {
            data.ends_with(".data") && folder.ends_with(".dist-info") && file == "metadata"
        }
        _ => false,
    }
}

/// Returns `true` if an installer may put this where Python looks for the metadata of older installations, a file or a folder: what a
/// wheel is would then depend on which is found first.
fn is_older_metadata(name: &str) -> bool {
    let parts: Vec<String> = name.split('/').map(archive::folded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let is_egg = |name: &&str| name.ends_with(".egg-info");
    match *parts.as_slice() {
        [ref egg, ..] if is_egg(egg) => true,
        [data, _, ref below @ ..] => data.ends_with(".data") && below.iter().any(is_egg),
        _ => false,
    }
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(100).collect()
}
