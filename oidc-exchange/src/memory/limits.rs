/// The largest numbers of records in a [`MemoryStore`](super::MemoryStore).
///
/// ```
/// use oidc_exchange::memory::MemoryLimits;
///
/// let limits = MemoryLimits::default();
/// assert_eq!((limits.publishers, limits.tokens, limits.replay_records), (10_000, 10_000, 100_000));
/// assert_eq!(limits.shares, 8);
/// // A small registry: fifty publishers, and as many tokens as an hour brings, half of them for one account.
/// let limits = limits.publishers(50).tokens(1_000).replay_records(1_000).shares(2);
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
    /// The number of equal shares of the store, of which each [account](crate::server::PublisherRecord::account) has
    /// one: with the other numbers at their defaults, 1,250 publishers, 1,250 publish tokens and 12,500 uses. 8 by
    /// default; 1 leaves the whole store to any account. The operator's own publishers may fill the store.
    pub shares: usize,
}

impl Default for MemoryLimits {
    /// 10,000 publishers, 10,000 publish tokens, 100,000 replay records, of each an eighth for one account.
    fn default() -> Self {
        Self { publishers: 10_000, tokens: 10_000, replay_records: 100_000, shares: 8 }
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

    /// Replaces the number of shares. 0 counts as 1: either way, an account may have the whole store.
    #[must_use]
    pub fn shares(mut self, shares: usize) -> Self {
        self.shares = shares;
        self
    }

    /// Returns one account's share of a number, at least 1.
    pub(super) fn share(&self, number: usize) -> usize {
        number.div_ceil(self.shares.max(1)).max(1)
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
    /// The account's share of the publish tokens is taken up.
    #[error(
        "an account has as many publish tokens as its share of the store in memory allows; raise `MemoryLimits::tokens`, or shorten their lifetime"
    )]
    ShareOfTokens,
    /// The account's share of the replay records is taken up.
    #[error(
        "an account has as many replay records as its share of the store in memory allows; raise `MemoryLimits::replay_records`"
    )]
    ShareOfReplayRecords,
}
