//! The time of an exchange tells a stranger nothing of a package, and does not grow with strangers' publishers.
//!
//! `cargo test -p oidc-exchange --test server latency:: -- --ignored --nocapture` measures it at the endpoints of npm and
//! crates.io on SQLite, and on PostgreSQL where `TEST_POSTGRES_URL` names one.
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
use oidc_exchange::server::{Exchange, Package, Trust, crates_io, npm};
use oidc_exchange::sql::SqlStore;
use serde_json::json;
use tokio::sync::Mutex;
use tower::ServiceExt as _;

use crate::databases::{Postgres, Sqlite, postgres};
use crate::registry::{ISSUER, NOW, claims, verifier};

/// So many requests of each kind.
const REQUESTS: usize = 5_000;
/// So far from a half may the probability be that a request takes longer than one of the first kind. With this number of
/// requests, chance alone moves it by 0.006 (one standard deviation).
const LIMIT: f64 = 0.06;

/// Publishers of a package, or of as many packages as there are accounts.
struct Configured {
    ecosystem: &'static str,
    package: &'static str,
    repository: &'static str,
    accounts: usize,
    /// The number of each account.
    each: usize,
    is_pending: bool,
    /// `true` if each account has a package of its own.
    are_apart: bool,
}

const fn npm_package(package: &'static str, accounts: usize, each: usize, is_pending: bool) -> Configured {
    let (ecosystem, repository) = ("npm", "acme/widget");
    Configured { ecosystem, package, repository, accounts, each, is_pending, are_apart: false }
}

const fn packages(ecosystem: &'static str, repository: &'static str, accounts: usize) -> Configured {
    let package = repository;
    Configured { ecosystem, package, repository, accounts, each: 1, is_pending: false, are_apart: true }
}

const CONFIGURED: &[Configured] = &[
    npm_package("one", 1, 1, false),
    npm_package("several", 1, 32, false),
    npm_package("thousand", 1_000, 1, false),
    npm_package("pending", 1, 1, true),
    npm_package("squatted", 32, 32, true),
    packages("npm", "evil/named", 1_000),
    packages("cargo", "acme/few", 32),
    packages("cargo", "acme/many", 1_000),
];
/// The operator's own publishers, of packages of that name.
const OWN: &[&str] = &["acme/alone", "acme/few", "acme/many"];

/// A kind of request: a job's repository, and the package that it names, or none.
struct Asked(&'static str, Option<&'static str>);

/// Requests that are compared with each other, by their answer.
const COMPARED: &[(&str, StatusCode, &[Asked])] = &[
    (
        "refusals of a stranger, for a package",
        StatusCode::NOT_FOUND,
        &[
            Asked("evil/x", Some("nothing-1")),
            Asked("evil/x", Some("one")),
            Asked("evil/x", Some("several")),
            Asked("evil/x", Some("thousand")),
            Asked("evil/x", Some("pending")),
            Asked("evil/x", Some("squatted")),
            Asked("evil/x", Some("nothing-2")),
        ],
    ),
    (
        "refusals for no package's publishers, of a repository that others named a thousand times",
        StatusCode::NOT_FOUND,
        &[
            Asked("evil/x", Some("nothing-1")),
            Asked("evil/named", Some("nothing-1")),
            Asked("evil/named", Some("one")),
        ],
    ),
    (
        "grants of a repository, of whose strangers 32 are granted too",
        StatusCode::OK,
        &[Asked("acme/few", None), Asked("acme/many", None), Asked("acme/few", None)],
    ),
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
        for configured in CONFIGURED {
            for account in 0..configured.accounts {
                configured.add(&trust, account).await;
            }
        }
        for repository in OWN {
            let rules = json!({ "repository": repository });
            let name = repository.replace('/', "-");
            let record = trust.prepare(Package::new("cargo", &name), "fake", None, rules).unwrap();
            trust.add(&record).await.unwrap();
        }
        Self { exchange: Exchange::builder(verifier, store.clone()).build(), issuer }
    }

    async fn time(&self, Asked(repository, package): &Asked, status: StatusCode) -> Duration {
        let changes = json!({ "repository": repository, "repository_id": format!("{}", repository.len()) });
        let token = self.issuer.sign(&claims(NOW, &changes));
        if let Some(name) = package {
            let path = format!("/-/npm/v1/oidc/token/exchange/package/{name}");
            let request = Request::post(path).header("authorization", format!("Bearer {token}"));
            let request = request.body(Full::<Bytes>::default()).unwrap();
            return timed(npm(self.exchange.clone()).oneshot(request), status).await;
        }
        let request = Request::post("/").header("content-type", "application/json");
        let body = Full::<Bytes>::from(json!({ "jwt": token }).to_string());
        timed(crates_io(self.exchange.clone()).oneshot(request.body(body).unwrap()), status).await
    }
}

impl Configured {
    async fn add(&self, trust: &Trust, account: usize) {
        for number in 0..self.each {
            let name = self.package.replace('/', "-");
            let name = if self.are_apart { format!("{name}-of-{account}") } else { name };
            let mut rules = json!({ "repository": self.repository });
            if self.each > 1 {
                rules["environment"] = format!("e-{number}").into();
            }
            let mut record = trust.prepare(Package::new(self.ecosystem, &name), "fake", None, rules).unwrap();
            record.account = Some(format!("account-{account}"));
            record.pending = self.is_pending;
            trust.add(&record).await.unwrap();
        }
    }
}

async fn timed<B, E: std::fmt::Debug>(
    answer: impl Future<Output = Result<http::Response<B>, E>>,
    status: StatusCode,
) -> Duration {
    let start = Instant::now();
    let answer = answer.await.unwrap();
    let time = start.elapsed();
    assert_eq!(answer.status(), status);
    time
}

/// The quartiles, in microseconds.
fn quartiles(sorted: &[Duration]) -> [f64; 3] {
    [1, 2, 3].map(|quarter| sorted[sorted.len() * quarter / 4].as_secs_f64() * 1e6)
}

/// The probability that one of these takes longer than one of those.
fn longer(these: &[Duration], those: &[Duration]) -> f64 {
    let shorter = |time: &Duration| those.partition_point(|other| other < time);
    these.iter().map(shorter).sum::<usize>() as f64 / (these.len() * those.len()) as f64
}

/// Compares each kind of request with the first. The largest distance of a probability from a half.
fn compare(what: &str, asked: &[Asked], mut times: Vec<Vec<Duration>>) -> f64 {
    times.iter_mut().for_each(|times| times.sort_unstable());
    let (first, mut most) = (times[0].clone(), 0.0_f64);
    let [_, least, _] = quartiles(&first);
    println!("{what}:");
    for (Asked(repository, package), times) in asked.iter().zip(&times) {
        let [lower, median, upper] = quartiles(times);
        let longer = longer(times, &first);
        println!(
            "  {repository} {}: median {median:.0} us, quartiles {lower:.0} to {upper:.0}; {:+.1} us, {:+.3} of the quartiles' \
             distance; longer than the first with {longer:.3}",
            package.unwrap_or("-"),
            median - least,
            (median - least) / (upper - lower)
        );
        most = most.max((longer - 0.5).abs());
    }
    most
}

/// Only one of the tests measures at a time.
static TURN: Mutex<()> = Mutex::const_new(());

/// Measures in a task of the runtime, as the endpoints of a registry run.
async fn all<H: Harness<Store = SqlStore>>(what: &'static str, harness: &H) {
    let _turn = TURN.lock().await;
    let hub = Hub::over(&harness.empty().await).await;
    tokio::spawn(measure(what, hub)).await.unwrap();
}

async fn measure(database: &str, hub: Hub) {
    let (nothing, not_found) = (Asked("evil/x", Some("nothing")), StatusCode::NOT_FOUND);
    let mut most = 0.0_f64;
    for (what, status, asked) in COMPARED {
        let (mut own, mut next) = (vec![Vec::new(); asked.len()], vec![Vec::new(); asked.len()]);
        for _ in 0..REQUESTS {
            for ((asked, own), next) in asked.iter().zip(&mut own).zip(&mut next) {
                own.push(hub.time(asked, *status).await);
                // What is looked up for the operator after an answer must not slow the next one.
                next.push(hub.time(&nothing, not_found).await);
            }
        }
        most = most.max(compare(&format!("{database}, {what}"), asked, own));
        most = most.max(compare(&format!("{database}, the refusal after {what}"), asked, next));
    }
    assert!(most <= LIMIT, "{database}: {most:.3}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn the_time_of_an_exchange_tells_nothing_of_strangers_on_sqlite() {
    all("SQLite", &Sqlite::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn the_time_of_an_exchange_tells_nothing_of_strangers_on_postgresql() {
    let url = postgres();
    let harness = Postgres::new(url);
    all("PostgreSQL", &harness).await;
    harness.clean_up().await;
}
