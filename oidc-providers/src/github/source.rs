use std::path::Path;

use oidc_core::{Context, Detection, Diagnosis, SourceError, SourceErrorKind, Target, TokenSource};
use serde_json::Value;

use crate::codes;
use crate::endpoint::{Codes, Endpoint};
use crate::links;
use crate::runner::{RunnerSource, has_pair, is_forgejos, server_is_githubs};

/// The limit on an event's file, in bytes.
const MAX_EVENT: usize = 1024 * 1024;

const FIX: &str = "a job may ask until it ends, and not outside of it; check `permissions: id-token: write`";

const AT_FAULT: &str = "run the job again; see https://www.githubstatus.com if it goes on";

const CODES: Codes = Codes {
    unavailable: codes::GITHUB_UNAVAILABLE,
    refused: codes::GITHUB_REFUSED,
    no_token: codes::GITHUB_NO_TOKEN,
    unusable: codes::GITHUB_INVALID_TOKEN,
};

/// Returns a token source, if the job runs on GitHub Actions.
pub(super) fn detect(detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
    let context = detection.context;
    let environment = context.environment();
    // `GITHUB_ACTIONS` alone proves nothing, since runners of other servers set it too; and a runner that gives
    // tokens as GitHub's does need not set it.
    let is_runners = has_pair(environment) || environment.get("GITHUB_ACTIONS") == Some("true");
    if is_forgejos(environment) || !is_runners {
        return Ok(None);
    }
    // An error and not `None`: the platform is known, and only the job's permission is missing.
    let not_permitted = |missing| not_permitted(context, missing);
    let no_url = (codes::GITHUB_REQUEST_URL, "leave the variable as the runner sets it");
    RunnerSource::read(context, super::ID, endpoint, not_permitted, no_url).map(Some)
}

fn endpoint(context: &Context) -> Endpoint {
    Endpoint::new(context, "GitHub", FIX).with(AT_FAULT, &CODES)
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
    let event: Value = serde_json::from_slice(&event).ok()?;
    let head = event.pointer("/pull_request/head/repo")?;
    let text = |name| head.get(name).and_then(Value::as_str);
    match (text("full_name"), environment.get("GITHUB_REPOSITORY")) {
        // `null` stands for a fork that was deleted since.
        _ if head.is_null() => Some(true),
        // `fork` is not asked first: it says that the head's repository was forked from any other, and a
        // repository that is a fork itself gets pull requests from its own branches too.
        (Some(head), Some(base)) => Some(!head.eq_ignore_ascii_case(base)),
        _ => head.get("fork")?.as_bool(),
    }
}
