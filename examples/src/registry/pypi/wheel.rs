//! A wheel's metadata file, read from an archive in which every reader finds the same files.
//!
//! A zip archive lists its files twice: in the directory at its end and in a header before each file. Some installers read
//! one, some the other. So the two must agree, and the files must lie side by side with nothing between them.

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::DeflateDecoder;
use rawzip::extra_fields::ExtraFields;
use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};

use super::packed::{InvalidPackage, MAX_METADATA};
use crate::registry::hosting::archive;

/// A wheel may have this many files.
const MAX_ENTRIES: u64 = 100_000;
/// The extra field with a name in UTF-8.
const OTHER_NAME: u16 = 0x7075;
/// The lengths that a descriptor behind a file's content may have: with or without a signature, of 32 or 64 bits.
const DESCRIPTORS: [u64; 4] = [12, 16, 20, 24];

/// Reads the `METADATA` in the one folder `….dist-info`, whose name without that end has to be of the wheel.
pub(super) fn metadata(
    content: &[u8],
    is_of_wheel: impl Fn(&str) -> bool,
) -> Result<Vec<u8>, InvalidPackage> {
    let unreadable = |_| InvalidPackage::Zip;
    let archive = ZipArchive::from_slice(content).map_err(unreadable)?;
    if archive.entries_hint() > MAX_ENTRIES {
        return Err(InvalidPackage::Entries);
    }
    let (mut names, mut places) = (BTreeSet::new(), Vec::new());
    let mut found = None;
    for record in archive.entries() {
        let record = record.map_err(unreadable)?;
        let name = record.file_path().as_bytes();
        if !is_plain(name) {
            return Err(InvalidPackage::Name(shown(name)));
        }
        places.push(place(&archive, &record)?);
        if !names.insert(name) || places.len() as u64 > archive.entries_hint() {
            return Err(InvalidPackage::Ambiguous);
        }
        if is_metadata(name) {
            let folder = str::from_utf8(name).ok().and_then(|name| name.strip_suffix(".dist-info/METADATA"));
            if found.is_some() || !folder.is_some_and(&is_of_wheel) {
                return Err(InvalidPackage::OtherMetadata(shown(name)));
            }
            found = Some(record);
        }
    }
    if places.len() as u64 != archive.entries_hint() {
        return Err(InvalidPackage::Ambiguous);
    }
    check_places(&archive, places, content.len())?;
    let record = found.ok_or(InvalidPackage::Missing("METADATA"))?;
    unpacked(&archive, &record)
}

/// Where a file begins and ends, and whether a descriptor follows.
struct Place {
    begin: u64,
    end: u64,
    has_descriptor: bool,
}

/// A file's place. Its own header says the same of it as the directory.
fn place(
    archive: &ZipSliceArchive<&[u8]>,
    record: &ZipFileHeaderRecord<'_>,
) -> Result<Place, InvalidPackage> {
    let entry = archive.get_entry(record.wayfinder()).map_err(|_| InvalidPackage::Zip)?;
    let header = entry.local_header();
    let has_descriptor = header.flags().has_data_descriptor();
    let are_sizes_same = has_descriptor
        || header.compressed_size_hint() == record.compressed_size_hint()
            && header.uncompressed_size_hint() == record.uncompressed_size_hint()
            && header.crc32() == record.crc32();
    let is_same = header.file_path().as_bytes() == record.file_path().as_bytes()
        && header.compression_method() == record.compression_method()
        && has_descriptor == record.flags().has_data_descriptor()
        && ![record.extra_fields(), header.extra_fields()].into_iter().any(has_other_name)
        && are_sizes_same;
    let (_, end) = entry.compressed_data_range();
    if is_same {
        Ok(Place { begin: record.local_header_offset(), end, has_descriptor })
    } else {
        Err(InvalidPackage::Ambiguous)
    }
}

/// Whether extra fields hold another name, which some readers take.
fn has_other_name(mut fields: ExtraFields<'_>) -> bool {
    fields.any(|(id, _)| id.as_u16() == OTHER_NAME)
}

/// The files begin where the archive does, lie side by side, and end where the directory begins, with which it ends.
fn check_places(
    archive: &ZipSliceArchive<&[u8]>,
    mut places: Vec<Place>,
    length: usize,
) -> Result<(), InvalidPackage> {
    places.sort_unstable_by_key(|place| place.begin);
    let mut before = Place { begin: 0, end: 0, has_descriptor: false };
    let directory = Place { begin: archive.directory_offset(), end: length as u64, has_descriptor: false };
    for place in places.into_iter().chain([directory]) {
        let gap = place.begin.checked_sub(before.end).ok_or(InvalidPackage::Ambiguous)?;
        let is_adjacent = if before.has_descriptor { DESCRIPTORS.contains(&gap) } else { gap == 0 };
        if !is_adjacent {
            return Err(InvalidPackage::Ambiguous);
        }
        before = place;
    }
    let is_whole = archive.comment().as_bytes().is_empty() && archive.end_offset() == length as u64;
    if is_whole { Ok(()) } else { Err(InvalidPackage::Ambiguous) }
}

/// Whether every installer takes this for the same name: some end it at a NUL, and dots and other slashes lead elsewhere.
fn is_plain(name: &[u8]) -> bool {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let is_part = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
    !name.iter().any(|byte| *byte == b'\\' || byte.is_ascii_control())
        && name.split(|byte| *byte == b'/').all(is_part)
}

/// Whether an installer may put this where it puts the metadata of a wheel.
fn is_metadata(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name);
    let parts: Vec<String> = name.split('/').map(archive::folded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match *parts.as_slice() {
        [folder, file] => folder.ends_with(".dist-info") && file == "metadata",
        // What is below these is installed beside the wheel's own.
        [data, "purelib" | "platlib", folder, file] => {
            data.ends_with(".data") && folder.ends_with(".dist-info") && file == "metadata"
        }
        _ => false,
    }
}

fn unpacked(
    archive: &ZipSliceArchive<&[u8]>,
    record: &ZipFileHeaderRecord<'_>,
) -> Result<Vec<u8>, InvalidPackage> {
    if record.uncompressed_size_hint() > MAX_METADATA {
        return Err(InvalidPackage::TooLarge);
    }
    let entry = archive.get_entry(record.wayfinder()).map_err(|_| InvalidPackage::Zip)?;
    let mut unpacked = Vec::new();
    let read = match record.compression_method() {
        CompressionMethod::STORE => entry.verifying_reader(entry.data()).read_to_end(&mut unpacked),
        CompressionMethod::DEFLATE => {
            let inflated = DeflateDecoder::new(entry.data()).take(MAX_METADATA);
            entry.verifying_reader(inflated).read_to_end(&mut unpacked)
        }
        _ => return Err(InvalidPackage::Zip),
    };
    read.map(|_| unpacked).map_err(|_| InvalidPackage::Zip)
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(100).collect()
}
