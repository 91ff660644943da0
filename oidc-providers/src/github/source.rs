use oidc_core::{Detection, SourceError, TokenSource};

use crate::codes;
use crate::endpoint::{Codes, Endpoint};
use crate::links;
use crate::runner::{FromFork, NotPermitted, Runner, has_pair, is_forgejos};

const FIX: &str = "a job may ask until it ends, and not outside of it; check `permissions: id-token: write`";

const AT_FAULT: &str = "run the job again; see https://www.githubstatus.com if it goes on";

static RUNNER: Runner = Runner {
    provider: super::ID,
    endpoint: |context| Endpoint::new(context, "GitHub", FIX).with(AT_FAULT, &CODES),
    no_url: (codes::GITHUB_REQUEST_URL, "leave the variable as the runner sets it"),
    not_permitted: NotPermitted {
        code: codes::GITHUB_NOT_PERMITTED,
        more: "",
        fix: "add `permissions: id-token: write` to the job (and to the calling job of a reusable workflow)",
        link: links::GITHUB_OIDC,
    },
    from_fork: Some(FromFork {
        code: codes::GITHUB_FORK,
        link: links::GITHUB_EVENTS,
        otherwise: "add `permissions: id-token: write` to the job",
    }),
    on_other_servers: Some(
        "on GitHub Enterprise Server, add `permissions: id-token: write` to the job; a server that is only \
         compatible with GitHub has a setting of its own, as Forgejo's `enable-openid-connect: true`, or gives no \
         identity tokens",
    ),
};

const CODES: Codes = Codes {
    unavailable: codes::GITHUB_UNAVAILABLE,
    refused: codes::GITHUB_REFUSED,
    no_token: codes::GITHUB_NO_TOKEN,
    unusable: codes::GITHUB_INVALID_TOKEN,
};

/// Returns a token source, if the job runs on GitHub Actions.
pub(super) fn detect(detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
    let environment = detection.context.environment();
    // `GITHUB_ACTIONS` alone proves nothing, since runners of other servers set it too; and a runner that gives
    // tokens as GitHub's does need not set it.
    let is_runners = has_pair(environment) || environment.get("GITHUB_ACTIONS") == Some("true");
    if is_forgejos(environment) || !is_runners {
        return Ok(None);
    }
    RUNNER.source(detection.context).map(Some)
}
