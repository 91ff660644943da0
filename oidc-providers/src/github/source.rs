use oidc_core::{Context, Detection, Diagnosis, SourceError, SourceErrorKind, Target, TokenSource};

use crate::codes;
use crate::endpoint::{Codes, Endpoint};
use crate::links;
use crate::runner::{RunnerSource, has_pair, is_forgejos, is_from_fork, server_is_githubs};

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
    let without = format!("may not ask for identity tokens: variable `{missing}` is not set");
    let (code, problem, fix, link) = match is_from_fork(context) {
        Some(true) => (
            codes::GITHUB_FORK,
            "a pull request from a fork gets no identity token, whatever the workflow permits".to_owned(),
            "publish after the merge: by a push, a tag or a release of the repository itself",
            Some(links::GITHUB_EVENTS),
        ),
        None => (
            codes::GITHUB_NOT_PERMITTED,
            format!(
                "this job runs for a pull request and {without}; if this is a pull request from a fork, it gets none whatever \
                 the workflow permits"
            ),
            "publish after the merge: by a push, a tag or a release of the repository itself; or, if the pull request is no \
             fork's, add `permissions: id-token: write` to the job",
            Some(links::GITHUB_EVENTS),
        ),
        Some(false) => {
            let is_others = server_is_githubs(context.environment()) == Some(false);
            let fix = if is_others { ON_OTHER_SERVERS } else { ON_GITHUB };
            let link = (!is_others).then_some(links::GITHUB_OIDC);
            (codes::GITHUB_NOT_PERMITTED, format!("this job {without}"), fix, link)
        }
    };
    let diagnosis = Diagnosis::new(code, Target::Variable(missing.to_owned()), problem).fix(fix);
    let diagnosis = link.into_iter().fold(diagnosis, Diagnosis::link);
    SourceError::new(SourceErrorKind::NotPermitted, diagnosis)
}

const ON_GITHUB: &str =
    "add `permissions: id-token: write` to the job (and to the calling job of a reusable workflow)";

const ON_OTHER_SERVERS: &str = "on GitHub Enterprise Server, add `permissions: id-token: write` to the job; a server that is only \
                                compatible with GitHub has a setting of its own, as Forgejo's `enable-openid-connect: true`, or gives no \
                                identity tokens";
