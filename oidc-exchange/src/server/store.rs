use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use oidc_core::{Identity, ImmutableId, Timestamp};

use super::candidates::Candidates;
use super::grant::Grant;
use super::package::Package;
use super::package_owner::PackageOwner;
use super::record::PublisherRecord;
use super::store_error::StoreError;
use super::token::TokenRecord;
use super::token_hash::TokenHash;

/// The outcome of storing a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redeemed {
    /// The use of the identity token is recorded, and the publish token is stored.
    Granted,
    /// As [`Granted`](Self::Granted), but without the packages of the publishers with these ids: meanwhile they were removed,
    /// or other ids were learned than they would learn.
    Partly(Vec<String>),
    /// The identity token was used as often as allowed, or its uses may have been purged. Nothing changed.
    AlreadyUsed,
    /// The identity token is older than the uses that the store remembers, so that it may have been used: see
    /// [`Grant::issued_at`]. Nothing changed.
    Unknowable,
    /// Meanwhile every publisher of the grant was removed, or other ids were learned than it would learn. Nothing
    /// changed.
    Superseded,
}

/// The largest number of publishers that [`PublisherStore::of_immutable_id`] returns.
pub const MAX_OF_ID: usize = 32;
/// The largest number of publishers of a package that [`PublisherStore::of_package`] returns.
pub const MAX_OF_PACKAGE: usize = 8;
/// The largest number of publishers of an ecosystem that [`PublisherStore::of_ecosystem`] returns.
pub const MAX_LATEST: usize = 100;

/// Finds publishers, and stores grants.
///
/// Names, identities, ids and hashes are compared byte by byte: they were normalized before, and no character
/// of them is a wildcard. A call that fails, or whose future is dropped before it ends, has either its whole
/// effect or none.
///
/// The methods with a default find publishers in further ways. The defaults find fewer, which is safe, and lets a store be written
/// step by step: the conformance suite of feature `testing` asks for every method.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait PublisherStore: fmt::Debug + Send + Sync {
    /// Returns the publishers of these identities in this ecosystem, of one package or of all packages. On
    /// most platforms a token has one identity; it may have up to 256, all of one issuer. A record of another
    /// identity or package is ignored by the exchange.
    ///
    /// `async fn candidates(&self, identities: &[Identity], ecosystem: &str, package: Option<&str>) -> Result<Candidates, StoreError>`
    ///
    /// The result is limited, since anybody may have named the identity: in a registry with accounts, each
    /// account may configure publishers for somebody else's repository, on packages of its own and, as pending
    /// publishers, on packages that do not exist yet. The result has two groups ([`Candidates`]), and the cost
    /// of finding them must not grow with the publishers that are not returned:
    ///
    /// - at most [`MAX_CANDIDATES`](super::MAX_CANDIDATES) known publishers: the first publisher of each account, then the second of
    ///   each, and so on; within an account, regular before [pending](PublisherRecord::pending) ones, and older
    ///   before younger ones;
    /// - of one package, at most [`MAX_CANDIDATES`](super::MAX_CANDIDATES) others: the regular ones, then the pending ones, in both
    ///   cases the first of each account, then the second of each, and so on; of publishers in the same place
    ///   the oldest;
    /// - of all packages, at most [`MAX_UNPROVEN`](super::MAX_UNPROVEN) others: the first regular publisher of each account, then the
    ///   first pending one of each, then the second ones, and so on; of publishers in the same place the oldest.
    ///
    /// An account with many publishers does not displace those of other accounts. The limits are shared between
    /// the identities in the same manner. [`Candidates::choose`] does all this for a store that can read every
    /// publisher of an identity.
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
    /// most 32). The owner of a publisher is its [`account`](PublisherRecord::account), or the operator. By default
    /// none, and then publishers for prefixes accept no token at such an endpoint.
    ///
    /// `async fn of_prefixes(&self, identities: &[Identity], owners: &[PackageOwner], prefixes: &[Package]) -> Result<Vec<PublisherRecord>, StoreError>`
    ///
    /// Returns at most [`MAX_CANDIDATES`](super::MAX_CANDIDATES). The cost must not grow with the publishers of other accounts.
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

    /// Returns the publishers of these identities and owners, for any package or prefix of the ecosystem, that have
    /// learned ids. The exchange asks where a publisher of one of these owners has not learned any yet and is for a
    /// prefix, or for a package that a prefix may cover: it requires the ids of the owner's other publishers.
    ///
    /// `async fn learned(&self, identities: &[Identity], owners: &[PackageOwner], ecosystem: &str) -> Result<Vec<PublisherRecord>, StoreError>`
    ///
    /// Returns at most [`MAX_CANDIDATES`](super::MAX_CANDIDATES). The cost must not grow with the publishers of
    /// other accounts, and these must not displace any. The default finds them among the
    /// [candidates](Self::candidates) of all packages, which strangers may displace.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn learned(
        &self,
        identities: &[Identity],
        owners: &[PackageOwner],
        ecosystem: &str,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let mut found = self.candidates(identities, ecosystem, None).await?.into_all();
        found.retain(|record| !record.learned.is_empty() && owners.contains(&record.owner()));
        Ok(found)
    }

    /// Returns the publishers of an issuer that have learned this immutable id or were configured with it, in
    /// this ecosystem, of one package or of all packages. The exchange asks where no publisher has the
    /// token's identity, to find one whose repository was renamed. `id` is among their
    /// [`texts`](PublisherRecord::texts). By default none, and then a renamed
    /// repository is unknown.
    ///
    /// `async fn of_immutable_id(&self, issuer: &str, id: &ImmutableId, ecosystem: &str, package: Option<&str>) -> Result<Vec<PublisherRecord>, StoreError>`
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
    /// takes no new package from its new owner. By default `false`, and then the account's pending publishers come after older ones
    /// of other accounts.
    ///
    /// `async fn is_proven(&self, account: &str, identity: &Identity, id: &ImmutableId) -> Result<bool, StoreError>`
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
    /// exchange asks after it has refused an unknown caller, to name them to the registry's operator. By default
    /// none.
    ///
    /// `async fn of_package(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError>`
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
    /// the registry's operator. By default none.
    ///
    /// `async fn of_ecosystem(&self, ecosystem: &str) -> Result<Vec<PublisherRecord>, StoreError>`
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
    /// `async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError>`
    ///
    /// 1. One use of [`Grant::replay_key`] is counted, unless there were [`Grant::max_uses`] already, or a
    ///    record as old was purged. Of concurrent grants with one replay key, no more are granted, in all
    ///    processes together.
    /// 2. A publisher is left out if it is gone, if its package neither is nor [covers](Package::covers) the
    ///    grant's, or if another value was learned meanwhile for an id that it would learn here, by itself or by
    ///    others of its package ([`PublisherRecord::may_learn`]): learned ids are compared and set, one grant after
    ///    the other. An account that configures and removes publishers for somebody else's repository must not
    ///    make that repository's exchange fail.
    /// 3. Of the other publishers, the [`learned`](PublisherRecord::learned) ids are stored;
    ///    [`lapses`](PublisherRecord::lapses) becomes `false` where an id was learned;
    ///    [`exchanged_at`](PublisherRecord::exchanged_at) becomes [`Grant::created_at`] where the publisher
    ///    is [`proven`](PublisherRecord::proven). A store may leave this out while another transaction notes a use
    ///    of the same publisher.
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
/// configured again, also with the same id. The identity token stays used as well.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// Returns the token of this hash, with the packages, platform, issuer and run that it was granted for,
    /// unless it has expired at `now`. [`GrantedPackage::may_create`](super::GrantedPackage::may_create)
    /// tells whether the publisher is pending now. Packages whose publisher was removed are left out, and a
    /// token without packages is not found.
    ///
    /// `async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError>;

    /// Revokes a token. The result does not tell whether it existed.
    ///
    /// `async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError>`
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError>;

    /// Purges at most `limit` tokens and `limit` replay records that have expired at `now`. A record has expired from
    /// its last second on. Returns the number of records that were purged; the record of a token that ended before it
    /// expired may have been removed by then.
    ///
    /// `async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>`
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

    /// Returns the pause of a purge after a batch that took so long. By default it is 150 times as long: where exchanges wait for a
    /// batch, fewer than one in a hundred does. A store in which they don't wait may pause less.
    fn purge_pause(&self, batch: Duration) -> Duration {
        batch.saturating_mul(150)
    }
}
