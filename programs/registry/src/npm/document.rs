//! The document that a client puts to publish a version, and what is taken from it.
//!
//! npm, yarn and pnpm send one JSON object: the package's `name`, exactly one entry in `versions`, `dist-tags` that point to
//! it, and the tarball in base64 under `_attachments` (npm's `libnpmpublish`, `lib/publish.js`). Everything in it is the
//! client's word: the digests are computed again, and fields that only a registry sets are dropped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha1::Sha1;
use sha2::{Digest as _, Sha512};

use super::contents::{Contents, InvalidContents};
use super::manifest::{MAX_MANIFEST_BYTES, Manifest, Texts};
use super::members::{MAX_TEXT, Members, Short};
use super::name::{Invalid, PackageName, Tag, Version};
use crate::intake::Content;

/// The most tags that one publish sets.
const MAX_TAGS: usize = 20;

/// The most attachments that are looked at: a tarball and a provenance bundle.
const MAX_ATTACHMENTS: usize = 2;

/// The largest provenance bundle, in bytes.
const MAX_BUNDLE: usize = 256 << 10;

/// The longest `repository` that a bundle is compared with, in bytes of JSON: as values it takes much more.
const MAX_REPOSITORY: usize = 4 << 10;

/// The reason why a document isn't published.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidDocument {
    #[error("the body is not a publish document: {0}")]
    NotADocument(String),
    #[error("the document is for {body:?}, but it was sent to {url}")]
    OtherPackage { body: String, url: String },
    #[error("the document carries no tarball")]
    NoTarball,
    #[error("a publish carries exactly one version; this one carries {0}")]
    NotOneVersion(usize),
    #[error(
        "a publish carries at most {MAX_ATTACHMENTS} attachments, a tarball and a provenance bundle; this one carries {0}"
    )]
    TooManyAttachments(usize),
    #[error("a publish carries exactly one tarball; this one carries {0}")]
    NotOneTarball(usize),
    #[error("a publish carries at most one provenance bundle; this one carries {0}")]
    NotOneBundle(usize),
    #[error(
        "the provenance bundle can't be read: expected a text of at most {MAX_BUNDLE} bytes, and its length"
    )]
    Bundle,
    #[error("the attachment {0:?} is not the tarball")]
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
    #[error(transparent)]
    Contents(#[from] InvalidContents),
}

/// One version, ready to be stored.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) name: PackageName,
    pub(super) version: Version,
    /// The version's `package.json` as the client sent it, without `dist` and without what a registry says.
    pub(super) manifest: Texts,
    pub(super) tags: Vec<Tag>,
    /// `true` if everybody may see the package, should this publish create it.
    pub(super) public: bool,
    pub(super) tarball: Content,
    /// The SHA-512 of the tarball as npm writes it: `sha512-<base64>`.
    pub(super) integrity: String,
    /// The SHA-1 of the tarball in hexadecimal, which old clients read.
    pub(super) shasum: String,
    /// The provenance bundle, which is verified elsewhere.
    pub(super) bundle: Option<String>,
    /// The manifest's `repository`, where there is a bundle to be compared with it.
    pub(super) repository: Option<Value>,
}

impl Publication {
    /// Checks the document `body`, which was sent to the URL of package `name`.
    pub(super) fn parse(name: PackageName, body: &Content) -> Result<Self, InvalidDocument> {
        let document: Document<'_> = serde_json::from_slice(body).map_err(|error| not_a_document(&error))?;
        if document.name.0 != name.as_str() {
            return Err(InvalidDocument::OtherPackage { body: document.name.0, url: name.to_string() });
        }
        if document.attachments.count == 0 {
            return Err(InvalidDocument::NoTarball);
        }
        let (version, manifest) = only_version(&document.versions)?;
        let tags = tags(&document.dist_tags, &version)?;
        let Attachments { tarball, bundle } = Attachments::of(&document.attachments)?;
        let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(&tarball)));
        let shasum = HEXLOWER.encode(&Sha1::digest(&tarball));
        check_manifest(&manifest, &name, &version)?;
        check_digests(manifest.value("dist").as_ref(), &integrity, &shasum)?;
        let public = document.access.is_none_or(|access| access.0 != "restricted");
        let contents = Contents::read(&tarball)?;
        contents.compare(&manifest)?;
        let repository = bundle.as_ref().and_then(|_| repository(&manifest));
        let (manifest, tarball) =
            (manifest.texts(contents.is_built(), contents.has_shrinkwrap()), body.with(tarball));
        Ok(Self { name, version, manifest, tags, public, tarball, integrity, shasum, bundle, repository })
    }
}

#[derive(Deserialize)]
struct Document<'a> {
    name: Short,
    #[serde(borrow)]
    versions: Members<'a, 1>,
    #[serde(borrow, rename = "dist-tags", default)]
    dist_tags: Members<'a, MAX_TAGS>,
    access: Option<Short>,
    #[serde(borrow, rename = "_attachments", default)]
    attachments: Members<'a, MAX_ATTACHMENTS>,
}

#[derive(Deserialize)]
struct Attachment<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
    length: Option<usize>,
}

fn not_a_document(error: &serde_json::Error) -> InvalidDocument {
    InvalidDocument::NotADocument(error.to_string())
}

fn only_version<'a>(versions: &Members<'a, 1>) -> Result<(Version, Manifest<'a>), InvalidDocument> {
    let ([(version, manifest)], 1) = (versions.first.as_slice(), versions.count) else {
        return Err(InvalidDocument::NotOneVersion(versions.count));
    };
    let version = Version::parse(&version.0)?;
    if manifest.get().len() > MAX_MANIFEST_BYTES {
        return Err(InvalidDocument::ManifestTooLarge);
    }
    Ok((version, Manifest::parse(manifest.get()).map_err(|error| not_a_document(&error))?))
}

fn tags(tags: &Members<'_, MAX_TAGS>, published: &Version) -> Result<Vec<Tag>, InvalidDocument> {
    if tags.count > MAX_TAGS {
        return Err(InvalidDocument::TooManyTags);
    }
    let tag = |(tag, version): &(Short, &RawValue)| {
        let version: Short = serde_json::from_str(version.get()).map_err(|error| not_a_document(&error))?;
        if version.0 == published.as_str() {
            Ok(Tag::parse(&tag.0)?)
        } else {
            Err(InvalidDocument::TagElsewhere { tag: tag.0.clone(), version: version.0 })
        }
    };
    tags.first.iter().map(tag).collect()
}

fn repository(manifest: &Manifest<'_>) -> Option<Value> {
    let text = manifest.raw("repository").filter(|text| text.len() <= MAX_REPOSITORY)?;
    serde_json::from_str(text).ok()
}

/// The attachments of a document, beside the manifest.
struct Attachments {
    /// The bytes of the one tarball.
    tarball: Vec<u8>,
    bundle: Option<String>,
}

impl Attachments {
    fn of(attachments: &Members<'_, MAX_ATTACHMENTS>) -> Result<Self, InvalidDocument> {
        if attachments.count > MAX_ATTACHMENTS {
            return Err(InvalidDocument::TooManyAttachments(attachments.count));
        }
        let (mut tarballs, mut bundles) = (Vec::new(), Vec::new());
        for (Short(file), attachment) in &attachments.first {
            if file.ends_with(".tgz") {
                tarballs.push(*attachment);
            } else if file.ends_with(".sigstore") {
                bundles.push(*attachment);
            } else {
                return Err(InvalidDocument::UnknownAttachment(file.clone()));
            }
        }
        let [tarball] = tarballs.as_slice() else {
            return Err(InvalidDocument::NotOneTarball(tarballs.len()));
        };
        let bundle = match bundles.as_slice() {
            [] => None,
            [bundle] => Some(text_of_bundle(bundle)?),
            more => return Err(InvalidDocument::NotOneBundle(more.len())),
        };
        Ok(Self { tarball: bytes_of_tarball(tarball)?, bundle })
    }
}

fn bytes_of_tarball(tarball: &RawValue) -> Result<Vec<u8>, InvalidDocument> {
    let tarball: Attachment<'_> =
        serde_json::from_str(tarball.get()).map_err(|error| not_a_document(&error))?;
    // What has escapes is no base64.
    let data = tarball.data.get().strip_prefix('"').and_then(|data| data.strip_suffix('"'));
    let bytes = data.and_then(|data| STANDARD.decode(data).ok()).ok_or(InvalidDocument::NotBase64)?;
    if tarball.length.is_some_and(|length| length != bytes.len()) {
        return Err(InvalidDocument::DigestDiffers("length"));
    }
    Ok(bytes)
}

/// A bundle stands there as a text, not in base64, and JavaScript counts its length in units of UTF-16.
fn text_of_bundle(bundle: &RawValue) -> Result<String, InvalidDocument> {
    let bundle: Attachment<'_> =
        serde_json::from_str(bundle.get()).map_err(|error| not_a_document(&error))?;
    // Escaped, a byte takes up to six.
    if bundle.data.get().len() > 6 * MAX_BUNDLE {
        return Err(InvalidDocument::Bundle);
    }
    let text: String = serde_json::from_str(bundle.data.get()).map_err(|_| InvalidDocument::Bundle)?;
    let length = text.encode_utf16().count();
    if text.len() > MAX_BUNDLE || bundle.length.is_some_and(|claimed| claimed != length) {
        return Err(InvalidDocument::Bundle);
    }
    Ok(text)
}

fn check_manifest(
    manifest: &Manifest<'_>,
    name: &PackageName,
    version: &Version,
) -> Result<(), InvalidDocument> {
    for (field, expected) in [("name", name.as_str()), ("version", version.as_str())] {
        if manifest.value::<Short>(field).is_none_or(|found| found.0 != expected) {
            let found = manifest.raw(field).unwrap_or("nothing").chars().take(MAX_TEXT).collect();
            return Err(InvalidDocument::ManifestDiffers { field, found, expected: expected.to_owned() });
        }
    }
    Ok(())
}

/// Compares the digests that the client declared, as far as it did, with those of what arrived.
fn check_digests(dist: Option<&Manifest<'_>>, integrity: &str, shasum: &str) -> Result<(), InvalidDocument> {
    let declared = |key| dist.and_then(|dist| dist.value::<String>(key));
    let sha512 = declared("integrity").unwrap_or_default();
    if sha512.split_ascii_whitespace().any(|hash| hash.starts_with("sha512-") && hash != integrity) {
        return Err(InvalidDocument::DigestDiffers("integrity"));
    }
    if declared("shasum").is_some_and(|declared| !declared.eq_ignore_ascii_case(shasum)) {
        return Err(InvalidDocument::DigestDiffers("shasum"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
