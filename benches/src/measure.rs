//! Times that can be compared: everything is measured in turn, in one run, again and again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// Something to measure: what it is called, and one call of it.
pub struct Subject<'a> {
    /// Its name.
    pub name: String,
    /// One call.
    pub call: Box<dyn Fn() + 'a>,
    calls_per_turn: u32,
}

impl<'a> Subject<'a> {
    /// A subject by its name.
    pub fn new(name: impl Into<String>, call: impl Fn() + 'a) -> Self {
        Self { name: name.into(), call: Box::new(call), calls_per_turn: 1 }
    }

    fn turn(&self) -> Duration {
        // What ran before left its own data in the caches and its own branches in the predictors.
        for _ in 0..self.calls_per_turn.div_ceil(4) {
            (self.call)();
        }
        let begin = Instant::now();
        for _ in 0..self.calls_per_turn {
            (self.call)();
        }
        begin.elapsed()
    }

    /// Finds how many calls take about as long as a turn should.
    fn calibrate(&mut self, turn: Duration) {
        loop {
            let taken = self.turn();
            if taken >= turn / 2 || self.calls_per_turn >= 1 << 20 {
                return;
            }
            self.calls_per_turn *= 2;
        }
    }
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Nanoseconds a call of each subject took, in every round.
#[derive(Debug)]
pub struct Rounds(BTreeMap<String, Vec<f64>>);

/// Measures every subject in turn, `rounds` times, in short turns so that what disturbs the machine disturbs all.
pub fn interleaved(mut subjects: Vec<Subject<'_>>, rounds: usize, turn: Duration) -> Rounds {
    for subject in &mut subjects {
        subject.calibrate(turn);
    }
    let mut times: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for _ in 0..rounds {
        for subject in &subjects {
            let nanoseconds = subject.turn().as_secs_f64() * 1e9 / f64::from(subject.calls_per_turn);
            times.entry(subject.name.clone()).or_default().push(nanoseconds);
        }
    }
    Rounds(times)
}

impl Rounds {
    /// The ratio of the time of each call of `above` to that of `below`, round by round.
    pub fn ratio(&self, above: &str, below: &str) -> Vec<f64> {
        let of = |name| self.0.get(name).map(Vec::as_slice).unwrap_or_default();
        of(above).iter().zip(of(below)).map(|(above, below)| above / below).collect()
    }

    /// Nanoseconds a call took, round by round.
    pub fn nanoseconds(&self, name: &str) -> Vec<f64> {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

/// One flat JSON object: the median under the name, the extremes beside it.
#[derive(Debug, Default)]
pub struct Report(Map<String, Value>);

impl Report {
    /// Adds a number that was measured several times.
    pub fn add(&mut self, name: &str, mut values: Vec<f64>) {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        self.0.insert(name.to_owned(), json!(rounded(at(values.len() / 2))));
        self.0.insert(format!("{name}_min"), json!(rounded(at(0))));
        self.0.insert(format!("{name}_max"), json!(rounded(at(values.len().saturating_sub(1)))));
    }

    /// The object, on several lines.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(&self.0).unwrap_or_default()
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
