//! Exchanges over databases, in one interleaved run, as one flat JSON object of numbers. BENCHMARKS.md explains it.
//!
//! `exchanges FOLDER POSTGRES [ROUNDS]`: a folder for SQLite's files, on the disk to be measured, and the URL of an empty
//! PostgreSQL database (`-` leaves it out).
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench that can't be set up has nothing to measure, and it reads the clock"
)]

use std::io::Write as _;
use std::time::Duration;

use benches::measure::Report;
use benches::raw::RawSignature;
use benches::scene::Scene;
use benches::served::{Served, serve};
use benches::stores::{ByHand, Registry, tokens};
use oidc_core::Secret;
use oidc_core::testing::SigningAlgorithm;
use oidc_exchange::server::TokenHash;
use sqlx::{Connection as _, PgConnection};

/// Exchanges in one turn.
const EACH: usize = 96;
/// Exchanges before the first turn, for each number of callers.
const WARM_UP: usize = 320;
/// Look-ups in one turn.
const FINDS: usize = 200;
const CALLERS: [usize; 3] = [1, 8, 32];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", url, count] => runtime.block_on(serve(url, count.parse().expect("a number"))),
        [folder, postgres, rest @ ..] => {
            let rounds = rest.first().map_or(21, |rounds| rounds.parse().expect("a number"));
            let report = runtime.block_on(measure(folder, postgres, rounds));
            writeln!(std::io::stdout(), "{}", report.to_json()).expect("standard output");
        }
        _ => writeln!(std::io::stderr(), "exchanges FOLDER POSTGRES [ROUNDS]").expect("standard error"),
    }
}

async fn measure(folder: &str, postgres: &str, rounds: usize) -> Report {
    let scene = Scene::new(SigningAlgorithm::Rs256).await;
    let raw = RawSignature::of(&scene.issuer, &scene.token);
    let mut databases =
        vec![("sqlite", format!("sqlite:{folder}/one.db"), format!("sqlite:{folder}/two.db"))];
    if postgres != "-" {
        databases.push((
            "postgres",
            other_database(postgres, "bench_one").await,
            other_database(postgres, "bench_two").await,
        ));
    }
    let mut subjects = Vec::new();
    for (name, library, served) in databases {
        subjects.push(Subject::new(&scene, name, &library, &served, rounds).await);
    }
    let mut report = Report::default();
    let mut raws = Vec::new();
    for _ in 0..rounds {
        for subject in &mut subjects {
            subject.round(&scene).await;
        }
        let begin = std::time::Instant::now();
        for _ in 0..20 {
            assert!(raw.verify());
        }
        raws.push(begin.elapsed().as_secs_f64() / 20.0);
    }
    for subject in subjects {
        subject.report(&raws, &mut report);
    }
    report.add("raw_rs256_us", raws.iter().map(|seconds| seconds * 1e6).collect());
    report
}

/// Makes a database anew on the same server.
async fn other_database(url: &str, name: &str) -> String {
    let mut connection = PgConnection::connect(url).await.expect("a server");
    for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.expect("a database");
    }
    let (server, _) = url.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{name}")
}

/// The same number of callers for transactions by hand and for exchanges, and the seconds that each of them took.
struct Turn {
    callers: usize,
    by_hand: ByHand,
    commits: Vec<f64>,
    exchanges: Vec<f64>,
}

/// A kind of database: the library's exchange, transactions by hand, and a registry in another process.
struct Subject {
    name: &'static str,
    registry: Registry,
    turns: Vec<Turn>,
    served: Served,
    publish_token: Secret,
    /// Seconds an exchange through HTTP and of CPU, by one connection and by 32.
    http: Vec<f64>,
    cpu: Vec<f64>,
    http_32: Vec<f64>,
    cpu_32: Vec<f64>,
    finds: Vec<f64>,
    selects: Vec<f64>,
}

impl Subject {
    async fn new(scene: &Scene, name: &'static str, library: &str, served: &str, rounds: usize) -> Self {
        let registry = Registry::new(scene, library, if name == "sqlite" { 8 } else { 32 }).await;
        let mut turns = Vec::new();
        for callers in CALLERS {
            // SQLite has one writer, so that one after the other is the quickest by hand.
            let by_hand = registry.by_hand(if name == "sqlite" { 1 } else { callers }).await;
            turns.push(Turn { callers, by_hand, commits: Vec::new(), exchanges: Vec::new() });
        }
        // PostgreSQL plans a statement anew in its first five executions on a connection.
        for turn in &mut turns {
            turn.by_hand.commit(WARM_UP).await;
            registry.exchange(tokens(scene, WARM_UP), turn.callers).await;
        }
        let mut served = Served::start(served, 2 * rounds * EACH + 2 * WARM_UP);
        served.exchange(WARM_UP, 8).await;
        served.exchange(WARM_UP, 32).await;
        let publish_token = registry.publish_token(tokens(scene, 1).remove(0)).await;
        Self {
            name,
            registry,
            turns,
            served,
            publish_token,
            http: Vec::new(),
            cpu: Vec::new(),
            http_32: Vec::new(),
            cpu_32: Vec::new(),
            finds: Vec::new(),
            selects: Vec::new(),
        }
    }

    async fn round(&mut self, scene: &Scene) {
        let each = |taken: Duration| taken.as_secs_f64() / EACH as f64;
        for turn in &mut self.turns {
            let tokens = tokens(scene, EACH);
            turn.commits.push(each(turn.by_hand.commit(EACH).await));
            turn.exchanges.push(each(self.registry.exchange(tokens, turn.callers).await));
        }
        let (taken, cpu) = self.served.exchange(EACH, 1).await;
        self.http.push(each(taken));
        self.cpu.push(each(cpu));
        let (taken, cpu) = self.served.exchange(EACH, 32).await;
        self.http_32.push(each(taken));
        self.cpu_32.push(each(cpu));
        let hash: String = TokenHash::of(self.publish_token.expose())
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if let Some(turn) = self.turns.first_mut() {
            self.selects.push(turn.by_hand.select(&hash, FINDS).await.as_secs_f64() / FINDS as f64);
        }
        self.finds.push(self.registry.find(&self.publish_token, FINDS).await.as_secs_f64() / FINDS as f64);
    }

    fn report(self, raws: &[f64], report: &mut Report) {
        let name = self.name;
        let ratio = |above: &[f64], below: &[f64]| {
            above.iter().zip(below).map(|(above, below)| above / below).collect()
        };
        let micros = |seconds: &[f64]| seconds.iter().map(|seconds| seconds * 1e6).collect();
        for Turn { callers, commits, exchanges, .. } in &self.turns {
            report.add(&format!("exchange_over_commit_{name}_{callers}"), ratio(exchanges, commits));
            report.add(&format!("exchange_us_{name}_{callers}"), micros(exchanges));
            report.add(&format!("commit_us_{name}_{callers}"), micros(commits));
            // As many times as many a second.
            report.add(&format!("rate_over_commit_rate_{name}_{callers}"), ratio(commits, exchanges));
        }
        let one = self.turns.first().map(|turn| turn.exchanges.as_slice()).unwrap_or_default();
        report.add(&format!("http_over_exchange_{name}"), ratio(&self.http, one));
        report.add(&format!("http_us_{name}_1"), micros(&self.http));
        report.add(&format!("http_us_{name}_32"), micros(&self.http_32));
        report.add(&format!("http_cpu_us_{name}_1"), micros(&self.cpu));
        report.add(&format!("http_cpu_us_{name}_32"), micros(&self.cpu_32));
        report.add(&format!("http_cpu_over_raw_{name}_1"), ratio(&self.cpu, raws));
        report.add(&format!("http_cpu_over_raw_{name}_32"), ratio(&self.cpu_32, raws));
        report.add(&format!("find_over_select_{name}"), ratio(&self.finds, &self.selects));
        report.add(&format!("find_us_{name}"), micros(&self.finds));
    }
}
