//! Accounts that are known to publish by an identity, however many there are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod server;
mod stores;

use oidc_core::Identity;
use oidc_core::testing::{FakeHttp, ManualClock};
use oidc_exchange::server::testing::conformance::Harness;
use oidc_exchange::server::{PublisherStore as _, Trust};
use oidc_exchange::sql::SqlStore;
use serde_json::json;
use server::{ISSUER, NOW, package, verifier};
use stores::{Postgres, Sqlite, postgres};

/// More accounts than are looked up by name.
const ACCOUNTS: usize = 105;

async fn nobody_is_kept_out_by_the_number_of_those_who_published<H: Harness<Store = SqlStore>>(harness: &H) {
    let store = harness.empty().await;
    let (verifier, providers) = verifier(FakeHttp::new(), &ManualClock::at(NOW));
    let trust = Trust::new(providers, store.clone(), verifier.context());
    for number in 0..ACCOUNTS {
        let name = format!("of-{number:03}");
        let rules = json!({ "repository": "acme/widget" });
        let mut record = trust.prepare(package(&name), "fake", None, rules).unwrap();
        record.account = Some(format!("account-{number:03}"));
        trust.add(&record).await.unwrap();
        assert!(trust.published(&record.package, &record.id).await.unwrap());
    }
    let identity = Identity::new(ISSUER, "acme/widget");
    let found = store.candidates(&[identity], "npm", None).await.unwrap();
    let packages: Vec<_> = found.iter().map(|record| &*record.package.name).collect();
    assert_eq!(packages.len(), ACCOUNTS, "each once: {packages:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    nobody_is_kept_out_by_the_number_of_those_who_published(&Sqlite::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql() {
    let Some(url) = postgres() else { return };
    let harness = Postgres::new(url);
    nobody_is_kept_out_by_the_number_of_those_who_published(&harness).await;
    harness.clean_up().await;
}
