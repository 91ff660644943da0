//! Files that are to be published, and published ones.

use oidc_core::Timestamp;
use oidc_provenance::{Attestation, Requirement};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use crate::intake::Content;
use crate::provenance::{Stored, Vouched};

/// One file to be published.
#[derive(Debug)]
pub(crate) struct Upload {
    /// The package, as the ecosystem normalises it.
    pub(crate) package: String,
    /// The version.
    pub(crate) version: String,
    /// The file's name, which no other file of the ecosystem has.
    pub(crate) name: String,
    /// The text that no other file of the package has. Where a version has one file, all spellings of the version share it.
    pub(crate) identity: String,
    /// The content's SHA-256 in hexadecimal digits.
    pub(crate) sha256: String,
    /// The part that is read together with the package's other files, as for an index.
    pub(crate) metadata: String,
    /// Writes the time of the publish into the metadata, for clients that wait before they take a new version.
    pub(crate) dated: Option<fn(&str, Timestamp) -> String>,
    /// The sidecar file, which is read alone, without the content; may be empty.
    pub(crate) sidecar: Vec<u8>,
    /// Makes the package's line in the index of all packages, of its name and all its files, oldest first, with this one.
    pub(crate) index_line: Option<fn(&str, &[File]) -> String>,
    /// Reads the package's spelling from a file's metadata, where all its files have to spell it the same.
    pub(crate) spelling: Option<fn(&str) -> Option<String>>,
    /// The content.
    pub(crate) content: Content,
    /// The attestations of the file.
    pub(crate) vouches: Option<Vouches>,
}

/// The attestations of a file, unverified.
#[derive(Debug)]
pub(crate) struct Vouches {
    /// The bundles to verify.
    pub(crate) vouched: Vouched,
    /// The attestations as they were sent, in JSON.
    pub(crate) sent: Vec<String>,
    /// Makes the document that clients read, of the attestations as they were sent and as they were verified.
    pub(crate) document: fn(&[String], &[Attestation]) -> String,
}

/// The provenance of a file when it is stored.
#[derive(Debug, Default)]
pub(super) struct Proof {
    /// The package's requirement.
    pub(super) requirement: Requirement,
    /// The file's provenance, if it has any.
    pub(super) stored: Option<Stored>,
}

/// A published file, without its content.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) sha256: String,
    pub(crate) metadata: String,
    /// Seconds since 1970.
    pub(crate) published_at: i64,
}

impl FromRow<'_, AnyRow> for File {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            name: row.try_get("name")?,
            sha256: row.try_get("sha256")?,
            metadata: row.try_get("metadata")?,
            published_at: row.try_get("published_at")?,
        })
    }
}
