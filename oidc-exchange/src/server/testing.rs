//! The stores in memory, for tests. Exempt from semver.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use oidc_core::{Identity, Timestamp};

use super::grant::Grant;
use super::mint::TokenHash;
use super::store::{
    GrantedPackage, Package, PublisherRecord, PublisherStore, Redeemed, StoreError, TokenRecord, TokenStore,
    TrustStore,
};

/// All three stores in memory. Clones share what is stored.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    publishers: Vec<PublisherRecord>,
    replay: HashMap<[u8; 32], (u32, Timestamp)>,
    tokens: HashMap<TokenHash, TokenRecord>,
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PublisherStore for MemoryStore {
    async fn candidates(
        &self,
        identity: &Identity,
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let matches = |record: &&PublisherRecord| {
            record.identity == *identity
                && record.package.ecosystem == ecosystem
                && package.is_none_or(|name| record.package.name == name)
        };
        Ok(self.lock().publishers.iter().filter(matches).cloned().collect())
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        let mut state = self.lock();
        let uses = state.replay.get(grant.replay_key()).map_or(0, |(uses, _)| *uses);
        if uses >= grant.max_uses() {
            return Ok(Redeemed::AlreadyUsed);
        }
        let mut learned: Vec<(usize, BTreeMap<String, String>)> = Vec::new();
        for granted in grant.packages() {
            let position = state.publishers.iter().position(|record| record.id == granted.publisher);
            let Some((index, record)) =
                position.and_then(|index| Some((index, state.publishers.get(index)?)))
            else {
                return Ok(Redeemed::Superseded);
            };
            let mut ids = record.learned.clone();
            for pin in &granted.learned {
                if ids.entry(pin.claim.to_owned()).or_insert_with(|| pin.value.clone()) != &pin.value {
                    return Ok(Redeemed::Superseded);
                }
            }
            learned.push((index, ids));
        }
        for (index, ids) in learned {
            if let Some(record) = state.publishers.get_mut(index) {
                record.learned = ids;
            }
        }
        state.replay.insert(*grant.replay_key(), (uses + 1, grant.remember_until()));
        let packages = grant.packages().iter().map(|granted| {
            GrantedPackage::new(granted.package.clone(), granted.publisher.clone(), granted.may_create)
        });
        let record = TokenRecord::new(
            packages.collect(),
            grant.expires_at(),
            grant.provider().to_owned(),
            grant.issuer().to_owned(),
            grant.run().clone(),
        );
        state.tokens.insert(*grant.token(), record);
        Ok(Redeemed::Granted)
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        let state = self.lock();
        Ok(state.tokens.get(token).filter(|record| record.expires_at > now).cloned())
    }

    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError> {
        self.lock().tokens.remove(token);
        Ok(())
    }

    async fn purge(&self, now: Timestamp, _limit: u32) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let before = state.tokens.len() + state.replay.len();
        state.tokens.retain(|_, record| record.expires_at > now);
        state.replay.retain(|_, (_, until)| *until > now);
        Ok((before - state.tokens.len() - state.replay.len()) as u64)
    }
}

#[async_trait]
impl TrustStore for MemoryStore {
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        let of_package = |record: &&PublisherRecord| record.package == *package;
        Ok(self.lock().publishers.iter().filter(of_package).cloned().collect())
    }

    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        let of_origin = |record: &&PublisherRecord| record.origin == origin;
        Ok(self.lock().publishers.iter().filter(of_origin).cloned().collect())
    }

    async fn add(&self, publisher: &PublisherRecord) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.publishers.iter().any(|record| record.id == publisher.id) {
            return Err(StoreError::new("there is a publisher of this id"));
        }
        state.publishers.push(publisher.clone());
        Ok(())
    }

    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let before = state.publishers.len();
        state.publishers.retain(|record| record.id != id || record.package != *package);
        for token in state.tokens.values_mut() {
            token.packages.retain(|granted| granted.publisher != id);
        }
        state.tokens.retain(|_, token| !token.packages.is_empty());
        Ok(state.publishers.len() < before)
    }
}
