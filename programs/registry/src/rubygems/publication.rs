//! The body of `gem push`: an archive with the metadata, the files and their checksums, each packed by itself.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::Path;

use axum::body::Bytes;
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::ZlibEncoder;
use sha2::{Digest as _, Sha512};

use super::specification::{InvalidSpecification, Specification};
use super::yaml::{InvalidField, InvalidYaml, Node};
use super::{index, marshal};
use crate::hosting::archive::{self, InvalidArchive};
use crate::hosting::{Upload, sha256};
use crate::intake::Content;

/// The parts of a gem.
const METADATA: &str = "metadata.gz";
const DATA: &str = "data.tar.gz";
const CHECKSUMS: &str = "checksums.yaml.gz";
/// The signatures that may stand beside.
const SIGNATURES: [&str; 3] = ["metadata.gz.sig", "data.tar.gz.sig", "checksums.yaml.gz.sig"];
/// The metadata and the checksums may unpack to this many bytes, each.
const MAX_YAML: u64 = 256 << 10;
/// A version's line in the index may have this many characters: everybody reads it with those of the gem's other versions.
const MAX_LINE: usize = 16 << 10;

/// A push whose metadata was read, and whose files were not yet unpacked: that is work which strangers don't get done.
#[derive(Debug)]
pub(super) struct Publication {
    specification: Specification,
    gem: Content,
    parts: Parts,
}

/// A body is not a gem.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidPublication {
    #[error("this is not a gem, or not all of one: its archive can't be read")]
    Archive,
    #[error("the gem {0}")]
    Behind(InvalidArchive),
    #[error("the gem's `{DATA}` {0}")]
    Data(InvalidArchive),
    #[error("the gem has no `{0}`; build it with `gem build`")]
    Missing(&'static str),
    #[error("the gem holds `{0}`, which is not part of one, or holds it twice; build it with `gem build`")]
    Unexpected(String),
    #[error(
        "the gem has an entry that Ruby may see at another path or of another length than others do; only archives built by `gem build` are taken"
    )]
    Header,
    #[error(
        "the gem's `{0}` can't be unpacked, is larger than {MAX_YAML} bytes, is not UTF-8 or goes on behind its end"
    )]
    Packed(&'static str),
    #[error(transparent)]
    Specification(#[from] InvalidSpecification),
    #[error("the gem's specification can't be packed: {0}")]
    Packing(#[from] std::io::Error),
    #[error("what the gem needs takes more than {MAX_LINE} characters in the index; let it depend on less")]
    Line,
    #[error("the gem's `{CHECKSUMS}` {0}")]
    Checksums(#[from] InvalidYaml),
    #[error("the gem's `{CHECKSUMS}` can't be used: {0}")]
    Checksum(#[from] InvalidField),
    #[error(
        "the gem has certificates in `cert_chain`, and not all of its parts have a signature beside them; build it with \
         `signing_key`, or without certificates"
    )]
    Unsigned,
    #[error("the gem's `{0}` is not what its checksum says; build it again")]
    Digest(&'static str),
    #[error(
        "the gem's `{DATA}` holds `{0}`; only files and folders with plain paths below the gem's own are taken"
    )]
    Stray(String),
}

#[derive(Debug, Default)]
struct Parts {
    metadata: Option<Bytes>,
    data: Option<Bytes>,
    checksums: Option<Bytes>,
    signatures: BTreeSet<&'static str>,
}

impl Publication {
    pub(super) fn parse(gem: Content) -> Result<Self, InvalidPublication> {
        let parts = Parts::find(gem.bytes())?;
        let metadata = parts.metadata.as_deref().ok_or(InvalidPublication::Missing(METADATA))?;
        let specification = Specification::parse(&unpacked(METADATA, metadata)?)?;
        if specification.has_certificates && parts.signatures.len() < SIGNATURES.len() {
            return Err(InvalidPublication::Unsigned);
        }
        Ok(Self { specification, gem, parts })
    }

    /// The gem that it is of, as the stores have it.
    pub(super) fn package(&self) -> &str {
        &self.specification.name
    }

    /// Unpacks the files to look at what they are, for somebody who may publish them.
    pub(super) fn into_upload(self) -> Result<Upload, InvalidPublication> {
        let data = self.parts.data.as_deref().ok_or(InvalidPublication::Missing(DATA))?;
        self.check_digests(data)?;
        check_files(data)?;
        let sha256 = sha256(&self.gem);
        let line = index::line(&self.specification, &sha256);
        if line.len() > MAX_LINE {
            return Err(InvalidPublication::Line);
        }
        Ok(Upload {
            package: self.specification.name.clone(),
            name: self.specification.file_name(),
            version: self.specification.number(),
            identity: self.specification.identity(),
            sha256,
            metadata: line,
            dated: Some(index::dated),
            sidecar: deflated(&marshal::dump(&self.specification))?,
            index_line: Some(index::list_line),
            spelling: None,
            content: self.gem,
            vouches: None,
        })
    }

    /// The checksums are those of the other parts.
    fn check_digests(&self, data: &[u8]) -> Result<(), InvalidPublication> {
        let checksums = self.parts.checksums.as_deref().ok_or(InvalidPublication::Missing(CHECKSUMS))?;
        let checksums = Node::parse(&unpacked(CHECKSUMS, checksums)?)?;
        let claimed = checksums.field("the document").map()?.field("SHA512").map()?;
        for (name, content) in [(METADATA, self.parts.metadata.as_deref().unwrap_or_default()), (DATA, data)]
        {
            let digest = HEXLOWER.encode(&Sha512::digest(content));
            if !claimed.field(name).text()?.eq_ignore_ascii_case(&digest) {
                return Err(InvalidPublication::Digest(name));
            }
        }
        Ok(())
    }
}

impl Parts {
    /// Finds the parts, each at most once, and nothing beside them.
    fn find(gem: &Bytes) -> Result<Self, InvalidPublication> {
        let unreadable = |error| match error {
            InvalidArchive::Header => InvalidPublication::Header,
            _ => InvalidPublication::Archive,
        };
        let mut parts = Self::default();
        let mut unpacked = tar::Archive::new(gem.as_ref());
        // Extended headers are taken as what they are, which is no part of a gem.
        for entry in archive::raw(&mut unpacked).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            check_header(entry.header())?;
            let slot = match name.as_str() {
                METADATA => &mut parts.metadata,
                DATA => &mut parts.data,
                CHECKSUMS => &mut parts.checksums,
                name => match SIGNATURES.iter().find(|signature| **signature == name) {
                    Some(signature) if parts.signatures.insert(*signature) => continue,
                    _ => return Err(unexpected(name)),
                },
            };
            if slot.is_some() || !entry.header().entry_type().is_file() {
                return Err(unexpected(&name));
            }
            *slot = Some(content(gem, &entry).ok_or(InvalidPublication::Archive)?);
        }
        archive::check_end(unpacked.into_inner()).map_err(InvalidPublication::Behind)?;
        Ok(parts)
    }
}

fn unexpected(name: &str) -> InvalidPublication {
    InvalidPublication::Unexpected(name.chars().take(100).collect())
}

/// The range of an entry's content in the archive.
fn content(gem: &Bytes, entry: &tar::Entry<'_, &[u8]>) -> Option<Bytes> {
    let begin = usize::try_from(entry.raw_file_position()).ok()?;
    let content = gem.get(begin..)?.get(..usize::try_from(entry.size()).ok()?)?;
    Some(gem.slice_ref(content))
}

/// The path of an entry is one to Ruby too: that looks at no magic, and takes spaces from the ends of the path's parts.
fn check_header(header: &tar::Header) -> Result<(), InvalidPublication> {
    let ustar = header.as_ustar().ok_or(InvalidPublication::Header)?;
    let is_exact = |field: &[u8]| {
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        let (text, rest) = field.split_at(end);
        !text.ends_with(b" ") && rest.iter().all(|byte| *byte == 0)
    };
    if is_exact(&ustar.name) && is_exact(&ustar.prefix) { Ok(()) } else { Err(InvalidPublication::Header) }
}

/// As a specification is served.
fn deflated(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::default());
    deflated.write_all(content)?;
    deflated.finish()
}

fn unpacked(part: &'static str, content: &[u8]) -> Result<String, InvalidPublication> {
    let mut text = String::new();
    let mut packed = GzDecoder::new(content);
    let read = packed.by_ref().take(MAX_YAML + 1).read_to_string(&mut text);
    match read {
        // Some readers go on where the first part ends.
        Ok(length) if length as u64 <= MAX_YAML && packed.into_inner().is_empty() => Ok(text),
        _ => Err(InvalidPublication::Packed(part)),
    }
}

/// The files are where the gem is unpacked, and no links to elsewhere.
fn check_files(data: &[u8]) -> Result<(), InvalidPublication> {
    let mut unpacked = archive::unpacked(data, archive::Parts::One);
    let unreadable = |error| match error {
        InvalidArchive::Header => InvalidPublication::Header,
        error => InvalidPublication::Data(error),
    };
    for entry in archive::raw(&mut unpacked).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        check_header(entry.header())?;
        let path = entry.path_bytes();
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind.is_dir()) || !is_plain(&path) {
            let stray = String::from_utf8_lossy(&path).chars().take(100).collect();
            return Err(InvalidPublication::Stray(stray));
        }
        archive::check_kind(kind, entry.size(), &path).map_err(InvalidPublication::Data)?;
    }
    archive::check_end(unpacked.into_inner()).map_err(InvalidPublication::Data)
}

/// Returns `true` if a path is text, and below its folder.
fn is_plain(path: &[u8]) -> bool {
    let path = std::str::from_utf8(path).unwrap_or_default();
    archive::is_plain(Path::new(path))
}
