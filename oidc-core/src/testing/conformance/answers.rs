//! Answers of a platform to a job that asks for a token.

use super::detection::{permitted, secrets};
use super::outside::{Answer, Outside, assert_secret, assert_sound, detect, provider};
use super::{AUDIENCE, Harness, Job, token};
use crate::provider::{Provider, ProviderKind};
use crate::source::SourceErrorKind::{InvalidToken, NoToken, Rejected, Unavailable};
use crate::source::{SourceError, SourceErrorKind};
use crate::testing::FakeIssuer;
use crate::token::{Audience, IdToken};

pub(super) async fn a_source_gives_a_token_for_the_audience<H: Harness>(harness: &H) {
    let provider = provider(harness);
    for job in permitted(harness) {
        let outside = Outside::of(&job);
        let context = outside.context(&job.variables);
        let source = detect(&*provider, &job, &context).ok().flatten();
        let source = source.expect("a job that may have tokens has a source");
        let audience = Audience::new(AUDIENCE).expect("an audience");
        let given = source.token(&audience).await;
        let given = given.expect("a job that may have tokens gets one");
        assert_eq!(given.audience(), &audience, "{job}: a token is for the audience that was asked for");
        let secrets = [given.secret().expose().to_owned()];
        assert_secret(&format!("{job}: a source's `Debug`"), &format!("{source:?}"), &secrets);
        if source.is_renewable() && outside.asked() > 0 {
            let before = outside.asked();
            source.token(&audience).await.expect("a renewable source gives another token");
            assert!(outside.asked() > before, "{job}: a renewable source asks anew for each token");
        }
        let other = Audience::new("somebody-else").expect("an audience");
        if let Ok(given) = source.token(&other).await {
            assert_eq!(given.audience(), &other, "{job}: a token for one audience is none for another");
        }
    }
}

/// The beginning of each token of the suite's own issuer, which no message repeats.
const TOKENS: &str = "eyJhbGciOiJSUzI1NiIs";

/// An answer to a request for a token, its name, and the kinds of error that a source may return for it.
type Case = (&'static str, Answer, &'static [SourceErrorKind]);

/// The kinds of error for an answer without a token: which of them it is depends on the form of the platform's answers.
const NOTHING: &[SourceErrorKind] = &[NoToken, InvalidToken, Unavailable, Rejected];

fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer { status, headers: Vec::new(), body: body.into() }
}

/// A token in each of the members in which platforms return theirs.
fn wrapped(text: &str) -> String {
    serde_json::json!({ "value": text, "token": text, "access_token": text }).to_string()
}

/// Answers that hold no token.
fn without_token() -> Vec<Case> {
    vec![
        ("nothing", answer(200, ""), NOTHING),
        ("an empty object", answer(200, "{}"), NOTHING),
        ("null", answer(200, "null"), NOTHING),
        ("a number for a token", answer(200, r#"{"value":7,"token":7}"#), NOTHING),
        ("an empty token", answer(200, wrapped("")), NOTHING),
        ("a text that is no token", answer(200, wrapped("hunter2-is-no-token")), NOTHING),
        ("a text alone", answer(200, "hunter2-is-no-token"), NOTHING),
        ("a page", answer(200, "<html>hunter2-is-no-token</html>"), NOTHING),
        ("control characters", answer(200, wrapped("hunter2-is-no-token\u{1b}[31m\n")), NOTHING),
        ("what is nested deeply", answer(200, "[".repeat(50_000)), NOTHING),
        ("an object that is nested deeply", answer(200, "{\"value\":".repeat(5_000)), NOTHING),
        ("more than a token can be", answer(200, wrapped(&"x".repeat(40_000))), NOTHING),
        ("more than anybody reads", answer(200, "x".repeat(10_000_000)), NOTHING),
        ("bytes that are no text", answer(200, vec![0xff; 100]), NOTHING),
    ]
}

/// Answers with a token that is not for the audience alone.
fn for_others() -> Vec<Case> {
    const WRONG: &[SourceErrorKind] = &[InvalidToken, NoToken, Unavailable];
    let other = token("somebody-else");
    let issuer = FakeIssuer::new("https://tokens.example");
    let twice = format!("{{\"aud\":\"{AUDIENCE}\",\"aud\":\"{AUDIENCE}\"}}");
    let twice = issuer.sign_bytes(br#"{"alg":"RS256"}"#, twice.as_bytes());
    let both = issuer.sign(&serde_json::json!({ "aud": [AUDIENCE, "somebody-else"] }));
    vec![
        ("a token for another audience", answer(200, wrapped(&other)), WRONG),
        ("another audience's token alone", answer(200, other), WRONG),
        ("a token for two audiences", answer(200, wrapped(&both)), WRONG),
        ("a claim that is there twice", answer(200, wrapped(&twice)), WRONG),
    ]
}

/// Answers with a status that is not one of success.
fn refusals(job: &Job) -> Vec<Case> {
    const REFUSED: &[SourceErrorKind] = &[Rejected, Unavailable];
    let is_secret = |value: &&String| job.secrets.iter().any(|secret| value.contains(secret.as_str()));
    let known: Vec<&String> = job.variables.iter().map(|(_, value)| value).filter(is_secret).collect();
    let repeating = serde_json::json!({ "message": format!("who is {known:?}?") }).to_string();
    let headers = vec![("location".to_owned(), "https://evil.example/".to_owned())];
    vec![
        ("a failure", answer(500, wrapped(&token(AUDIENCE))), REFUSED),
        ("a refusal", answer(403, r#"{"message":"no\u001b[31m\n::add-mask::x"}"#), REFUSED),
        ("a refusal that repeats the job's secrets", answer(401, repeating), REFUSED),
        ("a redirect", Answer { headers, ..answer(307, "") }, REFUSED),
    ]
}

/// Whatever is answered: an error of the right kind, which repeats no token.
pub(super) async fn hostile_answers_bring_errors<H: Harness>(harness: &H) {
    let provider = provider(harness);
    for job in permitted(harness) {
        for (name, answer, kinds) in [without_token(), for_others(), refusals(&job)].concat() {
            let what = format!("{job}, answered with {name}");
            let outside = Outside::answering(&job, answer);
            let Some(outcome) = asked(&*provider, &job, &outside).await else { continue };
            // A token that stands in a variable or a file needs no answer.
            if outside.asked() == 0 {
                continue;
            }
            assert!(outcome.is_err(), "{what}: that is no token for the audience");
            let Err(error) = outcome else { continue };
            assert!(kinds.contains(&error.kind()), "{what}: the kind of error is {:?}", error.kind());
            let texts = ["hunter2-is-no-token", TOKENS].map(str::to_owned);
            let secrets: Vec<String> = secrets(&job).into_iter().chain(texts).collect();
            assert_sound(&what, &error, &secrets);
            let elsewhere = outside.urls().into_iter().find(|url| url.contains("evil.example"));
            assert_eq!(elsewhere, None, "{what}: a redirect is not followed");
        }
    }
}

/// Whoever does not see the variables that a platform names gets no token.
pub(super) async fn a_hidden_variable_hides_the_identity<H: Harness>(harness: &H) {
    let provider = provider(harness);
    // What a file, a command or a metadata server gives stays within reach.
    if provider.profile().kind == ProviderKind::Cloud {
        return;
    }
    for job in permitted(harness) {
        let outside = Outside::of(&job);
        let variables = job.variables.iter().cloned().collect();
        let set = crate::ProviderSet::from_iter([std::sync::Arc::clone(&provider)]);
        let hidden = set.identity_variables(&variables);
        if hidden.is_empty() {
            continue;
        }
        let mut stripped = job.clone();
        stripped.variables.retain(|(name, _)| !hidden.contains(&name.as_str()));
        let is_given =
            matches!(asked(&*provider, &stripped, &outside).await, Some(Ok(_))) && outside.ran() == 0;
        assert!(
            !is_given,
            "{job}: a program that sees none of the variables that the platform names gets no token"
        );
    }
}

/// Detects the job and asks for a token; `None` where the job is not found.
async fn asked(
    provider: &dyn Provider,
    job: &Job,
    outside: &Outside,
) -> Option<Result<IdToken, SourceError>> {
    let context = outside.context(&job.variables);
    let source = match detect(provider, job, &context) {
        Ok(source) => source?,
        Err(error) => return Some(Err(error)),
    };
    let audience = Audience::new(AUDIENCE).expect("an audience");
    Some(source.token(&audience).await)
}
