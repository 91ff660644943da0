//! How long an answer takes tells a stranger nothing of a package.
//!
//! `cargo test -p oidc-exchange --test server latency:: -- --ignored --nocapture` measures it at npm's endpoint on SQLite, and on
//! PostgreSQL where `TEST_POSTGRES_URL` names one.
#![allow(clippy::print_stdout)]
// What is measured is time.
#![allow(clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_exchange::server::testing::conformance::Harness;
use oidc_exchange::server::{Exchange, Trust, npm};
use oidc_exchange::sql::SqlStore;
use serde_json::json;
use tokio::sync::Mutex;
use tower::ServiceExt as _;

use crate::databases::{Postgres, Sqlite, postgres};
use crate::registry::{ISSUER, NOW, claims, package, verifier};

/// So many requests for each name.
const REQUESTS: usize = 400;
/// So much may the medians differ.
const LIMIT: f64 = 1.15;
/// Packages with so many accounts' publishers, each account with so many, pending or not.
const PACKAGES: &[(&str, usize, usize, bool)] = &[
    ("nothing-1", 0, 0, false),
    ("one", 1, 1, false),
    ("several", 1, 32, false),
    ("pending", 1, 1, true),
    ("squatted", 32, 32, true),
    ("nothing-2", 0, 0, false),
];

struct Hub {
    exchange: Exchange,
    issuer: Arc<FakeIssuer>,
}

impl Hub {
    async fn over(store: &SqlStore) -> Self {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        let (verifier, providers) = verifier(FakeHttp::of_issuer(Arc::clone(&issuer)), &ManualClock::at(NOW));
        let trust = Trust::new(providers, store.clone(), verifier.context());
        for (name, accounts, each, is_pending) in PACKAGES {
            for (account, number) in (0..*accounts).flat_map(|account| (0..*each).map(move |n| (account, n)))
            {
                let rules = json!({ "repository": "acme/widget", "environment": format!("e-{number}") });
                let mut record = trust.prepare(package(name), "fake", None, rules).unwrap();
                record.account = Some(format!("account-{account}"));
                record.pending = *is_pending;
                trust.add(&record).await.unwrap();
            }
        }
        Self { exchange: Exchange::builder(verifier, store.clone()).build(), issuer }
    }

    /// One refusal of a job that nobody trusts.
    async fn refused(&self, name: &str) -> Duration {
        let token = self.issuer.sign(&claims(NOW, &json!({ "repository": "evil/x", "repository_id": "66" })));
        let path = format!("/-/npm/v1/oidc/token/exchange/package/{name}");
        let request = Request::post(path).header("authorization", format!("Bearer {token}"));
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let endpoint = npm(self.exchange.clone());
        let start = Instant::now();
        let answer = endpoint.oneshot(request).await.unwrap();
        let time = start.elapsed();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        time
    }
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

/// The greatest of the medians by the least.
fn ratio(what: &str, mut times: Vec<Vec<Duration>>) -> f64 {
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    for ((name, ..), median) in PACKAGES.iter().zip(&medians) {
        println!("{what}: {:.0} us for `{name}`", median * 1e6);
    }
    let least = medians.iter().copied().fold(f64::MAX, f64::min);
    medians.iter().copied().fold(0.0, f64::max) / least
}

/// Only one of the tests measures at a time.
static TURN: Mutex<()> = Mutex::const_new(());

/// Measures in a task of the runtime, as the endpoints of a registry run.
async fn all<H: Harness<Store = SqlStore>>(what: &'static str, harness: &H) {
    let _turn = TURN.lock().await;
    let hub = Hub::over(&harness.empty().await).await;
    tokio::spawn(measure(what, hub)).await.unwrap();
}

async fn measure(what: &str, hub: Hub) {
    let mut mixed = vec![Vec::new(); PACKAGES.len()];
    for _ in 0..REQUESTS {
        for ((name, ..), times) in PACKAGES.iter().zip(&mut mixed) {
            times.push(hub.refused(name).await);
            hub.refused("nothing").await;
        }
    }
    // What is looked up for the operator after an answer must not slow the next one.
    let mut next = vec![Vec::new(); PACKAGES.len()];
    for _ in 0..REQUESTS {
        for ((name, ..), times) in PACKAGES.iter().zip(&mut next) {
            hub.refused(name).await;
            times.push(hub.refused("nothing").await);
        }
    }
    let of_name = ratio(&format!("{what}, of a name"), mixed);
    let of_next = ratio(&format!("{what}, of no package after a name"), next);
    println!("{what}: at most {of_name:.3} and {of_next:.3} times the least");
    assert!(of_name <= LIMIT && of_next <= LIMIT, "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn a_strangers_answer_takes_as_long_whatever_a_package_has_on_sqlite() {
    all("SQLite", &Sqlite::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn a_strangers_answer_takes_as_long_whatever_a_package_has_on_postgresql() {
    let url = postgres();
    let harness = Postgres::new(url);
    all("PostgreSQL", &harness).await;
    harness.clean_up().await;
}
