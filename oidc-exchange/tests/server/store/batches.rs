//! Grants of one round trip: what fails fails alone and whole, and those that wait share a commit.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use needs::needs;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::{Clock as _, Identity, Timestamp};
use oidc_exchange::server::testing::conformance::Harness;
use oidc_exchange::server::{
    Candidates, Exchange, ExchangeRequest, Grant, Minted, PublisherStore, Redeemed, Refusal, RefusalKind,
    StoreError, TokenHash, TokenRecord, TokenStore, Trust, TrustStore as _,
};
use oidc_exchange::sql::{SqlOptions, SqlStore, Transaction};
use serde_json::json;

use crate::databases::{Postgres, Sqlite, execute, postgres};
use crate::registry::{ISSUER, NOW, claims, package, verifier};

/// A store that counts the grants that it was asked to redeem.
#[derive(Clone, Debug)]
struct Counting(SqlStore, Arc<AtomicUsize>);

#[async_trait::async_trait]
impl PublisherStore for Counting {
    async fn candidates(
        &self,
        identities: &[Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Candidates, StoreError> {
        self.0.candidates(identities, ecosystem, package).await
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.redeem(grant).await
    }
}

#[async_trait::async_trait]
impl TokenStore for Counting {
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        self.0.find(token, now).await
    }

    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError> {
        self.0.revoke(token).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.0.purge(now, limit).await
    }
}

/// A registry whose publishers have learned their ids, so that a grant is one round trip.
struct Scene {
    store: SqlStore,
    asked: Arc<AtomicUsize>,
    exchange: Exchange,
    issuer: Arc<FakeIssuer>,
}

impl Scene {
    /// With packages that `acme/widget` may publish.
    async fn new(store: SqlStore, packages: &[&str]) -> Self {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        let (verifier, providers) = verifier(FakeHttp::of_issuer(Arc::clone(&issuer)), &ManualClock::at(NOW));
        let trust = Trust::new(providers, store.clone(), verifier.context());
        for name in packages {
            let config = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
            let mut record = trust.prepare(package(name), "fake", None, config).unwrap();
            record.proven = true;
            trust.add(&record).await.unwrap();
        }
        let asked = Arc::new(AtomicUsize::new(0));
        let exchange = Exchange::builder(verifier, Counting(store.clone(), Arc::clone(&asked))).build();
        let scene = Self { store, asked, exchange, issuer };
        for name in packages {
            scene.exchange(&scene.token(), name).await.unwrap();
            assert!(!scene.store.list(&package(name)).await.unwrap()[0].learned.is_empty(), "it has learned");
        }
        scene
    }

    /// A new identity token of `acme/widget`.
    fn token(&self) -> String {
        self.issuer.sign(&claims(NOW, &json!({})))
    }

    async fn exchange(&self, token: &str, name: &str) -> Result<Minted, Refusal> {
        self.exchange.exchange(token, &ExchangeRequest::package("npm", name)).await
    }

    /// Exchanges all at the same time. None is redeemed before all have asked for it.
    async fn together(&self, asked: &[(String, &str)]) -> Vec<Result<Minted, Refusal>> {
        let before = self.asked.load(Ordering::SeqCst);
        let turn = self.turn().await;
        let tasks: Vec<_> = asked
            .iter()
            .map(|(token, name)| {
                let (exchange, token) = (self.exchange.clone(), token.clone());
                let request = ExchangeRequest::package("npm", *name);
                tokio::spawn(async move { exchange.exchange(&token, &request).await })
            })
            .collect();
        while self.asked.load(Ordering::SeqCst) < before + asked.len() {
            tokio::task::yield_now().await;
        }
        drop(turn);
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap());
        }
        outcomes
    }

    /// A transaction during which nobody redeems a grant.
    async fn turn(&self) -> Transaction {
        let mut turn = self.store.begin().await.unwrap();
        if turn.connection().backend_name() == "PostgreSQL" {
            let lock = sqlx::query("LOCK TABLE oidc_replay IN EXCLUSIVE MODE");
            lock.execute(turn.connection()).await.unwrap();
        }
        turn
    }

    async fn is_stored(&self, minted: &Minted) -> bool {
        let hash = TokenHash::of(minted.token.expose());
        self.store.find(&hash, Timestamp::from_secs(NOW)).await.unwrap().is_some()
    }
}

/// The number of transactions that a database's write-ahead log has. Of its frames, the last one of a transaction names the
/// size of the database.
fn commits(url: &str) -> usize {
    let log = std::fs::read(PathBuf::from(format!("{}-wal", url.strip_prefix("sqlite:").unwrap()))).unwrap();
    let page = u32::from_be_bytes(log[8..12].try_into().unwrap()) as usize;
    // A log that began anew has older frames behind the newer ones, with the former salt.
    let salt = &log[16..24];
    let frames = log[32..].chunks_exact(24 + page).take_while(|frame| &frame[8..16] == salt);
    frames.filter(|frame| frame[4..8] != [0; 4]).count()
}

/// Grants that wait, one of them of a token that was used before, and two of one token. Each has its own outcome.
async fn each_has_its_own_outcome(scene: &Scene) {
    let used = scene.token();
    scene.exchange(&used, "widget").await.unwrap();
    let mut asked: Vec<_> = (0..28).map(|number| (scene.token(), ["widget", "gadget"][number % 2])).collect();
    let twice = scene.token();
    asked.extend([(used, "widget"), (twice.clone(), "widget"), (twice, "widget")]);
    let outcomes = scene.together(&asked).await;
    let of = |outcome: &Result<Minted, Refusal>| outcome.as_ref().err().map(Refusal::kind);
    let kinds: Vec<_> = outcomes.iter().map(of).collect();
    assert_eq!(kinds[..28], [None; 28], "each new token is granted");
    assert_eq!(kinds[28], Some(RefusalKind::AlreadyUsed), "a token that was used before is not");
    let twice = [kinds[29], kinds[30]];
    assert!(
        twice.contains(&None) && twice.contains(&Some(RefusalKind::AlreadyUsed)),
        "a token that is presented twice is granted once: {twice:?}"
    );
    for minted in outcomes.into_iter().flatten() {
        assert!(scene.is_stored(&minted).await, "whatever was answered is stored");
    }
}

#[tokio::test]
async fn grants_that_wait_on_sqlite_share_a_commit_and_each_has_its_own_outcome() {
    let harness = Sqlite::new();
    let scene = Scene::new(harness.empty().await, &["widget", "gadget"]).await;
    let before = commits(&harness.url());
    each_has_its_own_outcome(&scene).await;
    assert_eq!(
        commits(&harness.url()),
        before + 2,
        "the first grant, and one transaction for all that waited"
    );
}

#[needs(postgres)]
#[tokio::test]
async fn grants_that_wait_on_postgresql_share_a_commit_and_each_has_its_own_outcome() {
    let harness = Postgres::new(postgres());
    let scene = Scene::new(harness.empty().await, &["widget", "gadget"]).await;
    each_has_its_own_outcome(&scene).await;
    let transactions = "SELECT COUNT(DISTINCT CAST(xmin AS TEXT)) FROM oidc_token";
    let transactions: i64 = sqlx::query_scalar(transactions).fetch_one(scene.store.pool()).await.unwrap();
    // Two that learned, the first grant, two that were asked for when nobody waited, and those that waited.
    assert!(transactions <= 8, "{transactions} transactions for 32 grants");
    harness.clean_up().await;
}

/// The statements that make the grants of the package `broken` fail on SQLite: at once, and with the commit.
fn broken_on_sqlite() -> [Vec<String>; 2] {
    ["SELECT RAISE(ABORT, 'injected')", "INSERT INTO fault_child VALUES (1)"].map(|action| {
        vec![
            "CREATE TABLE fault_parent (id INTEGER PRIMARY KEY)".to_owned(),
            "CREATE TABLE fault_child (id INTEGER REFERENCES fault_parent DEFERRABLE INITIALLY DEFERRED)"
                .to_owned(),
            format!(
                "CREATE TRIGGER fault AFTER INSERT ON oidc_token WHEN NEW.package = 'broken' BEGIN {action}; END"
            ),
        ]
    })
}

/// The same on PostgreSQL, and as a third way with the end of the connection.
fn broken_on_postgresql() -> [Vec<String>; 3] {
    let fail = "RAISE EXCEPTION 'injected';";
    let end = "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW;";
    [("", "", fail), ("CONSTRAINT", "DEFERRABLE INITIALLY DEFERRED", fail), ("", "", end)].map(
        |(kind, when, body)| {
            vec![
                format!("CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"),
                format!(
                    "CREATE {kind} TRIGGER fault AFTER INSERT ON oidc_token {when} FOR EACH ROW \
                 WHEN (NEW.package = 'broken') EXECUTE FUNCTION fault()"
                ),
            ]
        },
    )
}

/// Of grants that wait, those of one package fail. The others are granted, and nothing of those that fail is used up.
async fn fails_alone(scene: &Scene, url: &str, fault: &[String], mend: &str) {
    execute(url, fault).await;
    let asked: Vec<_> =
        (0..12).map(|number| (scene.token(), ["widget", "broken", "widget"][number % 3])).collect();
    let outcomes = scene.together(&asked).await;
    execute(url, &[mend.to_owned()]).await;
    for ((token, name), outcome) in asked.iter().zip(outcomes) {
        if *name == "widget" {
            assert!(scene.is_stored(&outcome.unwrap()).await, "{fault:?}: the others are granted");
        } else {
            assert_eq!(outcome.unwrap_err().kind(), RefusalKind::Internal, "{fault:?}: it fails");
            scene.exchange(token, name).await.expect("its identity token was not used up");
        }
    }
}

#[tokio::test]
async fn a_grant_that_fails_on_sqlite_takes_no_other_with_it() {
    for fault in broken_on_sqlite() {
        let harness = Sqlite::new();
        let scene = Scene::new(harness.empty().await, &["widget", "broken"]).await;
        fails_alone(&scene, &harness.url(), &fault, "DROP TRIGGER fault").await;
    }
}

#[needs(postgres)]
#[tokio::test]
async fn a_grant_that_fails_on_postgresql_takes_no_other_with_it() {
    let harness = Postgres::new(postgres());
    for fault in broken_on_postgresql() {
        let scene = Scene::new(harness.empty().await, &["widget", "broken"]).await;
        fails_alone(&scene, &harness.url(), &fault, "DROP FUNCTION fault CASCADE").await;
    }
    harness.clean_up().await;
}

/// Of four callers that wait, each in turn disconnects.
async fn one_disconnects(scene: &Scene) {
    for round in 0..8 {
        let before = scene.asked.load(Ordering::SeqCst);
        let turn = scene.turn().await;
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (exchange, token) = (scene.exchange.clone(), scene.token());
                tokio::spawn(async move {
                    exchange.exchange(&token, &ExchangeRequest::package("npm", "widget")).await
                })
            })
            .collect();
        while scene.asked.load(Ordering::SeqCst) < before + tasks.len() {
            tokio::task::yield_now().await;
        }
        // The first one is the one for whom the others' transaction was begun.
        tasks[round % 4].abort();
        drop(turn);
        for (number, task) in tasks.into_iter().enumerate() {
            match task.await {
                Ok(outcome) => assert!(scene.is_stored(&outcome.unwrap()).await, "the others are granted"),
                Err(_) => assert_eq!(number, round % 4),
            }
        }
    }
}

#[tokio::test]
async fn a_caller_that_disconnects_on_sqlite_takes_no_other_with_it() {
    let harness = Sqlite::new();
    one_disconnects(&Scene::new(harness.empty().await, &["widget"]).await).await;
}

#[needs(postgres)]
#[tokio::test]
async fn a_caller_that_disconnects_on_postgresql_takes_no_other_with_it() {
    let harness = Postgres::new(postgres());
    one_disconnects(&Scene::new(harness.empty().await, &["widget"]).await).await;
    harness.clean_up().await;
}

/// The packages of the exchanges by two processes.
const SHARED: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

/// Two processes exchange at the same time for the same packages, in different orders, each token at both of them: each is
/// granted once, and none of them waits for the other for ever.
async fn two_processes<H: Harness<Store = SqlStore>>(harness: &H) {
    let store = harness.empty().await;
    let scene = Scene::new(store.clone(), &SHARED).await;
    let other = Exchange::builder(scene.exchange.verifier().clone(), harness.elsewhere(&store).await).build();
    let asked: Vec<_> = (0..96).map(|number| (scene.token(), SHARED[number % SHARED.len()])).collect();
    let start = |exchange: &Exchange, (token, name): &(String, &'static str)| {
        let (exchange, token, request) =
            (exchange.clone(), token.clone(), ExchangeRequest::package("npm", *name));
        tokio::spawn(async move { exchange.exchange(&token, &request).await })
    };
    let here: Vec<_> = asked.iter().map(|asked| start(&scene.exchange, asked)).collect();
    let mut there: Vec<_> = asked.iter().rev().map(|asked| start(&other, asked)).collect();
    there.reverse();
    for (here, there) in here.into_iter().zip(there) {
        let outcomes = [here.await.unwrap(), there.await.unwrap()];
        let mut granted = Vec::new();
        for outcome in outcomes {
            match outcome {
                Ok(minted) => granted.push(minted),
                Err(refusal) => assert_eq!(refusal.kind(), RefusalKind::AlreadyUsed, "{refusal}"),
            }
        }
        assert_eq!(granted.len(), 1, "each token is granted once");
        assert!(scene.is_stored(&granted[0]).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_over_one_sqlite_grant_each_token_once() {
    two_processes(&Sqlite::new()).await;
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_over_one_postgresql_grant_each_token_once() {
    let harness = Postgres::new(postgres());
    two_processes(&harness).await;
    harness.clean_up().await;
}

/// A publisher is removed while two processes exchange by it and by another one: no publish token outlives it, and the other
/// one's are granted.
async fn removed_meanwhile<H: Harness<Store = SqlStore>>(harness: &H) {
    for round in 0..6 {
        let store = harness.empty().await;
        let scene = Scene::new(store.clone(), &["widget", "gadget"]).await;
        let other = harness.elsewhere(&store).await;
        let there = Exchange::builder(scene.exchange.verifier().clone(), other.clone()).build();
        let id = store.list(&package("widget")).await.unwrap().remove(0).id;
        let tasks: Vec<_> = (0..32)
            .map(|number| {
                let exchange = if number % 4 < 2 { &scene.exchange } else { &there };
                let (exchange, token, name) =
                    (exchange.clone(), scene.token(), ["widget", "gadget"][number % 2]);
                tokio::spawn(async move {
                    (name, exchange.exchange(&token, &ExchangeRequest::package("npm", name)).await)
                })
            })
            .collect();
        for _ in 0..round * 20 {
            tokio::task::yield_now().await;
        }
        assert!(other.remove(&package("widget"), &id).await.unwrap());
        for task in tasks {
            match task.await.unwrap() {
                ("gadget", outcome) => assert!(scene.is_stored(&outcome.unwrap()).await),
                (_, Ok(minted)) => assert!(!scene.is_stored(&minted).await, "it ended with its publisher"),
                (_, Err(refusal)) => assert_eq!(refusal.kind(), RefusalKind::NotTrusted, "{refusal}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_publish_token_on_sqlite_outlives_a_publisher_that_is_removed_meanwhile() {
    removed_meanwhile(&Sqlite::new()).await;
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_publish_token_on_postgresql_outlives_a_publisher_that_is_removed_meanwhile() {
    let harness = Postgres::new(postgres());
    removed_meanwhile(&harness).await;
    harness.clean_up().await;
}

/// A write fails at each of its tables in turn, and leaves no trace.
async fn fails_whole<H: Harness<Store = SqlStore>>(harness: &H, url: impl Fn() -> String) {
    let scene = Scene::new(harness.empty().await, &["widget"]).await;
    let is_sqlite = url().starts_with("sqlite:");
    for event in ["INSERT ON oidc_replay", "INSERT ON oidc_token", "UPDATE ON oidc_proven"] {
        // PostgreSQL does not write the time of use twice in one second.
        execute(&url(), &["UPDATE oidc_proven SET exchanged_at = 1".to_owned()]).await;
        let statements = if is_sqlite {
            vec![format!("CREATE TRIGGER fault BEFORE {event} BEGIN SELECT RAISE(ABORT, 'injected'); END")]
        } else {
            vec![
                "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'injected'; END $$"
                    .to_owned(),
                format!("CREATE TRIGGER fault BEFORE {event} FOR EACH ROW EXECUTE FUNCTION fault()"),
            ]
        };
        execute(&url(), &statements).await;
        let token = scene.token();
        let refusal = scene.exchange(&token, "widget").await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::Internal, "{event}: the failure is told");
        let mend = if is_sqlite { "DROP TRIGGER fault" } else { "DROP FUNCTION fault CASCADE" };
        execute(&url(), &[mend.to_owned()]).await;
        let minted = scene.exchange(&token, "widget").await.expect("nothing was used up");
        assert!(scene.is_stored(&minted).await, "{event}");
        let again = scene.exchange(&token, "widget").await.unwrap_err();
        assert_eq!(again.kind(), RefusalKind::AlreadyUsed, "{event}: now it is used up");
    }
}

#[tokio::test]
async fn a_grant_that_fails_leaves_no_trace_on_sqlite() {
    let harness = Sqlite::new();
    fails_whole(&harness, || harness.url()).await;
}

#[needs(postgres)]
#[tokio::test]
async fn a_grant_that_fails_leaves_no_trace_on_postgresql() {
    let url = postgres();
    let harness = Postgres::new(url);
    fails_whole(&harness, || harness.url()).await;
    harness.clean_up().await;
}

#[tokio::test]
async fn a_publish_token_is_checked_on_sqlite_while_somebody_writes() {
    let harness = Sqlite::new();
    let scene = Scene::new(harness.empty().await, &["widget"]).await;
    let minted = scene.exchange(&scene.token(), "widget").await.unwrap();
    // Nobody else writes before it ends.
    let mut writer = scene.store.begin().await.unwrap();
    assert!(writer.published(&package("widget"), "nobody", Timestamp::from_secs(NOW)).await.is_ok());
    sqlx::query("UPDATE oidc_token SET provider = 'other'").execute(writer.connection()).await.unwrap();
    let record = scene.exchange.find(minted.token.expose()).await.unwrap().unwrap();
    assert_eq!(record.provider, "fake", "as it was committed");
}

#[needs(postgres)]
#[tokio::test]
async fn whoever_waits_on_postgresql_gets_a_connection_that_somebody_else_is_done_with() {
    let harness = Postgres::new(postgres());
    harness.empty().await;
    let options = SqlOptions::new(harness.url()).max_connections(4).acquire_timeout(Duration::from_secs(5));
    let store = options.connect().await.unwrap();
    // All that are left are kept for the next reader.
    let transaction = store.begin().await.unwrap();
    let find = |number: u32| {
        let (store, hash) = (store.clone(), TokenHash::of(&number.to_string()));
        tokio::spawn(async move { store.find(&hash, Timestamp::from_secs(NOW)).await })
    };
    for found in (0..12).map(find).collect::<Vec<_>>() {
        assert!(found.await.unwrap().expect("a connection in time").is_none());
    }
    drop(transaction);
    harness.clean_up().await;
}

#[needs(postgres)]
#[tokio::test]
async fn an_exchange_on_postgresql_waits_for_no_publish_by_the_same_publisher() {
    let harness = Postgres::new(postgres());
    harness.empty().await;
    // Whoever waits for a lock fails.
    let url = format!("{}?options=-c%20lock_timeout%3D2s", harness.url());
    let scene = Scene::new(SqlOptions::new(url).connect().await.unwrap(), &["widget"]).await;
    execute(&harness.url(), &["UPDATE oidc_proven SET exchanged_at = 1".to_owned()]).await;
    let publisher = scene.store.list(&package("widget")).await.unwrap().remove(0).id;
    let publish = scene.store.begin().await.unwrap();
    assert!(publish.published(&package("widget"), &publisher, Timestamp::from_secs(NOW + 1)).await.unwrap());
    scene.exchange(&scene.token(), "widget").await.unwrap();
    publish.commit().await.unwrap();
    harness.clean_up().await;
}

/// A store whose purge takes a second for each batch.
#[derive(Debug)]
struct Slow(ManualClock, AtomicUsize);

#[async_trait::async_trait]
impl PublisherStore for Slow {
    async fn candidates(&self, _: &[Identity], _: &str, _: Option<&str>) -> Result<Candidates, StoreError> {
        Ok(Candidates::default())
    }

    async fn redeem(&self, _: &Grant) -> Result<Redeemed, StoreError> {
        Ok(Redeemed::Superseded)
    }
}

#[async_trait::async_trait]
impl TokenStore for Slow {
    async fn find(&self, _: &TokenHash, _: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        Ok(None)
    }

    async fn revoke(&self, _: &TokenHash) -> Result<(), StoreError> {
        Ok(())
    }

    async fn purge(&self, _: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.0.advance(Duration::from_secs(1));
        let is_more = self.1.fetch_add(1, Ordering::SeqCst) < 3;
        Ok(if is_more { limit.into() } else { 0 })
    }
}

#[tokio::test]
async fn a_purge_leaves_most_of_the_time_to_others() {
    let clock = ManualClock::at(NOW);
    let (verifier, _) = verifier(FakeHttp::new(), &clock);
    let exchange = Exchange::builder(verifier, Slow(clock.clone(), AtomicUsize::new(0))).build();
    assert_eq!(exchange.purge(10).await.unwrap(), 30);
    assert_eq!(
        clock.monotonic(),
        Duration::from_secs(4 + 3 * 150),
        "four batches, and three pauses between them"
    );
}

/// The pause after a batch that took a second.
fn pause_of(store: &SqlStore) -> Duration {
    store.purge_pause(Duration::from_secs(1))
}

#[tokio::test]
async fn a_purge_on_sqlite_is_rarely_met_by_a_grant() {
    assert_eq!(pause_of(&Sqlite::new().empty().await), Duration::from_secs(150));
}

#[needs(postgres)]
#[tokio::test]
async fn a_purge_on_postgresql_which_no_grant_waits_for_pauses_less() {
    let harness = Postgres::new(postgres());
    assert_eq!(pause_of(&harness.empty().await), Duration::from_secs(8));
    harness.clean_up().await;
}

#[needs(postgres)]
#[tokio::test]
async fn the_disk_makes_no_grant_wait_for_a_purge_on_postgresql() {
    let harness = Postgres::new(postgres());
    let scene = Scene::new(harness.empty().await, &["widget"]).await;
    let refused = |setting: &str, event: &str| {
        [
            format!(
                "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF current_setting('synchronous_commit') = '{setting}' THEN RAISE EXCEPTION '{setting}'; END IF; \
                 RETURN COALESCE(NEW, OLD); END $$"
            ),
            format!(
                "CREATE TRIGGER fault BEFORE {event} ON oidc_token FOR EACH ROW EXECUTE FUNCTION fault()"
            ),
        ]
    };
    assert_eq!(scene.store.purge(Timestamp::from_secs(1), 10).await.unwrap(), 0, "nothing is over");
    execute(&harness.url(), &refused("off", "INSERT")).await;
    scene.exchange(&scene.token(), "widget").await.expect("a grant is durable when it is answered");
    execute(&harness.url(), &["DROP FUNCTION fault CASCADE".to_owned()]).await;
    execute(&harness.url(), &refused("on", "DELETE")).await;
    let end = Timestamp::from_secs(NOW + 100_000);
    assert_eq!(scene.store.purge(end, 10).await.unwrap(), 4, "two publish tokens and their uses");
    harness.clean_up().await;
}
