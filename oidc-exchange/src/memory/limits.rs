/// The numbers of records that a [`MemoryStore`](super::MemoryStore) holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryLimits {
    /// Publishers, of all packages.
    pub publishers: usize,
    /// Publish tokens that have not expired.
    pub tokens: usize,
    /// Uses of identity tokens that have to be remembered.
    pub replay_records: usize,
}

impl Default for MemoryLimits {
    /// 10,000 publishers, 10,000 publish tokens, 100,000 replay records.
    fn default() -> Self {
        Self { publishers: 10_000, tokens: 10_000, replay_records: 100_000 }
    }
}

impl MemoryLimits {
    /// With this many publishers.
    #[must_use]
    pub fn publishers(mut self, publishers: usize) -> Self {
        self.publishers = publishers;
        self
    }

    /// With this many publish tokens.
    #[must_use]
    pub fn tokens(mut self, tokens: usize) -> Self {
        self.tokens = tokens;
        self
    }

    /// With this many replay records.
    #[must_use]
    pub fn replay_records(mut self, records: usize) -> Self {
        self.replay_records = records;
        self
    }
}

/// The source of a store's error: it is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Full {
    /// Of publishers.
    #[error(
        "the store in memory holds as many publishers as it may; raise `MemoryLimits::publishers` or remove some"
    )]
    Publishers,
    /// Of publish tokens.
    #[error(
        "the store in memory holds as many publish tokens as it may; raise `MemoryLimits::tokens` or shorten their lifetime"
    )]
    Tokens,
    /// Of replay records.
    #[error(
        "the store in memory holds as many replay records as it may; raise `MemoryLimits::replay_records`"
    )]
    ReplayRecords,
}
