//! The detection of a job.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::outside::{Outside, assert_secret, assert_sound, detect, jobs, provider};
use super::{AUDIENCE, Harness, Job, Outcome, token};
use crate::context::Context;
use crate::environment::Environment;
use crate::provider::names;
use crate::source::{SourceError, SourceErrorKind, TokenSource};
use crate::token::Audience;

/// Here, here but not permitted, and not here, each offline.
pub(super) async fn surroundings_are_told_apart<H: Harness>(harness: &H) {
    let provider = provider(harness);
    let nowhere = Job::elsewhere("surroundings without a variable", [("HOME", "/root")]);
    for job in harness.jobs().into_iter().chain([nowhere]) {
        let outside = Outside::of(&job);
        let context = outside.context(&job.variables);
        let found = detect(&*provider, &job, &context);
        assert_eq!(outside.asked(), 0, "{job}: detection asks nobody over HTTP or by a command");
        let is_passed_over = matches!(found, Ok(None));
        match job.outcome {
            Outcome::Elsewhere => {
                assert!(is_passed_over, "{job}: what is no job of the platform is passed over: {found:?}");
            }
            Outcome::Permitted => {
                let source = found.ok().flatten();
                let source = source.as_ref().expect("a job that may have tokens has a source");
                assert_eq!(source.provider(), provider.id(), "{job}: a source has its platform's name");
                assert_secret(&format!("{job}: a source's `Debug`"), &format!("{source:?}"), &secrets(&job));
            }
            Outcome::Unpermitted => {
                assert!(!is_passed_over, "{job}: a job without tokens is not passed over, but told why");
                is_unpermitted(&job, found).await;
            }
        }
    }
}

async fn is_unpermitted(job: &Job, found: Result<Option<Box<dyn TokenSource>>, SourceError>) {
    let audience = Audience::new(AUDIENCE).expect("an audience");
    let error = match found {
        Ok(Some(source)) => source.token(&audience).await.err(),
        found => found.err(),
    };
    let error = error.expect("a job that may not have tokens gets none");
    let is_told = matches!(error.kind(), SourceErrorKind::NotPermitted | SourceErrorKind::Missing);
    assert!(is_told, "{job}: a job without tokens is told that it may not ask or did not: {error:?}");
    assert!(error.diagnosis().fix.is_some(), "{job}: a job without tokens is told what to change: {error}");
    assert_sound(&job.to_string(), &error, &secrets(job));
}

/// A host whose environment is a function knows beforehand what it is asked for.
pub(super) async fn every_variable_that_is_looked_up_is_named<H: Harness>(harness: &H) {
    let provider = provider(harness);
    let is_named = |name: &str| provider.source_variables().iter().any(|pattern| names(pattern, name));
    for job in harness.jobs() {
        let read = Arc::new(Mutex::new(BTreeSet::new()));
        let (set, log) = (job.variables.clone(), Arc::clone(&read));
        let environment = Environment::from_fn(move |name| {
            log.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
            set.iter().find(|(set, _)| set == name).map(|(_, value)| value.clone())
        });
        let context = Outside::of(&job).context(&job.variables).with_environment(environment);
        if let Ok(Some(source)) = detect(&*provider, &job, &context) {
            // What comes of it is checked elsewhere.
            let _token = source.token(&Audience::new(AUDIENCE).expect("an audience")).await;
        }
        for name in &*read.lock().unwrap_or_else(PoisonError::into_inner) {
            let is_known = is_named(name) || job.token_variables.contains(&name.as_str());
            assert!(is_known, "{job}: `{name}` is looked up and not among the platform's `source_variables`");
        }
    }
}

/// A job's secrets, of which each token in its variables is one.
pub(super) fn secrets(job: &Job) -> Vec<String> {
    let values = job.variables.iter().map(|(_, value)| value);
    let tokens = values.filter(|value| value.split('.').count() == 3 && value.len() > 100).cloned();
    job.secrets.iter().cloned().chain(tokens).collect()
}

/// Values that no platform gives a variable.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "\0",
    "a\nb",
    "\u{1b}[31m",
    "::add-mask::x",
    "##[error]x",
    "true\u{200b}",
    "../../etc/passwd",
    "-rf",
    "$(id)",
    "http://evil.example/",
    "https://user:password@evil.example/",
    "https://",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://evil.example/\r\nx: y",
    "\u{202e}moc.live",
    "null",
    "[]",
    "{}",
    "-1",
    "%00",
    "169.254.169.254@evil.example",
    "a b",
    "\u{ff}",
];

/// The same, and values that are near to the usual one.
fn hostile_values(usual: &str) -> Vec<String> {
    let mut values: Vec<String> = HOSTILE.iter().map(|value| (*value).to_owned()).collect();
    values.extend([
        "x".repeat(1024 * 1024),
        "a.".repeat(100_000),
        token("somebody-else"),
        format!("{usual} "),
        format!("{usual}\n"),
        usual.to_uppercase(),
        format!("{usual}{usual}"),
    ]);
    values
}

/// Whatever stands in a job's variables: an error of one line or a token for the audience.
pub(super) async fn hostile_variables_bring_errors<H: Harness>(harness: &H) {
    let provider = provider(harness);
    for job in harness.jobs() {
        for (at, (name, usual)) in job.variables.iter().enumerate() {
            let mut without = job.variables.clone();
            without.remove(at);
            is_sound_in(harness, &job, &format!("{job} without `{name}`"), &without).await;
            for value in hostile_values(usual) {
                let mut variables = without.clone();
                variables.push((name.clone(), value));
                is_sound_in(harness, &job, &format!("{job} with another `{name}`"), &variables).await;
            }
        }
        for name in provider.identity_variables().iter().filter(|name| !name.contains('*')) {
            let mut variables = job.variables.clone();
            variables.push(((*name).to_owned(), "\u{1b}]0;x\u{7}".to_owned()));
            is_sound_in(harness, &job, &format!("{job} with another `{name}`"), &variables).await;
        }
    }
}

async fn is_sound_in<H: Harness>(harness: &H, job: &Job, what: &str, variables: &[(String, String)]) {
    let outside = Outside::of(job);
    let context: Context = outside.context(variables);
    let found = detect(&*provider(harness), job, &context);
    assert_eq!(outside.asked(), 0, "{what}: detection is offline, whatever stands in the variables");
    let source = match found {
        Ok(None) => return,
        Ok(Some(source)) => source,
        Err(error) => return assert_sound(what, &error, &secrets(job)),
    };
    let audience = Audience::new(AUDIENCE).expect("an audience");
    let given = match source.token(&audience).await {
        Ok(token) => token,
        Err(error) => return assert_sound(what, &error, &secrets(job)),
    };
    assert_eq!(given.audience(), &audience, "{what}: a token is for the audience that was asked for");
}

/// Those of a harness' jobs that get tokens.
pub(super) fn permitted<H: Harness>(harness: &H) -> Vec<Job> {
    jobs(harness, Outcome::Permitted)
}
