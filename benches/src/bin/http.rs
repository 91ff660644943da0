//! The CPU of exchanges through HTTP in registries of several releases, in turn, as one flat JSON object of numbers.
//! BENCHMARKS.md explains it.
//!
//! `http ROUNDS NAME=PROGRAM=URL…`: programs are `exchanges` of any release, each with an empty database.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench that can't be set up has nothing to measure"
)]

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use benches::measure::Report;
use benches::raw::RawSignature;
use benches::scene::Scene;
use benches::served::Served;
use oidc_core::testing::SigningAlgorithm;

/// The number of connections.
const CONNECTIONS: usize = 32;
/// Exchanges in one turn.
const EACH: usize = 768;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments.next().and_then(|rounds| rounds.parse().ok()).expect("how many rounds");
    let mut registries: Vec<_> = arguments.map(|argument| Measured::new(&argument, rounds)).collect();
    let scene = Scene::new(SigningAlgorithm::Rs256).await;
    let raw = RawSignature::of(&scene.issuer, &scene.token);
    let mut raws = Vec::new();
    for _ in 0..rounds {
        for registry in &mut registries {
            registry.round().await;
        }
        let begin = std::time::Instant::now();
        assert!((0..20).all(|_| raw.verify()));
        raws.push(begin.elapsed().as_secs_f64() * 1e6 / 20.0);
    }
    let mut report = Report::default();
    for registry in registries {
        registry.report(&raws, &mut report);
    }
    report.add("raw_rs256_us", raws);
    writeln!(std::io::stdout(), "{}", report.to_json()).expect("standard output");
}

/// A registry and the numbers of each round: microseconds and waits of threads for each exchange.
struct Measured {
    name: String,
    served: Served,
    kept: Turns,
    new: Turns,
}

#[derive(Default)]
struct Turns {
    us: Vec<f64>,
    cpu_us: Vec<f64>,
    waits: Vec<f64>,
}

impl Turns {
    fn add(&mut self, taken: Duration, cpu: Duration, waits: u64) {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / EACH as f64;
        self.us.push(each(taken));
        self.cpu_us.push(each(cpu));
        self.waits.push(waits as f64 / EACH as f64);
    }

    fn report(self, name: &str, raws: &[f64], report: &mut Report) {
        let over_raw = self.cpu_us.iter().zip(raws).map(|(cpu, raw)| cpu / raw).collect();
        report.add(&format!("http_us_{name}"), self.us);
        report.add(&format!("http_cpu_us_{name}"), self.cpu_us);
        report.add(&format!("http_cpu_over_raw_{name}"), over_raw);
        report.add(&format!("waits_{name}"), self.waits);
    }
}

impl Measured {
    fn new(argument: &str, rounds: usize) -> Self {
        let mut parts = argument.splitn(3, '=');
        let mut next = || parts.next().expect("NAME=PROGRAM=URL").to_owned();
        let (name, program, url) = (next(), next(), next());
        // One round more, before which nothing is measured.
        let served = Served::start_program(Path::new(&program), &url, (rounds + 1) * 2 * EACH);
        Self { name, served, kept: Turns::default(), new: Turns::default() }
    }

    async fn round(&mut self) {
        if self.kept.us.is_empty() {
            self.served.exchange_kept(EACH, CONNECTIONS).await;
            self.served.exchange(EACH, CONNECTIONS).await;
        }
        let before = self.served.waits();
        let (taken, cpu) = self.served.exchange_kept(EACH, CONNECTIONS).await;
        let between = self.served.waits();
        self.kept.add(taken, cpu, between.saturating_sub(before));
        let (taken, cpu) = self.served.exchange(EACH, CONNECTIONS).await;
        self.new.add(taken, cpu, self.served.waits().saturating_sub(between));
    }

    fn report(self, raws: &[f64], report: &mut Report) {
        let Self { name, kept, new, .. } = self;
        kept.report(&format!("{name}_kept"), raws, report);
        new.report(&format!("{name}_new"), raws, report);
    }
}
