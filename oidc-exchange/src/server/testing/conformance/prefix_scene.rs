//! Publishers for prefixes of names, for the cases.

use super::answers::added;
use super::scene::{publisher, stored};
use crate::server::{GrantedBy, Package, PublisherRecord, Room, Stored, TrustStore};

pub(super) fn prefix(text: &str) -> Package {
    Package::prefix("npm", text).expect("the suite's prefixes are some")
}

/// A publisher of an account for a prefix, with the repository `acme/widget`.
pub(super) fn for_prefix(id: &str, text: &str, account: &str) -> PublisherRecord {
    let mut record = PublisherRecord { package: prefix(text), ..publisher(id, "") };
    record.account = Some(account.to_owned());
    record
}

/// A granted package of an account's publisher for a prefix.
pub(super) fn only_of(mut by: GrantedBy, package: Package, record: &PublisherRecord) -> GrantedBy {
    by.package = package;
    by.only_of = Some(record.owner());
    by
}

pub(super) fn roomy() -> Room {
    Room { prefixes_per_account: 100, ..Room::default() }
}

pub(super) async fn allowed<S: TrustStore>(store: &S, publisher: &PublisherRecord) {
    let outcome = added(store, publisher, &roomy()).await;
    assert_eq!(outcome, Stored::Done, "a new publisher for a prefix is stored");
}

/// Publishers for `acme-` of two accounts, for `acme_`, and for a package with the name of the prefix.
pub(super) async fn with_prefixes<S: TrustStore>(store: &S) {
    stored(store, &publisher("namesake", "acme-")).await;
    for record in [
        for_prefix("a", "acme-", "alice"),
        for_prefix("b", "acme-", "bob"),
        for_prefix("underscore", "acme_", "alice"),
    ] {
        allowed(store, &record).await;
    }
}

pub(super) fn publisher_of(account: &str) -> PublisherRecord {
    for_prefix("", "acme-", account)
}
