//! Directories of cases, `tests/cases/PLATFORM/`: `source.json`, what a job sees and what comes of it; `publisher.json`,
//! what a token says, who may publish, and what comes of that. `CONTRIBUTING.md` describes their form.
//!
//! Each case runs in a thread of its own, with all of the outside world in memory. What each says to its user is in the folder's
//! `messages.txt`; `REWRITE=1` writes that anew.

mod publisher;
mod source;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use oidc_core::testing::conformance::Job;
use oidc_core::{Diagnosis, InvalidUrl, Provider};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::sample::Overrides;

/// A platform has so many cases at least.
const FEWEST: usize = 15;

/// A platform as its cases see it.
#[derive(Clone, Copy)]
pub(crate) struct Platform {
    /// The folder's name.
    pub(crate) name: &'static str,
    /// The platform with one issuer.
    pub(crate) at: fn(&str) -> Result<Arc<dyn Provider>, InvalidUrl>,
    /// Its sample's claims.
    pub(crate) claims: fn(&str, &str, u64, &str, &Overrides) -> Value,
}

/// Checks every case of a platform.
pub(crate) fn hold(platform: Platform) {
    let sources: source::Cases = read(platform, "source.json");
    let publishers: publisher::Cases = read(platform, "publisher.json");
    let (of_sources, of_publishers) = (sources.cases.len(), publishers.cases.len());
    assert!(of_sources + of_publishers >= FEWEST, "{} has few cases", platform.name);
    let run = |names: Vec<&str>, hold: &(dyn Fn(usize) -> Vec<Diagnosis> + Sync)| {
        let ended: Vec<_> = thread::scope(|scope| {
            let start = |(at, name)| (name, scope.spawn(move || hold(at)));
            let started: Vec<_> = names.into_iter().enumerate().map(start).collect();
            started.into_iter().map(|(name, case)| (name, case.join())).collect()
        });
        let failed: Vec<&str> =
            ended.iter().filter(|(_, case)| case.is_err()).map(|(name, _)| *name).collect();
        assert!(failed.is_empty(), "{}: {failed:#?}", platform.name);
        let said = |(name, case): (&str, thread::Result<Vec<Diagnosis>>)| {
            let text: String = case.ok()?.iter().map(Diagnosis::to_text).collect();
            (!text.is_empty()).then(|| format!("=== {name}\n{text}\n"))
        };
        ended.into_iter().filter_map(said).collect::<String>()
    };
    let mut messages = run(sources.cases.iter().map(|case| &*case.name).collect(), &|at| {
        sources.hold(platform, at).into_iter().collect()
    });
    messages +=
        &run(publishers.cases.iter().map(|case| &*case.name).collect(), &|at| publishers.hold(platform, at));
    are_as_read(&folder(platform).join("messages.txt"), &messages);
    sources.read_documented_variables(platform);
    publishers.settings_are_accepted(platform);
    publishers.strangers_are_told_nothing(platform);
}

/// The jobs of a platform's cases, as the suite for platforms takes them.
pub(crate) fn jobs(platform: Platform) -> Vec<Job> {
    read::<source::Cases>(platform, "source.json").jobs(platform)
}

/// Compares messages with the file in which they were reviewed last.
// The variable that has the file written anew is read from the process's environment.
#[allow(clippy::disallowed_methods)]
fn are_as_read(file: &Path, messages: &str) {
    if std::env::var_os("REWRITE").is_some() {
        std::fs::write(file, messages).unwrap();
    }
    let expected = std::fs::read_to_string(file).unwrap();
    let differs = messages.lines().zip(expected.lines()).find(|(new, old)| new != old);
    assert_eq!(differs, None, "{}", file.display());
    assert_eq!(messages.len(), expected.len(), "{}", file.display());
}

fn folder(platform: Platform) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(platform.name)
}

fn read<T: DeserializeOwned>(platform: Platform, file: &str) -> T {
    let text = std::fs::read_to_string(folder(platform).join(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}/{file}: {error}", platform.name))
}

/// An object, empty where a case leaves it out.
fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

/// The result of a case: a success, or the stable name of the fault.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
struct Expected(String);

#[test]
fn a_case_that_names_a_claim_that_no_table_does_is_found_out() {
    let provider = crate::CircleCi::public();
    let of = |claims: Value| publisher::unknown_claims(&provider, &nothing(), &claims);
    assert_eq!(of(serde_json::json!({"oidc.circleci.com/org-id": "x", "sub": "y"})), [""; 0]);
    assert_eq!(
        of(serde_json::json!({"oidc.circleci.com/org_id": "x", "org-id": 1})),
        ["oidc.circleci.com/org_id", "org-id"]
    );
    let generic = crate::Generic::client();
    let config = serde_json::json!({"claims": {"namespace": "acme"}});
    let claims = serde_json::json!({"namespace": "acme", "made_up": 1});
    assert_eq!(publisher::unknown_claims(&generic, &config, &claims), ["made_up"]);
}
