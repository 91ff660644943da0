//! Measures everything in one interleaved run and prints one flat JSON object of numbers. BENCHMARKS.md explains it.
//!
//! `ratios [ROUNDS]`; more rounds take longer and tell more.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench that can't be set up has nothing to measure, and it reads the clock"
)]

use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use benches::measure::{Report, Subject, interleaved};
use benches::peers::{CratesIo, JsonWebToken, use_aws_lc};
use benches::raw::RawSignature;
use benches::samples::{self, Sample};
use benches::scene::Scene;
use benches::{exchange, herd};
use oidc_core::testing::SigningAlgorithm;

/// One turn of one subject; much less than what a scheduler gives to others at a time.
const TURN: Duration = Duration::from_millis(1);

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(1001);
    use_aws_lc();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let mut report = Report::default();

    let rs256 = runtime.block_on(Scene::new(SigningAlgorithm::Rs256));
    let es256 = runtime.block_on(Scene::new(SigningAlgorithm::Es256));
    compare(&rs256, &es256, rounds, &mut report);
    reject(&rs256, rounds, &mut report);
    allocate(&rs256, &mut report);
    report.add("threads_2_over_1", (0..rounds.div_ceil(4)).map(|_| threads(&rs256)).collect());
    report.add("herd_fetches", (0..3).map(|_| count(runtime.block_on(herd::fetches()))).collect());
    let waits = (0..5).map(|_| runtime.block_on(runtime.spawn(herd::cached_p99())).expect("a task"));
    report.add("cached_p99_ns_during_fetch", waits.collect());
    report.add("exchange_over_hello", runtime.block_on(exchange::over_hello(rounds.div_ceil(32))));

    writeln!(std::io::stdout(), "{}", report.to_json()).expect("standard output");
}

/// Accepted and forged tokens beside the raw signature and beside peers.
fn compare(rs256: &Scene, es256: &Scene, rounds: usize, report: &mut Report) {
    let raw = RawSignature::of(&rs256.issuer, &rs256.token);
    let raw_es256 = RawSignature::of(&es256.issuer, &es256.token);
    let forged = samples::forged(rs256);
    let raw_forged = RawSignature::of(&rs256.issuer, &forged);
    let (jsonwebtoken, crates_io) = (JsonWebToken::new(&rs256.issuer), CratesIo::new(&rs256.issuer));
    let current_thread = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let subjects = vec![
        Subject::new("raw", || assert!(black_box(&raw).verify())),
        Subject::new("ours", || assert!(black_box(rs256).verify_and_match())),
        Subject::new("raw_es256", || assert!(black_box(&raw_es256).verify())),
        Subject::new("ours_es256", || assert!(black_box(es256).verify_and_match())),
        Subject::new("raw_forged", || assert!(!black_box(&raw_forged).verify())),
        Subject::new("forged", || assert!(rs256.verify(black_box(&forged)).is_err())),
        Subject::new("jsonwebtoken", || assert!(jsonwebtoken.verify_and_match(black_box(&rs256.token)))),
        Subject::new("crates_io", || {
            assert!(current_thread.block_on(crates_io.verify_and_match(black_box(&rs256.token))));
        }),
    ];
    let times = interleaved(subjects, rounds, TURN);
    report.add("verify_and_match_over_raw_rs256", times.ratio("ours", "raw"));
    report.add("verify_and_match_over_raw_es256", times.ratio("ours_es256", "raw_es256"));
    report.add("forged_over_raw", times.ratio("forged", "raw_forged"));
    report.add("jsonwebtoken_over_ours", times.ratio("jsonwebtoken", "ours"));
    report.add("crates_io_flow_over_ours", times.ratio("crates_io", "ours"));
    report.add("raw_rs256_ns", times.nanoseconds("raw"));
    report.add("raw_es256_ns", times.nanoseconds("raw_es256"));
}

/// Tokens that are refused without a signature check, beside the raw signature, with the claims in either order.
fn reject(scene: &Scene, rounds: usize, report: &mut Report) {
    let raw = RawSignature::of(&scene.issuer, &scene.token);
    let mut rejected = samples::rejected(scene);
    rejected.extend(samples::rejected_late(scene));
    // The unknown key is refused within the cool-down, which begins with its first fetch.
    for Sample { token, .. } in &rejected {
        assert!(scene.verifier.verify_cached(token).is_err());
    }
    let mut subjects = vec![Subject::new("raw", || assert!(black_box(&raw).verify()))];
    subjects.extend(rejected.iter().map(|sample| {
        Subject::new(sample.case, || assert!(scene.verify(black_box(&sample.token)).is_err()))
    }));
    let times = interleaved(subjects, rounds, TURN);
    for Sample { case, .. } in &rejected {
        report.add(&format!("reject_ns_{case}"), times.nanoseconds(case));
        report.add(&format!("reject_over_raw_{case}"), times.ratio(case, "raw"));
    }
}

/// The number of allocations for an accepted token, and for the refused token with most of them.
fn allocate(scene: &Scene, report: &mut Report) {
    let accepted =
        allocation_counter::measure(|| drop(scene.verify(black_box(&scene.token)).expect("a valid token")));
    report.add("allocations_accept", vec![count(accepted.count_total)]);
    let rejected = samples::rejected(scene).into_iter().map(|sample| {
        let counted = allocation_counter::measure(|| {
            drop(scene.verify(black_box(&sample.token)).expect_err("refused"));
        });
        count(counted.count_total)
    });
    let most = rejected.fold(0.0, f64::max);
    report.add("allocations_reject", vec![most]);
}

/// The ratio of tokens that two threads verify to those of one thread in the same time.
fn threads(scene: &Scene) -> f64 {
    let rate = |threads: u32| {
        let begin = Instant::now();
        let each = 200;
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..each).all(|_| black_box(scene).verify_and_match()));
            }
        });
        f64::from(threads * each) / begin.elapsed().as_secs_f64()
    };
    let one = rate(1);
    rate(2) / one
}

#[allow(clippy::cast_precision_loss, reason = "counts are small")]
fn count(number: impl TryInto<u64>) -> f64 {
    number.try_into().unwrap_or(u64::MAX) as f64
}
