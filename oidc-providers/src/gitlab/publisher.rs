use std::borrow::Cow;

use oidc_core::{Diagnosis, Mismatch, Target};

use super::claims::{CiConfig, instance};
use super::fields::{
    CI_CONFIG, ENVIRONMENT, EVENT, FIELDS, NAMESPACE_ID, PROJECT, PROJECT_ID, REF, REF_PROTECTED,
    RUNNER_ENVIRONMENT,
};
use super::names;
use crate::codes;
use crate::rules::rule::Rule;
use crate::rules::table::{Ids, Key, Table};
use crate::rules::token::{Token, differs};
use crate::rules::{Field, events};

/// The rules of a project's CI configuration that may publish.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    keys: &[Key::of_issuer(&PROJECT, names::project)],
    ids: Ids::numbers(&[&PROJECT_ID, &NAMESPACE_ID]).tell_renames(),
    rules: &[&[
        Rule::Agrees(&NAMESPACE, &PROJECT, namespace),
        Rule::Always(has_own_configuration),
        Rule::Always(is_of_project),
        Rule::Part(&CI_CONFIG, names::ci_config, path),
        Rule::Events(&EVENT, None, events::of_gitlab),
        Rule::Environment(&ENVIRONMENT, names::environment),
        Rule::Ref(&REF),
        Rule::Protected(&REF_PROTECTED),
        Rule::Choice(&RUNNER_ENVIRONMENT),
    ]],
    is_certified: true,
    ..Table::EMPTY
};

const NAMESPACE: Field = PROJECT.on("namespace_path", codes::GITLAB_NAMESPACE_PATH);
const JOB_PROJECT: Field = PROJECT.on("job_project_path", codes::GITLAB_JOB_PROJECT);
const JOB_PROJECT_ID: Field = PROJECT_ID.on("job_project_id", codes::GITLAB_JOB_PROJECT);

/// Pipelines of merge requests, a fork's included.
pub(super) const MERGE_REQUEST: &str = "merge_request_event";

/// The refs of merge requests' pipelines. Their child pipelines run on these refs too, with another source.
const MERGE_REQUEST_REFS: &str = "refs/merge-requests/";

/// The namespace of a project: all its groups, which may be several.
fn namespace(project: &str) -> &str {
    project.rsplit_once('/').map_or("", |(namespace, _)| namespace)
}

/// GitLab writes `null` where the configuration is not a file of a project on the instance.
fn has_own_configuration(token: &Token<'_>) -> Result<(), Mismatch> {
    if !token.claims.get(CI_CONFIG.claim).is_some_and(|uri| uri.is_null()) {
        return Ok(());
    }
    let problem = "claim `ci_config_ref_uri` is null: the CI configuration is outside of the project";
    let subject = Target::Claim(CI_CONFIG.claim.to_owned());
    let fix = "publish with a CI configuration that is a file of the project";
    Err(Mismatch::new(Diagnosis::new(codes::GITLAB_CI_CONFIG_OUTSIDE, subject, problem).fix(fix)))
}

/// Refuses a job that runs anywhere but in the project. Tokens of GitLab before 18.4 don't say where the
/// job runs, and a merge request's pipeline may then run in a fork.
fn is_of_project(token: &Token<'_>) -> Result<(), Mismatch> {
    let mut is_told = true;
    for (of_job, of_project) in [(&JOB_PROJECT, &PROJECT), (&JOB_PROJECT_ID, &PROJECT_ID)] {
        if token.claims.get(of_job.claim).is_none() {
            is_told = false;
            continue;
        }
        let project = token.required(of_project.claim)?;
        let found = token.required(of_job.claim)?;
        if !token.comparison.same(of_job, &found, &project) {
            let fix = "run the publish in the project itself, not in a fork's pipeline";
            return Err(Mismatch::new(differs(of_job, &found, &project).fix(fix)));
        }
    }
    let source = token.required(EVENT.claim)?;
    let git_ref = token.required(REF.claim)?;
    let (claim, found) = match &*source {
        // Both claims on the job's project were present and equal above.
        _ if is_told => return Ok(()),
        MERGE_REQUEST => (EVENT.claim, source),
        _ if git_ref.starts_with(MERGE_REQUEST_REFS) => (REF.claim, git_ref),
        _ => return Ok(()),
    };
    let problem = "a merge request's pipeline may run in a fork, and the token doesn't say where it does";
    let subject = Target::Claim(claim.to_owned());
    let fix = "publish from a branch's or a tag's pipeline, or update GitLab to 18.4";
    Err(Mismatch::new(Diagnosis::new(codes::GITLAB_MERGE_REQUEST, subject, problem).found(found).fix(fix)))
}

/// Finds the path of the CI configuration that a pipeline began with, which is a file of the project.
fn path<'t>(field: &'static Field, token: &Token<'t>, expected: &str) -> Result<Cow<'t, str>, Mismatch> {
    let uri = token.required(field.claim)?;
    let project = token.required(PROJECT.claim)?;
    let (git_ref, sha) = (token.required(REF.claim)?, token.required("sha")?);
    let issuer = token.required("iss")?;
    let instance = instance(&issuer);
    match CiConfig::parse(&uri, instance, &project, [&git_ref, &sha]) {
        // `CiConfig::parse` cuts the project off by its length alone.
        Some(found) if token.comparison.same(&PROJECT, found.project, &project) => {
            Ok(found.file.to_owned().into())
        }
        _ => {
            let expected = format!("{instance}/{project}//{expected}@{git_ref}");
            let fix = "publish with a CI configuration of the project itself, at the pipeline's own ref";
            Err(Mismatch::new(differs(field, &uri, &expected).fix(fix)))
        }
    }
}
