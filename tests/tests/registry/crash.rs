//! A registry that is killed in the middle of its work has neither minted twice nor lost what it answered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use ci_issuer::{Changes, GITHUB, Running, Settings};
use needs::needs;
use oidc_core::Context;
use oidc_core::http::{Request, Response};
use oidc_exchange::sql::SqlStore;
use tempfile::TempDir;
use tests::clients::Tool;
use tests::http;
use tests::programs::{Process, Signal, registry};
use tests::scene::{config, database};
use tokio::sync::watch;
use tokio::task::JoinSet;

const PACKAGES: [&str; 5] = ["@acme/one", "@acme/two", "@acme/three", "four", "five"];
/// Identity tokens in each round.
const TOKENS: usize = 10;
/// The number of tasks that present each token for each package at once.
const RIVALS: usize = 3;
/// After how many answers of success a round's registry is killed. A round has a hundred to give.
const MOMENTS: [usize; 12] = [1, 3, 10, 20, 30, 40, 50, 60, 70, 80, 90, 97];

/// One token for one package, and the version that is published with what it gives.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Use {
    token: Arc<str>,
    package: &'static str,
    version: String,
}

/// The answers to one task.
#[derive(Default)]
struct Answers {
    /// The exchange's status; `None` where no answer came.
    exchange: Option<u16>,
    minted: Option<String>,
    /// The publish's status.
    publish: Option<u16>,
}

/// The answers to the tasks of one use, over every life of the registry.
#[derive(Default)]
struct History {
    minted: Vec<String>,
    is_published: bool,
}

struct World {
    cx: Context,
    issuer: Running,
    folder: TempDir,
}

impl World {
    async fn start() -> Self {
        let cx = http::system();
        let folder = tempfile::tempdir().unwrap();
        let issuer = Running::start(Settings::new(&GITHUB), &cx).await.unwrap();
        let config = config(&GITHUB, issuer.url(), folder.path(), "", &PACKAGES, "");
        fs::write(folder.path().join("registry.toml"), config).unwrap();
        Self { cx, issuer, folder }
    }

    async fn registry(&self) -> (Process, String) {
        registry(self.folder.path(), "error").await
    }

    /// Every token of a round for every package.
    fn uses(&self, round: usize) -> Vec<Use> {
        let tokens: Vec<Arc<str>> =
            (0..TOKENS).map(|_| self.issuer.token("npm:127.0.0.1", &Changes::default()).into()).collect();
        let of = |(number, token): (usize, &Arc<str>)| {
            let version = format!("{round}.{number}.0");
            PACKAGES.map(|package| Use { token: Arc::clone(token), package, version: version.clone() })
        };
        tokens.iter().enumerate().flat_map(of).collect()
    }

    /// Exchanges and publishes, all at once, `rivals` tasks for each use. Counts answers of success in `successes`.
    fn work(
        &self,
        url: &str,
        uses: &[Use],
        rivals: usize,
        successes: &watch::Sender<usize>,
    ) -> JoinSet<(Use, Answers)> {
        let mut tasks = JoinSet::new();
        for one in uses.iter().flat_map(|one| vec![one; rivals]) {
            let (cx, url, one, successes) = (self.cx.clone(), url.to_owned(), one.clone(), successes.clone());
            tasks.spawn(async move {
                let answers = exchange_and_publish(&cx, &url, &one, &successes).await;
                (one, answers)
            });
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
    let Some(answer) = answer(cx, http::exchange(url, one.package, &one.token)).await else { return answers };
    answers.exchange = Some(answer.status);
    if answer.status != 201 {
        return answers;
    }
    successes.send_modify(|count| *count += 1);
    let minted = http::minted(&answer);
    answers.publish = publish(cx, url, one, &minted).await;
    answers.minted = Some(minted);
    if answers.publish == Some(201) {
        successes.send_modify(|count| *count += 1);
    }
    answers
}

async fn publish(cx: &Context, url: &str, one: &Use, minted: &str) -> Option<u16> {
    let answer = answer(cx, http::publish(url, one.package, &one.version, minted)).await;
    answer.map(|answer| answer.status)
}

/// The answer, unless the registry ended before it was whole.
async fn answer(cx: &Context, request: Request) -> Option<Response> {
    cx.http().send(request).await.ok()
}

/// Takes down what was answered, which is never anything but success or a refusal of a used token.
fn take_down(histories: &mut HashMap<Use, History>, answered: Vec<(Use, Answers)>) {
    for (one, answers) in answered {
        assert!(matches!(answers.exchange, None | Some(201 | 401)), "{:?}", answers.exchange);
        assert!(matches!(answers.publish, None | Some(201)), "{:?}", answers.publish);
        let history = histories.entry(one).or_default();
        history.minted.extend(answers.minted);
        history.is_published |= answers.publish == Some(201);
        assert!(history.minted.len() <= 1, "one use of a token was minted for twice");
    }
}

/// What was answered before the kill still holds: used tokens are used, publish tokens publish, versions are there.
async fn assert_kept(world: &World, url: &str, histories: &mut HashMap<Use, History>) {
    for (one, history) in histories.iter_mut() {
        if let Some(minted) = history.minted.first() {
            let again = answer(&world.cx, http::exchange(url, one.package, &one.token)).await.unwrap();
            assert_eq!(again.status, 401);
            assert!(http::message(&again).contains("already used"), "{}", http::message(&again));
            if !history.is_published {
                // It may have been published and the answer lost.
                let status = publish(&world.cx, url, one, minted).await;
                assert!(matches!(status, Some(201 | 403)), "{status:?}");
                history.is_published = true;
            }
        }
    }
    for package in PACKAGES {
        let packument = http::send(&world.cx, http::get(url, &http::escaped(package))).await;
        let published =
            histories.iter().filter(|(one, history)| one.package == package && history.is_published);
        for (Use { version, .. }, _) in published {
            let dist = &http::body(&packument)["versions"][version]["dist"];
            let path = format!("{package}/-/{}-{version}.tgz", package.rsplit('/').next().unwrap());
            let tarball = http::send(&world.cx, http::get(url, &path)).await.body;
            assert_eq!(dist["integrity"], http::integrity(&tarball), "{package}@{version}");
            assert_eq!(tarball, http::tarball(package, version), "{package}@{version}");
        }
    }
}

/// Every burned use of an identity token has its publish token, and every publish token its use.
async fn assert_whole(world: &World) {
    let database = SqlStore::open(&database(world.folder.path())).await.unwrap();
    let text =
        |statement: &'static str| sqlx::query_scalar::<_, String>(statement).fetch_one(database.pool());
    let number = |statement: &'static str| sqlx::query_scalar::<_, i64>(statement).fetch_one(database.pool());
    assert_eq!(text("PRAGMA integrity_check").await.unwrap(), "ok");
    let tokens = number("SELECT COUNT(*) FROM oidc_token").await.unwrap();
    assert_eq!(tokens, number("SELECT COUNT(*) FROM oidc_replay").await.unwrap());
    assert_eq!(tokens, number("SELECT COUNT(*) FROM oidc_token WHERE publisher IS NOT NULL").await.unwrap());
    assert_eq!(number("SELECT MAX(uses) FROM oidc_replay").await.unwrap(), 1);
}

#[needs(npm)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_killed_mints_nothing_twice_and_keeps_all_that_it_answered() {
    let world = World::start().await;
    let mut histories = HashMap::new();
    let mut cut_off = 0;
    for (round, moment) in MOMENTS.into_iter().enumerate() {
        let uses = world.uses(round);
        let (process, url) = world.registry().await;
        let successes = watch::Sender::new(0);
        let tasks = world.work(&url, &uses, RIVALS, &successes);
        successes.subscribe().wait_for(|count| *count >= moment).await.unwrap();
        process.kill().await;
        let answered = tasks.join_all().await;
        cut_off += answered.iter().filter(|(_, answers)| answers.exchange.is_none()).count();
        take_down(&mut histories, answered);
        assert_whole(&world).await;

        let (process, url) = world.registry().await;
        let mut of_round: HashMap<Use, History> =
            uses.iter().map(|one| (one.clone(), histories.remove(one).unwrap_or_default())).collect();
        assert_kept(&world, &url, &mut of_round).await;
        take_down(&mut of_round, world.work(&url, &uses, 2, &watch::Sender::new(0)).join_all().await);
        histories.extend(of_round);
        assert!(process.signal(Signal::TERM).await.status.success());
    }
    assert!(cut_off > 100, "the registry was too quick to be killed in the middle: {cut_off}");

    let (_process, url) = world.registry().await;
    assert_kept(&world, &url, &mut histories).await;
    assert_whole(&world).await;
    let published = histories.values().filter(|history| history.is_published).count();
    println!("{published} of {} uses published, {cut_off} exchanges cut off", histories.len());
    install_all(&url).await;
}

/// npm takes what is there.
async fn install_all(url: &str) {
    let npm = Tool::Npm.find().await;
    let npmrc = format!("registry={url}/\n");
    let folder =
        npm.project("consumer", &[("package.json", r#"{ "name": "consumer" }"#), (".npmrc", &npmrc)]);
    npm.run(&folder, &[], &[&["install"], PACKAGES.as_slice()].concat()).await.succeeded();
    for package in PACKAGES {
        let index = fs::read_to_string(folder.join("node_modules").join(package).join("index.js"));
        assert!(index.unwrap().starts_with("module.exports"));
    }
}
