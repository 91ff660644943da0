//! The transparency logs of a trusted root, for links to their entries and for their checkpoints.

use sigstore_verify::crypto::Keyring;
use sigstore_verify::trust_root::{Error, TrustedRoot};

use super::bundle::Kept;

/// Sigstore's public log, and the beginning of the page of one of its entries.
const PUBLIC: (&str, &str) = ("https://rekor.sigstore.dev", "https://search.sigstore.dev/?logIndex=");

/// The path of a log's endpoint for one entry.
const ENTRY: &str = "/api/v1/log/entries?logIndex=";

/// The logs of a trusted root.
pub(super) struct Logs {
    /// The ids of the logs' keys, with the logs' URLs.
    urls: Vec<(Vec<u8>, String)>,
    pub(super) keys: Keyring,
}

impl Logs {
    pub(super) fn of(root: &TrustedRoot) -> Result<Self, Error> {
        let logs = root.tlogs.iter();
        let urls = logs.map(|log| (log.log_id.key_id.as_bytes().to_vec(), log.base_url.clone())).collect();
        Ok(Self { urls, keys: root.rekor_keys()? })
    }

    /// The URL of a verified entry; `None` where the log serves no single entries.
    pub(super) fn entry_url(&self, kept: &Kept) -> Option<String> {
        let (_, base) = self.urls.iter().find(|(id, _)| !kept.is_tiled && *id == kept.log_id)?;
        let base = base.trim_end_matches('/');
        let (public, page) = PUBLIC;
        let beginning = if base == public { page.to_owned() } else { format!("{base}{ENTRY}") };
        Some(format!("{beginning}{}", kept.log_index))
    }
}
