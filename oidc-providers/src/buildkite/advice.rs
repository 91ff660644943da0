//! Advice for a job on Buildkite, before it asks a registry.

use oidc_core::{Claims, Diagnosis, Severity};

use crate::advice::claim;
use crate::codes;
use crate::links;

/// Properties of this job that are easily overlooked.
pub(super) fn advise(claims: &Claims) -> Vec<Diagnosis> {
    branch(claims).into_iter().collect()
}

fn branch(claims: &Claims) -> Option<Diagnosis> {
    let present = |claim| claims.text(claim).filter(|text| !text.is_empty());
    if present("build_tag").is_some() {
        return None;
    }
    let branch = present("build_branch")?;
    let problem = "this job builds a branch, and a branch's name proves little: whoever starts a build writes it, and where the \
                   pipeline builds pull requests from forks, a fork's branch may be called the same";
    let fix = "publish from a pipeline that builds no pull requests from forks, and constrain `step_key` or `build_tag` too";
    let diagnosis = Diagnosis::new(codes::BUILDKITE_BRANCH, claim("build_branch"), problem);
    // No notice: that a registry accepts the job does not settle it.
    Some(diagnosis.severity(Severity::Warning).found(branch).fix(fix).link(links::BUILDKITE_OIDC))
}
