//! The transparency logs of a trusted root, for links to their entries.

use sigstore_verify::trust_root::TrustedRoot;

use super::bundle::Kept;

/// Sigstore's public log, and the beginning of the page of one of its entries.
const PUBLIC: (&str, &str) = ("https://rekor.sigstore.dev", "https://search.sigstore.dev/?logIndex=");

/// The path of a log's endpoint for one entry.
const ENTRY: &str = "/api/v1/log/entries?logIndex=";

/// The ids of the logs' keys, with the logs' URLs.
#[derive(Debug)]
pub(super) struct Logs(Vec<(Vec<u8>, String)>);

impl Logs {
    pub(super) fn of(root: &TrustedRoot) -> Self {
        let logs = root.tlogs.iter();
        Self(logs.map(|log| (log.log_id.key_id.as_bytes().to_vec(), log.base_url.clone())).collect())
    }

    /// The URL of a verified entry; `None` where the log serves no single entries.
    pub(super) fn entry_url(&self, kept: &Kept) -> Option<String> {
        let (_, base) = self.0.iter().find(|(id, _)| !kept.is_tiled && *id == kept.log_id)?;
        let base = base.trim_end_matches('/');
        let (public, page) = PUBLIC;
        let beginning = if base == public { page.to_owned() } else { format!("{base}{ENTRY}") };
        Some(format!("{beginning}{}", kept.log_index))
    }
}
