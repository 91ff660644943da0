//! The answers of a store that works: an error of the store ends the suite.

use std::collections::BTreeMap;

use oidc_core::{Identity, ImmutableId, Timestamp};

use crate::server::{
    Grant, Package, PackageOwner, PublisherRecord, PublisherStore, Redeemed, Room, Stored, TokenStore,
    TrustStore,
};

pub(super) async fn redeemed<S: PublisherStore>(store: &S, grant: &Grant) -> Redeemed {
    store.redeem(grant).await.expect("the store redeems a grant")
}

pub(super) async fn candidates<S: PublisherStore>(
    store: &S,
    identities: &[Identity],
    ecosystem: &str,
    package: Option<&str>,
) -> Vec<PublisherRecord> {
    let found = store.candidates(identities, ecosystem, package).await;
    found.expect("the store finds an identity's publishers").into_all()
}

pub(super) async fn of_id<S: PublisherStore>(
    store: &S,
    id: &ImmutableId,
    ecosystem: &str,
    package: Option<&str>,
) -> Vec<PublisherRecord> {
    let found = store.of_immutable_id("https://issuer.example", id, ecosystem, package).await;
    found.expect("the store finds publishers by an immutable id")
}

pub(super) async fn of_prefixes<S: PublisherStore>(
    store: &S,
    identities: &[Identity],
    owners: &[PackageOwner],
    prefixes: &[Package],
) -> Vec<PublisherRecord> {
    let found = store.of_prefixes(identities, owners, prefixes).await;
    found.expect("the store finds publishers for prefixes")
}

pub(super) async fn covering<S: TrustStore>(
    store: &S,
    package: &Package,
    owners: &[PackageOwner],
) -> Vec<PublisherRecord> {
    let found = store.covering(package, owners).await;
    found.expect("the store finds the publishers for prefixes that cover a package")
}

pub(super) async fn listed<S: TrustStore>(store: &S, package: &Package) -> Vec<PublisherRecord> {
    store.list(package).await.expect("the store lists a package's publishers")
}

/// The ids of a package's publishers, oldest first.
pub(super) async fn listed_ids<S: TrustStore>(store: &S, package: &Package) -> Vec<String> {
    listed(store, package).await.into_iter().map(|record| record.id).collect()
}

pub(super) async fn added<S: TrustStore>(store: &S, publisher: &PublisherRecord, room: &Room) -> Stored {
    store.add(publisher, room).await.expect("the store takes a publisher")
}

pub(super) async fn replaced<S: TrustStore>(
    store: &S,
    old: &PublisherRecord,
    new: &PublisherRecord,
) -> Stored {
    store.replace(old, new, &Room::default()).await.expect("the store replaces a publisher")
}

pub(super) async fn removed<S: TrustStore>(store: &S, package: &Package, id: &str) -> bool {
    store.remove(package, id).await.expect("the store removes a publisher")
}

pub(super) async fn published<S: TrustStore>(store: &S, package: &Package, by: &str, now: Timestamp) -> bool {
    store.published(package, by, now).await.expect("the store takes note of a publish")
}

pub(super) async fn created_by<S: TrustStore>(
    store: &S,
    package: &Package,
    by: &str,
) -> Option<PackageOwner> {
    store.package_created_by(package, by).await.expect("the store takes note of a new package")
}

pub(super) async fn created<S: TrustStore>(store: &S, package: &Package) {
    store.package_created(package).await.expect("the store takes note of a new package");
}

pub(super) async fn package_removed<S: TrustStore>(store: &S, package: &Package) {
    store.package_removed(package).await.expect("the store takes note of a removed package");
}

pub(super) async fn package_renamed<S: TrustStore>(store: &S, package: &Package, name: &str) {
    store.package_renamed(package, name).await.expect("the store takes note of a renamed package");
}

pub(super) async fn package_transferred<S: TrustStore>(
    store: &S,
    package: &Package,
    owner: &PackageOwner,
    kept: &[&str],
) {
    let transferred = store.package_transferred(package, owner, kept).await;
    transferred.expect("the store takes note of a transferred package");
}

pub(super) async fn live_tokens<S: TrustStore>(
    store: &S,
    package: &Package,
    now: Timestamp,
) -> BTreeMap<String, u64> {
    store.live_tokens(package, now).await.expect("the store counts live tokens")
}

pub(super) async fn purged<S: TokenStore>(store: &S, now: Timestamp, limit: u32) -> u64 {
    store.purge(now, limit).await.expect("the store forgets what is over")
}
