//! The publishers of the store.

use std::collections::BTreeMap;

use oidc_core::Timestamp;

use super::limits::Full;
use super::state::State;
use crate::server::{
    EndedBefore, GrantedBy, GrantedPackage, Package, PackageOwner, PublisherRecord, Room, StoreError, Stored,
};

impl State {
    /// The position of a grant's publisher and the publisher, with the ids that it will have learned; `None` where
    /// it is gone, or another id was learned.
    pub(super) fn learning(
        &self,
        granted: &GrantedBy,
    ) -> Option<(usize, &PublisherRecord, BTreeMap<String, String>)> {
        let is_it =
            |record: &PublisherRecord| record.id == granted.publisher && is_for(record, &granted.package);
        let index = self.publishers.iter().position(is_it)?;
        let record = self.publishers.get(index)?;
        if !record.may_learn(&granted.learned, &self.publishers) {
            return None;
        }
        let mut ids = record.learned.clone();
        for pin in &granted.learned {
            if ids.entry(pin.claim.to_owned()).or_insert_with(|| pin.value.clone()) != &pin.value {
                return None;
            }
        }
        Some((index, record, ids))
    }

    pub(super) fn add_within(
        &mut self,
        publisher: &PublisherRecord,
        room: &Room,
    ) -> Result<Stored, StoreError> {
        // An equal publisher is reported as such, even where there is no room for another.
        let is_new = !self.publishers.iter().any(|record| record.is_like(publisher));
        match self.reached(publisher, room) {
            Some((limit, number)) if is_new => Ok(Stored::TooMany(limit, number)),
            _ => self.add(publisher),
        }
    }

    pub(super) fn replace(
        &mut self,
        old: &PublisherRecord,
        publisher: &PublisherRecord,
        room: &Room,
    ) -> Result<Stored, StoreError> {
        if !self.publishers.iter().any(|record| record.is_still(old)) {
            return Ok(Stored::Missing);
        }
        if self.publishers.iter().any(|record| record.id != old.id && record.is_like(publisher)) {
            return Ok(Stored::Exists);
        }
        let reached = room
            .of_replacing(old, publisher)
            .and_then(|room| room.reached(publisher, self.taken(publisher, room)));
        if let Some((limit, number)) = reached {
            return Ok(Stored::TooMany(limit, number));
        }
        self.remove(&old.package, &old.id);
        self.add(publisher)
    }

    pub(super) fn purge_publishers(&mut self, ended: EndedBefore, limit: usize) -> u64 {
        let is_over = |record: &&PublisherRecord| record.account.is_some() && ended.is_over(record);
        let over = self.publishers.iter().filter(is_over).take(limit);
        let over: Vec<_> = over.map(|record| (record.package.clone(), record.id.clone())).collect();
        for (package, id) in &over {
            self.remove(package, id);
        }
        over.len() as u64
    }

    pub(super) fn published(&mut self, package: &Package, by: &str, now: Timestamp) -> bool {
        let is_it = |record: &&mut PublisherRecord| record.id == by && is_for(record, package);
        let Some(record) = self.publishers.iter_mut().find(is_it) else { return false };
        record.proven = true;
        record.published_at = Some(now);
        true
    }

    pub(super) fn package_created_by(&mut self, package: &Package, by: &str) -> Option<PackageOwner> {
        let is_it =
            |record: &&mut PublisherRecord| record.pending && record.package == *package && record.id == by;
        let record = self.publishers.iter_mut().find(is_it)?;
        record.pending = false;
        let owner = record.owner();
        self.remove_pending(package);
        Some(owner)
    }

    pub(super) fn package_renamed(&mut self, package: &Package, name: &str) -> Result<(), StoreError> {
        let taken = self.take(package);
        if package.is_prefix() {
            return Ok(());
        }
        let renamed = Package::new(&*package.ecosystem, name);
        self.take(&renamed);
        for record in taken.into_iter().filter(|record| !record.pending) {
            self.add(&PublisherRecord { package: renamed.clone(), ..record })?;
        }
        Ok(())
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
    pub(super) fn take(&mut self, package: &Package) -> Vec<PublisherRecord> {
        self.end(|granted| granted.package == *package && granted.only_of.is_some());
        let is_of = |record: &&PublisherRecord| record.package == *package;
        let taken: Vec<_> = self.publishers.iter().filter(is_of).cloned().collect();
        for record in &taken {
            self.remove(package, &record.id);
        }
        taken
    }

    pub(super) fn remove_pending(&mut self, package: &Package) {
        let is_of = |record: &&PublisherRecord| record.pending && record.package == *package;
        let pending: Vec<_> = self.publishers.iter().filter(is_of).map(|record| record.id.clone()).collect();
        for id in pending {
            self.remove(package, &id);
        }
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
