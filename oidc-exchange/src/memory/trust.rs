//! Storing, replacing and removing publishers.

use std::collections::BTreeMap;

use async_trait::async_trait;
use oidc_core::Timestamp;

use super::limits::Full;
use super::{MemoryStore, State};
use crate::server::{
    EndedBefore, GrantedBy, GrantedPackage, Package, PublisherLimit, PublisherRecord, Room, StoreError,
    Stored, Taken, TokenRecord, TrustStore,
};

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
        // An equal publisher is reported as such, even where there is no room for another.
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
        let is_it = |record: &&mut PublisherRecord| record.id == by && is_for(record, package);
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
        if package.is_prefix() {
            return Ok(());
        }
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

impl State {
    /// The position of a grant's publisher, with the ids that it will have learned; `None` where it is gone
    /// or has learned another id.
    pub(super) fn learning(&self, granted: &GrantedBy) -> Option<(usize, BTreeMap<String, String>)> {
        let is_it =
            |record: &PublisherRecord| record.id == granted.publisher && is_for(record, &granted.package);
        let index = self.publishers.iter().position(is_it)?;
        let mut ids = self.publishers.get(index)?.learned.clone();
        for pin in &granted.learned {
            if ids.entry(pin.claim.to_owned()).or_insert_with(|| pin.value.clone()) != &pin.value {
                return None;
            }
        }
        Some((index, ids))
    }

    /// The limit that prevents a publisher from being stored.
    fn reached(&self, publisher: &PublisherRecord, room: &Room) -> Option<PublisherLimit> {
        let counts =
            |record: &&PublisherRecord| record.account == publisher.account && !room.ended.is_over(record);
        let mut taken = Taken::default();
        for record in self.publishers.iter().filter(counts) {
            taken.of_account += 1;
            taken.of_package += u64::from(record.package == publisher.package);
            taken.pending += u64::from(record.pending);
            taken.prefixes += u64::from(record.package.is_prefix());
        }
        room.reached(publisher, taken)
    }

    pub(super) fn add(&mut self, publisher: &PublisherRecord) -> Result<Stored, StoreError> {
        if self.publishers.iter().any(|record| record.is_like(publisher)) {
            return Ok(Stored::Exists);
        }
        if self.publishers.iter().any(|record| record.id == publisher.id) {
            return Err(StoreError::new("there is a publisher of this id"));
        }
        if self.publishers.len() >= self.limits.publishers {
            return Err(StoreError::new(Full::Publishers));
        }
        self.publishers.push(publisher.clone());
        // Lists are returned in this order, as the trait requires.
        self.publishers.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Ok(Stored::Done)
    }

    /// Removes a package's publishers, whose tokens end at once, and what publishers for prefixes granted for the
    /// package alone.
    fn take(&mut self, package: &Package) -> Vec<PublisherRecord> {
        self.end(|granted| granted.package == *package && granted.only_of.is_some());
        let is_of = |record: &&PublisherRecord| record.package == *package;
        let taken: Vec<_> = self.publishers.iter().filter(is_of).cloned().collect();
        for record in &taken {
            self.remove(package, &record.id);
        }
        taken
    }

    pub(super) fn remove(&mut self, package: &Package, id: &str) -> bool {
        let before = self.publishers.len();
        self.publishers.retain(|record| record.id != id || record.package != *package);
        let is_removed = self.publishers.len() < before;
        if is_removed {
            self.end(|granted| granted.publisher == id);
        }
        is_removed
    }

    /// Removes granted packages from all tokens, and the tokens without any package.
    fn end(&mut self, is_over: impl Fn(&GrantedPackage) -> bool) {
        for token in self.tokens.values_mut() {
            token.packages.retain(|granted| !is_over(granted));
        }
        self.tokens.retain(|_, token| !token.packages.is_empty());
    }
}

/// Returns `true` if a publisher is for the package or for a prefix of its name.
fn is_for(record: &PublisherRecord, package: &Package) -> bool {
    record.package == *package || record.package.covers(package)
}
