//! The traits of stores.

use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use oidc_core::{Identity, ImmutableId, Timestamp};

use super::MemoryStore;
use crate::server::{
    Candidates, EndedBefore, Grant, MAX_CANDIDATES, MAX_LATEST, MAX_OF_ID, MAX_OF_PACKAGE, Package,
    PackageOwner, PublisherRecord, PublisherStore, Redeemed, Room, StoreError, Stored, TokenHash,
    TokenRecord, TokenStore, TrustStore,
};

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl PublisherStore for MemoryStore {
    async fn of_immutable_id(
        &self,
        issuer: &str,
        id: &ImmutableId,
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let matches = |record: &&PublisherRecord| {
            record.identity.issuer == issuer
                && record.package.ecosystem == ecosystem
                && is_of(record, package)
                && record.texts().get(id.claim) == Some(&id.value)
        };
        let mut found: Vec<_> = self.lock().publishers.iter().filter(matches).cloned().collect();
        // The records are stored in the order of their age, which a stable sort keeps.
        found.sort_by_key(PublisherRecord::rank);
        found.truncate(MAX_OF_ID);
        Ok(found)
    }

    async fn is_proven(
        &self,
        account: &str,
        identity: &Identity,
        id: &ImmutableId,
    ) -> Result<bool, StoreError> {
        let is_proof = |record: &PublisherRecord| {
            record.proven
                && record.account.as_deref() == Some(account)
                && record.identity == *identity
                && record.texts().get(id.claim).is_none_or(|value| *value == id.value)
        };
        Ok(self.lock().publishers.iter().any(is_proof))
    }

    async fn of_package(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        let mut found = TrustStore::list(self, package).await?;
        found.truncate(MAX_OF_PACKAGE);
        Ok(found)
    }

    async fn of_ecosystem(&self, ecosystem: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        let is_of = |record: &&PublisherRecord| record.package.ecosystem == ecosystem;
        // The records are stored in the order of their age.
        Ok(self.lock().publishers.iter().rev().filter(is_of).take(MAX_LATEST).cloned().collect())
    }

    async fn candidates(
        &self,
        identities: &[Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Candidates, StoreError> {
        let matches = |record: &&PublisherRecord| {
            identities.contains(&record.identity)
                && record.package.ecosystem == ecosystem
                && is_of(record, package)
        };
        let state = self.lock();
        let proven: HashSet<_> =
            state.publishers.iter().filter(|record| record.proven).map(account_and_identity).collect();
        let is_known = |record: &PublisherRecord| proven.contains(&account_and_identity(record));
        Ok(Candidates::choose(state.publishers.iter().filter(matches), package, is_known))
    }

    async fn of_prefixes(
        &self,
        identities: &[Identity],
        owners: &[PackageOwner],
        prefixes: &[Package],
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let matches = |record: &&PublisherRecord| {
            identities.contains(&record.identity)
                && owners.contains(&record.owner())
                && prefixes.contains(&record.package)
        };
        Ok(self.lock().publishers.iter().filter(matches).take(MAX_CANDIDATES).cloned().collect())
    }

    async fn learned(
        &self,
        identities: &[Identity],
        owners: &[PackageOwner],
        ecosystem: &str,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let matches = |record: &&PublisherRecord| {
            !record.learned.is_empty()
                && identities.contains(&record.identity)
                && owners.contains(&record.owner())
                && record.package.ecosystem == ecosystem
        };
        Ok(self.lock().publishers.iter().filter(matches).take(MAX_CANDIDATES).cloned().collect())
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        // Whoever has a used token may send it again and again, whoever has taken up a share may send more tokens, and
        // a change begins with a copy of all records.
        let refused = self.lock().foreseen(grant)?;
        match refused {
            Some(refused) => Ok(refused),
            None => self.write(|state| state.redeem(grant)).await,
        }
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenStore for MemoryStore {
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        Ok(self.lock().find(token, now))
    }

    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError> {
        // Anybody may revoke what is no token, and a change begins with a copy of all records. The text of a token that
        // is being stored is known to nobody yet.
        if !self.lock().tokens.contains_key(token.as_bytes()) {
            return Ok(());
        }
        self.write(|state| {
            state.tokens.remove(token.as_bytes());
            Ok(())
        })
        .await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(|state| Ok(state.purge(now, number(limit)))).await
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TrustStore for MemoryStore {
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        let of_package = |record: &&PublisherRecord| record.package == *package;
        Ok(self.lock().publishers.iter().filter(of_package).cloned().collect())
    }

    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        let of_origin = |record: &&PublisherRecord| record.origin == origin;
        Ok(self.lock().publishers.iter().filter(of_origin).cloned().collect())
    }

    async fn of_account(&self, account: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        let of_account = |record: &&PublisherRecord| record.account.as_deref() == Some(account);
        Ok(self.lock().publishers.iter().filter(of_account).cloned().collect())
    }

    async fn live_tokens(
        &self,
        package: &Package,
        now: Timestamp,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let state = self.lock();
        let mut counts = BTreeMap::new();
        let of_package = |record: &&PublisherRecord| record.package == *package;
        for record in state.publishers.iter().filter(of_package) {
            let is_granted = |token: &&TokenRecord| {
                token.expires_at > now && token.packages.iter().any(|granted| granted.publisher == record.id)
            };
            let count = state.tokens.values().filter(is_granted).count() as u64;
            if count > 0 && (record.account.is_none() || record.proven) {
                counts.insert(record.id.clone(), count);
            }
        }
        Ok(counts)
    }

    async fn purge_publishers(&self, ended: EndedBefore, limit: u32) -> Result<u64, StoreError> {
        self.write(|state| Ok(state.purge_publishers(ended, number(limit)))).await
    }

    async fn add(&self, publisher: &PublisherRecord, room: &Room) -> Result<Stored, StoreError> {
        self.write(|state| state.add_within(publisher, room)).await
    }

    async fn replace(
        &self,
        old: &PublisherRecord,
        publisher: &PublisherRecord,
        room: &Room,
    ) -> Result<Stored, StoreError> {
        self.write(|state| state.replace(old, publisher, room)).await
    }

    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError> {
        self.write(|state| Ok(state.remove(package, id))).await
    }

    async fn published(&self, package: &Package, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.write(|state| Ok(state.published(package, by, now))).await
    }

    async fn package_created_by(
        &self,
        package: &Package,
        by: &str,
    ) -> Result<Option<PackageOwner>, StoreError> {
        self.write(|state| Ok(state.package_created_by(package, by))).await
    }

    async fn package_created(&self, package: &Package) -> Result<(), StoreError> {
        self.write(|state| {
            state.remove_pending(package);
            Ok(())
        })
        .await
    }

    async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), StoreError> {
        self.write(|state| state.package_renamed(package, name)).await
    }

    async fn package_transferred(
        &self,
        package: &Package,
        owner: &PackageOwner,
        kept: &[&str],
    ) -> Result<(), StoreError> {
        self.write(|state| {
            let taken = state.take(package);
            for record in taken.into_iter().filter_map(|record| record.transferred(owner, kept)) {
                state.add(&record)?;
            }
            Ok(())
        })
        .await
    }
}

/// Returns `true` if a publisher is for the package of this name, or if no name is given.
fn is_of(record: &PublisherRecord, name: Option<&str>) -> bool {
    name.is_none_or(|name| record.package.name == name && !record.package.is_prefix())
}

fn account_and_identity(record: &PublisherRecord) -> (Option<&str>, &Identity) {
    (record.account.as_deref(), &record.identity)
}

fn number(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
