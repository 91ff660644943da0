use oidc_core::Timestamp;

use crate::extension::{Extension, Extensions};
use crate::statement::Statement;

/// A bundle whose signature, certificate and log entry were verified.
///
/// It says which job signed which file. It does not say that the job may publish the file:
/// [`Policy::check`](crate::Policy::check) does. Only feature `verify` makes one.
///
/// ```
/// use oidc_provenance::{Attestation, Extension};
///
/// /// A line for a package's page.
/// fn shown(attestation: &Attestation) -> String {
///     let commit = attestation.extension(Extension::SourceRepositoryDigest).unwrap_or("an unknown commit");
///     format!("built from {commit}, signed by {}", attestation.identity())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Attestation {
    pub(crate) statement: Option<Statement>,
    pub(crate) identity: String,
    pub(crate) extensions: Extensions,
    pub(crate) signed_at: Timestamp,
    pub(crate) log_index: u64,
    pub(crate) is_included: bool,
    pub(crate) log_entry_url: Option<String>,
    pub(crate) format: Format,
}

impl Attestation {
    /// Returns the statement; `None` where the file itself is signed, without one.
    pub fn statement(&self) -> Option<&Statement> {
        self.statement.as_ref()
    }

    /// Returns the name in the certificate: the URL of the workflow that holds the job.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Returns the job's properties, as the certificate has them.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Returns one property of the job, if the certificate has it and it is not empty.
    pub fn extension(&self, extension: Extension) -> Option<&str> {
        self.extensions.get(extension)
    }

    /// Returns the proven time of the signature: that of the log, or that of a timestamp authority.
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at
    }

    /// Returns the entry's number in the transparency log, for a link to it.
    pub fn log_index(&self) -> u64 {
        self.log_index
    }

    /// Returns `true` if the bundle proves that the entry is in the transparency log. A bundle of [`Format::V0_1`] may have the
    /// log's promise to enter it alone.
    pub fn is_included(&self) -> bool {
        self.is_included
    }

    /// Returns the URL at which the entry of the transparency log can be read: a page of Sigstore's for its public log, and
    /// the log's own endpoint for others. `None` for logs that serve no single entries, such as those of Rekor v2.
    pub fn log_entry_url(&self) -> Option<&str> {
        self.log_entry_url.as_deref()
    }

    /// Returns the bundle's format.
    pub fn format(&self) -> Format {
        self.format
    }
}

/// The format of a Sigstore bundle, in the order of the versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// Version 0.1, in which a log's promise may stand for a proof.
    V0_1,
    /// Version 0.2.
    V0_2,
    /// Version 0.3, which tools write today.
    V0_3,
}
