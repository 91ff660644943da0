//! Many callers, few fetches.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc_core::http::{HttpClient, HttpError, HttpErrorKind, Request, Response};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::verify::backend::AwsLc;
use oidc_core::verify::{COOL_DOWN, KeyFault, MAX_AGE, MAX_BACK_OFF, REFRESH_AFTER, Reason, Verifier};
use oidc_core::{Clock, Timestamp};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::{
    ISSUER, NOW, Registry, SECOND, claims, context, jwks_requests, platform, settle, verifier,
};

/// HTTP that answers when it is let to, or not at all.
#[derive(Clone, Debug)]
struct Gate {
    http: FakeHttp,
    open: Arc<Semaphore>,
    is_down: Arc<AtomicBool>,
}

impl Gate {
    fn closed(issuer: &Arc<FakeIssuer>) -> Self {
        let http = FakeHttp::of_issuer(Arc::clone(issuer));
        Self { http, open: Arc::new(Semaphore::new(0)), is_down: Arc::default() }
    }

    fn open(issuer: &Arc<FakeIssuer>) -> Self {
        let gate = Self::closed(issuer);
        gate.let_through();
        gate
    }

    fn let_through(&self) {
        self.open.add_permits(1_000_000);
    }

    fn close(&self) {
        self.open.forget_permits(usize::MAX);
    }

    fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }
}

#[async_trait]
impl HttpClient for Gate {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let answer = self.http.send(request.clone()).await;
        self.open.acquire().await.unwrap().forget();
        if self.is_down.load(Ordering::SeqCst) {
            return Err(HttpError::new(&request, HttpErrorKind::Connect("down".to_owned())));
        }
        answer
    }
}

struct Scene {
    issuer: Arc<FakeIssuer>,
    gate: Gate,
    clock: ManualClock,
    verifier: Verifier,
}

impl Scene {
    fn with(gate: fn(&Arc<FakeIssuer>) -> Gate) -> Self {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        let (gate, clock) = (gate(&issuer), ManualClock::at(NOW));
        let verifier = verifier(AwsLc, platform(), &context(gate.clone(), &clock)).unwrap();
        Self { issuer, gate, clock, verifier }
    }

    fn token(&self) -> String {
        self.issuer.sign(&claims(NOW + self.clock.elapsed().as_secs()))
    }

    /// Tokens under key ids that nobody publishes. All have one signature, which is never checked.
    fn unknown(&self, kids: Range<usize>) -> impl Iterator<Item = String> + use<> {
        let token = self.token();
        kids.map(move |kid| {
            let header = json!({ "alg": "RS256", "kid": format!("unknown-{kid}") });
            let (_, payload_and_signature) = token.split_once('.').unwrap();
            format!("{}.{payload_and_signature}", URL_SAFE_NO_PAD.encode(header.to_string()))
        })
    }

    fn discoveries(&self) -> usize {
        self.gate
            .http
            .requests()
            .iter()
            .filter(|request| request.url.as_str() == self.issuer.discovery_uri())
            .count()
    }

    fn fetches(&self) -> usize {
        jwks_requests(&self.gate.http, &self.issuer)
    }

    fn herd(&self, tokens: impl IntoIterator<Item = String>) -> JoinSet<Result<(), Reason>> {
        let mut herd = JoinSet::new();
        for token in tokens {
            let verifier = self.verifier.clone();
            herd.spawn(async move { outcome(&verifier, &token).await });
        }
        herd
    }
}

async fn outcome(verifier: &Verifier, token: &str) -> Result<(), Reason> {
    verifier.verify(token).await.map(|_| ()).map_err(|error| error.reason().clone())
}

const HERD: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_on_a_cold_cache_make_one_fetch() {
    let scene = Scene::with(Gate::open);
    let token = scene.token();
    let outcomes = scene.herd((0..HERD).map(|_| token.clone())).join_all().await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!((outcomes.len(), scene.discoveries(), scene.fetches()), (HERD, 1, 1));
}

#[tokio::test]
async fn ten_thousand_callers_wait_for_one_slow_fetch() {
    let scene = Scene::with(Gate::closed);
    let token = scene.token();
    let herd = scene.herd((0..HERD).map(|_| token.clone()));
    settle().await;
    scene.clock.advance(9 * SECOND);
    scene.gate.let_through();
    let outcomes = herd.join_all().await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!((scene.discoveries(), scene.fetches()), (1, 1));
}

#[tokio::test]
async fn ten_thousand_callers_hear_of_one_failure() {
    let scene = Scene::with(Gate::open);
    scene.gate.set_down(true);
    let token = scene.token();
    let outcomes = scene.herd((0..HERD).map(|_| token.clone())).join_all().await;
    for outcome in outcomes {
        assert_eq!(
            outcome,
            Err(Reason::KeysUnavailable { retry_after: COOL_DOWN, fault: KeyFault::Unreachable })
        );
    }
    assert_eq!(scene.discoveries(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_unknown_keys_make_one_fetch_for_each_cool_down() {
    let scene = Scene::with(Gate::open);
    scene.verifier.warm_up().await;
    for round in 1..=3 {
        let outcomes = scene.herd(scene.unknown(0..HERD)).join_all().await;
        assert!(outcomes.iter().all(|outcome| *outcome == Err(Reason::UnknownKey)));
        assert_eq!(scene.fetches(), 1 + round);
        scene.clock.advance(COOL_DOWN - SECOND);
        let one_more = scene.unknown(0..1).next().unwrap();
        assert_eq!(outcome(&scene.verifier, &one_more).await, Err(Reason::UnknownKey));
        assert_eq!(scene.fetches(), 1 + round, "still cooling down");
        scene.clock.advance(SECOND);
    }
}

#[tokio::test]
async fn unknown_keys_on_a_cold_cache_make_one_fetch_too() {
    let scene = Scene::with(Gate::open);
    let outcomes = scene.herd(scene.unknown(0..HERD)).join_all().await;
    assert!(outcomes.iter().all(|outcome| *outcome == Err(Reason::UnknownKey)));
    assert_eq!(scene.fetches(), 1);
}

#[tokio::test]
async fn failures_count_for_the_cool_down_and_double_it_up_to_a_bound() {
    let scene = Scene::with(Gate::open);
    scene.gate.set_down(true);
    let mut expected = COOL_DOWN;
    for round in 1..=8 {
        let refused = outcome(&scene.verifier, &scene.token()).await;
        assert_eq!(
            refused,
            Err(Reason::KeysUnavailable { retry_after: expected, fault: KeyFault::Unreachable }),
            "round {round}"
        );
        assert_eq!(scene.discoveries(), round);
        scene.clock.advance(expected - SECOND);
        let _refused = outcome(&scene.verifier, &scene.token()).await;
        assert_eq!(scene.discoveries(), round, "still backing off");
        scene.clock.advance(SECOND);
        expected = (expected * 2).min(MAX_BACK_OFF);
    }
    scene.gate.set_down(false);
    assert_eq!(outcome(&scene.verifier, &scene.token()).await, Ok(()), "and it comes back");
    let status = &scene.verifier.key_status()[0];
    assert_eq!((status.keys, status.failures), (1, 8));
}

#[tokio::test]
async fn the_back_off_has_jitter() {
    let mut waits = Vec::new();
    for byte in [0, 128, 255] {
        let issuer = Arc::new(FakeIssuer::new(ISSUER));
        let clock = ManualClock::at(NOW);
        let cx = context(FakeHttp::new(), &clock).with_random(oidc_core::testing::NotRandom(byte));
        let verifier = verifier(AwsLc, platform(), &cx).unwrap();
        let Err(Reason::KeysUnavailable { retry_after, .. }) =
            outcome(&verifier, &issuer.sign(&claims(NOW))).await
        else {
            panic!("an issuer that is down");
        };
        waits.push(retry_after);
    }
    assert_eq!(waits[0], COOL_DOWN);
    assert!(waits[0] < waits[1] && waits[1] < waits[2] && waits[2] <= COOL_DOWN * 5 / 4, "{waits:?}");
}

#[tokio::test]
async fn keys_are_refreshed_in_the_background_before_they_expire() {
    let scene = Scene::with(Gate::open);
    scene.verifier.warm_up().await;
    scene.clock.advance(REFRESH_AFTER - SECOND);
    assert_eq!(outcome(&scene.verifier, &scene.token()).await, Ok(()));
    settle().await;
    assert_eq!(scene.fetches(), 1);
    scene.clock.advance(SECOND);
    scene.gate.close();
    for _ in 0..100 {
        assert_eq!(outcome(&scene.verifier, &scene.token()).await, Ok(()), "without waiting");
    }
    settle().await;
    assert_eq!(scene.discoveries(), 2, "one refresh under way");
    scene.gate.let_through();
    settle().await;
    assert_eq!(scene.fetches(), 2);
    assert_eq!(scene.verifier.key_status()[0].age, Some(Duration::ZERO));
}

#[tokio::test]
async fn stale_keys_are_served_while_the_issuer_is_down_for_a_bounded_time() {
    let scene = Scene::with(Gate::open);
    scene.verifier.warm_up().await;
    scene.gate.set_down(true);
    while scene.clock.elapsed() < MAX_AGE {
        assert_eq!(outcome(&scene.verifier, &scene.token()).await, Ok(()));
        settle().await;
        scene.clock.advance(300 * SECOND);
    }
    let discoveries = scene.discoveries();
    assert!(discoveries <= 40, "{discoveries} fetches in four hours");
    let refused = outcome(&scene.verifier, &scene.token()).await;
    assert!(matches!(refused, Err(Reason::KeysUnavailable { .. })), "{refused:?}");
    scene.gate.set_down(false);
    scene.clock.advance(MAX_BACK_OFF);
    assert_eq!(outcome(&scene.verifier, &scene.token()).await, Ok(()));
}

#[tokio::test]
async fn a_withdrawn_key_is_gone_with_the_next_refresh_and_in_any_case_after_the_bound() {
    let scene = Scene::with(Gate::open);
    scene.verifier.warm_up().await;
    let sign_old = {
        let old = FakeIssuer::new(ISSUER);
        move |now| old.sign(&claims(now))
    };
    scene.issuer.rotate();
    scene.issuer.withdraw_old();
    let now = || NOW + scene.clock.elapsed().as_secs();
    assert_eq!(outcome(&scene.verifier, &sign_old(now())).await, Ok(()), "not known yet");
    scene.clock.advance(REFRESH_AFTER);
    assert_eq!(outcome(&scene.verifier, &sign_old(now())).await, Ok(()), "starts the refresh");
    settle().await;
    assert_eq!(outcome(&scene.verifier, &sign_old(now())).await, Err(Reason::UnknownKey));
}

#[tokio::test]
async fn while_a_fetch_is_outstanding_tokens_with_a_cached_key_do_not_wait() {
    let scene = Scene::with(Gate::open);
    scene.verifier.warm_up().await;
    scene.gate.close();
    let herd = scene.herd(scene.unknown(0..100));
    settle().await;
    assert_eq!(scene.discoveries(), 2);
    for _ in 0..100 {
        let token = scene.token();
        let mut verification = Box::pin(scene.verifier.verify(&token));
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        let std::task::Poll::Ready(outcome) = verification.as_mut().poll(&mut task) else {
            panic!("it waited")
        };
        outcome.unwrap();
    }
    scene.gate.let_through();
    assert!(herd.join_all().await.iter().all(|outcome| *outcome == Err(Reason::UnknownKey)));
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_end_the_fetch() {
    let scene = Scene::with(Gate::closed);
    let mut herd = scene.herd([scene.token()]);
    settle().await;
    herd.abort_all();
    while herd.join_next().await.is_some() {}
    scene.gate.let_through();
    settle().await;
    assert_eq!(scene.verifier.key_status()[0].keys, 1);
    scene.verifier.verify_cached(&scene.token()).unwrap();
    assert_eq!(scene.fetches(), 1);
}

#[tokio::test]
async fn a_fetch_that_never_ends_properly_is_a_failure_and_blocks_nothing() {
    #[derive(Debug)]
    struct Panics;
    #[async_trait]
    impl HttpClient for Panics {
        async fn send(&self, _: Request) -> Result<Response, HttpError> {
            panic!("a bug in somebody's HTTP client");
        }
    }
    let issuer = FakeIssuer::new(ISSUER);
    let clock = ManualClock::at(NOW);
    let verifier = verifier(AwsLc, platform(), &context(Panics, &clock)).unwrap();
    for round in 1..=2 {
        let now = NOW + clock.elapsed().as_secs();
        let refused = outcome(&verifier, &issuer.sign(&claims(now))).await;
        assert!(matches!(refused, Err(Reason::KeysUnavailable { .. })), "{refused:?}");
        assert_eq!(verifier.key_status()[0].fetches, round);
        clock.advance(MAX_BACK_OFF);
    }
}

#[tokio::test]
async fn a_failed_warm_up_leaves_the_verifier_usable() {
    let scene = Scene::with(Gate::open);
    scene.gate.set_down(true);
    scene.verifier.warm_up().await;
    scene.gate.set_down(false);
    scene.clock.advance(COOL_DOWN);
    assert_eq!(outcome(&scene.verifier, &scene.token()).await, Ok(()));
}

#[test]
fn without_a_runtime_the_caller_fetches_itself() {
    let registry = Registry::new();
    let token = registry.token();
    let mut verification = Box::pin(registry.verifier.verify(&token));
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(outcome) = verification.as_mut().poll(&mut task) else { panic!("it waited") };
    outcome.unwrap();
    assert_eq!(registry.jwks_requests(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::disallowed_methods, reason = "it measures")]
async fn cached_verification_keeps_its_speed_while_a_fetch_is_outstanding() {
    let scene = Scene::with(Gate::open);
    scene.verifier.warm_up().await;
    scene.gate.close();
    let herd = scene.herd(scene.unknown(0..1000));
    settle().await;
    let token = scene.token();
    let mut times: Vec<Duration> = (0..1000)
        .map(|_| {
            let begin = std::time::Instant::now();
            scene.verifier.verify_cached(&token).unwrap();
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    // Unoptimised and on a busy machine, far above what BENCHMARKS.md measures.
    assert!(times[500] < Duration::from_millis(20), "{:?}", times[500]);
    scene.gate.let_through();
    herd.join_all().await;
}

/// The other action that happens while the clock is read.
type Happening = Box<dyn FnOnce() + Send>;

/// A clock in whose reading something else happens, once.
#[derive(Clone)]
struct Interrupted {
    clock: ManualClock,
    by: Arc<Mutex<Option<Happening>>>,
}

impl fmt::Debug for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupted")
    }
}

#[async_trait]
impl Clock for Interrupted {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        let by = self.by.lock().unwrap().take();
        by.into_iter().for_each(|happens| happens());
        self.clock.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

/// The first of two has looked at the old keys, and goes on when the second has fetched the new ones.
#[test]
fn who_comes_too_late_for_a_fetch_begins_no_other() {
    let issuer = Arc::new(FakeIssuer::new(ISSUER));
    let http = FakeHttp::of_issuer(Arc::clone(&issuer));
    let clock = Interrupted { clock: ManualClock::at(NOW), by: Arc::default() };
    let cx = context(http.clone(), &clock.clock).with_clock(clock.clone());
    let verifier = verifier(AwsLc, platform(), &cx).unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime().block_on(verifier.warm_up());
    issuer.rotate();
    let token = issuer.sign(&claims(NOW));
    let before = jwks_requests(&http, &issuer);
    let second = (verifier.clone(), token.clone());
    *clock.by.lock().unwrap() = Some(Box::new(move || {
        let (verifier, token) = second;
        let fetches = std::thread::spawn(move || runtime().block_on(verifier.verify(&token)).is_ok());
        assert!(fetches.join().unwrap());
    }));
    runtime().block_on(verifier.verify(&token)).unwrap();
    assert!(clock.by.lock().unwrap().is_none(), "it was interrupted");
    assert_eq!(jwks_requests(&http, &issuer) - before, 1);
}
