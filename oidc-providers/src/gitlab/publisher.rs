use std::borrow::Cow;

use oidc_core::{Diagnosis, Mismatch};

use super::claims::{instance, own_file};
use super::fields::{
    CI_CONFIG, ENVIRONMENT, EVENT, FIELDS, NAMESPACE_ID, PROJECT, PROJECT_ID, REF, REF_PROTECTED,
    RUNNER_ENVIRONMENT,
};
use super::names;
use crate::advice::claim;
use crate::codes;
use crate::rules::rule::Rule;
use crate::rules::table::{Ids, Key, Table};
use crate::rules::token::{Token, differs};
use crate::rules::{Field, events, paths};

/// The rules of a project's CI configuration that may publish.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    keys: &[Key::of_issuer(&PROJECT, names::project)],
    ids: Ids::numbers(&[&PROJECT_ID, &NAMESPACE_ID]).tell_renames(),
    rules: &[&[
        Rule::Agrees(&NAMESPACE, &PROJECT, paths::owner),
        Rule::Always(has_own_configuration),
        Rule::Repeats(&JOB_PROJECT, &PROJECT, NOT_IN_A_FORK),
        Rule::Repeats(&JOB_PROJECT_ID, &PROJECT_ID, NOT_IN_A_FORK),
        Rule::Always(says_where_it_runs),
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

/// The fix of a job that runs in another project than its token's.
const NOT_IN_A_FORK: &str = "run the publish in the project itself, not in a fork's pipeline";

/// Pipelines of merge requests, a fork's included.
pub(super) const MERGE_REQUEST: &str = "merge_request_event";

/// GitLab writes `null` where the configuration is not a file of a project on the instance.
fn has_own_configuration(token: &Token<'_>) -> Result<(), Mismatch> {
    if !token.claims.get(CI_CONFIG.claim).is_some_and(|uri| uri.is_null()) {
        return Ok(());
    }
    let problem = "claim `ci_config_ref_uri` is null: the CI configuration is outside of the project";
    let diagnosis = Diagnosis::new(codes::GITLAB_CI_CONFIG_OUTSIDE, claim(CI_CONFIG.claim), problem);
    Err(Mismatch::new(diagnosis.fix("publish with a CI configuration that is a file of the project")))
}

/// Refuses a merge request's pipeline, or a child that may be one, whose token does not say where the job runs, as none did
/// before GitLab 18.4. The merge request may be of a fork: its pipeline can run in the project itself, and the branch in its
/// token is then the fork's. No merge request's pipeline runs on a tag.
fn says_where_it_runs(token: &Token<'_>) -> Result<(), Mismatch> {
    let has = |claim: &str| token.claims.get(claim).is_some();
    let (source, git_ref) = (token.required(EVENT.claim)?, token.required(REF.claim)?);
    let (of, found) = match &*source {
        // Both claims are the project's: the rules before this one compared them.
        _ if has(JOB_PROJECT.claim) && has(JOB_PROJECT_ID.claim) => return Ok(()),
        MERGE_REQUEST => (EVENT.claim, source),
        _ if git_ref.starts_with("refs/merge-requests/") => (REF.claim, git_ref),
        // A certificate has no audience, and does not say where a job runs in any version.
        "parent_pipeline" if !git_ref.starts_with("refs/tags/") && has("aud") => (EVENT.claim, source),
        _ => return Ok(()),
    };
    let problem = "the pipeline may be of a fork's merge request: the token doesn't say where its job runs";
    let fix = "publish from a branch's or a tag's pipeline, or update GitLab to 18.4";
    Err(Mismatch::new(Diagnosis::new(codes::GITLAB_MERGE_REQUEST, claim(of), problem).found(found).fix(fix)))
}

/// Finds the path of the CI configuration that a pipeline began with, which is a file of the project.
fn path<'t>(field: &'static Field, token: &Token<'t>, expected: &str) -> Result<Cow<'t, str>, Mismatch> {
    let (uri, project) = (token.required(field.claim)?, token.required(PROJECT.claim)?);
    let (git_ref, issuer) = (token.required(REF.claim)?, token.required("iss")?);
    own_file(token.claims, token.comparison).map(Cow::from).ok_or_else(|| {
        let expected = format!("{}/{project}//{expected}@{git_ref}", instance(&issuer));
        let fix = "publish with a CI configuration of the project itself, at the pipeline's own ref";
        Mismatch::new(differs(field, &uri, &expected).fix(fix))
    })
}
