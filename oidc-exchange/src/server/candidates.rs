//! The publishers that may accept a token, shared out fairly between accounts.

use std::collections::HashMap;
use std::hash::Hash;

use oidc_core::Identity;

use super::record::PublisherRecord;

/// The largest number of [known](Candidates::known) publishers that [`PublisherStore::candidates`](super::PublisherStore::candidates) returns, and
/// of [others](Candidates::others) of one package.
pub const MAX_CANDIDATES: usize = 1000;
/// The largest number of [others](Candidates::others) of all packages together that
/// [`PublisherStore::candidates`](super::PublisherStore::candidates) returns.
pub const MAX_UNPROVEN: usize = 32;

/// Publishers that may accept a token, in any order, as [`PublisherStore::candidates`](super::PublisherStore::candidates) returns them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Candidates {
    /// The publishers of the operator's own, and of accounts with a [proven](PublisherRecord::proven) publisher
    /// of the same identity in any ecosystem.
    pub known: Vec<PublisherRecord>,
    /// The publishers of all other accounts.
    pub others: Vec<PublisherRecord>,
}

impl Candidates {
    /// Candidates of both groups, [`known`](Self::known) and [`others`](Self::others). In a store without accounts, all
    /// publishers are known.
    pub fn new(known: Vec<PublisherRecord>, others: Vec<PublisherRecord>) -> Self {
        Self { known, others }
    }

    /// Chooses among `publishers`, which are those of a token's identities in its ecosystem, of one package or of
    /// all packages, in any order. The limits and the order are those of
    /// [`PublisherStore::candidates`](super::PublisherStore::candidates): no account displaces the publishers of
    /// another by many of its own.
    ///
    /// `is_known` is asked for accounts' publishers only, and returns `true` if the account has a
    /// [proven](PublisherRecord::proven) publisher of the same identity in any ecosystem.
    ///
    /// It is for stores that can read all publishers of an identity. The cost grows with their number, so a store
    /// with very many strangers chooses by an index instead.
    ///
    /// ```
    /// use oidc_exchange::server::{Candidates, PublisherRecord};
    ///
    /// /// The candidates for one package. `found` are the package's publishers of the token's identity.
    /// fn candidates(found: &[PublisherRecord], proven_accounts: &[String]) -> Candidates {
    ///     Candidates::choose(found, Some("@acme/widget"), |record| {
    ///         record.account.as_ref().is_some_and(|account| proven_accounts.contains(account))
    ///     })
    /// }
    /// ```
    pub fn choose<'a>(
        publishers: impl IntoIterator<Item = &'a PublisherRecord>,
        package: Option<&str>,
        is_known: impl Fn(&PublisherRecord) -> bool,
    ) -> Self {
        let is_known = |record: &&PublisherRecord| record.account.is_none() || is_known(record);
        let (known, others): (Vec<_>, Vec<_>) = publishers.into_iter().partition(is_known);
        let known = shared_out(known, account, MAX_CANDIDATES);
        if package.is_none() {
            let others = shared_out(others, |record| (account(record), record.pending), MAX_UNPROVEN);
            return Self::new(known, others);
        }
        let (pending, regular): (Vec<_>, Vec<_>) = others.into_iter().partition(|record| record.pending);
        let mut others = shared_out(regular, account, MAX_CANDIDATES);
        others.extend(shared_out(pending, account, MAX_CANDIDATES - others.len()));
        Self::new(known, others)
    }

    /// Returns `true` if there may be more publishers than the store returned.
    pub(super) fn is_cut(&self, package: Option<&str>) -> bool {
        let others = if package.is_some() { MAX_CANDIDATES } else { MAX_UNPROVEN };
        self.known.len() >= MAX_CANDIDATES || self.others.len() >= others
    }

    /// Returns the publishers of both groups, oldest first: by [`created_at`](PublisherRecord::created_at), then
    /// by [`id`](PublisherRecord::id).
    pub fn into_all(self) -> Vec<PublisherRecord> {
        let mut all = self.known;
        all.extend(self.others);
        all.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        all
    }
}

/// The note where an identity may have more publishers than were read.
pub(super) fn only_first() -> String {
    format!(
        "; there may be more publishers of the identity: only {MAX_CANDIDATES} were looked at, and, where no package is named, \
         {MAX_UNPROVEN} of accounts that have not published by it yet, pending ones last"
    )
}

/// The account of a publisher and the identity that it names.
type Account<'a> = (Option<&'a str>, &'a Identity);

fn account(record: &PublisherRecord) -> Account<'_> {
    (record.account.as_deref(), &record.identity)
}

/// The first record of each group, then the second of each, and so on. Within a group, regular publishers come
/// first, then older ones; of records in the same place, the same.
fn shared_out<'a, K: Hash + Eq>(
    mut records: Vec<&'a PublisherRecord>,
    group: impl Fn(&'a PublisherRecord) -> K,
    limit: usize,
) -> Vec<PublisherRecord> {
    records.sort_by(|one, other| {
        (one.pending, one.created_at, &one.id).cmp(&(other.pending, other.created_at, &other.id))
    });
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

#[cfg(test)]
mod tests {
    use oidc_core::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::server::Package;

    /// A publisher of an account with this age, the highest number the youngest.
    fn record(id: &str, account: Option<&str>, age: u64, pending: bool) -> PublisherRecord {
        let identity = Identity::new("https://issuer.example", "acme/widget");
        let created_at = Timestamp::from_secs(age);
        let package = Package::new("npm", "widget");
        let record = PublisherRecord::new(id, package, "github", identity, json!({}), created_at);
        PublisherRecord { account: account.map(str::to_owned), pending, ..record }
    }

    fn ids(records: &[PublisherRecord]) -> Vec<&str> {
        records.iter().map(|record| record.id.as_str()).collect()
    }

    #[test]
    fn an_account_with_many_publishers_displaces_nobody() {
        let mut all: Vec<_> =
            (0..2000).map(|age| record(&format!("m{age}"), Some("mallory"), age, false)).collect();
        all.push(record("own", None, 3000, false));
        all.push(record("alice", Some("alice"), 3001, true));
        all.push(record("bob", Some("bob"), 3002, false));
        let is_known = |record: &PublisherRecord| record.account.as_deref() == Some("bob");
        let of_one = Candidates::choose(&all, Some("widget"), is_known);
        assert_eq!(ids(&of_one.known), ["own", "bob"]);
        assert_eq!(of_one.others.len(), MAX_CANDIDATES, "regular ones come first where a package is named");
        let of_all = Candidates::choose(&all, None, is_known);
        assert_eq!(ids(&of_all.known), ["own", "bob"]);
        assert_eq!(of_all.others.len(), MAX_UNPROVEN);
        assert_eq!(ids(&of_all.others)[..3], ["m0", "alice", "m1"], "each account's first before any second");
    }

    #[test]
    fn the_order_of_the_records_does_not_matter() {
        let mut all: Vec<_> = (0..40)
            .flat_map(|age| {
                ["a", "b", "c"].map(|name| record(&format!("{name}{age}"), Some(name), age, age % 3 == 0))
            })
            .collect();
        let first = Candidates::choose(&all, None, |_| false);
        all.reverse();
        let second = Candidates::choose(&all, None, |_| false);
        assert_eq!(ids(&first.others), ids(&second.others));
    }
}
