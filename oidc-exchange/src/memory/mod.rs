//! The server's stores in memory, for a registry without a database.
//!
//! [`MemoryStore`] passes the same conformance suite as every other store. It is for one process that
//! configures its publishers when it starts, such as from a file. Each exchange reads every publisher, so it
//! is for hundreds of publishers and not for a public registry.
//!
//! # When it is full
//!
//! A full store **refuses**: it does not store another publisher, and an exchange fails without using
//! anything up. The reason is logged. The store first purges expired records, but never a publish token or
//! replay record before it expires. Only exchanges that a publisher accepts take up room, so strangers can't
//! fill the store.
//!
//! # What a restart loses
//!
//! - **Replay records.** A used identity token must not become usable again, so the store refuses every token
//!   that may have been issued before it started. Because of the verifier's leeway, these include tokens that
//!   are issued in the first 30 seconds after the start. A job that is refused asks its platform for a new
//!   token; where the platform gives one token for each job, the job has to be run again.
//! - **Publish tokens**: all are lost.
//! - **Publishers**, unless they are configured again, and **the ids that they learned**. Configure the ids,
//!   such as `repository_id`; otherwise the next owner of a repository's name is accepted after a restart.
//!
//! Two processes must not have separate stores, since an identity token could be used once with each.

mod limits;
mod trust;

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use oidc_core::{Identity, ImmutableId, Timestamp};

pub use self::limits::{Full, MemoryLimits};
use crate::server::{
    Candidates, Grant, GrantedPackage, MAX_CANDIDATES, MAX_LATEST, MAX_OF_ID, MAX_OF_PACKAGE, MAX_UNPROVEN,
    Package, PackageOwner, PublisherRecord, PublisherStore, Redeemed, StoreError, TokenHash, TokenRecord,
    TokenStore, TrustStore,
};

/// The time for which a full store keeps expired records, since the clock may be set back.
const GRACE: Duration = Duration::from_secs(120);

/// All three stores in memory, within [limits](MemoryLimits). Clones share the records; other processes
/// don't.
///
/// ```
/// use oidc_core::{Context, ProviderSet};
/// use oidc_core::verify::Verifier;
/// use oidc_exchange::memory::MemoryStore;
/// use oidc_exchange::server::{Exchange, Trust};
///
/// # fn example(cx: Context, providers: ProviderSet, verifier: Verifier) {
/// let store = MemoryStore::started_at(cx.clock().now());
/// // The application configures its publishers anew at each start.
/// let trust = Trust::new(providers, store.clone(), &cx);
/// let exchange = Exchange::builder(verifier, store).build();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    limits: MemoryLimits,
    started_at: Timestamp,
    publishers: Vec<PublisherRecord>,
    replay: HashMap<[u8; 32], (u32, Timestamp)>,
    /// The latest time until which a purged use had to be remembered.
    purged_until: Timestamp,
    tokens: HashMap<TokenHash, TokenRecord>,
}

impl MemoryStore {
    /// An empty store of a process that starts now, with [`MemoryLimits::default`]. Identity tokens that may
    /// have been issued before `now` are refused, since another process may have accepted them.
    pub fn started_at(now: Timestamp) -> Self {
        Self::with_limits(now, MemoryLimits::default())
    }

    /// The same with other limits.
    pub fn with_limits(now: Timestamp, limits: MemoryLimits) -> Self {
        Self(Arc::new(Mutex::new(State { limits, started_at: now, ..State::default() })))
    }

    /// An empty store for tests, which accepts tokens of any age.
    #[cfg(feature = "testing")]
    pub fn for_tests() -> Self {
        Self::started_at(Timestamp::default())
    }

    /// Returns the numbers of publish tokens and of replay records.
    pub fn records(&self) -> (usize, usize) {
        let state = self.lock();
        (state.tokens.len(), state.replay.len())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
    ) -> Result<Candidates, StoreError> {
        let matches = |record: &&PublisherRecord| {
            identities.contains(&record.identity)
                && record.package.ecosystem == ecosystem
                && is_of(record, package)
        };
        let state = self.lock();
        let account = |record: &PublisherRecord| (record.account.clone(), record.identity.clone());
        let proven: HashSet<_> =
            state.publishers.iter().filter(|record| record.proven).map(account).collect();
        let is_known =
            |record: &&PublisherRecord| record.account.is_none() || proven.contains(&account(record));
        let (known, others): (Vec<_>, Vec<_>) = state.publishers.iter().filter(matches).partition(is_known);
        let known = shared_out(known, account, MAX_CANDIDATES);
        if package.is_none() {
            let others = shared_out(others, |record| (account(record), record.pending), MAX_UNPROVEN);
            return Ok(Candidates::new(known, others));
        }
        let (pending, regular): (Vec<_>, Vec<_>) = others.into_iter().partition(|record| record.pending);
        let mut others = shared_out(regular, account, MAX_CANDIDATES);
        others.extend(shared_out(pending, account, MAX_CANDIDATES - others.len()));
        Ok(Candidates::new(known, others))
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

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        let mut state = self.lock();
        if grant.issued_at() < state.started_at {
            return Ok(Redeemed::Unknowable);
        }
        let uses = state.replay.get(grant.replay_key()).map_or(0, |(uses, _)| *uses);
        // In the second case its record may have been purged, so the token may have been used.
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
        // All checks come before the first change, so that a refusal changes nothing.
        state.make_room(grant)?;
        let mut packages = Vec::new();
        for (index, ids, granted) in learned {
            if let Some(record) = state.publishers.get_mut(index) {
                record.lapses &= ids.is_empty();
                record.learned = ids;
                if record.proven {
                    record.exchanged_at = Some(grant.created_at());
                }
            }
            let package = GrantedPackage::new(granted.package.clone(), granted.publisher.clone(), false);
            packages.push(package.only_of(granted.only_of.clone()));
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

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
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
        Ok(self.lock().purge(now, usize::try_from(limit).unwrap_or(usize::MAX)))
    }
}

/// The first record of each group, then the second of each, and so on; of records in the same place, regular
/// publishers first. `records` are in the order of their age.
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
    /// Purges at most `limit` tokens and `limit` replay records that have expired. Returns their number.
    fn purge(&mut self, now: Timestamp, limit: usize) -> u64 {
        let before = self.tokens.len() + self.replay.len();
        let mut left = limit;
        self.tokens.retain(|_, record| record.expires_at > now || !take(&mut left));
        let (mut left, mut until) = (limit, self.purged_until);
        self.replay.retain(|_, (_, remembered)| {
            let stays = *remembered > now || !take(&mut left);
            if !stays {
                until = until.max(*remembered);
            }
            stays
        });
        self.purged_until = until;
        (before - self.tokens.len() - self.replay.len()) as u64
    }

    /// Fails where there is no room for a grant, even after purging expired records.
    fn make_room(&mut self, grant: &Grant) -> Result<(), StoreError> {
        let is_new = !self.replay.contains_key(grant.replay_key());
        let is_full = |state: &Self| {
            let Self { limits, replay, tokens, .. } = state;
            match grant.token() {
                _ if is_new && replay.len() >= limits.replay_records => Some(Full::ReplayRecords),
                Some(_) if tokens.len() >= limits.tokens => Some(Full::Tokens),
                _ => None,
            }
        };
        if is_full(self).is_some() {
            self.purge(grant.created_at().minus(GRACE), usize::MAX);
        }
        is_full(self).map_or(Ok(()), |full| Err(StoreError::new(full)))
    }
}

/// Returns `true` if a publisher is for the package of this name, or if no name is given.
fn is_of(record: &PublisherRecord, name: Option<&str>) -> bool {
    name.is_none_or(|name| record.package.name == name && !record.package.is_prefix())
}

/// Takes one of the remaining, if there is any.
fn take(left: &mut usize) -> bool {
    let is_left = *left > 0;
    *left = left.saturating_sub(1);
    is_left
}
