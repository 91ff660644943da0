//! The cost of an exchange as a registry grows, and while a million records are purged.
//!
//! - `growth publishers URL=COUNT… [ROUNDS]`: databases with so many publishers, each of a repository of its own, in turn;
//! - `growth purge URL RECORDS [BATCH]`: exchanges by one caller alone, and while so many records are purged, 20 or `BATCH` at a time.
//!
//! A database that is empty is filled first.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench that can't be set up has nothing to measure, and it reads the clock"
)]

use std::io::Write as _;
use std::time::{Duration, Instant};

use benches::measure::Report;
use benches::scene::{self, Scene};
use oidc_core::testing::{FakeIssuer, SigningAlgorithm};
use oidc_exchange::server::{Exchange, ExchangeRequest};
use oidc_exchange::sql::SqlStore;
use oidc_providers::github::sample;
use serde_json::json;
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

/// Exchanges in one turn.
const EACH: u32 = 48;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    install_default_drivers();
    let report = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["publishers", databases @ ..] => runtime.block_on(publishers(databases)),
        ["purge", url, records, rest @ ..] => {
            let batch = rest.first().map_or(20, |batch| batch.parse().expect("a number"));
            runtime.block_on(purge(url, records.parse().expect("a number"), batch))
        }
        _ => return writeln!(std::io::stderr(), "growth publishers|purge …").expect("standard error"),
    };
    writeln!(std::io::stdout(), "{}", report.to_json()).expect("standard output");
}

/// A database with so many publishers.
struct Registry {
    name: String,
    exchange: Exchange,
    count: u32,
    times: Vec<f64>,
}

impl Registry {
    async fn new(scene: &Scene, url: &str, count: u32) -> Self {
        let store = SqlStore::open(url).await.expect("a database");
        fill(url, count).await;
        let exchange = Exchange::builder(scene.verifier.clone(), store).build();
        let kind = if url.starts_with("sqlite:") { "sqlite" } else { "postgres" };
        Self { name: format!("{kind}_{count}"), exchange, count, times: Vec::new() }
    }

    /// Exchanges by publishers all over the table.
    async fn round(&mut self, scene: &Scene, round: u32) {
        let numbers =
            (0..EACH).map(|turn| 1 + (round * EACH + turn).wrapping_mul(2_654_435_761) % self.count);
        let asked: Vec<(String, ExchangeRequest)> = numbers.map(|number| asked(scene, number)).collect();
        for (token, request) in asked {
            let begin = Instant::now();
            self.exchange.exchange(&token, &request).await.expect("a publish token");
            self.times.push(begin.elapsed().as_secs_f64() * 1e6);
        }
    }

    /// The median of each turn.
    fn medians(&self) -> Vec<f64> {
        self.times.chunks(EACH as usize).map(|turn| percentile(turn, 50)).collect()
    }
}

/// A job of the repository of a number, and the request for its package.
fn asked(scene: &Scene, number: u32) -> (String, ExchangeRequest) {
    let repository = format!("owner/repo-{number}");
    let overrides = [("repository", json!(repository)), ("exp", json!(scene.now() + 3600))];
    let overrides = overrides.into_iter().map(|(name, value)| (name.to_owned(), Some(value))).collect();
    let claims = sample::claims_with(
        scene::ISSUER,
        scene::AUDIENCE,
        scene.now(),
        &FakeIssuer::unique_id(),
        &overrides,
    );
    (scene.issuer.sign(&claims), ExchangeRequest::package("npm", format!("package-{number}")))
}

async fn publishers(arguments: &[&str]) -> Report {
    let scene = Scene::new(SigningAlgorithm::Rs256).await;
    let mut registries = Vec::new();
    let mut rounds = 41;
    for argument in arguments {
        match argument.rsplit_once('=') {
            Some((url, count)) => {
                registries.push(Registry::new(&scene, url, count.parse().expect("a number")).await);
            }
            None => rounds = argument.parse().expect("a number"),
        }
    }
    for round in 0..rounds {
        for registry in &mut registries {
            registry.round(&scene, round).await;
        }
    }
    let mut report = Report::default();
    let first = registries.first().map(Registry::medians).unwrap_or_default();
    for registry in &registries {
        let medians = registry.medians();
        let ratios = medians.iter().zip(&first).map(|(many, few)| many / few).collect();
        report.add(&format!("over_first_{}", registry.name), ratios);
        report.add(&format!("exchange_us_{}", registry.name), medians);
    }
    report
}

/// The numbers from 1 on: what a statement begins with, and what it selects `i` from.
fn series(is_sqlite: bool, count: u32) -> (String, String) {
    if is_sqlite {
        let with =
            format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
        return (with, "n".to_owned());
    }
    (String::new(), format!("generate_series(1, {count}) AS n (i)"))
}

async fn execute(connection: &mut AnyConnection, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.expect("a statement");
}

/// Adds publishers whose ids are spread over the index, as random ones are.
async fn fill(url: &str, count: u32) {
    let mut connection = AnyConnection::connect(url).await.expect("a database");
    let (present,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM oidc_publisher")
        .fetch_one(&mut connection)
        .await
        .expect("a count");
    if present > 0 {
        return;
    }
    let is_sqlite = url.starts_with("sqlite:");
    let (with, series) = series(is_sqlite, count);
    let id =
        if is_sqlite { "printf('%08x-%d', i * 2654435761 & 4294967295, i)" } else { "md5(CAST(i AS TEXT))" };
    let issuer = scene::ISSUER;
    let rules = "'{\"repository\":\"owner/repo-' || i || '\",\"workflow\":\"publish.yml\",\"repository_id\":\"2\",\"repository_owner_id\":\"1\"}'";
    execute(&mut connection, format!(
        "{with} INSERT INTO oidc_publisher (id, ecosystem, package, provider, issuer, identity_key, config, pending, created_at, \
         origin, digest, lapses) SELECT {id}, 'npm', 'package-' || i, 'github', '{issuer}', 'owner/repo-' || i, {rules}, 0, \
         1700000000, 'file', 'digest-' || i, 0 FROM {series}"
    )).await;
    execute(&mut connection, if is_sqlite { "ANALYZE" } else { "VACUUM ANALYZE" }.to_owned()).await;
}

async fn purge(url: &str, records: u32, batch: u32) -> Report {
    let scene = Scene::new(SigningAlgorithm::Rs256).await;
    let registry = Registry::new(&scene, url, 1000).await;
    over(url, records).await;
    let mut report = Report::default();
    for when in ["before", "after"] {
        let alone = run(&scene, &registry.exchange, |done| done < 4000).await;
        add_percentiles(&mut report, when, &alone);
        if when == "before" {
            let exchange = registry.exchange.clone();
            let begin = Instant::now();
            let purging = tokio::spawn(async move { exchange.purge(batch).await.expect("a purge") });
            let beside = run(&scene, &registry.exchange, |_| !purging.is_finished()).await;
            add_percentiles(&mut report, "purging", &beside);
            report.add("purge_seconds", vec![begin.elapsed().as_secs_f64()]);
            report.add("purged", vec![purging.await.expect("a purge") as f64]);
        }
    }
    report
}

/// Adds publish tokens and replay records that are over, and as many that are not.
async fn over(url: &str, records: u32) {
    let mut connection = AnyConnection::connect(url).await.expect("a database");
    let present = "SELECT COUNT(*) FROM oidc_token WHERE hash LIKE 'over%'";
    let (present,): (i64,) = sqlx::query_as(present).fetch_one(&mut connection).await.expect("a count");
    if present > i64::from(records / 2) {
        return;
    }
    let is_sqlite = url.starts_with("sqlite:");
    let (with, series) = series(is_sqlite, records);
    let hash =
        if is_sqlite { "printf('%08x%d', i * 2654435761 & 4294967295, i)" } else { "md5(CAST(i AS TEXT))" };
    let publisher = "(SELECT MIN(id) FROM oidc_publisher)";
    for (name, end) in [("live", 4_000_000_000_u64), ("over", 1_700_000_000)] {
        execute(&mut connection, format!("{with} INSERT INTO oidc_replay (key, uses, remember_until) SELECT '{name}' || {hash}, 1, {end} FROM {series}")).await;
        execute(&mut connection, format!(
            "{with} INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run, ecosystem, package, publisher) \
             SELECT '{name}' || {hash}, 1, {end}, 'github', '{}', '{{}}', 'npm', 'package-1', {publisher} FROM {series}", scene::ISSUER
        )).await;
    }
    execute(&mut connection, if is_sqlite { "ANALYZE" } else { "VACUUM ANALYZE" }.to_owned()).await;
}

/// Exchanges one after the other as long as is asked for. Returns the microseconds of each.
async fn run(scene: &Scene, exchange: &Exchange, goes_on: impl Fn(usize) -> bool) -> Vec<f64> {
    let mut times = Vec::new();
    while goes_on(times.len()) {
        let (token, request) = asked(scene, 1 + u32::try_from(times.len() % 1000).unwrap_or_default());
        let begin = Instant::now();
        exchange.exchange(&token, &request).await.expect("a publish token");
        times.push(begin.elapsed().as_secs_f64() * 1e6);
        // Whoever signs tokens all the time leaves nothing to the others.
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    times
}

fn add_percentiles(report: &mut Report, when: &str, times: &[f64]) {
    for of in [50, 90, 99] {
        report.add(&format!("p{of}_us_{when}"), vec![percentile(times, of)]);
    }
    report.add(&format!("exchanges_{when}"), vec![times.len() as f64]);
}

fn percentile(times: &[f64], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}
