//! The origins of trusted publishers, as the stores keep them: who may change a publisher depends on it.

use std::fmt;
use std::sync::Arc;

use oidc_exchange::server::PublisherRecord;

/// The configuration file. What it defines neither the API nor the pages change.
pub(super) const FILE: &str = "file";
/// The API, by whoever holds the administrator's token.
pub(super) const API: &str = "api";
/// The settings pages.
pub(super) const PAGES: &str = "pages";

/// The publishers of the configuration file, as of the registry's start.
#[derive(Clone, Default)]
pub(super) struct Defined(Arc<[PublisherRecord]>);

impl Defined {
    pub(super) fn new(records: Vec<PublisherRecord>) -> Self {
        Self(records.into())
    }

    /// Returns `true` if the file defines a publisher, also one that was there before by other means: the stores keep it once,
    /// and whoever removes it removes it for the file too, with the ids that it has learned.
    pub(super) fn has(&self, record: &PublisherRecord) -> bool {
        record.origin == FILE || self.0.iter().any(|defined| defined.is_like(record))
    }
}

impl fmt::Debug for Defined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Defined").field(&self.0.len()).finish()
    }
}
