//! Advice for a job on GitHub Actions, before it asks a registry.

use oidc_core::{Claims, Diagnosis, FieldValue, PublisherField, Severity, Target, Unverified, shown};

use super::claims::WorkflowPath;
use super::compared::{Compared, RunAt};
use super::fields::{JOB_WORKFLOW, WORKFLOW};
use crate::codes;
use crate::links;
use crate::rules::workflow::PULL_REQUEST_TARGET;

/// The configuration of a publisher that accepts this job.
pub(super) fn settings(claims: &Unverified<Claims>, compared: Compared) -> Vec<FieldValue> {
    let read = claims.read_unverified();
    let own = read.text(WORKFLOW.claim);
    let setting = |field: &'static PublisherField| match FieldValue::of_claim(field, claims) {
        _ if field.key == WORKFLOW.key => {
            let file = workflow(read, compared).map(Into::into);
            Some(FieldValue::new(field, file).claim(compared.field().claim))
        }
        // Where the called workflow is compared, a second field for it would be the same rule.
        _ if field.key == JOB_WORKFLOW.key && compared.is_called() => None,
        setting if field.key == JOB_WORKFLOW.key && setting.text().as_deref() == own.as_deref() => {
            Some(FieldValue::new(field, None))
        }
        setting => Some(setting),
    };
    compared.fields().iter().filter_map(setting).collect()
}

/// The file of the compared workflow, if a publisher can name it.
fn workflow(claims: &Claims, compared: Compared) -> Option<String> {
    let text = |claim| claims.text(claim).filter(|text| !text.is_empty());
    let whole = text(compared.field().claim)?;
    let (repository, file) = compared.split(&whole, &RunAt::of(claims))?;
    let is_own = || text("repository").is_some_and(|own| own.eq_ignore_ascii_case(repository));
    (!compared.is_called() || compared.is_anywhere() || is_own()).then(|| file.to_owned())
}

/// Properties of this job that are easily overlooked.
pub(super) fn advise(claims: &Claims, compared: Compared) -> Vec<Diagnosis> {
    [event(claims), reusable_workflow(claims, compared), self_hosted(claims), no_environment(claims)]
        .into_iter()
        .flatten()
        .collect()
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
    let subject = Target::Claim("event_name".to_owned());
    let diagnosis = Diagnosis::new(codes::GITHUB_EVENT, subject, problem).severity(severity).found(event);
    Some(diagnosis.fix(fix).link(links::GITHUB_EVENTS))
}

/// Advice for a job in a reusable workflow. The caller is the workflow that was started, and the called
/// workflow holds the job. Registries differ in the one that they compare.
fn reusable_workflow(claims: &Claims, compared: Compared) -> Option<Diagnosis> {
    let (caller, called) = (claims.text("workflow_ref")?, claims.text("job_workflow_ref")?);
    if compared.is_neither() || caller == called || called.is_empty() {
        return None;
    }
    let other = WorkflowPath::parse(&called).map(|path| path.repository);
    let own = claims.text("repository");
    let is_others = other.zip(own).is_some_and(|(other, own)| !other.eq_ignore_ascii_case(&own));
    let place = if is_others { " in another repository" } else { "" };
    let problem =
        format!("this job is in a reusable workflow{place}: the workflow that was started called it");
    let is_refused = compared.is_called() && !compared.is_anywhere() && is_others;
    let severity = if is_refused { Severity::Error } else { Severity::Warning };
    let fix = match workflow(claims, compared) {
        _ if is_refused => compared.elsewhere().to_owned(),
        Some(file) if compared.is_known() => {
            let which = if compared.is_called() { CALLED } else { STARTED };
            let of = other.filter(|_| compared.is_called() && is_others);
            let of = of.map_or_else(String::new, |other| format!(" of repository `{}`", shown(other)));
            format!("configure the publisher with `{}`{of}, {which}; {BOTH}", shown(&file))
        }
        None if compared.is_called() => format!("{AT_THE_REF}; {BOTH}"),
        _ => format!("{ANY}; {BOTH}"),
    };
    let subject = Target::Claim(compared.field().claim.to_owned());
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

fn self_hosted(claims: &Claims) -> Option<Diagnosis> {
    let runner = claims.text("runner_environment").filter(|runner| runner == "self-hosted")?;
    let problem =
        "this job runs on a self-hosted runner, and some registries, npm's among them, let none publish";
    let diagnosis =
        Diagnosis::new(codes::GITHUB_SELF_HOSTED, Target::Claim("runner_environment".to_owned()), problem);
    let fix = "let the publishing job run on a runner of GitHub's, such as `runs-on: ubuntu-latest`";
    Some(diagnosis.severity(Severity::Warning).found(runner).fix(fix).link(links::GITHUB_OIDC))
}

fn no_environment(claims: &Claims) -> Option<Diagnosis> {
    if claims.text("environment").is_some_and(|environment| !environment.is_empty()) {
        return None;
    }
    let problem = "this job names no environment: a publisher that asks for one will not accept it";
    let fix = "if the publisher has an environment, add `environment: NAME` to the job, or else leave it out on both sides";
    let diagnosis =
        Diagnosis::new(codes::GITHUB_NO_ENVIRONMENT, Target::Claim("environment".to_owned()), problem);
    Some(diagnosis.severity(Severity::Notice).fix(fix).link(links::GITHUB_ENVIRONMENTS))
}
