//! Databases to test with, and ways to make them fail.
#![allow(unreachable_pub)]
// The one place where these tests read the environment.
#![allow(clippy::disallowed_methods)]

use std::sync::Mutex;

use async_trait::async_trait;
use oidc_core::testing::FakeIssuer;
use oidc_exchange::server::testing::conformance::Harness;
use oidc_exchange::sql::SqlStore;
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

/// The PostgreSQL to test with. A test that asks for it says so by `#[needs(postgres)]`, and is ignored where there is none.
pub fn postgres() -> String {
    let url = std::env::var("TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty());
    url.expect("TEST_POSTGRES_URL names no PostgreSQL; see .ci/postgres")
}

/// Runs statements on a connection of its own.
pub async fn execute(url: &str, statements: &[String]) {
    install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    for statement in statements {
        if let Err(error) = connection.execute(AssertSqlSafe(statement.clone())).await {
            panic!("{statement}: {error}");
        }
    }
    connection.close().await.unwrap();
}

/// The tables that a redemption inserts into, in order; the commit follows.
const TABLES: [&str; 4] = ["oidc_replay", "oidc_token", "oidc_token_package", "oidc_learned_id"];
const COMMIT: &str = "commit";
/// PostgreSQL alone: the server ends the connection in the midst of a transaction.
const CONNECTION: &str = "connection";

/// SQLite, each database a file of its own.
pub struct Sqlite {
    folder: TempDir,
    current: Mutex<String>,
}

impl Sqlite {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), current: Mutex::default() }
    }

    pub fn url(&self) -> String {
        self.current.lock().unwrap().clone()
    }
}

#[async_trait]
impl Harness for Sqlite {
    type Store = SqlStore;

    async fn empty(&self) -> SqlStore {
        let file = self.folder.path().join(FakeIssuer::unique_id());
        let url = format!("sqlite:{}", file.display());
        self.current.lock().unwrap().clone_from(&url);
        SqlStore::open(&url).await.unwrap()
    }

    async fn elsewhere(&self, _store: &SqlStore) -> SqlStore {
        SqlStore::open(&self.url()).await.unwrap()
    }

    fn faults(&self) -> &[&str] {
        const { &[TABLES[0], TABLES[1], TABLES[2], TABLES[3], COMMIT] }
    }

    async fn break_at(&self, _store: &SqlStore, fault: &str) {
        let statements = if fault == COMMIT {
            vec![
                "CREATE TABLE IF NOT EXISTS fault_parent (id INTEGER PRIMARY KEY)".to_owned(),
                "CREATE TABLE IF NOT EXISTS fault_child (id INTEGER REFERENCES fault_parent DEFERRABLE INITIALLY DEFERRED)"
                    .to_owned(),
                // A redemption uses an identity token up, and a replacement stores what was learned.
                "CREATE TRIGGER fault AFTER INSERT ON oidc_replay BEGIN INSERT INTO fault_child VALUES (1); END"
                    .to_owned(),
                "CREATE TRIGGER fault_too AFTER INSERT ON oidc_learned_id BEGIN INSERT INTO fault_child VALUES (1); END"
                    .to_owned(),
            ]
        } else {
            vec![format!(
                "CREATE TRIGGER fault BEFORE INSERT ON {fault} BEGIN SELECT RAISE(ABORT, 'injected'); END"
            )]
        };
        execute(&self.url(), &statements).await;
    }

    async fn repair(&self, _store: &SqlStore) {
        let triggers = ["DROP TRIGGER fault", "DROP TRIGGER IF EXISTS fault_too"];
        execute(&self.url(), &triggers.map(str::to_owned)).await;
    }
}

/// PostgreSQL, each database one of its own.
pub struct Postgres {
    server: String,
    made: Mutex<Vec<String>>,
}

impl Postgres {
    pub fn new(server: String) -> Self {
        Self { server, made: Mutex::default() }
    }

    /// The URL of the newest database.
    pub fn url(&self) -> String {
        let name = self.made.lock().unwrap().last().unwrap().clone();
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{name}")
    }

    /// A new database.
    pub async fn create(&self) -> String {
        let name = format!("test_{}", FakeIssuer::unique_id().replace('-', ""));
        execute(&self.server, &[format!("CREATE DATABASE {name}")]).await;
        self.made.lock().unwrap().push(name);
        self.url()
    }

    pub async fn clean_up(&self) {
        let made = self.made.lock().unwrap().clone();
        let drops: Vec<String> =
            made.iter().map(|name| format!("DROP DATABASE {name} WITH (FORCE)")).collect();
        execute(&self.server, &drops).await;
    }
}

#[async_trait]
impl Harness for Postgres {
    type Store = SqlStore;

    async fn empty(&self) -> SqlStore {
        SqlStore::open(&self.create().await).await.unwrap()
    }

    async fn elsewhere(&self, _store: &SqlStore) -> SqlStore {
        SqlStore::open(&self.url()).await.unwrap()
    }

    fn faults(&self) -> &[&str] {
        const { &[TABLES[0], TABLES[1], TABLES[2], TABLES[3], COMMIT, CONNECTION] }
    }

    async fn break_at(&self, _store: &SqlStore, fault: &str) {
        let body = if fault == CONNECTION {
            "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW;"
        } else {
            "RAISE EXCEPTION 'injected';"
        };
        let deferred = |table| {
            format!("CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED")
        };
        let triggers = match fault {
            // A redemption uses an identity token up, and a replacement stores what was learned.
            COMMIT => vec![deferred("oidc_replay"), deferred("oidc_learned_id")],
            CONNECTION => ["oidc_replay", "oidc_learned_id"]
                .map(|table| format!("CREATE TRIGGER fault BEFORE INSERT ON {table}"))
                .to_vec(),
            table => vec![format!("CREATE TRIGGER fault BEFORE INSERT ON {table}")],
        };
        let function =
            format!("CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$");
        let mut statements = vec![function];
        statements.extend(
            triggers.iter().map(|trigger| format!("{trigger} FOR EACH ROW EXECUTE FUNCTION fault()")),
        );
        execute(&self.url(), &statements).await;
    }

    async fn repair(&self, _store: &SqlStore) {
        execute(&self.url(), &["DROP FUNCTION fault CASCADE".to_owned()]).await;
    }
}
