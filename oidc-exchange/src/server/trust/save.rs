//! Publishers that are added, edited and removed.

use oidc_core::PublisherField;

use super::{MAX_ACCOUNT, Trust, TrustError};
use crate::server::package::Package;
use crate::server::record::PublisherRecord;
use crate::server::store_error::StoreError;
use crate::server::trust_store::{Stored, TrustStore};

/// The number of tries of an edit while the publisher changes. A publisher can learn its ids once, and become
/// regular once.
const EDITS: usize = 5;

impl Trust {
    /// Stores a publisher that [`Trust::prepare`] made, unless the package has it already. The publisher
    /// takes over the ids that another publisher of the package has learned for the same identity, or is configured with and
    /// [proven](PublisherRecord::proven), unless it is configured with other ids. Returns the stored record.
    ///
    /// # Errors
    ///
    /// | error | where |
    /// |---|---|
    /// | [`TrustError::Account`] | the record's account is empty, longer than 255 bytes, or has control characters |
    /// | [`TrustError::Prefix`] | the record is for a prefix, and [`TrustPolicy::prefixes_per_account`](crate::server::TrustPolicy::prefixes_per_account) is 0 |
    /// | [`TrustError::PendingPrefix`] | the record is for a prefix, and pending |
    /// | [`TrustError::Exists`] | the account has this publisher for the package already |
    /// | [`TrustError::TooMany`] | the account is at a limit ([`TrustLimits`](crate::server::TrustLimits), and for prefixes the policy's) |
    /// | [`TrustError::Store`] | the store can't be reached |
    pub async fn add(&self, publisher: &PublisherRecord) -> Result<PublisherRecord, TrustError> {
        self.add_within(&*self.store, publisher).await
    }

    /// Stores a publisher as [`Trust::add`] does, in a transaction of the store, such as `sql::Transaction`, together with
    /// the other changes of the transaction.
    ///
    /// # Errors
    ///
    /// As those of [`Trust::add`].
    pub async fn add_within(
        &self,
        store: &dyn TrustStore,
        publisher: &PublisherRecord,
    ) -> Result<PublisherRecord, TrustError> {
        if publisher.account.as_deref().is_some_and(|account| !is_account(account)) {
            return Err(TrustError::Account);
        }
        self.check_prefix(publisher)?;
        let known = store.list(&publisher.package).await?;
        let publisher = self.taught(store, publisher.clone(), &known).await?;
        let room = self.limits.room(&self.policy, self.cx.clock().now());
        match store.add(&publisher, &room).await? {
            Stored::Done => Ok(publisher),
            Stored::TooMany(limit, number) => Err(TrustError::TooMany { limit, number }),
            // A store does not return `Missing` here.
            Stored::Exists | Stored::Missing => {
                Err(TrustError::Exists { id: id_of_like(&known, &publisher) })
            }
        }
    }

    /// Replaces the package's publisher `id` by a publisher that [`Trust::prepare`] made. The new publisher
    /// has a new id and keeps the account and the origin. The tokens of the old one end at once. Where both
    /// have the same identity, the new one keeps the learned ids, the age and the proof of the old one;
    /// otherwise it begins like an [added](Self::add) publisher. An id that is taken out of the configuration of a
    /// [proven](PublisherRecord::proven) publisher counts as learned from then on, so that no other owner of the name can
    /// take its place. Returns the stored record.
    ///
    /// # Errors
    ///
    /// | error | where |
    /// |---|---|
    /// | [`TrustError::Prefix`] | the record is for a prefix, and [`TrustPolicy::prefixes_per_account`](crate::server::TrustPolicy::prefixes_per_account) is 0 |
    /// | [`TrustError::PendingPrefix`] | the record is for a prefix, and pending |
    /// | [`TrustError::Missing`] | the package has no publisher `id`, or the publisher changed in each of 5 tries |
    /// | [`TrustError::Exists`] | the account has the new publisher for the package already |
    /// | [`TrustError::TooMany`] | the old publisher has lapsed or expired, the new one has not, and the account is at a limit |
    /// | [`TrustError::Store`] | the store can't be reached |
    pub async fn edit(&self, id: &str, wanted: PublisherRecord) -> Result<PublisherRecord, TrustError> {
        self.edit_within(&*self.store, id, wanted).await
    }

    /// Replaces a publisher as [`Trust::edit`] does, in a transaction of the store, such as `sql::Transaction`, together
    /// with the other changes of the transaction.
    ///
    /// # Errors
    ///
    /// As those of [`Trust::edit`].
    pub async fn edit_within(
        &self,
        store: &dyn TrustStore,
        id: &str,
        wanted: PublisherRecord,
    ) -> Result<PublisherRecord, TrustError> {
        self.check_prefix(&wanted)?;
        for _ in 0..EDITS {
            let known = store.list(&wanted.package).await?;
            let old = known.iter().find(|record| record.id == id).ok_or(TrustError::Missing)?;
            let publisher = self.succeeding(old, wanted.clone());
            let publisher = self.taught(store, publisher, &known).await?;
            let room = self.limits.room(&self.policy, self.cx.clock().now());
            match store.replace(old, &publisher, &room).await? {
                Stored::Done => return Ok(publisher),
                Stored::Exists => return Err(TrustError::Exists { id: id_of_like(&known, &publisher) }),
                Stored::TooMany(limit, number) => return Err(TrustError::TooMany { limit, number }),
                // The publisher changed or is gone: try again.
                Stored::Missing => {}
            }
        }
        Err(TrustError::Missing)
    }

    /// Removes a publisher; its publish tokens end at once. Returns `false` where there is none. The
    /// application decides who may remove or [edit](Self::edit) a publisher: its account is in the record.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn remove(&self, package: &Package, id: &str) -> Result<bool, TrustError> {
        Ok(self.store.remove(package, id).await?)
    }

    /// Checks that the registry allows the publisher if it is for a prefix of names. Such a publisher creates no
    /// package.
    fn check_prefix(&self, publisher: &PublisherRecord) -> Result<(), TrustError> {
        match publisher.package.is_prefix() {
            true if !self.policy.allows_prefixes() => Err(TrustError::Prefix),
            true if publisher.pending => Err(TrustError::PendingPrefix),
            _ => Ok(()),
        }
    }

    /// Returns a publisher with the ids that others know of its identity, where it has learned none itself: those of
    /// its package, and those of its account's publishers for a prefix that has some of its packages. An id that a proven
    /// publisher is configured with counts as one that it has learned.
    async fn taught(
        &self,
        store: &dyn TrustStore,
        mut publisher: PublisherRecord,
        known: &[PublisherRecord],
    ) -> Result<PublisherRecord, TrustError> {
        if publisher.learned.is_empty() {
            let mut others = known.to_vec();
            if self.policy.allows_prefixes() {
                others.extend(of_same_account(store, &publisher).await?);
            }
            for other in others.iter_mut().filter(|other| other.proven) {
                other.learned.extend(self.configured_ids(other));
            }
            publisher.learned = publisher.known_beside(&others, None).cloned().unwrap_or_default();
            publisher.lapses &= publisher.learned.is_empty();
        }
        Ok(publisher)
    }

    /// Returns a publisher with everything that it takes over from the old one in its place. What was learned and proven
    /// holds for the identity only: with another identity the publisher begins anew.
    fn succeeding(&self, old: &PublisherRecord, mut publisher: PublisherRecord) -> PublisherRecord {
        publisher.origin.clone_from(&old.origin);
        publisher.account.clone_from(&old.account);
        publisher.pending = old.pending;
        if old.identity == publisher.identity {
            publisher.learned.clone_from(&old.learned);
            if old.proven {
                let is_out = |(key, _): &(String, String)| publisher.config.get(key).is_none();
                let taken_out: Vec<_> = self.configured_ids(old).into_iter().filter(is_out).collect();
                publisher.learned.extend(taken_out);
            }
            publisher.lapses &= publisher.learned.is_empty();
            publisher.created_at = old.created_at;
            publisher.proven |= old.proven;
            publisher.published_at = old.published_at;
            publisher.exchanged_at = old.exchanged_at;
        }
        publisher
    }

    /// Returns the immutable ids that a publisher is configured with, by their keys.
    fn configured_ids(&self, record: &PublisherRecord) -> Vec<(String, String)> {
        let platform = self.providers.for_issuer(&record.identity.issuer);
        let fields = platform.map_or(&[][..], |platform| platform.fields_of(&record.config));
        let id = |field: &PublisherField| {
            Some((field.key.to_owned(), record.config.get(field.key)?.as_str()?.to_owned()))
        };
        fields.iter().filter(|field| field.learned).filter_map(id).collect()
    }
}

/// Returns the publishers of the same account that may share packages with this one through a prefix. Those of the
/// operator's own beside a prefix are found by their origin, since no index has all of them.
async fn of_same_account(
    store: &dyn TrustStore,
    publisher: &PublisherRecord,
) -> Result<Vec<PublisherRecord>, StoreError> {
    match (publisher.package.is_prefix(), &publisher.account) {
        (true, Some(account)) => store.of_account(account).await,
        (true, None) => store.of_origin(&publisher.origin).await,
        (false, _) => store.covering(&publisher.package, &[publisher.owner()]).await,
    }
}

/// Returns `true` if a text can be the name of an account. An empty text is no name: stores use it for the
/// operator.
fn is_account(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_ACCOUNT && !text.chars().any(char::is_control)
}

/// The id of the publisher that equals this one except for its id; empty where it was added after `known` was
/// read.
fn id_of_like(known: &[PublisherRecord], publisher: &PublisherRecord) -> String {
    known.iter().find(|record| record.is_like(publisher)).map(|record| record.id.clone()).unwrap_or_default()
}
