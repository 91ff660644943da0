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

use benches::by_hand::ByHand;
use benches::measure::Report;
use benches::raw::RawSignature;
use benches::scene::Scene;
use benches::served::{Served, cpu_with_servers, serve};
use benches::stores::{Registry, tokens};
use oidc_core::Secret;
use oidc_core::testing::SigningAlgorithm;
use oidc_exchange::server::TokenHash;
use sqlx::{Connection as _, PgConnection};

/// Exchanges in one turn.
const EACH: usize = 96;
/// Exchanges through HTTP by 32 callers in one turn. Each exchange has a connection of its own.
const EACH_HTTP: usize = 384;
/// Exchanges before the first turn, for each number of callers.
const WARM_UP: usize = 320;
/// Look-ups in one turn.
const FINDS: usize = 200;
const CALLERS: [usize; 3] = [1, 8, 32];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", url, count] => serve(url, count.parse().expect("a number")),
        [folder, postgres, rest @ ..] => {
            let rounds = rest.first().map_or(21, |rounds| rounds.parse().expect("a number"));
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            let report = runtime.expect("a runtime").block_on(measure(folder, postgres, rounds));
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
    /// The seconds of CPU, of this process and of the database's server.
    cpu_of_commits: Vec<f64>,
    cpu_of_exchanges: Vec<f64>,
}

impl Turn {
    fn new(callers: usize, by_hand: ByHand) -> Self {
        let none = Vec::new;
        Self {
            callers,
            by_hand,
            commits: none(),
            exchanges: none(),
            cpu_of_commits: none(),
            cpu_of_exchanges: none(),
        }
    }

    async fn round(&mut self, registry: &Registry, tokens: Vec<String>) {
        let begin = cpu_with_servers();
        self.commits.push(each(self.by_hand.commit(EACH).await));
        let between = cpu_with_servers();
        self.exchanges.push(each(registry.exchange(tokens, self.callers).await));
        self.cpu_of_commits.push(each(between.saturating_sub(begin)));
        self.cpu_of_exchanges.push(each(cpu_with_servers().saturating_sub(between)));
    }
}

/// The seconds of one of the exchanges of a turn.
fn each(taken: Duration) -> f64 {
    taken.as_secs_f64() / EACH as f64
}

/// A kind of database: the library's exchange, transactions by hand, and a registry in another process.
struct Subject {
    name: &'static str,
    registry: Registry,
    turns: Vec<Turn>,
    served: Served,
    publish_token: Secret,
    /// The resident memory of the other process before the first round, in bytes.
    memory: f64,
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
            turns.push(Turn::new(callers, by_hand));
        }
        // PostgreSQL plans a statement anew in its first five executions on a connection.
        for turn in &mut turns {
            turn.by_hand.commit(WARM_UP).await;
            registry.exchange(tokens(scene, WARM_UP), turn.callers).await;
        }
        let mut served = Served::start(served, rounds * (EACH + EACH_HTTP) + 2 * WARM_UP);
        served.exchange(WARM_UP, 8).await;
        served.exchange(WARM_UP, 32).await;
        let publish_token = registry.publish_token(tokens(scene, 1).remove(0)).await;
        Self {
            name,
            registry,
            turns,
            memory: served.memory(),
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
        for turn in &mut self.turns {
            turn.round(&self.registry, tokens(scene, EACH)).await;
        }
        let (taken, cpu) = self.served.exchange(EACH, 1).await;
        self.http.push(each(taken));
        self.cpu.push(each(cpu));
        let (taken, cpu) = self.served.exchange(EACH_HTTP, 32).await;
        self.http_32.push(taken.as_secs_f64() / EACH_HTTP as f64);
        self.cpu_32.push(cpu.as_secs_f64() / EACH_HTTP as f64);
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
        for turn in &self.turns {
            let Turn { callers, commits, exchanges, .. } = turn;
            report.add(
                &format!("cpu_of_commit_over_exchange_{name}_{callers}"),
                ratio(&turn.cpu_of_commits, &turn.cpu_of_exchanges),
            );
            report.add(&format!("cpu_us_{name}_{callers}"), micros(&turn.cpu_of_exchanges));
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
        let granted = self.http.len() * (EACH + EACH_HTTP);
        let memory = (self.served.memory() - self.memory) / granted as f64 * 10_000.0;
        report.add(&format!("memory_kb_of_10000_tokens_{name}"), vec![memory / 1024.0]);
    }
}
