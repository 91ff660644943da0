//! Advice for a job on GitLab CI, before it asks a registry.

use oidc_core::{Claims, Diagnosis, FieldValue, PublisherField, Severity, Target, Unverified};

use super::claims::CiConfig;
use super::fields::{CI_CONFIG, FIELDS};
use super::publisher::{MERGE_REQUEST, instance};
use crate::codes;
use crate::links;

/// The configuration of a publisher that accepts this job.
pub(super) fn settings(claims: &Unverified<Claims>) -> Vec<FieldValue> {
    let setting = |field: &'static PublisherField| {
        if field.key == CI_CONFIG.key {
            return FieldValue::new(field, ci_config(claims.read_unverified()).map(Into::into));
        }
        FieldValue::of_claim(field, claims)
    };
    FIELDS.iter().map(setting).collect()
}

fn ci_config(claims: &Claims) -> Option<String> {
    let (issuer, uri, project) =
        (claims.text("iss")?, claims.text("ci_config_ref_uri")?, claims.text("project_path")?);
    let revision = |claim| claims.text(claim).unwrap_or_default();
    let revisions = [&*revision("ref_path"), &*revision("sha")];
    CiConfig::parse(&uri, instance(&issuer), &project, revisions).map(|found| found.file.to_owned())
}

/// Properties of this job that are easily overlooked.
pub(super) fn advise(claims: &Claims) -> Vec<Diagnosis> {
    [
        fork(claims),
        merge_request(claims),
        other_configuration(claims),
        self_hosted(claims),
        no_environment(claims),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn claim(name: &str) -> Target {
    Target::Claim(name.to_owned())
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
    if ci_config(claims).is_some() {
        return None;
    }
    let problem = "the CI configuration is no file of the project itself, and no publisher can name it";
    let fix = "publish with a CI configuration that is a file of the project; it may `include` others";
    let diagnosis = Diagnosis::new(codes::GITLAB_CI_CONFIG_OUTSIDE, claim("ci_config_ref_uri"), problem);
    Some(diagnosis.found(value.raw()).fix(fix).link(links::GITLAB_ID_TOKENS))
}

fn self_hosted(claims: &Claims) -> Option<Diagnosis> {
    let runner = claims.text("runner_environment").filter(|runner| runner == "self-hosted")?;
    let problem =
        "this job runs on a self-hosted runner, and some registries, npm's among them, let none publish";
    let fix = "let the publishing job run on a hosted runner of GitLab's, by its `tags`";
    let diagnosis = Diagnosis::new(codes::GITLAB_SELF_HOSTED, claim("runner_environment"), problem);
    Some(diagnosis.severity(Severity::Warning).found(runner).fix(fix).link(links::GITLAB_ID_TOKENS))
}

fn no_environment(claims: &Claims) -> Option<Diagnosis> {
    if claims.text("environment").is_some_and(|environment| !environment.is_empty()) {
        return None;
    }
    let problem = "this job names no environment: a publisher that asks for one will not accept it";
    let fix = "if the publisher has an environment, add `environment: NAME` to the job, or else leave it out on both sides";
    let diagnosis = Diagnosis::new(codes::GITLAB_NO_ENVIRONMENT, claim("environment"), problem);
    Some(diagnosis.severity(Severity::Notice).fix(fix).link(links::GITLAB_ENVIRONMENTS))
}
