//! Advice for a job on GitLab CI, before it asks a registry.

use oidc_core::{Claims, Diagnosis, FieldValue, Severity, Unverified};

use super::claims::own_file;
use super::fields::CI_CONFIG;
use super::publisher::MERGE_REQUEST;
use crate::advice::{claim, no_environment, self_hosted};
use crate::codes;
use crate::links;
use crate::provider::Platform;

/// The configuration of a publisher that accepts this job.
pub(super) fn settings(platform: &Platform, claims: &Unverified<Claims>) -> Vec<FieldValue> {
    let file = || own_file(claims.read_unverified()).map(Into::into);
    platform
        .settings_with(claims, |field| (field.key == CI_CONFIG.key).then(|| FieldValue::new(field, file())))
}

/// Properties of this job that are easily overlooked.
pub(super) fn advise(claims: &Claims) -> Vec<Diagnosis> {
    let runner = "let the publishing job run on a hosted runner of GitLab's, by its `tags`";
    let advice = [
        fork(claims),
        merge_request(claims),
        other_configuration(claims),
        self_hosted(claims, codes::GITLAB_SELF_HOSTED, runner, links::GITLAB_ID_TOKENS),
        no_environment(claims, codes::GITLAB_NO_ENVIRONMENT, links::GITLAB_ENVIRONMENTS),
    ];
    advice.into_iter().flatten().collect()
}

fn fork(claims: &Claims) -> Option<Diagnosis> {
    let (job, project) = (claims.text("job_project_path")?, claims.text("project_path")?);
    if job.eq_ignore_ascii_case(&project) {
        return None;
    }
    let problem =
        "this job runs in another project than its token speaks for: a fork's pipeline can't publish";
    let fix = "publish from a tag's or a branch's pipeline of the project itself";
    let diagnosis = Diagnosis::new(codes::GITLAB_JOB_PROJECT, claim("job_project_path"), problem);
    Some(diagnosis.found(job).expected(project).fix(fix).link(links::GITLAB_ID_TOKENS))
}

fn merge_request(claims: &Claims) -> Option<Diagnosis> {
    let source = claims.text("pipeline_source").filter(|source| source == MERGE_REQUEST)?;
    let problem = "this job runs for a merge request, before it is merged";
    let fix = "publish from a tag's or a branch's pipeline: `rules: [{ if: $CI_COMMIT_TAG }]`";
    let diagnosis = Diagnosis::new(codes::GITLAB_MERGE_REQUEST, claim("pipeline_source"), problem);
    Some(diagnosis.severity(Severity::Warning).found(source).fix(fix).link(links::GITLAB_ID_TOKENS))
}

fn other_configuration(claims: &Claims) -> Option<Diagnosis> {
    let value = claims.get("ci_config_ref_uri")?;
    if own_file(claims).is_some() {
        return None;
    }
    let problem = "the CI configuration is no file of the project itself, and no publisher can name it";
    let fix = "publish with a CI configuration that is a file of the project; it may `include` others";
    let diagnosis = Diagnosis::new(codes::GITLAB_CI_CONFIG_OUTSIDE, claim("ci_config_ref_uri"), problem);
    Some(diagnosis.found(value.raw()).fix(fix).link(links::GITLAB_ID_TOKENS))
}
