//! The accounts' shares of the store.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use oidc_core::Timestamp;

use super::limits::Full;
use super::state::{GRACE, State, Uses};
use crate::server::{Grant, PublisherLimit, PublisherRecord, Room, Taken};

/// The room that an account has taken up.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    uses: usize,
    tokens: usize,
}

impl State {
    /// Returns the account whose share a grant takes up: of those whose publishers accept the token, the one that
    /// has taken up least. `None` is the operator. Fails where none of them has room.
    pub(super) fn payer(
        &self,
        grant: &Grant,
        accepting: &[&PublisherRecord],
    ) -> Result<Option<String>, Full> {
        let accounts: Option<BTreeSet<&str>> =
            accepting.iter().map(|record| record.account.as_deref()).collect();
        let Some(accounts) = accounts else { return Ok(None) };
        let held = self.held(&accounts, grant.created_at().minus(GRACE));
        let least = held.into_iter().min_by_key(|(_, held)| (self.full_share(grant, *held).is_some(), *held));
        let Some((account, held)) = least else { return Ok(None) };
        self.full_share(grant, held).map_or_else(|| Ok(Some(account.to_owned())), Err)
    }

    /// Returns `true` if no account can have taken up its share, which is cheap to know.
    pub(super) fn has_room_for_all(&self) -> bool {
        let limits = &self.limits;
        self.replay.len() < limits.share(limits.replay_records)
            && self.tokens.len() < limits.share(limits.tokens)
    }

    /// The share that a grant does not fit into.
    fn full_share(&self, grant: &Grant, held: Held) -> Option<Full> {
        let limits = &self.limits;
        let is_new = !self.replay.contains_key(grant.replay_key());
        if is_new && held.uses >= limits.share(limits.replay_records) {
            return Some(Full::ShareOfReplayRecords);
        }
        let is_full = grant.token().is_some() && held.tokens >= limits.share(limits.tokens);
        is_full.then_some(Full::ShareOfTokens)
    }

    /// The room that accounts have taken up and that is not free at `now`.
    fn held<'a>(&self, accounts: &BTreeSet<&'a str>, now: Timestamp) -> BTreeMap<&'a str, Held> {
        let mut held: BTreeMap<&str, Held> =
            accounts.iter().map(|account| (*account, Held::default())).collect();
        if self.has_room_for_all() {
            return held;
        }
        for Uses(_, until, account) in self.replay.values() {
            if let Some(held) = account.as_deref().and_then(|account| held.get_mut(account)) {
                held.uses += usize::from(*until > now);
            }
        }
        let of_account = |record: &'_ PublisherRecord| accounts.get(record.account.as_deref()?).copied();
        let owners: HashMap<&str, &str> = self
            .publishers
            .iter()
            .filter_map(|record| Some((record.id.as_str(), of_account(record)?)))
            .collect();
        for token in self.tokens.values().filter(|token| !token.has_expired(now)) {
            let of_token = token.packages.iter().filter_map(|granted| owners.get(granted.publisher.as_str()));
            for account in of_token.collect::<BTreeSet<_>>() {
                if let Some(held) = held.get_mut(*account) {
                    held.tokens += 1;
                }
            }
        }
        held
    }

    /// Returns the limit that prevents a publisher from being stored, and its number: one of the registry's, or the
    /// account's share of the store, where publishers that have ended count as well.
    pub(super) fn reached(&self, publisher: &PublisherRecord, room: &Room) -> Option<(PublisherLimit, u32)> {
        let share = self.limits.share(self.limits.publishers);
        let is_of_account = |record: &&PublisherRecord| record.account == publisher.account;
        let is_full =
            || publisher.account.is_some() && self.publishers.iter().filter(is_of_account).count() >= share;
        let number = u32::try_from(share).unwrap_or(u32::MAX);
        let reached = room.reached(publisher, self.taken(publisher, room));
        reached.or_else(|| is_full().then_some((PublisherLimit::Account, number)))
    }

    /// Counts the publishers of a publisher's account.
    pub(super) fn taken(&self, publisher: &PublisherRecord, room: &Room) -> Taken {
        let counts =
            |record: &&PublisherRecord| record.account == publisher.account && !room.ended.is_over(record);
        let mut taken = Taken::default();
        for record in self.publishers.iter().filter(counts) {
            taken.of_account += 1;
            taken.of_package += u64::from(record.package == publisher.package);
            taken.pending += u64::from(record.pending);
            taken.prefixes += u64::from(record.package.is_prefix());
        }
        taken
    }
}
