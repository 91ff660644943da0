//! The application's own statements and what it says to the store are one transaction, on SQLite and PostgreSQL.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use needs::needs;
use oidc_core::testing::{FakeHttp, ManualClock};
use oidc_core::{Identity, Timestamp};
use oidc_exchange::server::testing::conformance::Harness;
use oidc_exchange::server::{
    Package, PackageOwner, PublisherRecord, Room, StoreError, TokenHash, TokenStore as _, Trust, TrustStore,
};
use oidc_exchange::sql::{SqlStore, retry};
use serde_json::json;
use tokio::sync::Barrier;

use crate::databases::{Postgres, Sqlite, postgres};
use crate::registry::NOW;

const LATER: Timestamp = Timestamp::from_secs(NOW + 60);

fn widget() -> Package {
    Package::new("npm", "widget")
}

fn publisher(id: &str, pending: bool) -> PublisherRecord {
    let identity = Identity::new("https://issuer.example", "acme/widget");
    let now = Timestamp::from_secs(NOW);
    let mut record = PublisherRecord::new(id, widget(), "github", identity, json!({ "id": id }), now);
    record.pending = pending;
    record
}

/// A store with a table of the application's own beside it.
async fn with_own_table<H: Harness<Store = SqlStore>>(harness: &H) -> SqlStore {
    let store = harness.empty().await;
    let mut transaction = store.begin().await.unwrap();
    sqlx::query("CREATE TABLE shelf (name TEXT PRIMARY KEY, versions BIGINT NOT NULL)")
        .execute(transaction.connection())
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    store
}

async fn on_shelf(store: &SqlStore) -> Vec<(String, i64)> {
    let query = sqlx::query_as("SELECT name, versions FROM shelf ORDER BY name");
    query.fetch_all(store.pool()).await.unwrap()
}

/// Stores a publish token of `publisher` as an exchange does.
async fn token(store: &SqlStore, publisher: &str, text: &str) -> TokenHash {
    let hash = TokenHash::of(text);
    let mut transaction = store.begin().await.unwrap();
    let insert = "INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run, ecosystem, package, publisher) \
         VALUES ($1, 0, 1700000100, 'github', 'https://issuer.example', '{}', 'npm', 'widget', $2)";
    let insert = sqlx::query(insert).bind(HEXLOWER.encode(hash.as_bytes())).bind(publisher);
    insert.execute(transaction.connection()).await.unwrap();
    transaction.commit().await.unwrap();
    hash
}

/// A registry's publish: creates the package if the publisher may, and counts a version.
async fn publish(
    store: &SqlStore,
    publisher: &str,
    token: &TokenHash,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut transaction = store.begin().await?;
    let added = sqlx::query("INSERT INTO shelf VALUES ('widget', 0) ON CONFLICT DO NOTHING")
        .execute(transaction.connection())
        .await?;
    if added.rows_affected() == 1 && transaction.package_created_by(&widget(), publisher).await?.is_none() {
        return Ok(false);
    }
    if !transaction.is_active(&widget(), publisher).await? {
        return Ok(false);
    }
    sqlx::query("UPDATE shelf SET versions = versions + 1").execute(transaction.connection()).await?;
    if !transaction.is_granted(token, &widget(), publisher, now).await? {
        return Ok(false);
    }
    transaction.commit().await?;
    Ok(true)
}

async fn a_package_and_the_publisher_that_creates_it_come_together<H: Harness<Store = SqlStore>>(
    harness: &H,
) {
    let store = with_own_table(harness).await;
    for record in [publisher("p", true), publisher("q", true)] {
        store.add(&record, &Room::default()).await.unwrap();
    }
    let (of_p, of_q) = (token(&store, "p", "p").await, token(&store, "q", "q").await);
    let over = Timestamp::from_secs(NOW + 100);
    for (by, hash, now, why) in [
        ("unknown", &of_p, LATER, "there is no such publisher"),
        ("q", &of_p, LATER, "the token is another's"),
        ("p", &of_p, over, "the token has expired"),
        ("p", &TokenHash::of("?"), LATER, "there is no such token"),
    ] {
        assert!(!publish(&store, by, hash, now).await.unwrap(), "{why}");
        assert!(on_shelf(&store).await.is_empty(), "{why}: the application's part is undone");
        let pending = store.list(&widget()).await.unwrap();
        assert!(pending.len() == 2 && pending.iter().all(|record| record.pending), "{why}: the store's too");
    }
    assert!(publish(&store, "p", &of_p, LATER).await.unwrap());
    assert!(publish(&store, "p", &of_p, LATER).await.unwrap(), "it is a regular one now");
    assert!(!publish(&store, "q", &of_q, LATER).await.unwrap(), "the other was for what did not exist");
    assert_eq!(on_shelf(&store).await, [("widget".to_owned(), 2)]);
    let known = store.list(&widget()).await.unwrap();
    assert_eq!((known.len(), known[0].pending), (1, false));

    store.revoke(&of_p).await.unwrap();
    assert!(!publish(&store, "p", &of_p, LATER).await.unwrap(), "the token was revoked");
    let again = token(&store, "p", "again").await;
    store.remove(&widget(), "p").await.unwrap();
    assert!(!publish(&store, "p", &again, LATER).await.unwrap(), "the publisher was removed");
    assert_eq!(on_shelf(&store).await, [("widget".to_owned(), 2)]);
}

async fn whoever_removes_a_publisher_waits_for_what_it_publishes<H: Harness<Store = SqlStore>>(harness: &H) {
    let store = harness.empty().await;
    let other = harness.elsewhere(&store).await;
    store.add(&publisher("p", false), &Room::default()).await.unwrap();
    let hash = token(&store, "p", "p").await;
    let transaction = store.begin().await.unwrap();
    assert!(transaction.is_active(&widget(), "p").await.unwrap());
    assert!(transaction.is_granted(&hash, &widget(), "p", LATER).await.unwrap());
    let removal = tokio::spawn(async move { other.remove(&widget(), "p").await.unwrap() });
    // Long enough for a removal that does not wait to be over.
    for _ in 0..50 {
        assert!(store.find(&hash, LATER).await.unwrap().is_some(), "it is not removed yet");
    }
    assert!(!removal.is_finished(), "it went past a publish that is under way");
    transaction.commit().await.unwrap();
    assert!(removal.await.unwrap());
}

async fn a_package_and_its_publishers_are_added_together<H: Harness<Store = SqlStore>>(harness: &H) {
    let store = with_own_table(harness).await;
    let clock = ManualClock::at(NOW);
    let (verifier, providers) = crate::registry::verifier(FakeHttp::new(), &clock);
    let trust = Trust::new(providers, store.clone(), verifier.context());
    let rules = |workflow| json!({ "repository": "acme/widget", "workflow": workflow });
    let prepare = |workflow| trust.prepare(widget(), "fake", None, rules(workflow)).unwrap();
    let register = async |publishers: &[PublisherRecord]| {
        let mut transaction = store.begin().await.unwrap();
        sqlx::query("INSERT INTO shelf VALUES ('widget', 0)")
            .execute(transaction.connection())
            .await
            .unwrap();
        for publisher in publishers {
            if trust.add_within(&transaction, publisher).await.is_err() {
                return false;
            }
        }
        transaction.commit().await.unwrap();
        true
    };
    let (one, same) = (prepare("publish.yml"), prepare("publish.yml"));
    assert!(!register(&[one.clone(), same]).await);
    assert!(on_shelf(&store).await.is_empty() && store.list(&widget()).await.unwrap().is_empty());
    assert!(register(&[one.clone(), prepare("release.yml")]).await);
    assert_eq!(on_shelf(&store).await.len(), 1);
    assert_eq!(store.list(&widget()).await.unwrap().len(), 2);

    // What fails within a transaction leaves the rest of it as it was.
    let transaction = store.begin().await.unwrap();
    assert!(trust.edit_within(&transaction, &one.id, prepare("release.yml")).await.is_err());
    let edited = trust.edit_within(&transaction, &one.id, prepare("other.yml")).await.unwrap();
    assert!(transaction.remove(&widget(), &edited.id).await.unwrap());
    transaction.commit().await.unwrap();
    let left = store.list(&widget()).await.unwrap();
    assert_eq!((left.len(), &left[0].config["workflow"]), (1, &json!("release.yml")));
}

async fn a_package_goes_with_its_publishers<H: Harness<Store = SqlStore>>(harness: &H) {
    let store = with_own_table(harness).await;
    store.add(&publisher("p", true), &Room::default()).await.unwrap();
    let hash = token(&store, "p", "p").await;
    assert!(publish(&store, "p", &hash, LATER).await.unwrap());
    let delete = async |commits: bool| {
        let mut transaction = store.begin().await.unwrap();
        let shelf = sqlx::query("DELETE FROM shelf WHERE name = 'widget'");
        shelf.execute(transaction.connection()).await.unwrap();
        transaction.package_removed(&widget()).await.unwrap();
        assert!(!transaction.is_active(&widget(), "p").await.unwrap());
        if commits {
            transaction.commit().await.unwrap();
        }
    };
    delete(false).await;
    assert_eq!((on_shelf(&store).await.len(), store.list(&widget()).await.unwrap().len()), (1, 1));
    assert!(publish(&store, "p", &hash, LATER).await.unwrap(), "nothing was removed");
    delete(true).await;
    assert!(on_shelf(&store).await.is_empty() && store.list(&widget()).await.unwrap().is_empty());
    assert!(store.find(&hash, LATER).await.unwrap().is_none());
    assert!(!publish(&store, "p", &hash, LATER).await.unwrap(), "the former owner's publisher");
}

async fn of_many_transactions_none_is_lost<H: Harness<Store = SqlStore>>(harness: &H) {
    let store = with_own_table(harness).await;
    let other = harness.elsewhere(&store).await;
    let mut transaction = store.begin().await.unwrap();
    let insert = sqlx::query("INSERT INTO shelf VALUES ('widget', 0)");
    insert.execute(transaction.connection()).await.unwrap();
    transaction.commit().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..64 {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        tasks.spawn(async move {
            let mut transaction = store.begin().await.unwrap();
            let update = sqlx::query("UPDATE shelf SET versions = versions + 1");
            update.execute(transaction.connection()).await.unwrap();
            transaction.commit().await.unwrap();
        });
    }
    tasks.join_all().await;
    assert_eq!(on_shelf(&store).await, [("widget".to_owned(), 64)]);
}

/// The account of a prefix's publisher has to be an owner of the package, which only the application knows.
async fn a_prefix_publishes_what_its_account_owns<H: Harness<Store = SqlStore>>(harness: &H) {
    let store = harness.empty().await;
    let mut wide = publisher("wide", false);
    wide.package = Package::prefix("npm", "wid-").unwrap();
    wide.account = Some("alice".to_owned());
    let mut room = Room::default();
    room.prefixes_per_account = 1;
    store.add(&wide, &room).await.unwrap();
    let (alice, bob) = (PackageOwner::account("alice"), PackageOwner::account("bob"));
    let (get, put) = (Package::new("npm", "wid-get"), Package::new("npm", "wid-put"));
    let transaction = store.begin().await.unwrap();
    for (name, owners, expected) in [
        ("wid-get", vec![alice.clone()], true),
        ("wid-get", vec![bob.clone(), alice.clone()], true),
        ("wid-get", vec![bob], false),
        ("wid-get", vec![PackageOwner::Operator], false),
        ("wid-get", vec![], false),
        ("wid-", vec![alice.clone()], false),
        ("widget", vec![alice.clone()], false),
    ] {
        let package = Package::new("npm", name);
        let is_active = transaction.is_active_of(&package, &owners, "wide").await.unwrap();
        assert_eq!(is_active, expected, "{name} {owners:?}");
        assert!(!transaction.is_active(&package, "wide").await.unwrap(), "without the application's word");
    }
    assert!(!transaction.is_active_of(&widget(), &[alice], "nobody").await.unwrap());
    drop(transaction);
    for (token, package) in [("of-one", "wid-get"), ("of-all", "")] {
        let mut transaction = store.begin().await.unwrap();
        let hash = HEXLOWER.encode(TokenHash::of(token).as_bytes());
        for statement in [
            "INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run) \
             VALUES ($1, 0, 1700000100, 'github', 'https://issuer.example', $2)",
            "INSERT INTO oidc_token_prefix VALUES ($1, 'wide', 'npm', $2)",
        ] {
            let query = sqlx::query(statement).bind(&hash).bind(package);
            query.execute(transaction.connection()).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
    let transaction = store.begin().await.unwrap();
    let now = Timestamp::from_secs(NOW);
    for (token, package, now, expected) in [
        ("of-one", &get, now, true),
        ("of-one", &put, now, false),
        ("of-all", &get, now, true),
        ("of-all", &put, now, true),
        ("of-all", &widget(), now, false),
        ("of-all", &put, Timestamp::from_secs(NOW + 100), false),
        ("of-none", &put, now, false),
    ] {
        let is_granted = transaction.is_granted(&TokenHash::of(token), package, "wide", now).await.unwrap();
        assert_eq!(is_granted, expected, "{token} {package}");
    }
    assert!(transaction.published(&get, "wide", LATER).await.unwrap());
    assert!(!transaction.published(&widget(), "wide", LATER).await.unwrap());
}

async fn all<H: Harness<Store = SqlStore>>(harness: &H) {
    a_prefix_publishes_what_its_account_owns(harness).await;
    a_package_and_the_publisher_that_creates_it_come_together(harness).await;
    whoever_removes_a_publisher_waits_for_what_it_publishes(harness).await;
    a_package_and_its_publishers_are_added_together(harness).await;
    a_package_goes_with_its_publishers(harness).await;
    of_many_transactions_none_is_lost(harness).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_is_the_applications_and_the_stores_on_sqlite() {
    all(&Sqlite::new()).await;
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_is_the_applications_and_the_stores_on_postgresql() {
    let url = postgres();
    let harness = Postgres::new(url);
    all(&harness).await;
    harness.clean_up().await;
}

/// Two transactions that lock two rows in opposite orders.
#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_postgresql_gives_up_in_a_deadlock_is_tried_again() {
    let url = postgres();
    let harness = Postgres::new(url);
    let store = with_own_table(&harness).await;
    let mut transaction = store.begin().await.unwrap();
    let insert = sqlx::query("INSERT INTO shelf VALUES ('a', 0), ('b', 0)");
    insert.execute(transaction.connection()).await.unwrap();
    transaction.commit().await.unwrap();

    let both_have_one = Arc::new(Barrier::new(2));
    let lock = |first: &'static str, second: &'static str| {
        let (store, both_have_one) = (store.clone(), Arc::clone(&both_have_one));
        tokio::spawn(async move {
            let tries = std::sync::atomic::AtomicUsize::new(0);
            let outcome = retry(|| async {
                let is_first = tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
                let mut transaction = store.begin().await?;
                let update = "UPDATE shelf SET versions = versions + 1 WHERE name = $1";
                sqlx::query(update).bind(first).execute(transaction.connection()).await?;
                if is_first {
                    both_have_one.wait().await;
                }
                sqlx::query(update).bind(second).execute(transaction.connection()).await?;
                transaction.commit().await
            });
            outcome.await.unwrap();
            tries.into_inner()
        })
    };
    let (one, other) = tokio::join!(lock("a", "b"), lock("b", "a"));
    // One of them is given up, and on a busy machine again by its next try.
    let tries = one.unwrap() + other.unwrap();
    assert!(tries >= 3, "one of them was given up: {tries} tries");
    assert_eq!(on_shelf(&store).await, [("a".to_owned(), 2), ("b".to_owned(), 2)]);
    harness.clean_up().await;
}
