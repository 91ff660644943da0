//! The traits of stores: each call reads the rows that it needs, and lets the store in memory decide on them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use oidc_core::{Identity, ImmutableId, Timestamp};

use super::RowStore;
use super::loaded::Loaded;
use super::need::Need;
use super::row;
use crate::server::{
    Candidates, EndedBefore, Grant, MAX_LATEST, Package, PackageOwner, PublisherRecord, PublisherStore,
    Redeemed, Room, StoreError, Stored, TokenHash, TokenRecord, TokenStore, TrustStore,
};

/// The number of times that a change is tried while others are in its way.
const TRIES: u32 = 16;

/// Reads the rows, and returns what the call finds in them.
macro_rules! read {
    ($self:ident, $need:expr, $store:ident => $call:expr) => {{
        let ($store, _) = Loaded::of(&*$self.0, &$need).await?;
        $call.await
    }};
}

/// Reads the rows, and stores what the call changes.
macro_rules! write {
    ($self:ident, $need:expr, $store:ident => $call:expr) => {{
        let need = $need;
        for _ in 0..TRIES {
            let ($store, changes) = Loaded::of(&*$self.0, &need).await?;
            let outcome = $call.await?;
            if changes.commit(&$store).await? {
                return Ok(outcome);
            }
        }
        Err(StoreError::new("other transactions were in the way each time that a change was tried"))
    }};
}

fn identities_of(identities: &[Identity]) -> Need {
    Need::publishers(identities.iter().map(row::of_identity))
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl PublisherStore for RowStore {
    async fn candidates(
        &self,
        identities: &[Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Candidates, StoreError> {
        read!(self, identities_of(identities), store => store.candidates(identities, ecosystem, package))
    }

    async fn of_prefixes(
        &self,
        identities: &[Identity],
        owners: &[PackageOwner],
        prefixes: &[Package],
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        read!(self, identities_of(identities), store => store.of_prefixes(identities, owners, prefixes))
    }

    async fn learned(
        &self,
        identities: &[Identity],
        owners: &[PackageOwner],
        ecosystem: &str,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        read!(self, identities_of(identities), store => store.learned(identities, owners, ecosystem))
    }

    async fn of_immutable_id(
        &self,
        issuer: &str,
        id: &ImmutableId,
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let need = Need::publishers([row::of_text(issuer, id.claim, &id.value)]);
        read!(self, need, store => store.of_immutable_id(issuer, id, ecosystem, package))
    }

    async fn is_proven(
        &self,
        account: &str,
        identity: &Identity,
        id: &ImmutableId,
    ) -> Result<bool, StoreError> {
        let need = Need::publishers([row::of_identity(identity)]);
        read!(self, need, store => store.is_proven(account, identity, id))
    }

    async fn of_package(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        read!(self, Need::publishers([row::of_package(package)]), store => store.of_package(package))
    }

    async fn of_ecosystem(&self, ecosystem: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        let latest = Some((row::of_ecosystem(ecosystem), MAX_LATEST));
        read!(self, Need { latest, ..Need::default() }, store => store.of_ecosystem(ecosystem))
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        let publishers = grant.packages().iter().map(|granted| row::of_id(&granted.publisher));
        let learning = grant.packages().iter().filter(|granted| !granted.learned.is_empty());
        let beside = learning.map(|granted| row::of_package(&granted.package));
        let need = Need { uses: Some(*grant.replay_key()), ..Need::publishers(publishers.chain(beside)) };
        write!(self, need, store => store.redeem(grant))
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenStore for RowStore {
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        read!(self, Need { token: Some(*token), ..Need::default() }, store => store.find(token, now))
    }

    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError> {
        write!(self, Need { token: Some(*token), ..Need::default() }, store => store.revoke(token))
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let need = Need { expired: Some((now, most)), ..Need::default() };
        write!(self, need, store => store.purge(now, limit))
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TrustStore for RowStore {
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        read!(self, Need::publishers([row::of_package(package)]), store => store.list(package))
    }

    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        read!(self, Need::publishers([row::of_origin(origin)]), store => store.of_origin(origin))
    }

    async fn of_account(&self, account: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        read!(self, Need::publishers([row::of_account(account)]), store => store.of_account(account))
    }

    async fn live_tokens(
        &self,
        package: &Package,
        now: Timestamp,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let need = Need::publishers([row::of_package(package)]).with_tokens();
        read!(self, need, store => store.live_tokens(package, now))
    }

    async fn add(&self, publisher: &PublisherRecord, room: &Room) -> Result<Stored, StoreError> {
        write!(self, added(publisher), store => store.add(publisher, room))
    }

    async fn purge_publishers(&self, ended: EndedBefore, limit: u32) -> Result<u64, StoreError> {
        let need = Need { ended: Some(ended.lapsing.max(ended.pending)), ..Need::default() };
        write!(self, need.with_tokens(), store => store.purge_publishers(ended, limit))
    }

    async fn replace(
        &self,
        old: &PublisherRecord,
        publisher: &PublisherRecord,
        room: &Room,
    ) -> Result<Stored, StoreError> {
        let mut need = added(publisher).with_tokens();
        need.publishers.extend([row::of_id(&old.id), row::of_package(&old.package)]);
        write!(self, need, store => store.replace(old, publisher, room))
    }

    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError> {
        let need = Need::publishers([row::of_id(id)]).with_tokens();
        write!(self, need, store => store.remove(package, id))
    }

    async fn published(&self, package: &Package, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        write!(self, Need::publishers([row::of_id(by)]), store => store.published(package, by, now))
    }

    async fn package_created_by(
        &self,
        package: &Package,
        by: &str,
    ) -> Result<Option<PackageOwner>, StoreError> {
        write!(self, Need::packages(&[package]), store => store.package_created_by(package, by))
    }

    async fn package_created(&self, package: &Package) -> Result<(), StoreError> {
        write!(self, Need::packages(&[package]), store => store.package_created(package))
    }

    async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), StoreError> {
        let renamed = Package::new(&*package.ecosystem, name);
        let need = Need::packages(&[package, &renamed]);
        write!(self, need, store => store.package_renamed(package, name))
    }

    async fn package_transferred(
        &self,
        package: &Package,
        owner: &PackageOwner,
        kept: &[&str],
    ) -> Result<(), StoreError> {
        let need = Need::packages(&[package]);
        write!(self, need, store => store.package_transferred(package, owner, kept))
    }
}

/// The rows that decide on a publisher that is added: those of its package and of its account, and of its id.
fn added(publisher: &PublisherRecord) -> Need {
    let account = publisher.account.as_deref().map(row::of_account);
    let marks = [row::of_package(&publisher.package), row::of_id(&publisher.id)];
    Need::publishers(marks.into_iter().chain(account))
}
