//! An exchange costs the same however many publishers are configured.
//!
//! `cargo test -p oidc-exchange --release --test server store::lookup:: -- --ignored --nocapture` measures it with 1,000 and with
//! 1,000,000 publishers on SQLite, and on PostgreSQL where `TEST_POSTGRES_URL` names one.
#![allow(clippy::print_stdout)]
// What is measured is time.
#![allow(clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use needs::needs;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_exchange::server::testing::conformance::Harness;
use oidc_exchange::server::{Exchange, ExchangeRequest};
use oidc_exchange::sql::SqlStore;
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use crate::databases::{Postgres, Sqlite, execute, postgres};
use crate::registry::{ISSUER, NOW, claims, verifier};

const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
/// The number of times that each is measured, in turn.
const ROUNDS: u32 = 600;
/// The limit on the cost of many publishers, relative to that of few.
const LIMIT: f64 = 1.2;

/// The numbers from 1 to `count`, as what a statement begins with and what it selects `i` from.
fn series(is_sqlite: bool, count: u32) -> (String, String) {
    if is_sqlite {
        let with = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 WHERE {count} > 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        );
        (with, "n".to_owned())
    } else {
        (String::new(), format!("generate_series(1, {count}) AS n (i)"))
    }
}

/// Fills a database with publishers, each of a package and a repository of its own.
async fn fill(url: &str, count: u32) {
    let is_sqlite = url.starts_with("sqlite:");
    let (with, series) = series(is_sqlite, count);
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
        self.measure_request(&ExchangeRequest::identity("npm")).await;
    }

    async fn measure_request(&mut self, request: &ExchangeRequest) {
        let token = self.issuer.sign(&claims(NOW, &json!({ "repository": "owner/repo-1" })));
        let start = Instant::now();
        self.exchange.exchange(&token, request).await.unwrap();
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
    let url = postgres();
    let harness = Postgres::new(url);
    let few = harness.empty().await;
    fill(&harness.url(), FEW).await;
    let many = harness.empty().await;
    fill(&harness.url(), MANY).await;
    compare("PostgreSQL", few, many).await;
    harness.clean_up().await;
}

/// Configures this number of strangers' publishers for `owner/repo-1`, each on a package of its own.
async fn strangers(url: &str, count: u32, accounts: u32) {
    let is_sqlite = url.starts_with("sqlite:");
    let (with, series) = series(is_sqlite, count);
    let insert = format!(
        "{with} INSERT INTO oidc_publisher (id, ecosystem, package, provider, issuer, identity_key, config, pending, \
         created_at, origin, digest, account) SELECT 'stranger-' || i, 'npm', 'evil-' || i, 'fake', '{ISSUER}', \
         'owner/repo-1', '{{\"repository\":\"owner/repo-1\",\"workflow\":\"publish.yml\"}}', 0, {NOW} - 1, 'api', \
         'stranger-' || i, 'account-' || (i % {accounts}) FROM {series}"
    );
    let turns = format!(
        "{with} INSERT INTO oidc_turn (publisher, account, identity_key, issuer, ecosystem, turn, created_at) \
         SELECT 'stranger-' || i, 'account-' || (i % {accounts}), 'owner/repo-1', '{ISSUER}', 'npm', 2 * (i / {accounts} + 1), \
         {NOW} - 1 FROM {series}"
    );
    let analyze = if is_sqlite { "ANALYZE" } else { "VACUUM ANALYZE" };
    execute(url, &[insert, turns, analyze.to_owned()]).await;
}

/// Configures this number of strangers' pending publishers of the package `p` for `owner/repo-1`.
async fn squatters(url: &str, count: u32, accounts: u32) {
    let is_sqlite = url.starts_with("sqlite:");
    let (with, series) = series(is_sqlite, count);
    let insert = format!(
        "{with} INSERT INTO oidc_publisher (id, ecosystem, package, provider, issuer, identity_key, config, pending, \
         created_at, origin, digest, account, package_turn) SELECT 'squatter-' || i, 'npm', 'p', 'fake', '{ISSUER}', \
         'owner/repo-1', '{{\"repository\":\"owner/repo-1\",\"workflow\":\"publish.yml\"}}', 1, {NOW} - 1, 'api', \
         'squatter-' || i, 'account-' || (i % {accounts}), i / {accounts} FROM {series}"
    );
    let analyze = if is_sqlite { "ANALYZE" } else { "VACUUM ANALYZE" };
    execute(url, &[insert, analyze.to_owned()]).await;
}

/// Exchanges at an endpoint that names no package, of a repository that nobody, one account and many accounts configured
/// publishers for: in turn, so that the machine's other work is the same for all.
async fn compare_strangers<H: Harness<Store = SqlStore>>(name: &str, harness: &H, url: impl Fn() -> String) {
    let mut subjects = Vec::new();
    for (count, accounts) in [(0, 1), (1_500, 1), (20_000, 1), (1_500, 1_000), (20_000, 10_000)] {
        let store = harness.empty().await;
        fill(&url(), FEW).await;
        strangers(&url(), count, accounts).await;
        subjects.push((count, accounts, Subject::new(store, FEW)));
    }
    for _ in 0..ROUNDS / 3 {
        for (_, _, subject) in &mut subjects {
            subject.measure_of_all().await;
        }
    }
    let mut medians = Vec::new();
    for (count, accounts, subject) in &mut subjects {
        let median = subject.median();
        println!("{name}: {median:?} with {count} publishers of {accounts} strangers");
        medians.push(median.as_secs_f64());
    }
    for (few, many, whose) in [(1, 2, "one account"), (3, 4, "many accounts")] {
        let ratio = medians[many] / medians[few];
        assert!(ratio <= LIMIT, "{name}, publishers of {whose}: {ratio}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn twenty_thousand_strangers_publishers_cost_what_fifteen_hundred_cost_on_sqlite() {
    let harness = Sqlite::new();
    compare_strangers("SQLite", &harness, || harness.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn twenty_thousand_strangers_publishers_cost_what_fifteen_hundred_cost_on_postgresql() {
    let url = postgres();
    let harness = Postgres::new(url);
    compare_strangers("PostgreSQL", &harness, || harness.url()).await;
    harness.clean_up().await;
}

/// The look-up of an exchange for `p-widget` of the account `a`, with a list's condition.
fn of_prefixes(is_in: impl Fn(&str) -> String) -> String {
    let (prefix, account, key) = (is_in("[\"p-\",\"p-w-\"]"), is_in("[\"a\"]"), is_in("[\"owner/repo-1\"]"));
    format!(
        "SELECT * FROM oidc_publisher WHERE prefix <> '' AND ecosystem = 'npm' AND prefix {prefix} AND account {account} \
         AND identity_key {key} ORDER BY created_at + 0, id LIMIT 1000"
    )
}
/// A prefix's publishers, as they are listed.
const LISTED: &str = "SELECT * FROM oidc_publisher WHERE prefix = 'q-' AND prefix <> '' AND ecosystem = 'npm' ORDER BY created_at + 0, id";

/// Has as many strangers configure a publisher for the prefix `p-` and `owner/repo-1`.
async fn strangers_of_prefix(url: &str, count: u32, analyze: bool) {
    let is_sqlite = url.starts_with("sqlite:");
    let (with, series) = series(is_sqlite, count);
    let insert = format!(
        "{with} INSERT INTO oidc_publisher (id, ecosystem, package, prefix, provider, issuer, identity_key, config, pending, \
         created_at, origin, digest, account) SELECT 'wide-' || i, 'npm', '', 'p-', 'fake', '{ISSUER}', 'owner/repo-1', '{{}}', 0, \
         {NOW} - 1, 'api', 'wide-' || i, 'account-' || i FROM {series}"
    );
    let mut statements = vec![insert];
    if analyze {
        statements.push(if is_sqlite { "ANALYZE" } else { "VACUUM ANALYZE" }.to_owned());
    }
    execute(url, &statements).await;
}

#[tokio::test]
async fn twenty_thousand_strangers_prefixes_are_not_read_for_a_package_on_sqlite() {
    let harness = Sqlite::new();
    for analyze in [false, true] {
        harness.empty().await;
        strangers_of_prefix(&harness.url(), 20_000, analyze).await;
        let mut connection = AnyConnection::connect(&harness.url()).await.unwrap();
        let found = of_prefixes(|list| format!("IN (SELECT value FROM json_each('{list}'))"));
        for (statement, columns) in [(found.as_str(), " AND account=?"), (LISTED, ")")] {
            let steps = plan(&mut connection, "EXPLAIN QUERY PLAN", statement).await.join("; ");
            let expected = format!("oidc_publisher_by_prefix (prefix=? AND ecosystem=?{columns}");
            assert!(steps.contains(&expected), "{steps}");
        }
    }
}

#[needs(postgres)]
#[tokio::test]
async fn twenty_thousand_strangers_prefixes_are_not_read_for_a_package_on_postgresql() {
    let url = postgres();
    let harness = Postgres::new(url);
    harness.empty().await;
    strangers_of_prefix(&harness.url(), 20_000, true).await;
    let mut connection = AnyConnection::connect(&harness.url()).await.unwrap();
    let found =
        of_prefixes(|list| format!("= ANY (ARRAY(SELECT jsonb_array_elements_text('{list}'::jsonb)))"));
    let mut steps = plan(&mut connection, "EXPLAIN (ANALYZE, COSTS OFF)", &found).await.join("; ");
    steps += &plan(&mut connection, "EXPLAIN (ANALYZE, COSTS OFF)", LISTED).await.join("; ");
    connection.close().await.unwrap();
    harness.clean_up().await;
    assert!(
        steps.contains("oidc_publisher_by_prefix") || steps.contains("oidc_publisher_by_account"),
        "{steps}"
    );
    assert!(!steps.contains("Seq Scan") && !steps.contains("Rows Removed by Filter"), "{steps}");
}

/// Statements that an exchange, a publish, the purge and an owner's settings page wait for.
const WAITED_FOR: &[&str] = &[
    "SELECT * FROM oidc_publisher WHERE identity_key = 'k' AND issuer = 'i' AND ecosystem = 'e' AND package = 'p' \
     ORDER BY pending, package_turn, created_at, id LIMIT 1000 OFFSET 0",
    "SELECT * FROM oidc_publisher WHERE identity_key = 'k' AND issuer = 'i' AND ecosystem = 'e' AND package = 'p' \
     AND account <> '' AND account NOT IN (SELECT DISTINCT account FROM oidc_proven WHERE identity_key = 'k' AND issuer = 'i' \
     AND account > '' ORDER BY account LIMIT 100) ORDER BY pending, package_turn, created_at, id LIMIT 1000 OFFSET 0",
    "SELECT * FROM oidc_publisher WHERE identity_key = 'k' AND issuer = 'i' AND ecosystem = 'e' AND package = 'p' \
     AND account = 'a' ORDER BY pending, created_at, id LIMIT 1000 OFFSET 0",
    "SELECT COUNT(*) FROM oidc_publisher WHERE package = 'p' AND ecosystem = 'e' AND account = 'a' AND identity_key = 'k' \
     AND issuer = 'i' AND pending = 1",
    "SELECT * FROM oidc_publisher WHERE identity_key = 'k' AND issuer = 'i' AND ecosystem = 'e' AND account = 'a' \
     ORDER BY pending, created_at, id LIMIT 1000 OFFSET 0",
    "SELECT publisher FROM oidc_turn WHERE identity_key = 'k' AND issuer = 'i' AND ecosystem = 'e' AND account NOT IN \
     (SELECT DISTINCT account FROM oidc_proven WHERE identity_key = 'k' AND issuer = 'i' AND account > '' \
     ORDER BY account LIMIT 100) ORDER BY turn, created_at, publisher LIMIT 32 OFFSET 0",
    "SELECT DISTINCT account FROM oidc_proven WHERE identity_key = 'k' AND issuer = 'i' AND account > '' \
     ORDER BY account LIMIT 100",
    "SELECT COUNT(*) FROM oidc_publisher WHERE account = 'a' AND identity_key = 'k' AND issuer = 'i' AND ecosystem = 'e' \
     AND pending = 1",
    "SELECT * FROM oidc_publisher WHERE package = 'p' AND ecosystem = 'e' \
     ORDER BY identity_key, issuer, pending, package_turn, created_at, id LIMIT 8",
    "SELECT publisher FROM oidc_publisher_id WHERE value = 'v' AND claim = 'c' AND issuer = 'i' AND ecosystem = 'e' \
     ORDER BY worth, created_at, publisher LIMIT 32",
    "SELECT publisher FROM oidc_publisher_id WHERE value = 'v' AND claim = 'c' AND issuer = 'i' AND ecosystem = 'e' \
     AND package = 'p' ORDER BY worth, created_at, publisher LIMIT 32",
    "SELECT id, ecosystem, package FROM oidc_publisher WHERE id IN ('a', 'b') ORDER BY id",
    "SELECT publisher, claim, value FROM oidc_learned_id WHERE publisher IN ('a', 'b')",
    "SELECT * FROM oidc_token t JOIN oidc_publisher q ON q.id = t.publisher WHERE t.hash = 'h' AND t.expires_at > 1",
    "SELECT * FROM oidc_token t JOIN oidc_token_package p ON p.token = t.hash JOIN oidc_publisher q \
     ON q.id = p.publisher WHERE t.hash = 'h' AND t.expires_at > 1",
    "DELETE FROM oidc_publisher WHERE id = 'i' AND ecosystem = 'e' AND package = 'p'",
    "SELECT hash FROM oidc_token WHERE expires_at <= 1 ORDER BY expires_at LIMIT 10",
    "SELECT key FROM oidc_replay WHERE remember_until <= 1 ORDER BY remember_until LIMIT 10",
    // Whoever adds a publisher, and the purge.
    "SELECT COUNT(*) FROM oidc_publisher WHERE digest = 'd'",
    "SELECT COUNT(*), SUM(pending) FROM oidc_publisher WHERE account = 'a'",
    "SELECT COUNT(*) FROM oidc_publisher p WHERE p.account = 'a' AND p.package = 'p' AND p.ecosystem = 'e'",
    "SELECT id FROM oidc_publisher WHERE pending = 1 AND account <> '' AND created_at <= 1 ORDER BY created_at LIMIT 10",
    "SELECT p.id FROM oidc_publisher p WHERE p.lapses = 1 AND p.account <> '' AND p.created_at <= 1 \
     AND NOT EXISTS (SELECT 1 FROM oidc_proven u WHERE u.publisher = p.id) ORDER BY p.created_at LIMIT 10",
    // Publishers for prefixes: found at an exchange, and listed.
    "SELECT * FROM oidc_publisher WHERE prefix <> '' AND ecosystem = 'e' AND prefix IN ('p-', 'p-q-') AND account IN ('a', 'b') \
     AND identity_key IN ('k', 'l')",
    "SELECT * FROM oidc_publisher WHERE prefix = 'p-' AND prefix <> '' AND ecosystem = 'e'",
    "SELECT * FROM oidc_publisher WHERE prefix <> '' AND ecosystem = 'e' AND prefix IN ('p-', 'p-q-') AND account IN ('a', 'b')",
    "SELECT * FROM oidc_publisher WHERE ecosystem = 'e' AND account IN ('a', 'b') AND identity_key IN ('k', 'l') \
     AND EXISTS (SELECT 1 FROM oidc_learned_id k WHERE k.publisher = oidc_publisher.id)",
    "SELECT * FROM oidc_token t JOIN oidc_token_prefix g ON g.token = t.hash JOIN oidc_publisher q ON q.id = g.publisher \
     WHERE t.hash = 'h' AND t.expires_at > 1",
    // A settings page.
    "SELECT p.id, COUNT(*) FROM oidc_publisher p JOIN oidc_token t ON t.publisher = p.id \
     LEFT JOIN oidc_proven u ON u.publisher = p.id WHERE p.package = 'p' AND p.ecosystem = 'e' AND t.expires_at > 1 GROUP BY p.id",
    "SELECT p.id, COUNT(*) FROM oidc_publisher p JOIN oidc_token_package g ON g.publisher = p.id \
     JOIN oidc_token t ON t.hash = g.token LEFT JOIN oidc_proven u ON u.publisher = p.id \
     WHERE p.package = 'p' AND p.ecosystem = 'e' AND t.expires_at > 1 GROUP BY p.id",
];

/// The statements, with the identity that many strangers configured publishers for.
fn waited_for() -> impl Iterator<Item = String> {
    WAITED_FOR.iter().map(|statement| {
        let statement = statement.replace("'k'", "'owner/repo-1'").replace("'e'", "'npm'");
        statement.replace("issuer = 'i'", &format!("issuer = '{ISSUER}'"))
    })
}

/// The steps of a statement's plan.
async fn plan(connection: &mut AnyConnection, explain: &str, statement: &str) -> Vec<String> {
    let explain = AssertSqlSafe(format!("{explain} {statement}"));
    let plan = sqlx::query(explain).fetch_all(connection).await.unwrap();
    let column = plan.first().unwrap().columns().len().saturating_sub(1);
    plan.iter().map(|step| step.try_get(column).unwrap()).collect()
}

/// None reads a whole table or all of an identity's publishers, whether one stranger named it or many.
#[tokio::test]
async fn whatever_is_waited_for_is_looked_up_by_an_index_on_sqlite() {
    let harness = Sqlite::new();
    for accounts in [1, 10_000] {
        harness.empty().await;
        fill(&harness.url(), FEW).await;
        strangers(&harness.url(), 20_000, accounts).await;
        squatters(&harness.url(), 20_000, accounts).await;
        let mut connection = AnyConnection::connect(&harness.url()).await.unwrap();
        for statement in waited_for() {
            for step in plan(&mut connection, "EXPLAIN QUERY PLAN", &statement).await {
                assert!(!step.starts_with("SCAN"), "{statement}: {step}");
                // A result with a limit is read in the order of the index, so its cost doesn't grow with the number of rows.
                let is_sorted = step.contains("TEMP B-TREE") && !statement.contains("GROUP BY");
                assert!(!is_sorted, "{statement}: {step}");
            }
        }
    }
}

#[needs(postgres)]
#[tokio::test]
async fn whatever_is_waited_for_is_looked_up_by_an_index_on_postgresql() {
    let url = postgres();
    let harness = Postgres::new(url);
    for accounts in [1, 10_000] {
        harness.empty().await;
        fill(&harness.url(), FEW).await;
        strangers(&harness.url(), 20_000, accounts).await;
        squatters(&harness.url(), 20_000, accounts).await;
        let mut connection = AnyConnection::connect(&harness.url()).await.unwrap();
        for statement in waited_for() {
            for step in plan(&mut connection, "EXPLAIN", &statement).await {
                // The others are empty, and an empty table is read as a whole.
                for table in ["oidc_publisher ", "oidc_turn "] {
                    assert!(!step.contains(&format!("Seq Scan on {table}")), "{statement}: {step}");
                }
                let is_in_order = statement.contains("package_turn");
                assert!(!(is_in_order && step.contains("Sort Key: oidc_publisher")), "{statement}: {step}");
            }
        }
        connection.close().await.unwrap();
    }
    harness.clean_up().await;
}
