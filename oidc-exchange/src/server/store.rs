use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use oidc_core::{Identity, Pin, Timestamp};

use super::grant::Grant;
use super::mint::TokenHash;
use super::package::{Package, PackageOwner};
use super::policy::{EndedBefore, PublisherLimit, Room};
use super::record::PublisherRecord;
use super::token::TokenRecord;

/// What the store made of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redeemed {
    /// The identity token is burned and the publish token exists.
    Granted,
    /// The same, without the packages of these publishers, by their ids, which are gone or have meanwhile learned another id.
    Partly(Vec<String>),
    /// The identity token was used as often as it may be, or its uses may have been purged already. Nothing changed.
    AlreadyUsed,
    /// The identity token is older than what the store remembers, so that it may have been used: see [`Grant::issued_at`]. Nothing
    /// changed.
    Unknowable,
    /// Every publisher of the grant is gone or has meanwhile learned another id. Nothing changed.
    Superseded,
}

/// [`PublisherStore::candidates`] gives at most this many [known](Candidates::known) publishers, and as many
/// [others](Candidates::others) of one package.
pub const MAX_CANDIDATES: usize = 1000;
/// [`PublisherStore::candidates`] gives at most this many [others](Candidates::others) of all packages together.
pub const MAX_UNPROVEN: usize = 32;
/// [`PublisherStore::of_immutable_id`] gives at most this many publishers.
pub const MAX_OF_ID: usize = 32;
/// So many publishers of an ecosystem are looked at for the nearest to a stranger.
pub const MAX_LATEST: usize = 100;

/// Publishers that may let a token in, in any order, as [`PublisherStore::candidates`] gives them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Candidates {
    /// The operator's own, and those of accounts with a [proven](PublisherRecord::proven) publisher of the same identity, in
    /// whatever ecosystem.
    pub known: Vec<PublisherRecord>,
    /// Those of all other accounts.
    pub others: Vec<PublisherRecord>,
}

impl Candidates {
    /// Both groups. A store without accounts knows all of its publishers.
    pub fn new(known: Vec<PublisherRecord>, others: Vec<PublisherRecord>) -> Self {
        Self { known, others }
    }

    /// All of them, oldest first: by [`created_at`](PublisherRecord::created_at), then by [`id`](PublisherRecord::id).
    pub fn into_all(self) -> Vec<PublisherRecord> {
        let mut all = self.known;
        all.extend(self.others);
        all.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        all
    }
}

/// Finds publishers, and burns and mints.
///
/// Names, identities, ids and hashes are compared as they are, byte for byte: what makes two spellings equal was applied before, and
/// no character of them is a wildcard. A call that fails, or whose future is dropped before it ends, has done all or nothing.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait PublisherStore: fmt::Debug + Send + Sync {
    /// The publishers of these identities in this ecosystem, of one package or of all. A token has one identity on most platforms,
    /// and up to 256 of one issuer. A record of another identity or package than was asked for is passed over.
    ///
    /// Anybody may have named the identity: where a registry has accounts, each may configure publishers for somebody else's
    /// repository, on packages of its own and, as pending ones, on packages that do not exist yet. Hence the two groups of
    /// [`Candidates`], and the cost of finding them must not grow with the publishers that are not given:
    ///
    /// - at most [`MAX_CANDIDATES`] known publishers: each account's first, then each one's second, and so on, regular ones before
    ///   [pending](PublisherRecord::pending) ones and older ones before younger ones;
    /// - of one package, at most [`MAX_CANDIDATES`] others: first the regular ones, then the pending ones, each account's first,
    ///   then each one's second, and so on, of equal ones the oldest;
    /// - of all packages, at most [`MAX_UNPROVEN`] others: each account's first regular one, then each one's first pending one, then
    ///   the second ones, and so on, of equal ones the oldest.
    ///
    /// One account's publishers, however many, keep no other account out. Each group is shared out between the identities in the
    /// same manner.
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

    /// The publishers of these identities and owners for one of these [prefixes](Package::prefix), oldest first: asked at an endpoint
    /// that names a package, with the prefixes of its name (at most 32) and its owners (at most 32). An owner is whose
    /// [`account`](PublisherRecord::account) a publisher is of. A store that can't say gives none, and publishers for prefixes let
    /// nobody in there.
    ///
    /// At most [`MAX_CANDIDATES`]. The cost must not grow with the publishers of other accounts.
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

    /// The publishers of an issuer that have learned this immutable id or were configured with it, in this ecosystem, of one
    /// package or of all: asked where none is of the token's identity, to find one whose repository was renamed. `id` is among
    /// their [`texts`](PublisherRecord::texts). A store that can't say gives none, and a renamed repository is then a stranger.
    ///
    /// At most [`MAX_OF_ID`], the most trustworthy first, since anybody may configure another's id: by their
    /// [`PublisherRank`](super::PublisherRank), then by age.
    ///
    /// It has to be found by an index on the id: the caller waits for it, and may learn nothing of other publishers from how
    /// long that takes.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_immutable_id(
        &self,
        _issuer: &str,
        _id: &Pin,
        _ecosystem: &str,
        _package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(Vec::new())
    }

    /// All publishers of a package, or at most [`MAX_CANDIDATES`]: asked after a stranger was answered, to name them to the
    /// registry's operator. A store that can't say gives none.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_package(&self, _package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(Vec::new())
    }

    /// The latest publishers of an ecosystem, at most [`MAX_LATEST`], the latest first: asked after a stranger was answered that
    /// named no package, to name the nearest to the registry's operator. A store that can't say gives none.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_ecosystem(&self, _ecosystem: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        Ok(Vec::new())
    }

    /// Burns the identity token, stores what its publishers learn, and stores the publish token: in one
    /// transaction, all or nothing. That is:
    ///
    /// 1. One use of [`Grant::replay_key`] is counted, unless there were [`Grant::max_uses`] or a record as old was purged. Of
    ///    concurrent grants with one replay key no more are granted, in all processes together.
    /// 2. A publisher that is gone is left out, and so is one whose package neither is nor [covers](Package::covers) the grant's, or that meanwhile learned
    ///    another value for an id that it would learn here: learned ids are compare-and-set. Whoever configures and removes
    ///    publishers for somebody else's repository must not make that repository's exchange fail.
    /// 3. Of the others, [`learned`](PublisherRecord::learned) is stored; [`lapses`](PublisherRecord::lapses) ends where there is
    ///    something learned; [`exchanged_at`](PublisherRecord::exchanged_at) becomes [`Grant::created_at`] where the publisher is
    ///    [`proven`](PublisherRecord::proven).
    /// 4. The hash of the publish token is stored with their packages, each with [`GrantedBy::only_of`](super::GrantedBy::only_of),
    ///    unless [`Grant::token`] is `None`. Of one package there may be one without and any number with an owner.
    ///
    /// Unless the outcome is [`Granted`](Redeemed::Granted) or [`Partly`](Redeemed::Partly), nothing is burned, learned or stored.
    ///
    /// # Errors
    ///
    /// When the store can't be reached; then nothing was granted.
    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError>;
}

/// Finds and ends publish tokens.
///
/// A token ends when it expires, when it is revoked, and for a package when the package's publisher is removed, also if that
/// happens while the token is stored. What has ended does not come back: not if the publisher is configured again, and not with
/// the identity token, which stays used.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// The token of this hash, with the packages, platform, issuer and run that it was granted for, unless it is over at `now`.
    /// [`GrantedPackage::may_create`](super::GrantedPackage::may_create) says whether the publisher is pending now. A package whose
    /// publisher was removed is not in it; a token without packages is not found.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError>;

    /// Ends a token. Nothing tells whether there was one.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError>;

    /// Forgets at most `limit` tokens and `limit` replay records that are over at `now`, which is from their last moment on; returns
    /// how many.
    ///
    /// From then on no grant is redeemed that would be remembered no longer than one of those records, for good and for every
    /// process: a clock that is set back must not make a used token usable again. What counts are the records and not
    /// `now`: a clock that was ahead for a moment must not keep every token out until that time.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// Stores who may publish what. [`Trust`](super::Trust) validates; this stores.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait TrustStore: fmt::Debug + Send + Sync {
    /// The publishers of a package, oldest first, with everything that was stored of them.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError>;

    /// Every publisher of an origin, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError>;

    /// Every publisher of an account, oldest first.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn of_account(&self, account: &str) -> Result<Vec<PublisherRecord>, StoreError>;

    /// How many publish tokens of a package's publishers are valid at `now`, by the publishers' ids; those without any are not
    /// named. Of accounts' publishers only [proven](PublisherRecord::proven) ones are: whoever configures a publisher for somebody
    /// else's repository is not to see when that repository's jobs run.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn live_tokens(
        &self,
        package: &Package,
        now: Timestamp,
    ) -> Result<BTreeMap<String, u64>, StoreError>;

    /// Stores a publisher, learned ids included, unless the package has one of the same account, identity and configuration, or
    /// there is no room: [`Room::reached`](super::Room::reached) by the account's publishers that are
    /// [not over](super::EndedBefore::is_over). Of publishers that are added to one account at the same time no more are
    /// stored than there is room for. Nothing depends on other accounts' publishers.
    ///
    /// # Errors
    ///
    /// When the store can't be reached, or has a publisher of this id.
    async fn add(&self, publisher: &PublisherRecord, room: &Room) -> Result<Stored, StoreError>;

    /// Forgets at most `limit` publishers of accounts that are [over](super::EndedBefore::is_over); returns how many. The
    /// operator's own stay.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn purge_publishers(&self, ended: EndedBefore, limit: u32) -> Result<u64, StoreError>;

    /// Removes the publisher `old`, whose tokens end at once, and stores `publisher` in its place: both or neither, and
    /// neither where `old` [is not any more](PublisherRecord::is_still) what the caller saw.
    ///
    /// # Errors
    ///
    /// When the store can't be reached, or has a publisher of the new id.
    async fn replace(&self, old: &PublisherRecord, publisher: &PublisherRecord)
    -> Result<Stored, StoreError>;

    /// Removes a publisher of a package; its tokens end at once. `false` where there is none.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError>;

    /// Notes that a publish of a package went through by one of its publishers, or by one for a prefix of its name, which is
    /// [proven](PublisherRecord::proven) from now on. `false` where there is no such publisher.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn published(&self, package: &Package, by: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// Says that a package came to be, by a token of the pending publisher `by`, which is a regular one from now on,
    /// or by other means. Every other pending publisher of the package is removed, since it was for one that did not
    /// exist. `false`, and nothing changes, where `by` is no pending publisher of the package.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn package_created(&self, package: &Package, by: Option<&str>) -> Result<bool, StoreError>;

    /// Says that a package was removed. All of its publishers go with it, regular and pending, and their tokens end at once:
    /// whoever creates a package of that name anew is somebody else. Publishers for a prefix of its name stay; what they granted for
    /// this package alone ends.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn package_removed(&self, package: &Package) -> Result<(), StoreError>;

    /// Says that a package is called `name` from now on; a [prefix](Package::prefix) is none that is renamed, and what was for it is
    /// removed. Its regular publishers go with it as they are; its tokens, which are for
    /// the old name, end at once. Pending publishers of the old name, and whatever publishers the new name had, are removed:
    /// they were for another package. What publishers for a prefix granted for the old name alone ends.
    ///
    /// # Errors
    ///
    /// When the store can't be reached; then nothing changed.
    async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), StoreError>;

    /// Says that a package has another owner from now on. Its publishers are removed and its tokens end at once, except that the
    /// regular publishers with the ids `kept` stay, which the new owner chose: as those of `account`, with what they have
    /// learned, but not [proven](PublisherRecord::proven), which the former owner's account was. Publishers for a prefix of its name stay
    /// with their accounts; what they granted for this package alone ends.
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

/// What became of a publisher that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stored {
    /// It is stored.
    Done,
    /// The package has one of the same account, identity and configuration. Nothing changed.
    Exists,
    /// The account has as many as it may. Nothing changed.
    TooMany(PublisherLimit),
    /// There is no publisher to put it in the place of, or no such one any more. Nothing changed.
    Missing,
}

/// The store can't be reached or holds what it can't. The reason is for the log, not for a caller.
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
