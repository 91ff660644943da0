//! Accounts that are known to publish by an identity, however many there are.

use needs::needs;
use oidc_core::testing::{FakeHttp, ManualClock};
use oidc_core::{Identity, Timestamp};
use oidc_exchange::server::testing::conformance::Harness;
use oidc_exchange::server::{PublisherStore as _, Room, Stored, Trust, TrustStore as _};
use oidc_exchange::sql::SqlStore;
use serde_json::json;

use crate::databases::{Postgres, Sqlite, postgres};
use crate::registry::{ISSUER, NOW, package, verifier};

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
    let found = store.candidates(&[identity], "npm", None).await.unwrap().into_all();
    let packages: Vec<_> = found.iter().map(|record| &*record.package.name).collect();
    assert_eq!(packages.len(), ACCOUNTS, "each once: {packages:?}");
}

/// A publisher that is edited while a publish by it is under way: the proof is not lost.
async fn an_edit_waits_for_the_publish_that_proves_its_publisher<H: Harness<Store = SqlStore>>(harness: &H) {
    let store = harness.empty().await;
    let other = harness.elsewhere(&store).await;
    let (verifier, providers) = verifier(FakeHttp::new(), &ManualClock::at(NOW));
    let trust = Trust::new(providers, store.clone(), verifier.context());
    let prepare = |workflow: &str| {
        let rules = json!({ "repository": "acme/widget", "workflow": workflow });
        let mut record = trust.prepare(package("widget"), "fake", None, rules).unwrap();
        record.account = Some("alice".to_owned());
        record
    };
    let seen = trust.add(&prepare("publish.yml")).await.unwrap();
    let transaction = store.begin().await.unwrap();
    assert!(transaction.is_active(&seen.package, &seen.id).await.unwrap());
    assert!(transaction.published(&seen.package, &seen.id, Timestamp::from_secs(NOW)).await.unwrap());
    let (old, new) = (seen.clone(), prepare("release.yml"));
    let edit = tokio::spawn(async move { other.replace(&old, &new, &Room::default()).await.unwrap() });
    // Long enough for an edit that does not wait to be over.
    for _ in 0..50 {
        assert_eq!(trust.list(&seen.package).await.unwrap()[0].id, seen.id, "it is not edited yet");
    }
    transaction.commit().await.unwrap();
    assert_eq!(edit.await.unwrap(), Stored::Missing, "it is no more what was seen");
    assert!(trust.list(&seen.package).await.unwrap()[0].proven);
    let edited = trust.edit(&seen.id, prepare("release.yml")).await.unwrap();
    assert!(edited.proven && trust.list(&seen.package).await.unwrap()[0].proven);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    nobody_is_kept_out_by_the_number_of_those_who_published(&Sqlite::new()).await;
    an_edit_waits_for_the_publish_that_proves_its_publisher(&Sqlite::new()).await;
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql() {
    let url = postgres();
    let harness = Postgres::new(url);
    nobody_is_kept_out_by_the_number_of_those_who_published(&harness).await;
    an_edit_waits_for_the_publish_that_proves_its_publisher(&harness).await;
    harness.clean_up().await;
}
