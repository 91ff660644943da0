//! The rows that a call of a store reads.

use oidc_core::Timestamp;

use super::row;
use crate::server::{Package, TokenHash};

/// The rows that a call reads, with everything that they depend on.
#[derive(Default)]
pub(super) struct Need {
    /// Publishers with one of these marks.
    pub(super) publishers: Vec<String>,
    /// The latest publishers with a mark.
    pub(super) latest: Option<(String, usize)>,
    /// Publishers that may have ended by then.
    pub(super) ended: Option<Timestamp>,
    /// The tokens of the publishers, and those for these packages.
    pub(super) tokens: Option<Vec<Package>>,
    /// A token, and its publishers.
    pub(super) token: Option<TokenHash>,
    /// The uses of an identity token, and the end of those that were purged.
    pub(super) uses: Option<[u8; 32]>,
    /// Tokens and uses that expired by then, at most this many of each.
    pub(super) expired: Option<(Timestamp, usize)>,
}

impl Need {
    /// Publishers with one of these marks.
    pub(super) fn publishers(marks: impl IntoIterator<Item = String>) -> Self {
        Self { publishers: marks.into_iter().collect(), ..Self::default() }
    }

    /// The publishers of packages, and all tokens for these or by those.
    pub(super) fn packages(packages: &[&Package]) -> Self {
        let publishers = packages.iter().map(|package| row::of_package(package)).collect();
        let tokens = Some(packages.iter().map(|package| (*package).clone()).collect());
        Self { publishers, tokens, ..Self::default() }
    }

    /// The tokens of the publishers too.
    pub(super) fn with_tokens(self) -> Self {
        Self { tokens: Some(Vec::new()), ..self }
    }
}
