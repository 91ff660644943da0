//! Advice for a job on GitHub Actions, before it asks a registry.

use oidc_core::{Claims, Diagnosis, FieldValue, Severity, Unverified, shown};

use super::fields::{JOB_WORKFLOW, WORKFLOW};
use super::workflow::{FOLDER, compared_field, elsewhere, split_folder};
use crate::advice::{claim, no_environment, self_hosted};
use crate::codes;
use crate::links;
use crate::provider::Platform;
use crate::rules::compared::Compared;
use crate::rules::workflow::{PULL_REQUEST_TARGET, RunAt};

/// The configuration of a publisher that accepts this job.
pub(super) fn settings(platform: &Platform, claims: &Unverified<Claims>) -> Vec<FieldValue> {
    let (read, compared) = (claims.read_unverified(), platform.compared());
    let is_same = read.text(JOB_WORKFLOW.claim) == read.text(WORKFLOW.claim);
    let mut settings = platform.settings_with(claims, |field| match field.key {
        key if key == WORKFLOW.key => {
            let file = workflow(read, compared).map(Into::into);
            Some(FieldValue::new(field, file).claim(compared_field(compared).claim))
        }
        key if key == JOB_WORKFLOW.key && is_same => Some(FieldValue::new(field, None)),
        _ => None,
    });
    // Where the called workflow is compared, a second field for it would be the same rule.
    settings.retain(|setting| !compared.is_called() || setting.field.key != JOB_WORKFLOW.key);
    settings
}

/// The file of the compared workflow, if a publisher can name it.
fn workflow(claims: &Claims, compared: Compared) -> Option<String> {
    let text = |claim| claims.text(claim).filter(|text| !text.is_empty());
    let whole = text(compared_field(compared).claim)?;
    let (repository, file) = RunAt::of(claims).split(&whole, FOLDER, compared)?;
    let is_own = || text("repository").is_some_and(|own| own.eq_ignore_ascii_case(repository));
    (!compared.is_called() || compared.is_anywhere() || is_own()).then(|| file.to_owned())
}

/// Properties of this job that are easily overlooked.
pub(super) fn advise(claims: &Claims, compared: Compared) -> Vec<Diagnosis> {
    let runner = "let the publishing job run on a runner of GitHub's, such as `runs-on: ubuntu-latest`";
    let advice = [
        event(claims),
        reusable_workflow(claims, compared),
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
fn reusable_workflow(claims: &Claims, compared: Compared) -> Option<Diagnosis> {
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
    let fix = match workflow(claims, compared) {
        _ if is_refused => elsewhere(compared).to_owned(),
        Some(file) if compared.is_known() => {
            let which = if compared.is_called() { CALLED } else { STARTED };
            let of = other.filter(|_| compared.is_called() && is_others);
            let of = of.map_or_else(String::new, |other| format!(" of repository `{}`", shown(other)));
            format!("configure the publisher with `{}`{of}, {which}; {BOTH}", shown(&file))
        }
        None if compared.is_called() => format!("{AT_THE_REF}; {BOTH}"),
        _ => format!("{ANY}; {BOTH}"),
    };
    let subject = claim(compared_field(compared).claim);
    let diagnosis = Diagnosis::new(codes::GITHUB_REUSABLE_WORKFLOW, subject, problem).severity(severity);
    Some(diagnosis.found(format!("{caller} called {called}")).fix(fix).link(links::GITHUB_REUSABLE))
}

const ANY: &str = "configure the publisher with the file that was started (`workflow_ref`), which npm and crates.io compare; PyPI, \
                   RubyGems and NuGet compare the called one (`job_workflow_ref`)";

const STARTED: &str =
    "the workflow that was started (`workflow_ref`): this registry compares that one and not the called one";

const CALLED: &str = "the workflow that holds the job (`job_workflow_ref`): this registry compares that one and not the one that was \
                      started";

const AT_THE_REF: &str = "call it at the run's own ref, such as by `uses: ./.github/workflows/publish.yml`: this registry compares the \
                          workflow that holds the job (`job_workflow_ref`), and accepts one of the publisher's own repository at no other ref";

const BOTH: &str = "give `permissions: id-token: write` to both";
