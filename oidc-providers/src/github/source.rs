use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use oidc_core::http::{HttpError, Request, Response, message_without};
use oidc_core::{
    Audience, Context, Detection, Diagnosis, HttpUrl, IdToken, InvalidIdToken, Secret, SourceError,
    SourceErrorKind, Target, TokenSource,
};
use serde::Deserialize;

use crate::codes;
use crate::endpoint::{elsewhere, is_from_between};
use crate::links;
use crate::runner::{REQUEST_TOKEN, REQUEST_URL, is_forgejos, request_url, server_is_githubs};

const ACTIONS: &str = "GITHUB_ACTIONS";

/// The deadline of each try.
const DEADLINE: Duration = Duration::from_secs(5);

/// The limit on an answer, in bytes: it holds one token.
const MAX_ANSWER: usize = 64 * 1024;

/// The limit on an event's file, in bytes.
const MAX_EVENT: usize = 1024 * 1024;

/// Returns a token source, if the job runs on GitHub Actions.
pub(super) fn detect(detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
    let context = detection.context;
    let environment = context.environment();
    let has_pair = environment.get(REQUEST_URL).is_some() && environment.get(REQUEST_TOKEN).is_some();
    // `GITHUB_ACTIONS` alone proves nothing, since runners of other servers set it too; and a runner that gives
    // tokens as GitHub's does need not set it.
    if is_forgejos(environment) || !(has_pair || environment.get(ACTIONS) == Some("true")) {
        return Ok(None);
    }
    // An error and not `None`: the platform is known, and only the job's permission is missing.
    let Some(url) = environment.get(REQUEST_URL) else { return Err(not_permitted(context, REQUEST_URL)) };
    let Some(token) = environment.get(REQUEST_TOKEN) else {
        return Err(not_permitted(context, REQUEST_TOKEN));
    };
    let url = request_url(url, codes::GITHUB_REQUEST_URL, "leave the variable as the runner sets it")?;
    Ok(Some(Box::new(GitHubSource { context: context.clone(), url, token: Secret::new(token) })))
}

/// A token source that asks the job's runner.
#[derive(Debug)]
struct GitHubSource {
    context: Context,
    url: HttpUrl,
    token: Secret,
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for GitHubSource {
    fn provider(&self) -> &str {
        super::ID
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let request = Request::get(self.url.with_query("audience", audience.as_str()))
            .bearer(&self.token)
            .header("accept", "application/json")
            .max_body(MAX_ANSWER)
            .deadline(DEADLINE);
        let response =
            self.context.send_with_retries(request).await.map_err(|error| self.unreachable(error))?;
        if !response.is_success() || is_from_between(&response) {
            return Err(self.refused(&response));
        }
        let token =
            response.json::<Answer>().and_then(|answer| answer.value).filter(|token| !token.is_empty());
        let Some(token) = token else { return Err(self.no_token()) };
        self.context.id_token(token, audience).map_err(|error| {
            let problem = format!("what GitHub gave can't be used: {error}");
            let diagnosis = match &error {
                InvalidIdToken::Audience { found, .. } => {
                    let diagnosis =
                        Diagnosis::new(oidc_core::codes::AUDIENCE, Target::Claim("aud".to_owned()), problem);
                    let found = found.as_deref().unwrap_or("(none)").trim_matches('`');
                    let fix = "something between the job and GitHub loses the audience; look for a proxy";
                    diagnosis.found(found).expected(audience.as_str()).fix(fix)
                }
                _ => {
                    let fix = "run the job again; see https://www.githubstatus.com if it goes on";
                    Diagnosis::new(codes::GITHUB_INVALID_TOKEN, Target::Token, problem).fix(fix)
                }
            };
            SourceError::new(SourceErrorKind::InvalidToken, diagnosis).with_source(error)
        })
    }

    fn is_renewable(&self) -> bool {
        true
    }
}

impl GitHubSource {
    fn unreachable(&self, error: HttpError) -> SourceError {
        let problem = "GitHub can't be asked for an identity token";
        let fix = "run the job again; see https://www.githubstatus.com if it goes on";
        let diagnosis = error.diagnosis(codes::GITHUB_UNAVAILABLE, self.subject(), problem, fix);
        SourceError::new(SourceErrorKind::Unavailable, diagnosis).with_source(error)
    }

    fn refused(&self, response: &Response) -> SourceError {
        let status = response.status;
        let problem = match message_without(response, &self.token) {
            Some(message) => format!("GitHub gave no identity token: status {status}, {message}"),
            None => format!("GitHub gave no identity token: status {status}"),
        };
        if is_from_between(response) {
            return elsewhere(&self.url, &problem);
        }
        let diagnosis = Diagnosis::new(codes::GITHUB_REFUSED, self.subject(), problem);
        if response.is_transient() {
            let fix = "run the job again; see https://www.githubstatus.com if it goes on";
            return SourceError::new(SourceErrorKind::Unavailable, diagnosis.fix(fix));
        }
        let fix = "a job may ask until it ends, and not outside of it; check `permissions: id-token: write`";
        SourceError::new(SourceErrorKind::Rejected, diagnosis.fix(fix))
    }

    fn no_token(&self) -> SourceError {
        let problem = "GitHub's answer holds no identity token: expected a JSON object with a text `value`";
        let diagnosis = Diagnosis::new(codes::GITHUB_NO_TOKEN, self.subject(), problem)
            .fix("run the job again; see https://www.githubstatus.com if it goes on");
        SourceError::new(SourceErrorKind::NoToken, diagnosis)
    }

    fn subject(&self) -> Target {
        Target::Url(self.url.to_string())
    }
}

/// GitHub's answer. Other members vary and are ignored.
#[derive(Deserialize)]
struct Answer {
    value: Option<String>,
}

/// The error of a job without permission, with the way to get it.
fn not_permitted(context: &Context, missing: &str) -> SourceError {
    let subject = Target::Variable(missing.to_owned());
    let diagnosis = match is_from_fork(context) {
        Some(true) => {
            let problem = "a pull request from a fork gets no identity token, whatever the workflow permits";
            Diagnosis::new(codes::GITHUB_FORK, subject, problem)
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
            Diagnosis::new(codes::GITHUB_NOT_PERMITTED, subject, problem).fix(fix).link(links::GITHUB_EVENTS)
        }
        Some(false) => {
            let problem =
                format!("this job may not ask for identity tokens: variable `{missing}` is not set");
            let diagnosis = Diagnosis::new(codes::GITHUB_NOT_PERMITTED, subject, problem);
            if server_is_githubs(context.environment()) != Some(false) {
                let fix = "add `permissions: id-token: write` to the job (and to the calling job of a reusable workflow)";
                diagnosis.fix(fix).link(links::GITHUB_OIDC)
            } else {
                let fix = "on GitHub Enterprise Server, add `permissions: id-token: write` to the job; a server that is only \
                           compatible with GitHub has a setting of its own, as Forgejo's `enable-openid-connect: true`, or \
                           gives no identity tokens";
                diagnosis.fix(fix)
            }
        }
    };
    SourceError::new(SourceErrorKind::NotPermitted, diagnosis)
}

/// Returns whether the job runs for a pull request from a fork; `None` where that is not known.
fn is_from_fork(context: &Context) -> Option<bool> {
    let environment = context.environment();
    let event = environment.get("GITHUB_EVENT_NAME").unwrap_or_default();
    if !event.starts_with("pull_request") {
        return Some(false);
    }
    let path = environment.get("GITHUB_EVENT_PATH")?;
    let event = context.files().read(Path::new(path), MAX_EVENT).ok()?;
    let event: Event = serde_json::from_slice(&event).ok()?;
    // `null` stands for a fork that was deleted since.
    let Some(head) = event.pull_request.head.repo else { return Some(true) };
    match (head.full_name, environment.get("GITHUB_REPOSITORY")) {
        // `fork` is not asked first: it says that the head's repository was forked from any other, and a
        // repository that is a fork itself gets pull requests from its own branches too.
        (Some(head), Some(base)) => Some(!head.eq_ignore_ascii_case(base)),
        _ => head.fork,
    }
}

/// The part of a pull request's event that tells its origin.
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
