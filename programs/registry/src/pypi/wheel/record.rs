//! The `RECORD` of a wheel, which lists the wheel's files. Installers pass over a difference, so that a file beside those that
//! people looked at would be installed; PyPI announced that it refuses such wheels from February 2026 on.

use std::collections::BTreeSet;

use super::{InvalidPackage, shown};

/// The size of a `RECORD` in bytes: about 250 for each of as many files as a wheel may have.
pub(super) const MAX_RECORD: u64 = 16 << 20;

/// Signatures of the `RECORD`, which it can't list.
const SIGNATURES: [&str; 2] = ["RECORD.jws", "RECORD.p7s"];

/// Checks that a `RECORD` lists the files of the wheel, `names`, and no others. Folders are not listed. Their hashes are not
/// compared: the archive has a checksum of each, and the index serves one of the whole wheel.
pub(super) fn check(record: &[u8], folder: &str, names: &BTreeSet<Vec<u8>>) -> Result<(), InvalidPackage> {
    let of_record = |name: &&Vec<u8>| {
        let file = name.strip_prefix(folder.as_bytes()).and_then(|name| name.strip_prefix(b"/"));
        file.is_some_and(|file| file == b"RECORD" || SIGNATURES.iter().any(|name| file == name.as_bytes()))
    };
    let files = names.iter().filter(|name| !name.ends_with(b"/"));
    let mut unlisted: BTreeSet<&[u8]> = files.filter(|name| !of_record(name)).map(Vec::as_slice).collect();
    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(record);
    for row in rows.byte_records() {
        let row =
            row.map_err(|_| InvalidPackage::Record("is no table of comma-separated values".to_owned()))?;
        let name = row.get(0).unwrap_or_default();
        if name.ends_with(b"/") || !names.contains(name) {
            return Err(InvalidPackage::Record(format!(
                "lists `{}`, which is no file of the wheel",
                shown(name)
            )));
        }
        unlisted.remove(name);
    }
    match unlisted.first() {
        None => Ok(()),
        Some(name) => {
            Err(InvalidPackage::Record(format!("doesn't list `{}`, which is in the wheel", shown(name))))
        }
    }
}
