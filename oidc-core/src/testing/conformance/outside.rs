//! The outside world of a job, watched.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Harness, Job, NOW, Outcome};
use crate::commands::{Command, CommandError, CommandOutput, Commands};
use crate::context::Context;
use crate::http::{HttpClient, HttpError, Request, Response};
use crate::provider::Provider;
use crate::source::{Detection, SourceError, TokenSource};
use crate::testing::ManualClock;
use crate::text::shown;

/// A message is no longer than this.
const MAX_MESSAGE: usize = 8 * 1024;

/// Counts what is asked of a job's world, and may answer in its place.
#[derive(Clone)]
pub(super) struct Outside {
    world: Context,
    asked: Arc<AtomicUsize>,
    ran: Arc<AtomicUsize>,
    urls: Arc<Mutex<Vec<String>>>,
    answer: Option<Answer>,
}

/// An answer to whatever is asked: a status of HTTP, and a body or a command's output.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Outside {
    pub(super) fn of(job: &Job) -> Self {
        Self {
            world: job.world.clone(),
            asked: Arc::default(),
            ran: Arc::default(),
            urls: Arc::default(),
            answer: None,
        }
    }

    pub(super) fn answering(job: &Job, answer: Answer) -> Self {
        Self { answer: Some(answer), ..Self::of(job) }
    }

    /// The number of requests and commands.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The number of commands.
    pub(super) fn ran(&self) -> usize {
        self.ran.load(Ordering::SeqCst)
    }

    /// The URLs of the requests.
    pub(super) fn urls(&self) -> Vec<String> {
        self.urls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The job's world with these variables.
    pub(super) fn context(&self, variables: &[(String, String)]) -> Context {
        self.world
            .clone()
            .with_environment(variables.iter().cloned().collect())
            .with_clock(ManualClock::at(NOW))
            .with_http(self.clone())
            .with_commands(self.clone())
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl HttpClient for Outside {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.urls.lock().unwrap_or_else(PoisonError::into_inner).push(request.url.as_str().to_owned());
        match &self.answer {
            None => self.world.http().send(request).await,
            Some(answer) if answer.body.len() > request.max_body => {
                let kind = crate::http::HttpErrorKind::TooLarge(request.max_body);
                Err(HttpError::new(&request, kind))
            }
            Some(answer) => Ok(Response::new(answer.status, answer.headers.clone(), answer.body.clone())),
        }
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Commands for Outside {
    async fn run(&self, command: Command) -> Result<CommandOutput, CommandError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.ran.fetch_add(1, Ordering::SeqCst);
        match &self.answer {
            None => self.world.commands().run(command).await,
            Some(answer) if answer.body.len() > command.max_output => {
                Err(CommandError::TooLarge { program: command.program, limit: command.max_output })
            }
            Some(answer) => {
                let status = if (200..300).contains(&answer.status) { 0 } else { 1 };
                Ok(CommandOutput::new(Some(status), answer.body.clone()))
            }
        }
    }
}

/// The platform under test, by its first issuer.
pub(super) fn provider<H: Harness>(harness: &H) -> Arc<dyn Provider> {
    let [issuer, _] = harness.issuers();
    harness.provider(&issuer)
}

/// Detects a job.
pub(super) fn detect(
    provider: &dyn Provider,
    job: &Job,
    context: &Context,
) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
    let mut detection = Detection::new(context);
    detection.token_variables.extend(&job.token_variables);
    provider.detect(&detection)
}

/// The jobs of a harness with one outcome.
pub(super) fn jobs<H: Harness>(harness: &H, outcome: Outcome) -> Vec<Job> {
    harness.jobs().into_iter().filter(|job| job.outcome == outcome).collect()
}

/// Checks that a message is bounded, and shows no secret.
pub(super) fn assert_showable(what: &str, text: &str, secrets: &[String]) {
    assert!(text.len() <= MAX_MESSAGE, "{what} is longer than {MAX_MESSAGE} bytes");
    assert_secret(what, text, secrets);
}

/// Checks that a text shows no secret.
pub(super) fn assert_secret(what: &str, text: &str, secrets: &[String]) {
    let secret = secrets.iter().find(|secret| !secret.is_empty() && text.contains(secret.as_str()));
    assert!(secret.is_none(), "{what} shows a secret: {}", shown(text));
}

/// Checks that an error of a source says in one line what is wrong, and shows no secret.
pub(super) fn assert_sound(what: &str, error: &SourceError, secrets: &[String]) {
    let (line, diagnosis) = (error.to_string(), error.diagnosis());
    assert!(!line.is_empty() && !line.contains(char::is_control), "{what}: an error is one line: {line:?}");
    assert!(!diagnosis.code.is_empty(), "{what}: an error has a stable code: {line}");
    assert!(!diagnosis.problem.is_empty(), "{what}: an error says what is wrong: {line}");
    assert_showable(&format!("{what}: an error's text"), &line, secrets);
    assert_showable(&format!("{what}: a diagnosis' text"), &diagnosis.to_text(), secrets);
    assert_secret(&format!("{what}: an error's `Debug`"), &format!("{error:?}"), secrets);
    let mut below = error.source();
    while let Some(error) = below {
        assert_secret(&format!("{what}: the error below"), &format!("{error} {error:?}"), secrets);
        below = error.source();
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outside")
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
