use std::fmt;
use std::time::Duration;

use oidc_core::Timestamp;

use super::record::PublisherRecord;

const DAY: u64 = 24 * 3600;

/// The time for which a publisher stays in force without being used. Names can be taken over by somebody
/// else; ids can't, but a publisher learns them only with its first use.
///
/// ```
/// use std::time::Duration;
///
/// use oidc_core::{Identity, Timestamp};
/// use oidc_exchange::server::{Package, PublisherRecord, PublisherState, TrustPolicy};
///
/// let days = |days: u64| Duration::from_secs(days * 24 * 3600);
/// let policy = TrustPolicy::default();
/// assert_eq!((policy.lapse_after, policy.pending_for, policy.forget_after), (days(7), days(30), days(30)));
/// assert_eq!(policy.prefixes_per_account, 0);
/// let policy = policy.lapse_after(days(3));
/// let (package, now) = (Package::new("npm", "widget"), Timestamp::from_secs(1_700_000_000));
/// let identity = Identity::new("https://issuer.example", "acme/widget");
/// let record = PublisherRecord::new("id", package, "github", identity, serde_json::json!({}), now);
/// let until = now.plus(policy.lapse_after);
/// assert_eq!(policy.state(&record, now), PublisherState::LapsesAt(until));
/// assert_eq!(policy.state(&record, until), PublisherState::Lapsed { since: until });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustPolicy {
    /// The time after which a publisher lapses, pending or not, if it has learned no id, was not configured
    /// with its ids, and published nothing. A lapsed publisher accepts no token. 7 days by default.
    pub lapse_after: Duration,
    /// The time after which a pending publisher expires, if it has not created its package. An expired
    /// publisher accepts no token. 30 days by default.
    pub pending_for: Duration,
    /// The time after which an account's publisher that lapsed or expired is purged
    /// ([`Trust::purge`](super::Trust::purge)). 30 days by default.
    pub forget_after: Duration,
    /// The number of publishers of one account for [prefixes](super::Package::prefix) of names. With 0, the
    /// default, none can be configured, not even of the operator's own, and those that are stored accept no token.
    pub prefixes_per_account: u32,
}

impl Default for TrustPolicy {
    /// 7 days until a publisher lapses, 30 days until a pending publisher expires, 30 more days until either is
    /// purged, and no publishers for prefixes.
    fn default() -> Self {
        let days = |days| Duration::from_secs(days * DAY);
        Self { lapse_after: days(7), pending_for: days(30), forget_after: days(30), prefixes_per_account: 0 }
    }
}

impl TrustPolicy {
    /// Replaces the time after which a publisher that has learned nothing lapses.
    #[must_use]
    pub fn lapse_after(mut self, time: Duration) -> Self {
        self.lapse_after = time;
        self
    }

    /// Replaces the time after which a pending publisher expires.
    #[must_use]
    pub fn pending_for(mut self, time: Duration) -> Self {
        self.pending_for = time;
        self
    }

    /// Replaces the time after which a lapsed or expired publisher is purged.
    #[must_use]
    pub fn forget_after(mut self, time: Duration) -> Self {
        self.forget_after = time;
        self
    }

    /// Sets the greatest number of publishers for prefixes of names that one account may have; 0, the default, allows
    /// none. The exchange and the configuration need the same policy: [`ExchangeBuilder::trust_policy`](super::ExchangeBuilder::trust_policy) and
    /// [`Trust::with_policy`](super::Trust::with_policy).
    #[must_use]
    pub fn prefixes_per_account(mut self, number: u32) -> Self {
        self.prefixes_per_account = number;
        self
    }

    /// Returns `true` if publishers for prefixes of names accept tokens.
    pub(super) fn allows_prefixes(&self) -> bool {
        self.prefixes_per_account > 0
    }

    /// Returns the state of a publisher at `now`: whether it is in force, and until when.
    pub fn state(&self, record: &PublisherRecord, now: Timestamp) -> PublisherState {
        if record.package.is_prefix() && !self.allows_prefixes() {
            return PublisherState::NotAllowed;
        }
        let lapses_at = (record.lapses && record.published_at.is_none())
            .then(|| record.created_at.plus(self.lapse_after));
        let expires_at = record.pending.then(|| record.created_at.plus(self.pending_for));
        match (lapses_at, expires_at) {
            (_, Some(since)) if since <= now => PublisherState::Expired { since },
            (Some(since), _) if since <= now => PublisherState::Lapsed { since },
            (lapses_at, Some(until)) => {
                PublisherState::PendingUntil(lapses_at.map_or(until, |at| at.min(until)))
            }
            (Some(at), None) => PublisherState::LapsesAt(at),
            (None, None) => PublisherState::Active,
        }
    }

    /// The publishers that have lapsed or expired at `now`.
    pub(super) fn ended(&self, now: Timestamp) -> EndedBefore {
        EndedBefore { lapsing: now.minus(self.lapse_after), pending: now.minus(self.pending_for) }
    }

    /// The publishers that are to be purged at `now`.
    pub(super) fn forgotten(&self, now: Timestamp) -> EndedBefore {
        self.ended(now.minus(self.forget_after))
    }
}

/// The state of a publisher: whether it is in force, and until when. [`TrustPolicy::state`] returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublisherState {
    /// In force without a time limit.
    Active,
    /// In force until this time, and without a limit if the publisher is used before. It has not learned the
    /// repository's ids yet.
    LapsesAt(Timestamp),
    /// No longer in force, since the publisher was not used soon after it was configured.
    Lapsed {
        /// The time at which the publisher lapsed.
        since: Timestamp,
    },
    /// In force until this time, and without a limit if the publisher creates its package before.
    PendingUntil(Timestamp),
    /// No longer in force, since the publisher did not create its package in time.
    Expired {
        /// The time at which the publisher expired.
        since: Timestamp,
    },
    /// Not in force, since the publisher is for a prefix of names and the registry allows none
    /// ([`TrustPolicy::prefixes_per_account`]).
    NotAllowed,
}

impl PublisherState {
    /// Returns `true` if the publisher accepts its jobs.
    pub fn is_in_force(self) -> bool {
        !matches!(self, Self::Lapsed { .. } | Self::Expired { .. } | Self::NotAllowed)
    }
}

impl fmt::Display for PublisherState {
    /// Writes a phrase for a settings page, such as `lapses at 2026-11-29T12:00:00Z unless it is used
    /// before`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active => f.write_str("active"),
            Self::LapsesAt(at) => write!(f, "lapses at {at} unless it is used before"),
            Self::Lapsed { since } => write!(f, "lapsed at {since}"),
            Self::PendingUntil(until) => write!(f, "pending until {until}"),
            Self::Expired { since } => write!(f, "expired at {since}"),
            Self::NotAllowed => f.write_str("not allowed: it is for a prefix of names"),
        }
    }
}

/// The limits on the number of publishers. Lapsed and expired publishers don't count, and each account is
/// counted separately.
///
/// ```
/// use oidc_exchange::server::TrustLimits;
///
/// let limits = TrustLimits::default();
/// assert_eq!((limits.per_package, limits.per_account, limits.pending_per_account), (32, 10_000, 100));
/// let limits = limits.per_package(4).pending_per_account(2);
/// assert_eq!((limits.per_package, limits.pending_per_account), (4, 2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustLimits {
    /// The number of publishers of one account for one package, also of the operator's own. 32 by default.
    pub per_package: u32,
    /// The number of publishers of one account for all packages. 10,000 by default.
    pub per_account: u32,
    /// The number of pending publishers among them, which reserve nothing and cost nothing. 100 by default.
    pub pending_per_account: u32,
}

impl Default for TrustLimits {
    /// 32 for a package, 10,000 for an account, 100 of them pending.
    fn default() -> Self {
        Self { per_package: 32, per_account: 10_000, pending_per_account: 100 }
    }
}

impl TrustLimits {
    /// Replaces the number of publishers of one account for one package.
    #[must_use]
    pub fn per_package(mut self, number: u32) -> Self {
        self.per_package = number;
        self
    }

    /// Replaces the number of publishers of one account.
    #[must_use]
    pub fn per_account(mut self, number: u32) -> Self {
        self.per_account = number;
        self
    }

    /// Replaces the number of pending publishers of one account.
    #[must_use]
    pub fn pending_per_account(mut self, number: u32) -> Self {
        self.pending_per_account = number;
        self
    }

    pub(super) fn room(&self, policy: &TrustPolicy, now: Timestamp) -> Room {
        Room { limits: *self, prefixes_per_account: policy.prefixes_per_account, ended: policy.ended(now) }
    }
}

/// A limit on the number of publishers of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublisherLimit {
    /// [`TrustLimits::per_package`].
    Package,
    /// [`TrustLimits::per_account`].
    Account,
    /// [`TrustLimits::pending_per_account`].
    Pending,
    /// [`TrustPolicy::prefixes_per_account`].
    Prefix,
}

impl PublisherLimit {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Package | Self::Account => "trusted publishers",
            Self::Pending => "pending trusted publishers",
            Self::Prefix => "trusted publishers for a prefix of names",
        }
    }
}

impl fmt::Display for PublisherLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Package => "package has",
            Self::Account | Self::Pending | Self::Prefix => "account has",
        })
    }
}

/// The room for one more publisher, which [`TrustStore::add`](super::TrustStore::add) gets. The default has
/// the default limits, and counts every publisher.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Room {
    /// The limits.
    pub limits: TrustLimits,
    /// The limit on the account's publishers for prefixes of names.
    pub prefixes_per_account: u32,
    /// The publishers that don't count.
    pub ended: EndedBefore,
}

impl Room {
    /// Returns the limit that is reached with these numbers of the account's publishers, and the limit's number. The
    /// operator's own are limited for the package only.
    pub fn reached(&self, publisher: &PublisherRecord, taken: Taken) -> Option<(PublisherLimit, u32)> {
        let is_account = publisher.account.is_some();
        let is_prefix = publisher.package.is_prefix();
        let (limits, is_pending) = (&self.limits, publisher.pending);
        let limits = [
            (PublisherLimit::Package, true, limits.per_package, taken.of_package),
            (PublisherLimit::Account, is_account, limits.per_account, taken.of_account),
            (PublisherLimit::Pending, is_account && is_pending, limits.pending_per_account, taken.pending),
            (PublisherLimit::Prefix, is_account && is_prefix, self.prefixes_per_account, taken.prefixes),
        ];
        let mut reached =
            limits.into_iter().filter(|(_, counts, most, taken)| *counts && u64::from(*most) <= *taken);
        reached.next().map(|(limit, _, most, _)| (limit, most))
    }

    /// Returns this room if `publisher` has to fit into it when it replaces `old`, which is so if `old` has ended,
    /// and so did not count, and `publisher` has not. Otherwise the numbers do not grow, and the result is `None`.
    pub fn of_replacing(&self, old: &PublisherRecord, publisher: &PublisherRecord) -> Option<&Self> {
        (self.ended.is_over(old) && !self.ended.is_over(publisher)).then_some(self)
    }
}

/// The numbers of an account's publishers that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store counts every one of them")]
pub struct Taken {
    /// The number for the same package or prefix.
    pub of_package: u64,
    /// The number in all.
    pub of_account: u64,
    /// The number of pending publishers.
    pub pending: u64,
    /// The number for prefixes.
    pub prefixes: u64,
}

/// The publishers that have lapsed or expired, in a form that a store can query. By default, none.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct EndedBefore {
    /// Publishers that [lapse](PublisherRecord::lapses), published nothing and were configured at this time
    /// or before have lapsed: the owner of a repository may have changed since.
    pub lapsing: Timestamp,
    /// Pending publishers that were configured at this time or before have expired.
    pub pending: Timestamp,
}

impl EndedBefore {
    /// Returns `true` if a publisher has lapsed or expired.
    pub fn is_over(&self, record: &PublisherRecord) -> bool {
        let is_lapsed = record.lapses && record.published_at.is_none() && record.created_at <= self.lapsing;
        is_lapsed || record.pending && record.created_at <= self.pending
    }
}

#[cfg(test)]
mod tests;
