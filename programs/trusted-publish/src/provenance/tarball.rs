//! The package that an npm tarball is of.

use std::io::Read as _;
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use oidc_core::Context;
use serde::Deserialize;
use tar::Archive;

use super::{MAX_FILE, ProvenanceError};

/// The limit on what is unpacked of a tarball in search of its manifest, in bytes.
const MAX_UNPACKED: u64 = 1024 * 1024 * 1024;

/// The limit on a manifest, in bytes.
const MAX_MANIFEST: u64 = 1024 * 1024;

/// The limit on an extension header, in bytes: a long name, or the attributes of an entry.
const MAX_EXTENSION: u64 = 8 * 1024;

#[derive(Deserialize)]
struct Manifest {
    name: String,
    version: String,
}

/// The name and the version in a tarball's manifest, `package.json` in its only folder.
pub(super) fn package(cx: &Context, file: &Path) -> Result<(String, String), ProvenanceError> {
    let bytes = cx.files().read(file, MAX_FILE)?;
    let manifest = manifest(&bytes).ok_or_else(|| ProvenanceError::NoManifest(file.display().to_string()))?;
    Ok((manifest.name, manifest.version))
}

fn manifest(tarball: &[u8]) -> Option<Manifest> {
    let unpacked = || Archive::new(GzDecoder::new(tarball).take(MAX_UNPACKED));
    if !extensions_are_short(unpacked()) {
        return None;
    }
    let mut archive = unpacked();
    // Whatever can't be read ends the search.
    for mut entry in archive.entries().ok()?.map_while(Result::ok) {
        if entry.path().is_ok_and(|path| is_manifest(&path)) {
            let mut text = Vec::new();
            entry.by_ref().take(MAX_MANIFEST).read_to_end(&mut text).ok()?;
            return serde_json::from_slice(&text).ok();
        }
    }
    None
}

/// Returns `true` if no extension header is long, and none states another size of its entry: `tar` keeps all of an extension
/// header in memory, and a size of its own would hide the headers behind it from this look.
fn extensions_are_short(mut archive: Archive<impl std::io::Read>) -> bool {
    let Ok(entries) = archive.entries() else { return false };
    entries.raw(true).map_while(Result::ok).all(|mut entry| {
        let kind = entry.header().entry_type();
        if !(kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions()
            || kind.is_gnu_longname()
            || kind.is_gnu_longlink())
        {
            return true;
        }
        let mut text = Vec::new();
        let read = entry.by_ref().take(MAX_EXTENSION).read_to_end(&mut text);
        let states_size = text.windows(b" size=".len()).any(|part| part == b" size=");
        entry.size() <= MAX_EXTENSION && read.is_ok() && !states_size
    })
}

/// npm takes the first folder away, whatever it is called.
fn is_manifest(path: &Path) -> bool {
    let mut components = path.components().filter(|component| *component != Component::CurDir);
    let (folder, file) = (components.next(), components.next());
    folder.is_some()
        && file == Some(Component::Normal("package.json".as_ref()))
        && components.next().is_none()
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, EntryType, Header};

    use super::*;

    fn tarball(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, content) in files {
            let mut header = Header::new_gnu();
            header.set_size(content.len().try_into().unwrap());
            header.set_mode(0o644);
            builder.append_data(&mut header, name, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn the_manifest_in_the_tarballs_folder_names_the_package() {
        let manifest_text = r#"{ "name": "@acme/widget", "version": "1.0.0", "main": "index.js" }"#;
        let other = r#"{ "name": "evil", "version": "9.0.0" }"#;
        for (files, named) in [
            (vec![("package/package.json", manifest_text)], true),
            (vec![("widget/lib/package.json", other), ("widget/package.json", manifest_text)], true),
            (vec![("package.json", other)], false),
            (vec![("package/lib/package.json", other)], false),
            (vec![("package/package.json", "{}")], false),
            (vec![("package/package.json", "no JSON")], false),
        ] {
            let found = manifest(&tarball(&files)).map(|found| (found.name, found.version));
            assert_eq!(found, named.then(|| ("@acme/widget".to_owned(), "1.0.0".to_owned())), "{files:?}");
        }
        assert!(manifest(b"no tarball").is_none());
    }

    #[test]
    fn an_extension_header_is_short_and_states_no_size() {
        let manifest_text = r#"{ "name": "widget", "version": "1.0.0" }"#;
        let with = |kind: EntryType, extension: &[u8]| {
            let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
            for (kind, name, content) in [
                (kind, "extension", extension),
                (EntryType::Regular, "package/other.json", b"{}"),
                (EntryType::Regular, "package/package.json", manifest_text.as_bytes()),
            ] {
                let mut header = Header::new_ustar();
                header.set_entry_type(kind);
                header.set_size(content.len().try_into().unwrap());
                builder.append_data(&mut header, name, content).unwrap();
            }
            manifest(&builder.into_inner().unwrap().finish().unwrap())
        };
        let long = vec![b'x'; 9 * 1024];
        for (kind, extension, is_read) in [
            (EntryType::GNULongName, &b"package/a-long-name"[..], true),
            (EntryType::GNULongName, &long, false),
            (EntryType::GNULongLink, &long, false),
            (EntryType::XHeader, b"20 path=package/name\n", true),
            (EntryType::XHeader, b"9 size=2\n", false),
            (EntryType::XHeader, &long, false),
            (EntryType::XGlobalHeader, &long, false),
        ] {
            assert_eq!(with(kind, extension).is_some(), is_read, "{kind:?} of {} bytes", extension.len());
        }
    }
}
