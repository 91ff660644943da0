//! The cost of verifying provenance, over that of the signatures in it: one flat JSON object, like `ratios`.
//!
//! `bundles [ROUNDS]`.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a bench reads the clock and its arguments"
)]

use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

use benches::bundle::{RawSignatures, Sample, Scene};
use benches::measure::{Report, Subject, interleaved};

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(501);
    let mut report = Report::default();
    for (name, sample) in [("bundle", Sample::TODAY), ("npm_bundle", Sample::NPM)] {
        let (scene, raw) = (Scene::new(sample), RawSignatures::new(sample));
        let subjects = vec![
            Subject::new("raw", || assert!(black_box(&raw).verify())),
            Subject::new("ours", || assert!(black_box(&scene).verify())),
        ];
        let times = interleaved(subjects, rounds, Duration::from_millis(4));
        report.add(&format!("{name}_over_raw"), times.ratio("ours", "raw"));
        report.add(&format!("{name}_raw_ns"), times.nanoseconds("raw"));
    }
    writeln!(std::io::stdout(), "{}", report.to_json()).expect("standard output");
}
