use oidc_core::{Detection, SourceError, TokenSource};

use crate::codes;
use crate::endpoint::Endpoint;
use crate::links;
use crate::runner::{NotPermitted, Runner, is_forgejos};

const FIX: &str =
    "a job may ask until it ends, and not outside of it; check `enable-openid-connect: true` in the workflow";

static RUNNER: Runner = Runner {
    provider: super::ID,
    endpoint: |context| Endpoint::new(context, "Forgejo", FIX),
    no_url: (
        codes::FORGEJO_REQUEST_URL,
        "leave the variable as the runner sets it; an instance has to be reached over https",
    ),
    not_permitted: NotPermitted {
        code: codes::FORGEJO_NOT_ENABLED,
        more: "; Forgejo has no `permissions` for it",
        fix: "add `enable-openid-connect: true` to the workflow or the job; it needs Forgejo 15 and its runner",
        link: links::FORGEJO_OIDC,
    },
    from_fork: None,
    on_other_servers: None,
};

/// Returns a token source, if the job runs on Forgejo Actions.
pub(super) fn detect(detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
    if !is_forgejos(detection.context.environment()) {
        return Ok(None);
    }
    RUNNER.source(detection.context).map(Some)
}
