//! Opening a database: with a role that may not change its tables, beside a newer release, with options.

use std::time::Duration;

use needs::needs;
use oidc_core::{Identity, Timestamp};
use oidc_exchange::server::testing::conformance::{self, Harness};
use oidc_exchange::server::{
    Package, PublisherRecord, PublisherStore as _, Room, Stored, TokenHash, TokenStore as _, TrustStore as _,
};
use oidc_exchange::sql::{OpenError, SqlOptions, SqlStore};
use serde_json::json;

use crate::databases::{Postgres, Sqlite, execute, postgres};

fn publisher() -> PublisherRecord {
    let identity = Identity::new("https://issuer.example", "acme/widget");
    let package = Package::new("npm", "widget");
    PublisherRecord::new("p", package, "github", identity, json!({}), Timestamp::from_secs(1))
}

/// Calls the store as a serving process does.
async fn serve(store: &SqlStore) {
    let package = Package::new("npm", "widget");
    assert_eq!(store.add(&publisher(), &Room::default()).await.unwrap(), Stored::Done);
    let found = store.candidates(&[publisher().identity], "npm", None).await.unwrap().into_all();
    assert_eq!(found.len(), 1);
    let transaction = store.begin().await.unwrap();
    assert!(transaction.is_active(&package, "p").await.unwrap());
    let hash = TokenHash::of("?");
    assert!(!transaction.is_granted(&hash, &package, "p", Timestamp::from_secs(1)).await.unwrap());
    let mut other = publisher();
    other.id = "q".to_owned();
    other.config = json!({ "a": 1 });
    assert_eq!(transaction.replace(&publisher(), &other, &Room::default()).await.unwrap(), Stored::Done);
    transaction.commit().await.unwrap();
    store.revoke(&hash).await.unwrap();
    store.purge(Timestamp::from_secs(2), 10).await.unwrap();
    assert!(store.remove(&package, "q").await.unwrap());
}

/// A role that may read and write rows and nothing else.
async fn role_without_ddl(harness: &Postgres, url: &str) -> String {
    let role = url.rsplit_once('/').unwrap().1.replace("test_", "role_");
    let of_owner: Vec<String> = [
        format!("CREATE ROLE {role} LOGIN PASSWORD 'secret'"),
        "REVOKE ALL ON SCHEMA public FROM PUBLIC".to_owned(),
        format!("GRANT USAGE ON SCHEMA public TO {role}"),
        // For what is created later as well.
        format!(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
        ),
    ]
    .to_vec();
    execute(url, &of_owner).await;
    let (_, server) = harness.url().rsplit_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    format!("postgres://{role}:secret@{server}")
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_without_ddl_opens_tables_that_are_up_to_date() {
    let server = postgres();
    let harness = Postgres::new(server.clone());
    let owners = harness.create().await;
    let serving = role_without_ddl(&harness, &owners).await;

    for refused in [SqlOptions::new(&serving).connect().await, SqlStore::open(&serving).await] {
        let error = refused.expect_err("there are no tables yet");
        assert!(matches!(error, OpenError::OutOfDate { found: 0, .. } | OpenError::Migrate(_)), "{error:?}");
    }
    SqlOptions::new(&owners).migrate().await.unwrap();
    execute(&owners, &["REVOKE INSERT, UPDATE, DELETE ON oidc_migration FROM PUBLIC".to_owned()]).await;
    for store in [SqlOptions::new(&serving).connect().await, SqlStore::open(&serving).await] {
        serve(&store.unwrap()).await;
    }
    let migrated = SqlOptions::new(&serving).migrate().await;
    migrated.expect("there is nothing to bring up to date");
    harness.clean_up().await;
    let role = serving.split_once("//").unwrap().1.split_once(':').unwrap().0.to_owned();
    execute(&server, &[format!("DROP ROLE {role}")]).await;
}

/// Changes that a later release may make: a table, a column with a default, a column that may be empty, an index.
const NEXT_RELEASE: [&str; 6] = [
    "CREATE TABLE oidc_later (id TEXT PRIMARY KEY, publisher TEXT REFERENCES oidc_publisher (id) ON DELETE CASCADE)",
    "ALTER TABLE oidc_publisher ADD COLUMN later BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE oidc_token ADD COLUMN later TEXT",
    "ALTER TABLE oidc_learned_id ADD COLUMN later TEXT",
    "CREATE INDEX oidc_publisher_by_later ON oidc_publisher (later)",
    "INSERT INTO oidc_migration (version, description, success, checksum, execution_time) VALUES (9999, 'later', TRUE, '', 0)",
];

/// A database that a newer release brought up to date, and this release beside it.
struct Newer<H>(H);

impl Newer<Sqlite> {
    fn url(&self) -> String {
        self.0.url()
    }
}

macro_rules! newer {
    ($harness:ty) => {
        #[async_trait::async_trait]
        impl Harness for Newer<$harness> {
            type Store = SqlStore;

            async fn empty(&self) -> SqlStore {
                let store = self.0.empty().await;
                let statements = NEXT_RELEASE.map(str::to_owned);
                execute(&self.0.url(), &statements).await;
                drop(store);
                // Started again, after the newer one.
                SqlOptions::new(self.0.url()).connect().await.unwrap()
            }

            async fn elsewhere(&self, _store: &SqlStore) -> SqlStore {
                SqlOptions::new(self.0.url()).migrate().await.unwrap();
                SqlStore::open(&self.0.url()).await.unwrap()
            }
        }
    };
}

newer!(Sqlite);
newer!(Postgres);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_works_beside_a_newer_one_on_sqlite() {
    let harness = Newer(Sqlite::new());
    conformance::all(&harness).await;
    assert!(harness.url().starts_with("sqlite:"));
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_works_beside_a_newer_one_on_postgresql() {
    let server = postgres();
    let harness = Newer(Postgres::new(server));
    conformance::all(&harness).await;
    harness.0.clean_up().await;
}

async fn tables_that_are_older_are_refused(url: &str) {
    let options = SqlOptions::new(url);
    options.migrate().await.unwrap();
    execute(url, &["DELETE FROM oidc_migration WHERE version = 3".to_owned()]).await;
    let error = options.connect().await.expect_err("migrations are missing").to_string();
    assert!(error.contains("at version 2, and this program needs version"), "{error}");
    execute(url, &["DELETE FROM oidc_migration".to_owned()]).await;
    assert!(matches!(options.connect().await, Err(OpenError::OutOfDate { found: 0, .. })));
    assert!(matches!(options.open().await, Err(OpenError::Migrate(_))), "its tables are there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_are_older_than_is_needed_are_refused() {
    let sqlite = Sqlite::new();
    drop(sqlite.empty().await);
    tables_that_are_older_are_refused(&sqlite.url()).await;
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_are_older_than_is_needed_are_refused_on_postgresql() {
    let server = postgres();
    let harness = Postgres::new(server);
    tables_that_are_older_are_refused(&harness.create().await).await;
    harness.clean_up().await;
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_migrate_at_once_each_finds_the_tables_up_to_date() {
    let server = postgres();
    let harness = Postgres::new(server);
    let url = harness.create().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let options = SqlOptions::new(&url).schema("registry");
        tasks.spawn(async move {
            if number % 2 == 0 { options.migrate().await } else { options.open().await.map(drop) }
        });
    }
    for migrated in tasks.join_all().await {
        migrated.unwrap();
    }
    harness.clean_up().await;
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tables_are_in_the_schema_that_the_options_name() {
    let server = postgres();
    let harness = Postgres::new(server);
    let url = harness.create().await;
    for schema in ["registry", "user"] {
        let options = SqlOptions::new(&url).schema(schema);
        assert!(matches!(options.connect().await, Err(OpenError::OutOfDate { .. })), "{schema}");
        options.migrate().await.unwrap();
        serve(&options.connect().await.unwrap()).await;
    }
    let store = SqlOptions::new(&url).schema("registry").connect().await.unwrap();
    let query = "SELECT CAST(nspname AS TEXT) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE relname IN ('oidc_publisher', 'oidc_migration') ORDER BY 1";
    let schemas: Vec<String> = sqlx::query_scalar(query).fetch_all(store.pool()).await.unwrap();
    assert_eq!(schemas, ["registry", "registry", "user", "user"], "and none in `public`");
    harness.clean_up().await;
}

#[tokio::test]
async fn whoever_finds_no_connection_free_is_told_after_the_time_that_was_set() {
    let sqlite = Sqlite::new();
    drop(sqlite.empty().await);
    let options = SqlOptions::new(sqlite.url()).max_connections(1);
    let store = options.acquire_timeout(Duration::from_millis(50)).connect().await.unwrap();
    let transaction = store.begin().await.unwrap();
    store.list(&Package::new("npm", "widget")).await.expect_err("the only connection is in use");
    drop(transaction);
    store.list(&Package::new("npm", "widget")).await.unwrap();
}

struct InMemory;

#[async_trait::async_trait]
impl Harness for InMemory {
    type Store = SqlStore;

    async fn empty(&self) -> SqlStore {
        SqlStore::open("sqlite::memory:").await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_memory_conforms() {
    conformance::all(&InMemory).await;
}
