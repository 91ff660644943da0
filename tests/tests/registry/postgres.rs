//! Two registries over one PostgreSQL. One is killed under load: nothing is lost and nothing doubled.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use ci_issuer::{Changes, GITHUB, Running, Settings};
use needs::needs;
use oidc_core::Context;
use oidc_core::http::Request;
use oidc_exchange::sql::SqlStore;
use sqlx::Executor as _;
use tempfile::TempDir;
use tests::http;
use tests::postgres::Postgres;
use tests::programs::{Process, Program, Signal, registry};
use tests::scene::{config, database};
use tokio::sync::watch;
use tokio::task::JoinSet;

const PACKAGES: [&str; 3] = ["@acme/one", "@acme/two", "three"];
/// Identity tokens, each used for every package.
const TOKENS: usize = 40;
/// The number of tasks that present each token for each package, half of them to each registry.
const RIVALS: usize = 4;
/// After how many answers of success one of the registries is killed.
const MOMENT: usize = 60;

struct World {
    cx: Context,
    issuer: Running,
    folder: TempDir,
    postgres: Postgres,
}

/// One identity token for one package, and the version that is published with what it gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Use {
    token: Arc<str>,
    package: &'static str,
    version: String,
}

/// The statuses of the answers that came.
#[derive(Debug, Default)]
struct Answers {
    exchange: Option<u16>,
    minted: Option<String>,
    publish: Option<u16>,
}

impl World {
    async fn start(postgres: Postgres) -> Self {
        let cx = http::system();
        let folder = tempfile::tempdir().unwrap();
        let issuer = Running::start(Settings::new(&GITHUB), &cx).await.unwrap();
        let config = config(&GITHUB, issuer.url(), folder.path(), "", &PACKAGES, "");
        let config = config.replace(&database(folder.path()), &postgres.url());
        fs::write(folder.path().join("registry.toml"), config).unwrap();
        Self { cx, issuer, folder, postgres }
    }

    async fn registry(&self) -> (Process, String) {
        registry(self.folder.path(), "error").await
    }

    fn uses(&self) -> Vec<Use> {
        let token = |_| -> Arc<str> { self.issuer.token("npm:127.0.0.1", &Changes::default()).into() };
        let of = |(number, token): (usize, Arc<str>)| {
            let version = format!("1.{number}.0");
            PACKAGES.map(|package| Use { token: Arc::clone(&token), package, version: version.clone() })
        };
        (0..TOKENS).map(token).enumerate().flat_map(of).collect()
    }

    /// Exchanges and publishes, all at once, at both registries in turn.
    fn work(
        &self,
        urls: [&str; 2],
        uses: &[Use],
        successes: &watch::Sender<usize>,
    ) -> JoinSet<(Use, Answers)> {
        let mut tasks = JoinSet::new();
        for one in uses {
            for rival in 0..RIVALS {
                let (cx, one, successes) = (self.cx.clone(), one.clone(), successes.clone());
                let url = urls[rival % 2].to_owned();
                tasks.spawn(async move {
                    let answers = exchange_and_publish(&cx, &url, &one, &successes).await;
                    (one, answers)
                });
            }
        }
        tasks
    }
}

async fn exchange_and_publish(
    cx: &Context,
    url: &str,
    one: &Use,
    successes: &watch::Sender<usize>,
) -> Answers {
    let mut answers = Answers::default();
    let Some((status, body)) = answer(cx, http::exchange(url, one.package, &one.token)).await else {
        return answers;
    };
    answers.exchange = Some(status);
    if status != 201 {
        return answers;
    }
    successes.send_modify(|count| *count += 1);
    let minted = body["token"].as_str().unwrap().to_owned();
    let published = answer(cx, http::publish(url, one.package, &one.version, &minted)).await;
    answers.publish = published.map(|(status, _)| status);
    answers.minted = Some(minted);
    answers
}

/// The answer, unless the registry ended before it was whole.
async fn answer(cx: &Context, request: Request) -> Option<(u16, serde_json::Value)> {
    let response = cx.http().send(request).await.ok()?;
    Some((response.status, response.json()?))
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_registries_over_one_postgresql_one_is_killed_and_nothing_is_lost_or_doubled() {
    let postgres = Postgres::create().await;
    let world = World::start(postgres).await;
    // Both start at once, on an empty database.
    let ((doomed, first), (survivor, second)) = tokio::join!(world.registry(), world.registry());
    let uses = world.uses();
    let successes = watch::Sender::new(0);
    let tasks = world.work([&first, &second], &uses, &successes);
    successes.subscribe().wait_for(|count| *count >= MOMENT).await.unwrap();
    doomed.kill().await;

    let mut minted: HashMap<Use, Vec<(String, Option<u16>)>> = HashMap::new();
    let mut cut_off = 0;
    for (one, answers) in tasks.join_all().await {
        assert!(matches!(answers.exchange, None | Some(201 | 401)), "{answers:?}");
        assert!(matches!(answers.publish, None | Some(201)), "{answers:?}");
        cut_off += usize::from(answers.exchange.is_none());
        if let Some(token) = answers.minted {
            minted.entry(one).or_default().push((token, answers.publish));
        }
    }
    assert!(cut_off > 0, "the registry was too quick to be killed in the middle");
    for one in &uses {
        let tokens = minted.entry(one.clone()).or_default();
        assert!(tokens.len() <= 1, "one use of a token was minted for twice: {one:?}");
        let again = http::send(&world.cx, http::exchange(&second, one.package, &one.token)).await;
        match tokens.first() {
            // The answer was lost with the registry, or the registry before it burned anything.
            None if again.status == 201 => {
                let token = http::minted(&again);
                let published = http::publish(&second, one.package, &one.version, &token);
                assert_eq!(http::send(&world.cx, published).await.status, 201);
            }
            None => assert_eq!(again.status, 401),
            Some((token, published)) => {
                assert_eq!(again.status, 401, "burned at one registry, burned at the other");
                let publish = http::publish(&second, one.package, &one.version, token);
                let status = http::send(&world.cx, publish).await.status;
                let expected: &[u16] = if *published == Some(201) { &[403] } else { &[201, 403] };
                assert!(
                    expected.contains(&status),
                    "{status}: the survivor knows what was published: {one:?}"
                );
            }
        }
    }
    assert_published(&world, &second, &minted).await;
    assert_whole(&world).await;
    println!(
        "{} of {} uses answered, {cut_off} exchanges cut off",
        minted.values().flatten().count(),
        uses.len()
    );
    assert!(survivor.signal(Signal::TERM).await.status.success());
    world.postgres.drop().await;
}

/// Whatever was answered is there, byte by byte.
async fn assert_published(world: &World, url: &str, minted: &HashMap<Use, Vec<(String, Option<u16>)>>) {
    for package in PACKAGES {
        let packument = http::body(&http::send(&world.cx, http::get(url, &http::escaped(package))).await);
        for (one, tokens) in minted.iter().filter(|(one, _)| one.package == package) {
            if tokens.is_empty() {
                continue;
            }
            let base = package.rsplit('/').next().unwrap();
            let path = format!("{package}/-/{base}-{}.tgz", one.version);
            let tarball = http::send(&world.cx, http::get(url, &path)).await.body;
            assert_eq!(tarball, http::tarball(package, &one.version));
            assert_eq!(packument["versions"][&one.version]["dist"]["integrity"], http::integrity(&tarball));
        }
    }
}

/// Every burned use has its publish token, and every publish token its use.
async fn assert_whole(world: &World) {
    let database = SqlStore::open(&world.postgres.url()).await.unwrap();
    let number = |statement: &'static str| sqlx::query_scalar::<_, i64>(statement).fetch_one(database.pool());
    let tokens = number("SELECT COUNT(*) FROM oidc_token").await.unwrap();
    assert_eq!(tokens, i64::try_from(TOKENS * PACKAGES.len()).unwrap());
    assert_eq!(tokens, number("SELECT COUNT(*) FROM oidc_replay").await.unwrap());
    assert_eq!(tokens, number("SELECT COUNT(*) FROM oidc_token WHERE publisher IS NOT NULL").await.unwrap());
    assert_eq!(number("SELECT MAX(uses) FROM oidc_replay").await.unwrap(), 1);
    assert_eq!(number("SELECT COUNT(*) FROM oidc_publisher").await.unwrap(), 3, "two starts configured once");
    database.pool().close().await;
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_exchanges_of_one_token_at_two_registries_one_succeeds() {
    let postgres = Postgres::create().await;
    let world = World::start(postgres).await;
    let ((one, first), (other, second)) = tokio::join!(world.registry(), world.registry());
    let token = world.issuer.token("npm:127.0.0.1", &Changes::default());
    let mut tasks = JoinSet::new();
    for number in 0..64 {
        let url = if number % 2 == 0 { &first } else { &second };
        let (cx, request) = (world.cx.clone(), http::exchange(url, "three", &token));
        tasks.spawn(async move { http::send(&cx, request).await.status });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 63, "{statuses:?}");
    for process in [one, other] {
        assert!(process.signal(Signal::TERM).await.status.success());
    }
    world.postgres.drop().await;
}

/// Holds whoever stores a tarball up, for as long as the test has the lock.
const HOLD_UP: [&str; 3] = [
    "CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$",
    "CREATE TRIGGER hold_up BEFORE INSERT ON blob FOR EACH ROW EXECUTE FUNCTION hold_up()",
    "DO $$ BEGIN PERFORM pg_advisory_lock(7); END $$",
];

/// Once a removal is answered, nothing is published any more by the publisher that was removed.
#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_removes_a_publisher_waits_for_what_it_is_publishing() {
    let postgres = Postgres::create().await;
    let world = World::start(postgres).await;
    let (process, url) = world.registry().await;
    let token = world.issuer.token("npm:127.0.0.1", &Changes::default());
    let minted = http::minted(&http::send(&world.cx, http::exchange(&url, "three", &token)).await);
    let database = SqlStore::open(&world.postgres.url()).await.unwrap();
    let mut holder = database.pool().acquire().await.unwrap();
    for statement in HOLD_UP {
        holder.execute(statement).await.unwrap();
    }
    let waiting = async |kind: &'static str| {
        let statement = "SELECT COUNT(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1";
        let query = sqlx::query_scalar::<_, i64>(statement).bind(kind);
        query.fetch_one(database.pool()).await.unwrap() > 0
    };

    let publish = http::publish(&url, "three", "1.0.0", &minted);
    let (cx, pool) = (world.cx.clone(), database.pool().clone());
    let published = tokio::spawn(async move { http::send(&cx, publish).await.status });
    while !waiting("INSERT INTO blob (%").await {
        assert!(!published.is_finished(), "it is held up");
    }
    let removal = "DELETE FROM oidc_publisher WHERE ecosystem = 'npm' AND package = 'three'";
    let removed = tokio::spawn(async move { pool.execute(removal).await.unwrap().rows_affected() });
    while !waiting("DELETE FROM oidc_publisher%").await {
        assert!(!removed.is_finished(), "it went past a publish that was under way");
    }
    holder.execute("DO $$ BEGIN PERFORM pg_advisory_unlock(7); END $$").await.unwrap();
    assert_eq!((published.await.unwrap(), removed.await.unwrap()), (201, 1));

    let again = http::publish(&url, "three", "1.0.1", &minted);
    assert_eq!(http::send(&world.cx, again).await.status, 401, "its token went with it");
    drop(holder);
    database.pool().close().await;
    assert!(process.signal(Signal::TERM).await.status.success());
    world.postgres.drop().await;
}

/// Uploads that wait for each other in the database hold no exchange up.
#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_does_not_wait_for_publishes_that_are_held_up() {
    const HELD_UP: usize = 30;
    let postgres = Postgres::create().await;
    let world = World::start(postgres).await;
    let (process, url) = world.registry().await;
    let identity_token = || world.issuer.token("npm:127.0.0.1", &Changes::default());
    let minted = http::minted(&http::send(&world.cx, http::exchange(&url, "three", &identity_token())).await);
    let database = SqlStore::open(&world.postgres.url()).await.unwrap();
    let mut holder = database.pool().acquire().await.unwrap();
    for statement in HOLD_UP {
        holder.execute(statement).await.unwrap();
    }
    let mut publishes = JoinSet::new();
    for number in 0..HELD_UP {
        let (cx, publish) =
            (world.cx.clone(), http::publish(&url, "three", &format!("1.0.{number}"), &minted));
        publishes.spawn(async move { http::send(&cx, publish).await.status });
    }
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(database.pool()).await.unwrap() < 2 {}
    for _ in 0..10 {
        let answer = http::send(&world.cx, http::exchange(&url, "@acme/one", &identity_token())).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    }
    assert!(publishes.try_join_next().is_none(), "they are held up");
    holder.execute("DO $$ BEGIN PERFORM pg_advisory_unlock(7); END $$").await.unwrap();
    assert_eq!(publishes.join_all().await, [201; HELD_UP]);
    drop(holder);
    database.pool().close().await;
    assert!(process.signal(Signal::TERM).await.status.success());
    world.postgres.drop().await;
}

/// PostgreSQL has no text with such a character.
#[needs(postgres)]
#[tokio::test]
async fn a_name_with_a_nul_is_not_found() {
    let postgres = Postgres::create().await;
    let world = World::start(postgres).await;
    let (process, url) = world.registry().await;
    for (path, status) in [
        ("rubygems/info/%00", 404),
        ("rubygems/gems/%00", 404),
        ("rubygems/gems/widget-1.0.0.gem%00", 404),
        ("rubygems/quick/Marshal.4.8/%00.gemspec.rz", 404),
        ("pypi/files/%00", 404),
        ("simple/%00/", 400),
        ("api/v1/crates/a/%00/download", 404),
        ("api/v1/crates/%00/1.0.0/download", 400),
        ("index/3/a/a%00b", 404),
        ("%00", 400),
        ("three%00", 400),
        ("three/-/three-1.0.0%00.tgz", 404),
        ("-/package/%00/visibility", 400),
        ("-/package/%00/dist-tags", 400),
    ] {
        assert_eq!(http::send(&world.cx, http::get(&url, path)).await.status, status, "{path}");
    }
    let token = world.issuer.token("npm:127.0.0.1", &Changes::default());
    let status = http::send(&world.cx, http::exchange(&url, "three%00", &token)).await.status;
    assert!((400..500).contains(&status), "{status}");
    assert!(process.signal(Signal::TERM).await.status.success());
    world.postgres.drop().await;
}

/// `registry migrate` has the owner's URL; the registry itself has that of a role that reads and writes rows.
#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_serves_with_a_role_that_may_create_no_tables() {
    let postgres = Postgres::create().await;
    let owners = postgres.url();
    let serving = postgres.role_without_ddl().await;
    let world = World::start(postgres).await;
    let folder = world.folder.path().to_owned();
    let config = fs::read_to_string(folder.join("registry.toml")).unwrap();
    fs::write(folder.join("registry.toml"), config.replace(&owners, serving.url())).unwrap();
    fs::write(folder.join("owner.url"), format!("{owners}\n")).unwrap();

    let refused = Program::Registry.run(&folder, &["--config", "registry.toml"]).await;
    assert!(!refused.status.success());
    assert!(refused.stderr.contains("`registry migrate`"), "{}", refused.stderr);
    assert!(refused.stderr.contains("permission denied"), "{}", refused.stderr);
    let migrated = ["migrate", "--config", "registry.toml", "--database-file", "owner.url"];
    for _ in 0..2 {
        let ended = Program::Registry.run(&folder, &migrated).await;
        assert!(ended.status.success(), "{}", ended.stderr);
    }

    let (process, url) = world.registry().await;
    let token = world.issuer.token("npm:127.0.0.1", &Changes::default());
    let minted = http::minted(&http::send(&world.cx, http::exchange(&url, "three", &token)).await);
    let published = http::send(&world.cx, http::publish(&url, "three", "1.0.0", &minted)).await;
    assert_eq!(published.status, 201, "{}", http::message(&published));
    assert!(process.signal(Signal::TERM).await.status.success());
    let audit = Program::Registry.run(&folder, &["audit", "--config", "registry.toml"]).await;
    assert!(audit.stdout.contains("\"granted\""), "{} {}", audit.stdout, audit.stderr);
    world.postgres.drop().await;
    serving.drop().await;
}
