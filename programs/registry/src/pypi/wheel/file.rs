//! One file of a wheel, of which every reader has to find the same, wherever it begins to read.

use std::io::{self, Read, Write};

use flate2::bufread::DeflateDecoder;
use rawzip::extra_fields::ExtraFields;
use rawzip::{CompressionMethod, ZipFileHeaderRecord, ZipLocalFileHeader, ZipSliceArchive, ZipSliceEntry};

use super::InvalidPackage;
use crate::pypi::invalid_package::{MAX_ZIP_VERSION, shown_version};

/// Extra fields with sizes, which so small an archive doesn't need, and with another name. Some readers take them.
const OTHER_SIZES: u16 = 0x0001;
const OTHER_NAME: u16 = 0x7075;
/// The accepted flags of a file: how it was packed, that a descriptor follows, and that its name is UTF-8. It is not encrypted.
const FLAGS: u16 = 0b1000_0000_1110;
/// The place of the version that a file needs, in its own header and in the directory's. The byte behind it is passed over.
const VERSION_IN_HEADER: usize = 4;
const VERSION_IN_DIRECTORY: usize = 6;
/// The signature that may stand before a descriptor's numbers.
const SIGNATURE: [u8; 4] = *b"PK\x07\x08";

/// A file's place, and the numbers of the descriptor that follows.
pub(super) struct Place {
    pub(super) begin: u64,
    pub(super) end: u64,
    descriptor: Option<[u8; 12]>,
}

impl Place {
    /// The place before all files, which is empty.
    pub(super) fn start() -> Self {
        Self { begin: 0, end: 0, descriptor: None }
    }

    /// A file's place. Its own header says the same of it as the directory.
    pub(super) fn of(
        archive: &ZipSliceArchive<&[u8]>,
        record: &ZipFileHeaderRecord<'_>,
    ) -> Result<Self, InvalidPackage> {
        let entry = archive.get_entry(record.wayfinder()).map_err(|_| InvalidPackage::Zip)?;
        let header = entry.local_header();
        if !is_supported(record) {
            return Err(InvalidPackage::Zip);
        }
        if let Some(version) = newer_version(archive.get_ref(), record) {
            let name = record.file_path();
            return Err(InvalidPackage::Version(super::shown(name.as_bytes()), shown_version(version)));
        }
        let is_same = header.file_path().as_bytes() == record.file_path().as_bytes()
            && header.compression_method() == record.compression_method()
            && header.flags().bits() == record.flags().bits()
            && record.comment().as_bytes().is_empty()
            && is_harmless(record.extra_fields(), None)
            && is_harmless(header.extra_fields(), own_sizes(record));
        let has_descriptor = record.flags().has_data_descriptor();
        if !is_same || !are_numbers_same(&header, record, has_descriptor) {
            return Err(InvalidPackage::Ambiguous);
        }
        let (_, end) = entry.compressed_data_range();
        let descriptor = has_descriptor.then(|| descriptor(record)).transpose()?;
        Ok(Self { begin: record.local_header_offset(), end, descriptor })
    }

    /// Returns `true` if nothing but the descriptor stands between this file and what begins behind it.
    pub(super) fn reaches(&self, next: u64, content: &[u8]) -> bool {
        let range = || Some(usize::try_from(self.end).ok()?..usize::try_from(next).ok()?);
        let Some(between) = range().and_then(|range| content.get(range)) else { return false };
        match &self.descriptor {
            None => between.is_empty(),
            Some(numbers) => between.strip_prefix(&SIGNATURE).unwrap_or(between) == numbers,
        }
    }
}

/// Returns `true` if every reader takes a file's name for the same text: without the flag it has no encoding beyond ASCII.
pub(super) fn is_name_for_all(record: &ZipFileHeaderRecord<'_>) -> bool {
    let path = record.file_path();
    let name = path.as_bytes();
    name.is_ascii() || record.flags().is_utf8() && str::from_utf8(name).is_ok()
}

/// The version of zip that a file needs according to one of its two headers, where pip has an older one.
fn newer_version(content: &[u8], record: &ZipFileHeaderRecord<'_>) -> Option<u8> {
    let headers = [
        (record.local_header_offset(), VERSION_IN_HEADER),
        (record.central_directory_offset(), VERSION_IN_DIRECTORY),
    ];
    let version = |(header, place): (u64, usize)| {
        let header = usize::try_from(header).ok()?;
        content.get(header.checked_add(place)?).copied()
    };
    headers.into_iter().filter_map(version).find(|version| *version > MAX_ZIP_VERSION)
}

/// Returns `true` if a file is neither encrypted nor packed in a way that some installers don't know.
fn is_supported(record: &ZipFileHeaderRecord<'_>) -> bool {
    let method = record.compression_method();
    record.flags().bits() & !FLAGS == 0
        && (method == CompressionMethod::DEFLATE
            || method == CompressionMethod::STORE
                && record.compressed_size_hint() == record.uncompressed_size_hint())
}

/// Returns `true` if a file's own header has the directory's numbers, or none where a descriptor has them.
fn are_numbers_same(
    header: &ZipLocalFileHeader<'_>,
    record: &ZipFileHeaderRecord<'_>,
    has_descriptor: bool,
) -> bool {
    let numbers = (header.crc32(), header.compressed_size_hint(), header.uncompressed_size_hint());
    numbers == (record.crc32(), record.compressed_size_hint(), record.uncompressed_size_hint())
        || has_descriptor && numbers == (0, 0, 0)
}

/// Returns `true` if no extra field has another name, or sizes that are not these.
fn is_harmless(mut fields: ExtraFields<'_>, sizes: Option<[u8; 16]>) -> bool {
    let is_one = |id: u16, content: &[u8]| match id {
        OTHER_SIZES => sizes.is_some_and(|sizes| content == sizes),
        id => id != OTHER_NAME,
    };
    fields.all(|(id, content)| is_one(id.as_u16(), content)) && fields.remaining_bytes().is_empty()
}

/// The sizes of a file as an extra field of its own header may repeat them: some tools reserve it for all files. A descriptor behind
/// the file would be longer for readers that find the field.
fn own_sizes(record: &ZipFileHeaderRecord<'_>) -> Option<[u8; 16]> {
    if record.flags().has_data_descriptor() {
        return None;
    }
    let sizes = [record.uncompressed_size_hint(), record.compressed_size_hint()];
    sizes.map(u64::to_le_bytes).concat().try_into().ok()
}

fn descriptor(record: &ZipFileHeaderRecord<'_>) -> Result<[u8; 12], InvalidPackage> {
    let sizes = [record.compressed_size_hint(), record.uncompressed_size_hint()];
    let [packed, unpacked] = sizes.map(u32::try_from);
    let (packed, unpacked) =
        packed.and_then(|packed| Ok((packed, unpacked?))).map_err(|_| InvalidPackage::Zip)?;
    let mut numbers = [0; 12];
    let bytes = [record.crc32(), packed, unpacked].into_iter().flat_map(u32::to_le_bytes);
    numbers.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    Ok(numbers)
}

/// Unpacks a file, which has the size and the checksum that the directory says, and whose packed content ends where the
/// directory says: a reader that goes by the content alone finds the next header there.
pub(super) fn unpack(
    entry: &ZipSliceEntry<'_>,
    record: &ZipFileHeaderRecord<'_>,
    into: &mut impl Write,
) -> Result<(), InvalidPackage> {
    let most = record.uncompressed_size_hint().saturating_add(1);
    let mut packed = entry.data();
    let mut unpacked = |reader: &mut dyn Read| {
        io::copy(&mut entry.verifying_reader(reader.take(most)), into).map_err(|_| InvalidPackage::Zip)
    };
    if record.compression_method() == CompressionMethod::STORE {
        unpacked(&mut packed)?;
    } else {
        let mut inflating = DeflateDecoder::new(packed);
        unpacked(&mut inflating)?;
        packed = inflating.into_inner();
    }
    if packed.is_empty() { Ok(()) } else { Err(InvalidPackage::Ambiguous) }
}
