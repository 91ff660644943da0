//! Advice for a job on CircleCI, before it asks a registry.

use oidc_core::{Claims, Diagnosis, Severity};

use super::claims::{SSH_RERUN, VCS_ORIGIN};
use crate::advice::claim;
use crate::codes;
use crate::links;

/// Properties of this job that are easily overlooked.
pub(super) fn advise(claims: &Claims) -> Vec<Diagnosis> {
    [ssh_rerun(claims), no_origin(claims)].into_iter().flatten().collect()
}

fn ssh_rerun(claims: &Claims) -> Option<Diagnosis> {
    let value = claims.get(SSH_RERUN).filter(|value| value.as_bool() == Some(true))?;
    let problem = "this job was rerun with SSH, and registries accept no publish from such a job: whoever is logged in could take its token";
    let fix = "rerun the job without SSH";
    let diagnosis = Diagnosis::new(codes::CIRCLECI_SSH_RERUN, claim(SSH_RERUN), problem);
    Some(diagnosis.found(value.raw()).expected("false").fix(fix).link(links::CIRCLECI_OIDC))
}

fn no_origin(claims: &Claims) -> Option<Diagnosis> {
    if claims.get(VCS_ORIGIN).is_some() {
        return None;
    }
    let problem = "a custom webhook started this pipeline, and its token names no repository: a publisher that names one will \
                   not accept it";
    let fix = "publish from a push's or a tag's pipeline";
    let diagnosis = Diagnosis::new(codes::CIRCLECI_NO_VCS_ORIGIN, claim(VCS_ORIGIN), problem);
    Some(diagnosis.severity(Severity::Warning).fix(fix).link(links::CIRCLECI_OIDC))
}
