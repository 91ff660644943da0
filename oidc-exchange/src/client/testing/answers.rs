//! Answers of a registry.

use std::time::Duration;

use oidc_core::http::{HttpErrorKind, Response, Step};
use serde_json::json;

use super::harness::Harness;
use super::scene::{Answer, PUBLISH_TOKEN, Scene, answering, assert_told, network_giving};
use crate::client::ExchangeErrorKind;

fn answer(status: u16, body: impl Into<String>) -> Answer {
    Ok(Response::new(status, Vec::new(), body.into()))
}

/// A redirect to another host.
fn redirect(status: u16) -> Answer {
    let location = ("location".to_owned(), "https://evil.example/".to_owned());
    Ok(Response::new(status, vec![location], ""))
}

pub(super) async fn a_refusal_is_told_and_not_tried_again<H: Harness>(harness: &H) {
    let scene = Scene::of(harness).await;
    if scene.exchanges_nothing() {
        return;
    }
    let repeating = format!("{{\"message\":\"no {} {PUBLISH_TOKEN}\u{1b}[31m\"}}", scene.text());
    let bodies = ["", "{}", "[", "<html>", "no\n::add-mask::x\u{1b}[31m", &repeating, &"[".repeat(30_000)];
    for status in [301, 302, 303, 307, 308, 400, 401, 403, 404, 408, 409, 422, 425, 429, 500, 502, 503, 504] {
        let of_bodies = bodies.iter().map(|body| answer(status, *body));
        let redirects = (300..400).contains(&status).then(|| redirect(status));
        for answer in of_bodies.chain(redirects) {
            let exchanged = scene.exchange(Some(answer)).await;
            let what = format!("an exchange that is answered with {status}");
            let unused = scene.registry.protocol().unused.filter(|unused| unused.status == status);
            let expected = 1 + unused.map_or(0, |unused| unused.waits.len());
            let tries = exchanged.carrying(scene.text());
            assert_eq!(tries, expected, "{what}: it is not tried again");
            let is_followed = exchanged.requests.iter().any(|request| request.url.host() == "evil.example");
            assert!(!is_followed, "{what}: a redirect is not followed");
            let error = exchanged.outcome.err();
            let is_refusal = matches!(
                error.as_ref().map(crate::client::ExchangeError::kind),
                Some(ExchangeErrorKind::Rejected { status: told, .. }) if *told == status
            );
            // A page is none of the registry's answers.
            let is_from_elsewhere =
                error.as_ref().is_some_and(|error| error.kind() == &ExchangeErrorKind::InvalidAnswer);
            assert!(is_refusal || is_from_elsewhere, "{what}: it is a refusal with its status: {error:?}");
            let Some(error) = error else { continue };
            assert_told(&what, &error, &[scene.text()]);
        }
    }
}

pub(super) async fn an_answer_that_does_not_come_is_not_waited_for_again<H: Harness>(harness: &H) {
    let scene = Scene::of(harness).await;
    if scene.exchanges_nothing() {
        return;
    }
    let timeout = HttpErrorKind::Timeout { step: Step::Answer, after: Duration::from_secs(30) };
    for kind in [timeout, HttpErrorKind::Connect("nobody is there".to_owned()), HttpErrorKind::TooLarge(1)] {
        let exchanged = scene.exchange(Some(Err(kind.clone()))).await;
        assert_eq!(
            exchanged.carrying(scene.text()),
            1,
            "an exchange that ends with {kind:?} is not tried again"
        );
        assert!(exchanged.outcome.is_err(), "an exchange that ends with {kind:?} gives no token");
        let Err(error) = exchanged.outcome else { continue };
        let kinds = [ExchangeErrorKind::Unreachable, ExchangeErrorKind::InvalidAnswer];
        assert!(kinds.contains(error.kind()), "an exchange without an answer is told so: {error:?}");
        assert!(
            error.http().is_some(),
            "an exchange without an answer tells the transport's error: {error:?}"
        );
        assert_told("an exchange without an answer", &error, &[scene.text()]);
    }
}

/// Answers with the status of a success, and without a publish token.
const WITHOUT_A_TOKEN: &[&str] = &[
    "",
    " ",
    "{}",
    "[]",
    "null",
    "7",
    "\"\"",
    "{\"token\":7}",
    "{\"token\":null}",
    "{\"token\":{}}",
    "{\"token\":\"\"}",
    "<html>hunter2</html>",
    "two words",
    "{\"tok",
    "\u{0}",
    "{\"token\":\"\u{1b}[31mhunter2\"}",
];

pub(super) async fn an_answer_without_a_token_gives_none<H: Harness>(harness: &H) {
    use ExchangeErrorKind::{InvalidAnswer, InvalidToken, NoToken};
    let scene = Scene::of(harness).await;
    if scene.exchanges_nothing() {
        return;
    }
    let deep = "[".repeat(30_000);
    let huge = "x".repeat(8 * 1024 * 1024);
    for body in WITHOUT_A_TOKEN.iter().copied().chain([&*deep, &*huge]) {
        let what = format!("an exchange that is answered with {:.40}", body.escape_debug());
        let exchanged = scene.exchange(Some(answer(200, body))).await;
        assert_eq!(exchanged.carrying(scene.text()), 1, "{what}: it is not tried again");
        match exchanged.outcome {
            // In some protocols the whole answer is the token.
            Ok(token) => {
                let given =
                    token.secret_for(&harness.scope()).expect("a publish token's text is for its scope");
                assert_eq!(given.expose(), body.trim(), "{what}: there is no token in it");
            }
            Err(error) => {
                assert!(
                    matches!(error.kind(), InvalidAnswer | InvalidToken | NoToken),
                    "{what}: the kind of error is {:?}",
                    error.kind()
                );
                assert_told(&what, &error, &[scene.text(), "hunter2"]);
            }
        }
    }
}

/// Tokens that a terminal, a header or the job's runner would read as more than a token.
const HOSTILE_TOKENS: &[&str] = &[
    "a\nhunter2",
    "a\r::add-mask::hunter2",
    "a\u{1b}[31mhunter2",
    "a\u{0}hunter2",
    "a\u{85}hunter2",
    "hunter2\u{e9}",
    "two hunter2",
    "::stop-commands::hunter2",
    "::add-mask::hunter2",
    "##[add-mask]hunter2",
    "hunter2##[error]x",
    "##vso[task.complete]hunter2",
    "##teamcity[hunter2]",
];

pub(super) async fn a_hostile_token_is_none<H: Harness>(harness: &H) {
    let scene = Scene::of(harness).await;
    if scene.exchanges_nothing() {
        return;
    }
    for hostile in HOSTILE_TOKENS.iter().copied() {
        let (http, cx) = network_giving(harness, hostile, None);
        let outcome = scene.registry.exchange(&scene.request(), &cx).await;
        let what = format!("a publish token `{}`", hostile.escape_debug());
        assert!(outcome.is_err(), "{what} is none: a header or a job's log would read more than a token");
        let carrying =
            http.requests().iter().filter(|request| super::scene::carries(request, scene.text())).count();
        assert_eq!(carrying, 1, "{what}: the exchange is not tried again");
        let Err(error) = outcome else { continue };
        assert_eq!(error.kind(), &ExchangeErrorKind::InvalidToken, "{what} is an invalid token");
        assert_told(&what, &error, &["hunter2"]);
    }
}

/// Answers to the question for the audience, before an exchange.
fn hostile_audiences() -> Vec<Answer> {
    let told = |audience: &str| answer(200, json!({ "audience": audience }).to_string());
    let long = "x".repeat(100_000);
    vec![
        told("sigstore"),
        told("sts.amazonaws.com"),
        told("https://vault.corp.example"),
        told(""),
        told("a\nb"),
        told(&long),
        answer(200, ""),
        answer(200, "null"),
        answer(200, "[".repeat(30_000)),
        answer(200, "{\"audience\":7}"),
        answer(200, "<html>"),
        answer(200, "x".repeat(8 * 1024 * 1024)),
        answer(404, "{}"),
        answer(500, "no\u{1b}[31m"),
        redirect(307),
        Err(HttpErrorKind::Connect("nobody is there".to_owned())),
    ]
}

pub(super) async fn a_hostile_audience_is_refused<H: Harness>(harness: &H) {
    let registry = harness.registry();
    for answer in hostile_audiences() {
        let (http, cx) = answering(answer);
        let outcome = registry.audience(&cx).await;
        let is_followed = http.requests().iter().any(|request| request.url.host() == "evil.example");
        assert!(!is_followed, "a redirect is not followed when the audience is asked for");
        // An audience that follows from the URL needs no answer.
        if http.requests().is_empty() {
            continue;
        }
        match outcome {
            Ok(audience) => {
                let is_own = registry.is_own_audience(&audience);
                assert!(is_own, "an audience of another party's is not asked for: {audience}");
            }
            Err(error) => assert_told("an audience that can't be used", &error, &[]),
        }
    }
}
