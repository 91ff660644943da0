use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use oidc_core::Timestamp;

use super::package::Package;
use super::package_owner::PackageOwner;
use super::policy::{EndedBefore, PublisherLimit, Room};
use super::record::PublisherRecord;
use super::store_error::StoreError;

/// Stores publishers. [`Trust`](super::Trust) validates them before.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait TrustStore: fmt::Debug + Send + Sync {
    /// Returns the publishers of a package with all their fields, oldest first.
    ///
    /// `async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError>;

    /// Returns every publisher of an origin, oldest first.
    ///
    /// `async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError>;

    /// Returns every publisher of an account, oldest first.
    ///
    /// `async fn of_account(&self, account: &str) -> Result<Vec<PublisherRecord>, StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_account(&self, account: &str) -> Result<Vec<PublisherRecord>, StoreError>;

    /// Returns the publishers of these owners (at most 32) for [prefixes](Package::prefix) that cover the package,
    /// oldest first.
    ///
    /// `async fn covering(&self, package: &Package, owners: &[PackageOwner]) -> Result<Vec<PublisherRecord>, StoreError>`
    ///
    /// The default reads every publisher of each account, and of the operator those of each prefix of the name.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn covering(
        &self,
        package: &Package,
        owners: &[PackageOwner],
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let mut found = Vec::new();
        for owner in owners {
            match owner {
                PackageOwner::Account(account) => found.extend(self.of_account(account).await?),
                PackageOwner::Operator => {
                    for prefix in package.prefixes() {
                        found.extend(self.list(&prefix).await?);
                    }
                }
            }
        }
        found.retain(|record| record.package.covers(package) && owners.contains(&record.owner()));
        found.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        found.dedup_by(|one, other| one.id == other.id);
        Ok(found)
    }

    /// Returns the number of publish tokens of each of a package's publishers that are valid at `now`, by the
    /// publishers' ids. Publishers without valid tokens are left out, and of accounts' publishers those that
    /// are not [proven](PublisherRecord::proven): an account that configures a publisher for somebody else's
    /// repository must not see when that repository's jobs run.
    ///
    /// `async fn live_tokens(&self, package: &Package, now: Timestamp) -> Result<BTreeMap<String, u64>, StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn live_tokens(
        &self,
        package: &Package,
        now: Timestamp,
    ) -> Result<BTreeMap<String, u64>, StoreError>;

    /// Stores a publisher with its learned ids, unless the package has one of the same account, identity and
    /// configuration, or there is no room: [`Room::reached`](super::Room::reached) with the account's
    /// publishers that have [not ended](super::EndedBefore::is_over). An equal one is reported as
    /// [`Stored::Exists`] also where there is no room. Of publishers that are added to one
    /// account at the same time, no more are stored than there is room for. Publishers of other accounts have
    /// no influence.
    ///
    /// `async fn add(&self, publisher: &PublisherRecord, room: &Room) -> Result<Stored, StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached, or has a publisher of this id.
    async fn add(&self, publisher: &PublisherRecord, room: &Room) -> Result<Stored, StoreError>;

    /// Purges at most `limit` publishers of accounts that [have ended](super::EndedBefore::is_over). Returns
    /// their number. The operator's own stay.
    ///
    /// `async fn purge_publishers(&self, ended: EndedBefore, limit: u32) -> Result<u64, StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn purge_publishers(&self, ended: EndedBefore, limit: u32) -> Result<u64, StoreError>;

    /// Removes the publisher `old`, whose tokens end at once, and stores `publisher` in its place, in one
    /// transaction. Nothing changes where `old` has changed [since](PublisherRecord::is_still) the caller
    /// read it. A publisher that replaces one that [has ended](super::EndedBefore::is_over) counts like an
    /// [added](Self::add) one: see [`Room::of_replacing`].
    ///
    /// `async fn replace(&self, old: &PublisherRecord, publisher: &PublisherRecord, room: &Room) -> Result<Stored, StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached, or has a publisher of the new id.
    async fn replace(
        &self,
        old: &PublisherRecord,
        publisher: &PublisherRecord,
        room: &Room,
    ) -> Result<Stored, StoreError>;

    /// Removes a publisher of a package; its tokens end at once. Returns `false` where there is none.
    ///
    /// `async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError>;

    /// Records that a publish of a package succeeded by one of its publishers, or by one for a prefix of its
    /// name, which is [proven](PublisherRecord::proven) from now on. Returns `false` where there is no such
    /// publisher.
    ///
    /// `async fn published(&self, package: &Package, by: &str, now: Timestamp) -> Result<bool, StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn published(&self, package: &Package, by: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// Records that a package was created by a token of the pending publisher `by`, which becomes a regular one.
    /// Every other pending publisher of the package is removed, since it was for a package that did not exist.
    ///
    /// `async fn package_created_by(&self, package: &Package, by: &str) -> Result<Option<PackageOwner>, StoreError>`
    ///
    /// Returns the owner of the new package: the publisher's account, or the operator. The application stores the
    /// package as that owner's, in the same transaction. Returns `None` and changes nothing where `by` is no
    /// pending publisher of the package; then the publish must fail.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn package_created_by(
        &self,
        package: &Package,
        by: &str,
    ) -> Result<Option<PackageOwner>, StoreError>;

    /// Records that a package was created by other means than a publish token, such as a form. Its pending
    /// publishers are removed, since they were for a package that did not exist.
    ///
    /// `async fn package_created(&self, package: &Package) -> Result<(), StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn package_created(&self, package: &Package) -> Result<(), StoreError>;

    /// Records that a package was removed. All of its publishers are removed, regular and pending, and their
    /// tokens end at once: the next owner of a package of that name is somebody else. Publishers for a prefix of
    /// its name stay; their grants for this package alone end.
    ///
    /// `async fn package_removed(&self, package: &Package) -> Result<(), StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn package_removed(&self, package: &Package) -> Result<(), StoreError> {
        // The owner of no publisher makes no difference.
        self.package_transferred(package, &PackageOwner::Operator, &[]).await
    }

    /// Records that a package was renamed to `name`. Its regular publishers are renamed with it and otherwise
    /// unchanged; its tokens, which are for the old name, end at once. Pending publishers of the old name,
    /// and all publishers that the new name had, are removed, since they were for another package. Grants of
    /// publishers for a prefix end if they are for the old name alone. A [prefix](Package::prefix) can't be
    /// renamed: its publishers are removed.
    ///
    /// `async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached; then nothing changed.
    async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), StoreError>;

    /// Records that a package has another owner. All of its tokens end at once. Its publishers are removed,
    /// except that the regular publishers with the ids `kept`, which the new owner chose, stay: as those of
    /// `owner`, with the ids that they learned, but not [proven](PublisherRecord::proven), since that was
    /// proven of the former owner's account. Of kept publishers that become equal thereby, the oldest stays, and of those
    /// of one age the one with the least id. Publishers for a prefix of its name stay with their accounts; their
    /// grants for this package alone end.
    ///
    /// `async fn package_transferred(&self, package: &Package, owner: &PackageOwner, kept: &[&str]) -> Result<(), StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached; then nothing changed.
    async fn package_transferred(
        &self,
        package: &Package,
        owner: &PackageOwner,
        kept: &[&str],
    ) -> Result<(), StoreError>;
}

/// The outcome of storing a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stored {
    /// It is stored.
    Done,
    /// The package has a publisher of the same account, identity and configuration. Nothing changed.
    Exists,
    /// The account has reached a limit, whose number is given. Nothing changed.
    TooMany(PublisherLimit, u32),
    /// There is no publisher to replace, or it has changed. Nothing changed.
    Missing,
}
