//! The records of the store, and grants.

use std::collections::BTreeMap;
use std::time::Duration;

use data_encoding::HEXLOWER;
use oidc_core::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::limits::{Full, MemoryLimits};
use crate::server::{Grant, GrantedPackage, PublisherRecord, Redeemed, StoreError, TokenHash, TokenRecord};

/// The time for which a full store keeps expired records, since the clock may be set back.
pub(super) const GRACE: Duration = Duration::from_secs(120);

/// The uses of an identity token, the time until which to remember them, and the account in whose share of the store
/// they are; `None` for the operator.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Uses(pub(crate) u32, pub(crate) Timestamp, pub(crate) Option<String>);

/// The contents of a store. A document of a later version with members that are unknown here is refused.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    #[serde(skip)]
    pub(super) limits: MemoryLimits,
    pub(super) started_at: Timestamp,
    /// In the order of their age.
    pub(crate) publishers: Vec<PublisherRecord>,
    #[serde(serialize_with = "hex", deserialize_with = "from_hex")]
    pub(crate) replay: BTreeMap<[u8; 32], Uses>,
    /// The latest time until which a purged use had to be remembered.
    pub(crate) purged_until: Timestamp,
    #[serde(serialize_with = "hex", deserialize_with = "from_hex")]
    pub(crate) tokens: BTreeMap<[u8; 32], TokenRecord>,
}

impl State {
    /// An empty state without limits.
    pub(crate) fn unlimited() -> Self {
        let all = usize::MAX;
        let limits = MemoryLimits::default().publishers(all).tokens(all).replay_records(all).shares(1);
        Self { limits, ..Self::default() }
    }

    pub(super) fn find(&self, token: &TokenHash, now: Timestamp) -> Option<TokenRecord> {
        let mut record = self.tokens.get(token.as_bytes()).filter(|record| !record.has_expired(now))?.clone();
        for granted in &mut record.packages {
            let is_pending =
                |publisher: &PublisherRecord| publisher.id == granted.publisher && publisher.pending;
            granted.may_create = self.publishers.iter().any(is_pending);
        }
        Some(record)
    }

    /// The outcome of a grant whose identity token may not be used any more.
    pub(super) fn refused(&self, grant: &Grant) -> Option<Redeemed> {
        if grant.issued_at() < self.started_at {
            return Some(Redeemed::Unknowable);
        }
        // In the second case its record may have been purged, so the token may have been used.
        let is_used = self.uses(grant) >= grant.max_uses() || grant.remember_until() <= self.purged_until;
        is_used.then_some(Redeemed::AlreadyUsed)
    }

    fn uses(&self, grant: &Grant) -> u32 {
        self.replay.get(grant.replay_key()).map_or(0, |Uses(uses, ..)| *uses)
    }

    pub(super) fn redeem(&mut self, grant: &Grant) -> Result<Redeemed, StoreError> {
        if let Some(refused) = self.refused(grant) {
            return Ok(refused);
        }
        let (mut learned, mut accepting, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        for granted in grant.packages() {
            match self.learning(granted) {
                Some((index, record, ids)) => {
                    accepting.push(record);
                    learned.push((index, ids, granted));
                }
                None => left_out.push(granted.publisher.clone()),
            }
        }
        if learned.is_empty() {
            return Ok(Redeemed::Superseded);
        }
        // All checks come before the first change, so that a refusal changes nothing.
        let payer = self.payer(grant, &accepting).map_err(StoreError::new)?;
        self.make_room(grant)?;
        let mut packages = Vec::new();
        for (index, ids, granted) in learned {
            if let Some(record) = self.publishers.get_mut(index) {
                record.lapses &= ids.is_empty();
                record.learned = ids;
                if record.proven {
                    record.exchanged_at = Some(grant.created_at());
                }
            }
            let package = GrantedPackage::new(granted.package.clone(), granted.publisher.clone(), false);
            packages.push(package.only_of(granted.only_of.clone()));
        }
        let uses = self.replay.entry(*grant.replay_key()).or_insert(Uses(0, Timestamp::default(), payer));
        (uses.0, uses.1) = (uses.0 + 1, grant.remember_until());
        if let Some(token) = grant.token() {
            let mut record = grant.record();
            record.packages = packages;
            self.tokens.insert(*token.as_bytes(), record);
        }
        Ok(if left_out.is_empty() { Redeemed::Granted } else { Redeemed::Partly(left_out) })
    }

    /// Purges at most `limit` tokens and `limit` replay records that have expired. Returns their number.
    pub(super) fn purge(&mut self, now: Timestamp, limit: usize) -> u64 {
        let before = self.tokens.len() + self.replay.len();
        let mut left = limit;
        self.tokens.retain(|_, record| record.expires_at > now || !take(&mut left));
        let (mut left, mut until) = (limit, self.purged_until);
        self.replay.retain(|_, Uses(_, remembered, _)| {
            let stays = *remembered > now || !take(&mut left);
            if !stays {
                until = until.max(*remembered);
            }
            stays
        });
        self.purged_until = until;
        (before - self.tokens.len() - self.replay.len()) as u64
    }

    /// Returns the outcome of a grant that would change nothing, and fails where there is no room for it, as
    /// [`redeem`](Self::redeem) does.
    pub(super) fn foreseen(&self, grant: &Grant) -> Result<Option<Redeemed>, StoreError> {
        let refused = self.refused(grant);
        if refused.is_none() && !self.has_room_for_all() {
            let records = grant.packages().iter().filter_map(|granted| Some(self.learning(granted)?.1));
            self.payer(grant, &records.collect::<Vec<_>>()).map_err(StoreError::new)?;
        }
        Ok(refused)
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

/// Takes one of the remaining, if there is any.
fn take(left: &mut usize) -> bool {
    let is_left = *left > 0;
    *left = left.saturating_sub(1);
    is_left
}

/// Writes hashes as hexadecimal digits.
fn hex<S: Serializer, V: Serialize>(map: &BTreeMap<[u8; 32], V>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(map.iter().map(|(key, value)| (HEXLOWER.encode(key), value)))
}

fn from_hex<'de, D, V>(deserializer: D) -> Result<BTreeMap<[u8; 32], V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    let hash = |text: String| HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok();
    let entry = |(key, value)| Some((hash(key)?, value));
    let read = BTreeMap::<String, V>::deserialize(deserializer)?;
    let map: Option<BTreeMap<_, _>> = read.into_iter().map(entry).collect();
    map.ok_or_else(|| D::Error::custom("a key is no SHA-256 hash in hexadecimal digits"))
}
