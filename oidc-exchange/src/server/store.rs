use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use oidc_core::{Identity, ImmutableId, Timestamp};

use super::grant::Grant;
use super::mint::TokenHash;
use super::package::{Package, PackageOwner};
use super::policy::{EndedBefore, PublisherLimit, Room};
use super::record::PublisherRecord;
use super::token::TokenRecord;

/// The outcome of storing a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redeemed {
    /// The use of the identity token is recorded, and the publish token is stored.
    Granted,
    /// As [`Granted`](Self::Granted), without the packages of these publishers, by their ids: they are gone
    /// or have learned another id meanwhile.
    Partly(Vec<String>),
    /// The identity token was used as often as allowed, or its uses may have been purged. Nothing changed.
    AlreadyUsed,
    /// The identity token is older than the uses that the store remembers, so that it may have been used: see
    /// [`Grant::issued_at`]. Nothing changed.
    Unknowable,
    /// Every publisher of the grant is gone or has learned another id meanwhile. Nothing changed.
    Superseded,
}

/// The largest number of [known](Candidates::known) publishers that [`PublisherStore::candidates`] returns, and
/// of [others](Candidates::others) of one package.
pub const MAX_CANDIDATES: usize = 1000;
/// The largest number of [others](Candidates::others) of all packages together that
/// [`PublisherStore::candidates`] returns.
pub const MAX_UNPROVEN: usize = 32;
/// The largest number of publishers that [`PublisherStore::of_immutable_id`] returns.
pub const MAX_OF_ID: usize = 32;
/// The largest number of publishers of a package that [`PublisherStore::of_package`] returns.
pub const MAX_OF_PACKAGE: usize = 8;
/// The largest number of publishers of an ecosystem that [`PublisherStore::of_ecosystem`] returns.
pub const MAX_LATEST: usize = 100;

/// Publishers that may accept a token, in any order, as [`PublisherStore::candidates`] returns them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Candidates {
    /// The publishers of the operator's own, and of accounts with a [proven](PublisherRecord::proven) publisher
    /// of the same identity in any ecosystem.
    pub known: Vec<PublisherRecord>,
    /// The publishers of all other accounts.
    pub others: Vec<PublisherRecord>,
}

impl Candidates {
    /// Both groups. In a store without accounts, all publishers are known.
    pub fn new(known: Vec<PublisherRecord>, others: Vec<PublisherRecord>) -> Self {
        Self { known, others }
    }

    /// Returns the publishers of both groups, oldest first: by [`created_at`](PublisherRecord::created_at), then
    /// by [`id`](PublisherRecord::id).
    pub fn into_all(self) -> Vec<PublisherRecord> {
        let mut all = self.known;
        all.extend(self.others);
        all.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        all
    }
}

/// Finds publishers, and stores grants.
///
/// Names, identities, ids and hashes are compared byte by byte: they were normalized before, and no character
/// of them is a wildcard. A call that fails, or whose future is dropped before it ends, has either its whole
/// effect or none.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait PublisherStore: fmt::Debug + Send + Sync {
    /// Returns the publishers of these identities in this ecosystem, of one package or of all packages. On
    /// most platforms a token has one identity; it may have up to 256, all of one issuer. A record of another
    /// identity or package is ignored by the exchange.
    ///
    /// The result is limited, since anybody may have named the identity: in a registry with accounts, each
    /// account may configure publishers for somebody else's repository, on packages of its own and, as pending
    /// publishers, on packages that do not exist yet. The result has two groups ([`Candidates`]), and the cost
    /// of finding them must not grow with the publishers that are not returned:
    ///
    /// - at most [`MAX_CANDIDATES`] known publishers: the first publisher of each account, then the second of
    ///   each, and so on; within an account, regular before [pending](PublisherRecord::pending) ones, and older
    ///   before younger ones;
    /// - of one package, at most [`MAX_CANDIDATES`] others: the regular ones, then the pending ones, in both
    ///   cases the first of each account, then the second of each, and so on; of publishers in the same place
    ///   the oldest;
    /// - of all packages, at most [`MAX_UNPROVEN`] others: the first regular publisher of each account, then the
    ///   first pending one of each, then the second ones, and so on; of publishers in the same place the oldest.
    ///
    /// An account with many publishers does not displace those of other accounts. The limits are shared between
    /// the identities in the same manner.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn candidates(
        &self,
        identities: &[Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Candidates, StoreError>;

    /// Returns the publishers of these identities and owners for one of these [prefixes](Package::prefix), oldest
    /// first. An endpoint that names a package asks with the prefixes of its name (at most 32) and its owners (at
    /// most 32). The owner of a publisher is its [`account`](PublisherRecord::account), or the operator. A store
    /// without such an index returns none, and publishers for prefixes accept no token at such an endpoint.
    ///
    /// Returns at most [`MAX_CANDIDATES`]. The cost must not grow with the publishers of other accounts.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_prefixes(
        &self,
        _identities: &[Identity],
        _owners: &[PackageOwner],
        _prefixes: &[Package],
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(Vec::new())
    }

    /// Returns the publishers of an issuer that have learned this immutable id or were configured with it, in
    /// this ecosystem, of one package or of all packages. The exchange asks where no publisher has the
    /// token's identity, to find one whose repository was renamed. `id` is among their
    /// [`texts`](PublisherRecord::texts). A store without such an index returns none; a renamed repository is
    /// then unknown.
    ///
    /// Returns at most [`MAX_OF_ID`], the most trustworthy first, since anybody may configure another's id:
    /// by their [`PublisherRank`](super::PublisherRank), then by age.
    ///
    /// The id must be found by an index: the caller waits for the result, and its time must not reveal
    /// anything about other publishers.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_immutable_id(
        &self,
        _issuer: &str,
        _id: &ImmutableId,
        _ecosystem: &str,
        _package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(Vec::new())
    }

    /// Returns `true` if a [proven](PublisherRecord::proven) publisher of this account and identity, in any ecosystem, has no other
    /// value of this immutable id among its [`texts`](PublisherRecord::texts). The exchange asks for each account with pending
    /// publishers among the [known](Candidates::known) ones: an account that published by a name before somebody else got the name
    /// takes no new package from its new owner. Where a store returns `false`, the account's pending publishers come after older ones
    /// of other accounts.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn is_proven(
        &self,
        _account: &str,
        _identity: &Identity,
        _id: &ImmutableId,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Returns publishers of a package, at most [`MAX_OF_PACKAGE`], of which the store chooses any where there are more. The
    /// exchange asks after it has refused an unknown caller, to name them to the registry's operator. A store that can't list
    /// them returns none.
    ///
    /// The look-up delays the caller's next request, hence its cost must not grow with the publishers of a package.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_package(&self, _package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(Vec::new())
    }

    /// Returns the latest publishers of an ecosystem, at most [`MAX_LATEST`], the latest first. The exchange
    /// asks after it has refused an unknown caller that named no package, to name the nearest publishers to
    /// the registry's operator. A store that can't list them returns none.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_ecosystem(&self, _ecosystem: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(Vec::new())
    }

    /// Records the use of the identity token, stores the ids that its publishers learn, and stores the
    /// publish token, all in one transaction:
    ///
    /// 1. One use of [`Grant::replay_key`] is counted, unless there were [`Grant::max_uses`] already, or a
    ///    record as old was purged. Of concurrent grants with one replay key, no more are granted, in all
    ///    processes together.
    /// 2. A publisher is left out if it is gone, if its package neither is nor [covers](Package::covers) the
    ///    grant's, or if it has meanwhile learned another value for an id that it would learn here: learned ids
    ///    are compared and set. An account that configures and removes publishers for somebody else's
    ///    repository must not make that repository's exchange fail.
    /// 3. Of the other publishers, the [`learned`](PublisherRecord::learned) ids are stored;
    ///    [`lapses`](PublisherRecord::lapses) becomes `false` where an id was learned;
    ///    [`exchanged_at`](PublisherRecord::exchanged_at) becomes [`Grant::created_at`] where the publisher
    ///    is [`proven`](PublisherRecord::proven).
    /// 4. The hash of the publish token is stored with their packages, each with
    ///    [`GrantedBy::only_of`](super::GrantedBy::only_of), unless [`Grant::token`] is `None`. One package may
    ///    occur once without an owner, and any number of times with an owner.
    ///
    /// Unless the outcome is [`Granted`](Redeemed::Granted) or [`Partly`](Redeemed::Partly), nothing is
    /// counted, learned or stored.
    ///
    /// # Errors
    ///
    /// When the store can't be reached; then nothing was granted.
    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError>;
}

/// Finds and revokes publish tokens.
///
/// A token ends when it expires, when it is revoked, and for a package when the package's publisher is
/// removed, even while the token is being stored. A token that has ended stays so, even if the publisher is
/// configured again. The identity token stays used as well.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// Returns the token of this hash, with the packages, platform, issuer and run that it was granted for,
    /// unless it has expired at `now`. [`GrantedPackage::may_create`](super::GrantedPackage::may_create)
    /// tells whether the publisher is pending now. Packages whose publisher was removed are left out, and a
    /// token without packages is not found.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError>;

    /// Revokes a token. The result does not tell whether it existed.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError>;

    /// Purges at most `limit` tokens and `limit` replay records that have expired at `now`, which they have
    /// from their last moment on. Returns their number.
    ///
    /// From then on no grant is redeemed that would be remembered no longer than one of the purged records,
    /// for all time and for every process: a clock that is set back must not make a used token usable again.
    /// The purged records count and not `now`: a clock that was ahead for a moment must not lock out all
    /// tokens until that time.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// Stores publishers. [`Trust`](super::Trust) validates them before.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait TrustStore: fmt::Debug + Send + Sync {
    /// Returns the publishers of a package with all their fields, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError>;

    /// Returns every publisher of an origin, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError>;

    /// Returns every publisher of an account, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_account(&self, account: &str) -> Result<Vec<PublisherRecord>, StoreError>;

    /// Returns the number of publish tokens of each of a package's publishers that are valid at `now`, by the
    /// publishers' ids. Publishers without valid tokens are left out, and of accounts' publishers those that
    /// are not [proven](PublisherRecord::proven): an account that configures a publisher for somebody else's
    /// repository must not see when that repository's jobs run.
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
    /// publishers that have [not ended](super::EndedBefore::is_over). Of publishers that are added to one
    /// account at the same time, no more are stored than there is room for. Publishers of other accounts have
    /// no influence.
    ///
    /// # Errors
    ///
    /// When the store can't be reached, or has a publisher of this id.
    async fn add(&self, publisher: &PublisherRecord, room: &Room) -> Result<Stored, StoreError>;

    /// Purges at most `limit` publishers of accounts that [have ended](super::EndedBefore::is_over). Returns
    /// their number. The operator's own stay.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn purge_publishers(&self, ended: EndedBefore, limit: u32) -> Result<u64, StoreError>;

    /// Removes the publisher `old`, whose tokens end at once, and stores `publisher` in its place, in one
    /// transaction. Nothing changes where `old` has changed [since](PublisherRecord::is_still) the caller
    /// read it.
    ///
    /// # Errors
    ///
    /// When the store can't be reached, or has a publisher of the new id.
    async fn replace(&self, old: &PublisherRecord, publisher: &PublisherRecord)
    -> Result<Stored, StoreError>;

    /// Removes a publisher of a package; its tokens end at once. Returns `false` where there is none.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError>;

    /// Records that a publish of a package succeeded by one of its publishers, or by one for a prefix of its
    /// name, which is [proven](PublisherRecord::proven) from now on. Returns `false` where there is no such
    /// publisher.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn published(&self, package: &Package, by: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// Records that a package was created, by a token of the pending publisher `by`, which becomes a regular
    /// one, or by other means. Every other pending publisher of the package is removed, since it was for a
    /// package that did not exist. Returns `false` and changes nothing where `by` is no pending publisher of
    /// the package.
    ///
    /// The package is of the account that `by` belongs to ([`PublisherRecord::account`], which [`TrustStore::list`] tells before and
    /// after): the application gives it to that account in the same transaction.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn package_created(&self, package: &Package, by: Option<&str>) -> Result<bool, StoreError>;

    /// Records that a package was removed. All of its publishers are removed, regular and pending, and their
    /// tokens end at once: the next owner of a package of that name is somebody else. Publishers for a prefix of
    /// its name stay; their grants for this package alone end.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn package_removed(&self, package: &Package) -> Result<(), StoreError>;

    /// Records that a package was renamed to `name`. Its regular publishers are renamed with it and otherwise
    /// unchanged; its tokens, which are for the old name, end at once. Pending publishers of the old name,
    /// and all publishers that the new name had, are removed, since they were for another package. Grants of
    /// publishers for a prefix end if they are for the old name alone. A [prefix](Package::prefix) can't be
    /// renamed: its publishers are removed.
    ///
    /// # Errors
    ///
    /// When the store can't be reached; then nothing changed.
    async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), StoreError>;

    /// Records that a package has another owner. Its publishers are removed and its tokens end at once,
    /// except that the regular publishers with the ids `kept`, which the new owner chose, stay: as those of
    /// `account`, with the ids that they learned, but not [proven](PublisherRecord::proven), since that was
    /// proven of the former owner's account. Publishers for a prefix of its name stay with their accounts; their
    /// grants for this package alone end.
    ///
    /// # Errors
    ///
    /// When the store can't be reached; then nothing changed.
    async fn package_transferred(
        &self,
        package: &Package,
        account: Option<&str>,
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
    /// The account has reached a limit. Nothing changed.
    TooMany(PublisherLimit),
    /// There is no publisher to replace, or it has changed. Nothing changed.
    Missing,
}

/// An error of a store that can't be reached, or that holds invalid data. The reason is for the log, not for
/// a caller.
#[derive(Debug, thiserror::Error)]
#[error("the store failed")]
pub struct StoreError {
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl StoreError {
    /// An error with its reason.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: source.into() }
    }
}
