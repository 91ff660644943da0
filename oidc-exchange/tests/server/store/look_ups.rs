//! Look-ups that wait share a statement, and each has its own answer.

use std::io;
use std::sync::{Arc, Mutex};

use needs::needs;
use oidc_core::Identity;
use oidc_core::testing::{FakeHttp, ManualClock};
use oidc_exchange::server::testing::conformance::Harness;
use oidc_exchange::server::{Candidates, PublisherStore as _, StoreError, Trust};
use oidc_exchange::sql::{SqlOptions, SqlStore};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::databases::{Postgres, Sqlite, execute, postgres};
use crate::registry::{ISSUER, NOW, package, verifier};

/// More publishers of one package than a look-up among others returns.
const MANY: usize = 40;
/// The packages, and the number of publishers of each.
const PACKAGES: [(&str, usize); 5] = [("one", 1), ("two", 2), ("none", 0), ("many", MANY), ("broken", 1)];

/// Publishers of `acme/widget`: of each package the first one the operator's, and the others of accounts.
async fn configure(store: &SqlStore) {
    let (verifier, providers) = verifier(FakeHttp::new(), &ManualClock::at(NOW));
    let trust = Trust::new(providers, store.clone(), verifier.context());
    for (name, count) in PACKAGES {
        for number in 0..count {
            let rules = json!({ "repository": "acme/widget" });
            let mut record = trust.prepare(package(name), "fake", None, rules).unwrap();
            record.account = (number > 0).then(|| format!("account-{number:03}"));
            trust.add(&record).await.unwrap();
        }
    }
}

/// Looks packages up at the same time, and one identity that nobody named. None is answered before all have asked for it: the
/// store's only connection is in a transaction until then.
async fn together(store: &SqlStore) -> Vec<(&'static str, Result<Candidates, StoreError>)> {
    let turn = store.begin().await.unwrap();
    let asked = PACKAGES.iter().cycle().take(30).map(|(name, _)| (*name, *name, "acme/widget"));
    let tasks: Vec<_> = asked
        .chain([("stranger", "one", "acme/other")])
        .map(|(what, name, repository)| {
            let (store, identity) = (store.clone(), Identity::new(ISSUER, repository));
            (what, tokio::spawn(async move { store.candidates(&[identity], "npm", Some(name)).await }))
        })
        .collect();
    // Each task is polled once, and the one that serves those that wait.
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
    drop(turn);
    let mut answers = Vec::new();
    for (what, task) in tasks {
        answers.push((what, task.await.unwrap()));
    }
    answers
}

fn check(what: &str, answer: Result<Candidates, StoreError>) {
    let found = answer.unwrap_or_else(|error| panic!("{what}: {error}"));
    let expected = PACKAGES.iter().find(|(name, _)| *name == what).map_or(0, |(_, count)| *count);
    assert_eq!(
        (found.known.len(), found.others.len()),
        (expected.min(1), expected.saturating_sub(1)),
        "{what}"
    );
    for record in found.into_all() {
        assert_eq!((&*record.package.name, &*record.identity.key), (what, "acme/widget"));
    }
}

async fn each_has_its_own_answer<H: Harness<Store = SqlStore>>(harness: &H, url: impl Fn() -> String) {
    drop(harness.empty().await);
    let store = SqlOptions::new(url()).max_connections(1).connect().await.unwrap();
    configure(&store).await;
    for (what, answer) in together(&store).await {
        check(what, answer);
    }
    // Rules that can't be read fail the statement that reads them.
    execute(&url(), &["UPDATE oidc_publisher SET config = '{' WHERE package = 'broken'".to_owned()]).await;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
    // Where there is one subscriber alone, tracing lets the thread that comes first by a place decide whether anybody wants what is
    // logged there, and that may be another test's.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let logging = tracing::subscriber::set_default(subscriber);
    for (what, answer) in together(&store).await {
        match what {
            "broken" => assert!(answer.is_err(), "it fails"),
            _ => check(what, answer),
        }
    }
    drop(logging);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("look-ups that shared a statement are made one by one"),
        "none shared a statement: {log}"
    );
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn look_ups_that_wait_on_sqlite_share_a_statement_and_each_has_its_own_answer() {
    let harness = Sqlite::new();
    each_has_its_own_answer(&harness, || harness.url()).await;
}

#[needs(postgres)]
#[tokio::test]
async fn look_ups_that_wait_on_postgresql_share_a_statement_and_each_has_its_own_answer() {
    let harness = Postgres::new(postgres());
    each_has_its_own_answer(&harness, || harness.url()).await;
    harness.clean_up().await;
}
