//! Advice for a job on GitLab CI, before it asks a registry.

use oidc_core::{Claims, Diagnosis, Severity};

use super::claims::own_file;
use super::publisher::MERGE_REQUEST;
use crate::advice::{claim, no_environment, self_hosted};
use crate::codes;
use crate::links;
use crate::rules::token::Token;

/// Properties of this job that are easily overlooked.
pub(super) fn advise(token: &Token<'_>) -> Vec<Diagnosis> {
    let runner = "let the publishing job run on a hosted runner of GitLab's, by its `tags`";
    let advice = [
        fork(token.claims),
        merge_request(token.claims),
        other_configuration(token),
        self_hosted(token.claims, codes::GITLAB_SELF_HOSTED, runner, links::GITLAB_ID_TOKENS),
        no_environment(token.claims, codes::GITLAB_NO_ENVIRONMENT, links::GITLAB_ENVIRONMENTS),
    ];
    advice.into_iter().flatten().collect()
}

fn fork(claims: &Claims) -> Option<Diagnosis> {
    let project = claims.text("project_path")?;
    let job = claims.text("job_project_path").filter(|job| !job.eq_ignore_ascii_case(&project))?;
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

fn other_configuration(token: &Token<'_>) -> Option<Diagnosis> {
    let is_own = own_file(token.claims, token.comparison).is_some();
    let value = token.claims.get("ci_config_ref_uri").filter(|_| !is_own)?;
    let problem = "the CI configuration is no file of the project itself, and no publisher can name it";
    let fix = "publish with a CI configuration that is a file of the project; it may `include` others";
    let diagnosis = Diagnosis::new(codes::GITLAB_CI_CONFIG_OUTSIDE, claim("ci_config_ref_uri"), problem);
    Some(diagnosis.found(value.raw()).fix(fix).link(links::GITLAB_ID_TOKENS))
}
