//! The origins of trusted publishers, as the stores keep them: who may change a publisher depends on it.

/// The configuration file. What it defines neither the API nor the pages change.
pub(super) const FILE: &str = "file";
/// The API, by whoever holds the administrator's token.
pub(super) const API: &str = "api";
/// The settings pages.
pub(super) const PAGES: &str = "pages";
