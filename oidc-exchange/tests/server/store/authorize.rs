//! A publish that is allowed in one call of the transaction that stores it.

use data_encoding::HEXLOWER;
use needs::needs;
use oidc_core::testing::FakePlatform;
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Identity, ProviderSet, Run, Timestamp};
use oidc_exchange::server::testing::conformance::Harness;
use oidc_exchange::server::{
    Exchange, ExchangeRequest, GrantedPackage, Package, PackageOwner, PublisherRecord, Room, TokenHash,
    TokenRecord, Trust, TrustStore as _,
};
use oidc_exchange::sql::{Authorized, SqlStore};
use serde_json::json;

use crate::databases::{Postgres, Sqlite, postgres};

const NOW: u64 = 1_700_000_000;
const END: Timestamp = Timestamp::from_secs(NOW + 100);

fn widget() -> Package {
    Package::new("npm", "acme-widget")
}

fn alice() -> PackageOwner {
    PackageOwner::account("alice")
}

fn publisher(id: &str, package: Package, account: &str, pending: bool) -> PublisherRecord {
    let identity = Identity::new("https://issuer.example", "acme/widget");
    let created_at = Timestamp::from_secs(NOW);
    let mut record = PublisherRecord::new(id, package, "github", identity, json!({ "id": id }), created_at);
    (record.account, record.pending) = (Some(account.to_owned()), pending);
    record
}

/// Stores a publish token as an exchange does, and returns it with its rights.
async fn token(store: &SqlStore, granted: GrantedPackage) -> (TokenHash, TokenRecord) {
    let hash = TokenHash::of(&granted.publisher);
    let text = HEXLOWER.encode(hash.as_bytes());
    let inserts: &[&str] = if granted.only_of.is_some() {
        &[
            "INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run) \
             VALUES ($1, 0, 1700000100, 'github', 'https://issuer.example', '{}')",
            "INSERT INTO oidc_token_prefix (token, ecosystem, package, publisher) VALUES ($1, 'npm', $2, $3)",
        ]
    } else {
        &[
            "INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run, ecosystem, package, publisher) \
           VALUES ($1, 0, 1700000100, 'github', 'https://issuer.example', '{}', 'npm', $2, $3)",
        ]
    };
    let mut transaction = store.begin().await.unwrap();
    for insert in inserts {
        let insert = sqlx::query(*insert).bind(&text);
        let insert = insert.bind(&granted.package.name).bind(&granted.publisher);
        insert.execute(transaction.connection()).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let (provider, issuer) = ("github".to_owned(), "https://issuer.example".to_owned());
    (hash, TokenRecord::new(vec![granted], END, provider, issuer, Run::default()))
}

fn of(record: &TokenRecord, granted: GrantedPackage) -> TokenRecord {
    let mut record = record.clone();
    record.packages = vec![granted];
    record
}

/// Publishes `acme-widget`, and commits where it is allowed.
async fn publish(
    store: &SqlStore,
    record: &TokenRecord,
    token: Option<&TokenHash>,
    owners: &[PackageOwner],
    now: u64,
) -> Option<Authorized> {
    let transaction = store.begin().await.unwrap();
    let now = Timestamp::from_secs(now);
    let record = token.map_or_else(|| record.clone(), |token| record.clone().stored_as(*token));
    let authorized = transaction.authorize(&record, &widget(), owners, now).await.unwrap();
    if authorized.is_some() {
        transaction.commit().await.unwrap();
    }
    authorized
}

async fn a_pending_publisher_creates_its_package_once<H: Harness<Store = SqlStore>>(harness: &H) {
    let store = harness.empty().await;
    for (id, account) in [("p", "alice"), ("q", "mallory")] {
        store.add(&publisher(id, widget(), account, true), &Room::default()).await.unwrap();
    }
    let (hash, record) = token(&store, GrantedPackage::new(widget(), "p".to_owned(), true)).await;
    let (of_q, _) = token(&store, GrantedPackage::new(widget(), "q".to_owned(), true)).await;
    let unknown = of(&record, GrantedPackage::new(widget(), "?".to_owned(), true));
    let other = GrantedPackage::new(Package::new("npm", "other"), "p".to_owned(), true);
    let other = of(&record, other);
    for (record, token, owners, now, why) in [
        (&unknown, &hash, &[][..], NOW, "there is no such publisher"),
        (&other, &hash, &[], NOW, "the token is for another package"),
        (&record, &of_q, &[], NOW, "the token is another's"),
        (&record, &TokenHash::of("?"), &[], NOW, "there is no such token"),
        (&record, &hash, &[], NOW + 100, "the token has expired"),
        (&record, &hash, &[alice()], NOW, "the package exists"),
    ] {
        assert_eq!(publish(&store, record, Some(token), owners, now).await, None, "{why}");
        assert_eq!(store.list(&widget()).await.unwrap().len(), 2, "{why}: nothing changed");
    }
    let created = publish(&store, &record, Some(&hash), &[], NOW).await.unwrap();
    assert_eq!((created.publisher.as_str(), created.creates), ("p", Some(alice())));
    let left = store.list(&widget()).await.unwrap();
    assert!(left.len() == 1 && left[0].proven && !left[0].pending, "{left:?}");

    let late = of(&record, GrantedPackage::new(widget(), "q".to_owned(), true));
    assert_eq!(publish(&store, &late, Some(&of_q), &[], NOW).await, None, "the other one is gone");
    for token in [Some(&hash), None] {
        let second = publish(&store, &record, token, &[alice()], NOW).await.unwrap();
        assert_eq!(second.creates, None, "a second file, with a token that was made before the first");
    }
    let regular = of(&record, GrantedPackage::new(widget(), "p".to_owned(), false));
    let again = publish(&store, &regular, Some(&hash), &[alice()], NOW + 1).await.unwrap();
    assert_eq!(again.creates, None);
    let published_at = store.list(&widget()).await.unwrap()[0].published_at;
    assert_eq!(published_at, Some(Timestamp::from_secs(NOW + 1)));
    assert!(publish(&store, &regular, None, &[], NOW).await.is_some(), "a self-contained token");
    assert_eq!(publish(&store, &regular, None, &[], NOW + 100).await, None, "it has expired");
    assert!(store.remove(&widget(), "p").await.unwrap());
    assert_eq!(publish(&store, &regular, None, &[], NOW).await, None, "its publisher is gone");
}

async fn a_prefix_publishes_the_packages_of_its_owner<H: Harness<Store = SqlStore>>(harness: &H) {
    let store = harness.empty().await;
    let prefix = Package::prefix("npm", "acme-").unwrap();
    let mut room = Room::default();
    room.prefixes_per_account = 1;
    store.add(&publisher("w", prefix, "alice", false), &room).await.unwrap();
    let granted = GrantedPackage::new(widget(), "w".to_owned(), false).only_of(Some(alice()));
    let (hash, record) = token(&store, granted).await;
    for owners in [&[][..], &[PackageOwner::account("bob")], &[PackageOwner::Operator]] {
        assert_eq!(publish(&store, &record, Some(&hash), owners, NOW).await, None, "{owners:?}");
    }
    let owners = [PackageOwner::account("bob"), alice()];
    let authorized = publish(&store, &record, Some(&hash), &owners, NOW).await.unwrap();
    assert_eq!((authorized.publisher.as_str(), authorized.creates), ("w", None));
}

/// The store is asked about a stored token without anybody's doing.
#[tokio::test]
async fn a_stored_token_is_asked_about() {
    let platform = FakePlatform::new();
    let (providers, cx) = (ProviderSet::default().with(platform.clone()), platform.registry());
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    let trust = Trust::new(providers.clone(), store.clone(), &cx);
    let publisher = trust.prepare(widget(), "fake", None, FakePlatform::config()).unwrap();
    trust.add(&publisher).await.unwrap();
    let audience = Audience::new("npm:registry.example").unwrap();
    let verifier = Verifier::new(AwsLc, [audience], &providers, &cx).unwrap();
    let exchange = Exchange::builder(verifier, store.clone()).build();

    let identity_token = platform.token("npm:registry.example", FakePlatform::NOW);
    let request = ExchangeRequest::package("npm", "acme-widget");
    let token = exchange.exchange(&identity_token, &request).await.unwrap().token;
    let record = exchange.find(token.expose()).await.unwrap().unwrap();
    assert!(publish(&store, &record, None, &[], FakePlatform::NOW).await.is_some());
    exchange.revoke(token.expose()).await.unwrap();
    assert_eq!(
        publish(&store, &record, None, &[], FakePlatform::NOW).await,
        None,
        "it was revoked meanwhile"
    );
}

#[tokio::test]
async fn on_sqlite() {
    let harness = Sqlite::new();
    a_pending_publisher_creates_its_package_once(&harness).await;
    a_prefix_publishes_the_packages_of_its_owner(&harness).await;
}

#[needs(postgres)]
#[tokio::test]
async fn on_postgresql() {
    let url = postgres();
    let harness = Postgres::new(url);
    a_pending_publisher_creates_its_package_once(&harness).await;
    a_prefix_publishes_the_packages_of_its_owner(&harness).await;
    harness.clean_up().await;
}
