//! What `cargo publish` sends: two lengths, a JSON document and a `.crate` file.

use std::path::Path;

use oidc_exchange::crates_io::{CrateName, InvalidCrateName};
use semver::Version;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::index::{Dependency, Line};
use crate::registry::hosting::archive::{self, InvalidArchive};
use crate::registry::hosting::{Upload, sha256};

/// A publish whose metadata was read, and whose archive was not yet unpacked: that is work which strangers don't get done.
#[derive(Debug)]
pub(super) struct Publication {
    name: CrateName,
    version: String,
    line: String,
    checksum: String,
    content: Vec<u8>,
}

/// A body is not a publish.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidPublication {
    #[error("the body is not of two parts with their lengths before them")]
    Shape,
    #[error("the metadata can't be read: {0}")]
    Metadata(#[from] serde_json::Error),
    #[error(transparent)]
    Name(#[from] InvalidCrateName),
    #[error("the version is not one: {0}")]
    Version(#[from] semver::Error),
    #[error("the `.crate` file {0}")]
    Archive(#[from] InvalidArchive),
    #[error("the `.crate` file holds `{0}`, which is not below the folder of the crate and its version")]
    Stray(String),
}

/// What of the metadata is needed.
#[derive(Deserialize)]
struct Metadata {
    name: String,
    vers: String,
    #[serde(default)]
    deps: Vec<Dependency>,
    #[serde(default)]
    features: Map<String, Value>,
    links: Option<String>,
    rust_version: Option<String>,
}

impl Publication {
    pub(super) fn parse(body: &[u8]) -> Result<Self, InvalidPublication> {
        let (metadata, rest) = part(body).ok_or(InvalidPublication::Shape)?;
        let (content, end) = part(rest).ok_or(InvalidPublication::Shape)?;
        if !end.is_empty() {
            return Err(InvalidPublication::Shape);
        }
        let metadata: Metadata = serde_json::from_slice(metadata)?;
        let name = CrateName::parse(&metadata.name)?;
        let version = Version::parse(&metadata.vers)?.to_string();
        let checksum = sha256(content);
        let line = Line {
            name: &name,
            version: &version,
            dependencies: &metadata.deps,
            features: &metadata.features,
            links: metadata.links.as_deref(),
            rust_version: metadata.rust_version.as_deref(),
            checksum: &checksum,
        };
        let line = line.to_json();
        Ok(Self { name, version, line, checksum, content: content.to_vec() })
    }

    /// The crate that it is for, as the stores have it.
    pub(super) fn package(&self) -> String {
        self.name.canonical()
    }

    /// Unpacks the archive to look at what is in it, for somebody who may publish it.
    pub(super) fn into_upload(self) -> Result<Upload, InvalidPublication> {
        check_archive(&self.content, &format!("{}-{}", self.name, self.version))?;
        let name = file_name(&self.name, &self.version);
        Ok(Upload {
            package: self.name.canonical(),
            identity: name.clone(),
            name,
            version: self.version,
            sha256: self.checksum,
            metadata: self.line,
            beside: Vec::new(),
            listed: None,
            content: self.content,
        })
    }
}

/// The file of a version. Versions that differ in what stands behind a `+` are the same.
pub(super) fn file_name(name: &CrateName, version: &str) -> String {
    let version = version.split('+').next().unwrap_or_default();
    format!("{}-{version}.crate", name.canonical())
}

/// Takes a part with its length before it, 32 bits with the lowest first.
fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// Everything in the archive is below the folder `folder`.
fn check_archive(content: &[u8], folder: &str) -> Result<(), InvalidPublication> {
    archive::walk(content, |entry| {
        let text = String::from_utf8_lossy(&entry.path);
        let path = Path::new(&*text);
        if !path.starts_with(folder) || !archive::is_plain(path) || !entry.kind.is_file() {
            return Err(InvalidPublication::Stray(text.chars().take(200).collect()));
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn archive(path: &str) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        let name = header.as_gnu_mut().unwrap();
        name.name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        archive.append(&header, b"hi".as_slice()).unwrap();
        archive.into_inner().unwrap().finish().unwrap()
    }

    fn body(metadata: &str, content: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        for part in [metadata.as_bytes(), content] {
            body.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
            body.extend(part);
        }
        body
    }

    const METADATA: &str = r#"{ "name": "My_Crate", "vers": "1.0.0+x", "deps": [],
        "features": { "a": ["dep:b"], "c": ["d"] } }"#;

    #[test]
    fn a_publish_becomes_a_file_and_a_line() {
        let content = archive("My_Crate-1.0.0+x/Cargo.toml");
        let upload = Publication::parse(&body(METADATA, &content)).unwrap().into_upload().unwrap();
        assert_eq!((&*upload.package, &*upload.name), ("my-crate", "my-crate-1.0.0.crate"));
        let line: Value = serde_json::from_str(&upload.metadata).unwrap();
        assert_eq!(line["name"], "My_Crate");
        assert_eq!(line["cksum"], sha256(&content));
        assert_eq!(line["features"], serde_json::json!({ "c": ["d"] }));
        assert_eq!(line["features2"], serde_json::json!({ "a": ["dep:b"] }));
    }

    #[test]
    fn what_is_no_publish_is_refused() {
        let good = body(METADATA, &archive("My_Crate-1.0.0+x/a"));
        for length in 0..good.len() {
            assert!(Publication::parse(&good[..length]).is_err(), "{length}");
        }
        assert!(Publication::parse(&[good.as_slice(), b"x"].concat()).is_err());
        for path in ["other-1.0.0/a", "/etc/passwd", "My_Crate-1.0.0+x/../a", "My_Crate-1.0.0+x2/a", "a"] {
            let publication = Publication::parse(&body(METADATA, &archive(path))).unwrap();
            assert!(publication.into_upload().is_err(), "{path}");
        }
        for metadata in ["", "{}", "[]", r#"{"name":"a/b","vers":"1.0.0"}"#, r#"{"name":"a","vers":"1"}"#] {
            assert!(Publication::parse(&body(metadata, &archive("a-1.0.0/a"))).is_err(), "{metadata}");
        }
        assert!(Publication::parse(&u32::MAX.to_le_bytes()).is_err());
    }
}
