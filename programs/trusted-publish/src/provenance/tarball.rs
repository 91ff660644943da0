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
    let mut archive = Archive::new(GzDecoder::new(tarball).take(MAX_UNPACKED));
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
    use tar::{Builder, Header};

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
}
