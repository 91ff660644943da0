use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use oidc_core::{Identity, Pin, Timestamp};

use crate::server::{
    EndedBefore, Grant, GrantedBy, GrantedPackage, MAX_CANDIDATES, MAX_LATEST, MAX_OF_ID, MAX_UNPROVEN,
    Package, PublisherLimit, PublisherRecord, PublisherStore, Redeemed, Room, StoreError, Stored, TokenHash,
    TokenRecord, TokenStore, TrustStore,
};

/// All three stores in memory. Clones share what is stored.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    publishers: Vec<PublisherRecord>,
    replay: HashMap<[u8; 32], (u32, Timestamp)>,
    /// Up to when uses were forgotten.
    purged_until: Timestamp,
    tokens: HashMap<TokenHash, TokenRecord>,
}

impl MemoryStore {
    /// How many publish tokens and how many replay records there are.
    pub fn records(&self) -> (usize, usize) {
        let state = self.lock();
        (state.tokens.len(), state.replay.len())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PublisherStore for MemoryStore {
    async fn of_immutable_id(
        &self,
        issuer: &str,
        id: &Pin,
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let matches = |record: &&PublisherRecord| {
            record.identity.issuer == issuer
                && record.package.ecosystem == ecosystem
                && package.is_none_or(|name| record.package.name == name)
                && record.texts().get(id.claim) == Some(&id.value)
        };
        let mut found: Vec<_> = self.lock().publishers.iter().filter(matches).cloned().collect();
        // Stored in the order of their age, which a stable sort keeps.
        found.sort_by_key(PublisherRecord::rank);
        found.truncate(MAX_OF_ID);
        Ok(found)
    }

    async fn of_package(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        TrustStore::list(self, package).await
    }

    async fn of_ecosystem(&self, ecosystem: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        let mut records: Vec<_> = self.lock().publishers.clone();
        records.retain(|record| record.package.ecosystem == ecosystem);
        records.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
        records.truncate(MAX_LATEST);
        Ok(records)
    }

    async fn candidates(
        &self,
        identities: &[Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        let matches = |record: &&PublisherRecord| {
            identities.contains(&record.identity)
                && record.package.ecosystem == ecosystem
                && package.is_none_or(|name| record.package.name == name)
        };
        let state = self.lock();
        let matching = state.publishers.iter().filter(matches);
        let mut found = match package {
            Some(_) => shared_out(matching, |record| record.identity.clone(), MAX_CANDIDATES),
            None => {
                let (known, unproven): (Vec<_>, Vec<_>) = matching.partition(|record| state.is_known(record));
                let account = |record: &PublisherRecord| (record.account.clone(), record.identity.clone());
                let mut found = shared_out(known, account, MAX_CANDIDATES);
                found.extend(shared_out(unproven, |record| (account(record), record.pending), MAX_UNPROVEN));
                found
            }
        };
        found.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Ok(found)
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        let mut state = self.lock();
        let uses = state.replay.get(grant.replay_key()).map_or(0, |(uses, _)| *uses);
        if uses >= grant.max_uses() || grant.remember_until() <= state.purged_until {
            return Ok(Redeemed::AlreadyUsed);
        }
        let (mut learned, mut left_out) = (Vec::new(), Vec::new());
        for granted in grant.packages() {
            match state.learning(granted) {
                Some((index, ids)) => learned.push((index, ids, granted)),
                None => left_out.push(granted.publisher.clone()),
            }
        }
        if learned.is_empty() {
            return Ok(Redeemed::Superseded);
        }
        let mut packages = Vec::new();
        for (index, ids, granted) in learned {
            if let Some(record) = state.publishers.get_mut(index) {
                record.lapses &= ids.is_empty();
                record.learned = ids;
                if record.proven {
                    record.exchanged_at = Some(grant.created_at());
                }
            }
            packages.push(GrantedPackage::new(granted.package.clone(), granted.publisher.clone(), false));
        }
        state.replay.insert(*grant.replay_key(), (uses + 1, grant.remember_until()));
        let record = TokenRecord::new(
            packages,
            grant.expires_at(),
            grant.provider().to_owned(),
            grant.issuer().to_owned(),
            grant.run().clone(),
        );
        if let Some(token) = grant.token() {
            state.tokens.insert(*token, record);
        }
        Ok(if left_out.is_empty() { Redeemed::Granted } else { Redeemed::Partly(left_out) })
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        let state = self.lock();
        let Some(record) = state.tokens.get(token).filter(|record| record.expires_at > now) else {
            return Ok(None);
        };
        let mut record = record.clone();
        for granted in &mut record.packages {
            granted.may_create = state
                .publishers
                .iter()
                .any(|publisher| publisher.id == granted.publisher && publisher.pending);
        }
        Ok(Some(record))
    }

    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError> {
        self.lock().tokens.remove(token);
        Ok(())
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let before = state.tokens.len() + state.replay.len();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let over = state.tokens.iter().filter(|(_, record)| record.expires_at <= now);
        let over: Vec<_> = over.map(|(hash, _)| *hash).take(limit).collect();
        state.tokens.retain(|hash, _| !over.contains(hash));
        let over = state.replay.iter().filter(|(_, (_, until))| *until <= now);
        let over: Vec<_> = over.map(|(key, (_, until))| (*key, *until)).take(limit).collect();
        state.purged_until =
            over.iter().map(|(_, until)| *until).chain([state.purged_until]).max().unwrap_or_default();
        state.replay.retain(|key, _| !over.iter().any(|(forgotten, _)| forgotten == key));
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
        let mut state = self.lock();
        let is_over = |record: &&PublisherRecord| record.account.is_some() && ended.is_over(record);
        let over = state.publishers.iter().filter(is_over).take(usize::try_from(limit).unwrap_or(usize::MAX));
        let over: Vec<_> = over.map(|record| (record.package.clone(), record.id.clone())).collect();
        for (package, id) in &over {
            state.remove(package, id);
        }
        Ok(over.len() as u64)
    }

    async fn add(&self, publisher: &PublisherRecord, room: &Room) -> Result<Stored, StoreError> {
        let mut state = self.lock();
        let is_new = !state.publishers.iter().any(|record| record.is_like(publisher));
        match state.reached(publisher, room) {
            Some(limit) if is_new => Ok(Stored::TooMany(limit)),
            _ => state.add(publisher),
        }
    }

    async fn replace(
        &self,
        old: &PublisherRecord,
        publisher: &PublisherRecord,
    ) -> Result<Stored, StoreError> {
        let mut state = self.lock();
        if !state.publishers.iter().any(|record| record.is_still(old)) {
            return Ok(Stored::Missing);
        }
        if state.publishers.iter().any(|record| record.id != old.id && record.is_like(publisher)) {
            return Ok(Stored::Exists);
        }
        state.remove(&old.package, &old.id);
        state.add(publisher)
    }

    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError> {
        Ok(self.lock().remove(package, id))
    }

    async fn published(&self, package: &Package, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let is_it = |record: &&mut PublisherRecord| record.id == by && record.package == *package;
        let Some(record) = state.publishers.iter_mut().find(is_it) else { return Ok(false) };
        record.proven = true;
        record.published_at = Some(now);
        Ok(true)
    }

    async fn package_created(&self, package: &Package, by: Option<&str>) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let pending = state.publishers.iter().filter(|record| record.pending && record.package == *package);
        let pending: Vec<String> = pending.map(|record| record.id.clone()).collect();
        if by.is_some_and(|by| !pending.iter().any(|id| id == by)) {
            return Ok(false);
        }
        for id in pending.iter().filter(|id| by != Some(id.as_str())) {
            state.remove(package, id);
        }
        for record in state.publishers.iter_mut().filter(|record| by == Some(record.id.as_str())) {
            record.pending = false;
        }
        Ok(true)
    }

    async fn package_removed(&self, package: &Package) -> Result<(), StoreError> {
        self.lock().take(package);
        Ok(())
    }

    async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), StoreError> {
        let mut state = self.lock();
        let taken = state.take(package);
        let renamed = Package::new(&*package.ecosystem, name);
        state.take(&renamed);
        for record in taken.into_iter().filter(|record| !record.pending) {
            state.add(&PublisherRecord { package: renamed.clone(), ..record })?;
        }
        Ok(())
    }

    async fn package_transferred(
        &self,
        package: &Package,
        account: Option<&str>,
        kept: &[&str],
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        let taken = state.take(package);
        for record in taken.into_iter().filter_map(|record| record.transferred(account, kept)) {
            state.add(&record)?;
        }
        Ok(())
    }
}

/// The first of each group, then the second of each, and so on, of equal ones regular publishers first. `records` come in the
/// order of their age.
fn shared_out<'a, K: Hash + Eq>(
    records: impl IntoIterator<Item = &'a PublisherRecord>,
    group: impl Fn(&PublisherRecord) -> K,
    limit: usize,
) -> Vec<PublisherRecord> {
    let mut records: Vec<&PublisherRecord> = records.into_iter().collect();
    records.sort_by_key(|record| record.pending);
    let mut turns: HashMap<K, usize> = HashMap::new();
    let turn = |record: &'a PublisherRecord| {
        let turn = turns.entry(group(record)).or_default();
        *turn += 1;
        (*turn, record)
    };
    let mut found: Vec<_> = records.into_iter().map(turn).collect();
    found.sort_by_key(|(turn, _)| *turn);
    found.into_iter().take(limit).map(|(_, record)| record.clone()).collect()
}

impl State {
    /// Whether a publisher's account is the operator or publishes by the identity.
    fn is_known(&self, record: &PublisherRecord) -> bool {
        let is_proof = |other: &PublisherRecord| {
            other.proven && other.account == record.account && other.identity == record.identity
        };
        record.account.is_none() || self.publishers.iter().any(is_proof)
    }

    /// The place of a grant's publisher and what it will have learned; `None` where it is gone or has learned another id.
    fn learning(&self, granted: &GrantedBy) -> Option<(usize, BTreeMap<String, String>)> {
        let is_it =
            |record: &PublisherRecord| record.id == granted.publisher && record.package == granted.package;
        let index = self.publishers.iter().position(is_it)?;
        let mut ids = self.publishers.get(index)?.learned.clone();
        for pin in &granted.learned {
            if ids.entry(pin.claim.to_owned()).or_insert_with(|| pin.value.clone()) != &pin.value {
                return None;
            }
        }
        Some((index, ids))
    }

    /// The limit that keeps a publisher from being stored.
    fn reached(&self, publisher: &PublisherRecord, room: &Room) -> Option<PublisherLimit> {
        let counts =
            |record: &&PublisherRecord| record.account == publisher.account && !room.ended.is_over(record);
        let of_account: Vec<_> = self.publishers.iter().filter(counts).collect();
        let of_package =
            of_account.iter().filter(|record| record.package == publisher.package).count() as u64;
        let pending = of_account.iter().filter(|record| record.pending).count() as u64;
        room.reached(publisher, of_package, of_account.len() as u64, pending)
    }

    fn add(&mut self, publisher: &PublisherRecord) -> Result<Stored, StoreError> {
        if self.publishers.iter().any(|record| record.is_like(publisher)) {
            return Ok(Stored::Exists);
        }
        if self.publishers.iter().any(|record| record.id == publisher.id) {
            return Err(StoreError::new("there is a publisher of this id"));
        }
        self.publishers.push(publisher.clone());
        self.publishers.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Ok(Stored::Done)
    }

    /// Removes a package's publishers, and ends their tokens.
    fn take(&mut self, package: &Package) -> Vec<PublisherRecord> {
        let is_of = |record: &&PublisherRecord| record.package == *package;
        let taken: Vec<_> = self.publishers.iter().filter(is_of).cloned().collect();
        for record in &taken {
            self.remove(package, &record.id);
        }
        taken
    }

    fn remove(&mut self, package: &Package, id: &str) -> bool {
        let before = self.publishers.len();
        self.publishers.retain(|record| record.id != id || record.package != *package);
        let is_removed = self.publishers.len() < before;
        if is_removed {
            for token in self.tokens.values_mut() {
                token.packages.retain(|granted| granted.publisher != id);
            }
            self.tokens.retain(|_, token| !token.packages.is_empty());
        }
        is_removed
    }
}
