//! One measured thing under callgrind: `instructions WHAT ROUNDS` with one of `raw`, `verify`, `match`, `reject`, `bundle`,
//! `bundle-raw`, `npm-bundle` and `npm-bundle-raw`, and `instructions exchange ROUNDS FOLDER`.
//!
//! `.ci/instructions` counts what happens within `measured_rounds` alone, so that start-up counts for nothing. Exchanges over
//! SQLite are counted on all threads, from `begin_of_exchanges` to the end.
#![allow(clippy::expect_used, reason = "a bench that can't be set up has nothing to measure")]

use std::hint::black_box;

use benches::bundle::{self, RawSignatures, Sample};
use benches::raw::RawSignature;
use benches::samples;
use benches::scene::Scene;
use benches::stores::{Registry, tokens};
use oidc_core::testing::SigningAlgorithm;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().expect("what to run, such as `verify`");
    let rounds: u32 = arguments.next().and_then(|rounds| rounds.parse().ok()).expect("how often");
    if what.contains("bundle") {
        let sample = if what.starts_with("npm") { Sample::NPM } else { Sample::TODAY };
        let (bundle, raw) = (bundle::Scene::new(sample), RawSignatures::new(sample));
        let once = || if what.ends_with("raw") { raw.verify() } else { bundle.verify() };
        assert!(once() && measured_rounds(rounds, &once));
        return;
    }
    let scene = Scene::new(SigningAlgorithm::Rs256).await;
    if what == "exchange" {
        let folder = arguments.next().expect("a folder");
        return exchanges(&scene, &format!("sqlite:{folder}/instructions.db"), rounds as usize).await;
    }
    let raw = RawSignature::of(&scene.issuer, &scene.token);
    let elsewhere = samples::rejected(&scene).into_iter().find(|sample| sample.case == "audience");
    let elsewhere = elsewhere.expect("a sample").token;
    let once = || match what.as_str() {
        "raw" => raw.verify(),
        "verify" => scene.verify(&scene.token).is_ok(),
        "reject" => scene.verify(&elsewhere).is_err(),
        _ => scene.verify_and_match(),
    };
    // The first time fills caches that live as long as the process.
    assert!(once());
    assert!(measured_rounds(rounds, &once));
}

/// Exchanges before the first one that is counted: they prepare the statements.
const WARM_UP: usize = 20;

async fn exchanges(scene: &Scene, url: &str, rounds: usize) {
    let registry = Registry::new(scene, url, 8).await;
    let counted = tokens(scene, rounds);
    registry.exchange(tokens(scene, WARM_UP), 1).await;
    begin_of_exchanges();
    registry.exchange(counted, 1).await;
    // What follows is not counted: the connections and the registry are left to the end of the process.
    std::process::exit(0);
}

/// Callgrind finds it by its name, and counts what is executed afterwards on all threads.
#[inline(never)]
fn begin_of_exchanges() {
    black_box(());
}

/// Callgrind finds it by its name.
#[inline(never)]
fn measured_rounds(rounds: u32, once: &dyn Fn() -> bool) -> bool {
    (0..rounds).all(|_| black_box(once)())
}
