use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use oidc_core::http::{HttpError, Request, Response, message_without};
use oidc_core::{
    Audience, Context, Detection, Diagnosis, HttpUrl, IdToken, InvalidIdToken, Secret, SourceError,
    SourceErrorKind, Subject, TokenSource,
};
use serde::Deserialize;

use crate::endpoint::elsewhere;
use crate::links;

const ACTIONS: &str = "GITHUB_ACTIONS";
const REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// How often the platform is asked before it counts as unavailable.
const TRIES: u32 = 4;

/// How long each try may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// The wait before the second try; each further one is four times as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// At most so long a wait is granted to `Retry-After`.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The answer holds one token.
const MAX_ANSWER: usize = 64 * 1024;

/// An event's file may have so many bytes to be looked at.
const MAX_EVENT: usize = 1024 * 1024;

/// A source, if the job runs on GitHub Actions.
pub(super) fn detect(detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
    let context = detection.context;
    let environment = context.environment();
    if environment.get(ACTIONS) != Some("true") {
        return Ok(None);
    }
    let Some(url) = environment.get(REQUEST_URL) else { return Err(not_permitted(context, REQUEST_URL)) };
    let Some(token) = environment.get(REQUEST_TOKEN) else {
        return Err(not_permitted(context, REQUEST_TOKEN));
    };
    let url = HttpUrl::parse(url).map_err(|error| {
        let problem =
            format!("variable `{REQUEST_URL}` is not a URL that a token may be asked from: {error}");
        let diagnosis =
            Diagnosis::new("github-request-url", Subject::Variable(REQUEST_URL.to_owned()), problem);
        let fix = "leave the variable as the runner sets it";
        SourceError::new(SourceErrorKind::Unavailable, diagnosis.fix(fix)).with_source(error)
    })?;
    Ok(Some(Box::new(GitHubSource { context: context.clone(), url, token: Secret::new(token) })))
}

/// Asks the job's runner for tokens.
#[derive(Debug)]
struct GitHubSource {
    context: Context,
    url: HttpUrl,
    token: Secret,
}

/// What one try came to, if not to a token.
struct Failure {
    error: SourceError,
    /// Whether another try may help, and how long the server asks to wait before it.
    retry: Option<Duration>,
}

#[async_trait]
impl TokenSource for GitHubSource {
    fn provider(&self) -> &str {
        super::ID
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let mut attempt = 0;
        loop {
            let failure = match self.ask(audience).await {
                Ok(token) => return Ok(token),
                Err(failure) => failure,
            };
            attempt += 1;
            let clock = self.context.clock();
            let may_retry = attempt < TRIES && clock.has_timer();
            let Some(asked) = failure.retry.filter(|_| may_retry) else { return Err(failure.error) };
            clock.sleep(self.wait(attempt).max(asked.min(MAX_WAIT))).await;
        }
    }

    fn is_renewable(&self) -> bool {
        true
    }
}

impl GitHubSource {
    /// Asks once.
    async fn ask(&self, audience: &Audience) -> Result<IdToken, Failure> {
        let request = Request::get(self.url.with_query("audience", audience.as_str()))
            .bearer(&self.token)
            .header("accept", "application/json")
            .max_body(MAX_ANSWER)
            .deadline(DEADLINE);
        let response = self.context.http().send(request).await.map_err(|error| self.unreachable(error))?;
        if !response.is_success() {
            return Err(self.refused(&response));
        }
        let token =
            response.json::<Answer>().and_then(|answer| answer.value).filter(|token| !token.is_empty());
        let Some(token) = token else { return Err(self.no_token()) };
        self.context.id_token(token, audience).map_err(|error| {
            let problem = format!("what GitHub gave can't be used: {error}");
            let diagnosis = match &error {
                InvalidIdToken::Audience { found, .. } => {
                    let diagnosis = Diagnosis::new("audience", Subject::Claim("aud".to_owned()), problem);
                    let found = found.as_deref().unwrap_or("(none)").trim_matches('`');
                    let fix = "something between the job and GitHub loses the audience; look for a proxy";
                    diagnosis.found(found).expected(audience.as_str()).fix(fix)
                }
                _ => {
                    let fix = "run the job again; see https://www.githubstatus.com if it goes on";
                    Diagnosis::new("github-invalid-token", Subject::Token, problem).fix(fix)
                }
            };
            Failure {
                error: SourceError::new(SourceErrorKind::InvalidToken, diagnosis).with_source(error),
                retry: None,
            }
        })
    }

    /// The wait after so many tries: 0.2, 0.8 and 3.2 s, less a random part of up to a half.
    fn wait(&self, attempt: u32) -> Duration {
        let mut random = [0];
        // Without randomness the whole wait is as good.
        let part = match self.context.random().fill(&mut random) {
            Ok(()) => u32::from(random[0]),
            Err(_) => 0,
        };
        let full = FIRST_WAIT.saturating_mul(4_u32.saturating_pow(attempt.saturating_sub(1)));
        full.saturating_sub(full.saturating_mul(part) / (2 * 256))
    }

    fn unreachable(&self, error: HttpError) -> Failure {
        let problem = "GitHub can't be asked for an identity token";
        let fix = "run the job again; see https://www.githubstatus.com if it goes on";
        let diagnosis = error.diagnosis("github-unavailable", self.subject(), problem, fix);
        let retry = error.is_transient().then_some(Duration::ZERO);
        Failure { error: SourceError::new(SourceErrorKind::Unavailable, diagnosis).with_source(error), retry }
    }

    fn refused(&self, response: &Response) -> Failure {
        let status = response.status;
        let problem = match message_without(response, &self.token) {
            Some(message) => format!("GitHub gave no identity token: status {status}, {message}"),
            None => format!("GitHub gave no identity token: status {status}"),
        };
        if response.is_from_elsewhere() {
            return Failure { error: elsewhere(&self.url, &problem), retry: None };
        }
        let diagnosis = Diagnosis::new("github-refused", self.subject(), problem);
        if status == 429 || status >= 500 {
            let fix = "run the job again; see https://www.githubstatus.com if it goes on";
            let error = SourceError::new(SourceErrorKind::Unavailable, diagnosis.fix(fix));
            let asked = response.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
            return Failure { error, retry: Some(Duration::from_secs(asked.unwrap_or(0))) };
        }
        let fix = "a job may ask until it ends, and not outside of it; check `permissions: id-token: write`";
        Failure { error: SourceError::new(SourceErrorKind::Rejected, diagnosis.fix(fix)), retry: None }
    }

    fn no_token(&self) -> Failure {
        let problem = "GitHub's answer holds no identity token: expected a JSON object with a text `value`";
        let diagnosis = Diagnosis::new("github-no-token", self.subject(), problem)
            .fix("run the job again; see https://www.githubstatus.com if it goes on");
        Failure { error: SourceError::new(SourceErrorKind::Unavailable, diagnosis), retry: None }
    }

    fn subject(&self) -> Subject {
        Subject::Url(self.url.to_string())
    }
}

/// GitHub's answer, of which other members come and go.
#[derive(Deserialize)]
struct Answer {
    value: Option<String>,
}

/// The error of a job without permission, which says how to get it.
fn not_permitted(context: &Context, missing: &str) -> SourceError {
    let subject = Subject::Variable(missing.to_owned());
    let diagnosis = match is_from_fork(context) {
        Some(true) => {
            let problem = "a pull request from a fork gets no identity token, whatever the workflow permits";
            Diagnosis::new("github-fork", subject, problem)
                .fix("publish after the merge: by a push, a tag or a release of the repository itself")
                .link(links::GITHUB_EVENTS)
        }
        None => {
            let problem = format!(
                "this job runs for a pull request and may not ask for identity tokens: variable `{missing}` is not set; if this is a \
                 pull request from a fork, it gets none whatever the workflow permits"
            );
            let fix = "publish after the merge: by a push, a tag or a release of the repository itself; or, if the pull request \
                       is no fork's, add `permissions: id-token: write` to the job";
            Diagnosis::new("github-not-permitted", subject, problem).fix(fix).link(links::GITHUB_EVENTS)
        }
        Some(false) => {
            let problem =
                format!("this job may not ask for identity tokens: variable `{missing}` is not set");
            let fix = "add `permissions: id-token: write` to the job (and to the calling job of a reusable workflow)";
            Diagnosis::new("github-not-permitted", subject, problem).fix(fix).link(links::GITHUB_OIDC)
        }
    };
    SourceError::new(SourceErrorKind::NotPermitted, diagnosis)
}

/// Whether the job runs for a pull request from a fork; `None` where that can't be told.
fn is_from_fork(context: &Context) -> Option<bool> {
    let environment = context.environment();
    let event = environment.get("GITHUB_EVENT_NAME").unwrap_or_default();
    if !event.starts_with("pull_request") {
        return Some(false);
    }
    let path = environment.get("GITHUB_EVENT_PATH")?;
    let event = context.files().read(Path::new(path), MAX_EVENT).ok()?;
    let event: Event = serde_json::from_slice(&event).ok()?;
    // A fork that was deleted since is `null`.
    let Some(head) = event.pull_request.head.repo else { return Some(true) };
    match (head.full_name, environment.get("GITHUB_REPOSITORY")) {
        (Some(head), Some(base)) => Some(!head.eq_ignore_ascii_case(base)),
        _ => head.fork,
    }
}

/// The part of a pull request's event that says where it comes from.
#[derive(Deserialize)]
struct Event {
    pull_request: PullRequest,
}

#[derive(Deserialize)]
struct PullRequest {
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: Option<String>,
    fork: Option<bool>,
}
