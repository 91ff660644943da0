//! One deadline for a whole operation over all tries, and the tries as the context's policy says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use oidc_core::http::{HttpErrorKind, Request, Response, Step};
use oidc_core::testing::{FakeHttp, ManualClock, NotRandom};
use oidc_core::{Command, CommandError, CommandOutput, Commands, Context, HttpUrl, OperationPolicy};

const URL: &str = "https://platform.example/token";

fn request() -> Request {
    Request::get(HttpUrl::parse(URL).unwrap()).deadline(Duration::from_secs(5))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A host whose answers take their whole deadline and never come.
fn silent(clock: &ManualClock) -> FakeHttp {
    let clock = clock.clone();
    FakeHttp::new().on_request(move |request| {
        clock.advance(request.deadline);
        Some(Err(HttpErrorKind::Timeout { step: Step::Answer, after: request.deadline }))
    })
}

fn context(clock: &ManualClock, http: &FakeHttp, policy: OperationPolicy) -> Context {
    Context::default().with_clock(clock.clone()).with_http(http.clone()).with_policy(policy)
}

#[tokio::test]
async fn all_tries_share_one_deadline() {
    for deadline in [0, 3, 7, 12, 60] {
        let clock = ManualClock::at(0);
        let http = silent(&clock);
        let policy =
            OperationPolicy::default().with_deadline(seconds(deadline)).unwrap().with_tries(10).unwrap();
        let error = context(&clock, &http, policy).send_with_retries(request()).await.unwrap_err();
        assert!(clock.elapsed() <= seconds(deadline), "{deadline}: {:?}", clock.elapsed());
        // Each try has 5 s, or what is left.
        let deadlines: Vec<Duration> = http.requests().iter().map(|request| request.deadline).collect();
        assert!(deadlines.iter().all(|tried| *tried <= seconds(5)), "{deadlines:?}");
        match deadline {
            0 => {
                assert_eq!(error.kind(), &HttpErrorKind::OutOfTime(Duration::ZERO));
                assert!(deadlines.is_empty());
            }
            3 => assert_eq!(deadlines, [seconds(3)]),
            7 => assert_eq!(deadlines, [seconds(5), Duration::from_millis(1800)]),
            _ => assert!(matches!(error.kind(), HttpErrorKind::Timeout { .. }), "{error}"),
        }
    }
}

#[tokio::test]
async fn an_operation_that_has_begun_is_not_begun_anew() {
    let clock = ManualClock::at(0);
    let http = silent(&clock);
    let policy = OperationPolicy::default().with_deadline(seconds(8)).unwrap().with_tries(1).unwrap();
    let cx = context(&clock, &http, policy);

    // Without one, each call is an operation of its own.
    for _ in 0..3 {
        cx.send_with_retries(request()).await.unwrap_err();
    }
    assert_eq!(clock.elapsed(), seconds(15));

    let operation = cx.operation();
    assert_eq!(operation.time_left(), seconds(8));
    operation.send_with_retries(request()).await.unwrap_err();
    assert_eq!(operation.operation().time_left(), seconds(3));
    operation.clone().send(request()).await.unwrap_err();
    assert_eq!(clock.elapsed(), seconds(15 + 8));
    let sent = http.requests().len();
    let error = operation.send(request()).await.unwrap_err();
    assert_eq!(error.kind(), &HttpErrorKind::OutOfTime(seconds(8)));
    assert!(!error.is_transient());
    assert_eq!(error.advice().unwrap(), "run it again, or allow the operation more time");
    assert_eq!(http.requests().len(), sent, "nothing is sent");
}

#[tokio::test]
async fn the_tries_and_the_waits_are_the_policys() {
    let policy = OperationPolicy::default();
    let two_tries = policy.with_tries(2).unwrap().with_waits(seconds(1), seconds(1)).unwrap();
    for (policy, random, retry_after, tries, waited) in [
        (policy, None, None, 4, 200 + 800 + 3200),
        (policy, Some(128), None, 4, 150 + 600 + 2400),
        (policy, None, Some("7"), 4, 3 * 7_000),
        (policy, None, Some("86400"), 4, 3 * 10_000),
        (policy, None, Some("tomorrow"), 4, 200 + 800 + 3200),
        (policy.with_tries(1).unwrap(), None, None, 1, 0),
        (two_tries, None, Some("9"), 2, 1000),
        (policy.with_waits(Duration::ZERO, Duration::ZERO).unwrap(), None, Some("9"), 4, 0),
        // No wait is begun that doesn't end in time.
        (policy.with_deadline(seconds(1)).unwrap(), None, None, 2, 200),
        (policy.with_deadline(seconds(7)).unwrap(), None, Some("7"), 1, 0),
    ] {
        let headers = retry_after.map(|after| ("retry-after".to_owned(), after.to_owned()));
        let answer = Response::new(503, headers.into_iter().collect(), "");
        let http = FakeHttp::new().on("GET", URL, answer);
        let clock = ManualClock::at(0);
        let mut cx = context(&clock, &http, policy);
        if let Some(byte) = random {
            cx = cx.with_random(NotRandom(byte));
        }
        assert_eq!(cx.send_with_retries(request()).await.unwrap().status, 503);
        assert_eq!(http.requests().len(), tries, "{policy:?}");
        assert_eq!(clock.elapsed().as_millis(), waited, "{policy:?} {retry_after:?}");
    }
}

#[tokio::test]
async fn only_what_may_pass_is_tried_again() {
    for (status, tries) in
        [(200, 1), (400, 1), (403, 1), (404, 1), (408, 4), (425, 4), (429, 4), (500, 4), (511, 1)]
    {
        let http = FakeHttp::new().on("GET", URL, Response::new(status, Vec::new(), ""));
        let cx = context(&ManualClock::at(0), &http, OperationPolicy::default());
        assert_eq!(cx.send_with_retries(request()).await.unwrap().status, status);
        assert_eq!(http.requests().len(), tries, "{status}");
    }
    for (kind, tries) in [
        (HttpErrorKind::Connect("refused".to_owned()), 4),
        (HttpErrorKind::Broken("reset".to_owned()), 4),
        (HttpErrorKind::NotTls, 1),
        (HttpErrorKind::TooLarge(1), 1),
        (HttpErrorKind::Request("header".to_owned()), 1),
    ] {
        let http = FakeHttp::new().fail("GET", URL, kind.clone());
        let cx = context(&ManualClock::at(0), &http, OperationPolicy::default());
        assert_eq!(cx.send_with_retries(request()).await.unwrap_err().kind(), &kind);
        assert_eq!(http.requests().len(), tries, "{kind:?}");
    }
    // Without a timer the tries would follow each other without a pause.
    let http = FakeHttp::new().on("GET", URL, Response::new(500, Vec::new(), ""));
    Context::default().with_http(http.clone()).send_with_retries(request()).await.unwrap();
    assert_eq!(http.requests().len(), 1);
}

#[test]
fn a_policy_outside_of_its_bounds_is_refused() {
    let (policy, moment) = (OperationPolicy::default(), Duration::from_nanos(1));
    let (longest, most_tries) = (OperationPolicy::MAX_DEADLINE, OperationPolicy::MAX_TRIES);
    assert_eq!(policy.with_deadline(longest).unwrap().deadline(), longest);
    assert_eq!(policy.with_tries(most_tries).unwrap().tries(), most_tries);
    let waits = policy.with_waits(seconds(2), longest).unwrap();
    assert_eq!((waits.first_wait(), waits.longest_wait()), (seconds(2), longest));
    for (refused, setting) in [
        (policy.with_deadline(longest + moment), "deadline of an operation"),
        (policy.with_deadline(Duration::MAX), "deadline of an operation"),
        (policy.with_tries(0), "number of tries"),
        (policy.with_tries(most_tries + 1), "number of tries"),
        (policy.with_waits(Duration::ZERO, longest + moment), "longest wait between two tries"),
        (policy.with_waits(seconds(3), seconds(2)), "wait before the second try"),
    ] {
        assert_eq!(refused.unwrap_err().setting, setting);
    }
}

/// A machine whose commands run until their deadline.
#[derive(Clone, Debug)]
struct Slow(ManualClock, Arc<AtomicU32>);

#[async_trait]
impl Commands for Slow {
    async fn run(&self, command: Command) -> Result<CommandOutput, CommandError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.advance(command.deadline);
        Err(CommandError::Timeout { program: command.program, deadline: command.deadline })
    }
}

#[tokio::test]
async fn commands_share_the_deadline_too() {
    let clock = ManualClock::at(0);
    let commands = Slow(clock.clone(), Arc::default());
    let policy = OperationPolicy::default().with_deadline(seconds(40)).unwrap();
    let cx = Context::default().with_clock(clock.clone()).with_commands(commands.clone()).with_policy(policy);
    let cx = cx.operation();
    let agent = || Command::new("agent", ["token"]);
    for expected in [30, 10] {
        match cx.run(agent()).await.unwrap_err() {
            CommandError::Timeout { deadline, .. } => assert_eq!(deadline, seconds(expected)),
            other => panic!("{other}"),
        }
    }
    let error = cx.run(agent()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the command `agent` was not run: the 40 s for the whole operation are over"
    );
    assert_eq!(commands.1.load(Ordering::SeqCst), 2);
}
