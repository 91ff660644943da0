/// The largest numbers of records in a [`MemoryStore`](super::MemoryStore).
///
/// ```
/// use oidc_exchange::memory::MemoryLimits;
///
/// let limits = MemoryLimits::default();
/// assert_eq!((limits.publishers, limits.tokens, limits.replay_records), (10_000, 10_000, 100_000));
/// // A small registry: fifty publishers, and as many tokens as an hour brings.
/// let limits = limits.publishers(50).tokens(1_000).replay_records(1_000);
/// # let _ = limits;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryLimits {
    /// The publishers of all packages. 10,000 by default.
    pub publishers: usize,
    /// The publish tokens that have not expired. 10,000 by default.
    pub tokens: usize,
    /// The uses of identity tokens that have to be remembered. 100,000 by default.
    pub replay_records: usize,
}

impl Default for MemoryLimits {
    /// 10,000 publishers, 10,000 publish tokens, 100,000 replay records.
    fn default() -> Self {
        Self { publishers: 10_000, tokens: 10_000, replay_records: 100_000 }
    }
}

impl MemoryLimits {
    /// Sets the greatest number of publishers.
    #[must_use]
    pub fn publishers(mut self, publishers: usize) -> Self {
        self.publishers = publishers;
        self
    }

    /// Sets the greatest number of publish tokens.
    #[must_use]
    pub fn tokens(mut self, tokens: usize) -> Self {
        self.tokens = tokens;
        self
    }

    /// Sets the greatest number of replay records.
    #[must_use]
    pub fn replay_records(mut self, records: usize) -> Self {
        self.replay_records = records;
        self
    }
}

/// The source of the error of a full store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Full {
    /// The limit on publishers is reached.
    #[error(
        "the store in memory holds as many publishers as it may; raise `MemoryLimits::publishers` or remove some"
    )]
    Publishers,
    /// The limit on publish tokens is reached.
    #[error(
        "the store in memory holds as many publish tokens as it may; raise `MemoryLimits::tokens` or shorten their lifetime"
    )]
    Tokens,
    /// The limit on replay records is reached.
    #[error(
        "the store in memory holds as many replay records as it may; raise `MemoryLimits::replay_records`"
    )]
    ReplayRecords,
}
