//! Advice for a job on GitHub Actions, before it asks a registry.

use oidc_core::{Claims, Diagnosis, FieldValue, PublisherField, Severity, Unverified};

use super::fields::{JOB_WORKFLOW, WORKFLOW};
use super::workflow::{compared_field, file, split_folder};
use crate::advice::{claim, no_environment, self_hosted};
use crate::codes;
use crate::links;
use crate::provider::Platform;
use crate::rules::token::Token;
use crate::rules::workflow::PULL_REQUEST_TARGET;

/// The configuration of a publisher that accepts this job.
pub(super) fn settings(platform: &Platform, claims: &Unverified<Claims>) -> Vec<FieldValue> {
    let read = claims.read_unverified();
    let is_same = read.text(JOB_WORKFLOW.claim) == read.text(WORKFLOW.claim);
    let is_job = |field: &PublisherField| field.key == JOB_WORKFLOW.key;
    let unset =
        |field: &'static PublisherField| (is_same && is_job(field)).then(|| FieldValue::new(field, None));
    let mut settings = platform.settings_with(claims, unset);
    // Where the called workflow is compared, a second field for it would be the same rule.
    settings.retain(|setting| !platform.compared().is_called() || !is_job(setting.field));
    settings
}

/// Properties of this job that are easily overlooked.
pub(super) fn advise(token: &Token<'_>) -> Vec<Diagnosis> {
    let claims = token.claims;
    let runner = "let the publishing job run on a runner of GitHub's, such as `runs-on: ubuntu-latest`";
    let advice = [
        event(claims),
        reusable_workflow(token),
        self_hosted(claims, codes::GITHUB_SELF_HOSTED, runner, links::GITHUB_OIDC),
        no_environment(claims, codes::GITHUB_NO_ENVIRONMENT, links::GITHUB_ENVIRONMENTS),
    ];
    advice.into_iter().flatten().collect()
}

fn event(claims: &Claims) -> Option<Diagnosis> {
    let event = claims.text("event_name")?;
    let (severity, problem, fix) = match &*event {
        PULL_REQUEST_TARGET => (
            Severity::Error,
            "registries let no job publish that `pull_request_target` started, since strangers can start it",
            "start the publish by another event: `push` of a tag, `release` or `workflow_dispatch`",
        ),
        "workflow_run" => (
            Severity::Warning,
            "some registries, crates.io among them, let no job publish that `workflow_run` started",
            "start the publish by another event: `push` of a tag, `release` or `workflow_dispatch`",
        ),
        "pull_request" => (
            Severity::Warning,
            "this job runs for a pull request, before it is merged",
            "publish after the merge: by `push` of a tag, `release` or `workflow_dispatch`",
        ),
        _ => return None,
    };
    let diagnosis =
        Diagnosis::new(codes::GITHUB_EVENT, claim("event_name"), problem).severity(severity).found(event);
    Some(diagnosis.fix(fix).link(links::GITHUB_EVENTS))
}

/// Advice for a job in a reusable workflow. The caller is the workflow that was started, and the called
/// workflow holds the job. Registries differ in the one that they compare.
fn reusable_workflow(token: &Token<'_>) -> Option<Diagnosis> {
    let (claims, compared) = (token.claims, token.comparison.workflow);
    let (caller, called) = (claims.text("workflow_ref")?, claims.text("job_workflow_ref")?);
    if compared.is_neither() || caller == called || called.is_empty() {
        return None;
    }
    let other = split_folder(&called).map(|(repository, _)| repository);
    let own = claims.text("repository");
    let is_others = other.zip(own).is_some_and(|(other, own)| !other.eq_ignore_ascii_case(&own));
    let place = if is_others { " in another repository" } else { "" };
    let problem =
        format!("this job is in a reusable workflow{place}: the workflow that was started called it");
    let is_refused = compared.is_called() && !compared.is_anywhere() && is_others;
    let severity = if is_refused { Severity::Error } else { Severity::Warning };
    let field = compared_field(compared);
    let file = file(field, token, "").ok();
    let fix = if is_refused {
        compared.elsewhere().to_owned()
    } else {
        let configure = compared.configure(file.as_deref(), other.filter(|_| is_others));
        format!("{configure}; give `permissions: id-token: write` to both")
    };
    let subject = claim(field.claim);
    let diagnosis = Diagnosis::new(codes::GITHUB_REUSABLE_WORKFLOW, subject, problem).severity(severity);
    Some(diagnosis.found(format!("{caller} called {called}")).fix(fix).link(links::GITHUB_REUSABLE))
}
