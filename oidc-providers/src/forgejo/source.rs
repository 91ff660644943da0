use oidc_core::{Context, Detection, Diagnosis, SourceError, SourceErrorKind, Target, TokenSource};

use crate::codes;
use crate::endpoint::Endpoint;
use crate::links;
use crate::runner::{RunnerSource, is_forgejos};

const FIX: &str =
    "a job may ask until it ends, and not outside of it; check `enable-openid-connect: true` in the workflow";

/// Returns a token source, if the job runs on Forgejo Actions.
pub(super) fn detect(detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
    if !is_forgejos(detection.context.environment()) {
        return Ok(None);
    }
    let fix = "leave the variable as the runner sets it; an instance has to be reached over https";
    let no_url = (codes::FORGEJO_REQUEST_URL, fix);
    RunnerSource::read(detection.context, super::ID, endpoint, not_enabled, no_url).map(Some)
}

fn endpoint(context: &Context) -> Endpoint {
    Endpoint::new(context, "Forgejo", FIX)
}

/// The error of a job whose workflow asks for no tokens.
fn not_enabled(missing: &str) -> SourceError {
    let problem = format!(
        "this job may not ask for identity tokens: variable `{missing}` is not set; Forgejo has no `permissions` for it"
    );
    let diagnosis =
        Diagnosis::new(codes::FORGEJO_NOT_ENABLED, Target::Variable(missing.to_owned()), problem)
            .fix("add `enable-openid-connect: true` to the workflow or the job; it needs Forgejo 15 and its runner")
            .link(links::FORGEJO_OIDC);
    SourceError::new(SourceErrorKind::NotPermitted, diagnosis)
}
