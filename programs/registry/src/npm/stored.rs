//! Packages and versions as they are stored.

use std::collections::BTreeMap;

use oidc_core::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

/// The form of a packument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Full,
    Abbreviated,
}

/// A package with its tags.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) public: bool,
    pub(super) created_at: Timestamp,
    pub(super) modified_at: Timestamp,
    pub(super) tags: BTreeMap<String, String>,
    /// The position of each version, and its served size in bytes.
    pub(super) sizes: Vec<(i64, i64)>,
}

/// A published version, without its tarball.
#[derive(Debug)]
pub(super) struct StoredVersion {
    pub(super) version: String,
    /// Members of a JSON object, in one of the two forms.
    pub(super) manifest: String,
    pub(super) integrity: String,
    pub(super) shasum: String,
    /// The registry's signatures as JSON; empty without any.
    pub(super) signatures: String,
    /// The type of the provenance; empty without any.
    pub(super) predicate_type: String,
}

impl FromRow<'_, AnyRow> for StoredVersion {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            version: row.try_get("version")?,
            manifest: row.try_get("manifest")?,
            integrity: row.try_get("integrity")?,
            shasum: row.try_get("shasum")?,
            signatures: row.try_get("signatures")?,
            predicate_type: row.try_get("predicate_type")?,
        })
    }
}
