//! An exchange costs the same however many publishers are configured.
//!
//! `cargo test -p oidc-exchange --release --test store_lookup -- --ignored --nocapture` measures it with 1,000 and with
//! 1,000,000 publishers on SQLite, and on PostgreSQL where `TEST_POSTGRES_URL` names one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]
// What is measured is time.
#![allow(clippy::disallowed_methods)]

mod server;
mod stores;

use std::sync::Arc;
use std::time::{Duration, Instant};

use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_exchange::server::testing::conformance::Harness as _;
use oidc_exchange::server::{Exchange, ExchangeRequest};
use oidc_exchange::sql::SqlStore;
use serde_json::json;
use server::{ISSUER, NOW, claims, verifier};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};
use stores::{Postgres, Sqlite, execute, postgres};

const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
/// How often each is measured, in turn.
const ROUNDS: u32 = 600;
/// What many publishers may cost more.
const LIMIT: f64 = 1.2;

/// Fills a database with publishers, each of a package and a repository of its own.
async fn fill(url: &str, count: u32) {
    let is_sqlite = url.starts_with("sqlite:");
    let (with, series) = if is_sqlite {
        let with =
            format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
        (with, "n".to_owned())
    } else {
        (String::new(), format!("generate_series(1, {count}) AS n (i)"))
    };
    let insert = format!(
        "{with} INSERT INTO oidc_publisher (id, ecosystem, package, provider, issuer, identity_key, config, pending, \
         created_at, origin, digest) SELECT 'id-' || i, 'npm', 'package-' || i, 'fake', '{ISSUER}', 'owner/repo-' || i, \
         '{{\"repository\":\"owner/repo-' || i || '\",\"workflow\":\"publish.yml\"}}', 0, {NOW}, 'file', 'digest-' || i \
         FROM {series}"
    );
    let analyze = if is_sqlite { "ANALYZE" } else { "VACUUM ANALYZE" };
    execute(url, &[insert, analyze.to_owned()]).await;
}

struct Subject {
    exchange: Exchange,
    issuer: Arc<FakeIssuer>,
    count: u32,
    times: Vec<Duration>,
}

impl Subject {
    fn new(store: SqlStore, count: u32) -> Self {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        let clock = ManualClock::at(NOW);
        let (verifier, _) = verifier(FakeHttp::of_issuer(Arc::clone(&issuer)), &clock);
        let exchange = Exchange::builder(verifier, store).build();
        Self { exchange, issuer, count, times: Vec::new() }
    }

    /// One exchange by a publisher somewhere among the others.
    async fn measure(&mut self, round: u32) {
        let number = 1 + round * 7919 % self.count;
        let changes = json!({ "repository": format!("owner/repo-{number}") });
        let token = self.issuer.sign(&claims(NOW, &changes));
        let request = ExchangeRequest::package("npm", format!("package-{number}"));
        let start = Instant::now();
        self.exchange.exchange(&token, &request).await.unwrap();
        self.times.push(start.elapsed());
    }

    /// One exchange for all packages of an identity.
    async fn measure_of_all(&mut self) {
        let token = self.issuer.sign(&claims(NOW, &json!({ "repository": "owner/repo" })));
        let start = Instant::now();
        self.exchange.exchange(&token, &ExchangeRequest::identity("npm")).await.unwrap();
        self.times.push(start.elapsed());
    }

    fn median(&mut self) -> Duration {
        self.times.sort_unstable();
        self.times[self.times.len() / 2]
    }
}

async fn compare(name: &str, few: SqlStore, many: SqlStore) {
    let (mut few, mut many) = (Subject::new(few, FEW), Subject::new(many, MANY));
    for round in 0..ROUNDS {
        few.measure(round).await;
        many.measure(round).await;
    }
    let (few, many) = (few.median(), many.median());
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    println!("{name}: {few:?} with {FEW} publishers, {many:?} with {MANY}, ratio {ratio:.3}");
    assert!(ratio <= LIMIT, "{name}: {ratio}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "fills databases with a million publishers"]
async fn a_million_publishers_cost_what_a_thousand_cost_on_sqlite() {
    let harness = Sqlite::new();
    let few = harness.empty().await;
    fill(&harness.url(), FEW).await;
    let many = harness.empty().await;
    fill(&harness.url(), MANY).await;
    compare("SQLite", few, many).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "fills databases with a million publishers"]
async fn a_million_publishers_cost_what_a_thousand_cost_on_postgresql() {
    let Some(url) = postgres() else { return };
    let harness = Postgres::new(url);
    let few = harness.empty().await;
    fill(&harness.url(), FEW).await;
    let many = harness.empty().await;
    fill(&harness.url(), MANY).await;
    compare("PostgreSQL", few, many).await;
    harness.clean_up().await;
}

/// Exchanges at an endpoint that names no package, of an identity that strangers configured publishers for.
async fn compare_strangers(name: &str, few: SqlStore, many: SqlStore) {
    let (mut few, mut many) = (Subject::new(few, FEW), Subject::new(many, MANY));
    for _ in 0..20 {
        few.measure_of_all().await;
        many.measure_of_all().await;
    }
    let (few, many) = (few.median(), many.median());
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    println!("{name}: {few:?} with {FEW} publishers of one identity, {many:?} with {MANY}, ratio {ratio:.3}");
    assert!(ratio <= LIMIT, "{name}: {ratio}");
}

/// Has all publishers name one repository.
async fn crowd(url: &str) {
    let config = r#"{"repository":"owner/repo","workflow":"publish.yml"}"#;
    let update = format!("UPDATE oidc_publisher SET identity_key = 'owner/repo', config = '{config}'");
    execute(url, &[update, "ANALYZE".to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "fills databases with a million publishers"]
async fn a_million_publishers_of_one_identity_cost_what_a_thousand_cost_on_sqlite() {
    let harness = Sqlite::new();
    let few = harness.empty().await;
    fill(&harness.url(), FEW).await;
    crowd(&harness.url()).await;
    let many = harness.empty().await;
    fill(&harness.url(), MANY).await;
    crowd(&harness.url()).await;
    compare_strangers("SQLite", few, many).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "fills databases with a million publishers"]
async fn a_million_publishers_of_one_identity_cost_what_a_thousand_cost_on_postgresql() {
    let Some(url) = postgres() else { return };
    let harness = Postgres::new(url);
    let few = harness.empty().await;
    fill(&harness.url(), FEW).await;
    crowd(&harness.url()).await;
    let many = harness.empty().await;
    fill(&harness.url(), MANY).await;
    crowd(&harness.url()).await;
    compare_strangers("PostgreSQL", few, many).await;
    harness.clean_up().await;
}

/// The plans of the statements that an exchange and a publish wait for: none reads a whole table.
#[tokio::test]
async fn what_an_exchange_and_a_publish_look_up_is_looked_up_by_an_index() {
    let harness = Sqlite::new();
    harness.empty().await;
    fill(&harness.url(), FEW).await;
    let mut connection = AnyConnection::connect(&harness.url()).await.unwrap();
    for statement in [
        "SELECT * FROM oidc_publisher WHERE identity_key = 'k' AND issuer = 'i' AND ecosystem = 'e' AND package = 'p' \
         ORDER BY pending, created_at, id LIMIT 1000",
        "SELECT * FROM oidc_publisher WHERE identity_key = 'k' AND issuer = 'i' AND ecosystem = 'e' \
         ORDER BY pending, created_at, id LIMIT 1000 OFFSET 0",
        "SELECT publisher FROM oidc_publisher_id WHERE value = 'v' AND claim = 'c' AND issuer = 'i' AND ecosystem = 'e' \
         ORDER BY created_at, publisher LIMIT 32",
        "SELECT publisher FROM oidc_publisher_id WHERE value = 'v' AND claim = 'c' AND issuer = 'i' AND ecosystem = 'e' \
         AND package = 'p' ORDER BY created_at, publisher LIMIT 32",
        "SELECT id, ecosystem, package FROM oidc_publisher WHERE id IN ('a', 'b') ORDER BY id",
        "SELECT publisher, claim, value FROM oidc_learned_id WHERE publisher IN ('a', 'b')",
        "SELECT * FROM oidc_token t JOIN oidc_token_package p ON p.token = t.hash JOIN oidc_publisher q \
         ON q.id = p.publisher WHERE t.hash = 'h' AND t.expires_at > 1",
        "DELETE FROM oidc_publisher WHERE id = 'i' AND ecosystem = 'e' AND package = 'p'",
        "SELECT hash FROM oidc_token WHERE expires_at <= 1 ORDER BY expires_at LIMIT 10",
        "SELECT key FROM oidc_replay WHERE remember_until <= 1 ORDER BY remember_until LIMIT 10",
    ] {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let plan = sqlx::query(explain).fetch_all(&mut connection).await.unwrap();
        for step in plan {
            let step: String = step.try_get("detail").unwrap();
            assert!(!step.starts_with("SCAN"), "{statement}: {step}");
            // What is limited is read in the index's order, however much there is. A package's publishers are few.
            let is_sorted = step.contains("TEMP B-TREE") && !statement.contains("package = 'p'");
            assert!(!is_sorted, "{statement}: {step}");
        }
    }
}
