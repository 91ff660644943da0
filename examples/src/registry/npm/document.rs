//! The document that a client puts to publish a version, and what is taken from it.
//!
//! npm, yarn and pnpm send one JSON object: the package's `name`, exactly one entry in `versions`, `dist-tags` that point to
//! it, and the tarball in base64 under `_attachments` (npm's `libnpmpublish`, `lib/publish.js`). Everything in it is the
//! client's word: the digests are computed anew, and what only a registry may say is dropped.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha1::Sha1;
use sha2::{Digest as _, Sha512};

use super::name::{Invalid, PackageName, Tag, Version};

/// The largest manifest of one version, in bytes of JSON. Every install downloads the manifests of all versions.
const MAX_MANIFEST_BYTES: usize = 1 << 20;

/// The most tags that one publish sets.
const MAX_TAGS: usize = 20;

/// Keys with a leading underscore that are the publisher's to set. The others are a registry's.
const PUBLISHER_UNDERSCORED: &[&str] = &["_nodeVersion", "_npmVersion", "_hasShrinkwrap"];

/// Why a document isn't published.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidDocument {
    #[error("the body is not a publish document: {0}")]
    NotADocument(String),
    #[error("the document is for {body:?}, but it was sent to {url}")]
    OtherPackage { body: String, url: String },
    #[error(
        "the document carries no tarball; deprecating, unpublishing and changing what is published are not supported"
    )]
    NoTarball,
    #[error("a publish carries exactly one version; this one carries {0}")]
    NotOneVersion(usize),
    #[error("a publish carries exactly one tarball; this one carries {0}")]
    NotOneTarball(usize),
    #[error("the attachment {0:?} is neither the tarball nor a provenance bundle")]
    UnknownAttachment(String),
    #[error("the tarball is not valid base64")]
    NotBase64,
    #[error("the manifest says {field} {found}, where {expected:?} is due")]
    ManifestDiffers { field: &'static str, found: String, expected: String },
    #[error("the manifest is larger than {MAX_MANIFEST_BYTES} bytes")]
    ManifestTooLarge,
    #[error("the tarball's {0} differs from the one the client declared; it was damaged on the way")]
    DigestDiffers(&'static str),
    #[error("the tag {tag:?} points to {version:?}, which is not the version being published")]
    TagElsewhere { tag: String, version: String },
    #[error("a publish sets at most {MAX_TAGS} tags")]
    TooManyTags,
    #[error(transparent)]
    InvalidName(#[from] Invalid),
}

/// One version, ready to be stored.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) name: PackageName,
    pub(super) version: Version,
    /// The version's `package.json` as the client sent it, without `dist` and without what a registry says.
    pub(super) manifest: Map<String, Value>,
    pub(super) tags: Vec<Tag>,
    /// Whether everybody may see the package, should this publish create it.
    pub(super) public: bool,
    pub(super) tarball: Vec<u8>,
    /// The SHA-512 of the tarball as npm writes it: `sha512-<base64>`.
    pub(super) integrity: String,
    /// The SHA-1 of the tarball in hexadecimal, which old clients read.
    pub(super) shasum: String,
}

impl Publication {
    /// Checks the document `body`, which was sent to the URL of package `name`.
    pub(super) fn parse(name: PackageName, body: &[u8]) -> Result<Self, InvalidDocument> {
        let document: Document =
            serde_json::from_slice(body).map_err(|error| InvalidDocument::NotADocument(error.to_string()))?;
        if document.name != name.as_str() {
            return Err(InvalidDocument::OtherPackage { body: document.name, url: name.to_string() });
        }
        if document.attachments.is_empty() {
            return Err(InvalidDocument::NoTarball);
        }
        let (version, mut manifest) = only_version(document.versions)?;
        let tags = tags(document.dist_tags, &version)?;
        let tarball = tarball(document.attachments, &name, &version)?;
        let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(&tarball)));
        let shasum = HEXLOWER.encode(&Sha1::digest(&tarball));
        check_manifest(&manifest, &name, &version)?;
        check_digests(manifest.get("dist"), &integrity, &shasum)?;
        keep_publishers_part(&mut manifest);
        let public = document.access.as_deref() != Some("restricted");
        Ok(Self { name, version, manifest, tags, public, tarball, integrity, shasum })
    }
}

#[derive(Deserialize)]
struct Document {
    name: String,
    versions: BTreeMap<String, Map<String, Value>>,
    #[serde(rename = "dist-tags", default)]
    dist_tags: BTreeMap<String, String>,
    access: Option<String>,
    #[serde(rename = "_attachments", default)]
    attachments: BTreeMap<String, Attachment>,
}

#[derive(Deserialize)]
struct Attachment {
    data: String,
    length: Option<usize>,
}

fn only_version(
    versions: BTreeMap<String, Map<String, Value>>,
) -> Result<(Version, Map<String, Value>), InvalidDocument> {
    let count = versions.len();
    let mut versions = versions.into_iter();
    match (versions.next(), count) {
        (Some((version, manifest)), 1) => Ok((Version::parse(&version)?, manifest)),
        _ => Err(InvalidDocument::NotOneVersion(count)),
    }
}

fn tags(tags: BTreeMap<String, String>, published: &Version) -> Result<Vec<Tag>, InvalidDocument> {
    if tags.len() > MAX_TAGS {
        return Err(InvalidDocument::TooManyTags);
    }
    tags.into_iter()
        .map(|(tag, version)| {
            if version == published.as_str() {
                Ok(Tag::parse(&tag)?)
            } else {
                Err(InvalidDocument::TagElsewhere { tag, version })
            }
        })
        .collect()
}

/// The bytes of the one tarball. A provenance bundle beside it is left out: it isn't verified here, so it isn't served.
fn tarball(
    attachments: BTreeMap<String, Attachment>,
    name: &PackageName,
    version: &Version,
) -> Result<Vec<u8>, InvalidDocument> {
    let bundle = format!("{name}-{version}.sigstore");
    let mut tarballs = Vec::new();
    for (file, attachment) in attachments {
        if file.ends_with(".tgz") {
            tarballs.push(attachment);
        } else if file != bundle {
            return Err(InvalidDocument::UnknownAttachment(file));
        }
    }
    let count = tarballs.len();
    let (Some(tarball), 1) = (tarballs.pop(), count) else {
        return Err(InvalidDocument::NotOneTarball(count));
    };
    let bytes = STANDARD.decode(&tarball.data).map_err(|_| InvalidDocument::NotBase64)?;
    if tarball.length.is_some_and(|length| length != bytes.len()) {
        return Err(InvalidDocument::DigestDiffers("length"));
    }
    Ok(bytes)
}

fn check_manifest(
    manifest: &Map<String, Value>,
    name: &PackageName,
    version: &Version,
) -> Result<(), InvalidDocument> {
    for (field, expected) in [("name", name.as_str()), ("version", version.as_str())] {
        let found = manifest.get(field);
        if found.and_then(Value::as_str) != Some(expected) {
            let found = found.map_or_else(|| "nothing".to_owned(), Value::to_string);
            return Err(InvalidDocument::ManifestDiffers { field, found, expected: expected.to_owned() });
        }
    }
    let size = serde_json::to_vec(manifest).map_or(usize::MAX, |json| json.len());
    if size > MAX_MANIFEST_BYTES { Err(InvalidDocument::ManifestTooLarge) } else { Ok(()) }
}

/// Compares the digests that the client declared, as far as it did, with those of what arrived.
fn check_digests(dist: Option<&Value>, integrity: &str, shasum: &str) -> Result<(), InvalidDocument> {
    let declared = |key| dist.and_then(|dist| dist.get(key)).and_then(Value::as_str);
    let mut sha512 = declared("integrity").unwrap_or_default().split_ascii_whitespace();
    if sha512.any(|hash| hash.starts_with("sha512-") && hash != integrity) {
        return Err(InvalidDocument::DigestDiffers("integrity"));
    }
    if declared("shasum").is_some_and(|declared| !declared.eq_ignore_ascii_case(shasum)) {
        return Err(InvalidDocument::DigestDiffers("shasum"));
    }
    Ok(())
}

/// Drops what a registry adds to a manifest, so that no publisher can put words into this one's mouth.
fn keep_publishers_part(manifest: &mut Map<String, Value>) {
    manifest.retain(|key, _| {
        key != "dist" && (!key.starts_with('_') || PUBLISHER_UNDERSCORED.contains(&key.as_str()))
    });
}

#[cfg(test)]
mod tests;
